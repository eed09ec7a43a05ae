/* SPDX-License-Identifier: MIT */
/* See outside.h. */
#include "outside.h"
#include "guest.h"
#include "hv_call.h"
#include "hv_msr.h"

void guest_outside_ask(struct vp *vp, enum guest_outside what)
{
	vp->arch.outside = (uint8_t)what;
	vp->arch.outside_rip = vp_arch(vp)->rip;
	vp_request(vp, VP_REQUEST_OUTSIDE);
}

bool guest_outside_waits(struct vp *vp, uint64_t next_rip)
{
	if (vp->arch.outside == OUTSIDE_NOTHING)
		return false;
	vp->arch.outside_next = next_rip;
	return true;
}

static status_t placing_write(struct vp *vp)
{
	const uint64_t *gpr = vp->arch.gpr;
	uint64_t value = (uint32_t)gpr[GPR_RAX] | gpr[GPR_RDX] << 32;

	return guest_hv_msr_place(vp, vp->active_vtl, (uint32_t)gpr[GPR_RCX], value);
}

void guest_outside_work(struct vp *vp)
{
	enum guest_outside what = vp->arch.outside;
	status_t status;

	vp->arch.outside = OUTSIDE_NOTHING;
	if (what == OUTSIDE_NOTHING || vp_arch(vp)->rip != vp->arch.outside_rip)
		return;
	if (what == OUTSIDE_HYPERCALL) {
		(void)guest_hypercall(vp, vp->arch.outside_next, true);
		return;
	}
	status = placing_write(vp);
	if (status == STATUS_OK)
		guest_instruction_done(vp, vp->arch.outside_next);
	else if (status == STATUS_BUSY)
		guest_outside_ask(vp, what);
	else
		guest_fault_gp(vp);
}
