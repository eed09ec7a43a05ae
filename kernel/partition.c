/* SPDX-License-Identifier: MIT */
/*
 * The life of a partition: proto, built, destroyed. What it costs the kernel is paid from the
 * blocks that were deposited to it; when it is destroyed they all go back to the depositor.
 */
#include <kernel/backend.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/doorbell.h>
#include <kernel/hyperv.h>
#include <kernel/memory_map.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>
#include <kernel/task.h>

static size_t vps_size(const struct partition *partition)
{
	return partition->vp_count * sizeof(partition->vps[0]);
}

/* The array of VPs may be larger than a heap object: pages then. */
static unsigned int order_for(size_t size)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

static status_t config_check(const struct proto_partition_config *config)
{
	const uint32_t known = PARTITION_HYPERV | PARTITION_USER_MODE_APIC | PARTITION_LENIENT_PMU |
			       PARTITION_HYPERV_VMM | PARTITION_HYPERV_TSC_INVARIANT;

	if (!config->vp_count || (config->flags & ~known) || !arch_config_valid(config))
		return STATUS_INVALID_ARGUMENT;
	if (config->vp_count > (PAGE_SIZE << HEAP_MAX_ORDER) / sizeof(struct vp *))
		return STATUS_TOO_LARGE;
	if (config->name[sizeof(config->name) - 1])
		return STATUS_INVALID_ARGUMENT;
	if (config->isolation > ISOLATION_TDX)
		return STATUS_INVALID_ARGUMENT;
	if ((config->flags & PARTITION_HYPERV_VMM) && !(config->flags & PARTITION_HYPERV))
		return STATUS_INVALID_ARGUMENT;
	if ((config->flags & PARTITION_HYPERV_TSC_INVARIANT) && !partition_has_hyperv(config))
		return STATUS_INVALID_ARGUMENT;
	return arch_isolation_check(config->isolation);
}

static void vps_destroy(struct partition *partition)
{
	uint32_t i;

	if (!partition->vps)
		return;
	for (i = 0; i < partition->vp_count; i++) {
		if (partition->vps[i])
			vp_destroy(partition->vps[i]);
	}
	page_free(partition->heap, partition->vps, order_for(vps_size(partition)));
	partition->vps = NULL;
}

static void built_destroy(struct partition *partition)
{
	if (partition->hv)
		monitors_stop(partition);
	vps_destroy(partition);
	if (partition->space[0])
		gpa_space_destroy(partition->space[0]);
	memset(partition->space, 0, sizeof(partition->space));
	hv_partition_destroy(partition);
	arch_partition_destroy(partition);
}

/* It becomes the task's only when it is mapped: the other way round another thread could deposit it
 * anew in between, and would find the kernel's memory in its window. */
status_t partition_block_give(struct partition *partition, hpa_t block)
{
	status_t status = task_window_restore(partition->owner, block);

	if (status == STATUS_OK)
		block_return(block);
	else
		heap_add_block(&partition->own_heap, block);
	return status;
}

/* Gives the deposits back to the task that made them. */
static void deposits_return(struct partition *partition)
{
	hpa_t block;

	/* Ends at the first block that cannot go back: no later one can. */
	while (heap_remove_block(&partition->own_heap, &block) == STATUS_OK)
		if (partition_block_give(partition, block) != STATUS_OK)
			break;
	if (partition->own_heap.pages_total)
		log_error("%llu pages of a destroyed partition are lost",
			  (unsigned long long)partition->own_heap.pages_total);
}

static void partition_destroy(struct object *object)
{
	struct partition *partition = container_of(object, struct partition, object);
	struct task *owner = partition->owner;
	struct heap *heap = owner ? owner->heap : &kernel_heap;

	doorbells_destroy(partition);
	built_destroy(partition);
	if (owner) {
		deposits_return(partition);
		object_put(&owner->object);
	}
	heap_free(heap, partition, sizeof(*partition));
}

status_t proto_partition_create(struct task *owner, const struct proto_partition_config *config,
				struct partition **partition)
{
	struct heap *heap = owner ? owner->heap : &kernel_heap;
	status_t status = hypervisor_available();
	struct partition *p;

	if (status == STATUS_OK)
		status = config_check(config);
	if (status != STATUS_OK)
		return status;
	p = heap_alloc(heap, sizeof(*p));
	if (!p)
		return STATUS_NO_MEMORY;
	object_init(&p->object, OBJECT_PARTITION, partition_destroy);
	p->config = *config;
	p->vp_count = config->vp_count;
	p->heap = owner ? &p->own_heap : &kernel_heap;
	p->owner = owner;
	if (owner)
		object_get(&owner->object);
	status = arch_partition_create(p);
	if (status != STATUS_OK) {
		partition_put(p);
		return status;
	}
	*partition = p;
	return STATUS_OK;
}

static status_t vps_create(struct partition *partition)
{
	status_t status = STATUS_OK;
	uint32_t i;

	partition->vps = page_alloc(partition->heap, order_for(vps_size(partition)));
	if (!partition->vps)
		return STATUS_NO_MEMORY;
	for (i = 0; i < partition->vp_count && status == STATUS_OK; i++)
		status = vp_create(partition, i, &partition->vps[i]);
	return status;
}

status_t proto_partition_build(struct partition *partition, const struct cpuid_leaf *leaves,
			       uint32_t leaf_count)
{
	uint32_t proto = PARTITION_PROTO;
	status_t status;

	/* Two threads of the task may try at the same time: one of them builds. */
	if (!atomic_compare_exchange_strong(&partition->state, &proto, PARTITION_BUILDING))
		return STATUS_WRONG_STATE;
	status = arch_partition_build(partition, leaves, leaf_count);
	if (status == STATUS_OK)
		status = gpa_space_create(partition, &partition->space[0]);
	if (status == STATUS_OK)
		status = hv_partition_create(partition);
	if (status == STATUS_OK)
		status = vps_create(partition);
	if (status != STATUS_OK) {
		built_destroy(partition);
		partition->state = PARTITION_PROTO;
		return status;
	}
	partition->time_base = timestamp_read();
	partition->state = PARTITION_BUILT;
	return STATUS_OK;
}

status_t partition_reset(struct partition *partition)
{
	uint32_t before;
	status_t status = partition_change_begin(
		partition, BIT(PARTITION_BUILT) | BIT(PARTITION_BAD_RESET) | BIT(PARTITION_FROZEN),
		&before);

	if (status != STATUS_OK)
		return status;
	status = arch_partition_reset(partition);
	if (status == STATUS_OK)
		status = hv_partition_reset(partition);
	if (status != STATUS_OK) {
		partition->state = PARTITION_BAD_RESET;
		return status;
	}
	partition_time_change(partition);
	partition->time_base = timestamp_read();
	partition->time_offset = 0;
	partition->frozen_at = 0;
	partition_time_changed(partition);
	partition->state = PARTITION_BUILT;
	return STATUS_OK;
}

void partition_put(struct partition *partition)
{
	object_put(&partition->object);
}

struct vp *partition_vp(const struct partition *partition, uint32_t index)
{
	if (partition->state < PARTITION_BUILT || index >= partition->vp_count)
		return NULL;
	return partition->vps[index];
}

struct gpa_space *partition_space(const struct partition *partition, uint32_t vtl)
{
	return vtl < VTL_COUNT ? partition->space[vtl] : NULL;
}
