/* SPDX-License-Identifier: MIT */
/*
 * The synthetic MSRs of the Hyper-V interface (TLFS, "HV_X64_MSR_..."), which need the privilege or the
 * feature that the partition has by its CPUID. Most are the registers that arm64 has too (kernel/hv_registers.c); the
 * tables below are all, those that are written often first. Others answer #GP, and so do those without a getter that
 * are read, or without a setter that are written.
 *
 * What places a page waits for other CPUs: such a write is made when the VP is off its CPU (outside.h), and so
 * is one that may end the emulation of TSCs, as both come one at a time.
 */
#include "hv_msr.h"
#include "guest.h"
#include "npiep.h"
#include "outside.h"
#include <kernel/cpu.h>
#include <kernel/hv_registers.h>
#include <kernel/string.h>
#include <trivet/hv/features.h>

/* ---- time ---- */

static bool read_frequency(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	(void)vtl;
	*value = msr == HV_MSR_TSC_FREQUENCY ? hv_tsc_hz(vp->partition) : LAPIC_BUS_HZ;
	return true;
}

static bool read_tsc_control(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	const struct hv_tsc *tsc = &vp->partition->hv->tsc;

	(void)vtl;
	switch (msr) {
	case HV_MSR_REENLIGHTENMENT_CONTROL: *value = tsc->reenlightenment; break;
	case HV_MSR_TSC_EMULATION_CONTROL: *value = tsc->emulation; break;
	case HV_MSR_TSC_EMULATION_STATUS: *value = tsc->emulated; break;
	default: *value = tsc->invariant; break;
	}
	return true;
}

static status_t status_of(bool valid)
{
	return valid ? STATUS_OK : STATUS_INVALID_REGISTER_VALUE;
}

static status_t write_tsc_control(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)vtl;
	if (msr == HV_MSR_TSC_INVARIANT_CONTROL)
		return status_of(hv_tsc_invariant_set(vp->partition, value));
	return status_of(hv_reenlightenment_set(vp->partition, value));
}

static status_t write_emulation(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)vtl;
	if (msr == HV_MSR_TSC_EMULATION_CONTROL)
		return hv_tsc_emulation_set(vp->partition, value);
	return hv_tsc_status_set(vp->partition, value);
}

/* ---- the APIC (TLFS, "Local APIC MSR Accesses"): as its page or its own MSRs would do ---- */

#define APIC_MSR(offset) (X2APIC_MSR_BASE + (offset) / 16)

static bool apic_read(struct vp *vp, uint32_t vtl, uint32_t offset, uint64_t *value)
{
	if (lapic_is_x2apic(vp_lapic(vp, vtl)))
		return guest_lapic_msr_read(vp, APIC_MSR(offset), value);
	*value = 0;
	return guest_lapic_read(vp, vtl, offset, (uint32_t *)value);
}

static bool apic_write(struct vp *vp, uint32_t vtl, uint32_t offset, uint64_t value)
{
	if (lapic_is_x2apic(vp_lapic(vp, vtl)))
		return guest_lapic_msr_write(vp, APIC_MSR(offset), value);
	return guest_lapic_write(vp, vtl, offset, (uint32_t)value);
}

/* The value does not matter, but in x2APIC mode its own MSR takes 0 alone. */
static status_t write_eoi(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)msr;
	return status_of(value <= UINT32_MAX && apic_write(vp, vtl, LAPIC_EOI, 0));
}

/* The page has it in two halves. */
static bool read_icr(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	(void)msr;
	return apic_read(vp, vtl, LAPIC_ICR, value) &&
	       (lapic_is_x2apic(vp_lapic(vp, vtl)) ||
		guest_lapic_read(vp, vtl, LAPIC_ICR_HIGH, (uint32_t *)value + 1));
}

static status_t write_icr(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)msr;
	if (!lapic_is_x2apic(vp_lapic(vp, vtl)) &&
	    !guest_lapic_write(vp, vtl, LAPIC_ICR_HIGH, (uint32_t)(value >> 32)))
		return STATUS_INVALID_REGISTER_VALUE;
	return status_of(apic_write(vp, vtl, LAPIC_ICR, value));
}

