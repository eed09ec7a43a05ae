/* SPDX-License-Identifier: MIT */
/*
 * The synthetic MSRs of the Hyper-V interface (TLFS, "HV_X64_MSR_..."), which need the privilege or the
 * feature that the partition has by its CPUID. The table below is all of them, those that are written often
 * first; others answer #GP, and so do those without a reader that are read, or without a writer that are written.
 *
 * What places a page waits for other CPUs: such a write is made when the VP is off its CPU (outside.h), and so
 * is one that may end the emulation of TSCs, as both come one at a time.
 */
#include "hv_msr.h"
#include "guest.h"
#include "hv_synic.h"
#include "npiep.h"
#include "outside.h"
#include <kernel/cpu.h>
#include <kernel/hypercall.h>
#include <kernel/string.h>
#include <trivet/hv/features.h>

typedef bool reader_t(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value);
typedef bool writer_t(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value);

struct hv_msr_row {
	uint32_t first, last;
	uint32_t name; /* of the first as a register (TLFS, "HV_REGISTER_NAME"); 0: it has none */
	uint32_t features;   /* HV_FEATURE_... */
	uint32_t privileges; /* HV_PRIVILEGE_... */
	reader_t *read;
	writer_t *write;
	bool places; /* a page, or the partition's rate of time: register_place() writes it, outside */
};

/* ---- identity, and what places a page ---- */

static bool read_placed(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	const struct hv_vtl *v = &vp->partition->hv->vtl[vtl];

	switch (msr) {
	case HV_MSR_GUEST_OS_ID: *value = v->guest_os_id; break;
	case HV_MSR_HYPERCALL: *value = v->hypercall.value; break;
	case HV_MSR_REFERENCE_TSC: *value = v->reference_tsc.value; break;
	default: *value = vp->vtl[vtl]->assist.value; break;
	}
	return true;
}

static status_t placed(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	switch (msr) {
	case HV_MSR_GUEST_OS_ID: return hv_guest_os_id_set(vp->partition, vtl, value);
	case HV_MSR_HYPERCALL: return hv_hypercall_set(vp->partition, vtl, value);
	case HV_MSR_REFERENCE_TSC: return hv_reference_tsc_set(vp->partition, vtl, value);
	case HV_MSR_SIEFP:
	case HV_MSR_SIMP: return synic_page_set(vp, vtl, guest_synic_page(msr), value);
	case HV_MSR_TSC_EMULATION_CONTROL: return hv_tsc_emulation_set(vp->partition, value);
	case HV_MSR_TSC_EMULATION_STATUS: return hv_tsc_status_set(vp->partition, value);
	default: return hv_assist_set(vp, vtl, value);
	}
}

static status_t register_place(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	struct hv_partition *hv = vp->partition->hv;
	status_t status;

	if (!hv_change_begin(hv))
		return STATUS_BUSY;
	status = placed(vp, vtl, msr, value);
	hv_change_end(hv);
	return status;
}

static bool read_vp_index(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	(void)vtl;
	(void)msr;
	*value = vp->index;
	return true;
}

/* ---- time ---- */

static bool read_runtime(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	(void)vtl;
	(void)msr;
	*value = hv_vp_runtime(vp);
	return true;
}

static bool read_counter(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	(void)vtl;
	(void)msr;
	*value = partition_reference_time(vp->partition);
	return true;
}

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

static bool write_tsc_control(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)vtl;
	if (msr == HV_MSR_TSC_INVARIANT_CONTROL)
		return hv_tsc_invariant_set(vp->partition, value);
	return hv_reenlightenment_set(vp->partition, value);
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
static bool write_eoi(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)msr;
	return value <= UINT32_MAX && apic_write(vp, vtl, LAPIC_EOI, 0);
}

/* The page has it in two halves. */
static bool read_icr(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	(void)msr;
	return apic_read(vp, vtl, LAPIC_ICR, value) &&
	       (lapic_is_x2apic(vp_lapic(vp, vtl)) ||
		guest_lapic_read(vp, vtl, LAPIC_ICR_HIGH, (uint32_t *)value + 1));
}

static bool write_icr(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)msr;
	if (!lapic_is_x2apic(vp_lapic(vp, vtl)) &&
	    !guest_lapic_write(vp, vtl, LAPIC_ICR_HIGH, (uint32_t)(value >> 32)))
		return false;
	return apic_write(vp, vtl, LAPIC_ICR, value);
}

