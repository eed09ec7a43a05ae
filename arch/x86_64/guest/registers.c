/* SPDX-License-Identifier: MIT */
/*
 * Registers by their Hyper-V names: one table says where each stands in struct guest_registers;
 * those of SSE are in the FPU's area.
 * A set reads all, changes what is named, checks the whole, and only then writes.
 */
#include "debug.h"
#include <kernel/memory_map.h>
#include <kernel/string.h>

#define CR0_RESERVED                                                                       \
	~(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | \
	  CR0_CD | CR0_PG)
#define EFER_LME_BIT	   BIT(8)
#define EFER_LMA_BIT	   BIT(10)
#define CR4_PCIDE	   BIT(17)
#define RFLAGS_KEPT	   0x003f7fd5ull
#define PAT_RESERVED_TYPES 0xf8f8f8f8f8f8f8f8ull
#define XMM_COUNT	   16u
/* Those whose change by a MOV loads the entries of PAE paging (SDM 3A 4.4.1). */
#define CR0_LOADS_PDPTES   (CR0_CD | CR0_NW | CR0_PG)
#define CR4_LOADS_PDPTES   (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)
#define PDPTE_PRESENT	   BIT(0)
#define PDPTE_ACCESSED	   BIT(5)
#define PDPTE_RESERVED	   0x1e6ull /* SDM 3A table 4-8 */
#define CR3_PAE_BASE	   0xffffffe0ull

enum register_form { FORM_64, FORM_SEGMENT, FORM_TABLE };

struct register_row {
	uint32_t first; /* enum hv_register_name */
	uint16_t count; /* of names that follow each other */
	uint16_t offset;
	uint8_t form; /* enum register_form */
};

#define ROW64(name, count, member)                                                               \
	{                                                                                        \
		HV_X64_REGISTER_##name, count, offsetof(struct guest_registers, member), FORM_64 \
	}
#define ROW_OF(name, count, member, form)                                                     \
	{                                                                                     \
		HV_X64_REGISTER_##name, count, offsetof(struct guest_registers, member), form \
	}

static const struct register_row rows[] = {
	ROW64(RAX, 16, gpr),
	ROW64(RIP, 1, rip),
	ROW64(RFLAGS, 1, rflags),
	ROW64(CR0, 1, state.cr0),
	ROW64(CR2, 1, cr2),
	ROW64(CR3, 1, state.cr3),
	ROW64(CR4, 1, state.cr4),
	ROW64(CR8, 1, state.cr8),
	ROW64(XFEM, 1, xcr0),
	ROW64(DR0, 4, dr),
	ROW64(DR6, 1, state.dr6),
	ROW64(DR7, 1, state.dr7),
	ROW_OF(ES, 8, state.segment, FORM_SEGMENT),
	ROW_OF(IDTR, 1, state.idtr, FORM_TABLE),
	ROW_OF(GDTR, 1, state.gdtr, FORM_TABLE),
	ROW64(EFER, 1, state.efer),
	ROW64(KERNEL_GS_BASE, 1, state.kernel_gs_base),
	ROW64(PAT, 1, state.pat),
	ROW64(SYSENTER_CS, 1, state.sysenter_cs),
	ROW64(SYSENTER_EIP, 1, state.sysenter_eip),
	ROW64(SYSENTER_ESP, 1, state.sysenter_esp),
	ROW64(STAR, 1, state.star),
	ROW64(LSTAR, 1, state.lstar),
	ROW64(CSTAR, 1, state.cstar),
	ROW64(SFMASK, 1, state.sfmask),
	ROW64(TSC_AUX, 1, tsc_aux),
	ROW64(APIC_BASE, 1, apic_base),
};