static bool read_tpr(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	(void)msr;
	return apic_read(vp, vtl, LAPIC_TPR, value);
}

static status_t write_tpr(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)msr;
	return status_of(value <= UINT8_MAX && apic_write(vp, vtl, LAPIC_TPR, value));
}

/* ---- idle ---- */

/* TLFS, "Virtual Processor Idle Sleep State": a halt that an interrupt ends even while RFLAGS.IF is clear. */
static bool read_idle(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = 0;
	vp->vtl[vtl]->arch.activity = ACTIVITY_IDLE;
	return true;
}

/* ---- NPIEP ---- */

static bool read_npiep(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	(void)msr;
	*value = vp->vtl[vtl]->arch.npiep;
	return true;
}

static status_t write_npiep(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)msr;
	if (value & ~guest_npiep_allowed(vp->partition))
		return STATUS_INVALID_REGISTER_VALUE;
	guest_npiep_set(vp, vtl, value);
	return STATUS_OK;
}

/* ---- the tables ---- */

#define ONE(name)     .first = HV_MSR_##name, .last = HV_MSR_##name
#define WITH(name)    .privileges = HV_PRIVILEGE_##name
#define FEATURE(name) .features = (uint32_t)HV_FEATURE_##name

/* Those of PCs alone, whose names are their MSRs. */
static const struct hv_register_row own_rows[] = {
	{.first = HV_MSR_TSC_FREQUENCY,
	 .last = HV_MSR_APIC_FREQUENCY,
	 WITH(FREQUENCIES),
	 FEATURE(FREQUENCIES),
	 .get = read_frequency},
	{ONE(NPIEP_CONFIG), FEATURE(NPIEP), .get = read_npiep, .set = write_npiep},
	{ONE(EOI), WITH(APIC_MSRS), .set = write_eoi},
	{ONE(ICR), WITH(APIC_MSRS), .get = read_icr, .set = write_icr},
	{ONE(TPR), WITH(APIC_MSRS), .get = read_tpr, .set = write_tpr},
	{ONE(GUEST_IDLE), WITH(GUEST_IDLE), FEATURE(GUEST_IDLE), .get = read_idle},
	{ONE(REENLIGHTENMENT_CONTROL), WITH(REENLIGHTENMENT), .get = read_tsc_control,
	 .set = write_tsc_control},
	{.first = HV_MSR_TSC_EMULATION_CONTROL,
	 .last = HV_MSR_TSC_EMULATION_STATUS,
	 WITH(REENLIGHTENMENT),
	 .places = true,
	 .get = read_tsc_control,
	 .set = write_emulation},
	{ONE(TSC_INVARIANT_CONTROL), WITH(TSC_INVARIANT), .get = read_tsc_control,
	 .set = write_tsc_control},
};

/* Where those stand among the MSRs that have names on both architectures. */
static const struct {
	uint32_t msr;
	enum hv_row row;
} shared_rows[] = {
	{HV_MSR_EOM, HV_ROW_EOM},
	{HV_MSR_STIMER0_CONFIG, HV_ROW_STIMERS},
	{HV_MSR_GUEST_OS_ID, HV_ROW_GUEST_OS_ID},
	{HV_MSR_HYPERCALL, HV_ROW_HYPERCALL},
	{HV_MSR_VP_INDEX, HV_ROW_VP_INDEX},
	{HV_MSR_VP_RUNTIME, HV_ROW_VP_RUNTIME},
	{HV_MSR_TIME_REF_COUNT, HV_ROW_TIME_REF_COUNT},
	{HV_MSR_REFERENCE_TSC, HV_ROW_REFERENCE_TSC},
	{HV_MSR_VP_ASSIST_PAGE, HV_ROW_VP_ASSIST_PAGE},
	{HV_MSR_SCONTROL, HV_ROW_SCONTROL},
	{HV_MSR_SVERSION, HV_ROW_SVERSION},
	{HV_MSR_SIEFP, HV_ROW_PAGES},
	{HV_MSR_SINT0, HV_ROW_SINTS},
	{HV_MSR_CRASH_P0, HV_ROW_CRASH},
};

