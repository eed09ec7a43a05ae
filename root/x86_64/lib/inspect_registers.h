/* SPDX-License-Identifier: MIT */
/* What of a VP's directory is x86's. */
#ifndef LIB_INSPECT_REGISTERS_H
#define LIB_INSPECT_REGISTERS_H

#include <lib/inspect_kernel.h>

/* By struct inspect_vp.activity. */
#define INSPECT_ACTIVITIES "running\0halted\0wait_for_sipi\0shutdown\0idle\0"

/* How a partition's directory calls struct inspect_partition.apic_mode, and its values. */
#define INSPECT_CONTROLLER_NAME	 "apic_mode"
#define INSPECT_CONTROLLER_WORDS "xapic\0x2apic_supported\0x2apic_enabled\0"

/* Below a VP, which inspect_vps has opened. */
extern const struct inspect_directory inspect_registers;
extern const struct inspect_directory inspect_controller;

#endif
