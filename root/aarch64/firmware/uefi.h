/* SPDX-License-Identifier: MIT */
/*
 * What UEFI firmware leaves to a kernel that it has started (UEFI 2.10, 4.3, 4.6, 7.2): the system table with the
 * list that names the ACPI tables, and the map of memory. On Arm, kernels know no other way to find ACPI tables.
 * There is no firmware: neither boot services nor runtime services, as the table of runtime properties tells.
 */
#ifndef FIRMWARE_UEFI_H
#define FIRMWARE_UEFI_H

#include <firmware/memory_regions.h>

#define UEFI_DESCRIPTOR_SIZE	40u
#define UEFI_DESCRIPTOR_VERSION 1u

/* What there is at `base`; written by uefi_build(). */
struct uefi_tables {
	gpa_t system_table, memory_map;
	uint32_t memory_map_size;
};

/* Writes into area[size], which is zero and will lie at `base`. TOO_LARGE. */
status_t uefi_build(const struct memory_layout *layout, gpa_t rsdp, gpa_t base, uint8_t *area,
		    size_t size, struct uefi_tables *tables) __must_check;

#endif
