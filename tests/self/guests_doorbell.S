/* SPDX-License-Identifier: MIT */
/* The code of the tiny guests that ring doorbells: as in guests.S. */
#include "guest.inc"

/* The port of a doorbell, others, and a string there. */
guest doorbell_port
	mov	$0x2346, %edx
	mov	$0x11223344, %eax
	out	%eax, %dx
	say	1
	mov	$0x2346, %edx
	out	%ax, %dx
	mov	$0x2347, %edx
	out	%eax, %dx
	mov	$0x2346, %edx
	mov	$0x55, %eax
	out	%eax, %dx
	say	2
	hlt
guest_end doorbell_port

/* Stores of each form to a page where nothing is mapped, 8 bytes apart. */
guest doorbell_store
	mov	$0x400000, %ebx
	mov	$0x0123456789abcdef, %rax
	mov	%eax, (%rbx)
	mov	%ax, 8(%rbx)
	mov	%al, 16(%rbx)
	mov	%ah, 24(%rbx)
	mov	%rax, 32(%rbx)
	movl	$0x1234, 40(%rbx)
	movw	$0x1234, 48(%rbx)
	movb	$0x12, 56(%rbx)
	movq	$-2, 64(%rbx)
	mov	$2, %r13d
	mov	%rbx, %r12
	mov	$0x77, %r15d
	mov	%r15d, 56(%r12, %r13, 8)
	mov	%r15b, 0x400050
	mov	%esp, %esi
	lea	0x58(%rbx), %rsp
	mov	%r15, (%rsp)
	mov	%esi, %esp
	say	1
	hlt
guest_end doorbell_store

/* What is not decoded, what has no doorbell, and a store across the end of memory. */
guest doorbell_not
	mov	$0x400000, %ebx
	mov	$7, %eax
	add	%eax, (%rbx)
	mov	%eax, 0x800(%rbx)
	mov	$0xffffc, %edx
	mov	%rax, (%rdx)
	say	1
	hlt
guest_end doorbell_not

/* Calls what the test puts to 6 MiB; each of these registers has its own value. */
guest doorbell_changing
1:	mov	$0x400000, %ebx
	mov	$1, %eax
	mov	$2, %ecx
	mov	$4, %r12d
	mov	%cr3, %rdx
	mov	%rdx, %cr3
	mov	$0x600000, %edx
	call	*%rdx
	say	1
	jmp	1b
guest_end doorbell_changing

/* In 32-bit code without paging, and with a base that is not 0. */
guest doorbell_flat
	.code32
	mov	$0x400004, %edi
	mov	%eax, (%edi)
	movw	$0x18, %ax
	mov	%ax, %ds
	movl	$0x99, 0x3ffff8
	say	1
	hlt
	.code64
guest_end doorbell_flat

	.section .note.GNU-stack, "", @progbits
