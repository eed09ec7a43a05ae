/* SPDX-License-Identifier: MIT */
/*
 * ACPI fixed hardware (ACPI 6.4, 4.8): the PM1a event and control registers, the power
 * management timer and one general-purpose event block, with the SCI on GSI 9.
 *
 *     base + 0x00  PM1a status, 2 bytes       base + 0x08  PM timer, 4 bytes, read only
 *     base + 0x02  PM1a enable, 2 bytes       base + 0x20  GPE0 status, 2 bytes
 *     base + 0x04  PM1a control, 2 bytes      base + 0x22  GPE0 enable, 2 bytes
 *
 * There is no SMI command port: ACPI mode is always on (SCI_EN reads 1). The FADT and the
 * DSDT have to say the same as the constants below.
 */
#ifndef DEVICES_ACPI_PM_H
#define DEVICES_ACPI_PM_H

#include <devices/device.h>

#define ACPI_PM_PORT	   0x600u
#define ACPI_PM1_EVENT	   0x00u
#define ACPI_PM1_CONTROL   0x04u
#define ACPI_PM_TIMER	   0x08u
#define ACPI_PM_GPE0	   0x20u
#define ACPI_PM_PM1_PORTS  0x0cu
#define ACPI_PM_GPE0_PORTS 4u
#define ACPI_PM_GPES	   16u
#define ACPI_PM_SCI	   9u
#define ACPI_PM_TIMER_HZ   3579545u
#define ACPI_PM_SLEEP_S4   4u /* SLP_TYP for \_S4 */
#define ACPI_PM_SLEEP_S5   5u /* SLP_TYP for \_S5 */

struct acpi_pm {
	struct device dev;
	struct device_env *env;
	struct device_timer timer; /* the PM timer's top bit changes */
	unsigned int gsi;
	unsigned int timer_bits; /* 24 or 32 */
	uint16_t status, enable, control;
	uint16_t gpe_status, gpe_enable;
	uint64_t carry_seen; /* changes of the top bit that status knows of */
};

/* Where the block sits, the SCI's GSI, and whether the timer is 32 bits wide (TMR_VAL_EXT). */
struct acpi_pm_config {
	uint16_t port;
	unsigned int gsi;
	bool timer_32bit;
};

/* Prepare @pm and put it on the bus. Bus statuses. */
status_t acpi_pm_init(struct acpi_pm *pm, struct device_env *env, struct device_bus *bus,
		      const struct acpi_pm_config *config);

/* Someone presses the power button: the guest is asked to shut down. */
void acpi_pm_power_button(struct acpi_pm *pm);

/* General-purpose event @gpe (0..15; others are ignored) happens. */
void acpi_pm_gpe_raise(struct acpi_pm *pm, unsigned int gpe);

#endif
