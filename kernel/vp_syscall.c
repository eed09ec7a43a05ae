/* SPDX-License-Identifier: MIT */
/*
 * System calls of virtual processors. A VP is bound to a thread by vp_bind; its handle is of use to
 * that thread alone, so that everything here happens on the CPU that the VP runs on. The end of its
 * last handle unbinds it.
 */
#include <kernel/backend.h>
#include <kernel/cpu.h>
#include <kernel/memory_map.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

#define REGISTERS_MAX	 64u
#define APIC_WRITE_FLAG	 BIT(16)
#define APIC_OFFSET_MASK 0xffffu
#define GIC_WRITE_FLAG	 BIT(16)
#define VP_CALL_TRIES	 16u

/* ---- binding ---- */

/* On the CPU of the VP's thread. That it has none from here on is decided there, so that whoever finds
 * one on its own CPU (vp_call) may go on. */
static __cold void vp_leave_cpu(void *argument)
{
	struct vp *vp = argument;

	arch_vp_unbind(vp);
	spin_lock(&vp->wake_lock);
	vp->thread = NULL;
	spin_unlock(&vp->wake_lock);
}

/* The last reference is gone: the VP stands still, as only its thread in vp_run could move it. */
static __cold void vp_unbound(struct object *object)
{
	struct vp *vp = container_of(object, struct vp, object);
	struct partition *partition = vp->partition;
	struct thread *thread = vp->thread;

	cpu_call(thread->cpu, vp_leave_cpu, vp);
	blocks_unpin(vp->run_hpa, PAGE_SIZE);
	vp->run = NULL;
	object_put(&thread->object);
	atomic_store(&vp->bound, false);
	partition_put(partition);
}

/* A handle was closed while the VP runs: without it the VMM might have no way left to stop it. */
static void vp_closed(struct object *object)
{
	struct vp *vp = container_of(object, struct vp, object);

	if (atomic_load(&vp->run_state) != VP_STOPPED)
		vp_request(vp, VP_REQUEST_YIELD);
}

static __cold status_t vp_bind(struct thread *thread, struct vp *vp, hpa_t run)
{
	bool bound = false;
	status_t status;

	if (this_cpu()->runs_no_guests)
		return STATUS_NO_VIRTUALIZATION;
	if (!atomic_compare_exchange_strong(&vp->bound, &bound, true))
		return STATUS_BUSY;
	status = blocks_pin(run, PAGE_SIZE);
	if (status != STATUS_OK) {
		atomic_store(&vp->bound, false);
		return status;
	}
	object_get(&thread->object);
	object_get(&vp->partition->object);
	object_init(&vp->object, OBJECT_VP, vp_unbound);
	vp->object.closed = vp_closed;
	vp->run_hpa = run;
	vp->run = hpa_to_kva(run);
	spin_lock(&vp->wake_lock);
	vp->thread = thread;
	spin_unlock(&vp->wake_lock);
	arch_vp_bind(vp);
	monitors_wake(vp->partition);
	return STATUS_OK;
}

struct vp_caller {
	struct vp *vp;
	void (*function)(struct vp *vp, void *argument);
	void *argument;
	bool done;
};

static struct cpu *vp_home(const struct vp *vp)
{
	return vp->thread ? vp->thread->cpu : NULL;
}

/* It may have been bound elsewhere in the meantime. The lock keeps one that is bound to no thread from
 * being bound to one. */
static __cold void vp_call_here(void *argument)
{
	struct vp_caller *caller = argument;
	struct vp *vp = caller->vp;
	struct cpu *home;

	spin_lock(&vp->wake_lock);
	home = vp_home(vp);
	if (!home || home == this_cpu()) {
		caller->function(vp, caller->argument);
		caller->done = true;
		if (!home)
			backend->unbind(vp);
	}
	spin_unlock(&vp->wake_lock);
}

