/* SPDX-License-Identifier: MIT */
/* Running a VP on another CPU than the test's: see second.h. */
#include "second.h"
#include <kernel/cpu.h>
#include <kernel/task.h>
#include <kernel/thread.h>

static struct task second_task;
static struct vp *second_vp;
static _Atomic bool stopped;

static void task_gone(struct object *object)
{
	(void)object;
}

/* Once, and kept. */
static bool task_init(void)
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

/* As vp_run_continue() of the system call. */
static void run_on(struct thread *thread)
{
	uint32_t blocked = VP_BLOCKED;

	switch (vp_run(second_vp)) {
	case VP_BLOCK:
		thread->continuation = run_on;
		if (!atomic_load(&second_vp->requests) ||
		    !atomic_compare_exchange_strong(&second_vp->run_state, &blocked, VP_READY))
			sched_block(thread);
		return;
	case VP_SWITCH: thread->continuation = run_on; return;
	default: atomic_store(&stopped, true); thread_exit();
	}
}

static void begin(struct thread *thread)
{
	arch_vp_bind(second_vp);
	arch_vp_resume(second_vp);
	run_on(thread);
}

bool second_run(struct test_guest *guest)
{
	struct thread *thread;

	second_vp = partition_vp(guest->partition, 1);
	if (!task_init() ||
	    thread_create(&second_task, cpu_count - 1, 3, 0x1000, 0, 0, 0, &thread) != STATUS_OK)
		return false;
	atomic_store(&stopped, false);
	second_vp->thread = thread;
	thread->continuation = begin;
	thread_start(thread);
	object_put(&thread->object); /* it lives until it ends, and is not looked at then */
	return true;
}

static void leave(void *vp)
{
	arch_vp_unbind(vp);
}

bool second_stop(void)
{
	uint64_t limit = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;

	vp_request(second_vp, VP_REQUEST_YIELD);
	while (!atomic_load(&stopped) && timestamp_read() < limit)
		cpu_wait(this_cpu());
	if (!atomic_load(&stopped))
		return false;
	cpu_call(cpus[cpu_count - 1], leave, second_vp);
	second_vp->thread = NULL;
	return true;
}
