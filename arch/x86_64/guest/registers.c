/* SPDX-License-Identifier: MIT */
/*
 * Registers by their Hyper-V names: one table says where each stands in struct guest_registers;
 * those of SSE are in the FPU's area.
 * A set reads all, changes what is named, checks the whole, and only then writes.
 */
#include "debug.h"
#include "npiep.h"
#include <arch/speculation.h>
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
#define SEGMENT_ACCESSED   BIT(0)
#define SEGMENT_KNOWN	   0xf0ffu
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
	ROW64(TSC, 1, tsc),
	{HV_REGISTER_PENDING_INTERRUPTION, 1,
	 offsetof(struct guest_registers, activity.interruption), FORM_64},
	{HV_REGISTER_INTERRUPT_STATE, 1, offsetof(struct guest_registers, activity.interrupt_state),
	 FORM_64},
};

/* Reserved bits and combinations of CR0, CR3, CR4, CR8, EFER. */
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
	return !(state->cr3 >> vp->partition->physical_bits) && state->cr8 <= 0xf;
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
	uint64_t reserved = PDPTE_RESERVED | ~MASK(vp->partition->physical_bits);
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
	backend->arch.state_set(vp, vp->active_vtl, STATE_CONTROL, state);
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

/* ---- what is delivered before the next instruction ---- */

#define VECTOR_SHIFT HV_INTERRUPTION_VECTOR_SHIFT
#define CODE_SHIFT   HV_INTERRUPTION_CODE_SHIFT
#define EXCEPTION    3u /* the type */
#define NMI_VECTOR   2u
/* Those that have an error code (SDM 3A table 6-1). */
#define WITH_ERROR_CODE                                                                  \
	(BIT(EXCEPTION_DF) | BIT(EXCEPTION_TS) | BIT(EXCEPTION_NP) | BIT(EXCEPTION_SS) | \
	 BIT(EXCEPTION_GP) | BIT(EXCEPTION_PF) | BIT(EXCEPTION_AC) | BIT(21))

/* By enum event_type. */
static const uint8_t interruption_types[] = {
	[EVENT_INTERRUPT] = 0, [EVENT_NMI] = 2, [EVENT_EXCEPTION] = EXCEPTION};

/* One that an instruction raises is none yet: RIP points at that, and it runs again. */
static uint64_t interruption_get(const struct arch_vp_vtl *a)
{
	uint64_t code = HV_INTERRUPTION_ERROR | (uint64_t)a->event.error << CODE_SHIFT;

	if (!(a->work & WORK_EVENT) || a->event.type > EVENT_EXCEPTION)
		return 0;
	return HV_INTERRUPTION_PENDING | interruption_types[a->event.type] << 1 |
	       a->event.vector << VECTOR_SHIFT | (a->event.has_error ? code : 0);
}

static void interruption_set(struct arch_vp_vtl *a, uint64_t r)
{
	a->work &= ~(uint32_t)WORK_EVENT;
	if (!r)
		return;
	a->work |= WORK_EVENT;
	a->event.type = EVENT_EXCEPTION;
	while (interruption_types[a->event.type] != HV_INTERRUPTION_TYPE(r))
		a->event.type--; /* ends: it is one of them */
	a->event.vector = (uint8_t)(r >> VECTOR_SHIFT);
	a->event.has_error = r & HV_INTERRUPTION_ERROR;
	a->event.error = (uint32_t)(r >> CODE_SHIFT);
}

/* Software interrupts are not kept: they run again. */
static bool interruption_valid(uint64_t r)
{
	uint64_t vector = HV_INTERRUPTION_VECTOR(r);
	bool error = r & HV_INTERRUPTION_ERROR;

	if (!(r & HV_INTERRUPTION_PENDING) || (r & 0xff00ffe0) || (!error && r >> CODE_SHIFT))
		return !r;
	switch (HV_INTERRUPTION_TYPE(r)) {
	case 0: return !error;
	case 2: return vector == NMI_VECTOR && !error;
	case EXCEPTION:
		return vector < 32 && vector != NMI_VECTOR &&
		       (!error || (WITH_ERROR_CODE & BIT(vector)));
	default: return false;
	}
}

