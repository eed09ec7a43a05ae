/* SPDX-License-Identifier: MIT */
/* System calls of doorbells. */
#include <kernel/doorbell.h>
#include <kernel/event.h>
#include <kernel/memory_map.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

#define PORTS	     0x10000u
#define LENGTHS_GPA  (BIT(0) | BIT(1) | BIT(2) | BIT(4) | BIT(8)) /* by length; 0: any */
#define LENGTHS_PORT (BIT(0) | BIT(1) | BIT(2) | BIT(4))

static bool length_valid(uint64_t kind, uint64_t length)
{
	return length <= 8 && ((kind == DOORBELL_PORT ? LENGTHS_PORT : LENGTHS_GPA) & BIT(length));
}

/* A value fits into the length that goes with it; without a length into the longest one. */
static bool value_valid(uint64_t kind, uint64_t length, uint64_t value)
{
	uint64_t bytes = length ? length : kind == DOORBELL_PORT ? 4 : 8;

	return bytes == 8 || value <= MASK(8 * bytes);
}

static status_t config_check(const struct doorbell_config *config)
{
	uint64_t length = config->length ? config->length : 1;

	if (config->kind == DOORBELL_PORT && !ARCH_HAS_PORTS)
		return STATUS_NOT_SUPPORTED;
	if (config->kind > DOORBELL_PORT || !length_valid(config->kind, config->length) ||
	    (config->flags & ~(uint32_t)DOORBELL_VALUE) || config->reserved || !config->bits ||
	    (!(config->flags & DOORBELL_VALUE) && config->value) ||
	    !value_valid(config->kind, config->length, config->value))
		return STATUS_INVALID_ARGUMENT;
	if (config->kind == DOORBELL_PORT)
		return range_within(config->address, length, PORTS) ? STATUS_OK
								    : STATUS_INVALID_ADDRESS;
	return IS_ALIGNED(config->address, length) ? STATUS_OK : STATUS_MISALIGNED;
}

/* Where memory is mapped, a write does not exit. */
static status_t place_check(struct partition *partition, uint64_t vtl,
			    const struct doorbell_config *config)
{
	struct gpa_space *space;
	status_t status = syscall_space(partition, vtl, &space);

	if (status != STATUS_OK || config->kind == DOORBELL_PORT)
		return status;
	if (config->address >= BIT(partition->physical_bits))
		return STATUS_INVALID_ADDRESS;
	return gpa_is_mapped(space, config->address) ? STATUS_OVERLAP : STATUS_OK;
}

static status_t create(struct thread *thread, struct partition *partition, uint64_t min_vtl,
		       const struct doorbell_config *config, handle_t *handle)
{
	status_t status = place_check(partition, min_vtl, config);
	struct object *event, *doorbell;

	if (status == STATUS_OK)
		status = syscall_object(thread, config->event, OBJECT_EVENT, RIGHT_WRITE, &event);
	if (status != STATUS_OK)
		return status;
	status = doorbell_create(partition, thread->task->heap, config, (uint32_t)min_vtl,
				 container_of(event, struct event, object), &doorbell);
	object_put(event);
	if (status != STATUS_OK)
		return status;
	status = handle_create(&thread->task->handles, doorbell, RIGHTS_ALL, handle);
	object_put(doorbell);
	return status;
}

struct syscall_result sys_partition_doorbell_create(struct thread *thread, const uint64_t a[6])
{
	struct doorbell_config config;
	struct partition *partition;
	handle_t handle = HANDLE_NONE;
	status_t status = user_copy_in(&config, a[2], sizeof(config));

	if (status == STATUS_OK)
		status = syscall_built_partition(thread, a[0], RIGHT_WRITE, &partition);
	if (status != STATUS_OK)
		return syscall_status(status);
	status = config_check(&config);
	if (status == STATUS_OK)
		status = create(thread, partition, a[1], &config, &handle);
	partition_put(partition);
	return (struct syscall_result){status, handle};
}

/* The arguments are checked, but the address: a key has no room for all, and no doorbell is at those. */
static bool ring(const struct partition *partition, const uint64_t a[6])
{
	uint64_t key = doorbell_key((uint32_t)a[2], a[3]);
	doorbell_chain_t *chain = doorbell_chain(partition, key);

	return chain && key >> 1 == a[3] &&
	       doorbell_write(chain, key, (uint32_t)a[1], (uint32_t)a[4], a[5]);
}

struct syscall_result sys_doorbell_ring(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct gpa_space *space;
	status_t status = syscall_built_partition(thread, a[0], RIGHT_WRITE, &partition);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = syscall_space(partition, a[1], &space);
	if (status == STATUS_OK && (a[2] > DOORBELL_PORT || !a[4] || !length_valid(a[2], a[4]) ||
				    !value_valid(a[2], a[4], a[5])))
		status = STATUS_INVALID_ARGUMENT;
	if (status == STATUS_OK && !ring(partition, a))
		status = STATUS_NOT_FOUND;
	partition_put(partition);
	return syscall_status(status);
}
