/* SPDX-License-Identifier: MIT */
/*
 * What the kernel lets one look at: structures, filled in by one function each. The tree that people see,
 * with its names and forms, is made of them in the root task's library.
 */
#include <kernel/backend.h>
#include <kernel/console.h>
#include <kernel/memory_map.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

static_assert((int)INSPECT_PRIORITIES == (int)PRIORITY_COUNT, "a place for each");

union view {
	struct inspect_system system;
	struct inspect_cpu cpu;
	struct inspect_partition partition;
	struct inspect_mapping mapping;
	struct inspect_vp vp;
	struct inspect_profile profile;
};

/* The view is zeroed. `partition` is NULL for handle 0. */
typedef status_t view_function_t(struct partition *partition, uint32_t index, union view *view);

static status_t system_view(struct partition *partition, uint32_t index, union view *view)
{
	(void)partition;
	(void)index;
	view->system.log_bytes = log_written();
	view->system.assists = backend_assists;
	if (backend) {
		view->system.feature_count = backend->feature_count;
		memcpy(view->system.features, backend->features,
		       backend->feature_count * sizeof(backend->features[0]));
	}
	return STATUS_OK;
}

static status_t cpu_view(struct partition *partition, uint32_t index, union view *view)
{
	const struct cpu *cpu;

	(void)partition;
	if (index >= cpu_count)
		return STATUS_NOT_FOUND;
	cpu = cpus[index];
	view->cpu.threads = cpu->threads;
	view->cpu.running = cpu->ready.running;
	memcpy(view->cpu.ready, cpu->ready.lengths, sizeof(view->cpu.ready));
	view->cpu.switches = cpu->ready.switches;
	view->cpu.idle_ticks = cpu->idle_ticks;
	return STATUS_OK;
}

static status_t partition_view(struct partition *partition, uint32_t index, union view *view)
{
	const struct proto_partition_config *config = &partition->config;
	struct inspect_partition *p = &view->partition;

	(void)index;
	memcpy(p->name, config->name, sizeof(p->name));
	p->state = partition->state;
	p->vp_count = config->vp_count;
	p->apic_mode = config->apic_mode;
	p->isolation = config->isolation;
	p->flags = config->flags;
	p->physical_address_bits = partition->physical_bits;
	if (p->state >= PARTITION_BUILT)
		p->reference_time = partition_reference_time(partition);
	return STATUS_OK;
}

static status_t mapping_view(struct partition *partition, uint32_t index, union view *view)
{
	if (partition->state < PARTITION_BUILT)
		return STATUS_WRONG_STATE;
	return gpa_mapping_get(partition->space[0], index, &view->mapping) ? STATUS_OK
									   : STATUS_NOT_FOUND;
}

static void vp_look(struct vp *vp, void *argument)
{
	struct inspect_vp *view = argument;

	view->run_state = vp->run_state;
	view->cpu = vp->thread ? vp->thread->cpu->index : UINT32_MAX;
	view->requests = vp->requests;
	view->active_vtl = vp->active_vtl;
	view->profiled = vp->other_exits == VP_PROFILED;
	arch_vp_inspect(vp, view);
}

static status_t vp_view(struct partition *partition, uint32_t index, union view *view)
{
	struct vp *vp = partition_vp(partition, index);

	return vp ? vp_call(vp, vp_look, &view->vp) : STATUS_NOT_FOUND;
}

static status_t profile_view(struct partition *partition, uint32_t index, union view *view)
{
	const struct vp *vp = partition_vp(partition, index);

	if (!vp)
		return STATUS_NOT_FOUND;
	if (vp->profile)
		view->profile = vp->profile->times;
	return STATUS_OK;
}

static const struct {
	view_function_t *function;
	uint16_t size;
	bool of_partition;
} views[] = {
	[INSPECT_SYSTEM] = {system_view, sizeof(struct inspect_system), false},
	[INSPECT_CPU] = {cpu_view, sizeof(struct inspect_cpu), false},
	[INSPECT_PARTITION] = {partition_view, sizeof(struct inspect_partition), true},
	[INSPECT_MAPPING] = {mapping_view, sizeof(struct inspect_mapping), true},
	[INSPECT_VP] = {vp_view, sizeof(struct inspect_vp), true},
	[INSPECT_PROFILE] = {profile_view, sizeof(struct inspect_profile), true},
};

struct syscall_result sys_inspect(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition = NULL;
	struct object *object;
	union view view;
	status_t status;
	size_t size;

	if (a[1] >= ARRAY_SIZE(views))
		return syscall_status(STATUS_INVALID_ARGUMENT);
	if (a[2] > UINT32_MAX)
		return syscall_status(STATUS_NOT_FOUND);
	if (views[a[1]].of_partition) {
		status = syscall_object(thread, a[0], OBJECT_PARTITION, RIGHT_READ, &object);
		if (status != STATUS_OK)
			return syscall_status(status);
		partition = container_of(object, struct partition, object);
	} else if (a[0] != HANDLE_NONE) {
		return syscall_status(STATUS_WRONG_TYPE);
	}
	memset(&view, 0, sizeof(view));
	status = views[a[1]].function(partition, (uint32_t)a[2], &view);
	if (partition)
		partition_put(partition);
	size = MIN(a[4], views[a[1]].size);
	if (status == STATUS_OK)
		status = user_copy_out(a[3], &view, size);
	return (struct syscall_result){status, status == STATUS_OK ? size : 0};
}
