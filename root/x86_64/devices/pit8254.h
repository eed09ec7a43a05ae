/* SPDX-License-Identifier: MIT */
/*
 * The 8254 interval timer (Intel data sheet, 231164) at ports 0x40-0x43, and port 0x61 which
 * holds the gate of counter 2 and shows its output. Counter 0 drives GSI 0. All six modes,
 * BCD, latches and read-back.
 *
 * Counters do not tick: their state is computed from the time that has passed. Of counter 0
 * only rising edges are shown to the interrupt controllers, and no more than one in
 * PIT_MIN_PERIOD_NS: of a faster rate the others are lost. Edges that the guest was too late for are
 * made up for (struct device_ticks).
 */
#ifndef DEVICES_PIT8254_H
#define DEVICES_PIT8254_H

#include <devices/device.h>

#define PIT_PORT	  0x40u
#define PIT_PORT_B	  0x61u
#define PIT_CLOCK_HZ	  1193182u
#define PIT_COUNTERS	  3u
#define PIT_MIN_PERIOD_NS 50000ull

struct pit_counter {
	uint32_t count;	     /* initial count in use: 1..0x10000 (1..10000 in BCD) */
	uint32_t next_count; /* takes over at the end of the period; 0: none */
	uint64_t start;	     /* tick at which the count was loaded, if it runs */
	uint64_t passed;     /* ticks counted so far, while the gate holds it */
	uint16_t latched;
	uint8_t mode, access; /* access: 1 low byte, 2 high byte, 3 low then high */
	uint8_t low_byte;     /* written, waiting for the high byte */
	uint8_t status;
	bool bcd, gate;
	bool loaded;	/* a count is in the counting element */
	bool triggered; /* modes 1 and 5: the gate has risen */
	bool write_high, read_high;
	bool count_latched, status_latched;
};

struct pit {
	struct device dev;
	struct device_env *env;
	struct device_timer timer; /* the next rising edge of counter 0 */
	struct device_ticks missed;
	uint64_t due; /* tick of that edge, which may be sent later; others may come before */
	struct pit_counter counter[PIT_COUNTERS];
	unsigned int gsi;
	uint8_t port_b; /* bits 3:0, as written */
};

/* Prepare @pit with all counters idle, and put it on the bus. Bus statuses. */
status_t pit_init(struct pit *pit, struct device_env *env, struct device_bus *bus,
		  unsigned int gsi);

/* The output of @counter (0..2) now. */
bool pit_output(struct pit *pit, unsigned int counter);

#endif