/* Reserved bits and combinations of CR0, CR3, CR4, EFER. */
static bool control_valid(const struct vp *vp, const struct guest_state *state)
{
	const struct arch_partition *p = &vp->partition->arch;
	bool paging = state->cr0 & CR0_PG;
	bool lme = state->efer & EFER_LME_BIT;

	if (state->cr0 & CR0_RESERVED)
		return false;
	if (paging && !(state->cr0 & CR0_PE))
		return false;
	if ((state->cr0 & CR0_NW) && !(state->cr0 & CR0_CD))
		return false;
	if (state->cr4 & ~p->cr4_allowed)
		return false;
	if (state->efer & ~(p->efer_allowed | EFER_LMA_BIT))
		return false;
	if (paging && lme && !(state->cr4 & CR4_PAE))
		return false;
	if (!!(state->efer & EFER_LMA_BIT) != (paging && lme))
		return false;
	if ((state->cr4 & CR4_PCIDE) && !(state->efer & EFER_LMA_BIT))
		return false;
	return !(state->cr3 >> p->physical_bits) && state->cr8 <= 0xf;
}

static bool uses_pae(const struct guest_state *state)
{
	return (state->cr0 & CR0_PG) && (state->cr4 & CR4_PAE) && !(state->efer & EFER_LMA_BIT);
}

bool guest_pdptes_change(const struct guest_state *old, const struct guest_state *state)
{
	if (!uses_pae(state))
		return false;
	return !uses_pae(old) || old->cr3 != state->cr3 ||
	       ((old->cr0 ^ state->cr0) & CR0_LOADS_PDPTES) ||
	       ((old->cr4 ^ state->cr4) & CR4_LOADS_PDPTES);
}

bool guest_pdptes_read(const struct vp *vp, uint32_t vtl, const struct guest_state *state,
		       uint64_t entries[PDPTE_COUNT])
{
	uint64_t reserved = PDPTE_RESERVED | ~MASK(vp->partition->arch.physical_bits);
	unsigned int i;

	/* QEMU 7.2's nested walk sets it, though the entry has none. */
	if (guest_cpuid_is_amd(vp->partition))
		reserved &= ~PDPTE_ACCESSED;
	if (gpa_read(vp->vtl[vtl]->space, state->cr3 & CR3_PAE_BASE, entries,
		     PDPTE_COUNT * sizeof(entries[0])) != STATUS_OK)
		return false;
	for (i = 0; i < PDPTE_COUNT; i++)
		if ((entries[i] & PDPTE_PRESENT) && (entries[i] & reserved))
			return false;
	return true;
}

bool guest_control_write(struct vp *vp, const struct guest_state *old,
			 const struct guest_state *state)
{
	uint64_t entries[PDPTE_COUNT];

	if (!control_valid(vp, state))
		return false;
	if (guest_pdptes_change(old, state) &&
	    !guest_pdptes_read(vp, vp->active_vtl, state, entries))
		return false;
	backend->state_set(vp, vp->active_vtl, STATE_CONTROL, state);
	return true;
}

/* SDM 1 13.3: x87 always, AVX with SSE, the three parts of AVX-512 together and with AVX. Without
 * XSAVE the register is not there, and reads as x87 alone. */
bool guest_xcr0_valid(const struct vp *vp, uint64_t xcr0)
{
	uint64_t avx512 = xcr0 & XCR0_AVX512;

	if ((xcr0 & ~(vp->partition->arch.xcr0_allowed | XCR0_X87)) || !(xcr0 & XCR0_X87))
		return false;
	if ((xcr0 & XCR0_AVX) && !(xcr0 & XCR0_SSE))
		return false;
	return !avx512 || (avx512 == XCR0_AVX512 && (xcr0 & XCR0_AVX));
}

void guest_registers_get(struct vp *vp, uint32_t vtl, struct guest_registers *r)
{
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;

	memcpy(r->gpr, vp->arch.gpr, sizeof(r->gpr));
	memcpy(r->dr, vp->arch.dr, sizeof(r->dr));
	r->rip = a->rip;
	r->rflags = a->rflags;
	r->cr2 = vp->arch.cr2;
	r->xcr0 = fpu_xcr0(&vp->arch.fpu);
	r->tsc_aux = vp->arch.tsc_aux;
	r->apic_base = lapic_base_get(&a->lapic);
	backend->state_get(vp, vtl, STATE_ALL, &r->state);
}

