/* SPDX-License-Identifier: MIT */
/* Resets its machine as soon as it runs. */
#include "harm.inc"

guest_main:
	say	"guest: resets"
	psci	PSCI_SYSTEM_RESET
	ret
