/* SPDX-License-Identifier: MIT */
/*
 * Where a partition's RAM lies and what its guest is told of it. The layout itself is the architecture's:
 * <firmware/memory_layout.h>, which includes this. Only numbers; the VMM maps.
 */
#ifndef FIRMWARE_MEMORY_REGIONS_H
#define FIRMWARE_MEMORY_REGIONS_H

#include <trivet/status.h>
#include <trivet/types.h>

/* Numbers as E820 address range types (ACPI 6.4, 15). */
enum memory_kind {
	MEMORY_USABLE = 1,
	MEMORY_RESERVED = 2,
	MEMORY_ACPI = 3,
	MEMORY_NVS = 4,
};

struct memory_region {
	gpa_t gpa;
	uint64_t size;
	enum memory_kind kind;
};

/* The shape of a machine is constant, so these arrays are: memory size only moves their ends. */
#define LAYOUT_RAM_MAX	  3
#define LAYOUT_REGION_MAX 8

struct memory_layout {
	uint64_t size;				  /* as configured */
	struct memory_region ram[LAYOUT_RAM_MAX]; /* to be backed; kind is MEMORY_USABLE */
	size_t ram_count;
	struct memory_region map[LAYOUT_REGION_MAX]; /* what the guest is told, ascending */
	size_t map_count;
};

/* Lays out size bytes. MISALIGNED unless whole pages; INVALID_ARGUMENT, TOO_LARGE: not so little or so much. */
status_t memory_layout_build(struct memory_layout *layout, uint64_t size) __must_check;

#endif
