/* SPDX-License-Identifier: MIT */
/*
 * Which thread runs. Each CPU has its queues to itself; another CPU that makes a thread ready puts
 * it on the wake list, sets a pending bit and kicks. The current thread is in no queue.
 *
 *	         sched_ready                    picked
 *	BLOCKED -------------> READY, queued -----------> READY, current
 *	   ^                        ^                        |     |
 *	   |                        `--- yield, slice over --'     |
 *	   `------------------------- sched_block -----------------'
 *
 * A wake that meets a thread on its way to block is kept in wake_pending: the one of the two, waker
 * or blocker, that moves the state from BLOCKED to READY queues the thread.
 */
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/thread.h>

static void slice_expired(struct timer *timer)
{
	(void)timer;
	this_cpu()->ready.slice_over = true;
}

void run_queue_init(struct run_queue *queue)
{
	timer_init(&queue->slice, slice_expired);
}

static uint32_t others_of_priority(const struct run_queue *queue, uint32_t priority)
{
	return queue->occupied & (uint32_t)BIT(priority);
}

/* The current thread has company of its priority from now on. */
static void slice_start(struct run_queue *queue, struct thread *current)
{
	if (timer_is_set(&queue->slice) || queue->slice_over)
		return;
	if (current->slice_end == 0)
		current->slice_end = timestamp_read() + timestamp_hz / 1000 * TIME_SLICE_MS;
	timer_set(&queue->slice, current->slice_end);
}

static void slice_stop(struct run_queue *queue)
{
	timer_cancel(&queue->slice);
	queue->slice_over = false;
}

static void queue_push(struct cpu *cpu, struct thread *thread, bool front)
{
	struct run_queue *queue = &cpu->ready;
	uint32_t priority = thread->priority;

	thread->next = front ? queue->head[priority] : NULL;
	if (queue->head[priority] == NULL)
		queue->head[priority] = queue->tail[priority] = thread;
	else if (front)
		queue->head[priority] = thread;
	else
		queue->tail[priority] = queue->tail[priority]->next = thread;
	queue->occupied |= (uint32_t)BIT(priority);
	queue->lengths[priority]++;
	if (cpu->current != NULL && !queue->leaving && cpu->current->priority == priority)
		slice_start(queue, cpu->current);
}

static struct thread *queue_pop(struct run_queue *queue)
{
	uint32_t priority;
	struct thread *thread;

	if (queue->occupied == 0)
		return NULL;
	priority = 31 - (uint32_t)__builtin_clz(queue->occupied);
	thread = queue->head[priority];
	queue->lengths[priority]--;
	queue->head[priority] = thread->next;
	if (thread->next == NULL)
		queue->occupied &= ~(uint32_t)BIT(priority);
	thread->next = NULL;
	return thread;
}

void sched_wake_list_drain(struct cpu *cpu)
{
	struct thread *list, *oldest = NULL;

	spin_lock(&cpu->ready.lock);
	list = cpu->ready.wake;
	cpu->ready.wake = NULL;
	spin_unlock(&cpu->ready.lock);
	while (list != NULL) {
		struct thread *next = list->next;

		list->next = oldest;
		oldest = list;
		list = next;
	}
	while (oldest != NULL) {
		struct thread *next = oldest->next;

		queue_push(cpu, oldest, false);
		oldest = next;
	}
}

/* A thread whose state has just become READY goes to its CPU's queue. Gives the CPU to kick. */
static struct cpu *thread_enqueue(struct thread *thread)
{
	struct cpu *cpu = thread->cpu;

	if (cpu == this_cpu()) {
		queue_push(cpu, thread, false);
		return NULL;
	}
	spin_lock(&cpu->ready.lock);
	thread->next = cpu->ready.wake;
	cpu->ready.wake = thread;
	spin_unlock(&cpu->ready.lock);
	atomic_fetch_or(&cpu->pending, CPU_PENDING_WAKE);
	/* A CPU that runs something better comes by itself, later. It looks at its pending word
	 * after it has lowered `running`, we look at `running` after we have set the bit. */
	return atomic_load(&cpu->ready.running) <= thread->priority + 1 ? cpu : NULL;
}

