/* SPDX-License-Identifier: MIT */
/*
 * Registers in and out of the VMCS, by group. CR0.NE and CR4.VMXE have to be set in VMX operation:
 * the guest sees the read shadows instead (SDM 3C 25.6.6).
 */
#include "vmx.h"
#include <arch/cr.h>
#include <arch/msr.h>
#include <kernel/string.h>

#define CR4_VMXE	    BIT(13)
#define CR0_HIDDEN	    (CR0_NE | CR0_NW | CR0_CD)
#define MSR_CSTAR	    0xc0000083u
#define TLFS_ATTRIBUTES	    0xf0ffu
#define ACCESS_ACCESSED	    BIT(0)
#define ACCESS_CODE_OR_DATA BIT(4)

static void segment_get(unsigned int segment, struct hv_x64_segment_register *to)
{
	unsigned int step = 2 * segment;
	uint32_t access = (uint32_t)vmcs_read(VMCS_GUEST_ES_ACCESS + step);

	to->base = vmcs_read(VMCS_GUEST_ES_BASE + step);
	to->limit = (uint32_t)vmcs_read(VMCS_GUEST_ES_LIMIT + step);
	to->selector = (uint16_t)vmcs_read(VMCS_GUEST_ES_SELECTOR + step);
	/* SS has the CPL also when it is unusable (25.4.1). */
	to->attributes = (uint16_t)(access & (access & ACCESS_UNUSABLE ? HV_SEGMENT_DPL_MASK
								       : TLFS_ATTRIBUTES));
}

/* A segment without P is unusable; one with it has been accessed (27.3.1.2). */
static void segment_set(unsigned int segment, const struct hv_x64_segment_register *from)
{
	unsigned int step = 2 * segment;
	uint32_t access = from->attributes & TLFS_ATTRIBUTES;

	if (!(access & HV_SEGMENT_P))
		access |= ACCESS_UNUSABLE;
	else if (access & ACCESS_CODE_OR_DATA)
		access |= ACCESS_ACCESSED;
	vmcs_write(VMCS_GUEST_ES_BASE + step, from->base);
	vmcs_write(VMCS_GUEST_ES_LIMIT + step, from->limit);
	vmcs_write(VMCS_GUEST_ES_SELECTOR + step, from->selector);
	vmcs_write(VMCS_GUEST_ES_ACCESS + step, access);
}

/* The VMCS orders FS, GS, LDTR, TR as enum segment does. */
static void segments_get(struct guest_state *state)
{
	unsigned int i;

	for (i = 0; i < SEGMENT_COUNT; i++)
		segment_get(i, &state->segment[i]);
}

static void segments_set(const struct guest_state *state)
{
	unsigned int i;

	for (i = 0; i < SEGMENT_COUNT; i++)
		segment_set(i, &state->segment[i]);
}

static void control_get(const struct vp *vp, uint32_t vtl, struct guest_state *state)
{
	uint64_t mask = vmcs_read(VMCS_CR4_MASK);

	state->cr0 = (vmcs_read(VMCS_GUEST_CR0) & ~CR0_HIDDEN) |
		     (vmcs_read(VMCS_CR0_SHADOW) & CR0_HIDDEN);
	state->cr3 = vmcs_read(VMCS_GUEST_CR3);
	state->cr4 = (vmcs_read(VMCS_GUEST_CR4) & ~mask) | (vmcs_read(VMCS_CR4_SHADOW) & mask);
	state->cr8 = vp->vtl[vtl]->arch.cr8;
	state->efer = vmcs_read(VMCS_GUEST_EFER);
}

/* With EPT, PAE paging takes its four top entries from the VMCS (27.3.1.6). Those that no processor
 * would load, which only the VMM can ask for, are not present: entering with them would fail. */
