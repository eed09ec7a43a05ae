/* SPDX-License-Identifier: MIT */
/*
 * A high precision event timer block (IA-PC HPET specification 1.0a) with three 64-bit
 * timers, all periodic and message-capable, at 100 MHz. No legacy replacement: the PIT and
 * the RTC keep their lines. A periodic timer is served no faster than HPET_MIN_PERIOD_NS;
 * periods that pass in between are skipped. Edges and messages of a slower one
 * that the guest was too late for are made up for (struct device_ticks).
 */
#ifndef DEVICES_HPET_H
#define DEVICES_HPET_H

#include <devices/device.h>

#define HPET_BASE	   0xfed00000ull
#define HPET_SIZE	   0x400ull
#define HPET_TIMERS	   3u
#define HPET_TICK_NS	   10u
#define HPET_ROUTES	   0x00f00000u /* GSIs 20..23 */
#define HPET_MIN_PERIOD_NS 50000ull

struct hpet;

struct hpet_timer {
	struct device_timer timer;
	struct device_ticks missed;
	struct hpet *hpet;
	uint64_t config; /* the writable bits */
	uint64_t comparator;
	uint64_t period;
	uint64_t message; /* data, and address in the high half */
};

struct hpet {
	struct device dev;
	struct device_env *env;
	struct hpet_timer timers[HPET_TIMERS];
	uint64_t config;
	uint64_t counter;  /* when it was started, or as it stands still */
	uint64_t start_ns; /* while it runs: since when */
	uint32_t status;   /* level-triggered timers that ask */
};

/* Prepare @hpet and put it on the bus at @base. Bus statuses. */
status_t hpet_init(struct hpet *hpet, struct device_env *env, struct device_bus *bus, gpa_t base);

#endif
