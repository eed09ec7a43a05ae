/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls that are worth a short cut around kernel/hypercall.c: fast calls that give all in two registers. What the
 * dispatcher would refuse is left to it.
 */
#include "guest.h"
#include <kernel/cpu.h>
#include <kernel/hypercall.h>
#include <kernel/port.h>
#include <kernel/sched.h>
#include <trivet/hv/features.h>

#define INPUT_RESERVED (MASK(16) << 48) /* of HvCallSignalEvent */

/* A thread that it has woken may be more urgent than the VP. */
static enum vp_outcome signal_event(struct vp *vp, uint64_t input)
{
	if (unlikely(!(vp->partition->hv->privileges & HV_PRIVILEGE_SIGNAL_EVENTS) ||
		     (input & INPUT_RESERVED)))
		return VP_UNHANDLED;
	vp->arch.x[0] = port_signal(vp->partition, vp->active_vtl, (uint32_t)input,
				    (uint16_t)(input >> 32));
	return cpu_is_wanted(this_cpu()) ? VP_SWITCH : VP_CONTINUE;
}

static enum vp_outcome long_spin(struct vp *vp)
{
	vp->arch.x[0] = HV_SUCCESS;
	return sched_yield() ? VP_SWITCH : VP_CONTINUE;
}

enum vp_outcome guest_hypercall_quick(struct vp *vp, uint64_t control, uint64_t input)
{
	switch (control) {
	case HV_CALL_SIGNAL_EVENT | HV_CALL_FAST: return signal_event(vp, input);
	case HV_CALL_NOTIFY_LONG_SPIN_WAIT | HV_CALL_FAST: return long_spin(vp);
	default: return VP_UNHANDLED;
	}
}
