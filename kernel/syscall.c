/* SPDX-License-Identifier: MIT */
/*
 * The system calls of consoles, handles, threads, events and memory, and the table of all. A
 * handler looks at all its arguments first. Buffers pass through a small one on the stack, so that
 * no user memory is touched under a lock.
 */
#include <kernel/arch.h>
#include <kernel/console.h>
#include <kernel/event.h>
#include <kernel/panic.h>
#include <kernel/partition.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

#define CONSOLE_WRITE_MAX 65536u
#define CHUNK		  256u

#define SYSCALL_ROW(name, number, words) [number] = sys_##name,
static syscall_handler_t *const handlers[SYSCALL_LIMIT] = {SYSCALL_TABLE(SYSCALL_ROW)};
#undef SYSCALL_ROW

__noreturn void trap_syscall(uint64_t number, const uint64_t arguments[6])
{
	struct thread *thread = this_cpu()->current;
	struct syscall_result result = {.status = STATUS_INVALID_SYSCALL};

	if (likely(number < SYSCALL_LIMIT && handlers[number] != NULL))
		result = handlers[number](thread, arguments);
	arch_thread_set_result(thread, result.status, result.value);
	sched_exit();
}

status_t syscall_object(struct thread *thread, uint64_t handle, enum object_type type,
			uint32_t rights, struct object **object)
{
	if (handle > UINT32_MAX)
		return STATUS_INVALID_HANDLE;
	return handle_get(&thread->task->handles, (handle_t)handle, type, rights, object);
}

__noreturn void trap_user_interrupt(void)
{
	sched_exit();
}

__cold __noreturn void trap_user_fault(const char *what, uint64_t address)
{
	struct cpu *cpu = this_cpu();

	log_error("root task fault: %s, address 0x%llx, on CPU %u", what,
		  (unsigned long long)address, cpu->index);
	arch_thread_dump(cpu->current);
	system_end(false, END_ROOT_FAULTED);
}

/* ---- the system ---- */

static __cold struct syscall_result line_write(void (*write)(const char *bytes, size_t size),
					       uint64_t va, uint64_t size)
{
	char bytes[CHUNK];

	if (size > CONSOLE_WRITE_MAX)
		return syscall_status(STATUS_TOO_LARGE);
	for (uint64_t done = 0; done < size;) {
		size_t part = MIN(size - done, sizeof(bytes));
		status_t status = user_copy_in(bytes, va + done, part);

		if (status != STATUS_OK)
			return syscall_status(status);
		write(bytes, part);
		done += part;
		/* A serial line is slow: interrupts, and who waits for this CPU, come in between. */
		arch_interrupt_window();
		cpu_wait(this_cpu());
	}
	return syscall_ok(size);
}

__cold struct syscall_result sys_console_write(struct thread *thread, const uint64_t a[6])
{
	(void)thread;
	return line_write(console_write, a[0], a[1]);
}

__cold struct syscall_result sys_serial_write(struct thread *thread, const uint64_t a[6])
{
	(void)thread;
	return line_write(arch_line_write, a[0], a[1]);
}

/* One reader for all rings: position is NULL for the input of a line. Input that is read into a buffer
 * that is not there is lost. */
static __cold struct syscall_result ring_read(enum serial_line line, uint64_t *position,
					      uint64_t va, uint64_t size)
{
	char bytes[CHUNK];
	uint64_t done = 0;

	while (done < size) {
		size_t part = MIN(size - done, sizeof(bytes));
		size_t count = position != NULL ? log_read(position, bytes, part)
						: line_read(line, bytes, part);

		if (count == 0)
			break;
		if (user_copy_out(va + done, bytes, count) != STATUS_OK)
			return syscall_status(STATUS_INVALID_ADDRESS);
		done += count;
	}
	return syscall_ok(done);
}

__cold struct syscall_result sys_console_read(struct thread *thread, const uint64_t a[6])
{
	(void)thread;
	return ring_read(LINE_CONSOLE, NULL, a[0], a[1]);
}

__cold struct syscall_result sys_serial_read(struct thread *thread, const uint64_t a[6])
{
	(void)thread;
	return ring_read(LINE_SECOND, NULL, a[0], a[1]);
}

__cold struct syscall_result sys_log_read(struct thread *thread, const uint64_t a[6])
{
	uint64_t position = a[0];

	(void)thread;
	return ring_read(LINE_CONSOLE, &position, a[1], a[2]);
}

static status_t event_get(struct thread *thread, uint64_t handle, uint32_t rights,
			  struct event **event)
{
	struct object *object;
	status_t status = syscall_object(thread, handle, OBJECT_EVENT, rights, &object);

	if (status == STATUS_OK)
		*event = container_of(object, struct event, object);
	return status;
}

/* The second line is opened when all else is right. Handle 0: nobody listens. */
static __cold struct syscall_result listen(struct thread *thread, enum serial_line line,
					   uint64_t com, uint64_t handle, uint64_t bits)
{
	struct event *event = NULL;
	status_t status = STATUS_OK;

	if (handle != HANDLE_NONE)
		status = bits != 0 ? event_get(thread, handle, RIGHT_WRITE, &event)
				   : STATUS_INVALID_ARGUMENT;
	if (status == STATUS_OK && line == LINE_SECOND)
		status =
			com > UINT32_MAX ? STATUS_NOT_FOUND : line_open((uint32_t)com, event, bits);
	else if (status == STATUS_OK)
		line_bind(line, event, bits);
	if (event != NULL)
		object_put(&event->object);
	return syscall_status(status);
}

