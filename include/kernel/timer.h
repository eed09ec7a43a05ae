/* SPDX-License-Identifier: MIT */
/*
 * One queue of timers for each CPU, in timestamp ticks, over the CPU's one-shot timer. A timer
 * belongs to the queue of the CPU that set it; only that CPU sets, cancels and runs it.
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include <trivet/types.h>

#define TIMER_NEVER UINT64_MAX

struct timer {
	uint64_t deadline;		      /* TIMER_NEVER: not queued */
	void (*expired)(struct timer *timer); /* interrupts off, no waiting; may set it again */
	struct timer *left, *right, *parent;  /* pairing heap: O(1) insert, no fixed size */
};

struct timer_queue {
	struct timer *root;
	uint64_t programmed; /* what the hardware was told */
};

void timer_init(struct timer *timer, void (*expired)(struct timer *timer));
void timer_set(struct timer *timer, uint64_t deadline); /* queues or moves it, on this CPU */
void timer_cancel(struct timer *timer);
static inline bool timer_is_set(const struct timer *timer)
{
	return timer->deadline != TIMER_NEVER;
}

/* Ticks and nanoseconds of system time (since boot). Exact to rounding, no overflow. */
uint64_t ticks_from_ns(uint64_t ns); /* an absolute timestamp; UINT64_MAX stays */
uint64_t ns_from_ticks(uint64_t timestamp);
extern uint64_t timestamp_base; /* timestamp_read() when system time was 0 */

#endif
