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

	.section .note.GNU-stack, "", @progbits
