/* SPDX-License-Identifier: MIT */
/*
 * Empties the CPU's stack: see arch_stack_restart() in <kernel/arch.h>.
 */
#include <arch/layout.h>

	.section .text.arch_stack_restart, "ax"
	.global arch_stack_restart
	.type arch_stack_restart, @function
arch_stack_restart:
	and $-CPU_AREA_SIZE, %rsp
	add $CPU_STACK_TOP, %rsp
	xor %ebp, %ebp
	call *%rdi
	ud2
	.size arch_stack_restart, . - arch_stack_restart

	.section .note.GNU-stack, "", @progbits
