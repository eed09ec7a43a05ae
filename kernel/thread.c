/* SPDX-License-Identifier: MIT */
/*
 * Threads come and go. A thread holds a reference to its task and, from the first time that it is
 * made ready until it ends, one to itself.
 */
#include <kernel/console.h>
#include <kernel/event.h>
#include <kernel/task.h>
#include <kernel/thread.h>

static void thread_destroy(struct object *object)
{
	struct thread *thread = container_of(object, struct thread, object);
	struct task *task = thread->task;

	heap_free(task->heap, thread, sizeof(*thread));
	object_put(&task->object);
}

status_t thread_create(struct task *task, uint32_t cpu, uint32_t priority, uint64_t entry,
		       uint64_t stack, uint64_t argument, uint64_t tls, struct thread **out)
{
	struct thread *thread;

	if (cpu >= cpu_count || priority >= PRIORITY_COUNT)
		return STATUS_INVALID_ARGUMENT;
	if (entry >= USER_LIMIT || stack > USER_LIMIT || tls >= USER_LIMIT)
		return STATUS_INVALID_ADDRESS;
	thread = heap_alloc(task->heap, sizeof(*thread));
	if (thread == NULL)
		return STATUS_NO_MEMORY;
	object_init(&thread->object, OBJECT_THREAD, thread_destroy);
	object_get(&task->object);
	thread->task = task;
	thread->cpu = cpus[cpu];
	thread->priority = priority;
	event_timeout_init(&thread->timeout);
	atomic_store(&thread->state, THREAD_NEW);
	arch_thread_init(thread, entry, stack, argument, tls);
	*out = thread;
	return STATUS_OK;
}

void thread_start(struct thread *thread)
{
	object_get(&thread->object);
	atomic_fetch_add(&thread->task->threads, 1);
	atomic_fetch_add(&thread->cpu->threads, 1);
	sched_kick(sched_ready(thread));
}

__noreturn void thread_exit(void)
{
	struct cpu *cpu = this_cpu();
	struct thread *thread = cpu->current;
	struct task *task = thread->task;

	timer_cancel(&thread->timeout);
	atomic_store(&thread->state, THREAD_DEAD);
	arch_thread_destroy(thread);
	atomic_fetch_sub(&cpu->threads, 1);
	cpu->ready.leaving = true;
	cpu->ready.loaded = NULL;
	if (atomic_fetch_sub(&task->threads, 1) == 1)
		task_ended(task);
	cpu->current = NULL;
	object_put(&thread->object);
	sched_exit();
}
