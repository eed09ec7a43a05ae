/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls of x86 guests (TLFS, "Hypercall Register Conventions"). The instruction stays where it is until
 * the call is made; one that goes on later is executed once more, with a new rep start.
 */
#include "hv_call.h"
#include "guest.h"
#include "outside.h"
#include <arch/fpu.h>
#include <kernel/cpu.h>
#include <kernel/hypercall.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <trivet/hv/features.h>

#define GENERAL_WORDS 2u  /* of a fast call: RDX, R8 */
#define ALL_WORDS     14u /* and XMM0 to XMM5 */

/* Three numbers of a 32-bit caller are in pairs of registers. */
static uint64_t pair(const uint64_t *gpr, enum gpr high, enum gpr low)
{
	return gpr[high] << 32 | (uint32_t)gpr[low];
}

static void pair_put(uint64_t *gpr, uint64_t value)
{
	gpr[GPR_RDX] = value >> 32;
	gpr[GPR_RAX] = (uint32_t)value;
}

/* The XMM registers behind the two, of a VP that is off its CPU. */
static void xmm_move(struct hypercall *call, bool put)
{
	unsigned int n;

	for (n = GENERAL_WORDS; n < ALL_WORDS; n += 2) {
		void *xmm = fpu_xmm(&call->vp->arch.fpu, n / 2 - 1);

		memcpy(put ? xmm : &call->fast[n], put ? &call->fast[n] : xmm, 16);
	}
}

static void call_load(struct hypercall *call, bool wide)
{
	const uint64_t *gpr = call->vp->arch.gpr;
	uint32_t features = call->vp->partition->hv->features;

	call->control = wide ? gpr[GPR_RCX] : pair(gpr, GPR_RDX, GPR_RAX);
	call->input = wide ? gpr[GPR_RDX] : pair(gpr, GPR_RBX, GPR_RCX);
	call->output = wide ? gpr[GPR_R8] : pair(gpr, GPR_RDI, GPR_RSI);
	call->fast[0] = call->input;
	call->fast[1] = call->output;
	call->fast_words = GENERAL_WORDS;
	call->input_words = features & HV_FEATURE_XMM_INPUT ? ALL_WORDS : GENERAL_WORDS;
	call->output_words = wide && (features & HV_FEATURE_XMM_OUTPUT) ? ALL_WORDS : 0;
	if (call->outside && (call->control & HV_CALL_FAST))
		xmm_move(call, false);
}

/* Protected mode and ring 0: in virtual-8086 mode the privilege level is 3. */
static bool may_call(struct vp *vp, bool *wide)
{
	const struct hv_partition *hv = vp->partition->hv;
	struct guest_state state;

	if (!hv || !hv->vtl[vp->active_vtl].guest_os_id)
		return false;
	backend->arch.state_get(vp, vp->active_vtl, STATE_SEGMENTS | STATE_CONTROL, &state);
	*wide = (state.efer & EFER_LMA) && (state.segment[SEGMENT_CS].attributes & HV_SEGMENT_L);
	return (state.cr0 & CR0_PE) &&
	       !(state.segment[SEGMENT_SS].attributes & HV_SEGMENT_DPL_MASK);
}

static void call_store(struct hypercall *call, enum hypercall_outcome outcome, bool wide)
{
	uint64_t *gpr = call->vp->arch.gpr;

	if (call->fast_changed) {
		gpr[GPR_RDX] = call->fast[0];
		gpr[GPR_R8] = call->fast[1];
		if (call->outside)
			xmm_move(call, true);
	}
	if (!wide)
		pair_put(gpr, outcome == HYPERCALL_DONE ? call->result : call->control);
	else if (outcome == HYPERCALL_DONE)
		gpr[GPR_RAX] = call->result;
	else
		gpr[GPR_RCX] = call->control;
}

/* RIP is the next instruction's while the call is made, so that the call can set it. */
enum vp_outcome guest_hypercall(struct vp *vp, uint64_t next_rip, bool outside)
{
	struct hypercall call = {.vp = vp, .vtl = vp->active_vtl, .outside = outside};
	struct arch_vp_vtl *a = vp_arch(vp);
	enum hypercall_outcome outcome;
	uint64_t rip = a->rip;
	bool wide;

	if (!may_call(vp, &wide)) {
		guest_fault_ud(vp);
		return VP_CONTINUE;
	}
	call_load(&call, wide);
	a->rip = next_rip;
	outcome = hypercall_perform(&call);
	if (outcome != HYPERCALL_OUTSIDE)
		call_store(&call, outcome, wide);
	if (outcome != HYPERCALL_DONE)
		a->rip = rip;
	else if (a->rip == next_rip)
		guest_instruction_done(vp, next_rip);
	if (outcome == HYPERCALL_OUTSIDE) {
		guest_outside_ask(vp, OUTSIDE_HYPERCALL);
		(void)guest_outside_waits(vp, next_rip);
	}
	if (call.woke)
		return cpu_is_wanted(this_cpu()) ? VP_SWITCH : VP_CONTINUE;
	return call.yield && sched_yield() ? VP_SWITCH : VP_CONTINUE;
}

bool arch_vp_index(const struct partition *partition, uint64_t hardware_id, uint32_t *index)
{
	return guest_apic_index(&partition->config, (uint32_t)hardware_id, index);
}
