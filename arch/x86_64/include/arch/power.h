/* SPDX-License-Identifier: MIT */
/* How the machine is switched off and restarted. */
#ifndef ARCH_POWER_H
#define ARCH_POWER_H

#include <trivet/types.h>

struct acpi_fadt;

/* Finds out from ACPI what arch_system_end() will do, while tables may still be mapped. */
void power_init(const struct acpi_fadt *fadt);
/* The CMOS register with the century; 0: there is none. */
extern uint8_t cmos_century;

#endif
