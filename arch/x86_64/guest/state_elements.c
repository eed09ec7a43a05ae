/* SPDX-License-Identifier: MIT */
/*
 * The elements of an x86 VP's state: one table, in the order in which they are saved and restored. Those
 * that hold registers are parts of struct guest_registers. Not in the table are CET and CET_SS, which no
 * partition has yet, and nested virtualization.
 */
#include "state_elements.h"
#include "npiep.h"
#include <kernel/string.h>
#include <kernel/synic.h>

enum place {
	PLACE_REGISTERS,
	PLACE_ACTIVITY,
	PLACE_XSAVE,
	PLACE_APIC,
	PLACE_XCR0,
	PLACE_XSS,
	PLACE_MTRR,
	PLACE_PAT,
	PLACE_VIRTUAL_MSRS,
	PLACE_DEBUG,
	PLACE_TSC,
	PLACE_TSC_AUX,
	PLACE_SPEC_CTRL,
	PLACE_SYNIC_MSRS,
	PLACE_SYNIC_MESSAGE_PAGE,
	PLACE_SYNIC_EVENT_PAGE,
	PLACE_SYNIC_QUEUES,
	PLACE_SYNIC_TIMERS,
	PLACE_ASSIST,
	PLACE_NPIEP,
	PLACE_XSAVE_STANDARD,
	PLACES
};
static_assert((int)PLACES <= (int)STATE_ELEMENTS_MAX, "a view has a place for each");

/* From one member of struct guest_registers to another, which is a word. */
#define SPAN(first, last)                                            \
	(offsetof(struct guest_registers, last) + sizeof(uint64_t) - \
	 offsetof(struct guest_registers, first))
static_assert(SPAN(gpr, state.efer) == sizeof(struct vp_state_registers) &&
		      offsetof(struct guest_registers, state) ==
			      offsetof(struct vp_state_registers, segment) &&
		      offsetof(struct guest_registers, state.cr0) ==
			      offsetof(struct vp_state_registers, cr0),
	      "REGISTERS");
static_assert(SPAN(state.star, state.sysenter_eip) == sizeof(struct vp_state_msrs), "VIRTUAL_MSRS");
static_assert(SPAN(state.dr6, dr[3]) == sizeof(struct vp_state_debug), "DEBUG");
static_assert(sizeof(struct guest_mtrr) == sizeof(struct vp_state_mtrr), "MTRR");

#define PART(name, flags, first, size)                                  \
	[PLACE_##name] = {VP_STATE_##name, STATE_EXACT | (flags), size, \
			  offsetof(struct guest_registers, first)}
#define OTHER(name, flags, size) [PLACE_##name] = {VP_STATE_##name, flags, size, NO_PART}
#define NO_PART			 UINT16_MAX
#define XSAVE_FLAGS		 (STATE_EXACT | STATE_SHARED | STATE_SIZES)
#define WORD			 sizeof(uint64_t)

const struct state_element arch_vp_elements[] = {
	PART(REGISTERS, 0, gpr, sizeof(struct vp_state_registers)),
	PART(ACTIVITY, 0, activity, sizeof(struct vp_state_activity)),
	OTHER(XSAVE, XSAVE_FLAGS, 0),
	OTHER(APIC, STATE_EXACT, sizeof(struct vp_state_apic)),
	PART(XCR0, STATE_SHARED, xcr0, WORD),
	PART(XSS, STATE_SHARED, xss, WORD),
	PART(MTRR, STATE_SHARED, mtrr, sizeof(struct vp_state_mtrr)),
	PART(PAT, 0, state.pat, WORD),
	PART(VIRTUAL_MSRS, 0, state.star, sizeof(struct vp_state_msrs)),
	PART(DEBUG, 0, state.dr6, sizeof(struct vp_state_debug)),
	OTHER(TSC, STATE_SHARED, sizeof(struct vp_state_tsc)),
	PART(TSC_AUX, STATE_SHARED, tsc_aux, WORD),
	PART(SPEC_CTRL, STATE_SHARED, spec_ctrl, WORD),
	OTHER(SYNIC_MSRS, STATE_EXACT, sizeof(struct vp_state_synic)),
	OTHER(SYNIC_MESSAGE_PAGE, STATE_EXACT, PAGE_SIZE),
	OTHER(SYNIC_EVENT_PAGE, STATE_EXACT, PAGE_SIZE),
	OTHER(SYNIC_QUEUES, STATE_EXACT, sizeof(struct vp_state_queues)),
	OTHER(SYNIC_TIMERS, STATE_EXACT, sizeof(struct vp_state_timers)),
	OTHER(ASSIST, STATE_EXACT, sizeof(struct vp_state_assist)),
	PART(NPIEP, 0, npiep, WORD),
	OTHER(XSAVE_STANDARD, XSAVE_FLAGS | STATE_HIDDEN, 0),
};
const uint32_t arch_vp_element_count = ARRAY_SIZE(arch_vp_elements);

