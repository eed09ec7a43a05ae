/* SPDX-License-Identifier: MIT */
/*
 * Two VPs on two CPUs: the test runs VP 0, a thread of the kernel's own runs VP 1 on the last CPU
 * as the system call does: it blocks while the VP is halted and is woken by vp_request().
 */
#include "guest.h"
#include <kernel/cpu.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/thread.h>

GUEST_CODE_DECLARE(starter);
GUEST_CODE_DECLARE(started);
extern const char guest_started_irq[];

#define SECOND_CODE   0x20000u
#define SECOND_VECTOR 0x50u
#define PATIENCE_MS   5000u

static struct task second_task;
static struct vp *second_vp;
static _Atomic bool second_stopped;

static void task_gone(struct object *object)
{
	(void)object;
}

static bool second_task_init(void)
{
	struct task *task = &second_task;

	if (task->heap)
		return true;
	object_init(&task->object, OBJECT_TASK, task_gone);
	if (page_table_init(&task->space.table, &host_page_table_format, &kernel_heap) != STATUS_OK)
		return false;
	arch_space_init(&task->space);
	task->threads = 1; /* so that no thread is its last one */
	task->heap = &kernel_heap;
	return true;
}

/* As vp_run_continue() of the system call; ends when the VMM, that is the test, has to act. */
static void second_continue(struct thread *thread)
{
	uint32_t blocked = VP_BLOCKED;

	switch (vp_run(second_vp)) {
	case VP_BLOCK:
		thread->continuation = second_continue;
		if (!atomic_load(&second_vp->requests) ||
		    !atomic_compare_exchange_strong(&second_vp->run_state, &blocked, VP_READY))
			sched_block(thread);
		return;
	case VP_SWITCH: thread->continuation = second_continue; return;
	default: atomic_store(&second_stopped, true); thread_exit();
	}
}

static void second_begin(struct thread *thread)
{
	arch_vp_resume(second_vp);
	second_continue(thread);
}

/* Runs VP 1 on the last CPU from here on, side by side with the caller. */
static bool second_run(void)
{
	struct thread *thread;

	if (thread_create(&second_task, cpu_count - 1, 3, 0x1000, 0, 0, 0, &thread) != STATUS_OK)
		return false;
	atomic_store(&second_stopped, false);
	second_vp->thread = thread;
	thread->continuation = second_begin;
	thread_start(thread);
	object_put(&thread->object); /* it lives until it ends, and is not looked at then */
	return true;
}

static bool second_says(uint32_t value)
{
	uint64_t limit = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;

	while (!atomic_load(&second_stopped) && timestamp_read() < limit)
		cpu_relax();
	return atomic_load(&second_stopped) && second_vp->run->reason == VP_RUN_PORT_IO &&
	       second_vp->run->port.value == value;
}

static bool second_is_blocked(void)
{
	uint64_t limit = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;

	while (atomic_load(&second_vp->run_state) != VP_BLOCKED && timestamp_read() < limit)
		cpu_relax();
	return atomic_load(&second_vp->run_state) == VP_BLOCKED;
}

static void second_leave(void *vp)
{
	arch_vp_unbind(vp);
}

/* INIT and SIPI start VP 1 in real mode, an IPI ends its HLT. */
static bool starts_and_wakes(struct test_guest *g)
{
	uint16_t *vector = (uint16_t *)g->ram + SECOND_VECTOR * 2;

	vector[0] = (uint16_t)(uintptr_t)guest_started_irq;
	vector[1] = SECOND_CODE >> 4;
	memcpy(g->ram + SECOND_CODE, guest_started, (size_t)(guest_started_end - guest_started));
	guest_start(g, starter);
	if (!second_run() || !second_is_blocked()) /* it waits for SIPI */
		return false;
	if (!guest_says(g, 1) || !second_says(3))
		return false;
	if (!second_run() || !second_is_blocked()) /* HLT */
		return false;
	if (!guest_says(g, 2) || !second_says(4))
		return false;
	return second_run() && second_says(5);
}

SELFTEST(second_vp_starts_and_wakes)
{
	uint64_t before = kernel_heap.pages_free;
	struct test_guest g;
	const char *why;
	bool ok;

	if (cpu_count < 2)
		SKIP("the machine has one CPU");
	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(second_task_init());
	CHECK(guest_create_vps(&g, 2));
	second_vp = partition_vp(g.partition, 1);
	second_vp->run = page_alloc(&kernel_heap, 0);
	ok = second_vp->run && starts_and_wakes(&g);
	/* A VP that still runs cannot be taken away: then the test has failed, and its guest stays. */
	CHECK(ok);
	cpu_call(cpus[cpu_count - 1], second_leave, second_vp);
	page_free(&kernel_heap, second_vp->run, 0);
	guest_destroy(&g);
	CHECK(kernel_heap.pages_free + 1 >= before); /* the task's table, the first time */
}
