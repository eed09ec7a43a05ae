/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls that are worth a short cut around kernel/hypercall.c: fast calls of 64-bit kernels, which give all
 * in RCX, RDX and R8. What the dispatcher would refuse is left to it.
 */
#include "guest.h"
#include "hv_call.h"
#include <kernel/cpu.h>
#include <kernel/hypercall.h>
#include <kernel/port.h>
#include <kernel/sched.h>
#include <trivet/hv/features.h>
#include <trivet/hv/hypercall.h>

#define INPUT_RESERVED (MASK(16) << 48) /* of HvCallSignalEvent */

/* A thread that it has woken may be more urgent than the VP. */
static enum vp_outcome signal_event(struct vp *vp, uint64_t next_rip)
{
	uint64_t *gpr = vp->arch.gpr, input = gpr[GPR_RDX];

	if (unlikely(!(vp->partition->hv->privileges & HV_PRIVILEGE_SIGNAL_EVENTS) ||
		     (input & INPUT_RESERVED)))
		return VP_UNHANDLED;
	gpr[GPR_RAX] = port_signal(vp->partition, vp->active_vtl, (uint32_t)input,
				   (uint16_t)(input >> 32));
	guest_instruction_done(vp, next_rip);
	return cpu_is_wanted(this_cpu()) ? VP_SWITCH : VP_CONTINUE;
}

/* To VPs by a mask, of the caller's own VTL. Bits that are no VP's mean nothing. */
static __attribute__((noinline)) enum vp_outcome send_ipi(struct vp *vp, uint64_t next_rip)
{
	const struct partition *partition = vp->partition;
	uint64_t *gpr = vp->arch.gpr, vector = gpr[GPR_RDX], mask = gpr[GPR_R8];
	unsigned int index;

	if (unlikely(vector < HV_IPI_VECTOR_FIRST || vector > HV_IPI_VECTOR_LAST ||
		     partition_has_user_apic(partition)))
		return VP_UNHANDLED;
	for (; mask; mask &= mask - 1) {
		index = (unsigned int)__builtin_ctzll(mask);
		if (index >= partition->vp_count)
			break;
		arch_vp_interrupt(partition->vps[index], vp->active_vtl, (uint32_t)vector);
	}
	gpr[GPR_RAX] = HV_SUCCESS;
	guest_instruction_done(vp, next_rip);
	return VP_CONTINUE;
}

static enum vp_outcome long_spin(struct vp *vp, uint64_t next_rip)
{
	vp->arch.gpr[GPR_RAX] = HV_SUCCESS;
	guest_instruction_done(vp, next_rip);
	return sched_yield() ? VP_SWITCH : VP_CONTINUE;
}

enum vp_outcome guest_hypercall_quick(struct vp *vp, struct vp_exit *exit)
{
	const struct hv_partition *hv = vp->partition->hv;

	if (unlikely(!hv || !hv->vtl[vp->active_vtl].guest_os_id ||
		     !backend->arch.in_kernel_64(vp)))
		return VP_UNHANDLED;
	switch (vp->arch.gpr[GPR_RCX]) {
	case HV_CALL_SIGNAL_EVENT | HV_CALL_FAST: return signal_event(vp, exit->next_rip);
	case HV_CALL_SEND_IPI | HV_CALL_FAST: return send_ipi(vp, exit->next_rip);
	case HV_CALL_NOTIFY_LONG_SPIN_WAIT | HV_CALL_FAST: return long_spin(vp, exit->next_rip);
	default: return VP_UNHANDLED;
	}
}
