/* SPDX-License-Identifier: MIT */
/*
 * Events: 64 bits that anybody with the right may set and one thread at a time waits for. Waiting
 * gives all bits that are set and clears them.
 */
#ifndef KERNEL_EVENT_H
#define KERNEL_EVENT_H

#include <kernel/lock.h>
#include <kernel/object.h>

struct thread;
struct timer;

struct event {
	struct object object;
	struct spinlock lock; /* protects all below */
	uint64_t bits;
	struct thread *waiter; /* from event_wait() until it has been given its result */
	struct heap *heap;
};

status_t event_create(struct heap *heap, struct event **event) __must_check;
/* Any CPU, also from interrupt handlers; wakes the waiter. */
void event_signal(struct event *event, uint64_t bits);
/* Makes a thread's timer the one that ends its event_wait(). */
void event_timeout_init(struct timer *timer);
/* For the current thread: gives the bits at once, or blocks it until there are some or the
 * deadline (timestamp) has passed (TIMED_OUT). BUSY: another thread waits. Sets the thread's
 * system-call result itself and leaves through sched_exit(). */
/* The caller's reference to the event is taken over. */
__noreturn void event_wait(struct event *event, uint64_t deadline);

#endif
