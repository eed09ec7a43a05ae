/* SPDX-License-Identifier: MIT */
/* The clock: Arm's PL031 (DDI 0224), which counts seconds since 1970 in 32 bits, with an alarm. It always runs. */
#ifndef DEVICES_PL031_H
#define DEVICES_PL031_H

#include <devices/device.h>
#include <devices/primecell.h>

struct pl031 {
	struct device dev;
	struct device_env *env;
	struct device_timer alarm;
	unsigned int line;
	uint32_t at_base; /* what it showed at base_ns */
	uint64_t base_ns; /* of guest time */
	uint32_t load, match;
	uint32_t mask, raw; /* IMSC, RIS */
	bool irq;
};

/* Bus statuses. */
status_t pl031_init(struct pl031 *rtc, struct device_env *env, struct device_bus *bus,
		    const struct primecell_config *config, int64_t epoch_seconds);

#endif
