/* SPDX-License-Identifier: MIT */
/*
 * The world switch. VMRUN exchanges RAX, RSP, RIP, RFLAGS, the control registers and half of the
 * segments by itself (APM 15.5); here the other fourteen GPRs change hands.
 *
 * enum vp_outcome svm_run(struct vp *vp, hpa_t vmcb)
 *   RAX and RSP of the VP are not touched; GIF is 0 before and after.
 * svm_run_guarded is the same for machines that close leaks by speculation.
 */
#include <arch/world_guard.inc>
#include <arch/world_switch.inc>

	.macro	world_switch name, guarded
	.globl	\name
	.type	\name, @function
	.balign	16
\name:
	loop_begin
1:
	.if	\guarded
	guard_entry
	.endif
	mov	FRAME_SECOND(%rsp), %rax
	quick_load
	.if	\guarded
	guard_buffers
	.endif
	vmrun	%rax
	/* RSP and RAX are the host's again. */
	vp_pointer
	quick_save
	.if	\guarded
	guard_exit
	.endif
	call	svm_exit
	mov	FRAME_VP(%rsp), %rdi
	test	%eax, %eax
	jz	1b
	loop_end
	ret
	.size	\name, . - \name
	.endm

	.text
	world_switch svm_run, 0
	world_switch svm_run_guarded, 1

	.section .note.GNU-stack, "", @progbits
