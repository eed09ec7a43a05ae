/* SPDX-License-Identifier: MIT */
/*
 * System calls of partitions. Each decodes and checks its arguments into plain values, takes the
 * object that the handle names, and lets kernel/partition.c or memory_map.c perform.
 */
#include <kernel/backend.h>
#include <kernel/memory_map.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

#define CPUID_LEAVES_MAX 256u

struct syscall_result sys_hypervisor_available(struct thread *thread, const uint64_t a[6])
{
	(void)thread;
	(void)a;
	return syscall_status(hypervisor_available());
}

struct syscall_result sys_proto_partition_create(struct thread *thread, const uint64_t a[6])
{
	struct proto_partition_config config;
	struct partition *partition;
	handle_t handle = HANDLE_NONE;
	status_t status = user_copy_in(&config, a[0], sizeof(config));

	if (status == STATUS_OK)
		status = proto_partition_create(thread->task, &config, &partition);
	if (status != STATUS_OK)
		return syscall_status(status);
	status = handle_create(&thread->task->handles, &partition->object, RIGHTS_ALL, &handle);
	partition_put(partition);
	return (struct syscall_result){status, handle};
}

struct syscall_result sys_proto_partition_cpuid(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	uint32_t out[4];
	status_t status;

	if (a[1] > UINT32_MAX || a[2] > UINT32_MAX)
		return syscall_status(STATUS_INVALID_ARGUMENT);
	status = syscall_partition(thread, a[0], RIGHT_READ, &partition);
	if (status != STATUS_OK)
		return syscall_status(status);
	status = arch_proto_cpuid(partition, (uint32_t)a[1], (uint32_t)a[2], out);
	partition_put(partition);
	if (status == STATUS_OK)
		status = user_copy_out(a[3], out, sizeof(out));
	return syscall_status(status);
}

/* The leaves are copied into memory that the calling task pays for. */
static status_t leaves_copy(struct heap *heap, const struct partition_config *config,
			    struct cpuid_leaf **leaves, unsigned int *order)
{
	size_t size = config->cpuid_leaf_count * sizeof(**leaves);
	status_t status;

	*leaves = NULL;
	*order = 0;
	if (!size)
		return STATUS_OK;
	while ((PAGE_SIZE << *order) < size)
		(*order)++;
	*leaves = page_alloc(heap, *order);
	if (!*leaves)
		return STATUS_NO_MEMORY;
	status = user_copy_in(*leaves, config->cpuid_leaves, size);
	if (status != STATUS_OK)
		page_free(heap, *leaves, *order);
	return status;
}

static status_t partition_config_check(const struct partition_config *config)
{
	size_t i;

	if (config->cpuid_leaf_count > CPUID_LEAVES_MAX)
		return STATUS_TOO_LARGE;
	for (i = 0; i < ARRAY_SIZE(config->reserved); i++) {
		if (config->reserved[i])
			return STATUS_INVALID_ARGUMENT;
	}
	return config->reserved0 ? STATUS_INVALID_ARGUMENT : STATUS_OK;
}

struct syscall_result sys_proto_partition_build(struct thread *thread, const uint64_t a[6])
{
	struct heap *heap = thread->task->heap;
	struct partition_config config;
	struct partition *partition;
	struct cpuid_leaf *leaves;
	unsigned int order;
	status_t status = user_copy_in(&config, a[1], sizeof(config));

	if (status == STATUS_OK)
		status = partition_config_check(&config);
	if (status == STATUS_OK)
		status = syscall_partition(thread, a[0], RIGHT_DESTROY, &partition);
	if (status != STATUS_OK)
		return syscall_status(status);
	status = leaves_copy(heap, &config, &leaves, &order);
	if (status == STATUS_OK) {
		status = proto_partition_build(partition, leaves, config.cpuid_leaf_count);
		if (leaves)
			page_free(heap, leaves, order);
	}
	partition_put(partition);
	return syscall_status(status);
}

