/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables for a partition (ACPI 6.4, 5.2): RSDP, RSDT, XSDT, FADT, FACS, DSDT, MADT, and if
 * wanted an SSDT and HPET. All lie in the firmware area 0xe0000-0xfffff, which the
 * memory map reserves; the RSDP is at ACPI_RSDP_ADDRESS, where a scan finds it. Tables describe
 * the machine of <firmware/platform.h>; the DSDT comes compiled from dsdt.asl.
 */
#ifndef FIRMWARE_ACPI_H
#define FIRMWARE_ACPI_H

#include <loader/guest_memory.h>
#include <trivet/status.h>
#include <trivet/types.h>

#define ACPI_RSDP_ADDRESS 0xf0000ull

struct acpi_config {
	uint32_t vp_count;	  /* at least 1 */
	const uint32_t *apic_ids; /* vp_count ids, not repeated; NULL: VP n has id n */
	bool hpet;		  /* there is an HPET at PLATFORM_HPET_BASE */
	const void *dsdt;	  /* a whole definition block, with its header */
	size_t dsdt_size;
	const void *ssdt; /* the same, of what this machine has beyond that; NULL: nothing */
	size_t ssdt_size;
};

/*
 * Builds and writes all tables. *rsdp gets ACPI_RSDP_ADDRESS. INVALID_ARGUMENT: no VPs, or the
 * DSDT or SSDT is none of its size; TOO_LARGE: the firmware area cannot hold them (some thousand
 * VPs); INVALID_ADDRESS: the firmware area is not RAM; NO_MEMORY: the heap is empty.
 */
status_t acpi_build(const struct guest_memory *memory, const struct acpi_config *config,
		    gpa_t *rsdp) __must_check;

#endif
