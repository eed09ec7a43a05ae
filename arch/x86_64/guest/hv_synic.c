/* SPDX-License-Identifier: MIT */
/*
 * The synic and its timers on x86 (TLFS, "SynIC Registers", "Synthetic Timer Registers"): which values they can have,
 * and their interrupts at the local APIC.
 */
#include "guest.h"
#include <kernel/synic.h>
#include <trivet/hv/features.h>

#define VECTOR_FIRST 16u

/* One that is masked needs no vector: so it is after a reset. */
bool arch_synic_sint_valid(uint64_t value)
{
	return (value & HV_SINT_MASKED) || (value & HV_SINT_VECTOR) >= VECTOR_FIRST;
}

bool arch_stimer_config_valid(const struct vp *vp, uint64_t value)
{
	uint64_t known = HV_STIMER_DEFINED;

	if (!(vp->partition->hv->features & HV_FEATURE_DIRECT_TIMERS))
		known &= ~HV_STIMER_DIRECT;
	return !(value & ~known);
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
