/* SPDX-License-Identifier: MIT */
/* Waits for an interrupt that never comes. */
#include "harm.inc"

guest_main:
	say	"guest: idle"
1:	wfi
	b	1b
