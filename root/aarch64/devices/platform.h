/* SPDX-License-Identifier: MIT */
/*
 * The devices of one partition: what sits where is in <firmware/platform.h>. This is the front door for the VMM,
 * which gives an environment and gets a bus. The interrupt controller is the kernel's; the environment's
 * irq_line_set() is told the number of a shared peripheral interrupt (INTID).
 *
 * Every call is made under the partition's lock.
 */
#ifndef DEVICES_PLATFORM_H
#define DEVICES_PLATFORM_H

#include <devices/device.h>
#include <devices/pl011.h>
#include <devices/pl031.h>
#include <devices/pl061.h>

#define PLATFORM_CONSOLE 0u /* the console number of console_write() */

struct platform_config {
	int64_t epoch_seconds; /* UTC now, since 1970 */
};

struct platform {
	struct device_env *env;
	struct device_bus bus;
	struct pl011 uart;
	struct pl031 rtc;
	struct pl061 gpio;
};

/*
 * Build the machine. @env must be initialised and must outlive the platform; its callbacks
 * may be called from here on. On failure (NO_MEMORY) nothing is left behind.
 */
status_t platform_init(struct platform *p, struct device_env *env,
		       const struct platform_config *config);

/* Cancel all timers and give the memory back. Flush the console first if it matters. */
void platform_destroy(struct platform *p);

/* All devices to the state after reset. */
void platform_reset(struct platform *p);

/* Bytes for the console's serial port. Answers how many it took; offer the rest again later. */
size_t platform_input(struct platform *p, const uint8_t *bytes, size_t count);

/* The power key is pressed. False: the guest does not look at it. */
bool platform_power_key(struct platform *p);

/* Offer all waiting output to the console. */
void platform_flush(struct platform *p);

#endif
