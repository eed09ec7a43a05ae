/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables for a partition (ACPI 6.4, 5.2): RSDP, XSDT, FADT of a machine with reduced hardware, DSDT, MADT, GTDT,
 * SPCR, and if wanted an SSDT. They describe the machine of <firmware/platform.h>, one after the other; the RSDP
 * is the first. Pure: into a buffer that will lie at `base`.
 */
#ifndef FIRMWARE_ACPI_H
#define FIRMWARE_ACPI_H

#include <trivet/status.h>
#include <trivet/types.h>

struct acpi_config {
	uint32_t vp_count; /* at least 1 */
	bool hyperv;	   /* the FADT says "MsHyperV" */
	const void *dsdt;  /* a whole definition block, with its header */
	size_t dsdt_size;
	const void *ssdt; /* the same, of what this machine has beyond that; NULL: nothing */
	size_t ssdt_size;
};

/*
 * Writes all tables into area[size], which is zero; *used is how much they take. INVALID_ARGUMENT: no VPs, or the
 * DSDT or SSDT is none of its size; TOO_LARGE: the area cannot hold them.
 */
status_t acpi_build(const struct acpi_config *config, gpa_t base, uint8_t *area, size_t size,
		    size_t *used) __must_check;

#endif