__cold status_t vp_call(struct vp *vp, void (*function)(struct vp *vp, void *argument),
			void *argument)
{
	struct vp_caller caller = {.vp = vp, .function = function, .argument = argument};
	unsigned int tries;
	struct cpu *home;

	for (tries = 0; !caller.done && tries < VP_CALL_TRIES; tries++) {
		spin_lock(&vp->wake_lock);
		home = vp_home(vp);
		spin_unlock(&vp->wake_lock);
		cpu_call(home ? home : this_cpu(), vp_call_here, &caller);
	}
	return caller.done ? STATUS_OK : STATUS_BUSY;
}

__cold struct syscall_result sys_vp_bind(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct object *object;
	handle_t handle = HANDLE_NONE;
	struct vp *vp;
	hpa_t run;
	status_t status;

	if (!IS_ALIGNED(a[2], PAGE_SIZE))
		return syscall_status(STATUS_MISALIGNED);
	status = syscall_object(thread, a[0], OBJECT_PARTITION, RIGHT_RUN, &object);
	if (status != STATUS_OK)
		return syscall_status(status);
	partition = container_of(object, struct partition, object);
	status = task_window_range(thread->task, a[2], PAGE_SIZE, &run);
	vp = a[1] < UINT32_MAX ? partition_vp(partition, (uint32_t)a[1]) : NULL;
	if (status == STATUS_OK && partition->state < PARTITION_BUILT)
		status = STATUS_WRONG_STATE;
	else if (status == STATUS_OK && !vp)
		status = STATUS_NOT_FOUND;
	if (status == STATUS_OK)
		status = vp_bind(thread, vp, run);
	if (status == STATUS_OK) {
		status = handle_create(&thread->task->handles, &vp->object, RIGHTS_ALL, &handle);
		object_put(&vp->object);
	}
	partition_put(partition);
	return (struct syscall_result){status, handle};
}

/* The VP that a handle names, if it is bound to the calling thread. No reference is kept: only
 * this thread or one that closes the handle ends it, and then the call was a race of the VMM's
 * own, which the reference of the lookup, dropped at the end, outlasts. */
status_t syscall_bound_vp(struct thread *thread, uint64_t handle, uint32_t rights, struct vp **vp)
{
	struct object *object;
	status_t status = syscall_object(thread, handle, OBJECT_VP, rights, &object);

	if (status != STATUS_OK)
		return status;
	*vp = container_of(object, struct vp, object);
	if ((*vp)->thread == thread)
		return STATUS_OK;
	object_put(object);
	return STATUS_WRONG_STATE;
}

/* ---- running ---- */

static void vp_run_finish(struct thread *thread, status_t status)
{
	struct vp *vp = thread->vp;

	thread->vp = NULL;
	arch_thread_set_result(thread, status, 0);
	object_put(&vp->object);
}

/* Runs the thread's VP until it has something for the VMM; on each other way back the thread comes
 * here again when it is next picked. */
static void vp_run_continue(struct thread *thread)
{
	uint32_t blocked = VP_BLOCKED;
	struct vp *vp = thread->vp;

	for (;;) {
		switch (vp_run(vp)) {
		case VP_BLOCK:
			thread->continuation = vp_run_continue;
			if (!atomic_load(&vp->requests)) {
				sched_block(thread);
				return;
			}
			/* Something came meanwhile. Whoever moves the state on owns the wake. */
			if (!atomic_compare_exchange_strong(&vp->run_state, &blocked, VP_READY)) {
				sched_block(thread);
				return;
			}
			monitors_wake(vp->partition);
			thread->continuation = NULL;
			continue;
		case VP_SWITCH: thread->continuation = vp_run_continue; return;
		default: vp_run_finish(thread, STATUS_OK); return;
		}
	}
}

struct syscall_result sys_vp_run(struct thread *thread, const uint64_t a[6])
{
	struct vp *vp;
	status_t status = syscall_bound_vp(thread, a[0], RIGHT_RUN, &vp);

