/* SPDX-License-Identifier: MIT */
/* One exit after the other, of every kind that is cheap to ask for. */
#include "guest.inc"
guest_main:
	say "guest: floods"
1:	xor %eax, %eax
	cpuid
	mov $0x1234, %dx
	in %dx, %eax
	out %eax, %dx
	mov 0xfec00000, %eax
	mov %eax, 0xd0000000
	jmp 1b
