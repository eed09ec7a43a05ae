/* SPDX-License-Identifier: MIT */
/*
 * The code of a guest of two VPs that is carried to another machine: as in guests.S. What VP 0 has in its
 * registers, and what its processor says of itself, must be the same at its end, whatever processor that is.
 */
#include "guest.inc"

#define ITERATIONS 4000000
#define CPUID_SUM  0x9000
#define TICKS	   0x9010
#define SECOND	   0x9020
#define TSC_FIRST  0x9030
#define TSC_LAST   0x9038

	/* EBX counts what is not as it was. */
	.macro	differs
	je	9f
	inc	%ebx
9:
	.endm

	/* Adds a leaf to R12. */
	.macro	cpuid_add leaf
	mov	$\leaf, %eax
	xor	%ecx, %ecx
	cpuid
	.irp	register, rax, rbx, rcx, rdx
	rol	$7, %r12
	add	%\register, %r12
	.endr
	.endm

	.macro	cpuid_sum
	xor	%r12d, %r12d
	cpuid_add 0
	cpuid_add 1
	cpuid_add 7
	cpuid_add 0x80000000
	cpuid_add 0x80000001
	cpuid_add 0x80000008
	.endm

	.macro	tsc_store address
	rdtsc
	mov	%eax, \address
	mov	%edx, \address + 4
	.endm

/* Says 1 when VP 1 may start. Then it works in an interrupt's handler, with its timer running, and waits for
 * that; then it says its sum, and what was not right. */
guest carrier
	apic_on
	apic_write 0x83e, 0xb		/* the timer: by 1 */
	apic_write 0x832, 0x61		/* one shot */
	apic_write 0x808, 0x30		/* TPR */
	cpuid_sum
	mov	%r12, CPUID_SUM
	fninit
	fldpi
	mov	$0x7777, %eax
	movq	%rax, %xmm7
	pxor	%xmm5, %xmm5
	mov	$1, %eax
	movq	%rax, %xmm6
	mov	$0x5555, %ebp
	mov	$0x6666, %eax
	mov	%rax, %cr2
	mov	$0xdddd, %eax
	mov	%rax, %dr1
	mov	$0xc0000082, %ecx	/* LSTAR */
	mov	$0x1111, %eax
	xor	%edx, %edx
	wrmsr
	mov	$0x830, %ecx		/* INIT and start-up of VP 1 */
	mov	$1, %edx
	mov	$0x4500, %eax
	wrmsr
	mov	$0x4620, %eax
	wrmsr
	say	1
	tsc_store TSC_FIRST
	sti
	apic_write 0x83f, 0x41
	nop
	cli
	tsc_store TSC_LAST
	cpuid_sum
	xor	%ebx, %ebx
	cmp	%r12, CPUID_SUM
	differs
	fldpi
	fcompp
	fnstsw	%ax
	and	$0x4500, %eax
	cmp	$0x4000, %eax
	differs
	movq	%xmm7, %rax
	cmp	$0x7777, %rax
	differs
	movq	%xmm5, %rax
	cmp	$ITERATIONS, %rax
	differs
	cmp	$0x5555, %rbp
	differs
	mov	%cr2, %rax
	cmp	$0x6666, %rax
	differs
	mov	%dr1, %rax
	cmp	$0xdddd, %rax
	differs
	mov	%cr8, %rax
	cmp	$3, %rax
	differs
	mov	$0xc0000082, %ecx
	rdmsr
	cmp	$0x1111, %eax
	differs
	mov	$0x812, %ecx		/* ISR: nothing is in service any more */
	rdmsr
	test	%eax, %eax
	differs
	cmpl	$1, TICKS
	differs
	mov	%r8d, %eax
	out	%eax, $0x99
	mov	%ebx, %eax
	out	%eax, $0x99
	hlt
handler carrier work
	apic_write 0x838, 200000000
	sti
	xor	%r8d, %r8d
	mov	$ITERATIONS, %r9d
1:	imul	$1664525, %r8, %r8
	add	$1013904223, %r8
	paddq	%xmm6, %xmm5
	mov	%r8, %r10
	shr	$16, %r10
	xor	%r10, %r8
	dec	%r9d
	jnz	1b
2:	cli
	cmpl	$0, TICKS
	jne	3f
	sti
	hlt
	jmp	2b
3:	apic_eoi
	iretq
handler carrier tick
	push	%rax
	push	%rcx
	push	%rdx
	incl	TICKS
	apic_eoi
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
guest_end carrier

/* VP 1 sleeps in real mode until its timer comes, and says 5. */
	.code16
guest carried
	apic_on
	apic_write 0x83e, 0xb
	apic_write 0x832, 0x50
	mov	$0x1234567, %ebx
	apic_write 0x838, 150000000
0:	sti
	hlt
	cli
	cmpb	$0, SECOND
	je	0b
	cmp	$0x1234567, %ebx
	jne	1f
	say	5
1:	hlt
handler carried tick
	incb	SECOND
	apic_write 0x80b, 0
	iret
guest_end carried

	.section .note.GNU-stack, "", @progbits