__cold struct syscall_result sys_console_bind(struct thread *thread, const uint64_t a[6])
{
	return listen(thread, LINE_CONSOLE, 0, a[0], a[1]);
}

__cold struct syscall_result sys_serial_open(struct thread *thread, const uint64_t a[6])
{
	return listen(thread, LINE_SECOND, a[0], a[1], a[2]);
}

__cold struct syscall_result sys_system_end(struct thread *thread, const uint64_t a[6])
{
	(void)thread;
	if (a[0] > SYSTEM_END_RESTART || a[1] > UINT8_MAX)
		return syscall_status(STATUS_INVALID_ARGUMENT);
	system_end(a[0] == SYSTEM_END_RESTART, (uint8_t)a[1]);
}

static __cold void heap_info(struct heap *heap, struct memory_info *info)
{
	spin_lock(&heap->lock);
	info->pages_total = heap->pages_total;
	info->pages_free = heap->pages_free;
	spin_unlock(&heap->lock);
}

__cold struct syscall_result sys_memory_info(struct thread *thread, const uint64_t a[6])
{
	struct memory_info info;
	struct object *object;
	status_t status;

	if (a[0] == HANDLE_NONE) {
		heap_info(&kernel_heap, &info);
		return syscall_status(user_copy_out(a[1], &info, sizeof(info)));
	}
	status = syscall_object(thread, a[0], OBJECT_PARTITION, RIGHT_READ, &object);
	if (status != STATUS_OK)
		return syscall_status(status);
	heap_info(container_of(object, struct partition, object)->heap, &info);
	object_put(object);
	return syscall_status(user_copy_out(a[1], &info, sizeof(info)));
}

/* ---- handles, threads, events ---- */

struct syscall_result sys_handle_close(struct thread *thread, const uint64_t a[6])
{
	if (a[0] > UINT32_MAX)
		return syscall_status(STATUS_INVALID_HANDLE);
	return syscall_status(handle_close(&thread->task->handles, (handle_t)a[0]));
}

__cold struct syscall_result sys_handle_duplicate(struct thread *thread, const uint64_t a[6])
{
	handle_t copy = HANDLE_NONE;
	status_t status;

	if (a[0] > UINT32_MAX)
		return syscall_status(STATUS_INVALID_HANDLE);
	if (a[1] & ~(uint64_t)RIGHTS_ALL)
		return syscall_status(STATUS_INVALID_ARGUMENT);
	status = handle_duplicate(&thread->task->handles, (handle_t)a[0], (uint32_t)a[1], &copy);
	return (struct syscall_result){status, copy};
}

/* A handle with all rights for a new object, whose reference the caller gives up. */
static struct syscall_result handle_for(struct task *task, struct object *object)
{
	handle_t handle = HANDLE_NONE;
	status_t status = handle_create(&task->handles, object, RIGHTS_ALL, &handle);

	object_put(object);
	return (struct syscall_result){status, handle};
}

__cold struct syscall_result sys_thread_create(struct thread *thread, const uint64_t a[6])
{
	struct syscall_result result;
	struct thread *created = NULL;
	status_t status;

	if (a[0] > UINT32_MAX || a[1] > UINT32_MAX)
		return syscall_status(STATUS_INVALID_ARGUMENT);
	status = thread_create(thread->task, (uint32_t)a[0], (uint32_t)a[1], a[2], a[3], a[4], a[5],
			       &created);
	if (status != STATUS_OK)
		return syscall_status(status);
	object_get(&created->object);
	result = handle_for(thread->task, &created->object);
	if (result.status == STATUS_OK)
		thread_start(created);
	object_put(&created->object);
	return result;
}

__cold struct syscall_result sys_thread_exit(struct thread *thread, const uint64_t a[6])
{
	(void)thread;
	(void)a;
	thread_exit();
}

struct syscall_result sys_thread_yield(struct thread *thread, const uint64_t a[6])
{
	(void)thread;
	(void)a;
	sched_yield();
	return syscall_ok(0);
}

__cold struct syscall_result sys_event_create(struct thread *thread, const uint64_t a[6])
{
	struct event *event;
	status_t status = event_create(thread->task->heap, &event);

	(void)a;
	if (status != STATUS_OK)
		return syscall_status(status);
	return handle_for(thread->task, &event->object);
}

struct syscall_result sys_event_signal(struct thread *thread, const uint64_t a[6])
{
	struct event *event = NULL;
	status_t status;

	if (a[1] == 0)
		return syscall_status(STATUS_INVALID_ARGUMENT);
	status = event_get(thread, a[0], RIGHT_WRITE, &event);
	if (status != STATUS_OK)
		return syscall_status(status);
	event_signal(event, a[1]);
	object_put(&event->object);
	return syscall_ok(0);
}

struct syscall_result sys_event_wait(struct thread *thread, const uint64_t a[6])
{
	struct event *event = NULL;
	status_t status = event_get(thread, a[0], RIGHT_WAIT, &event);

	if (status != STATUS_OK)
		return syscall_status(status);
	event_wait(event, ticks_from_ns(a[1]));
}