/* *name: as the row calls it. */
static const struct hv_register_row *row_of(uint32_t msr, uint32_t *name)
{
	const struct hv_register_row *row;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shared_rows); i++) {
		row = &hv_register_rows[shared_rows[i].row];
		*name = row->first + (msr - shared_rows[i].msr);
		if (msr - shared_rows[i].msr <= row->last - row->first)
			return row;
	}
	*name = msr;
	for (row = own_rows; row < own_rows + ARRAY_SIZE(own_rows); row++)
		if (msr - row->first <= row->last - row->first)
			return row;
	return NULL;
}

static const struct hv_register_row *row_find(const struct vp *vp, uint32_t msr, uint32_t *name)
{
	const struct hv_register_row *row = row_of(msr, name);

	return row && hv_row_is_there(vp, row) ? row : NULL;
}

bool guest_hv_msr_read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	uint32_t name;
	const struct hv_register_row *row = row_find(vp, msr, &name);

	return row && row->get && row->get(vp, vp->active_vtl, name, value);
}

/* A thread that was told of a crash may be more urgent than the VP, which leaves its CPU once for that. */
bool guest_hv_msr_write(struct vp *vp, uint32_t msr, uint64_t value)
{
	uint32_t name;
	const struct hv_register_row *row = row_find(vp, msr, &name);

	if (!row || !row->set)
		return false;
	if (row->places) {
		guest_outside_ask(vp, OUTSIDE_MSR_WRITE);
		return false;
	}
	if (row->set(vp, vp->active_vtl, name, value) != STATUS_OK)
		return false;
	if (msr == HV_MSR_CRASH_CTL && cpu_is_wanted(this_cpu()))
		vp_request(vp, VP_REQUEST_OUTSIDE);
	return true;
}

status_t guest_hv_msr_place(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	uint32_t name;
	const struct hv_register_row *row = row_find(vp, msr, &name);

	return row ? hv_register_put(vp, vtl, row, name, value) : STATUS_INVALID_REGISTER;
}

bool arch_hv_information(struct vp *vp, uint32_t name, union hv_register_value *value)
{
	uint32_t leaf = HV_CPUID_FEATURES + (name - HV_REGISTER_FEATURES);

	if (name == HV_REGISTER_VERSION)
		leaf = HV_CPUID_VERSION;
	else if (name - HV_REGISTER_FEATURES > HV_REGISTER_HARDWARE - HV_REGISTER_FEATURES)
		return false;
	guest_cpuid_query(vp, leaf, 0, (uint32_t *)value);
	return true;
}

/* ---- what kernel/hyperv.c asks ---- */

/* The VMM's leaves can take away, but not give. */
void arch_hv_features(const struct partition *partition, uint64_t *privileges, uint32_t *features)
{
	uint32_t shown[4], there[4];

	guest_cpuid_built(partition, HV_CPUID_FEATURES, shown);
	guest_cpuid_default(&partition->config, HV_CPUID_FEATURES, 0, there);
	*privileges = (shown[CPUID_EAX] & there[CPUID_EAX]) |
		      (uint64_t)(shown[CPUID_EBX] & there[CPUID_EBX]) << 32;
	*features = shown[CPUID_EDX] & there[CPUID_EDX];
}

#define LEAF_POWER    0x80000007u
#define INVARIANT_TSC 8u /* of EDX */

bool arch_hv_invariant_show(struct partition *partition, bool on)
{
	bool before = guest_cpuid_has(partition, LEAF_POWER, CPUID_EDX, INVARIANT_TSC);

	guest_cpuid_show(partition, LEAF_POWER, CPUID_EDX, INVARIANT_TSC, on);
	return before;
}

void arch_hv_assist(struct vp *vp, uint32_t vtl, void *page)
{
	lapic_assist_set(vp_lapic(vp, vtl), page);
}

#define INT3	    0xcc
#define VMCALL_RET  0xc3c1010fu
#define VMMCALL_RET 0xc3d9010fu

void arch_hypercall_page_fill(const struct partition *partition, uint8_t *page)
{
	memset(page, INT3, PAGE_SIZE);
	*(uint32_t *)page = guest_cpuid_is_amd(partition) ? VMMCALL_RET : VMCALL_RET;
}
