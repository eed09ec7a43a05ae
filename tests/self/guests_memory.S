/* SPDX-License-Identifier: MIT */
/* The code of the tiny guests that read memory which comes and goes: as in guests.S. */
#include "guest.inc"

/* Tells again and again what RBX points at. */
guest peek
0:	mov	(%rbx), %eax
	out	%eax, $0x99
	jmp	0b
guest_end peek

/* Behind MOV SS, a read of memory that is not there; where interrupts come tells RIP. */
guest mov_ss
	mov	$0x400000, %edi
	mov	%ss, %esi
	lea	mov_ss_after(%rip), %rbx
	sti
	nop
	mov	%esi, %ss
	mov	(%rdi), %eax
mov_ss_after:
	nop
	say	99
	hlt
handler mov_ss irq
	mov	(%rsp), %rax
	sub	%rbx, %rax
	out	%eax, $0x99
	iretq
guest_end mov_ss

/* TF is set over MOV SS and what follows it, an instruction and one that the kernel finishes. */
guest step_ss
	mov	%ss, %esi
	lea	step_ss_1(%rip), %r8
	pushfq
	orl	$0x100, (%rsp)
	popfq
	mov	%esi, %ss
	nop
step_ss_1:
	nop
	lea	step_ss_2(%rip), %r8
	xor	%eax, %eax
	pushfq
	orl	$0x100, (%rsp)
	popfq
	mov	%esi, %ss
	cpuid
step_ss_2:
	nop
	say	99
	hlt
handler step_ss db
	mov	(%rsp), %rax
	sub	%r8, %rax
	out	%eax, $0x99
	andl	$~0x100, 16(%rsp)
	iretq
guest_end step_ss

/* Counts at GUEST_DATA how often what RBX points at is the word at GUEST_DATA + 8; another one is told of:
 * 99, and so is the end, which is asked for at GUEST_DATA + 16: 1. */
guest remap_watch
	sti	# Bochs 2.7 masks the host's interrupts on SVM while the guest does
0:	mov	(%rbx), %rax
	cmp	0x9008, %rax
	jne	1f
	incq	0x9000
	cmpq	$0, 0x9010
	je	0b
	say	1
	hlt
1:	mov	%rax, 0x9018
	say	99
	hlt
guest_end remap_watch

/* Writes to what RBX and R12 point at, again after each report, and reads what R13 points at. */
guest scribble
0:	incq	(%rbx)
	incq	(%r12)
	mov	(%r13), %rax
	say	1
	jmp	0b
guest_end scribble

	.section .note.GNU-stack, "", @progbits
