/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls of AArch64 guests (TLFS, "Hypercall Register Conventions"), by either of two instructions:
 *
 *                                input value   parameters                   result
 *   HVC #1                       X0            X1, X2; fast: X1 to X16      X0
 *   HVC #0, X0 = 0x46000001      X1            X2, X3; fast: X2 to X17      X0
 *
 * PC is behind the instruction while the call is made, so that the call can set it. One that goes on later is executed
 * once more, with a new rep start; one that wants the VP off its CPU waits at the instruction (WORK_HYPERCALL).
 */
#include "guest.h"
#include <kernel/cpu.h>
#include <kernel/hypercall.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#define INSTRUCTION_SIZE 4u

static void call_load(struct hypercall *call, bool smccc)
{
	const uint64_t *x = call->vp->arch.x + smccc;

	call->control = x[0];
	call->input = x[1];
	call->output = x[2];
	memcpy(call->fast, &x[1], sizeof(call->fast));
	call->fast_words = call->input_words = call->output_words = HYPERCALL_FAST_WORDS;
}

static void call_store(const struct hypercall *call, enum hypercall_outcome outcome, bool smccc)
{
	uint64_t *x = call->vp->arch.x;

	if (call->fast_changed)
		memcpy(&x[smccc + 1], call->fast, sizeof(call->fast));
	if (outcome == HYPERCALL_DONE)
		x[0] = call->result;
	else if (outcome == HYPERCALL_AGAIN)
		x[smccc] = call->control;
}

static void outside_ask(struct vp *vp, bool smccc)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	vp->arch.call_pc = a->pc;
	vp->arch.call_smccc = smccc;
	a->work |= WORK_HYPERCALL;
}

static enum vp_outcome call_perform(struct vp *vp, bool smccc, bool outside)
{
	struct hypercall call = {.vp = vp, .vtl = vp->active_vtl, .outside = outside};
	struct arch_vp_vtl *a = vp_arch(vp);
	uint64_t instruction = a->pc - INSTRUCTION_SIZE;
	enum hypercall_outcome outcome;

	call_load(&call, smccc);
	outcome = hypercall_perform(&call);
	call_store(&call, outcome, smccc);
	if (outcome != HYPERCALL_DONE)
		a->pc = instruction;
	if (outcome == HYPERCALL_OUTSIDE)
		outside_ask(vp, smccc);
	if (call.woke)
		return cpu_is_wanted(this_cpu()) ? VP_SWITCH : VP_CONTINUE;
	return call.yield && sched_yield() ? VP_SWITCH : VP_CONTINUE;
}

enum vp_outcome guest_hypercall(struct vp *vp, bool smccc)
{
	enum vp_outcome outcome = guest_hypercall_quick(vp, smccc);

	return outcome == VP_UNHANDLED ? call_perform(vp, smccc, false) : outcome;
}

/* Unless the VMM has sent the VP elsewhere meanwhile. */
void guest_hypercall_outside(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	if (a->pc != vp->arch.call_pc)
		return;
	a->pc += INSTRUCTION_SIZE;
	(void)call_perform(vp, vp->arch.call_smccc, true);
}

/* ---- functions of SMCCC's (Arm DEN 0028) ---- */

#define FUNCTION_HYPERCALL 0x46000001u /* vendor specific hypervisor service */
#define FUNCTION_UID	   0x8600ff01u /* of whom these services are; of both forms */
#define FUNCTION_64	   BIT(30)

/* 4d32ba58-4764-cd24-756c-ef8e24705916, by which guests know the interface where there is no ACPI. */
static const uint32_t uid[] = {0x4d32ba58, 0xcd244764, 0x8eef6c75, 0x16597024};

bool guest_hv_function(struct vp *vp, uint32_t function, enum vp_outcome *outcome)
{
	unsigned int i;

	if (!vp->partition->hv)
		return false;
	if (function == FUNCTION_HYPERCALL) {
		*outcome = guest_hypercall(vp, true);
		return true;
	}
	if ((function & ~(uint32_t)FUNCTION_64) != FUNCTION_UID)
		return false;
	for (i = 0; i < ARRAY_SIZE(uid); i++)
		vp->arch.x[i] = uid[i];
	return true;
}
