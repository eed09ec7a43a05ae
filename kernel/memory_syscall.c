/* SPDX-License-Identifier: MIT */
/* System calls about the memory that a guest has: what is pinned, and what was written. */
#include <kernel/memory_map.h>
#include <kernel/partition.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

/* What a handle of a pin names; it keeps the partition, which pays for it. */
struct pin {
	struct object object;
	struct partition *partition;
	hpa_t hpa;
	uint64_t size;
};

/* Arguments 0 to 3 of all these calls: handle, vtl, gpa, size. */
static status_t space_of(struct thread *thread, const uint64_t a[6], uint32_t rights,
			 struct partition **partition, struct gpa_space **space)
{
	status_t status = syscall_built_partition(thread, a[0], rights, partition);

	if (status != STATUS_OK)
		return status;
	status = syscall_space(*partition, a[1], space);
	if (status != STATUS_OK)
		partition_put(*partition);
	return status;
}

typedef status_t range_call_t(struct gpa_space *space, gpa_t gpa, uint64_t size);

static struct syscall_result range_call(struct thread *thread, const uint64_t a[6], uint32_t rights,
					range_call_t *call)
{
	struct partition *partition;
	struct gpa_space *space;
	status_t status = space_of(thread, a, rights, &partition, &space);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = call(space, a[2], a[3]);
	partition_put(partition);
	return syscall_status(status);
}

struct syscall_result sys_partition_prefetch(struct thread *thread, const uint64_t a[6])
{
	return range_call(thread, a, RIGHT_READ, gpa_prefetch);
}

struct syscall_result sys_partition_dirty_start(struct thread *thread, const uint64_t a[6])
{
	return range_call(thread, a, RIGHT_WRITE, gpa_dirty_start);
}

struct syscall_result sys_partition_dirty_stop(struct thread *thread, const uint64_t a[6])
{
	return range_call(thread, a, RIGHT_WRITE, gpa_dirty_stop);
}

struct syscall_result sys_partition_dirty_mark(struct thread *thread, const uint64_t a[6])
{
	return range_call(thread, a, RIGHT_WRITE, gpa_dirty_mark);
}

/* ---- pins ---- */

static void pin_destroy(struct object *object)
{
	struct pin *pin = container_of(object, struct pin, object);
	struct partition *partition = pin->partition;

	blocks_unpin(pin->hpa, pin->size);
	heap_free(partition->heap, pin, sizeof(*pin));
	partition_put(partition);
}

static status_t pin_create(struct partition *partition, struct gpa_space *space, gpa_t gpa,
			   uint64_t size, struct pin **out)
{
	struct pin *pin = heap_alloc(partition->heap, sizeof(*pin));
	status_t status;

	if (!pin)
		return STATUS_NO_MEMORY;
	status = gpa_pin(space, gpa, size, &pin->hpa);
	if (status != STATUS_OK) {
		heap_free(partition->heap, pin, sizeof(*pin));
		return status;
	}
	object_init(&pin->object, OBJECT_PIN, pin_destroy);
	object_get(&partition->object);
	pin->partition = partition;
	pin->size = size;
	*out = pin;
	return STATUS_OK;
}

struct syscall_result sys_partition_pin(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	handle_t handle = HANDLE_NONE;
	struct gpa_space *space;
	struct pin *pin;
	status_t status = space_of(thread, a, RIGHT_WRITE, &partition, &space);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = pin_create(partition, space, a[2], a[3], &pin);
	if (status == STATUS_OK) {
		status = handle_create(&thread->task->handles, &pin->object, RIGHTS_ALL, &handle);
		object_put(&pin->object);
	}
	partition_put(partition);
	return (struct syscall_result){status, handle};
}

/* ---- dirty pages ---- */

static uint64_t bits_count(const uint64_t *bits, uint64_t size)
{
	uint64_t count = 0, i;

	for (i = 0; i < size; i++)
		count += (uint64_t)__builtin_popcountll(bits[i]);
	return count;
}

/* What cannot be told is as it was. */
static status_t dirty_tell(struct gpa_space *space, const uint64_t a[6], uint64_t *bits,
			   uint64_t *count)
{
	uint64_t pages = a[3] >> PAGE_SHIFT;
	bool clear = a[5] & DIRTY_CLEAR;
	status_t status = gpa_dirty_get(space, a[2], a[3], clear, bits);

	if (status != STATUS_OK)
		return status;
	*count = bits_count(bits, (pages + 63) / 64);
	status = user_copy_out(a[4], bits, (pages + 7) / 8);
	if (status != STATUS_OK && clear)
		gpa_dirty_restore(space, a[2], a[3], bits);
	return status;
}

static_assert(DIRTY_SIZE_MAX / PAGE_SIZE / 8 == PAGE_SIZE, "the bits of one call fill a page");

struct syscall_result sys_partition_dirty_get(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct gpa_space *space;
	uint64_t *bits, count = 0;
	status_t status;

	if (a[5] & ~(uint64_t)DIRTY_CLEAR)
		return syscall_status(STATUS_INVALID_ARGUMENT);
	status = space_of(thread, a, RIGHT_WRITE, &partition, &space);
	if (status != STATUS_OK)
		return syscall_status(status);
	bits = page_alloc(partition->heap, 0);
	status = bits ? dirty_tell(space, a, bits, &count) : STATUS_NO_MEMORY;
	if (bits)
		page_free(partition->heap, bits, 0);
	partition_put(partition);
	return (struct syscall_result){status, status == STATUS_OK ? count : 0};
}
