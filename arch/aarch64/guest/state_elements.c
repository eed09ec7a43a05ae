/* SPDX-License-Identifier: MIT */
/*
 * The elements of an AArch64 VP's state: one table. Each is a structure that the VP keeps, or is copied field by
 * field; where a check fails, nothing has been set.
 */
#include "guest.h"
#include "vgic_hw.h"
#include <arch/fpu.h>
#include <kernel/cpu.h>
#include <kernel/string.h>
#include <kernel/synic.h>

enum place {
	REGISTERS,
	ACTIVITY,
	SYSTEM,
	SIMD,
	GIC,
	TIMERS,
	DEBUG,
	PAUTH,
	SYNIC_MSRS,
	SYNIC_MESSAGE_PAGE,
	SYNIC_EVENT_PAGE,
	SYNIC_QUEUES,
	SYNIC_TIMERS,
	ASSIST,
	PLACES
};

const struct state_element arch_vp_elements[] = {
	[REGISTERS] = {VP_STATE_REGISTERS, STATE_EXACT, sizeof(struct vp_state_registers), 0},
	[ACTIVITY] = {VP_STATE_ACTIVITY, STATE_EXACT, sizeof(struct vp_state_activity), 0},
	[SYSTEM] = {VP_STATE_SYSTEM, STATE_EXACT, sizeof(struct vp_state_system), 0},
	[SIMD] = {VP_STATE_SIMD, STATE_EXACT | STATE_SHARED, sizeof(struct vp_state_simd), 0},
	[GIC] = {VP_STATE_GIC, STATE_EXACT, sizeof(struct vp_state_gic), 0},
	[TIMERS] = {VP_STATE_TIMERS, 0, sizeof(struct vp_state_arm_timers), 0},
	[DEBUG] = {VP_STATE_DEBUG, STATE_EXACT, sizeof(struct vp_state_debug), 0},
	[PAUTH] = {VP_STATE_PAUTH, STATE_EXACT, sizeof(struct vp_state_pauth), 0},
	[SYNIC_MSRS] = {VP_STATE_SYNIC_MSRS, STATE_EXACT, sizeof(struct vp_state_synic), 0},
	[SYNIC_MESSAGE_PAGE] = {VP_STATE_SYNIC_MESSAGE_PAGE, STATE_EXACT, PAGE_SIZE, 0},
	[SYNIC_EVENT_PAGE] = {VP_STATE_SYNIC_EVENT_PAGE, STATE_EXACT, PAGE_SIZE, 0},
	[SYNIC_QUEUES] = {VP_STATE_SYNIC_QUEUES, STATE_EXACT, sizeof(struct vp_state_queues), 0},
	[SYNIC_TIMERS] = {VP_STATE_SYNIC_TIMERS, STATE_EXACT, sizeof(struct vp_state_timers), 0},
	[ASSIST] = {VP_STATE_ASSIST, STATE_EXACT, sizeof(struct vp_state_assist), 0},
};
const uint32_t arch_vp_element_count = ARRAY_SIZE(arch_vp_elements);
static_assert(PLACES <= STATE_ELEMENTS_MAX, "struct state_view");

uint32_t arch_vp_element_size(const struct vp *vp, const struct state_element *element)
{
	bool there = true;

	if (element->id >= VP_STATE_SYNIC_MSRS && element->id <= VP_STATE_SYNIC_TIMERS)
		there = vp_synic(vp, 0);
	else if (element->id == VP_STATE_ASSIST)
		there = vp->partition->hv;
	return there ? element->size : 0;
}

/* ---- reading ---- */

static void registers_get(struct vp *vp, const struct arch_vp_vtl *a, struct vp_state_registers *r)
{
	memcpy(r->x, vp->arch.x, sizeof(r->x));
	r->sp_el0 = a->sp_el0;
	r->sp_el1 = a->sp_el1;
	r->pc = a->pc;
	r->pstate = a->pstate;
}

static void simd_get(struct vp *vp, struct vp_state_simd *s)
{
	fpu_release(&vp->arch.fpu);
	memcpy(s->q, vp->arch.fpu.v, sizeof(s->q));
	s->fpcr = vp->arch.fpu.fpcr;
	s->fpsr = vp->arch.fpu.fpsr;
}

static void timers_get(const struct vp *vp, const struct arch_vp_vtl *a,
		       struct vp_state_arm_timers *t)
{
	uint32_t changes;

	do {
		changes = partition_time_look(vp->partition);
		t->counter = guest_counter(vp);
		t->reference_time = partition_reference_time(vp->partition);
	} while (partition_time_is_other(vp->partition, changes));
	t->virtual_control = a->virtual_timer.control;
	t->virtual_compare = a->virtual_timer.compare;
	t->physical_control = a->physical_timer.control;
	t->physical_compare = a->physical_timer.compare;
}

