/* SPDX-License-Identifier: MIT */
/*
 * Sources of message-signalled interrupts: an object that lets its holder raise interrupts in one VTL of
 * a partition, and nothing else. It keeps the partition alive.
 */
#include <kernel/memory_map.h>
#include <kernel/partition_arch.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

struct msi_source {
	struct object object;
	struct partition *partition;
	uint32_t vtl;
};

static void source_destroy(struct object *object)
{
	struct msi_source *source = container_of(object, struct msi_source, object);
	struct partition *partition = source->partition;

	heap_free(partition->heap, source, sizeof(*source));
	partition_put(partition);
}

static __cold status_t source_create(struct partition *partition, uint64_t vtl,
				     struct msi_source **out)
{
	struct msi_source *source;

	if (vtl >= VTL_COUNT || !partition_space(partition, (uint32_t)vtl))
		return STATUS_INVALID_VTL;
	source = heap_alloc(partition->heap, sizeof(*source));
	if (!source)
		return STATUS_NO_MEMORY;
	object_init(&source->object, OBJECT_MSI_SOURCE, source_destroy);
	object_get(&partition->object);
	source->partition = partition;
	source->vtl = (uint32_t)vtl;
	*out = source;
	return STATUS_OK;
}

__cold struct syscall_result sys_msi_source_create(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct msi_source *source;
	struct object *object;
	handle_t handle = HANDLE_NONE;
	status_t status = syscall_object(thread, a[0], OBJECT_PARTITION, RIGHT_WRITE, &object);

	if (status != STATUS_OK)
		return syscall_status(status);
	partition = container_of(object, struct partition, object);
	status = STATUS_WRONG_STATE;
	if (partition->state >= PARTITION_BUILT && !partition_has_user_apic(partition))
		status = source_create(partition, a[1], &source);
	if (status == STATUS_OK) {
		status =
			handle_create(&thread->task->handles, &source->object, RIGHTS_ALL, &handle);
		object_put(&source->object);
	}
	partition_put(partition);
	return (struct syscall_result){status, handle};
}

struct syscall_result sys_msi_signal(struct thread *thread, const uint64_t a[6])
{
	struct msi_source *source;
	struct object *object;
	bool merged = false;
	status_t status = syscall_object(thread, a[0], OBJECT_MSI_SOURCE, RIGHT_WRITE, &object);

	if (status != STATUS_OK)
		return syscall_status(status);
	source = container_of(object, struct msi_source, object);
	status = STATUS_INVALID_ARGUMENT;
	if (a[2] <= UINT32_MAX)
		status = arch_request_msi(source->partition, source->vtl, a[1], (uint32_t)a[2],
					  &merged);
	object_put(object);
	return (struct syscall_result){status, merged};
}