uint32_t arch_vp_element_size(const struct vp *vp, const struct state_element *element)
{
	const struct partition *partition = vp->partition;
	bool there = true;

	switch (element->id) {
	case VP_STATE_XSAVE:
	case VP_STATE_XSAVE_STANDARD: return state_xsave_size(vp, element->id == VP_STATE_XSAVE);
	case VP_STATE_APIC: there = !partition->arch.user_apic; break; /* else it is the VMM's */
	case VP_STATE_XCR0:
	case VP_STATE_XSS: there = partition->arch.xcr0_allowed; break;
	case VP_STATE_TSC_AUX:
		there = guest_cpuid_has(partition, 0x80000001, 3, 27) ||
			guest_cpuid_has(partition, 7, 2, 22);
		break;
	case VP_STATE_SPEC_CTRL:
		there = partition->arch.speculation_allowed & GUEST_SPEC_CTRL;
		break;
	case VP_STATE_SYNIC_MSRS ... VP_STATE_SYNIC_TIMERS: there = vp_synic(vp, 0); break;
	case VP_STATE_ASSIST: there = partition->hv; break;
	case VP_STATE_NPIEP: there = guest_npiep_allowed(partition); break;
	default: break;
	}
	return there ? element->size : 0;
}

/* Copies the parts that are in the view from the registers, or to them. True: there are some. */
static bool parts_copy(const struct state_view *view, struct guest_registers *r, bool from)
{
	bool some = false;
	unsigned int i;

	for (i = 0; i < PLACES; i++) {
		const struct state_element *element = &arch_vp_elements[i];
		char *part = (char *)r + element->offset;
		void *data = view->data[i];

		if (!data || element->offset == NO_PART)
			continue;
		some = true;
		memcpy(from ? data : part, from ? part : data, element->size);
	}
	return some;
}

static void synic_get(struct vp *vp, uint32_t vtl, const struct state_view *view, bool reset)
{
	unsigned int i;

	for (i = PLACE_SYNIC_MSRS; i <= PLACE_SYNIC_TIMERS; i++) {
		if (!view->data[i])
			continue;
		if (reset)
			synic_state_reset(arch_vp_elements[i].id, view->data[i]);
		else
			synic_state_get(vp, vtl, arch_vp_elements[i].id, view->data[i]);
	}
}

static bool synic_valid(const struct vp *vp, const struct state_view *view)
{
	unsigned int i;

	for (i = PLACE_SYNIC_MSRS; i <= PLACE_SYNIC_TIMERS; i++)
		if (view->data[i] && !synic_state_valid(vp, arch_vp_elements[i].id, view->data[i]))
			return false;
	return true;
}

void arch_vp_state_get(struct vp *vp, uint32_t vtl, const struct state_view *view, bool reset)
{
	struct guest_registers r;
	unsigned int i;

	if (reset)
		guest_registers_reset(vp, vtl, &r);
	else
		guest_registers_get(vp, vtl, &r);
	parts_copy(view, &r, true);
	for (i = 0; i < PLACES; i++)
		if (view->data[i] && (arch_vp_elements[i].flags & STATE_SIZES))
			(reset ? state_xsave_at_reset : state_xsave_get)(vp, view->data[i],
									 i == PLACE_XSAVE);
	if (view->data[PLACE_APIC])
		(reset ? state_apic_at_reset : state_apic_get)(vp, vtl, view->data[PLACE_APIC]);
	if (view->data[PLACE_TSC])
		state_tsc_get(vp, view->data[PLACE_TSC], reset);
	synic_get(vp, vtl, view, reset);
	if (view->data[PLACE_ASSIST] && !reset)
		hv_assist_state_get(vp, vtl, view->data[PLACE_ASSIST]);
}

