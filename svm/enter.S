/* SPDX-License-Identifier: MIT */
/*
 * The world switch. VMRUN exchanges RAX, RSP, RIP, RFLAGS, the control registers and half of the
 * segments by itself (APM 15.5); here the other fourteen GPRs change hands.
 *
 * enum vp_outcome svm_run(struct vp *vp, hpa_t vmcb)
 *   RAX and RSP of the VP are not touched; GIF is 0 before and after.
 */
#include <arch/world_switch.inc>

	.text
	.globl	svm_run
	.type	svm_run, @function
	.balign	16
svm_run:
	loop_begin
1:	mov	FRAME_SECOND(%rsp), %rax
	quick_load
	vmrun	%rax
	/* RSP and RAX are the host's again. */
	vp_pointer
	quick_save
	call	svm_exit
	mov	FRAME_VP(%rsp), %rdi
	test	%eax, %eax
	jz	1b
	loop_end
	ret
	.size	svm_run, . - svm_run

	.section .note.GNU-stack, "", @progbits
