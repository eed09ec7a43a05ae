/* SPDX-License-Identifier: MIT */
/* Switches its machine off as ACPI says: soft off, S5. */
#include "guest.inc"
#define PM1A_CONTROL 0x604
#define SLEEP_S5     (1 << 13 | 5 << 10)	/* SLP_EN, SLP_TYP of \_S5 */
guest_main:
	say "guest: powers off"
	mov $PM1A_CONTROL, %dx
	mov $SLEEP_S5, %ax
	out %ax, %dx
1:	jmp 1b
