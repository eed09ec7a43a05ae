/* SPDX-License-Identifier: MIT */
/*
 * The synic and its timers on x86 (TLFS, "SynIC Registers", "Synthetic Timer Registers"): their MSRs, and their
 * interrupts at the local APIC. Bits that the TLFS wants preserved are kept; those that are to be zero are #GP
 * when they are not.
 */
#include "hv_synic.h"
#include "guest.h"
#include <trivet/hv/features.h>

#define VECTOR_FIRST 16u

bool guest_synic_read(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	const struct synic *synic = vp_synic(vp, vtl);

	switch (msr) {
	case HV_MSR_SCONTROL: *value = synic->control; break;
	case HV_MSR_SVERSION: *value = HV_SYNIC_VERSION; break;
	case HV_MSR_SIEFP:
	case HV_MSR_SIMP: *value = synic->page[guest_synic_page(msr)].value; break;
	case HV_MSR_EOM: *value = 0; break;
	default: *value = synic->sint[msr - HV_MSR_SINT0]; break;
	}
	return true;
}

/* One that is masked needs no vector: so it is after a reset. */
bool arch_synic_sint_valid(uint64_t value)
{
	return (value & HV_SINT_MASKED) || (value & HV_SINT_VECTOR) >= VECTOR_FIRST;
}

bool guest_synic_write(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	switch (msr) {
	case HV_MSR_EOM:
		if (value)
			return false;
		synic_message_end(vp, vtl);
		return true;
	case HV_MSR_SCONTROL: synic_control_set(vp, vtl, value); return true;
	case HV_MSR_SINT0 ... HV_MSR_SINT15:
		if (!arch_synic_sint_valid(value))
			return false;
		synic_sint_set(vp, vtl, msr - HV_MSR_SINT0, value);
		return true;
	default: return false; /* SVERSION */
	}
}

bool guest_stimer_read(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	const struct stimer *timer = &vp_synic(vp, vtl)->stimer[(msr - HV_MSR_STIMER0_CONFIG) / 2];

	*value = msr & 1 ? timer->count : timer->config;
	return true;
}

bool arch_stimer_config_valid(const struct vp *vp, uint64_t value)
{
	uint64_t known = HV_STIMER_DEFINED;

	if (!(vp->partition->hv->features & HV_FEATURE_DIRECT_TIMERS))
		known &= ~HV_STIMER_DIRECT;
	return !(value & ~known);
}

bool guest_stimer_write(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	uint32_t n = (msr - HV_MSR_STIMER0_CONFIG) / 2;

	if (msr & 1) {
		stimer_count_set(vp, vtl, n, value);
		return true;
	}
	if (!arch_stimer_config_valid(vp, value))
		return false;
	stimer_config_set(vp, vtl, n, value);
	return true;
}

/* ---- interrupts ---- */

/* What is posted is seen by the processor itself, where it can. */
void arch_synic_interrupt(struct vp *vp, uint32_t vtl, uint8_t vector)
{
	if (!lapic_accept(vp_lapic(vp, vtl), vector, false) && vector >= VECTOR_FIRST)
		return;
	if (backend_assists & ASSIST_POSTED)
		vp_notify(vp);
	else
		vp_request(vp, VP_REQUEST_INTERRUPT);
}

void arch_synic_interrupt_self(struct vp *vp, uint32_t vtl, uint8_t vector)
{
	lapic_accept(vp_lapic(vp, vtl), vector, false);
	vp->vtl[vtl]->arch.work |= WORK_INTERRUPT;
}

void arch_synic_auto_eoi(struct vp *vp, uint32_t vtl, const uint32_t vectors[SYNIC_VECTOR_WORDS])
{
	guest_lapic_auto_eoi_set(vp, vtl, vectors);
}
