/* SPDX-License-Identifier: MIT */
#include <kernel/reader.h>

void readers_wait(void)
{
	atomic_thread_fence(memory_order_seq_cst);
	for (uint32_t i = 0; i < cpu_count; i++) {
		uint32_t count = atomic_load_explicit(&cpus[i]->reading, memory_order_acquire);

		while ((count & 1) &&
		       atomic_load_explicit(&cpus[i]->reading, memory_order_acquire) == count)
			cpu_relax();
	}
}
