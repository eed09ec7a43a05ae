/* SPDX-License-Identifier: MIT */
/* An exception without an interrupt table: the processor shuts down. */
#include "guest.inc"
guest_main:
	say "guest: faults"
	lidt no_table
	ud2

	.section .rodata
no_table:
	.word 0
	.long 0
