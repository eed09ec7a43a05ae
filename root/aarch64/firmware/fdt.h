/* SPDX-License-Identifier: MIT */
/*
 * The flattened device tree (Devicetree Specification 0.3) of a partition: it describes the machine of
 * <firmware/platform.h> to a guest that is started as Linux's Documentation/arm64/booting says. Written by libfdt.
 * Pure: into a buffer.
 */
#ifndef FIRMWARE_FDT_H
#define FIRMWARE_FDT_H

#include <trivet/status.h>
#include <trivet/types.h>

struct fdt_config {
	uint32_t vp_count; /* at least 1 */
	gpa_t memory_base;
	uint64_t memory_size;
	const char *cmdline;
	gpa_t initrd;
	uint64_t initrd_size; /* 0: none */
	/* Where <firmware/uefi.h> has told of itself; 0: nowhere. */
	gpa_t uefi_system_table, uefi_memory_map;
	uint32_t uefi_memory_map_size;
	/* Nothing but /chosen: a guest that finds no devices here takes the ACPI tables. */
	bool stub;
};

/* Writes it into buffer[size]. TOO_LARGE: it doesn't fit. INVALID_ARGUMENT: no VPs. */
status_t fdt_build(const struct fdt_config *config, void *buffer, size_t size) __must_check;

#endif
