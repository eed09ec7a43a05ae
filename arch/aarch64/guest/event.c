/* SPDX-License-Identifier: MIT */
/*
 * What happens before each entry: what other CPUs asked for is taken in, an exception that the VMM gave is
 * delivered, and a VP that waits looks for what it waits for. Interrupts are the GIC's, which the backend
 * loads with the entry.
 */
#include "guest.h"
#include "vgic_hw.h"
#include <kernel/synic.h>

#define REQUESTS_OF_RUN VP_REQUEST_YIELD

/* VP_REQUEST_INTERRUPT and NOTIFIED alone mean: look, and the GIC has work, which the entry sees to. */
static void requests_take_in(struct vp *vp, uint32_t bits)
{
	if (bits & VP_REQUEST_POWER)
		guest_power_on(vp);
	if (bits & VP_REQUEST_TIMER)
		guest_timers_fire(vp);
	if (bits & VP_REQUEST_STIMER)
		stimer_fire(vp);
	if (bits & VP_REQUEST_FLUSH)
		el2_translations_drop(vp);
}

__cold void arch_vp_flush_requests(struct vp *vp)
{
	arch_vp_settle(vp);
	requests_take_in(vp, atomic_fetch_and(&vp->requests, REQUESTS_OF_RUN) &
				     ~(uint32_t)REQUESTS_OF_RUN);
}

static enum vp_outcome requests_take(struct vp *vp)
{
	uint32_t bits = atomic_exchange(&vp->requests, 0);

	requests_take_in(vp, bits);
	return bits & VP_REQUEST_YIELD ? run_page_return(vp, VP_RUN_YIELD) : VP_CONTINUE;
}

static void event_deliver(struct vp *vp, struct arch_vp_vtl *a)
{
	a->work &= ~(uint32_t)WORK_EVENT;
	a->debugger.told = false; /* a step ends with the exception */
	if (a->event == VP_EVENT_UNDEFINED)
		guest_undefined(vp);
	else if (a->event == VP_EVENT_BREAK)
		guest_take(vp, a->syndrome);
	else
		guest_abort(vp);
}

/* WFI ends by an interrupt that the GIC would signal, whatever PSTATE masks (Arm ARM D1.6.3). */
static enum vp_outcome not_running(struct vp *vp, struct arch_vp_vtl *a)
{
	if (a->activity == ACTIVITY_WAIT_FOR_ON)
		return VP_BLOCK;
	guest_timers_fire(vp);
	if ((a->work & WORK_EVENT) || vgic_wakes(&a->gic)) {
		a->activity = ACTIVITY_RUNNING;
		return VP_CONTINUE;
	}
	guest_timers_sleep(vp);
	return VP_BLOCK;
}

static __attribute__((noinline)) enum vp_outcome prepare_work(struct vp *vp, struct arch_vp_vtl *a)
{
	enum vp_outcome outcome;

	a->work &= ~(uint32_t)WORK_ENTRY; /* it comes */
	if (a->work & (WORK_CLEAN | WORK_HYPERCALL))
		return VP_UNLOAD;
	if (atomic_load(&vp->requests)) {
		outcome = requests_take(vp);
		if (outcome != VP_CONTINUE)
			return outcome;
	}
	if (a->activity != ACTIVITY_RUNNING) {
		outcome = not_running(vp, a);
		if (outcome != VP_CONTINUE)
			return outcome;
	}
	if (a->work & WORK_EVENT)
		event_deliver(vp, a);
	if (a->work & WORK_DEBUG)
		guest_debug_enter(vp);
	return VP_CONTINUE;
}

enum vp_outcome arch_vp_prepare(struct vp *vp)
{
	if (likely(!vp_has_work(vp, vp_active(vp))))
		return VP_CONTINUE;
	return prepare_work(vp, vp_arch(vp));
}

void arch_vp_unloaded(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	uint32_t work = a->work;

	a->work &= ~(uint32_t)WORK_HYPERCALL;
	if (work & WORK_CLEAN)
		guest_memory_clean(vp);
	if (work & WORK_HYPERCALL)
		guest_hypercall_outside(vp);
}
