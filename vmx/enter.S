/* SPDX-License-Identifier: MIT */
/*
 * The world switch. VM entries and exits exchange RSP, RIP, RFLAGS and the system registers (SDM
 * 3C, 27 and 28); here the other fifteen GPRs change hands.
 *
 * enum vp_outcome vmx_run(struct vp *vp, bool launched)
 *   RSP of the VP is not touched.
 * vmx_run_guarded is the same for machines that close leaks by speculation.
 */
#include <arch/world_guard.inc>
#include <arch/world_switch.inc>

#define VMCS_HOST_RSP 0x6c14

	.macro	world_switch name, exit_entry, guarded
	.globl	\name
	.type	\name, @function
	.balign	16
\name:
	loop_begin
	mov	$VMCS_HOST_RSP, %ecx
	vmwrite	%rsp, %rcx
	.if	\guarded
1:	guard_entry
	mov	VP_RAX(%rdi), %rax
	quick_load
	cmpb	$0, FRAME_SECOND(%rsp)
	je	2f
	guard_buffers
	vmresume
	jmp	3f
2:	guard_buffers
	vmlaunch
	.else
	test	%esi, %esi
	jz	2f
1:	mov	VP_RAX(%rdi), %rax
	quick_load
	vmresume
	jmp	3f
2:	mov	VP_RAX(%rdi), %rax
	quick_load
	vmlaunch
	.endif
3:	/* VMfail: still the host, with the guest's registers. */
	mov	FRAME_VP(%rsp), %rdi
	lea	FRAME_RBP(%rsp), %rbp
	.if	\guarded
	guard_control
	.endif
	call	vmx_entry_failed
	jmp	4f

	/* Where a VM exit comes to. */
	.globl	\exit_entry
\exit_entry:
	vp_pointer
	mov	%rax, VP_RAX(%rdi)
	quick_save
	xor	%eax, %eax
	.if	\guarded
	guard_exit
	movb	$1, FRAME_SECOND(%rsp)
	.endif
	call	vmx_exit
4:	mov	FRAME_VP(%rsp), %rdi
	test	%eax, %eax
	jz	1b
	loop_end
	ret
	.size	\name, . - \name
	.endm

	.text
	world_switch vmx_run, vmx_exit_entry, 0
	world_switch vmx_run_guarded, vmx_exit_entry_guarded, 1

	.section .note.GNU-stack, "", @progbits
