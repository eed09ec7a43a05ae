/* SPDX-License-Identifier: MIT */
/* The local APIC and the TSC as elements of a VP's state. */
#include "state_elements.h"

#define UNITS_PER_SECOND 10000000u /* of reference time */

/* ---- the local APIC ---- */

static void apic_get(struct vp *vp, uint32_t vtl, const struct state_element *element, void *data)
{
	struct lapic *lapic = vp_lapic(vp, vtl);

	(void)element;
	guest_tpr_sync(vp);
	lapic_state_get(lapic, partition_timestamp(vp->partition), data);
	if (lapic_has_request(lapic)) /* the timer's, maybe */
		vp->vtl[vtl]->arch.work |= WORK_INTERRUPT;
}

static void apic_at_reset(struct vp *vp, uint32_t vtl, const struct state_element *element,
			  void *data)
{
	(void)element;
	lapic_state_reset(vp_lapic(vp, vtl), data);
}

static bool apic_valid(const struct vp *vp, uint32_t vtl, const struct state_element *element,
		       const void *data, uint32_t length)
{
	(void)element;
	(void)length;
	return lapic_state_valid(vp_lapic(vp, vtl), data);
}

static void apic_set(struct vp *vp, uint32_t vtl, const struct state_element *element,
		     const void *data)
{
	struct lapic_effects effects;

	(void)element;
	lapic_state_set(vp_lapic(vp, vtl), partition_timestamp(vp->partition), data, &effects);
	guest_lapic_changed(vp, vtl, &effects);
}

const struct state_ops state_apic_ops = {apic_get, apic_at_reset, apic_valid, apic_set};

/* ---- the TSC ---- */

static void tsc_get(struct vp *vp, uint32_t vtl, const struct state_element *element, void *data)
{
	struct vp_state_tsc *s = data;

	(void)vtl;
	(void)element;
	s->tsc = partition_timestamp(vp->partition) + guest_tsc_offset(vp);
	s->reference_time = partition_reference_time(vp->partition);
}

/* In step with the others: the partition's. */
static void tsc_at_reset(struct vp *vp, uint32_t vtl, const struct state_element *element,
			 void *data)
{
	struct vp_state_tsc *s = data;

	(void)vtl;
	(void)element;
	s->tsc = arch_partition_tsc(vp->partition);
	s->reference_time = partition_reference_time(vp->partition);
}

/* It goes on with reference time, if that is not before the one that was saved. */
static void tsc_set(struct vp *vp, uint32_t vtl, const struct state_element *element,
		    const void *data)
{
	const struct vp_state_tsc *s = data;
	uint64_t now = partition_reference_time(vp->partition);
	uint64_t units = now > s->reference_time ? now - s->reference_time : 0;
	uint64_t ticks = units / UNITS_PER_SECOND * timestamp_hz +
			 units % UNITS_PER_SECOND * timestamp_hz / UNITS_PER_SECOND;

	(void)vtl;
	(void)element;
	guest_tsc_offset_set(vp, s->tsc + ticks - partition_timestamp(vp->partition));
}

/* Any value. */
static bool tsc_valid(const struct vp *vp, uint32_t vtl, const struct state_element *element,
		      const void *data, uint32_t length)
{
	(void)vp;
	(void)vtl;
	(void)element;
	(void)data;
	(void)length;
	return true;
}

const struct state_ops state_tsc_ops = {tsc_get, tsc_at_reset, tsc_valid, tsc_set};
