/* SPDX-License-Identifier: MIT */
/*
 * System time: nanoseconds since the kernel set its clock, the same on all CPUs, without a system
 * call. It is the time in which events' deadlines are given.
 */
#ifndef LIB_TIME_H
#define LIB_TIME_H

#include <trivet/abi.h>

#define TIME_NEVER    UINT64_MAX
#define NS_PER_US     1000ull
#define NS_PER_MS     1000000ull
#define NS_PER_SECOND 1000000000ull

/* Takes the clock's rate and zero from the boot information. Before any other call. */
void time_init(const struct boot_info *info);
/* Now, in nanoseconds. */
uint64_t time_now(void);
/* What the kernel counts in ticks of the TSC: a length of time, and a point of it (UINT64_MAX stays). */
uint64_t time_from_ticks(uint64_t ticks);
uint64_t time_from_timestamp(uint64_t timestamp);
/* Seconds since 1970 now, by the machine's clock at boot; 0 if it has none. */
uint64_t time_epoch(void);
/* The same in nanoseconds. */
uint64_t time_epoch_ns(void);

#endif