static void pdptes_load(struct vp *vp, uint32_t vtl, const struct guest_state *state)
{
	struct guest_state old;
	uint64_t entries[PDPTE_COUNT];
	unsigned int i;

	control_get(vp, vtl, &old);
	if (!guest_pdptes_change(&old, state))
		return;
	if (!guest_pdptes_read(vp, vtl, state, entries))
		memset(entries, 0, sizeof(entries));
	for (i = 0; i < PDPTE_COUNT; i++)
		vmcs_write(VMCS_GUEST_PDPTE0 + 2 * i, entries[i]);
}

static void control_set(struct vp *vp, uint32_t vtl, struct vmx_vp *s,
			const struct guest_state *state)
{
	uint32_t entry = vmx_controls.entry & ~(uint32_t)ENTRY_LONG_MODE;

	pdptes_load(vp, vtl, state);
	if (state->efer & EFER_LMA)
		entry |= ENTRY_LONG_MODE;
	vmcs_write(VMCS_ENTRY_CONTROLS, entry);
	vmcs_write(VMCS_GUEST_CR0, (state->cr0 & ~(CR0_NW | CR0_CD)) | CR0_NE | CR0_ET);
	vmcs_write(VMCS_CR0_SHADOW, state->cr0);
	vmcs_write(VMCS_GUEST_CR3, state->cr3);
	/* A machine check while CR4.MCE is clear shuts the machine down (SDM 3B 15.3.1.1). */
	vmcs_write(VMCS_GUEST_CR4, state->cr4 | CR4_VMXE | CR4_MCE);
	vmcs_write(VMCS_CR4_SHADOW, state->cr4);
	vmcs_write(VMCS_GUEST_EFER, state->efer);
	vp->vtl[vtl]->arch.cr8 = state->cr8 & 0xf;
	s->flush = true;
}

static void syscall_get(struct vmx_vp *s, struct guest_state *state)
{
	if (s->loaded)
		s->kernel_gs_base = msr_read(MSR_KERNEL_GS_BASE);
	state->kernel_gs_base = s->kernel_gs_base;
	state->star = s->star;
	state->lstar = s->lstar;
	state->cstar = s->cstar;
	state->sfmask = s->sfmask;
	state->sysenter_cs = vmcs_read(VMCS_GUEST_SYSENTER_CS);
	state->sysenter_esp = vmcs_read(VMCS_GUEST_SYSENTER_ESP);
	state->sysenter_eip = vmcs_read(VMCS_GUEST_SYSENTER_EIP);
}

static void syscall_set(struct vmx_vp *s, const struct guest_state *state)
{
	s->kernel_gs_base = state->kernel_gs_base;
	s->star = state->star;
	s->lstar = state->lstar;
	s->cstar = state->cstar;
	s->sfmask = state->sfmask;
	vmcs_write(VMCS_GUEST_SYSENTER_CS, state->sysenter_cs);
	vmcs_write(VMCS_GUEST_SYSENTER_ESP, state->sysenter_esp);
	vmcs_write(VMCS_GUEST_SYSENTER_EIP, state->sysenter_eip);
	if (!s->loaded)
		return;
	msr_write(MSR_KERNEL_GS_BASE, s->kernel_gs_base);
	msr_write(MSR_STAR, s->star);
	msr_write(MSR_LSTAR, s->lstar);
	msr_write(MSR_CSTAR, s->cstar);
	msr_write(MSR_SFMASK, s->sfmask);
}

/* Apart, as it has to be fast. Of the bits of CR0 and CR4 that a guest does not see as they are, none
 * says how an address is translated. */
static void addressing_get(struct guest_state *state)
{
	segment_get(SEGMENT_CS, &state->segment[SEGMENT_CS]);
	state->segment[SEGMENT_DS].base = vmcs_read(VMCS_GUEST_ES_BASE + 2 * SEGMENT_DS);
	state->segment[SEGMENT_SS].base = vmcs_read(VMCS_GUEST_ES_BASE + 2 * SEGMENT_SS);
	state->cr0 = vmcs_read(VMCS_GUEST_CR0);
	state->cr3 = vmcs_read(VMCS_GUEST_CR3);
	state->cr4 = vmcs_read(VMCS_GUEST_CR4);
	state->efer = vmcs_read(VMCS_GUEST_EFER);
}

