/* SPDX-License-Identifier: MIT */
/*
 * Registers in and out of the VMCB, by group. While the VP is loaded, FS, GS, LDTR, TR and the
 * syscall MSRs live in the processor: VMSAVE fetches them first, VMLOAD puts them back.
 */
#include "svm.h"
#include <arch/cr.h>
#include <arch/msr.h>

#define LIVE_GROUPS (STATE_SEGMENTS | STATE_SYSCALL)

static const uint16_t segment_offsets[SEGMENT_COUNT] = {
	[SEGMENT_ES] = offsetof(struct vmcb, es),     [SEGMENT_CS] = offsetof(struct vmcb, cs),
	[SEGMENT_SS] = offsetof(struct vmcb, ss),     [SEGMENT_DS] = offsetof(struct vmcb, ds),
	[SEGMENT_FS] = offsetof(struct vmcb, fs),     [SEGMENT_GS] = offsetof(struct vmcb, gs),
	[SEGMENT_LDTR] = offsetof(struct vmcb, ldtr), [SEGMENT_TR] = offsetof(struct vmcb, tr),
};

static struct vmcb_segment *vmcb_segment(struct vmcb *vmcb, unsigned int segment)
{
	return (struct vmcb_segment *)((char *)vmcb + segment_offsets[segment]);
}

/* Descriptor bits 40-47 stay; 52-55 lie at bit 8 in the VMCB and at bit 12 in the TLFS form. */
static void segment_get(const struct vmcb_segment *from, struct hv_x64_segment_register *to)
{
	to->base = from->base;
	to->limit = from->limit;
	to->selector = from->selector;
	to->attributes = (uint16_t)((from->attributes & 0xff) | ((from->attributes & 0xf00) << 4));
}

static void segment_set(const struct hv_x64_segment_register *from, struct vmcb_segment *to)
{
	to->base = from->base;
	to->limit = from->limit;
	to->selector = from->selector;
	to->attributes = (uint16_t)((from->attributes & 0xff) | ((from->attributes & 0xf000) >> 4));
}

static void segments_get(struct vmcb *vmcb, struct guest_state *state)
{
	struct hv_x64_segment_register *ss = &state->segment[SEGMENT_SS];
	unsigned int i;

	for (i = 0; i < SEGMENT_COUNT; i++)
		segment_get(vmcb_segment(vmcb, i), &state->segment[i]);
	/* The CPL is kept by itself; SS.DPL is where everybody else looks for it (15.5.1). */
	ss->attributes = (uint16_t)((ss->attributes & ~HV_SEGMENT_DPL_MASK) |
				    (vmcb->cpl << HV_SEGMENT_DPL_SHIFT));
}

static void segments_set(struct vmcb *vmcb, const struct guest_state *state)
{
	unsigned int i;

	for (i = 0; i < SEGMENT_COUNT; i++)
		segment_set(&state->segment[i], vmcb_segment(vmcb, i));
	vmcb->cpl = (state->segment[SEGMENT_SS].attributes & HV_SEGMENT_DPL_MASK) >>
		    HV_SEGMENT_DPL_SHIFT;
}

/* Apart, as it has to be fast. */
static void addressing_get(const struct vmcb *vmcb, struct guest_state *state)
{
	segment_get(&vmcb->cs, &state->segment[SEGMENT_CS]);
	state->segment[SEGMENT_DS].base = vmcb->ds.base;
	state->segment[SEGMENT_SS].base = vmcb->ss.base;
	state->cr0 = vmcb->cr0;
	state->cr3 = vmcb->cr3;
	state->cr4 = vmcb->cr4;
	state->efer = vmcb->efer;
}

struct guest_addressing svm_addressing_64(struct vp *vp)
{
	const struct svm_vp *s = vp_active(vp)->backend;
	const struct vmcb *vmcb = s->vmcb;

	if (!(vmcb->efer & EFER_LMA) || !(vmcb->cs.attributes & VMCB_SEGMENT_L))
		return (struct guest_addressing){.cr3 = GUEST_NOT_64BIT};
	return (struct guest_addressing){vmcb->cr3, vmcb->cr4};
}

