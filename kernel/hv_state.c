/* SPDX-License-Identifier: MIT */
/*
 * What of the Hyper-V interface is in saved states: of a partition the identity of its guest and the pages that
 * its VPs share, of a VP its assist page. The page of hypercalls is made anew, and so is that of the reference
 * TSC, with a sequence that no VP has seen.
 */
#include <kernel/gpa_range.h>
#include <kernel/hyperv.h>
#include <kernel/processor.h>
#include <kernel/string.h>

static gpa_t place_of(const struct gpa_space *space, uint64_t value)
{
	gpa_t gpa = value & HV_PAGE_ADDRESS;

	return (value & HV_PAGE_ENABLE) && gpa < gpa_limit(space) ? gpa : GPA_NOWHERE;
}

/* ---- of a partition ---- */

void hv_state_get(const struct partition *partition, struct partition_state_hypercall *h,
		  struct partition_state_reference_tsc *t)
{
	struct hv_partition *hv = partition->hv;
	unsigned int i;

	h->guest_os_id = hv->vtl[0].guest_os_id;
	h->hypercall = hv->vtl[0].hypercall.value;
	for (i = 0; i < PARTITION_CRASH_PARAMETERS; i++)
		h->crash[i] = hv->crash.parameter[i];
	t->reference_tsc = hv->vtl[0].reference_tsc.value;
	t->sequence = hv->vtl[0].tsc_sequence;
}

/* Without an identity a page is there only if it was locked before. */
bool hv_state_valid(const struct partition *partition, const struct partition_state_hypercall *h,
		    const struct partition_state_reference_tsc *t)
{
	uint64_t page = HV_PAGE_ADDRESS | HV_PAGE_ENABLE;

	if ((h->hypercall & ~(page | HV_HYPERCALL_LOCKED)) || (t->reference_tsc & ~page) ||
	    t->reserved)
		return false;
	if ((h->hypercall & HV_PAGE_ADDRESS) >= gpa_limit(partition->space[0]))
		return false;
	return !(h->hypercall & HV_PAGE_ENABLE) || h->guest_os_id ||
	       (h->hypercall & HV_HYPERCALL_LOCKED);
}

status_t hv_state_place(struct partition *partition, const struct partition_state_hypercall *h,
			const struct partition_state_reference_tsc *t)
{
	struct gpa_space *space = partition->space[0];
	struct hv_vtl *v = &partition->hv->vtl[0];
	const struct gpa_overlay_place places[] = {
		{&v->hypercall.overlay, place_of(space, h->hypercall)},
		{&v->reference_tsc.overlay, place_of(space, t->reference_tsc)},
	};

	return gpa_overlays_move(space, places, ARRAY_SIZE(places));
}

void hv_state_set(struct partition *partition, const struct partition_state_hypercall *h,
		  const struct partition_state_reference_tsc *t)
{
	struct hv_partition *hv = partition->hv;
	unsigned int i;

	hv->vtl[0].guest_os_id = h->guest_os_id;
	hv->vtl[0].hypercall.value = h->hypercall;
	for (i = 0; i < PARTITION_CRASH_PARAMETERS; i++)
		hv->crash.parameter[i] = h->crash[i];
	hv->vtl[0].reference_tsc.value = t->reference_tsc;
	hv->vtl[0].tsc_sequence = t->sequence;
}

/* ---- of a VP ---- */

void hv_assist_state_get(const struct vp *vp, uint32_t vtl, struct vp_state_assist *state)
{
	const struct hv_page_register *assist = &vp->vtl[vtl]->assist;

	state->assist = assist->value;
	memcpy(state->page, assist->overlay.page, sizeof(state->page));
}

bool hv_assist_state_valid(const struct vp *vp, uint32_t vtl, const struct vp_state_assist *state)
{
	uint64_t value = state->assist;

	return !(value & ~(HV_PAGE_ADDRESS | HV_PAGE_ENABLE)) &&
	       (!(value & HV_PAGE_ENABLE) || place_of(vp->vtl[vtl]->space, value) != GPA_NOWHERE);
}

struct gpa_overlay_place hv_assist_state_place(struct vp *vp, uint32_t vtl,
					       const struct vp_state_assist *state)
{
	struct vp_vtl *v = vp->vtl[vtl];

	return (struct gpa_overlay_place){&v->assist.overlay, place_of(v->space, state->assist)};
}

void hv_assist_state_set(struct vp *vp, uint32_t vtl, const struct vp_state_assist *state)
{
	struct hv_page_register *assist = &vp->vtl[vtl]->assist;

	assist->value = state->assist;
	arch_hv_assist(vp, vtl, state->assist & HV_PAGE_ENABLE ? assist->overlay.page : NULL);
	memcpy(assist->overlay.page, state->page, sizeof(state->page));
}
