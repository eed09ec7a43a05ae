/* SPDX-License-Identifier: MIT */
/* See second_thread.h. */
#include "second_thread.h"
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/partition_arch.h>
#include <kernel/task.h>
#include <kernel/thread.h>

static struct task second_task;
struct vp *second_vp;
_Atomic bool second_stopped;

static void task_gone(struct object *object)
{
	(void)object;
}

bool second_task_init(void)
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
	arch_vp_bind(second_vp);
	arch_vp_resume(second_vp);
	second_continue(thread);
}

bool second_run_by(void (*begin)(struct thread *thread))
{
	struct thread *thread;

	if (thread_create(&second_task, cpu_count - 1, 3, 0x1000, 0, 0, 0, &thread) != STATUS_OK)
		return false;
	atomic_store(&second_stopped, false);
	second_vp->thread = thread;
	thread->continuation = begin;
	thread_start(thread);
	object_put(&thread->object); /* it lives until it ends, and is not looked at then */
	return true;
}

bool second_run(void)
{
	return second_run_by(second_begin);
}

bool second_is_over(void)
{
	uint64_t limit = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;

	while (!atomic_load(&second_stopped) && timestamp_read() < limit)
		cpu_wait(this_cpu());
	return atomic_load(&second_stopped);
}

bool second_memory_is_back(uint64_t pages_before)
{
	uint64_t limit = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;

	while (kernel_heap.pages_free + 1 < pages_before && timestamp_read() < limit)
		cpu_wait(this_cpu());
	return kernel_heap.pages_free + 1 >= pages_before;
}

static void leave(void *vp)
{
	arch_vp_unbind(vp);
}

void second_unbind(void)
{
	cpu_call(cpus[cpu_count - 1], leave, second_vp);
}
