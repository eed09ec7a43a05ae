/* SPDX-License-Identifier: MIT */
/*
 * The world switch.
 *
 * enum vp_outcome el2_run(struct vp *vp, struct arch_vp_vtl *vtl)
 *
 * Both structures begin with what is exchanged here: X0 to X30, and PC and PSTATE. All else that is the guest's
 * stands in the processor while the VP is loaded (guest/world.c). An exit comes in by world_vectors, which are
 * in force as long; el2_exit() says whether the guest is entered again at once.
 *
 *	SP ->	X29, X30 of the caller; X19 to X28
 *	+96	vp, vtl
 */
#define FRAME_SIZE 112
#define FRAME_VP   96

#define VECTOR_SYNCHRONOUS 0
#define VECTOR_IRQ	   1
#define VECTOR_FIQ	   2
#define VECTOR_SERROR	   3

	.text
	.globl	el2_run
	.type	el2_run, %function
	.balign	16
el2_run:
	stp	x29, x30, [sp, #-FRAME_SIZE]!
	mov	x29, sp
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	x0, x1, [sp, #FRAME_VP]
world_enter:
	ldp	x2, x3, [x1]
	msr	elr_el2, x2
	msr	spsr_el2, x3
	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x20, x21, [x0, #160]
	ldp	x22, x23, [x0, #176]
	ldp	x24, x25, [x0, #192]
	ldp	x26, x27, [x0, #208]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	eret
	/* Nothing behind an ERET is to be executed, speculatively either. */
	dsb	nsh
	isb

/* vp, ESR_EL2, vector. */
world_exit:
	ldr	x4, [sp, #FRAME_VP + 8]
	mrs	x5, elr_el2
	mrs	x6, spsr_el2
	stp	x5, x6, [x4]
	bl	el2_exit
	cbnz	w0, 1f
	ldp	x0, x1, [sp, #FRAME_VP]
	b	world_enter
1:	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #FRAME_SIZE
	ret
	.size	el2_run, . - el2_run

	.macro	kernel_vector offset
	.balign	128
	b	trap_kernel_vectors + \offset
	.endm

	.macro	guest_vector which
	.balign	128
	stp	x0, x1, [sp, #-16]!
	ldr	x0, [sp, #16 + FRAME_VP]
	stp	x2, x3, [x0, #16]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	str	x30, [x0, #240]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x0]
	mrs	x1, esr_el2
	mov	w2, #\which
	b	world_exit
	.endm

/* What happens to the kernel itself goes to its own vectors; of 32-bit code there are programs alone (EL0). */
	.globl	world_vectors
	.balign	2048
world_vectors:
	.rept	2
	kernel_vector 0x000
	kernel_vector 0x080
	kernel_vector 0x100
	kernel_vector 0x180
	.endr
	.rept	2
	guest_vector VECTOR_SYNCHRONOUS
	guest_vector VECTOR_IRQ
	guest_vector VECTOR_FIQ
	guest_vector VECTOR_SERROR
	.endr

	.section .note.GNU-stack, "", %progbits
