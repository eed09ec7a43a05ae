/* SPDX-License-Identifier: MIT */
/* System calls of guests' crashes. */
#include <kernel/event.h>
#include <kernel/partition.h>
#include <kernel/processor.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

struct syscall_result sys_partition_crash_bind(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct object *event;
	status_t status = syscall_built_partition(thread, a[0], RIGHT_WRITE, &partition);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = a[2] ? STATUS_OK : STATUS_INVALID_ARGUMENT;
	if (status == STATUS_OK)
		status = syscall_object(thread, a[1], OBJECT_EVENT, RIGHT_WRITE, &event);
	if (status == STATUS_OK) {
		status = hv_crash_bind(partition, container_of(event, struct event, object), a[2]);
		object_put(event);
	}
	partition_put(partition);
	return syscall_status(status);
}

struct syscall_result sys_partition_crash_get(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	status_t status = syscall_built_partition(thread, a[0], RIGHT_READ, &partition);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = hv_crash_copy(partition, a[1]);
	partition_put(partition);
	return syscall_status(status);
}