static const uint32_t activity_states[] = {
	[ACTIVITY_RUNNING] = VP_RUNNING_ACTIVE,
	[ACTIVITY_HALTED] = VP_HALTED,
	[ACTIVITY_WAIT_FOR_ON] = VP_WAITS_FOR_ON,
};

static void now_get(struct vp *vp, uint32_t vtl, const struct state_view *view)
{
	struct arch_vp_vtl *a = vtl_arch(vp, vtl);

	el1_save(vp);
	if (view->data[REGISTERS])
		registers_get(vp, a, view->data[REGISTERS]);
	if (view->data[ACTIVITY])
		((struct vp_state_activity *)view->data[ACTIVITY])->activity =
			activity_states[a->activity];
	if (view->data[SYSTEM])
		memcpy(view->data[SYSTEM], &a->system, sizeof(a->system));
	if (view->data[SIMD])
		simd_get(vp, view->data[SIMD]);
	if (view->data[GIC])
		vgic_cpu_state_get(&a->gic, view->data[GIC]);
	if (view->data[TIMERS])
		timers_get(vp, a, view->data[TIMERS]);
	if (view->data[DEBUG])
		memcpy(view->data[DEBUG], &a->debug, sizeof(a->debug));
	if (view->data[PAUTH])
		memcpy(view->data[PAUTH], &a->pauth, sizeof(a->pauth));
}

/* What is not 0. */
static void reset_get(struct vp *vp, uint32_t vtl, const struct state_view *view)
{
	struct vp_state_registers *r = view->data[REGISTERS];
	struct vp_state_activity *activity = view->data[ACTIVITY];
	struct vp_state_system *s = view->data[SYSTEM];

	if (r)
		r->pstate = GUEST_PSTATE_RESET;
	if (activity)
		activity->activity = vp->index ? VP_WAITS_FOR_ON : VP_RUNNING_ACTIVE;
	if (s)
		s->sctlr_el1 = GUEST_SCTLR_RESET;
	if (view->data[GIC])
		vgic_cpu_state_reset(&vtl_arch(vp, vtl)->gic, view->data[GIC]);
}

static void synic_get(struct vp *vp, uint32_t vtl, const struct state_view *view, bool reset)
{
	unsigned int i;

	for (i = SYNIC_MSRS; i <= SYNIC_TIMERS; i++) {
		if (!view->data[i])
			continue;
		if (reset)
			synic_state_reset(arch_vp_elements[i].id, view->data[i]);
		else
			synic_state_get(vp, vtl, arch_vp_elements[i].id, view->data[i]);
	}
}

void arch_vp_state_get(struct vp *vp, uint32_t vtl, const struct state_view *view, bool reset)
{
	if (reset)
		reset_get(vp, vtl, view);
	else
		now_get(vp, vtl, view);
	synic_get(vp, vtl, view, reset);
	if (view->data[ASSIST] && !reset)
		hv_assist_state_get(vp, vtl, view->data[ASSIST]);
}

/* ---- checking ---- */

static bool timer_valid(uint64_t control)
{
	return !(control & ~(TIMER_ENABLE | TIMER_MASK));
}

static bool debug_valid(const struct vp *vp, const struct vp_state_debug *debug)
{
	uint64_t dfr0 = vp->partition->arch.ids[ID_AA64DFR0];
	unsigned int breakpoints = ID_FIELD(dfr0, DFR0_BREAKPOINTS_SHIFT);
	unsigned int watchpoints = ID_FIELD(dfr0, DFR0_WATCHPOINTS_SHIFT), i;
	uint64_t rest = debug->mdscr_el1 & ~GUEST_MDSCR_WRITABLE;

	for (i = 0; i < ARRAY_SIZE(debug->breakpoint); i++) {
		if (i > breakpoints)
			rest |= debug->breakpoint[i].value | debug->breakpoint[i].control;
		if (i > watchpoints)
			rest |= debug->watchpoint[i].value | debug->watchpoint[i].control;
		rest |= (debug->breakpoint[i].control | debug->watchpoint[i].control) >> 32;
	}
	return !rest;
}

static bool synic_valid(const struct vp *vp, const struct state_view *view)
{
	unsigned int i;

	for (i = SYNIC_MSRS; i <= SYNIC_TIMERS; i++)
		if (view->data[i] && !synic_state_valid(vp, arch_vp_elements[i].id, view->data[i]))
			return false;
	return true;
}