/* PENDING_EVENT0 is the same place, seen as an exception. */
static void event0_get(const struct guest_registers *r, union hv_register_value *value)
{
	uint64_t i = r->activity.interruption;

	*value = (union hv_register_value){0};
	if (HV_INTERRUPTION_TYPE(i) != EXCEPTION)
		return;
	value->low = (i & ~0x1eull) | (i & HV_INTERRUPTION_ERROR ? HV_EVENT0_ERROR : 0);
	if (HV_INTERRUPTION_VECTOR(i) == EXCEPTION_PF)
		value->high = r->cr2;
}

static void event0_put(struct guest_registers *r, const union hv_register_value *value)
{
	uint64_t *i = &r->activity.interruption;
	uint64_t e = value->low;

	if (!e && HV_INTERRUPTION_TYPE(*i) != EXCEPTION)
		return;
	*i = (e & ~HV_EVENT0_ERROR) | (e ? EXCEPTION << 1 : 0) |
	     (e & HV_EVENT0_ERROR ? HV_INTERRUPTION_ERROR : 0);
	if (e && HV_INTERRUPTION_VECTOR(e) == EXCEPTION_PF)
		r->cr2 = value->high;
}

/* ---- activity ---- */

static_assert((int)VP_RUNNING_ACTIVE == ACTIVITY_RUNNING && (int)VP_HALTED == ACTIVITY_HALTED &&
		      (int)VP_WAITS_FOR_SIPI == ACTIVITY_WAIT_FOR_SIPI &&
		      (int)VP_SHUT_DOWN == ACTIVITY_SHUTDOWN && (int)VP_IDLE == ACTIVITY_IDLE,
	      "the ABI's numbers");
/* By bit of enum vp_state_pending: where they are kept. */
static const struct {
	uint16_t request, work;
} pending[] = {{VP_REQUEST_NMI, WORK_NMI},
	       {VP_REQUEST_INIT, 0},
	       {VP_REQUEST_SIPI, 0},
	       {0, WORK_PIC_ANSWER}};

static void activity_get(const struct vp *vp, const struct arch_vp_vtl *a,
			 struct guest_registers *r)
{
	uint32_t requests = atomic_load(&vp->requests);
	struct vp_state_activity *s = &r->activity;
	unsigned int i;

	*s = (struct vp_state_activity){
		.activity = a->activity,
		.interruption = interruption_get(a),
		.interrupt_state =
			(a->shadow ? HV_INTERRUPT_SHADOW : 0) | (a->nmi_masked ? HV_NMI_MASKED : 0),
	};
	for (i = 0; i < ARRAY_SIZE(pending); i++)
		if ((requests & pending[i].request) || (a->work & pending[i].work))
			s->pending |= BIT(i);
	if (s->pending & VP_PENDING_SIPI)
		s->sipi_vector = (uint8_t)a->lapic.sipi_vector;
	if (s->pending & VP_PENDING_PIC)
		s->pic_vector = a->extint_vector;
	r->pending_read = s->pending;
}

static bool activity_valid(const struct vp *vp, const struct vp_state_activity *s)
{
	return s->activity <= (vp->partition->hv ? VP_IDLE : VP_SHUT_DOWN) &&
	       s->pending < BIT(ARRAY_SIZE(pending)) &&
	       (!s->sipi_vector || (s->pending & VP_PENDING_SIPI)) &&
	       (!s->pic_vector || (s->pending & VP_PENDING_PIC)) &&
	       !(s->interrupt_state & ~(HV_INTERRUPT_SHADOW | HV_NMI_MASKED)) &&
	       interruption_valid(s->interruption);
}

