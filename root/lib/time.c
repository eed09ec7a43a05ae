/* SPDX-License-Identifier: MIT */
/* System time from the counter that all CPUs read alike. */
#include <lib/processor.h>
#include <lib/time.h>

static uint64_t clock_hz;
static uint64_t clock_base;
static uint64_t clock_epoch;

void time_init(const struct boot_info *info)
{
	clock_hz = info->tsc_hz ? info->tsc_hz : NS_PER_SECOND;
	clock_base = info->tsc_base;
	clock_epoch = info->boot_epoch;
}

uint64_t time_from_ticks(uint64_t ticks)
{
	/* The second product stays below hz * 10^9, which fits up to 18 GHz. */
	return ticks / clock_hz * NS_PER_SECOND + ticks % clock_hz * NS_PER_SECOND / clock_hz;
}

uint64_t time_from_timestamp(uint64_t timestamp)
{
	return timestamp == UINT64_MAX ? timestamp : time_from_ticks(timestamp - clock_base);
}

uint64_t time_now(void)
{
	return time_from_timestamp(timestamp_read());
}

uint64_t time_epoch_ns(void)
{
	return clock_epoch ? clock_epoch * NS_PER_SECOND + time_now() : 0;
}

uint64_t time_epoch(void)
{
	return time_epoch_ns() / NS_PER_SECOND;
}