static bool read_tpr(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	(void)msr;
	return apic_read(vp, vtl, LAPIC_TPR, value);
}

static bool write_tpr(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)msr;
	return value <= UINT8_MAX && apic_write(vp, vtl, LAPIC_TPR, value);
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

static bool write_npiep(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)msr;
	if (value & ~guest_npiep_allowed(vp->partition))
		return false;
	guest_npiep_set(vp, vtl, value);
	return true;
}

/* ---- crash ---- */

static bool read_crash(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	(void)vtl;
	*value = vp->partition->hv->crash.parameter[msr - HV_MSR_CRASH_P0];
	return true;
}

static bool write_crash(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)vtl;
	vp->partition->hv->crash.parameter[msr - HV_MSR_CRASH_P0] = value;
	return true;
}

/* It reads what it can be asked for. */
static bool read_crash_control(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value)
{
	(void)vp;
	(void)vtl;
	(void)msr;
	*value = HV_CRASH_NOTIFY | HV_CRASH_MESSAGE;
	return true;
}

static bool write_crash_control(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)msr;
	if (!(value & HV_CRASH_NOTIFY))
		return true;
	hv_crash_notify(vp, vtl, value);
	/* The thread that was told may be more urgent than the VP, which leaves its CPU once for that. */
	if (cpu_is_wanted(this_cpu()))
		vp_request(vp, VP_REQUEST_OUTSIDE);
	return true;
}

/* ---- the table ---- */

#define ONE(name)     .first = HV_MSR_##name, .last = HV_MSR_##name
#define WITH(name)    .privileges = HV_PRIVILEGE_##name
#define FEATURE(name) .features = (uint32_t)HV_FEATURE_##name

static const struct hv_msr_row rows[] = {
	/* A running guest writes these all the time. */
	{.first = HV_MSR_STIMER0_CONFIG,
	 .last = HV_MSR_STIMER3_COUNT,
	 .name = 0x000b0000,
	 WITH(SYNTHETIC_TIMERS),
	 .read = guest_stimer_read,
	 .write = guest_stimer_write},
	{ONE(EOM), .name = 0x000a0014, WITH(SYNIC), .read = guest_synic_read,
	 .write = guest_synic_write},
	{ONE(GUEST_OS_ID), .name = 0x00090002, WITH(HYPERCALL_MSRS), .read = read_placed,
	 .places = true},
	{ONE(HYPERCALL), .name = 0x00090001, WITH(HYPERCALL_MSRS), .read = read_placed,
	 .places = true},
	{ONE(VP_INDEX), .name = 0x00090003, WITH(VP_INDEX), .read = read_vp_index},
	{ONE(VP_RUNTIME), .name = 0x00090000, WITH(VP_RUNTIME), .read = read_runtime},
	{ONE(TIME_REF_COUNT), .name = 0x00090004, WITH(REFERENCE_COUNTER), .read = read_counter},
	{ONE(REFERENCE_TSC), .name = 0x00090017, WITH(REFERENCE_TSC), .read = read_placed,
	 .places = true},
	{.first = HV_MSR_TSC_FREQUENCY,
	 .last = HV_MSR_APIC_FREQUENCY,
	 WITH(FREQUENCIES),
	 FEATURE(FREQUENCIES),
	 .read = read_frequency},
	{ONE(NPIEP_CONFIG), FEATURE(NPIEP), .read = read_npiep, .write = write_npiep},
	{ONE(EOI), WITH(APIC_MSRS), .write = write_eoi},
	{ONE(ICR), WITH(APIC_MSRS), .read = read_icr, .write = write_icr},
	{ONE(TPR), WITH(APIC_MSRS), .read = read_tpr, .write = write_tpr},
	/* Linux writes it without a look at any privilege. */
	{ONE(VP_ASSIST_PAGE), .name = 0x00090013, .read = read_placed, .places = true},
	{.first = HV_MSR_SCONTROL,
	 .last = HV_MSR_SVERSION,
	 .name = 0x000a0010,
	 WITH(SYNIC),
	 .read = guest_synic_read,
	 .write = guest_synic_write},
	{.first = HV_MSR_SIEFP,
	 .last = HV_MSR_SIMP,
	 .name = 0x000a0012,
	 WITH(SYNIC),
	 .read = guest_synic_read,
	 .places = true},
	{.first = HV_MSR_SINT0,
	 .last = HV_MSR_SINT15,
	 .name = 0x000a0000,
	 WITH(SYNIC),
	 .read = guest_synic_read,
	 .write = guest_synic_write},
	{ONE(GUEST_IDLE), WITH(GUEST_IDLE), FEATURE(GUEST_IDLE), .read = read_idle},
	{.first = HV_MSR_CRASH_P0,
	 .last = HV_MSR_CRASH_P4,
	 .name = 0x00000210,
	 FEATURE(GUEST_CRASH),
	 .read = read_crash,
	 .write = write_crash},
	{ONE(CRASH_CTL), .name = 0x00000215, FEATURE(GUEST_CRASH), .read = read_crash_control,
	 .write = write_crash_control},
	{ONE(REENLIGHTENMENT_CONTROL), WITH(REENLIGHTENMENT), .read = read_tsc_control,
	 .write = write_tsc_control},
	{.first = HV_MSR_TSC_EMULATION_CONTROL,
	 .last = HV_MSR_TSC_EMULATION_STATUS,
	 WITH(REENLIGHTENMENT),
	 .read = read_tsc_control,
	 .places = true},
	{ONE(TSC_INVARIANT_CONTROL), WITH(TSC_INVARIANT), .read = read_tsc_control,
	 .write = write_tsc_control},
};

