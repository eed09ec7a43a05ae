/* SPDX-License-Identifier: MIT */
/*
 * System calls of states. What a caller has is copied whole into pages of the kernel's, paid by the calling
 * task, before it is looked at; what it gets comes out of them.
 */
#include <kernel/partition.h>
#include <kernel/state.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

/* States without a synic fit into the smaller buffer, which is sooner cleared. */
#define BUFFER_ORDER   1u
#define BUFFER_ORDER_2 3u
static_assert((PAGE_SIZE << BUFFER_ORDER_2) == STATE_SIZE_MAX, "the buffer holds any state");

enum operation {
	ELEMENT_GET,
	ELEMENT_SET,
	ELEMENT_RESET,
	VP_SAVE,
	VP_RESTORE,
	PARTITION_SAVE,
	PARTITION_RESTORE,
};
#define OF_ELEMENT   (BIT(ELEMENT_GET) | BIT(ELEMENT_SET) | BIT(ELEMENT_RESET))
#define OF_PARTITION (BIT(PARTITION_SAVE) | BIT(PARTITION_RESTORE))
#define READING	     (BIT(ELEMENT_GET) | BIT(VP_SAVE) | BIT(PARTITION_SAVE))
#define WRITING	     (BIT(ELEMENT_SET) | BIT(VP_RESTORE) | BIT(PARTITION_RESTORE))

/* *size: of what is in the buffer; or of the buffer, and afterwards of what is in it. */
static status_t perform(enum operation operation, void *object, const uint64_t a[6], void *buffer,
			uint64_t *size)
{
	uint32_t vtl = (uint32_t)MIN(a[1], VTL_COUNT);
	uint32_t element = (uint32_t)MIN(a[2], UINT32_MAX);
	status_t status;

	switch (operation) {
	case ELEMENT_GET: return vp_state_get(object, vtl, element, buffer, *size, size);
	case ELEMENT_SET: return vp_state_set(object, vtl, element, buffer, *size);
	case ELEMENT_RESET:
		status = vp_state_at_reset(object, vtl, element, buffer, STATE_SIZE_MAX, size);
		if (status == STATUS_OK)
			status = vp_state_set(object, vtl, element, buffer, *size);
		return status;
	case VP_SAVE: return vp_save(object, buffer, *size, size);
	case VP_RESTORE: return vp_restore(object, buffer, *size);
	case PARTITION_SAVE: return partition_save(object, buffer, *size, size);
	default: return partition_restore(object, buffer, *size);
	}
}

static struct syscall_result with_buffer(struct thread *thread, enum operation operation,
					 void *object, const uint64_t a[6])
{
	struct heap *heap = thread->task->heap;
	unsigned int at = OF_ELEMENT & BIT(operation) ? 3 : 1;
	uint64_t va = a[at],
		 size = READING & BIT(operation) ? MIN(a[at + 1], STATE_SIZE_MAX) : a[at + 1];
	unsigned int order = BUFFER_ORDER_2;
	status_t status = STATUS_OK;
	void *buffer;

	if (operation == ELEMENT_RESET)
		size = 0;
	else if (size <= PAGE_SIZE << BUFFER_ORDER)
		order = BUFFER_ORDER;
	if (size > STATE_SIZE_MAX)
		return syscall_status(STATUS_TOO_LARGE);
	buffer = page_alloc(heap, order);
	if (!buffer)
		return syscall_status(STATUS_NO_MEMORY);
	if (WRITING & BIT(operation))
		status = user_copy_in(buffer, va, size);
	if (status == STATUS_OK)
		status = perform(operation, object, a, buffer, &size);
	if (status == STATUS_OK && (READING & BIT(operation)))
		status = user_copy_out(va, buffer, size);
	page_free(heap, buffer, order);
	/* TOO_LARGE: for the caller's buffer; the value is what it needs. */
	if (!(READING & BIT(operation)) || (status != STATUS_OK && status != STATUS_TOO_LARGE))
		size = 0;
	return (struct syscall_result){status, size};
}

static struct syscall_result state_call(struct thread *thread, const uint64_t a[6],
					enum operation operation)
{
	uint32_t rights = READING & BIT(operation) ? RIGHT_READ : RIGHT_WRITE;
	struct partition *partition;
	struct syscall_result result;
	status_t status;
	struct vp *vp;

	if (OF_PARTITION & BIT(operation)) {
		status = syscall_built_partition(thread, a[0], rights, &partition);
		if (status != STATUS_OK)
			return syscall_status(status);
		result = with_buffer(thread, operation, partition, a);
		partition_put(partition);
	} else {
		status = syscall_bound_vp(thread, a[0], rights, &vp);
		if (status != STATUS_OK)
			return syscall_status(status);
		result = with_buffer(thread, operation, vp, a);
		object_put(&vp->object);
	}
	return result;
}

#define STATE_CALL(name, operation)                                                  \
	struct syscall_result sys_##name(struct thread *thread, const uint64_t a[6]) \
	{                                                                            \
		return state_call(thread, a, operation);                             \
	}
STATE_CALL(vp_state_get, ELEMENT_GET)
STATE_CALL(vp_state_set, ELEMENT_SET)
STATE_CALL(vp_state_reset, ELEMENT_RESET)
STATE_CALL(vp_save, VP_SAVE)
STATE_CALL(vp_restore, VP_RESTORE)
STATE_CALL(partition_save, PARTITION_SAVE)
STATE_CALL(partition_restore, PARTITION_RESTORE)

static struct syscall_result time_turn(struct thread *thread, const uint64_t a[6], bool freeze)
{
	struct partition *partition;
	status_t status = syscall_built_partition(thread, a[0], RIGHT_WRITE, &partition);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = partition_time_turn(partition, freeze);
	partition_put(partition);
	return syscall_status(status);
}

struct syscall_result sys_partition_freeze(struct thread *thread, const uint64_t a[6])
{
	return time_turn(thread, a, true);
}

struct syscall_result sys_partition_thaw(struct thread *thread, const uint64_t a[6])
{
	return time_turn(thread, a, false);
}