/* The task priority is in CR8 and in the APIC. */
static bool agree(const struct vp_state_registers *registers, const struct vp_state_apic *apic)
{
	return !registers || !apic || apic->page[LAPIC_TPR] >> 4 == registers->cr8;
}

bool arch_vp_state_valid(struct vp *vp, uint32_t vtl, const struct state_view *view)
{
	struct guest_registers r;
	unsigned int i;

	guest_registers_reset(vp, vtl, &r);
	parts_copy(view, &r, false);
	if (!guest_registers_valid(vp, &r) || !guest_registers_normal(&r))
		return false;
	for (i = 0; i < PLACES; i++)
		if (view->data[i] && (arch_vp_elements[i].flags & STATE_SIZES) &&
		    !state_xsave_valid(vp, view->data[i], view->length[i]))
			return false;
	if (view->data[PLACE_APIC] && !lapic_state_valid(vp_lapic(vp, vtl), view->data[PLACE_APIC]))
		return false;
	if (!synic_valid(vp, view) ||
	    (view->data[PLACE_ASSIST] && !hv_assist_state_valid(vp, vtl, view->data[PLACE_ASSIST])))
		return false;
	return agree(view->data[PLACE_REGISTERS], view->data[PLACE_APIC]);
}

status_t arch_vp_state_place(struct vp *vp, uint32_t vtl, const struct state_view *view)
{
	struct gpa_overlay_place places[SYNIC_STATE_PLACES + 1];
	unsigned int count = 0;

	if (view->data[PLACE_SYNIC_MSRS]) {
		synic_state_places(vp, vtl, view->data[PLACE_SYNIC_MSRS], places);
		count = SYNIC_STATE_PLACES;
	}
	if (view->data[PLACE_ASSIST])
		places[count++] = hv_assist_state_place(vp, vtl, view->data[PLACE_ASSIST]);
	return count ? gpa_overlays_move(vp->vtl[vtl]->space, places, count) : STATUS_OK;
}

void arch_vp_state_set(struct vp *vp, uint32_t vtl, const struct state_view *view)
{
	struct guest_registers r;
	unsigned int i;

	guest_registers_get(vp, vtl, &r);
	if (parts_copy(view, &r, false))
		guest_registers_apply(vp, vtl, &r);
	for (i = 0; i < PLACES; i++)
		if (view->data[i] && (arch_vp_elements[i].flags & STATE_SIZES))
			state_xsave_set(vp, view->data[i]);
	if (view->data[PLACE_APIC])
		state_apic_set(vp, vtl, view->data[PLACE_APIC]);
	if (view->data[PLACE_TSC])
		state_tsc_set(vp, view->data[PLACE_TSC]);
	for (i = PLACE_SYNIC_MSRS; i <= PLACE_SYNIC_TIMERS; i++)
		if (view->data[i])
			synic_state_set(vp, vtl, arch_vp_elements[i].id, view->data[i]);
	if (view->data[PLACE_ASSIST])
		hv_assist_state_set(vp, vtl, view->data[PLACE_ASSIST]);
}

void arch_vp_settle(struct vp *vp)
{
	if (vp->run)
		arch_vp_resume(vp);
	guest_tpr_sync(vp);
	lapic_assist_end(vp_lapic(vp, vp->active_vtl));
}

/* Paging goes off for a moment: what a processor keeps of page tables is read again. */
void arch_vp_forget(struct vp *vp)
{
	struct guest_state state;
	uint32_t vtl;

	guest_state_reset(&state, CR0_CD | CR0_NW);
	for (vtl = 0; vtl < VTL_COUNT; vtl++) {
		if (!vp->vtl[vtl])
			continue;
		vp->vtl[vtl]->arch.waiting = WAITING_NONE;
		vp->vtl[vtl]->arch.work &= ~(uint32_t)WORK_WINDOW;
		backend->arch.state_set(vp, vtl, STATE_CONTROL, &state);
	}
	if (vp->run)
		vp->run->set = 0;
}
