/* SPDX-License-Identifier: MIT */
/*
 * Eight general-purpose lines: Arm's PL061 (DDI 0190). What the guest drives ends nowhere; the inputs are what
 * pl061_input() says, low at first. One of them is the machine's power key.
 */
#ifndef DEVICES_PL061_H
#define DEVICES_PL061_H

#include <devices/device.h>
#include <devices/primecell.h>

#define PL061_LINES 8u

struct pl061 {
	struct device dev;
	struct device_env *env;
	struct device_timer key_timer; /* the key is let go */
	unsigned int line;
	uint8_t key;  /* the input that it is at */
	uint8_t data; /* what is driven, and the inputs' levels */
	uint8_t inputs;
	uint8_t direction; /* 1: output */
	uint8_t level, both_edges, event, mask, raw, alternate;
	bool irq;
};

/* Bus statuses. */
status_t pl061_init(struct pl061 *gpio, struct device_env *env, struct device_bus *bus,
		    const struct primecell_config *config, uint8_t key);
void pl061_input(struct pl061 *gpio, unsigned int n, bool level);
/* The key is pressed, and let go after a while. False: the guest does not look at it, and it is not. */
bool pl061_key_press(struct pl061 *gpio);

#endif