/* Block by block: what went well before a failure stays deposited; the value says how much. */
struct syscall_result sys_partition_deposit(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	uint64_t done = 0, size = a[2];
	status_t status;
	hpa_t base;

	if (!size || !IS_ALIGNED(a[1] | size, LARGE_PAGE_SIZE))
		return syscall_status(size ? STATUS_MISALIGNED : STATUS_INVALID_ARGUMENT);
	status = syscall_partition(thread, a[0], RIGHT_DESTROY, &partition);
	if (status != STATUS_OK)
		return syscall_status(status);
	status = task_window_range(thread->task, a[1], size, &base);
	if (status == STATUS_OK)
		status = blocks_check(base, size);
	while (status == STATUS_OK && done < size) {
		status = block_deposit(base + done);
		if (status != STATUS_OK)
			break;
		status = task_window_remove(thread->task, base + done);
		if (status != STATUS_OK) {
			block_return(base + done);
			break;
		}
		heap_add_block(&partition->own_heap, base + done);
		done += LARGE_PAGE_SIZE;
		/* Interrupts, and what other CPUs wait for, come in between. */
		arch_interrupt_window();
		cpu_wait(this_cpu());
	}
	partition_put(partition);
	return (struct syscall_result){status, done};
}

struct syscall_result sys_partition_withdraw(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	status_t status = syscall_partition(thread, a[0], RIGHT_DESTROY, &partition);
	uint64_t va = 0;
	hpa_t block;

	if (status != STATUS_OK)
		return syscall_status(status);
	status = heap_remove_block(&partition->own_heap, &block);
	if (status == STATUS_OK) {
		status = partition_block_give(partition, block);
		va = ROOT_WINDOW_BASE + block;
	}
	partition_put(partition);
	if (status == STATUS_OK && a[1])
		status = user_copy_out(a[1], &va, sizeof(va));
	return (struct syscall_result){status, va};
}

struct syscall_result sys_partition_map(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct gpa_space *space;
	status_t status = syscall_built_partition(thread, a[0], RIGHT_WRITE, &partition);
	hpa_t base;

	if (status != STATUS_OK)
		return syscall_status(status);
	status = syscall_space(partition, a[1], &space);
	if (status == STATUS_OK && a[5] > UINT32_MAX)
		status = STATUS_INVALID_ARGUMENT;
	if (status == STATUS_OK && !IS_ALIGNED(a[2] | a[3], PAGE_SIZE))
		status = STATUS_MISALIGNED;
	if (status == STATUS_OK)
		status = task_window_range(thread->task, a[2], a[3], &base);
	if (status == STATUS_OK)
		status = blocks_pin(base, a[3]);
	if (status == STATUS_OK) {
		status = gpa_map(space, a[4], base, a[3], (uint32_t)a[5]);
		if (status != STATUS_OK)
			blocks_unpin(base, a[3]);
	}
	partition_put(partition);
	return syscall_status(status);
}

struct syscall_result sys_partition_unmap(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct gpa_space *space;
	status_t status = syscall_built_partition(thread, a[0], RIGHT_WRITE, &partition);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = syscall_space(partition, a[1], &space);
	if (status == STATUS_OK)
		status = gpa_unmap(space, a[2], a[3]);
	partition_put(partition);
	return syscall_status(status);
}

struct syscall_result sys_partition_reset(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	status_t status = syscall_built_partition(thread, a[0], RIGHT_DESTROY, &partition);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = partition_reset(partition);
	partition_put(partition);
	return syscall_status(status);
}

struct syscall_result sys_partition_caps(struct thread *thread, const uint64_t a[6])
{
	struct partition_caps caps;
	struct partition *partition;
	status_t status = syscall_partition(thread, a[0], RIGHT_READ, &partition);

	if (status != STATUS_OK)
		return syscall_status(status);
	memset(&caps, 0, sizeof(caps));
	arch_partition_caps(partition, &caps);
	partition_put(partition);
	return syscall_status(user_copy_out(a[1], &caps, sizeof(caps)));
}

struct syscall_result sys_partition_reference_time(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	status_t status = syscall_built_partition(thread, a[0], RIGHT_READ, &partition);
	uint64_t time;

	if (status != STATUS_OK)
		return syscall_status(status);
	time = partition_reference_time(partition);
	partition_put(partition);
	return syscall_ok(time);
}

struct syscall_result sys_vp_stats(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct vp_stats stats;
	struct vp *vp;
	status_t status = syscall_vp(thread, a, RIGHT_READ, &partition, &vp);

	if (status != STATUS_OK)
		return syscall_status(status);
	stats = *vp->stats;
	partition_put(partition);
	return syscall_status(user_copy_out(a[2], &stats, sizeof(stats)));
}

__cold struct syscall_result sys_vp_profile(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct vp *vp;
	status_t status;

	if (a[2] > 1)
		return syscall_status(STATUS_INVALID_ARGUMENT);
	status = syscall_vp(thread, a, RIGHT_WRITE, &partition, &vp);
	if (status != STATUS_OK)
		return syscall_status(status);
	status = vp_profile_set(vp, a[2]);
	partition_put(partition);
	return syscall_status(status);
}