static bool state_move(struct thread *thread, uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong(&thread->state, &from, to);
}

struct cpu *sched_ready(struct thread *thread)
{
	if (state_move(thread, THREAD_NEW, THREAD_READY))
		return thread_enqueue(thread);
	atomic_store(&thread->wake_pending, true);
	if (!state_move(thread, THREAD_BLOCKED, THREAD_READY))
		return NULL;
	atomic_store(&thread->wake_pending, false);
	return thread_enqueue(thread);
}

void sched_kick(struct cpu *cpu)
{
	if (cpu != NULL)
		arch_cpu_kick(cpu);
}

void sched_block(struct thread *thread)
{
	struct cpu *cpu = thread->cpu;

	cpu->ready.leaving = true;
	atomic_store(&thread->state, THREAD_BLOCKED);
	if (atomic_exchange(&thread->wake_pending, false) &&
	    state_move(thread, THREAD_BLOCKED, THREAD_READY))
		queue_push(cpu, thread, false);
}

bool sched_yield(void)
{
	struct cpu *cpu = this_cpu();

	if (!cpu->current || !others_of_priority(&cpu->ready, cpu->current->priority))
		return false;
	cpu->ready.slice_over = true;
	return true;
}

static inline bool should_switch(struct cpu *cpu)
{
	if (unlikely(atomic_load_explicit(&cpu->pending, memory_order_relaxed) != 0))
		cpu_pending_process(cpu);
	return cpu_is_wanted(cpu);
}

bool sched_should_switch(void)
{
	return should_switch(this_cpu());
}

/* Puts the current thread where it belongs if it must give way; NULL: it is gone from the CPU. */
static struct thread *current_keep(struct cpu *cpu)
{
	struct run_queue *queue = &cpu->ready;
	struct thread *thread = cpu->current;

	if (thread == NULL || queue->leaving) {
		if (thread != NULL)
			thread->slice_end = 0;
		cpu->current = NULL;
		queue->leaving = false;
		slice_stop(queue);
		return NULL;
	}
	if (!sched_should_switch())
		return thread;
	/* Whoever has used up its slice goes behind its equals; who was only interrupted by
	 * somebody more urgent goes on before them, with the same slice. */
	cpu->current = NULL;
	if (queue->slice_over)
		thread->slice_end = 0;
	queue_push(cpu, thread, !queue->slice_over);
	slice_stop(queue);
	return NULL;
}

static struct thread *next_pick(struct cpu *cpu)
{
	struct run_queue *queue = &cpu->ready;
	struct thread *thread;

	for (;;) {
		uint64_t start;

		cpu_pending_process(cpu);
		thread = queue_pop(queue);
		if (thread != NULL)
			break;
		atomic_store(&queue->running, 0);
		if (atomic_load(&cpu->pending) != 0)
			continue;
		start = timestamp_read();
		arch_idle();
		cpu->idle_ticks += timestamp_read() - start;
	}
	cpu->current = thread;
	atomic_store(&queue->running, thread->priority + 1);
	if (others_of_priority(queue, thread->priority))
		slice_start(queue, thread);
	if (queue->loaded != thread) {
		queue->switches++;
		arch_thread_switch(queue->loaded, thread);
		queue->loaded = thread;
	}
	return thread;
}

/* On an empty stack: finds what to run, and runs it. */
static void thread_run(void)
{
	struct cpu *cpu = this_cpu();

	for (;;) {
		struct thread *thread = current_keep(cpu);
		void (*continuation)(struct thread * thread);

		if (thread == NULL)
			thread = next_pick(cpu);
		/* `running` has been set: a wake that found it higher is seen here. */
		if (atomic_load(&cpu->pending) != 0)
			continue;
		continuation = thread->continuation;
		if (continuation == NULL)
			arch_thread_resume(thread);
		thread->continuation = NULL;
		continuation(thread);
	}
}

__noreturn void sched_exit(void)
{
	struct cpu *cpu = this_cpu();
	struct thread *thread = cpu->current;

	if (likely(thread != NULL && !cpu->ready.leaving && thread->continuation == NULL &&
		   !should_switch(cpu)))
		arch_thread_resume(thread);
	arch_stack_restart(thread_run);
}
