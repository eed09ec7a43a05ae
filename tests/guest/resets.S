/* SPDX-License-Identifier: MIT */
/* Resets its machine fifty times, by the reset control register and by the keyboard controller in
 * turn; the count is kept in the battery-backed memory. Then it ends with 0. */
#include "guest.inc"
#define CMOS_INDEX    0x70
#define CMOS_DATA     0x71
#define CMOS_COUNT    0x50
#define RESET_CONTROL 0xcf9
#define RESET_FULL    0x06
#define KBC_COMMAND   0x64
#define KBC_RESET     0xfe
#define RESETS	      50

guest_main:
	mov $CMOS_COUNT, %al
	out %al, $CMOS_INDEX
	in $CMOS_DATA, %al
	cmp $RESETS, %al
	jae 3f
	inc %al
	out %al, $CMOS_DATA
	test $1, %al
	jz 1f
	mov $RESET_CONTROL, %dx
	mov $RESET_FULL, %al
	out %al, %dx
	jmp 2f
1:	mov $KBC_RESET, %al
	out %al, $KBC_COMMAND
2:	jmp 2b
3:	say "guest: reset fifty times"
	xor %eax, %eax
	jmp debug_exit
