/* SPDX-License-Identifier: MIT */
/*
 * The slow paths of the lock. The waiters form a list from the last to the first:
 *
 *	state --> last --> ... --> first --> NULL
 *
 * Anybody may push at the left; only the holder takes away, and only at the right. So what lies
 * between stays as it is while the holder walks, and no entry can come back under its feet.
 */
#include <lib/model.h>
#include <lib/sync.h>
#include <lib/thread.h>
#include <lib/time.h>

struct waiter {
	struct waiter *previous; /* came before this one */
	handle_t event;
	_Atomic bool granted;
};

void mutex_lock_slow(struct mutex *mutex)
{
	uintptr_t state = atomic_load_explicit(&mutex->state, memory_order_relaxed);
	struct waiter self = {.event = thread_current()->event};
	uint64_t bits;

	for (;;) {
		if (state == 0) {
			if (atomic_compare_exchange_weak_explicit(&mutex->state, &state, MUTEX_HELD,
								  memory_order_acquire,
								  memory_order_relaxed))
				return;
			continue;
		}
		self.previous = (struct waiter *)(state & ~MUTEX_HELD);
		if (atomic_compare_exchange_weak_explicit(
			    &mutex->state, &state, (uintptr_t)&self | MUTEX_HELD,
			    memory_order_release, memory_order_relaxed))
			break;
	}
	/* Ends when the holder hands the lock over; other bits of the event don't matter. */
	while (!atomic_load_explicit(&self.granted, memory_order_acquire))
		(void)event_wait(self.event, TIME_NEVER, &bits);
}

/* Takes the waiter that came first out of the list; the lock stays held. There is one. */
static struct waiter *mutex_take_first(struct mutex *mutex)
{
	uintptr_t state = atomic_load_explicit(&mutex->state, memory_order_acquire);
	struct waiter *waiter = (struct waiter *)(state & ~MUTEX_HELD);

	if (!waiter->previous) {
		if (atomic_compare_exchange_strong_explicit(&mutex->state, &state, MUTEX_HELD,
							    memory_order_acquire,
							    memory_order_acquire))
			return waiter;
		/* Others came: now it has one to its left. */
		waiter = (struct waiter *)(state & ~MUTEX_HELD);
	}
	while (waiter->previous->previous)
		waiter = waiter->previous;
	struct waiter *first = waiter->previous;

	waiter->previous = NULL;
	return first;
}

void mutex_unlock_slow(struct mutex *mutex)
{
	struct waiter *first = mutex_take_first(mutex);
	/* Once granted, the waiter and its memory may be gone. */
	handle_t event = first->event;

	atomic_store_explicit(&first->granted, true, memory_order_release);
	event_signal(event, THREAD_WAKE_LOCK);
}