	if (status != STATUS_OK)
		return syscall_status(status);
	atomic_store(&vp->run_state, VP_READY);
	if (vp->partition->state != PARTITION_BUILT) {
		atomic_store(&vp->run_state, VP_STOPPED);
		object_put(&vp->object);
		return syscall_status(STATUS_WRONG_STATE);
	}
	thread->vp = vp;
	arch_vp_resume(vp);
	vp_run_continue(thread);
	sched_exit();
}

/* ---- registers ---- */

static __cold status_t registers_check(struct vp *vp, uint64_t vtl, uint64_t count)
{
	if (vtl >= VTL_COUNT || !vp->vtl[vtl])
		return STATUS_INVALID_VTL;
	if (!count)
		return STATUS_INVALID_ARGUMENT;
	return count > REGISTERS_MAX ? STATUS_TOO_LARGE : STATUS_OK;
}

struct registers {
	uint32_t vtl, count;
	uint32_t names[REGISTERS_MAX];
	union hv_register_value values[REGISTERS_MAX];
	status_t status;
};

static void registers_read(struct vp *vp, void *argument)
{
	struct registers *r = argument;

	r->status = arch_vp_get_registers(vp, r->vtl, r->names, r->values, r->count);
}

/* The arguments from the VTL on. */
static __cold status_t registers_get(struct vp *vp, const uint64_t a[4])
{
	struct registers r;
	status_t status = registers_check(vp, a[0], a[3]);

	if (status != STATUS_OK)
		return status;
	r.vtl = (uint32_t)a[0];
	r.count = (uint32_t)a[3];
	status = user_copy_in(r.names, a[1], a[3] * sizeof(r.names[0]));
	if (status == STATUS_OK)
		status = vp_call(vp, registers_read, &r);
	if (status == STATUS_OK)
		status = r.status;
	if (status == STATUS_OK)
		status = user_copy_out(a[2], r.values, a[3] * sizeof(r.values[0]));
	return status;
}

struct syscall_result sys_vp_get_registers(struct thread *thread, const uint64_t a[6])
{
	struct vp *vp;
	status_t status = syscall_bound_vp(thread, a[0], RIGHT_READ, &vp);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = registers_get(vp, &a[1]);
	object_put(&vp->object);
	return syscall_status(status);
}

__cold struct syscall_result sys_vp_peek_registers(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct vp *vp;
	status_t status = syscall_vp(thread, a, RIGHT_READ, &partition, &vp);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = registers_get(vp, &a[2]);
	partition_put(partition);
	return syscall_status(status);
}

struct syscall_result sys_vp_set_registers(struct thread *thread, const uint64_t a[6])
{
	union hv_register_value values[REGISTERS_MAX];
	uint32_t names[REGISTERS_MAX];
	struct vp *vp;
	status_t status = syscall_bound_vp(thread, a[0], RIGHT_WRITE, &vp);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = registers_check(vp, a[1], a[4]);
	if (status == STATUS_OK)
		status = user_copy_in(names, a[2], a[4] * sizeof(names[0]));
	if (status == STATUS_OK)
		status = user_copy_in(values, a[3], a[4] * sizeof(values[0]));
	if (status == STATUS_OK)
		status = arch_vp_set_registers(vp, (uint32_t)a[1], names, values, (uint32_t)a[4]);
	object_put(&vp->object);
	return syscall_status(status);
}

__cold struct syscall_result sys_vp_reset(struct thread *thread, const uint64_t a[6])
{
	struct vp *vp;
	status_t status = syscall_bound_vp(thread, a[0], RIGHT_WRITE, &vp);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = vp_reset(vp);
	object_put(&vp->object);
	return syscall_status(status);
}

/* Reasons that an exit has led to at once: else it may be one of before. The page is the task's, which
 * fools itself alone with another reason. */
static bool reason_is_exit(uint32_t reason)
{
	return reason == VP_RUN_PORT_IO || reason == VP_RUN_EMULATE || reason == VP_RUN_MSR ||
	       reason == VP_RUN_CPUID || reason == VP_RUN_HYPERCALL ||
	       reason == VP_RUN_TRIPLE_FAULT;
}

