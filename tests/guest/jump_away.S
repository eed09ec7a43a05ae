/* SPDX-License-Identifier: MIT */
/* Goes on at an address where there is neither memory nor a device. */
#include "guest.inc"
guest_main:
	say "guest: jumps away"
	mov $0xc0000000, %eax
	jmp *%eax
