/* SPDX-License-Identifier: MIT */
/* Writes to its console for ever. */
#include "harm.inc"

guest_main:
	say	"guest: floods its console with lines, for as long as it runs"
	b	guest_main