struct guest_addressing vmx_addressing_64(struct vp *vp)
{
	(void)vp;
	if (!(vmcs_read(VMCS_GUEST_EFER) & EFER_LMA) ||
	    !(vmcs_read(VMCS_GUEST_ES_ACCESS + 2 * SEGMENT_CS) & HV_SEGMENT_L))
		return (struct guest_addressing){.cr3 = GUEST_NOT_64BIT};
	return (struct guest_addressing){vmcs_read(VMCS_GUEST_CR3), vmcs_read(VMCS_GUEST_CR4)};
}

void vmx_state_get(struct vp *vp, uint32_t vtl, uint32_t groups, struct guest_state *state)
{
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;
	struct vmx_vp *s = vp->vtl[vtl]->backend;

	vmx_use(s);
	if (groups == STATE_ADDRESSING) {
		addressing_get(state);
		return;
	}
	if (groups & STATE_SEGMENTS)
		segments_get(state);
	if (groups & STATE_TABLES) {
		state->gdtr.base = vmcs_read(VMCS_GUEST_GDTR_BASE);
		state->gdtr.limit = (uint16_t)vmcs_read(VMCS_GUEST_GDTR_LIMIT);
		state->idtr.base = vmcs_read(VMCS_GUEST_IDTR_BASE);
		state->idtr.limit = (uint16_t)vmcs_read(VMCS_GUEST_IDTR_LIMIT);
	}
	if (groups & STATE_CONTROL) {
		if (s->loaded)
			vp->arch.cr2 = cr2_read();
		control_get(vp, vtl, state);
	}
	if (groups & STATE_SYSCALL)
		syscall_get(s, state);
	if (groups & STATE_PAT)
		state->pat = vmcs_read(VMCS_GUEST_PAT);
	if (groups & STATE_DEBUG) {
		if (s->dr_live)
			vmx_dr_save(vp, s);
		state->dr6 = s->dr6;
		state->dr7 = vmcs_read(VMCS_GUEST_DR7);
		if (guest_debug_owns(a)) {
			state->dr6 = a->debug.guest_dr6;
			state->dr7 = a->debug.guest_dr7;
		}
	}
}

void vmx_state_set(struct vp *vp, uint32_t vtl, uint32_t groups, const struct guest_state *state)
{
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;
	struct vmx_vp *s = vp->vtl[vtl]->backend;

	vmx_use(s);
	if (groups & STATE_SEGMENTS)
		segments_set(state);
	if (groups & STATE_TABLES) {
		vmcs_write(VMCS_GUEST_GDTR_BASE, state->gdtr.base);
		vmcs_write(VMCS_GUEST_GDTR_LIMIT, state->gdtr.limit);
		vmcs_write(VMCS_GUEST_IDTR_BASE, state->idtr.base);
		vmcs_write(VMCS_GUEST_IDTR_LIMIT, state->idtr.limit);
	}
	if (groups & STATE_CONTROL) {
		if (s->loaded)
			cr2_write(vp->arch.cr2);
		control_set(vp, vtl, s, state);
	}
	if (groups & STATE_SYSCALL)
		syscall_set(s, state);
	if (groups & STATE_PAT)
		vmcs_write(VMCS_GUEST_PAT, state->pat);
	if ((groups & STATE_DEBUG) && guest_debug_owns(a)) {
		a->debug.guest_dr6 = state->dr6;
		a->debug.guest_dr7 = state->dr7;
		guest_debug_merge(vp, vtl);
	} else if (groups & STATE_DEBUG) {
		s->dr6 = state->dr6;
		if (s->dr_live)
			__asm__ volatile("mov %0, %%dr6" : : "r"(s->dr6));
		vmcs_write(VMCS_GUEST_DR7, state->dr7);
	}
}