bool arch_vp_state_valid(struct vp *vp, uint32_t vtl, const struct state_view *view)
{
	const struct vp_state_registers *r = view->data[REGISTERS];
	const struct vp_state_activity *activity = view->data[ACTIVITY];
	const struct vp_state_system *s = view->data[SYSTEM];
	const struct vp_state_simd *simd = view->data[SIMD];
	const struct vp_state_arm_timers *t = view->data[TIMERS];

	return (!r || guest_pstate_valid(vp->partition, r->pstate)) &&
	       (!activity || (activity->activity <= VP_WAITS_FOR_ON && !activity->reserved)) &&
	       (!s || !s->actlr_el1) && (!simd || !(simd->fpcr >> 32 | simd->fpsr >> 32)) &&
	       (!view->data[GIC] ||
		vgic_cpu_state_valid(&vtl_arch(vp, vtl)->gic, view->data[GIC])) &&
	       (!t || (timer_valid(t->virtual_control) && timer_valid(t->physical_control))) &&
	       (!view->data[DEBUG] || debug_valid(vp, view->data[DEBUG])) &&
	       synic_valid(vp, view) &&
	       (!view->data[ASSIST] || hv_assist_state_valid(vp, vtl, view->data[ASSIST]));
}

/* ---- setting ---- */

status_t arch_vp_state_place(struct vp *vp, uint32_t vtl, const struct state_view *view)
{
	struct gpa_overlay_place places[SYNIC_STATE_PLACES + 1];
	unsigned int count = 0;

	if (view->data[SYNIC_MSRS]) {
		synic_state_places(vp, vtl, view->data[SYNIC_MSRS], places);
		count = SYNIC_STATE_PLACES;
	}
	if (view->data[ASSIST])
		places[count++] = hv_assist_state_place(vp, vtl, view->data[ASSIST]);
	return count ? gpa_overlays_move(vp->vtl[vtl]->space, places, count) : STATUS_OK;
}

static void registers_set(struct vp *vp, struct arch_vp_vtl *a, const struct vp_state_registers *r)
{
	memcpy(vp->arch.x, r->x, sizeof(r->x));
	a->sp_el0 = r->sp_el0;
	a->sp_el1 = r->sp_el1;
	a->pc = r->pc;
	a->pstate = r->pstate;
}

static void activity_set(struct arch_vp_vtl *a, const struct vp_state_activity *activity)
{
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(activity_states); i++)
		if (activity_states[i] == activity->activity)
			a->activity = i;
	atomic_store(&a->power, a->activity == ACTIVITY_WAIT_FOR_ON ? PSCI_OFF : PSCI_ON);
}

static void simd_set(struct vp *vp, const struct vp_state_simd *s)
{
	fpu_release(&vp->arch.fpu);
	memcpy(vp->arch.fpu.v, s->q, sizeof(s->q));
	vp->arch.fpu.fpcr = s->fpcr;
	vp->arch.fpu.fpsr = s->fpsr;
}

/* Compare values are of the partition's counter, which its own state has set. */
static void timers_set(struct vp *vp, uint32_t vtl, struct arch_vp_vtl *a,
		       const struct vp_state_arm_timers *t)
{
	a->virtual_timer = (struct guest_timer){t->virtual_control, t->virtual_compare};
	a->physical_timer = (struct guest_timer){t->physical_control, t->physical_compare};
	guest_timers_changed(vp, vtl);
}

static void synic_set(struct vp *vp, uint32_t vtl, const struct state_view *view)
{
	unsigned int i;

	for (i = SYNIC_MSRS; i <= SYNIC_TIMERS; i++)
		if (view->data[i])
			synic_state_set(vp, vtl, arch_vp_elements[i].id, view->data[i]);
}

void arch_vp_state_set(struct vp *vp, uint32_t vtl, const struct state_view *view)
{
	struct arch_vp_vtl *a = vtl_arch(vp, vtl);

	el1_release(vp);
	if (view->data[REGISTERS])
		registers_set(vp, a, view->data[REGISTERS]);
	if (view->data[ACTIVITY])
		activity_set(a, view->data[ACTIVITY]);
	if (view->data[SYSTEM]) {
		memcpy(&a->system, view->data[SYSTEM], sizeof(a->system));
		guest_caches_changed(vp, vtl);
	}
	if (view->data[SIMD])
		simd_set(vp, view->data[SIMD]);
	if (view->data[GIC])
		vgic_cpu_state_set(&a->gic, view->data[GIC]);
	if (view->data[TIMERS])
		timers_set(vp, vtl, a, view->data[TIMERS]);
	if (view->data[DEBUG])
		memcpy(&a->debug, view->data[DEBUG], sizeof(a->debug));
	if (view->data[PAUTH])
		memcpy(&a->pauth, view->data[PAUTH], sizeof(a->pauth));
	synic_set(vp, vtl, view);
	if (view->data[ASSIST])
		hv_assist_state_set(vp, vtl, view->data[ASSIST]);
}

/* A CPU_ON that has come by now is done with, so that the VP is either on or off. */
void arch_vp_settle(struct vp *vp)
{
	if (vp->run)
		arch_vp_resume(vp);
	guest_power_on(vp);
}

void arch_vp_forget(struct vp *vp)
{
	vp_arch(vp)->waiting = WAITING_NONE;
	vp_arch(vp)->work &= ~(uint32_t)(WORK_EVENT | WORK_HYPERCALL);
	if (vp->run)
		vp->run->set = 0;
}
