/* SPDX-License-Identifier: MIT */
/* See hv_tsc.h. */
#include <kernel/processor.h>
#include <kernel/state.h>
#include <kernel/synic.h>
#include <trivet/hv/features.h>

#define VECTOR_FIRST 16u /* of those that a fixed interrupt can have */

void hv_tsc_create(struct partition *partition)
{
	struct hv_partition *hv = partition->hv;

	if (hv->privileges & HV_PRIVILEGE_TSC_INVARIANT)
		hv->tsc.hides = arch_hv_invariant_show(partition, false);
}

static void invariant_put(struct partition *partition, uint64_t value)
{
	struct hv_tsc *tsc = &partition->hv->tsc;

	tsc->invariant = value;
	if (tsc->hides)
		arch_hv_invariant_show(partition, value & HV_TSC_INVARIANT_EXPOSED);
}

void hv_tsc_reset(struct partition *partition)
{
	struct hv_tsc *tsc = &partition->hv->tsc;

	invariant_put(partition, 0);
	*tsc = (struct hv_tsc){.hides = tsc->hides};
}

/* ---- as the guest writes them ---- */

/* TLFS, "Live Migration Notification": the vector of a fixed interrupt, and a VP. */
static bool reenlightenment_valid(const struct partition *partition, uint64_t value)
{
	if (value & ~HV_REENLIGHTENMENT_DEFINED)
		return false;
	return !(value & HV_REENLIGHTENMENT_ENABLED) ||
	       ((uint8_t)value >= VECTOR_FIRST &&
		value >> HV_REENLIGHTENMENT_TARGET_SHIFT < partition->vp_count);
}

bool hv_reenlightenment_set(struct partition *partition, uint64_t value)
{
	if (!reenlightenment_valid(partition, value))
		return false;
	partition->hv->tsc.reenlightenment = value;
	return true;
}

/* Once it is shown it stays so, until a reset. */
bool hv_tsc_invariant_set(struct partition *partition, uint64_t value)
{
	if ((value & ~HV_TSC_INVARIANT_EXPOSED) || (partition->hv->tsc.invariant & ~value))
		return false;
	invariant_put(partition, value);
	return true;
}

static void vps_request(struct partition *partition)
{
	uint32_t i;

	for (i = 0; i < partition->vp_count; i++)
		vp_request(partition->vps[i], VP_REQUEST_TSC);
}

/* Reference TSC pages tell nothing while the rate changes, so that nobody reads half by the old one. */
static void emulation_end(struct partition *partition)
{
	struct hv_tsc *tsc = &partition->hv->tsc;

	if (!tsc->emulated)
		return;
	atomic_store(&tsc->ending, true);
	hv_time_changed(partition);
	arch_partition_tsc_settle(partition);
	tsc->emulated = false;
	atomic_store(&tsc->ending, false);
	hv_time_changed(partition);
	vps_request(partition);
}

status_t hv_tsc_emulation_set(struct partition *partition, uint64_t value)
{
	if (value & ~HV_TSC_EMULATION_ENABLED)
		return STATUS_INVALID_REGISTER_VALUE;
	partition->hv->tsc.emulation = value;
	if (!value)
		emulation_end(partition);
	return STATUS_OK;
}

/* Nobody can begin it so. */
status_t hv_tsc_status_set(struct partition *partition, uint64_t value)
{
	if (value > (partition->hv->tsc.emulated ? HV_TSC_EMULATION_IN_PROGRESS : 0))
		return STATUS_INVALID_REGISTER_VALUE;
	if (!value)
		emulation_end(partition);
	return STATUS_OK;
}

uint64_t hv_tsc_hz(const struct partition *partition)
{
	return partition->hv->tsc.emulated ? timestamp_hz : arch_partition_tsc_hz(partition);
}

void hv_tsc_announce(struct vp *vp)
{
	struct hv_tsc *tsc;
	uint64_t control;

	if (!vp->partition->hv)
		return;
	tsc = &vp->partition->hv->tsc;
	control = tsc->reenlightenment;
	if (control >> HV_REENLIGHTENMENT_TARGET_SHIFT != vp->index ||
	    !atomic_exchange(&tsc->announce, false))
		return;
	if (control & HV_REENLIGHTENMENT_ENABLED)
		arch_synic_interrupt_self(vp, 0, (uint8_t)control);
}

/* ---- in saved states ---- */

void hv_tsc_state_get(const struct partition *partition, struct partition_state_tsc_control *state)
{
	const struct hv_tsc *tsc = &partition->hv->tsc;

	state->reenlightenment = tsc->reenlightenment;
	state->emulation = tsc->emulation;
	state->invariant = tsc->invariant;
}

bool hv_tsc_state_valid(const struct partition *partition,
			const struct partition_state_tsc_control *state)
{
	uint64_t privileges = partition->hv->privileges;

	if (!(privileges & HV_PRIVILEGE_REENLIGHTENMENT) &&
	    (state->reenlightenment | state->emulation))
		return false;
	if (!(privileges & HV_PRIVILEGE_TSC_INVARIANT) && state->invariant)
		return false;
	return reenlightenment_valid(partition, state->reenlightenment) &&
	       !(state->emulation & ~HV_TSC_EMULATION_ENABLED) &&
	       !(state->invariant & ~HV_TSC_INVARIANT_EXPOSED);
}

bool hv_tsc_state_asks(const struct partition_state_tsc_control *state)
{
	return (state->reenlightenment & HV_REENLIGHTENMENT_ENABLED) &&
	       (state->emulation & HV_TSC_EMULATION_ENABLED);
}

void hv_tsc_state_set(struct partition *partition, const struct partition_state_tsc_control *state,
		      bool emulated)
{
	struct hv_tsc *tsc = &partition->hv->tsc;

	tsc->reenlightenment = state->reenlightenment;
	tsc->emulation = state->emulation;
	tsc->emulated = emulated;
	atomic_store(&tsc->announce, state->reenlightenment & HV_REENLIGHTENMENT_ENABLED);
	invariant_put(partition, state->invariant);
}
