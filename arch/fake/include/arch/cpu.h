/* SPDX-License-Identifier: MIT */
/*
 * The fake machine's side of <kernel/arch.h>, for hosted unit tests of kernel/: a global says
 * which CPU this is and what time it is. arch/fake/machine.c holds the functions.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <trivet/status.h>
#include <trivet/types.h>

#define ARCH_ELF_MACHINE 62

struct cpu;

struct arch_cpu {
	uint32_t kicks;		 /* arch_cpu_kick() calls */
	uint64_t timer_deadline; /* last arch_timer_set() */
	uint32_t idles;
	uint64_t xcr0; /* what the guest half of x86-64 has loaded */
};

struct arch_thread {
	uint64_t entry, stack, argument, tls;
	status_t status; /* last arch_thread_set_result() */
	uint64_t value;
	uint32_t resumes;
};

extern struct cpu *fake_cpu;
extern uint64_t fake_timestamp;
/* Called in each turn of a wait for another CPU, to play that one's part; NULL: nothing happens. */
extern void (*fake_relaxed)(void);

static inline struct cpu *this_cpu(void)
{
	return fake_cpu;
}

static inline void cpu_relax(void)
{
	if (fake_relaxed)
		fake_relaxed();
}

/* Called after each look at the clock, to play another CPU's part; NULL: nothing happens. */
extern void (*fake_timestamp_taken)(void);

static inline uint64_t timestamp_read(void)
{
	uint64_t timestamp = fake_timestamp;

	if (fake_timestamp_taken)
		fake_timestamp_taken();
	return timestamp;
}

/* An entry of a page table turns from a leaf to a table or back, or shows other memory: to the processor
 * that is a store like others. */
static inline void arch_table_entry_replace(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

#endif
