/* SPDX-License-Identifier: MIT */
/*
 * The world switch. VM entries and exits exchange RSP, RIP, RFLAGS and the system registers (SDM
 * 3C, 27 and 28); here the other fifteen GPRs change hands.
 *
 * bool vmx_world_switch(uint64_t gpr[16], bool launched)
 *   gpr: the guest's, RSP unused. False: VMfail.
 */
#define VMCS_HOST_RSP 0x6c14
#define VMCS_HOST_RIP 0x6c16

	.text
	.globl	vmx_world_switch
	.type	vmx_world_switch, @function
	.balign	16
vmx_world_switch:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	mov	$VMCS_HOST_RSP, %edx
	vmwrite	%rsp, %rdx
	test	%esi, %esi
	mov	0x00(%rdi), %rax
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
	jz	1f
	vmresume
	jmp	2f
1:	vmlaunch
2:	/* VMfail: still the host; the callee-saved registers hold the guest's values. */
	pop	%rdi
	xor	%eax, %eax
	jmp	3f

	/* Where a VM exit comes to. */
	.globl	vmx_exit_entry
vmx_exit_entry:
	xchg	%rdi, (%rsp)
	mov	%rax, 0x00(%rdi)
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
	mov	$1, %eax
3:	/* No value of the guest's stays where the kernel might speculate on it. */
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
	ret
	.size	vmx_world_switch, . - vmx_world_switch

	.section .note.GNU-stack, "", @progbits