__cold struct syscall_result sys_vp_intercept(struct thread *thread, const uint64_t a[6])
{
	struct hv_message message;
	struct vp *vp;
	status_t status = syscall_bound_vp(thread, a[0], RIGHT_READ, &vp);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = STATUS_NOT_FOUND;
	if (reason_is_exit(vp->run->reason))
		status = arch_vp_intercept(vp, &message);
	object_put(&vp->object);
	if (status == STATUS_OK)
		status = user_copy_out(a[1], &message, sizeof(message));
	return syscall_status(status);
}

__cold struct syscall_result sys_vp_flush_requests(struct thread *thread, const uint64_t a[6])
{
	struct vp *vp;
	status_t status = syscall_bound_vp(thread, a[0], RIGHT_WRITE, &vp);

	if (status != STATUS_OK)
		return syscall_status(status);
	arch_vp_flush_requests(vp);
	object_put(&vp->object);
	return syscall_ok(0);
}

/* Breakpoints and steps; with no address, none. */
__cold struct syscall_result sys_vp_set_debug_state(struct thread *thread, const uint64_t a[6])
{
	struct vp_debug_state state;
	struct vp *vp;
	status_t status = syscall_bound_vp(thread, a[0], RIGHT_WRITE, &vp);

	if (status != STATUS_OK)
		return syscall_status(status);
	memset(&state, 0, sizeof(state));
	if (a[1] >= VTL_COUNT || !vp->vtl[a[1]])
		status = STATUS_INVALID_VTL;
	else if (a[2])
		status = user_copy_in(&state, a[2], sizeof(state));
	if (status == STATUS_OK)
		status = arch_vp_set_debug_state(vp, (uint32_t)a[1], &state);
	object_put(&vp->object);
	return syscall_status(status);
}

struct syscall_result sys_vp_apic_access(struct thread *thread, const uint64_t a[6])
{
	uint32_t offset = (uint32_t)(a[2] & APIC_OFFSET_MASK);
	uint32_t value = (uint32_t)a[3];
	struct vp *vp;
	status_t status;

	if ((a[2] & ~(APIC_WRITE_FLAG | APIC_OFFSET_MASK)) || offset >= PAGE_SIZE ||
	    a[3] > UINT32_MAX)
		return syscall_status(STATUS_INVALID_ARGUMENT);
	status = syscall_bound_vp(thread, a[0], RIGHT_WRITE, &vp);
	if (status != STATUS_OK)
		return syscall_status(status);
	if (a[1] >= VTL_COUNT || !vp->vtl[a[1]])
		status = STATUS_INVALID_VTL;
	else if (partition_has_user_apic(vp->partition))
		status = STATUS_WRONG_STATE;
	else
		status = arch_vp_apic_access(vp, (uint32_t)a[1], offset, a[2] & APIC_WRITE_FLAG,
					     &value);
	object_put(&vp->object);
	return (struct syscall_result){status, value};
}

struct syscall_result sys_vp_gic_access(struct thread *thread, const uint64_t a[6])
{
	uint64_t size = a[3] & ~GIC_WRITE_FLAG, value = a[4];
	struct vp *vp;
	status_t status;

	if (!size || size > sizeof(value) || (size & (size - 1)))
		return syscall_status(STATUS_INVALID_ARGUMENT);
	status = syscall_bound_vp(thread, a[0], RIGHT_WRITE, &vp);
	if (status != STATUS_OK)
		return syscall_status(status);
	if (a[1] >= VTL_COUNT || !vp->vtl[a[1]])
		status = STATUS_INVALID_VTL;
	else
		status = arch_vp_gic_access(vp, (uint32_t)a[1], a[2], (unsigned int)size,
					    a[3] & GIC_WRITE_FLAG, &value);
	object_put(&vp->object);
	return (struct syscall_result){status, value};
}
