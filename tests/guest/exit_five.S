/* SPDX-License-Identifier: MIT */
/* Ends its partition with a status of its own. */
#include "guest.inc"
guest_main:
	say "guest: ends with 5"
	mov $5, %eax
	jmp debug_exit
