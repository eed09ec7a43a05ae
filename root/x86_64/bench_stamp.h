/* SPDX-License-Identifier: MIT */
/* What measurements count in: the time-stamp counter, which counts instructions on the emulators that measure. */
#ifndef ROOT_BENCH_STAMP_H
#define ROOT_BENCH_STAMP_H

#include <lib/processor.h>

static inline uint64_t bench_stamp(void)
{
	return timestamp_read();
}

/* Lets an emulator that runs one CPU after the other go on with the next. */
static inline void bench_pause(void)
{
	__builtin_ia32_pause();
}

#endif
