/* SPDX-License-Identifier: MIT */
/* How system calls look at their handles, for tests of calls of which each partition has been built. */
#include <kernel/partition.h>
#include <kernel/syscall.h>
#include <kernel/thread.h>
#include <kernel/task.h>

status_t syscall_object(struct thread *t, uint64_t handle, enum object_type type, uint32_t rights,
			struct object **object)
{
	return handle_get(&t->task->handles, (handle_t)handle, type, rights, object);
}

status_t syscall_built_partition(struct thread *t, uint64_t handle, uint32_t rights,
				 struct partition **p)
{
	struct object *object;
	status_t status = syscall_object(t, handle, OBJECT_PARTITION, rights, &object);

	if (status == STATUS_OK)
		*p = container_of(object, struct partition, object);
	return status;
}