static void pending_set(struct vp *vp, struct arch_vp_vtl *a, const struct vp_state_activity *s)
{
	unsigned int i;

	atomic_store(&a->lapic.sipi_vector, s->sipi_vector);
	a->extint_vector = s->pic_vector;
	for (i = 0; i < ARRAY_SIZE(pending); i++) {
		atomic_fetch_and(&vp->requests, ~(uint32_t)pending[i].request);
		a->work &= ~(uint32_t)pending[i].work;
		if (!(s->pending & BIT(i)))
			continue;
		a->work |= pending[i].work;
		if (!pending[i].work)
			atomic_fetch_or(&vp->requests, pending[i].request);
	}
}

static bool pending_vectors_differ(const struct arch_vp_vtl *a, const struct vp_state_activity *s)
{
	return ((s->pending & VP_PENDING_SIPI) && s->sipi_vector != a->lapic.sipi_vector) ||
	       ((s->pending & VP_PENDING_PIC) && s->pic_vector != a->extint_vector);
}

static void activity_set(struct vp *vp, struct arch_vp_vtl *a, const struct guest_registers *r)
{
	const struct vp_state_activity *s = &r->activity;

	a->activity = s->activity;
	a->shadow = s->interrupt_state & HV_INTERRUPT_SHADOW;
	a->nmi_masked = s->interrupt_state & HV_NMI_MASKED;
	interruption_set(a, s->interruption);
	if (s->pending != r->pending_read || pending_vectors_differ(a, s))
		pending_set(vp, a, s);
}

/* ---- all registers ---- */

/* VMX keeps nothing of a segment that is not usable but what is left here (SDM 3C 25.4.1), and wants
 * the others to have been accessed (27.3.1.2): so they are the same on each backend. */
static void segment_normalize(struct hv_x64_segment_register *segment, bool is_ss)
{
	if (!(segment->attributes & HV_SEGMENT_P))
		segment->attributes &= is_ss ? HV_SEGMENT_DPL_MASK : 0;
	else if (segment->attributes & HV_SEGMENT_S)
		segment->attributes |= SEGMENT_ACCESSED;
	segment->attributes &= SEGMENT_KNOWN;
}

static void registers_normalize(struct guest_registers *r)
{
	unsigned int i;

	for (i = 0; i < SEGMENT_COUNT; i++)
		segment_normalize(&r->state.segment[i], i == SEGMENT_SS);
	memset(r->state.gdtr.pad, 0, sizeof(r->state.gdtr.pad));
	memset(r->state.idtr.pad, 0, sizeof(r->state.idtr.pad));
	r->rflags |= RFLAGS_FIXED;
	r->state.cr0 |= CR0_ET;
	r->state.dr7 |= DR7_RESET;
}

bool guest_registers_normal(const struct guest_registers *r)
{
	struct guest_registers normal = *r;

	registers_normalize(&normal);
	return memcmp(&normal, r, sizeof(normal)) == 0;
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
	r->xss = vp->arch.xss;
	r->tsc_aux = vp->arch.tsc_aux;
	r->spec_ctrl = vp->arch.spec_ctrl;
	r->npiep = a->npiep;
	r->mtrr = vp->arch.mtrr;
	r->apic_base = lapic_base_get(&a->lapic);
	r->tsc = r->tsc_read = guest_tsc_at(vp, partition_timestamp(vp->partition));
	activity_get(vp, a, r);
	backend->arch.state_get(vp, vtl, STATE_ALL, &r->state);
	registers_normalize(r);
}

/* The syscall MSRs are loaded by WRMSR where the backend does not switch them. */
static bool msrs_valid(const struct guest_state *state)
{
	return !((state->dr6 | state->dr7 | state->sfmask | state->sysenter_cs) >> 32) &&
	       !(state->pat & PAT_RESERVED_TYPES) && pat_valid(state->pat) &&
	       guest_address_is_canonical(state->lstar) &&
	       guest_address_is_canonical(state->cstar) &&
	       guest_address_is_canonical(state->kernel_gs_base) &&
	       guest_address_is_canonical(state->sysenter_esp) &&
	       guest_address_is_canonical(state->sysenter_eip);
}

