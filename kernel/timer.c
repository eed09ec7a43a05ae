/* SPDX-License-Identifier: MIT */
/*
 * Timers in a pairing heap: the root expires first, a node's children stand in a list from `left`
 * (the first child) over their `right`; `parent` is the parent for a first child, and the left
 * neighbour for the others, so that any node can be taken out. The hardware is told only when the
 * first deadline becomes earlier, or when it fires.
 */
#include <kernel/cpu.h>
#include <kernel/timer.h>

uint64_t timestamp_base;

#define NS_PER_SECOND 1000000000ull

/* Makes one heap of two; each may be NULL. */
static struct timer *heap_meld(struct timer *a, struct timer *b)
{
	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	if (b->deadline < a->deadline) {
		struct timer *first = b;

		b = a;
		a = first;
	}
	b->parent = a;
	b->right = a->left;
	if (b->right != NULL)
		b->right->parent = b;
	a->left = b;
	a->right = NULL;
	a->parent = NULL;
	return a;
}

/* One heap of a list of siblings: by pairs from the left, then from the last pair back. */
static struct timer *heap_pair(struct timer *first)
{
	struct timer *pairs = NULL, *heap = NULL;

	while (first != NULL) {
		struct timer *a = first, *b = a->right;

		first = b != NULL ? b->right : NULL;
		a->right = a->parent = NULL;
		if (b != NULL)
			b->right = b->parent = NULL;
		a = heap_meld(a, b);
		a->right = pairs;
		pairs = a;
	}
	while (pairs != NULL) {
		struct timer *next = pairs->right;

		pairs->right = NULL;
		heap = heap_meld(heap, pairs);
		pairs = next;
	}
	return heap;
}

static void heap_remove(struct timer_queue *queue, struct timer *timer)
{
	struct timer *children = heap_pair(timer->left);

	if (queue->root == timer) {
		queue->root = children;
	} else {
		if (timer->parent->left == timer)
			timer->parent->left = timer->right;
		else
			timer->parent->right = timer->right;
		if (timer->right != NULL)
			timer->right->parent = timer->parent;
		queue->root = heap_meld(queue->root, children);
	}
	timer->left = timer->right = timer->parent = NULL;
}

static void queue_program(struct timer_queue *queue)
{
	uint64_t first = queue->root != NULL ? queue->root->deadline : TIMER_NEVER;

	if (first == queue->programmed)
		return;
	queue->programmed = first;
	arch_timer_set(first);
}

void timer_init(struct timer *timer, void (*expired)(struct timer *timer))
{
	*timer = (struct timer){.deadline = TIMER_NEVER, .expired = expired};
}

void timer_set(struct timer *timer, uint64_t deadline)
{
	struct timer_queue *queue = &this_cpu()->timers;

	if (timer_is_set(timer))
		heap_remove(queue, timer);
	timer->deadline = deadline;
	if (deadline != TIMER_NEVER)
		queue->root = heap_meld(queue->root, timer);
	/* A hardware timer that fires too early costs less than setting it anew each time. */
	if (queue->root != NULL && queue->root->deadline < queue->programmed)
		queue_program(queue);
}

void timer_cancel(struct timer *timer)
{
	if (timer_is_set(timer))
		timer_set(timer, TIMER_NEVER);
}

void timer_interrupt(void)
{
	struct timer_queue *queue = &this_cpu()->timers;
	uint64_t now = timestamp_read();

	/* `now` is read once: a timer that sets itself anew in the past can't keep us here. */
	queue->programmed = 0;
	while (queue->root != NULL && queue->root->deadline <= now) {
		struct timer *timer = queue->root;

		heap_remove(queue, timer);
		timer->deadline = TIMER_NEVER;
		timer->expired(timer);
	}
	queue_program(queue);
}

uint64_t ticks_from_ns(uint64_t ns)
{
	uint64_t seconds = ns / NS_PER_SECOND, rest = ns % NS_PER_SECOND, ticks;

	if (ns == UINT64_MAX || __builtin_mul_overflow(seconds, timestamp_hz, &ticks) ||
	    __builtin_add_overflow(ticks, rest * timestamp_hz / NS_PER_SECOND, &ticks) ||
	    __builtin_add_overflow(ticks, timestamp_base, &ticks))
		return TIMER_NEVER;
	return ticks;
}

uint64_t ns_from_ticks(uint64_t timestamp)
{
	uint64_t ticks = timestamp - timestamp_base;

	return ticks / timestamp_hz * NS_PER_SECOND +
	       ticks % timestamp_hz * NS_PER_SECOND / timestamp_hz;
}
