/* SPDX-License-Identifier: MIT */
/*
 * Timers, and threads that live in the kernel only: each runs a continuation and ends.
 */
#include <kernel/cpu.h>
#include <kernel/event.h>
#include <kernel/selftest.h>
#include <kernel/task.h>
#include <kernel/thread.h>

static uint64_t ms(uint64_t count)
{
	return timestamp_hz / 1000 * count;
}

static uint64_t fired_at;

static void timer_fired(struct timer *timer)
{
	(void)timer;
	fired_at = timestamp_read();
}

SELFTEST(timer_fires)
{
	struct timer late, early;
	uint64_t start = timestamp_read();

	fired_at = 0;
	timer_init(&late, timer_fired);
	timer_init(&early, timer_fired);
	timer_set(&late, start + ms(200));
	timer_set(&early, start + ms(5));
	while (timer_is_set(&early))
		arch_idle();
	CHECK(fired_at >= start + ms(5));
	CHECK(fired_at < start + ms(200));
	CHECK(timer_is_set(&late));
	timer_cancel(&late);
	/* A deadline in the past fires at once. */
	fired_at = 0;
	timer_set(&early, start);
	while (timer_is_set(&early))
		arch_idle();
	CHECK(fired_at != 0);
}

SELFTEST(cpu_shootdown)
{
	for (unsigned int i = 0; i < 50; i++)
		host_tlb_shootdown(NULL);
	for (uint32_t i = 0; i < cpu_count; i++)
		if (cpus[i] != this_cpu())
			CHECK(atomic_load(&cpus[i]->flush_done) >= 50);
}

static struct task kernel_only_task;
static _Atomic uint32_t ran_on, runs;

static void task_gone(struct object *object)
{
	(void)object;
}

static status_t task_init(void)
{
	struct task *task = &kernel_only_task;
	status_t status;

	if (task->heap != NULL)
		return STATUS_OK;
	object_init(&task->object, OBJECT_TASK, task_gone);
	status = page_table_init(&task->space.table, &host_page_table_format, &kernel_heap);
	if (status != STATUS_OK)
		return status;
	arch_space_init(&task->space);
	task->threads = 1; /* so that no thread is its last one */
	task->heap = &kernel_heap;
	return STATUS_OK;
}

static void note_and_end(struct thread *thread)
{
	atomic_store(&ran_on, thread->cpu->index);
	atomic_fetch_add(&runs, 1);
	thread_exit();
}

static bool wait_for_runs(uint32_t count)
{
	uint64_t limit = timestamp_read() + ms(2000);

	while (atomic_load(&runs) < count && timestamp_read() < limit)
		cpu_relax();
	return atomic_load(&runs) == count;
}

SELFTEST(sched_other_cpus)
{
	if (cpu_count < 2)
		SKIP("the machine has one CPU");
	CHECK(task_init() == STATUS_OK);
	for (uint32_t i = 0; i < cpu_count; i++) {
		struct thread *thread;

		if (cpus[i] == this_cpu())
			continue;
		atomic_store(&runs, 0);
		CHECK(thread_create(&kernel_only_task, i, 3, 0x1000, 0, 0, 0, &thread) ==
		      STATUS_OK);
		thread->continuation = note_and_end;
		thread_start(thread);
		object_put(&thread->object);
		CHECK(wait_for_runs(1));
		CHECK(atomic_load(&ran_on) == i);
	}
}

/* Blocks until it has been woken often enough: no wake may get lost. */
#define WAKES 1000u
static _Atomic uint32_t wanted, seen;

static void follow(struct thread *thread)
{
	atomic_store(&seen, atomic_load(&wanted));
	if (atomic_load(&seen) == WAKES)
		note_and_end(thread);
	thread->continuation = follow;
	sched_block(thread);
	sched_exit();
}

SELFTEST(sched_wakes_are_not_lost)
{
	struct thread *thread;
	uint64_t limit = timestamp_read() + ms(10000);

	if (cpu_count < 2)
		SKIP("the machine has one CPU");
	CHECK(task_init() == STATUS_OK);
	atomic_store(&runs, 0);
	CHECK(thread_create(&kernel_only_task, cpu_count - 1, 3, 0x1000, 0, 0, 0, &thread) ==
	      STATUS_OK);
	thread->continuation = follow;
	thread_start(thread);
	for (uint32_t i = 1; i <= WAKES; i++) {
		atomic_store(&wanted, i);
		sched_kick(sched_ready(thread));
		/* Sometimes wait for it, sometimes meet it on its way to block. */
		while (i % 3 == 0 && atomic_load(&seen) != i && timestamp_read() < limit)
			cpu_relax();
	}
	CHECK(wait_for_runs(1));
	object_put(&thread->object);
}
