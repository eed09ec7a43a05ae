/* SPDX-License-Identifier: MIT */
/*
 * The world switch. VM entries and exits exchange RSP, RIP, RFLAGS and the system registers (SDM
 * 3C, 27 and 28); here the other fifteen GPRs change hands.
 *
 * enum vp_outcome vmx_run(struct vp *vp, bool launched)
 *   RSP of the VP is not touched.
 */
#include <arch/world_switch.inc>

#define VMCS_HOST_RSP 0x6c14

	.text
	.globl	vmx_run
	.type	vmx_run, @function
	.balign	16
vmx_run:
	loop_begin
	mov	$VMCS_HOST_RSP, %ecx
	vmwrite	%rsp, %rcx
	test	%esi, %esi
	jz	2f
1:	mov	VP_RAX(%rdi), %rax
	quick_load
	vmresume
	jmp	3f
2:	mov	VP_RAX(%rdi), %rax
	quick_load
	vmlaunch
3:	/* VMfail: still the host, with the guest's registers. */
	mov	FRAME_VP(%rsp), %rdi
	lea	FRAME_RBP(%rsp), %rbp
	call	vmx_entry_failed
	jmp	4f

	/* Where a VM exit comes to. */
	.globl	vmx_exit_entry
vmx_exit_entry:
	vp_pointer
	mov	%rax, VP_RAX(%rdi)
	quick_save
	call	vmx_exit
4:	mov	FRAME_VP(%rsp), %rdi
	test	%eax, %eax
	jz	1b
	loop_end
	ret
	.size	vmx_run, . - vmx_run

	.section .note.GNU-stack, "", @progbits
