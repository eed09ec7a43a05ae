/* SPDX-License-Identifier: MIT */
/*
 * The AArch64 processor of a VP from power-on (Arm ARM D1.4, "Reset"; where that says "unknown", 0), and its way to
 * a CPU and from it. VP 0 begins at address 0 with its caches off; the others wait for PSCI CPU_ON.
 */
#include "guest.h"
#include "vgic_hw.h"
#include <arch/fpu.h>
#include <kernel/cpu.h>
#include <kernel/memory.h>
#include <kernel/string.h>
#include <kernel/synic.h>

#define MPIDR_RES1 BIT(31)
/* ICC_SGI1R_EL1 reaches sixteen in one go. */
#define AFF0_BITS  4u
#define AFF_BITS   8u

uint64_t guest_mpidr(uint32_t index)
{
	return MPIDR_RES1 | (index & MASK(AFF0_BITS)) |
	       (index >> AFF0_BITS & MASK(AFF_BITS)) << AFF_BITS |
	       (uint64_t)(index >> (AFF0_BITS + AFF_BITS)) << 2 * AFF_BITS;
}

bool guest_mpidr_index(const struct partition *partition, uint64_t mpidr, uint32_t *index)
{
	*index = (uint32_t)((mpidr & MASK(AFF0_BITS)) |
			    (mpidr >> AFF_BITS & MASK(AFF_BITS)) << AFF0_BITS |
			    (mpidr >> 2 * AFF_BITS & MASK(AFF_BITS)) << (AFF0_BITS + AFF_BITS));
	return *index < partition->vp_count &&
	       (guest_mpidr(*index) & MPIDR_AFFINITY) == (mpidr & ~MPIDR_RES1);
}

/* ---- VPs ---- */

__cold status_t arch_vp_create(struct vp *vp)
{
	struct arch_vp_vtl *a = vtl_arch(vp, 0);

	a->vp = vp;
	vgic_cpu_create(&a->gic, &vp->partition->arch.gic, vp->index,
			(uint32_t)(guest_mpidr(vp->index) & MASK(24)));
	guest_timers_create(vp, 0);
	return STATUS_OK;
}

__cold void arch_vp_destroy(struct vp *vp)
{
	struct arch_vp_vtl *a = vp->vtl[0] ? vtl_arch(vp, 0) : NULL;

	if (a && a->gic.vgic)
		vgic_cpu_remove(&a->gic);
}

/* Of power-on and of CPU_ON: with the MMU and caches off, interrupts masked. */
static __cold void registers_reset(struct arch_vp_vtl *a)
{
	memset(&a->system, 0, sizeof(a->system));
	memset(&a->pauth, 0, sizeof(a->pauth));
	memset(&a->debug, 0, sizeof(a->debug));
	a->system.sctlr_el1 = GUEST_SCTLR_RESET;
	a->pc = 0;
	a->pstate = GUEST_PSTATE_RESET;
	a->sp_el0 = a->sp_el1 = 0;
	a->traps_caches = true;
	a->set_way = false;
}

__cold void guest_vtl_reset(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *a = vtl_arch(vp, vtl);
	bool runs = vp->index == 0;

	el1_release(vp);
	registers_reset(a);
	guest_timers_reset(vp, vtl);
	a->activity = runs ? ACTIVITY_RUNNING : ACTIVITY_WAIT_FOR_ON;
	atomic_store(&a->power, runs ? PSCI_ON : PSCI_OFF);
	a->waiting = WAITING_NONE;
	a->work = (a->work & WORK_DEBUG) | (runs ? WORK_CLEAN : 0); /* a debugger outlives it */
	a->cleaned = 0;
}

__cold void arch_vp_reset(struct vp *vp)
{
	fpu_release(&vp->arch.fpu);
	memset(vp->arch.x, 0, sizeof(vp->arch.x));
	memset(&vp->arch.fpu, 0, sizeof(vp->arch.fpu));
	guest_vtl_reset(vp, 0);
	vgic_cpu_reset(&vtl_arch(vp, 0)->gic);
	if (vp->run)
		vp->run->set = 0;
}

/* It was off, and is loaded on no CPU. */
static void begin(struct vp *vp, uint32_t vtl, uint64_t pc)
{
	struct arch_vp_vtl *a = vtl_arch(vp, vtl);

	el1_release(vp);
	registers_reset(a);
	guest_timers_reset(vp, vtl);
	vgic_interface_reset(&a->gic);
	a->pc = pc;
	a->activity = ACTIVITY_RUNNING;
}

/* PSCI 5.1.4: at the entry point, X0 the context, all else as after reset. Loaded or not. */
void guest_power_on(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	bool loaded = atomic_load(&vp->cpu) == this_cpu();

	if (atomic_load(&a->power) != PSCI_ON_PENDING)
		return;
	if (loaded)
		backend->put(vp);
	begin(vp, vp->active_vtl, a->entry);
	vp->arch.x[0] = a->context;
	if (loaded)
		backend->load(vp);
	atomic_store(&a->power, PSCI_ON);
}

bool guest_start(struct vp *vp, uint32_t vtl, const struct hv_arm64_initial_vp_context *context)
{
	struct arch_vp_vtl *a = vtl_arch(vp, vtl);
	uint32_t power = PSCI_OFF;

	if (!atomic_compare_exchange_strong(&a->power, &power, PSCI_STARTING))
		return false;
	begin(vp, vtl, context->pc);
	a->sp_el1 = context->sp_elh;
	a->system.sctlr_el1 = context->sctlr_el1;
	a->system.mair_el1 = context->mair_el1;
	a->system.tcr_el1 = context->tcr_el1;
	a->system.vbar_el1 = context->vbar_el1;
	a->system.ttbr0_el1 = context->ttbr0_el1;
	a->system.ttbr1_el1 = context->ttbr1_el1;
	vp->arch.x[18] = context->x18;
	guest_caches_changed(vp, vtl);
	atomic_store(&a->power, PSCI_ON);
	return true;
}

/* The guest's FP state stays in the registers when the VMM is called, which does without. */
void arch_vp_load(struct vp *vp)
{
	fpu_take(&vp->arch.fpu);
}

void arch_vp_put(struct vp *vp)
{
	(void)vp;
}

void arch_vp_bind(struct vp *vp)
{
	guest_timers_bind(vp);
	stimer_update(vp);
}

void arch_vp_unbind(struct vp *vp)
{
	guest_timers_unbind(vp);
	stimer_cancel(vp);
	fpu_release(&vp->arch.fpu);
	backend->unbind(vp);
}
