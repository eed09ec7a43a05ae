/* SPDX-License-Identifier: MIT */
/*
 * What the world switches of the x86 backends have in common, for assembly: the GPRs that change
 * hands by software. %rdi points to the guest's, in the order of their encoding; RSP is never among
 * them, and RAX only where the backend says so.
 */
#ifndef ARCH_WORLD_SWITCH_H
#define ARCH_WORLD_SWITCH_H

/* The callee-saved registers, and on top of them the pointer to the guest's. */
	.macro	host_save
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	.endm

	.macro	guest_load
	mov	0x08(%rdi), %rcx
	mov	0x10(%rdi), %rdx
	mov	0x18(%rdi), %rbx
	mov	0x28(%rdi), %rbp
	mov	0x30(%rdi), %rsi
	mov	0x40(%rdi), %r8
	mov	0x48(%rdi), %r9
	mov	0x50(%rdi), %r10
	mov	0x58(%rdi), %r11
	mov	0x60(%rdi), %r12
	mov	0x68(%rdi), %r13
	mov	0x70(%rdi), %r14
	mov	0x78(%rdi), %r15
	mov	0x38(%rdi), %rdi
	.endm

/* Takes the pointer from the stack; destroys nothing else. RAX is lost when the guest's has been
 * saved, by the caller, between guest_pointer and guest_save. */
	.macro	guest_pointer
	xchg	%rdi, (%rsp)
	.endm

	.macro	guest_save
	mov	%rcx, 0x08(%rdi)
	mov	%rdx, 0x10(%rdi)
	mov	%rbx, 0x18(%rdi)
	mov	%rbp, 0x28(%rdi)
	mov	%rsi, 0x30(%rdi)
	mov	%r8, 0x40(%rdi)
	mov	%r9, 0x48(%rdi)
	mov	%r10, 0x50(%rdi)
	mov	%r11, 0x58(%rdi)
	mov	%r12, 0x60(%rdi)
	mov	%r13, 0x68(%rdi)
	mov	%r14, 0x70(%rdi)
	mov	%r15, 0x78(%rdi)
	pop	%rax
	mov	%rax, 0x38(%rdi)
	.endm

/* No value of the guest's stays where the kernel might speculate on it. */
	.macro	host_restore
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	.endm

#endif
