/* SPDX-License-Identifier: MIT */
/* Never gives its processor away by itself: interrupts are off. */
#include "guest.inc"
guest_main:
	say "guest: spins"
	cli
1:	jmp 1b
