/* SPDX-License-Identifier: MIT */
/*
 * Read sections: a CPU looks at a structure without its lock, for a few instructions in which it
 * waits for nobody. Who takes something out of the structure waits for the sections that may have
 * seen it, and only then gives it back.
 *
 * It is for what every CPU looks at all the time. A lock is no good there even where it is held
 * for ten instructions: below an emulator or a hypervisor, CPUs that queue for it give it from hand
 * to hand at the rate at which the host switches between them, for as long as they keep coming.
 */
#ifndef KERNEL_READER_H
#define KERNEL_READER_H

#include <kernel/cpu.h>

static inline void read_begin(struct cpu *self)
{
	uint32_t count = atomic_load_explicit(&self->reading, memory_order_relaxed);

	atomic_store_explicit(&self->reading, count + 1, memory_order_relaxed);
	/* Either our reads see what the other has taken out, or he sees that we read. */
	atomic_thread_fence(memory_order_seq_cst);
}

static inline void read_end(struct cpu *self)
{
	uint32_t count = atomic_load_explicit(&self->reading, memory_order_relaxed);

	atomic_store_explicit(&self->reading, count + 1, memory_order_release);
}

/* Returns when each read section that had begun before the call has ended. The caller is in none,
 * and holds no lock. */
void readers_wait(void);

#endif
