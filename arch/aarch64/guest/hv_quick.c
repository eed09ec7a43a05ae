/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls that are worth a short cut around kernel/hypercall.c: fast calls that signal an event or tell of a spin, or
 * are about one register of the caller's own. What the dispatcher would refuse is left to it.
 */
#include "guest.h"
#include <kernel/cpu.h>
#include <kernel/hv_registers.h>
#include <kernel/hypercall.h>
#include <kernel/port.h>
#include <kernel/sched.h>
#include <trivet/hv/features.h>

#define ONE_REP	       (BIT(HV_CALL_REP_COUNT_SHIFT) | HV_CALL_FAST)
#define ONE_DONE       BIT(HV_RESULT_REPS_SHIFT)
#define EVENT_RESERVED (MASK(16) << 48) /* of HvCallSignalEvent's input */

/* The words of a call: x[0] is the input value, and x[1] on are the input. */
enum word { CONTROL, PARTITION, VP_AND_VTL, NAME, VALUE = 5, REGISTER_OUT = 5 };

/* A thread that it has woken may be more urgent than the VP. */
static enum vp_outcome signal_event(struct vp *vp, const uint64_t *x)
{
	uint64_t input = x[1];

	if (!(vp->partition->hv->privileges & HV_PRIVILEGE_SIGNAL_EVENTS) ||
	    (input & EVENT_RESERVED))
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

/* NULL: it is another VP's, or none of the interface's own. */
static const struct hv_register_row *own_register(const struct vp *vp, const uint64_t *x)
{
	if (!(vp->partition->hv->privileges & HV_PRIVILEGE_VP_REGISTERS) ||
	    x[PARTITION] != HV_PARTITION_ID_SELF || x[VP_AND_VTL] != HV_VP_INDEX_SELF)
		return NULL;
	return hv_register_find(vp, (uint32_t)x[NAME]);
}

static enum vp_outcome get_register(struct vp *vp, uint64_t *x)
{
	const struct hv_register_row *row = own_register(vp, x);
	uint64_t value;

	if (!row || !row->get(vp, vp->active_vtl, (uint32_t)x[NAME], &value))
		return VP_UNHANDLED;
	x[REGISTER_OUT] = value;
	x[REGISTER_OUT + 1] = 0;
	vp->arch.x[0] = ONE_DONE;
	return VP_CONTINUE;
}

static enum vp_outcome set_register(struct vp *vp, const uint64_t *x)
{
	const struct hv_register_row *row = own_register(vp, x);

	if (!row || !row->set || row->places ||
	    row->set(vp, vp->active_vtl, (uint32_t)x[NAME], x[VALUE]) != STATUS_OK)
		return VP_UNHANDLED;
	vp->arch.x[0] = ONE_DONE;
	return cpu_is_wanted(this_cpu()) ? VP_SWITCH : VP_CONTINUE;
}

enum vp_outcome guest_hypercall_quick(struct vp *vp, bool smccc)
{
	uint64_t *x = vp->arch.x + smccc;

	switch (x[CONTROL]) {
	case HV_CALL_SIGNAL_EVENT | HV_CALL_FAST: return signal_event(vp, x);
	case HV_CALL_NOTIFY_LONG_SPIN_WAIT | HV_CALL_FAST: return long_spin(vp);
	case HV_CALL_GET_VP_REGISTERS | ONE_REP: return get_register(vp, x);
	case HV_CALL_SET_VP_REGISTERS | ONE_REP: return set_register(vp, x);
	default: return VP_UNHANDLED;
	}
}
