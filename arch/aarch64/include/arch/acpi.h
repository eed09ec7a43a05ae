/* SPDX-License-Identifier: MIT */
/*
 * What ACPI's static tables (ACPI 6.4, chapter 5) say of this machine, for one that has no device tree. A table is
 * looked at only after its length and its checksum have been found right; fields are read one by one, at any
 * alignment, and only inside that length. No AML is run.
 */
#ifndef ARCH_ACPI_H
#define ARCH_ACPI_H

#include <arch/machine.h>

#define ACPI_TABLE_MAX MIB(4) /* longer: taken for damaged */

/* Implemented by the one who reads: where memory of the firmware can be read, NULL if it cannot. */
const void *acpi_map(hpa_t base, uint64_t size);

/* Fills in the devices; memory, command line and bundle are there already. NOT_FOUND: no root pointer at `rsdp`.
 * BAD_FORMAT: it is damaged, or no MADT is there that is not. */
status_t machine_decode_acpi(hpa_t rsdp, struct machine *machine) __must_check;
/* The next CPU of the MADT that was found; *offset starts as 0. */
bool acpi_next_cpu(uint32_t *offset, struct machine_cpu *cpu);
/* The redistributor that the CPU's entry names; 0: none. For machine_gic.by_cpu. */
hpa_t acpi_redistributor(uint64_t mpidr);

#endif