bool guest_registers_valid(const struct vp *vp, const struct guest_registers *r)
{
	const struct arch_partition *p = &vp->partition->arch;

	return !(r->rflags & ~(RFLAGS_KEPT | RFLAGS_FIXED)) && !(r->tsc_aux >> 32) &&
	       !(r->xss & ~p->xss_allowed) &&
	       !(r->spec_ctrl & ~(p->speculation_allowed & GUEST_SPEC_CTRL)) &&
	       !(r->npiep & ~guest_npiep_allowed(vp->partition)) &&
	       activity_valid(vp, &r->activity) && msrs_valid(&r->state) &&
	       control_valid(vp, &r->state) && guest_xcr0_valid(vp, r->xcr0) &&
	       guest_mtrr_valid(&r->mtrr, vp->partition->physical_bits);
}

void guest_registers_reset(struct vp *vp, uint32_t vtl, struct guest_registers *r)
{
	memset(r, 0, sizeof(*r));
	guest_state_reset(&r->state, CR0_CD | CR0_NW);
	r->state.pat = PAT_RESET;
	r->gpr[GPR_RDX] = guest_signature(vp);
	r->rip = GUEST_RESET_RIP;
	r->rflags = RFLAGS_FIXED;
	r->xcr0 = XCR0_X87;
	r->apic_base = lapic_base_reset(vp_lapic(vp, vtl));
	r->activity.activity = vp->index == 0 ? VP_RUNNING_ACTIVE : VP_WAITS_FOR_SIPI;
}

void guest_registers_apply(struct vp *vp, uint32_t vtl, const struct guest_registers *r)
{
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;

	memcpy(vp->arch.gpr, r->gpr, sizeof(r->gpr));
	memcpy(vp->arch.dr, r->dr, sizeof(r->dr));
	a->rip = r->rip;
	a->rflags = r->rflags | RFLAGS_FIXED;
	if (a->work & WORK_DEBUG)
		guest_debug_moved(vp, vtl);
	vp->arch.cr2 = r->cr2;
	vp->arch.xss = r->xss;
	vp->arch.tsc_aux = r->tsc_aux;
	vp->arch.spec_ctrl = r->spec_ctrl;
	vp->arch.spec_ctrl_entered = r->spec_ctrl | speculation.guest_control;
	vp->arch.mtrr = r->mtrr;
	guest_npiep_set(vp, vtl, r->npiep);
	if (fpu_xcr0(&vp->arch.fpu) != r->xcr0) {
		fpu_release(&vp->arch.fpu);
		vp->arch.fpu.xcr0 = r->xcr0;
	}
	if (r->tsc != r->tsc_read)
		guest_tsc_adjust_set(vp, guest_tsc_adjust_get(vp) + r->tsc - r->tsc_read);
	activity_set(vp, a, r);
	a->work |= WORK_INTERRUPT; /* CR8 may be lower */
	backend->arch.state_set(vp, vtl, STATE_ALL, &r->state);
	guest_tpr_sync(vp);
}

status_t guest_registers_set(struct vp *vp, uint32_t vtl, const struct guest_registers *r)
{
	if (!guest_registers_valid(vp, r))
		return STATUS_INVALID_REGISTER_VALUE;
	/* VTL0's APIC is the active one: there is no other VTL. */
	if (r->apic_base != lapic_base_get(vp_lapic(vp, vtl)) &&
	    (vp->partition->arch.user_apic || !guest_lapic_base_write(vp, r->apic_base)))
		return STATUS_INVALID_REGISTER_VALUE;
	guest_registers_apply(vp, vtl, r);
	return STATUS_OK;
}

/* ---- by name ---- */

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
		if (names[i] == HV_REGISTER_PENDING_EVENT0) {
			event0_get(&r, &values[i]);
			continue;
		}
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
		if (names[i] == HV_REGISTER_PENDING_EVENT0) {
			event0_put(&r, &values[i]);
			continue;
		}
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
