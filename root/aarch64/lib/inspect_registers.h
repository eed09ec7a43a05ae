/* SPDX-License-Identifier: MIT */
/* What of a VP's directory is AArch64's. */
#ifndef LIB_INSPECT_REGISTERS_H
#define LIB_INSPECT_REGISTERS_H

#include <lib/inspect_kernel.h>

/* By struct inspect_vp.activity. */
#define INSPECT_ACTIVITIES "running\0halted\0wait_for_on\0shutdown\0idle\0"

/* How a partition's directory calls struct inspect_partition.apic_mode, and its values. */
#define INSPECT_CONTROLLER_NAME	 "gic"
#define INSPECT_CONTROLLER_WORDS "v3\0"

/* Below a VP, which inspect_vps has opened. */
extern const struct inspect_directory inspect_registers;
extern const struct inspect_directory inspect_controller;

#endif
