/* SPDX-License-Identifier: MIT */
/*
 * The world switch. VM entries and exits exchange RSP, RIP, RFLAGS and the system registers (SDM
 * 3C, 27 and 28); here the other fifteen GPRs change hands.
 *
 * bool vmx_world_switch(uint64_t gpr[16], bool launched)
 *   gpr: the guest's, RSP unused. False: VMfail.
 */
#include <arch/world_switch.inc>

#define VMCS_HOST_RSP 0x6c14

	.text
	.globl	vmx_world_switch
	.type	vmx_world_switch, @function
	.balign	16
vmx_world_switch:
	host_save
	mov	$VMCS_HOST_RSP, %edx
	vmwrite	%rsp, %rdx
	test	%esi, %esi
	mov	0x00(%rdi), %rax
	guest_load
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
	guest_pointer
	mov	%rax, 0x00(%rdi)
	guest_save
	mov	$1, %eax
3:	host_restore
	ret
	.size	vmx_world_switch, . - vmx_world_switch

	.section .note.GNU-stack, "", @progbits
