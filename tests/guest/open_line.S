/* SPDX-License-Identifier: MIT */
/* Ends its partition in the middle of a line. */
#include "guest.inc"
guest_main:
	mov $text, %esi
	call print
	xor %eax, %eax
	jmp debug_exit
text:
	.asciz "guest: no end"
