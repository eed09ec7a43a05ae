/* SPDX-License-Identifier: MIT */
/*
 * The code of the tiny guests that are saved and restored: as in guests.S. What is in their registers when
 * they say something must be there when they go on.
 */
#include "guest.inc"

	.macro	msr_set number, value
	mov	$\number, %ecx
	mov	$\value, %eax
	xor	%edx, %edx
	wrmsr
	.endm

	/* EBX counts what is not as it was set. */
	.macro	differs
	je	9f
	inc	%ebx
9:
	.endm

	.macro	msr_check number, value
	mov	$\number, %ecx
	rdmsr
	cmp	$\value, %eax
	differs
	.endm

/* State of all kinds. A deadline of the TSC is out and an interrupt that RFLAGS.IF holds off waits when it
 * says 1; then both come. */
guest saved
	apic_on
	apic_write 0x832, 0x40041
	msr_set 0xc0000081, 0x1111
	msr_set 0xc0000082, 0x2222
	msr_set 0xc0000102, 0x3333
	msr_set 0xc0000100, 0x4444
	msr_set 0x174, 0x55
	msr_set 0x277, 0x01040506
	msr_set 0x200, 0x40000006
	mov	$0x6666, %eax
	mov	%rax, %dr1
	mov	$0x77, %eax
	mov	%rax, %cr2
	apic_write 0x808, 0x50
	mov	$0x8888, %eax
	movq	%rax, %xmm7
	fldpi
	apic_write 0x83f, 0x61
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, %r14
	add	$50000000, %rax
	mov	%rax, %r15
	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$0x6e0, %ecx
	wrmsr
	xor	%ebx, %ebx
	xor	%r12d, %r12d
	mov	$0x9999, %r13d
	say	1

	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, %rbp
	msr_check 0xc0000081, 0x1111
	msr_check 0xc0000082, 0x2222
	msr_check 0xc0000102, 0x3333
	msr_check 0xc0000100, 0x4444
	msr_check 0x174, 0x55
	msr_check 0x277, 0x01040506
	msr_check 0x200, 0x40000006
	mov	%dr1, %rax
	cmp	$0x6666, %rax
	differs
	mov	%cr2, %rax
	cmp	$0x77, %rax
	differs
	mov	%cr8, %rax
	cmp	$5, %rax
	differs
	movq	%xmm7, %rax
	cmp	$0x8888, %rax
	differs
	fldpi
	fcompp
	fnstsw	%ax
	and	$0x4500, %eax
	cmp	$0x4000, %eax
	differs
	cmp	$0x9999, %r13d
	differs
	mov	%ebx, %eax
	out	%eax, $0x99
	/* Of time, only what it ran has passed: less than the deadline. */
	cmp	%r15, %rbp
	setb	%al
	cmp	%r14, %rbp
	seta	%ah
	and	%ah, %al
	movzbl	%al, %eax
	out	%eax, $0x99
	sti
	nop
	cli
	mov	%r12d, %eax
	out	%eax, $0x99
	apic_write 0x808, 0
0:	sti
	hlt
	cli
	test	$1, %r12d
	jz	0b
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	cmp	%r15, %rax
	setae	%al
	movzbl	%al, %eax
	out	%eax, $0x99
	hlt
handler saved timer
	or	$1, %r12d
	jmp	1f
handler saved ipi
	or	$2, %r12d
1:	push	%rax
	push	%rcx
	push	%rdx
	apic_eoi
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
guest_end saved

/* Says the time stamp, in halves, as often as it is asked to. */
guest saved_tsc
0:	rdtsc
	out	%eax, $0x99
	mov	%edx, %eax
	out	%eax, $0x99
	jmp	0b
guest_end saved_tsc

/* In the handler of an NMI: the next one has to wait for the IRET. Its stack is not where another guest had
 * a data breakpoint: QEMU 7.2 may still have that, and ends when an NMI is pushed there. */
guest saved_nmi
	mov	$0x7800, %esp
	say	1
	nop
	say	2
	hlt
handler saved_nmi nmi
	say	0x10
	nop
	say	0x11
	iretq
guest_end saved_nmi