static const struct hv_msr_row *row_find(const struct vp *vp, uint32_t msr)
{
	const struct hv_partition *hv = vp->partition->hv;
	const struct hv_msr_row *row;

	for (row = rows; row < rows + ARRAY_SIZE(rows); row++)
		if (msr - row->first <= row->last - row->first &&
		    !(row->privileges & ~hv->privileges) && !(row->features & ~hv->features))
			return row;
	return NULL;
}

bool guest_hv_msr_read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	const struct hv_msr_row *row = row_find(vp, msr);

	return row && row->read && row->read(vp, vp->active_vtl, msr, value);
}

bool guest_hv_msr_write(struct vp *vp, uint32_t msr, uint64_t value)
{
	const struct hv_msr_row *row = row_find(vp, msr);

	if (row && row->places)
		guest_outside_ask(vp, OUTSIDE_MSR_WRITE);
	return row && row->write && row->write(vp, vp->active_vtl, msr, value);
}

status_t guest_hv_msr_place(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	const struct hv_msr_row *row = row_find(vp, msr);

	if (row && row->places)
		return register_place(vp, vtl, msr, value);
	if (!row || !row->write)
		return STATUS_INVALID_REGISTER;
	return row->write(vp, vtl, msr, value) ? STATUS_OK : STATUS_INVALID_REGISTER_VALUE;
}

/* ---- as registers with names ---- */

#define NAME_VERSION	   0x00000100u
#define NAME_FEATURES	   0x00000200u /* and three more: as the leaves from HV_CPUID_FEATURES on */
#define NAME_FEATURES_LAST 0x00000203u

/* The MSR that a name means; 0: none. */
static uint32_t msr_of(uint32_t name)
{
	const struct hv_msr_row *row;

	for (row = rows; row < rows + ARRAY_SIZE(rows); row++)
		if (row->name && name - row->name <= row->last - row->first)
			return row->first + (name - row->name);
	return 0;
}

status_t arch_hv_register_get(struct vp *vp, uint32_t vtl, uint32_t name,
			      union hv_register_value *value)
{
	uint32_t msr = msr_of(name), leaf = HV_CPUID_FEATURES + (name - NAME_FEATURES);
	const struct hv_msr_row *row = row_find(vp, msr);

	if (row && row->read && row->read(vp, vtl, msr, &value->low))
		return STATUS_OK;
	if (name == NAME_VERSION)
		leaf = HV_CPUID_VERSION;
	else if (name - NAME_FEATURES > NAME_FEATURES_LAST - NAME_FEATURES)
		return STATUS_INVALID_REGISTER;
	guest_cpuid_query(vp, leaf, 0, (uint32_t *)value);
	return STATUS_OK;
}

/* Of another VP only what is the partition's, and places a page of it: with the rest its own CPU works. */
status_t arch_hv_register_set(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value, bool own)
{
	uint32_t msr = msr_of(name);
	const struct hv_msr_row *row = row_find(vp, msr);

	if (!own && row && (row->write || (row->places && msr >= HV_MSR_VP_ASSIST_PAGE)))
		return STATUS_WRONG_STATE;
	return guest_hv_msr_place(vp, vtl, msr, value);
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
