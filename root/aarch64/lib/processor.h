/* SPDX-License-Identifier: MIT */
/* What root/lib needs to know of the processor. */
#ifndef LIB_PROCESSOR_H
#define LIB_PROCESSOR_H

#include <trivet/abi.h>

/* Why vp_run() mostly comes back: an access to a device's memory. */
#define VP_RUN_ACCESS VP_RUN_MMIO

/* musl's part of a thread's block ends at the thread pointer. */
#define THREAD_POINTER_OFFSET 512u

static inline void *thread_pointer_read(void)
{
	void *pointer;

	__asm__("mrs %0, tpidr_el0" : "=r"(pointer));
	return pointer;
}

/* The physical counter, which no guest's offset changes (Arm ARM D11.1.2); not before what comes before it. */
static inline uint64_t timestamp_read(void)
{
	uint64_t count;

	__asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(count) : : "memory");
	return count;
}

#endif