void svm_state_get(struct vp *vp, uint32_t vtl, uint32_t groups, struct guest_state *state)
{
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;
	struct svm_vp *s = vp->vtl[vtl]->backend;
	struct vmcb *vmcb = s->vmcb;

	if (groups == STATE_ADDRESSING) {
		addressing_get(vmcb, state);
		return;
	}
	if (s->loaded && (groups & LIVE_GROUPS))
		svm_vmsave(s->vmcb_hpa);
	if (groups & STATE_SEGMENTS)
		segments_get(vmcb, state);
	if (groups & STATE_TABLES) {
		state->gdtr.base = vmcb->gdtr.base;
		state->gdtr.limit = (uint16_t)vmcb->gdtr.limit;
		state->idtr.base = vmcb->idtr.base;
		state->idtr.limit = (uint16_t)vmcb->idtr.limit;
	}
	if (groups & STATE_CONTROL) {
		if (s->loaded)
			vp->arch.cr2 = vmcb->cr2;
		state->cr0 = vmcb->cr0;
		state->cr3 = vmcb->cr3;
		state->cr4 = vmcb->cr4 & ~s->cr4_mce_added;
		state->cr8 = vp->vtl[vtl]->arch.cr8;
		state->efer = vmcb->efer & ~EFER_SVME;
	}
	if (groups & STATE_SYSCALL) {
		state->star = vmcb->star;
		state->lstar = vmcb->lstar;
		state->cstar = vmcb->cstar;
		state->sfmask = vmcb->sfmask;
		state->kernel_gs_base = vmcb->kernel_gs_base;
		state->sysenter_cs = vmcb->sysenter_cs;
		state->sysenter_esp = vmcb->sysenter_esp;
		state->sysenter_eip = vmcb->sysenter_eip;
	}
	if (groups & STATE_PAT)
		state->pat = vmcb->pat;
	if (groups & STATE_DEBUG) {
		if (s->live & SVM_LIVE_DRS)
			svm_dr_save(vp);
		state->dr6 = (uint32_t)vmcb->dr6; /* see state_mend() */
		state->dr7 = (uint32_t)vmcb->dr7;
		if (guest_debug_owns(a)) {
			state->dr6 = a->debug.guest_dr6;
			state->dr7 = a->debug.guest_dr7;
		}
	}
}

/* Of the states that VMRUN refuses (15.5.1), those that can be set here. It is not left to VMRUN, as
 * QEMU 7.2 overwrites the VMCB with the host's state then. */
static bool is_illegal(const struct vmcb *vmcb)
{
	bool long_mode = (vmcb->efer & EFER_LME) && (vmcb->cr0 & CR0_PG);
	uint16_t both = VMCB_SEGMENT_L | VMCB_SEGMENT_D;

	if ((vmcb->cr0 | vmcb->cr4 | vmcb->dr6 | vmcb->dr7) >> 32)
		return true;
	if ((vmcb->cr0 & CR0_NW) && !(vmcb->cr0 & CR0_CD))
		return true;
	return long_mode && (!(vmcb->cr4 & CR4_PAE) || !(vmcb->cr0 & CR0_PE) ||
			     (vmcb->cs.attributes & both) == both);
}

/* A machine check while CR4.MCE is clear shuts the machine down, whatever is intercepted (15.11):
 * the bit is always set, and its reads are watched where the guest would see that. */
static void cr4_set(struct svm_vp *s, uint64_t cr4)
{
	struct vmcb *vmcb = s->vmcb;

	s->cr4_mce_added = ~cr4 & CR4_MCE;
	vmcb->cr4 = cr4 | CR4_MCE;
	vmcb->intercept_cr_read = s->cr4_mce_added ? BIT(4) : 0;
}

void svm_state_set(struct vp *vp, uint32_t vtl, uint32_t groups, const struct guest_state *state)
{
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;
	struct svm_vp *s = vp->vtl[vtl]->backend;
	struct vmcb *vmcb = s->vmcb;

	/* What is not set now must not be lost by the VMLOAD below. */
	if (s->loaded && (groups & LIVE_GROUPS))
		svm_vmsave(s->vmcb_hpa);
	if (groups & STATE_SEGMENTS)
		segments_set(vmcb, state);
	if (groups & STATE_TABLES) {
		vmcb->gdtr.base = state->gdtr.base;
		vmcb->gdtr.limit = state->gdtr.limit;
		vmcb->idtr.base = state->idtr.base;
		vmcb->idtr.limit = state->idtr.limit;
	}
	if (groups & STATE_CONTROL) {
		if (s->loaded)
			vmcb->cr2 = vp->arch.cr2;
		vmcb->cr0 = state->cr0;
		vmcb->cr3 = state->cr3;
		cr4_set(s, state->cr4);
		vmcb->efer = state->efer | EFER_SVME;
		vp->vtl[vtl]->arch.cr8 = state->cr8 & VINTR_TPR_MASK;
		s->flush = true;
	}
	if (groups & STATE_SYSCALL) {
		vmcb->star = state->star;
		vmcb->lstar = state->lstar;
		vmcb->cstar = state->cstar;
		vmcb->sfmask = state->sfmask;
		vmcb->kernel_gs_base = state->kernel_gs_base;
		vmcb->sysenter_cs = state->sysenter_cs;
		vmcb->sysenter_esp = state->sysenter_esp;
		vmcb->sysenter_eip = state->sysenter_eip;
	}
	if (groups & STATE_PAT)
		vmcb->pat = state->pat;
	if ((groups & STATE_DEBUG) && guest_debug_owns(a)) {
		a->debug.guest_dr6 = state->dr6;
		a->debug.guest_dr7 = state->dr7;
		guest_debug_merge(vp, vtl);
	} else if (groups & STATE_DEBUG) {
		if (s->live & SVM_LIVE_DRS)
			svm_dr_load(vp);
		vmcb->dr6 = state->dr6;
		vmcb->dr7 = state->dr7;
	}
	s->illegal = is_illegal(vmcb);
	s->flush |= s->illegal; /* svm_enter() looks at it there */
	vmcb->clean = 0;
	if (s->loaded && (groups & LIVE_GROUPS))
		svm_vmload(s->vmcb_hpa);
}
