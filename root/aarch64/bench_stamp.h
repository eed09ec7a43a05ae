/* SPDX-License-Identifier: MIT */
/* What measurements count in: nanoseconds, of which an instruction takes one on the emulator that measures. Its
 * counter is coarser than that. */
#ifndef ROOT_BENCH_STAMP_H
#define ROOT_BENCH_STAMP_H

#include <lib/time.h>

static inline uint64_t bench_stamp(void)
{
	return time_now();
}

/* Lets an emulator that runs one CPU after the other go on with the next. */
static inline void bench_pause(void)
{
	__asm__ volatile("yield" : : : "memory");
}

#endif
