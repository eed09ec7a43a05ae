/* SPDX-License-Identifier: MIT */
/* The local APIC and the TSC as elements of a VP's state. */
#include "state_elements.h"

#define UNITS_PER_SECOND 10000000u /* of reference time */

void state_apic_get(struct vp *vp, uint32_t vtl, struct vp_state_apic *state)
{
	struct lapic *lapic = vp_lapic(vp, vtl);

	guest_tpr_sync(vp);
	lapic_state_get(lapic, partition_timestamp(vp->partition), state);
	if (lapic_has_request(lapic)) /* the timer's, maybe */
		vp->vtl[vtl]->arch.work |= WORK_INTERRUPT;
}

void state_apic_set(struct vp *vp, uint32_t vtl, const struct vp_state_apic *state)
{
	struct lapic_effects effects;

	lapic_state_set(vp_lapic(vp, vtl), partition_timestamp(vp->partition), state, &effects);
	guest_lapic_changed(vp, vtl, &effects);
}

void state_apic_at_reset(struct vp *vp, uint32_t vtl, struct vp_state_apic *state)
{
	lapic_state_reset(vp_lapic(vp, vtl), state);
}

void state_tsc_get(const struct vp *vp, struct vp_state_tsc *state, bool reset)
{
	state->tsc = guest_tsc_at(vp, partition_timestamp(vp->partition)) -
		     (reset ? guest_tsc_adjust_get(vp) : 0);
	state->reference_time = partition_reference_time(vp->partition);
}

void state_tsc_set(struct vp *vp, const struct vp_state_tsc *state)
{
	uint64_t now = partition_reference_time(vp->partition);
	uint64_t units = now > state->reference_time ? now - state->reference_time : 0;
	uint64_t hz = arch_partition_tsc_hz(vp->partition);
	uint64_t ticks =
		units / UNITS_PER_SECOND * hz + units % UNITS_PER_SECOND * hz / UNITS_PER_SECOND;

	guest_tsc_write(vp, state->tsc + ticks, partition_timestamp(vp->partition));
}
