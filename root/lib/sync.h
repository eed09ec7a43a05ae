/* SPDX-License-Identifier: MIT */
/*
 * A lock for threads that may sleep while they wait. Taking a free lock and giving back one that
 * nobody waits for is one atomic instruction each; the others queue in order of arrival, and the
 * lock is handed to the first of them.
 *
 * Order of locks, outermost first: gdb, machine list, machine, console, log, heap, memory.
 */
#ifndef LIB_SYNC_H
#define LIB_SYNC_H

#include <stdatomic.h>
#include <trivet/types.h>

#define MUTEX_HELD 1ul

/*
 * state: 0 free; MUTEX_HELD plus the address of the waiter that came last, or none. A waiter
 * points to the one that came before it. Zeroed memory is a free lock.
 */
struct mutex {
	_Atomic uintptr_t state;
};

void mutex_lock_slow(struct mutex *mutex);
void mutex_unlock_slow(struct mutex *mutex);

static inline void mutex_lock(struct mutex *mutex)
{
	uintptr_t free = 0;

	if (unlikely(!atomic_compare_exchange_strong_explicit(
		    &mutex->state, &free, MUTEX_HELD, memory_order_acquire, memory_order_relaxed)))
		mutex_lock_slow(mutex);
}

static inline void mutex_unlock(struct mutex *mutex)
{
	uintptr_t alone = MUTEX_HELD;

	if (unlikely(!atomic_compare_exchange_strong_explicit(
		    &mutex->state, &alone, 0, memory_order_release, memory_order_relaxed)))
		mutex_unlock_slow(mutex);
}

#endif
