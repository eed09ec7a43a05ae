/* SPDX-License-Identifier: MIT */
/* How a VP's x86 processor stands, without a change to it: events that wait, the local APIC. */
#include "guest.h"

void arch_vp_inspect(struct vp *vp, struct inspect_vp *view)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	unsigned int i;

	view->activity = a->activity;
	view->work = a->work;
	view->interrupt_shadow = a->shadow;
	view->nmi_masked = a->nmi_masked;
	view->apic_timer = vp->partition->frozen_at
				   ? LAPIC_TIMER_NEVER
				   : lapic_timer_deadline(&a->lapic, timestamp_read());
	guest_tpr_sync(vp);
	for (i = 0; i < ARRAY_SIZE(view->apic); i++)
		view->apic[i] = lapic_page_get(&a->lapic, 16 * i);
	view->apic[LAPIC_ICR_HIGH / 16] =
		lapic_page_get(&a->lapic, lapic_icr_high_offset(&a->lapic));
	for (i = 0; i < ARRAY_SIZE(view->apic_posted); i++)
		view->apic_posted[i] = lapic_page_get(&a->lapic, LAPIC_POSTED + 4 * i);
}
