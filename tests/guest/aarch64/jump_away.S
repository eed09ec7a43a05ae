/* SPDX-License-Identifier: MIT */
/* Goes on where no memory is, and so do its exceptions: it never comes to an end. */
#include "harm.inc"

#define NOWHERE 0x20000000

guest_main:
	say	"guest: jumps away"
	mov	x0, #NOWHERE
	msr	vbar_el1, x0
	isb
	br	x0
