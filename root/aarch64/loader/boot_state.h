/* SPDX-License-Identifier: MIT */
/*
 * How a guest's first processor starts, as Linux's Documentation/arm64/booting wants it: X0 the device tree, the
 * other registers 0, EL1 with interrupts masked, MMU and caches off. All but what is named here is as at reset.
 * Other processors wait for PSCI's CPU_ON.
 */
#ifndef LOADER_BOOT_STATE_H
#define LOADER_BOOT_STATE_H

#include <trivet/types.h>

struct boot_state {
	gpa_t entry;
	gpa_t fdt;
};

#endif
