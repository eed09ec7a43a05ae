/* SPDX-License-Identifier: MIT */
/*
 * Empties the CPU's stack: see arch_stack_restart() in <kernel/arch.h>.
 */
#include <arch/layout.h>

	.section .text.arch_stack_restart, "ax"
	.global arch_stack_restart
	.type arch_stack_restart, @function
arch_stack_restart:
	mrs x1, tpidr_el2
	add x1, x1, #CPU_STACK_TOP
	mov sp, x1
	mov x29, xzr
	blr x0
	brk #0
	.size arch_stack_restart, . - arch_stack_restart

	.section .note.GNU-stack, "", @progbits
