/* SPDX-License-Identifier: MIT */
/* The code of a tiny guest that looks at its clocks: as in guests.S. */
#include "guest.inc"

	/* RAX, of which an instruction gave the halves. */
	.macro	join
	shl	$32, %rdx
	or	%rdx, %rax
	.endm

	.macro	msr_get msr, register
	mov	$\msr, %ecx
	rdmsr
	join
	mov	%rax, \register
	.endm

/*
 * Does what RDI says, over and over: the test sets the registers after each `say 1`. R12 is the vector of a fault.
 *   0, 1  RDMSR, WRMSR; RAX and RDX are kept in R14 and R15
 *   2     looks at its clocks, one after the other: R8 the counter, R9 RDTSC, R10 RDTSCP if RSI is not 0, and what
 *         that gave in RCX at 0x9008, R11 the MSR, R14 reference time by the page at RBX (0: it tells none),
 *         R15 the counter again
 *   3     races with another VP for the latest TSC, at 0x9020: RSI times, or (0) until the byte at 0x9000 is not 0;
 *         counts the turns at RBX, and at 0x9030 those in which time went back; R8 is the last TSC
 *   4     waits for an interrupt, of which those that came are counted at 0x9010
 *   5     CPUID; EDX is kept in R14, EAX in R15
 */
guest clocks
	cmp	$3, %edi
	je	3f			/* VP 1 has no interrupts */
	apic_on
	sti
1:	say	1
	xor	%r12d, %r12d
	cmp	$1, %edi
	jb	10f
	je	11f
	cmp	$3, %edi
	jb	2f
	je	3f
	cmp	$5, %edi
	je	5f
	hlt				/* 4 */
	jmp	1b
5:	cpuid
	mov	%rdx, %r14
	mov	%rax, %r15
	jmp	1b
10:	rdmsr
	jmp	8f
11:	wrmsr
8:	mov	%rax, %r14
	mov	%rdx, %r15
	jmp	1b

2:	msr_get	0x40000020, %r8
	rdtsc
	join
	mov	%rax, %r9
	mov	%rax, %r10
	test	%esi, %esi
	jz	7f
	rdtscp
	mov	%rcx, 0x9008
	join
	mov	%rax, %r10
7:	msr_get	0x10, %r11
6:	xor	%r14d, %r14d
	mov	(%rbx), %r13d
	test	%r13d, %r13d
	jz	9f
	lfence
	rdtsc
	join
	mulq	8(%rbx)
	add	16(%rbx), %rdx
	mov	%rdx, %r14
	lfence
	cmp	(%rbx), %r13d
	jne	6b
9:	msr_get	0x40000020, %r15
	jmp	1b

3:	mov	0x9020, %r8
	lfence
	rdtsc
	join
	mov	%rax, %r9
	cmp	%r8, %r9
	jae	4f
	lock incl 0x9030
4:	mov	%r8, %rax
	lock cmpxchg %r9, 0x9020	/* fails if the other one was faster */
	incl	(%rbx)
	test	%esi, %esi
	jz	4f
	dec	%esi
	jnz	3b
	mov	%r9, %r8
	jmp	1b
4:	cmpb	$0, 0x9000
	je	3b
	say	5
	hlt
handler clocks gp
	add	$8, %rsp		/* the error code */
	addq	$2, (%rsp)
	mov	$13, %r12d
	iretq
handler clocks irq
	push	%rax
	push	%rcx
	push	%rdx
	incl	0x9010
	apic_eoi
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
guest_end clocks
