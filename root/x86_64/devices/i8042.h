/* SPDX-License-Identifier: MIT */
/*
 * The keyboard controller of a PC without keyboard and mouse: the 8042's commands at 0x64,
 * its data at 0x60, and port 0x92 (system control port A). Guests use them to reset the
 * machine and to open the A20 gate, and ask for devices, which has to fail fast: every
 * command that promises an answer gets one at once.
 *
 * A20 is always open; its bits only remember what was written.
 */
#ifndef DEVICES_I8042_H
#define DEVICES_I8042_H

#include <devices/device.h>

#define I8042_DATA_PORT	   0x60u
#define I8042_COMMAND_PORT 0x64u
#define I8042_PORT_A	   0x92u
#define I8042_GSI	   1u

struct i8042 {
	struct device dev;
	struct device_env *env;
	unsigned int gsi;
	uint8_t command;     /* that waits for its data byte; 0: none */
	uint8_t control;     /* the controller's command byte, "CTR" */
	uint8_t output_port; /* bit 0: not reset, bit 1: A20 */
	uint8_t output;	     /* the output buffer */
	uint8_t status;
	uint8_t port_a;
};

/* Prepare @kbc and put it on the bus with its keyboard interrupt at @gsi. Bus statuses. */
status_t i8042_init(struct i8042 *kbc, struct device_env *env, struct device_bus *bus,
		    unsigned int gsi);

#endif
