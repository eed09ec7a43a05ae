/* SPDX-License-Identifier: MIT */
/* Hibernates as ACPI says: S4. */
#include "guest.inc"
#define PM1A_CONTROL 0x604
#define SLEEP_S4     (1 << 13 | 4 << 10)	/* SLP_EN, SLP_TYP of \_S4 */
guest_main:
	say "guest: hibernates"
	mov $PM1A_CONTROL, %dx
	mov $SLEEP_S4, %ax
	out %ax, %dx
1:	jmp 1b
