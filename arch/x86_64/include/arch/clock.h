/* SPDX-License-Identifier: MIT */
/* Time: how fast the counters run, and waiting by them. */
#ifndef ARCH_CLOCK_H
#define ARCH_CLOCK_H

#include <trivet/types.h>

struct acpi_fadt;

/* Measures the TSC, and the APIC's timer when it has no deadline mode. False: the machine has no
 * clock to measure by. */
bool clock_init(const struct acpi_fadt *fadt);
/* Sets up this CPU's timer. */
void clock_cpu_init(void);
/* Busy waiting; after clock_init. */
void clock_wait_us(uint64_t us);

#endif
