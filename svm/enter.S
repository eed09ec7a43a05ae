/* SPDX-License-Identifier: MIT */
/*
 * The world switch. VMRUN exchanges RAX, RSP, RIP, RFLAGS, the control registers and half of the
 * segments by itself (APM 15.5); here the other fourteen GPRs change hands.
 *
 * void svm_world_switch(uint64_t gpr[16], hpa_t vmcb)
 *   gpr: the guest's, RAX and RSP unused; GIF is 0 before and after.
 */
#include <arch/world_switch.inc>

	.text
	.globl	svm_world_switch
	.type	svm_world_switch, @function
	.balign	16
svm_world_switch:
	host_save
	mov	%rsi, %rax
	guest_load
	vmrun	%rax
	/* RSP and RAX are the host's again. */
	guest_pointer
	guest_save
	host_restore
	ret
	.size	svm_world_switch, . - svm_world_switch

	.section .note.GNU-stack, "", @progbits
