/* SPDX-License-Identifier: MIT */
/* Leaves its line of the console without an end, and powers off. */
#include "harm.inc"

guest_main:
	ldr	x0, =words
	bl	print
	psci	PSCI_SYSTEM_OFF
	ret

	.section .rodata
words:	.asciz	"guest: no end"
