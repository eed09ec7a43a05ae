/* SPDX-License-Identifier: MIT */
/* What root/lib needs to know of the processor. */
#ifndef LIB_PROCESSOR_H
#define LIB_PROCESSOR_H

#include <trivet/abi.h>

/* Why vp_run() mostly comes back: a port access. */
#define VP_RUN_ACCESS VP_RUN_PORT_IO

/* The thread pointer is the thread's block, as the psABI wants it. */
#define THREAD_POINTER_OFFSET 0u

static inline void *thread_pointer_read(void)
{
	void *pointer;

	__asm__("movq %%fs:0, %0" : "=r"(pointer));
	return pointer;
}

/* The time-stamp counter (SDM 3B, 18.17), which the kernel has found to be constant and the same on all CPUs. */
static inline uint64_t timestamp_read(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

#endif
