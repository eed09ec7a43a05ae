/* SPDX-License-Identifier: MIT */
/*
 * What a VMM asks of a VP that may be running: interrupts and yields. Many come in a second, so that this is
 * compiled for speed, with the look for the object that all calls of partitions begin with.
 */
#include <kernel/memory_map.h>
#include <kernel/partition_arch.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

status_t syscall_partition(struct thread *thread, uint64_t handle, uint32_t rights,
			   struct partition **partition)
{
	struct object *object;
	status_t status = syscall_object(thread, handle, OBJECT_PARTITION, rights, &object);

	if (status == STATUS_OK)
		*partition = container_of(object, struct partition, object);
	return status;
}

status_t syscall_built_partition(struct thread *thread, uint64_t handle, uint32_t rights,
				 struct partition **partition)
{
	status_t status = syscall_partition(thread, handle, rights, partition);

	if (status == STATUS_OK && (*partition)->state < PARTITION_BUILT) {
		partition_put(*partition);
		return STATUS_WRONG_STATE;
	}
	return status;
}

status_t syscall_space(struct partition *partition, uint64_t vtl, struct gpa_space **space)
{
	*space = vtl < VTL_COUNT ? partition_space(partition, (uint32_t)vtl) : NULL;
	return *space ? STATUS_OK : STATUS_INVALID_VTL;
}

status_t syscall_vp(struct thread *thread, const uint64_t a[6], uint32_t rights,
		    struct partition **partition, struct vp **vp)
{
	status_t status = syscall_built_partition(thread, a[0], rights, partition);

	if (status != STATUS_OK)
		return status;
	*vp = a[1] < UINT32_MAX ? partition_vp(*partition, (uint32_t)a[1]) : NULL;
	if (*vp)
		return STATUS_OK;
	partition_put(*partition);
	return STATUS_NOT_FOUND;
}

struct syscall_result sys_partition_request_msi(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct gpa_space *space;
	status_t status = syscall_built_partition(thread, a[0], RIGHT_WRITE, &partition);
	bool merged = false;

	if (status != STATUS_OK)
		return syscall_status(status);
	status = syscall_space(partition, a[1], &space);
	if (status == STATUS_OK && a[3] > UINT32_MAX)
		status = STATUS_INVALID_ARGUMENT;
	if (status == STATUS_OK && unlikely(partition_has_user_apic(partition)))
		status = STATUS_WRONG_STATE;
	if (status == STATUS_OK)
		status = arch_request_msi(partition, (uint32_t)a[1], a[2], (uint32_t)a[3], &merged);
	partition_put(partition);
	return (struct syscall_result){status, merged};
}

struct syscall_result sys_vp_request_yield(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct vp *vp;
	status_t status = syscall_vp(thread, a, RIGHT_RUN, &partition, &vp);

	if (status != STATUS_OK)
		return syscall_status(status);
	vp_request(vp, VP_REQUEST_YIELD);
	partition_put(partition);
	return syscall_ok(0);
}

struct syscall_result sys_partition_set_spi(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct gpa_space *space;
	status_t status = syscall_built_partition(thread, a[0], RIGHT_WRITE, &partition);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = syscall_space(partition, a[1], &space);
	if (status == STATUS_OK && (a[2] > UINT32_MAX || a[3] > 1))
		status = STATUS_INVALID_ARGUMENT;
	if (status == STATUS_OK)
		status = arch_partition_set_spi(partition, (uint32_t)a[1], (uint32_t)a[2], a[3]);
	partition_put(partition);
	return syscall_status(status);
}

/* VTL and input, the arguments behind partition and index. */
static status_t lint_check(const struct vp *vp, const uint64_t a[6])
{
	if (a[2] >= VTL_COUNT || !vp->vtl[a[2]])
		return STATUS_INVALID_VTL;
	if (a[3] > 1)
		return STATUS_INVALID_ARGUMENT;
	return partition_has_user_apic(vp->partition) ? STATUS_WRONG_STATE : STATUS_OK;
}

struct syscall_result sys_vp_set_lint(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct vp *vp;
	status_t status = syscall_vp(thread, a, RIGHT_WRITE, &partition, &vp);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = a[4] > 1 ? STATUS_INVALID_ARGUMENT : lint_check(vp, a);
	if (status == STATUS_OK)
		status = arch_vp_set_lint(vp, (uint32_t)a[2], (unsigned int)a[3], a[4]);
	partition_put(partition);
	return syscall_status(status);
}

struct syscall_result sys_vp_pulse_lint(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct vp *vp;
	status_t status = syscall_vp(thread, a, RIGHT_WRITE, &partition, &vp);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = lint_check(vp, a);
	if (status == STATUS_OK)
		status = arch_vp_pulse_lint(vp, (uint32_t)a[2], (unsigned int)a[3]);
	partition_put(partition);
	return syscall_status(status);
}
