/* SPDX-License-Identifier: MIT */
/* The code of tiny guests that use the Hyper-V interface: as in guests.S. */
#include "guest.inc"

/* Does what RDI says, over and over: the test sets the registers after each `say 1`. RAX and RDX are kept in
 * R14 and R15. R13 is the length of the instruction, if it faults; then R12 is the vector. */
guest hyperv
1:	say	1
	xor	%r12d, %r12d
	cmp	$1, %edi
	jb	2f
	je	3f
	cmp	$3, %edi
	jb	4f
	je	5f
	cmp	$5, %edi
	jb	6f
	je	7f
	call	*%rbx			/* 6: the hypercall page */
	jmp	8f
2:	rdmsr				/* 0 */
	jmp	8f
3:	wrmsr				/* 1 */
	jmp	8f
4:	mov	(%rbx), %rax		/* 2 */
	jmp	8f
5:	mov	%rax, (%rbx)		/* 3 */
	jmp	8f
6:	vmcall				/* 4 */
	jmp	8f
7:	vmmcall				/* 5 */
8:	mov	%rax, %r14
	mov	%rdx, %r15
	jmp	1b
handler hyperv gp
	add	$8, %rsp		/* the error code */
	add	%r13, (%rsp)
	mov	$13, %r12d
	iretq
handler hyperv ud
	add	%r13, (%rsp)
	mov	$6, %r12d
	iretq
guest_end hyperv

	.code16
/* VP 1: runs without an exit, and tells so in memory, until it is told to stop. */
guest hyperv_runner
	xor	%ax, %ax
	mov	%ax, %ds
	sti				/* Bochs 2.7 masks the host's with the guest's */
0:	incw	0x9010
	cmpb	$0, 0x9000
	je	0b
	say	4
	hlt
guest_end hyperv_runner
	.code64

/* Sleeps with interrupts off: once while one waits, and once until the timer sends one. */
guest hyperv_idle
	apic_on
	apic_write 0x83f, 0x50		/* to itself */
	mov	$0x400000f0, %ecx
	rdmsr
	say	1
	sti
	nop
	cli
	apic_write 0x83e, 0xb		/* counts as the bus does */
	apic_write 0x832, 0x51
	apic_write 0x838, 1000000
	mov	$0x400000f0, %ecx
	rdmsr
	mov	%ebx, %eax		/* interrupts so far */
	out	%eax, $0x99
	sti
	nop
	cli
	mov	%ebx, %eax
	out	%eax, $0x99
	hlt
handler hyperv_idle irq
	inc	%ebx
	apic_eoi
	iretq
guest_end hyperv_idle

/* VP 1, started in 64-bit mode: counts interrupts, and, without an exit, turns of its loop, while it is to run; else
 * it halts. RBX is for all to see. */
guest hyperv_started
	apic_on
	movl	$1, 0x9018
	sti
1:	incl	0x9010
	mov	%rbx, 0x9020
	cmpb	$1, 0x9000
	je	2f
	cmpb	$2, 0x9000
	jne	1b
	hlt
	jmp	1b
2:	cli
	say	5
	hlt
handler hyperv_started irq
	incl	0x9014
	push	%rax
	push	%rcx
	push	%rdx
	apic_eoi
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
guest_end hyperv_started

/* An OUT, an IN, an access to where there is nothing, and an OUTS; and a triple fault. */
guest intercepts
	mov	$0x11223344, %eax
	mov	$0x99, %edx
	out	%eax, %dx
	in	%dx, %al
	mov	$0x400123, %ebx
	mov	%eax, (%rbx)
	mov	$0x9000, %esi
	outsb
	hlt
guest_end intercepts

guest shutdown
	ud2
guest_end shutdown
