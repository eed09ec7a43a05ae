/* SPDX-License-Identifier: MIT */
/* The FP and SIMD registers to and from struct fpu_state: CPTR_EL2.TFP is clear. */
	.arch armv8-a+simd

	.macro all_registers op
	\op q0, q1, [x0, #0]
	\op q2, q3, [x0, #32]
	\op q4, q5, [x0, #64]
	\op q6, q7, [x0, #96]
	\op q8, q9, [x0, #128]
	\op q10, q11, [x0, #160]
	\op q12, q13, [x0, #192]
	\op q14, q15, [x0, #224]
	\op q16, q17, [x0, #256]
	\op q18, q19, [x0, #288]
	\op q20, q21, [x0, #320]
	\op q22, q23, [x0, #352]
	\op q24, q25, [x0, #384]
	\op q26, q27, [x0, #416]
	\op q28, q29, [x0, #448]
	\op q30, q31, [x0, #480]
	.endm

	.text
	.globl fpu_registers_save
	.type fpu_registers_save, @function
fpu_registers_save:
	all_registers stp
	mrs x1, fpsr
	mrs x2, fpcr
	add x0, x0, #512
	stp x1, x2, [x0]
	ret
	.size fpu_registers_save, . - fpu_registers_save

	.globl fpu_registers_load
	.type fpu_registers_load, @function
fpu_registers_load:
	all_registers ldp
	add x0, x0, #512
	ldp x1, x2, [x0]
	msr fpsr, x1
	msr fpcr, x2
	ret
	.size fpu_registers_load, . - fpu_registers_load

	.section .note.GNU-stack, "", @progbits