static bool registers_valid(const struct vp *vp, const struct guest_registers *r)
{
	if (r->rflags & ~(RFLAGS_KEPT | RFLAGS_FIXED))
		return false;
	if ((r->state.dr6 >> 32) || (r->state.dr7 >> 32) || (r->tsc_aux >> 32))
		return false;
	if ((r->state.pat & PAT_RESERVED_TYPES) || !pat_valid(r->state.pat))
		return false;
	return control_valid(vp, &r->state) && guest_xcr0_valid(vp, r->xcr0);
}

status_t guest_registers_set(struct vp *vp, uint32_t vtl, const struct guest_registers *r)
{
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;

	if (!registers_valid(vp, r))
		return STATUS_INVALID_REGISTER_VALUE;
	/* VTL0's APIC is the active one: there is no other VTL. */
	if (r->apic_base != lapic_base_get(&a->lapic) && !guest_lapic_base_write(vp, r->apic_base))
		return STATUS_INVALID_REGISTER_VALUE;
	memcpy(vp->arch.gpr, r->gpr, sizeof(r->gpr));
	memcpy(vp->arch.dr, r->dr, sizeof(r->dr));
	a->rip = r->rip;
	a->rflags = r->rflags | RFLAGS_FIXED;
	if (a->work & WORK_DEBUG)
		guest_debug_moved(vp, vtl);
	vp->arch.cr2 = r->cr2;
	vp->arch.tsc_aux = r->tsc_aux;
	if (fpu_xcr0(&vp->arch.fpu) != r->xcr0) {
		fpu_release(&vp->arch.fpu);
		vp->arch.fpu.xcr0 = r->xcr0;
	}
	backend->state_set(vp, vtl, STATE_ALL, &r->state);
	return STATUS_OK;
}

static bool is_xmm(uint32_t name)
{
	return name - HV_X64_REGISTER_XMM0 < XMM_COUNT;
}

/* A name that is not found is none, or that of an XMM register. */
static void *register_find(struct guest_registers *r, uint32_t name, uint8_t *form)
{
	static const uint8_t sizes[] = {[FORM_64] = 8, [FORM_SEGMENT] = 16, [FORM_TABLE] = 16};
	const struct register_row *row;

	for (row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		if (name - row->first >= row->count)
			continue;
		*form = row->form;
		return (char *)r + row->offset + (name - row->first) * sizes[row->form];
	}
	return NULL;
}

status_t arch_vp_get_registers(struct vp *vp, uint32_t vtl, const uint32_t *names,
			       union hv_register_value *values, uint32_t count)
{
	struct guest_registers r;
	uint8_t form;
	uint32_t i;
	void *at;

	guest_registers_get(vp, vtl, &r);
	for (i = 0; i < count; i++) {
		form = FORM_TABLE;
		if (is_xmm(names[i]))
			at = fpu_xmm(&vp->arch.fpu, names[i] - HV_X64_REGISTER_XMM0);
		else
			at = register_find(&r, names[i], &form);
		if (!at)
			return STATUS_INVALID_REGISTER;
		memset(&values[i], 0, sizeof(values[i]));
		memcpy(&values[i], at, form == FORM_64 ? sizeof(uint64_t) : sizeof(values[i]));
	}
	return STATUS_OK;
}

status_t arch_vp_set_registers(struct vp *vp, uint32_t vtl, const uint32_t *names,
			       const union hv_register_value *values, uint32_t count)
{
	struct guest_registers r;
	status_t status;
	uint8_t form;
	uint32_t i;
	void *at;

	guest_registers_get(vp, vtl, &r);
	for (i = 0; i < count; i++) {
		if (is_xmm(names[i]))
			continue;
		at = register_find(&r, names[i], &form);
		if (!at)
			return STATUS_INVALID_REGISTER;
		memcpy(at, &values[i], form == FORM_64 ? sizeof(uint64_t) : sizeof(values[i]));
	}
	status = guest_registers_set(vp, vtl, &r);
	/* any value will do for the XMM registers: nothing fails from here on */
	for (i = 0; status == STATUS_OK && i < count; i++)
		if (is_xmm(names[i]))
			memcpy(fpu_xmm(&vp->arch.fpu, names[i] - HV_X64_REGISTER_XMM0), &values[i],
			       sizeof(values[i]));
	return status;
}
