/* SPDX-License-Identifier: MIT */
/* Says a line and powers off. */
#include "harm.inc"

guest_main:
	say	"guest: ends with 0"
	psci	PSCI_SYSTEM_OFF
	ret
