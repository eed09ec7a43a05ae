/* SPDX-License-Identifier: MIT */
/*
 * All that a guest is told of its machine, in the firmware's part of its RAM:
 *
 *	+0		device tree, with the command line and where the initrd is
 *	+1 MiB		ACPI tables, the RSDP first
 *	+2 MiB - 64 KiB	what UEFI leaves to a kernel
 *
 * The tree tells of the machine, and of UEFI's tables, which lead to ACPI. Linux takes ACPI if it is told to (acpi=force),
 * or if the tree has no devices: so it is for a guest with the Hyper-V interface, which ACPI alone can tell of.
 */
#ifndef FIRMWARE_FIRMWARE_H
#define FIRMWARE_FIRMWARE_H

#include <firmware/acpi.h>
#include <firmware/memory_layout.h>
#include <loader/guest_memory.h>

struct firmware_config {
	struct acpi_config acpi;
	const char *cmdline;
	gpa_t initrd;
	uint64_t initrd_size; /* 0: none */
};

/* Writes it. *fdt: where the device tree is. NO_MEMORY: the heap is empty; else as acpi_build() and fdt_build(). */
status_t firmware_write(const struct guest_memory *memory, const struct memory_layout *layout,
			const struct firmware_config *config, gpa_t *fdt) __must_check;

#endif
