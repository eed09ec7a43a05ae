/* SPDX-License-Identifier: MIT */
/* The code of two tiny guests with two VPs each: as in guests.S. VP 1 is in real mode. */
#include "guest.inc"

	/* VP 1 starts at 0x20000. */
	.macro	second_start
	mov	$0x830, %ecx
	mov	$1, %edx
	mov	$0x4500, %eax
	wrmsr
	mov	$0x4620, %eax
	wrmsr
	.endm

	/* To whichever of the two VPs has the lower priority. */
	.macro	to_lowest vector
	mov	$0x830, %ecx
	mov	$3, %edx
	mov	$(0x4900 + \vector), %eax
	wrmsr
	.endm

	/* Takes the interrupts that wait. */
	.macro	take_all
	sti
	nop
	nop
	cli
	.endm

	.macro	stamp address
	rdtsc
	mov	%eax, \address
	mov	%edx, \address + 4
	.endm

	.macro	msr_store msr, address
	mov	$\msr, %ecx
	rdmsr
	mov	%eax, \address
	mov	%edx, \address + 4
	.endm

/* Two interrupts while VP 0 is the busy one, two while VP 1 is; tells how many it had itself. */
guest elector
	apic_on
	xor	%ebx, %ebx
	second_start
	say	1
	apic_write 0x808, 0x60
	to_lowest 0x50
	to_lowest 0x51
	apic_write 0x808, 0
	take_all
	mov	%ebx, %eax
	out	%eax, $0x99
	to_lowest 0x50
	to_lowest 0x51
	take_all
	mov	%ebx, %eax
	out	%eax, $0x99
	hlt
handler elector irq
	inc	%ebx
	apic_write 0x80b, 0
	iretq
guest_end elector

	.code16
guest elected
	apic_on
	xor	%ebx, %ebx
	say	3
0:	cmp	$2, %bx
	jae	1f
	sti
	hlt
	cli
	jmp	0b
1:	apic_write 0x808, 0x60
	say	4
	apic_write 0x808, 0
	take_all
	mov	%ebx, %eax
	out	%eax, $0x99
	hlt
handler elected irq
	inc	%ebx
	apic_write 0x80b, 0
	iret
guest_end elected
	.code64

/* Starts VP 1, which is looked at from VP 0's CPU: stopped, running, halted. */
guest looker
	apic_on
	second_start
	say	1
	hlt
guest_end looker

	.code16
guest looked
	apic_on
	mov	$0x1234567, %ebx
	xor	%edi, %edi
	say	3
	mov	$0x900, %ax
	mov	%ax, %ds
0:	inc	%edi
	cmpb	$0, 0
	je	0b
	mov	%ebx, %esi
	.rept	8
	xor	%eax, %eax
	cpuid
	.endr
	say	4
	hlt
guest_end looked
	.code64

/* Time stamps to GUEST_DATA; VP 1 meanwhile sets its own. */
guest clock
	apic_on
	stamp	0x9000
	second_start
	say	1
	stamp	0x9008
	say	2
	stamp	0x9010
	msr_store 0x3b, 0x9018
	say	3
	stamp	0x9040
	say	7
	hlt
guest_end clock

	.code16
guest clocked
	stamp	0x9020
	say	4
	mov	$0x10, %ecx
	xor	%eax, %eax
	mov	$0x100, %edx
	wrmsr
	stamp	0x9028
	msr_store 0x3b, 0x9030
	say	5
	apic_write 0x3b, 0
	stamp	0x9038
	say	6
	hlt
guest_end clocked

	.code64
	/* Counts an MSR up; it has to be %r15 then. */
	.macro	msr_count number
	mov	$\number, %ecx
	rdmsr
	inc	%eax
	wrmsr
	rdmsr
	cmp	%r15d, %eax
	jne	mover_wrong
	.endm

/* In each round one more everywhere, a later time stamp, and a tick of a timer that was armed in the
 * round before. */
guest mover
	apic_on
	apic_write 0x83e, 0xb		/* by 1 */
	apic_write 0x832, 0x40		/* one shot */
	xor	%r15d, %r15d
	xor	%r14d, %r14d
	xor	%ebx, %ebx
	pxor	%xmm7, %xmm7
	mov	%r15, %dr0
	mov	$0x174, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	mov	$0xc0000102, %ecx
	wrmsr
	mov	$0xc0000084, %ecx
	wrmsr
1:	inc	%r15d
	msr_count 0x174			/* SYSENTER_CS */
	msr_count 0xc0000102		/* KERNEL_GS_BASE */
	msr_count 0xc0000084		/* SFMASK */
	movq	%xmm7, %rax
	inc	%rax
	movq	%rax, %xmm7
	cmp	%r15, %rax
	jne	mover_wrong
	mov	%dr0, %rax
	inc	%rax
	mov	%rax, %dr0
	cmp	%r15, %rax
	jne	mover_wrong
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	cmp	%r14, %rax
	jbe	mover_wrong
	mov	%rax, %r14
	sti
2:	mov	%ebx, %eax		/* ticks: one behind the rounds */
	inc	%eax
	cmp	%r15d, %eax
	jne	2b
	cli
	apic_write 0x838, 200000
	mov	%r15d, %eax
	out	%eax, $0x99
	jmp	1b
mover_wrong:
	say	99
	hlt
handler mover tick
	inc	%ebx
	push	%rax
	push	%rcx
	push	%rdx
	apic_eoi
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
guest_end mover

	.section .note.GNU-stack, "", @progbits
