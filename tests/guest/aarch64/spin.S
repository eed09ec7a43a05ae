/* SPDX-License-Identifier: MIT */
/* Never does anything again, with interrupts masked. */
#include "harm.inc"

guest_main:
	say	"guest: spins"
	msr	daifset, #15
	b	.
