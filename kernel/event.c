/* SPDX-License-Identifier: MIT */
/*
 * Events. The waiter stays in the event until it runs again and takes the bits itself, so that
 * nobody else can take them between the signal and its waking. Whoever makes the first bit set
 * wakes it; so does its timer, which is on the waiter's own CPU.
 */
#include <kernel/console.h>
#include <kernel/event.h>
#include <kernel/memory.h>
#include <kernel/thread.h>

static void event_destroy(struct object *object)
{
	struct event *event = container_of(object, struct event, object);

	heap_free(event->heap, event, sizeof(*event));
}

status_t event_create(struct heap *heap, struct event **out)
{
	struct event *event = heap_alloc(heap, sizeof(*event));

	if (event == NULL)
		return STATUS_NO_MEMORY;
	object_init(&event->object, OBJECT_EVENT, event_destroy);
	event->heap = heap;
	*out = event;
	return STATUS_OK;
}

void event_signal(struct event *event, uint64_t bits)
{
	struct thread *waiter = NULL;
	struct cpu *sleeping = NULL;

	spin_lock(&event->lock);
	if (event->bits == 0 && bits != 0)
		waiter = event->waiter;
	event->bits |= bits;
	/* Under the lock: the waiter can't end before it has been made ready. */
	if (waiter != NULL)
		sleeping = sched_ready(waiter);
	spin_unlock(&event->lock);
	sched_kick(sleeping);
}

static void wait_timed_out(struct timer *timer)
{
	sched_kick(sched_ready(container_of(timer, struct thread, timeout)));
}

void event_timeout_init(struct timer *timer)
{
	timer_init(timer, wait_timed_out);
}

/* Runs when the waiter has been woken, for whatever reason. */
static void event_wait_continue(struct thread *thread)
{
	struct event *event = thread->waiting;
	bool over = thread->deadline <= timestamp_read();
	uint64_t bits;

	spin_lock(&event->lock);
	bits = event->bits;
	event->bits = 0;
	if (bits == 0 && !over) {
		thread->continuation = event_wait_continue;
		sched_block(thread);
		if (!timer_is_set(&thread->timeout))
			timer_set(&thread->timeout, thread->deadline);
		spin_unlock(&event->lock);
		sched_exit();
	}
	event->waiter = NULL;
	spin_unlock(&event->lock);
	timer_cancel(&thread->timeout);
	thread->waiting = NULL;
	object_put(&event->object);
	arch_thread_set_result(thread, bits != 0 ? STATUS_OK : STATUS_TIMED_OUT, bits);
}

__noreturn void event_wait(struct event *event, uint64_t deadline)
{
	struct thread *thread = this_cpu()->current;
	bool busy;

	spin_lock(&event->lock);
	busy = event->waiter != NULL;
	if (!busy)
		event->waiter = thread;
	spin_unlock(&event->lock);
	if (busy) {
		object_put(&event->object);
		arch_thread_set_result(thread, STATUS_BUSY, 0);
		sched_exit();
	}
	thread->waiting = event;
	thread->deadline = deadline;
	event_wait_continue(thread);
	sched_exit();
}
