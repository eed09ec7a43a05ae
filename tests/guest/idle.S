/* SPDX-License-Identifier: MIT */
/* Says that it is there, and sleeps for ever: of such many fit into a machine. */
#include "guest.inc"
guest_main:
	say "guest: idle"
	cli
1:	hlt
	jmp 1b
