/* SPDX-License-Identifier: MIT */
/*
 * Running virtual processors. vp_run() enters the guest over and over and handles in the kernel
 * what it can; requests from other CPUs reach it through one atomic word and a kick.
 */
#include <kernel/backend.h>
#include <kernel/cpu.h>
#include <kernel/memory_map.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/thread.h>

static __cold status_t vtl_create(struct vp *vp, uint32_t vtl)
{
	struct vp_vtl *v = heap_alloc(vp->partition->heap, sizeof(*v));

	if (!v)
		return STATUS_NO_MEMORY;
	vp->vtl[vtl] = v;
	v->space = vp->partition->space[vtl];
	return backend->vp_create(vp, vtl);
}

__cold status_t vp_create(struct partition *partition, uint32_t index, struct vp **vp)
{
	struct heap *heap = partition->heap;
	struct vp *v = heap_alloc(heap, sizeof(*v));
	status_t status = STATUS_NO_MEMORY;

	if (!v)
		return STATUS_NO_MEMORY;
	v->partition = partition;
	v->index = index;
	v->quick_exits = ARCH_QUICK_EXITS;
	v->other_exits = VP_UNHANDLED;
	v->stats = heap_alloc(heap, sizeof(*v->stats));
	if (v->stats)
		status = vtl_create(v, 0);
	if (status == STATUS_OK)
		status = hv_vp_create(v);
	if (status == STATUS_OK)
		status = arch_vp_create(v);
	if (status != STATUS_OK) {
		vp_destroy(v);
		return status;
	}
	arch_vp_reset(v);
	backend->unbind(v); /* its thread may be on another CPU */
	*vp = v;
	return STATUS_OK;
}

__cold void vp_destroy(struct vp *vp)
{
	struct heap *heap = vp->partition->heap;
	uint32_t vtl;

	arch_vp_destroy(vp);
	hv_vp_destroy(vp);
	for (vtl = 0; vtl < VTL_COUNT; vtl++) {
		if (!vp->vtl[vtl])
			continue;
		backend->vp_destroy(vp, vtl);
		heap_free(heap, vp->vtl[vtl], sizeof(*vp->vtl[vtl]));
	}
	if (vp->stats)
		heap_free(heap, vp->stats, sizeof(*vp->stats));
	if (vp->profile)
		heap_free(heap, vp->profile, sizeof(*vp->profile));
	heap_free(heap, vp, sizeof(*vp));
}

__cold status_t vp_reset(struct vp *vp)
{
	status_t status;

	if (atomic_load(&vp->run_state) != VP_STOPPED)
		return STATUS_BUSY;
	status = hv_vp_reset(vp);
	if (status != STATUS_OK)
		return status;
	atomic_store(&vp->requests, 0);
	vp->active_vtl = 0;
	arch_vp_reset(vp);
	return STATUS_OK;
}

/* The store of vp->cpu comes before any look at requests or generations (both sequentially
 * consistent): who changes one of those afterwards sees the CPU and kicks it. */
static void vp_load(struct vp *vp)
{
	struct cpu *cpu = this_cpu();

	vp->loaded_at = timestamp_read();
	arch_vp_load(vp);
	backend->load(vp);
	atomic_store(&vp->run_state, VP_RUNNING);
	atomic_store(&vp->cpu, cpu);
}

void vp_put(struct vp *vp)
{
	atomic_store_explicit(&vp->cpu, NULL, memory_order_release);
	backend->put(vp);
	arch_vp_put(vp);
	vp->stats->loaded_ticks += timestamp_read() - vp->loaded_at;
}

/* The hot loop. It ends when something outside the guest must be done. */
static enum vp_outcome vp_loop(struct vp *vp)
{
	enum vp_outcome outcome;

	do {
		outcome = arch_vp_prepare(vp);
		if (unlikely(outcome != VP_CONTINUE))
			break; /* a yield was asked for, or it is halted */
		outcome = backend->enter(vp);
		if (outcome == VP_UNHANDLED)
			outcome = arch_vp_handle_exit(vp);
		else if (unlikely(outcome == VP_PROFILED))
			outcome = vp_profile_exit(vp);
	} while (outcome == VP_CONTINUE);
	return outcome;
}

static __cold void unloaded_work(struct vp *vp, enum vp_outcome outcome)
{
	if (outcome == VP_MACHINE_CHECK)
		arch_machine_check();
	else
		arch_vp_unloaded(vp);
}

enum vp_outcome vp_run(struct vp *vp)
{
	enum vp_outcome outcome;

	for (;;) {
		vp_load(vp);
		outcome = vp_loop(vp);
		vp_put(vp);
		if (likely(outcome < VP_SWITCH))
			break;
		if (unlikely(outcome != VP_SWITCH))
			unloaded_work(vp, outcome);
		arch_interrupt_window();
		if (sched_should_switch()) {
			atomic_store(&vp->run_state, VP_READY);
			return VP_SWITCH;
		}
	}
	if (outcome == VP_TO_VMM) {
		atomic_store_explicit(&vp->run_state, VP_STOPPED, memory_order_release);
		vp->stats->returns_to_vmm++;
		return outcome;
	}
	/* VP_BLOCK: what came between the last look and this store is seen by the look below; what
	 * comes later finds VP_BLOCKED and makes the thread ready. */
	atomic_store(&vp->run_state, VP_BLOCKED);
	return VP_BLOCK;
}

/* The VP is loaded nowhere: if it is blocked, its thread becomes ready. */
static void vp_wake(struct vp *vp)
{
	uint32_t blocked = VP_BLOCKED;
	struct cpu *sleeping = NULL;

	/* A thread that was woken for another reason may run the VP to its end and unbind it
	 * meanwhile: that waits for the lock. */
	spin_lock(&vp->wake_lock);
	if (atomic_compare_exchange_strong(&vp->run_state, &blocked, VP_READY)) {
		sleeping = sched_ready(vp->thread);
		monitors_wake(vp->partition);
	}
	spin_unlock(&vp->wake_lock);
	sched_kick(sleeping);
}

void vp_request(struct vp *vp, uint32_t bits)
{
	struct cpu *cpu;

	if ((atomic_fetch_or(&vp->requests, bits) & bits) == bits)
		return; /* asked for already, and not yet looked at */
	cpu = atomic_load(&vp->cpu);
	if (!cpu)
		vp_wake(vp);
	else if (cpu != this_cpu())
		arch_cpu_kick(cpu);
}

/* The request stays until the next exit; that it is there does not say that what came since is seen. */
void vp_notify(struct vp *vp)
{
	struct cpu *cpu;

	atomic_fetch_or(&vp->requests, VP_REQUEST_NOTIFIED);
	cpu = atomic_load(&vp->cpu);
	if (!cpu)
		vp_wake(vp);
	else if (cpu != this_cpu())
		arch_cpu_notify(cpu);
}
