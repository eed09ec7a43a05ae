/* SPDX-License-Identifier: MIT */
/* The code of tiny guests with a synic: as in guests.S. */
#include "guest.inc"

	.macro	msr_write number, value
	mov	$\number, %ecx
	mov	$\value, %eax
	xor	%edx, %edx
	wrmsr
	.endm

/* Does what RDI says, over and over: the test sets the registers after each `say 1`. R14 is what was read; R12
 * is 13 after #GP. Each interrupt counts RBX or RBP up, and ends by an EOI if R9 is not 0; if it is 2, by the EOI
 * assist, or by an EOI that R8 counts. */
guest synic
	apic_on
	xor	%ebx, %ebx
	xor	%ebp, %ebp
	mov	$1, %r9d
1:	say	1
	xor	%r12d, %r12d
	cmp	$1, %edi
	jb	2f
	je	3f
	cmp	$3, %edi
	jb	4f
	je	5f
	sti				/* 4 */
	hlt
	cli
	jmp	1b
2:	rdmsr				/* 0 */
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, %r14
	jmp	1b
3:	wrmsr				/* 1 */
	jmp	1b
4:	mov	(%rsi), %r14		/* 2 */
	jmp	1b
5:	mov	%r14, (%rsi)		/* 3 */
	sti
	nop
	nop
	cli
	jmp	1b
	.macro	count register
	inc	%\register
	test	%r9d, %r9d
	jz	1f
	cmp	$2, %r9d
	jne	2f
	btrl	$0, 0x62000
	jc	1f
	inc	%r8d
2:	apic_eoi
1:	iretq
	.endm
handler synic irq
	count	rbx
handler synic second
	count	rbp
handler synic gp
	add	$8, %rsp		/* the error code */
	addq	$2, (%rsp)
	mov	$13, %r12d
	iretq
guest_end synic

	.code16
/* VP 1: takes messages from slot 2 until it is told to stop. Their numbers have to follow each other: how many
 * there were is at 0x9010, how many did not at 0x9014, and how many events there were, at 0x9018. */
guest synic_receiver
	xor	%ax, %ax
	mov	%ax, %ds
	mov	$0x6000, %ax
	mov	%ax, %es
	mov	$0x7000, %sp
	apic_on
	msr_write 0x40000083, 0x60001
	msr_write 0x40000082, 0x61001
	msr_write 0x40000092, 0x51
	msr_write 0x40000093, 0x52
	msr_write 0x40000080, 1
	movb	$1, 0x9001
0:	sti
	cmpb	$0, 0x9002
	je	1f
	hlt
1:	cli
	cmpb	$0, 0x9000
	je	0b
	say	4
	hlt
handler synic_receiver message
	mov	%es:0x210, %eax
	cmp	0x9010, %eax
	je	2f
	incl	0x9014
2:	incl	0x9010
	movl	$0, %es:0x200
	lock	orl $0, 0x9014
	testb	$1, %es:0x205
	jz	3f
	msr_write 0x40000084, 0
3:	apic_eoi
	iret
handler synic_receiver event
	lock	andl $0, %es:0x1300
	incl	0x9018
	apic_eoi
	iret
guest_end synic_receiver
	.code64

/* Writes R11 to MSR EDI, RBP times, each time R10 more. R14: the time that it took. */
guest synic_writer
	apic_on
1:	say	1
	rdtsc
	mov	%eax, %r8d
	mov	%edi, %ecx
	mov	%r11, %rdx
	mov	%r11d, %eax
	shr	$32, %rdx
2:	wrmsr
	add	%r10d, %eax		/* the upper half stays */
	dec	%ebp
	jnz	2b
	rdtsc
	sub	%r8d, %eax
	mov	%eax, %r14d
	jmp	1b
guest_end synic_writer

	.code16
/* VP 1: counts messages at 0x9010 as soon as their handler begins, and at 0x9014 when it has ended. */
guest synic_counter
	xor	%ax, %ax
	mov	%ax, %ds
	mov	$0x6000, %ax
	mov	%ax, %es
	mov	$0x7000, %sp
	apic_on
	msr_write 0x40000083, 0x60001
	msr_write 0x40000092, 0x51
	msr_write 0x40000080, 1
	incl	0x9010
	sti
0:	pause				/* an emulator with one thread goes on to the other CPU */
	cmpb	$0, 0x9000
	je	0b
	say	4
	hlt
handler synic_counter message
	incl	0x9010
	pause
	movl	$0, %es:0x200
	apic_eoi
	incl	0x9014
	iret
guest_end synic_counter
	.code64

	.section .note.GNU-stack, "", @progbits
