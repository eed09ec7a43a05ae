/* SPDX-License-Identifier: MIT */
/*
 * The registers of the Hyper-V interface, which arm64 guests have by their names alone, through HvCallGetVpRegisters and
 * HvCallSetVpRegisters (TLFS, "HV_REGISTER_NAME"). One table; each needs the privilege or the feature that the
 * partition shows. Nobody has the VP loaded: what places a page may wait for other CPUs.
 */
#include "guest.h"
#include <kernel/hypercall.h>
#include <kernel/hyperv.h>
#include <kernel/synic.h>
#include <trivet/hv/features.h>
#include <trivet/hv/interface_registers.h>

typedef void getter_t(struct vp *vp, uint32_t vtl, uint32_t name, union hv_register_value *value);
typedef status_t setter_t(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value);

struct row {
	uint32_t first, last;
	uint64_t privileges;
	uint32_t features;
	bool shared; /* by all VPs, each of which may set it for another */
	bool places; /* comes one at a time: hv_change_begin() */
	getter_t *get;
	setter_t *set;
};

/* ---- what CPUID tells on x86 (TLFS, "Feature and Interface Discovery (ARM64)") ---- */

/* After so many turns of a spin lock a guest tells, and gives way. */
#define SPIN_RETRIES 0xfffu
#define INTERFACE    0x31237648u /* "Hv#1" */

/* Its third word has bits of its own on arm64; there is no fourth. */
static void get_features(struct vp *vp, uint32_t vtl, uint32_t name, union hv_register_value *value)
{
	const struct hv_partition *hv = vp->partition->hv;

	(void)vtl;
	(void)name;
	value->low = hv->privileges;
	if (hv->features & HV_FEATURE_GUEST_CRASH)
		value->high |= HV_ARM64_FEATURE_GUEST_CRASH;
	if (hv->features & HV_FEATURE_DIRECT_TIMERS)
		value->high |= HV_ARM64_FEATURE_DIRECT_TIMERS;
}

static void get_hints(struct vp *vp, uint32_t vtl, uint32_t name, union hv_register_value *value)
{
	(void)vp;
	(void)vtl;
	(void)name;
	value->low = HV_ARM64_HINT_RELAXED_TIMING | HV_ARM64_HINT_EX_MASKS |
		     (uint64_t)SPIN_RETRIES << 32;
}

/* No version of Microsoft's; as many VPs as a set of them can name; second-level paging. */
static void get_constant(struct vp *vp, uint32_t vtl, uint32_t name, union hv_register_value *value)
{
	(void)vp;
	(void)vtl;
	switch (name) {
	case HV_REGISTER_LIMITS: value->low = HV_VP_SET_VPS; break;
	case HV_REGISTER_HARDWARE: value->low = HV_ARM64_HARDWARE_SLAT; break;
	case HV_REGISTER_INTERFACE: value->low = INTERFACE; break;
	default: break;
	}
}

/* ---- identity, time, pages ---- */

static void get_word(struct vp *vp, uint32_t vtl, uint32_t name, union hv_register_value *value)
{
	const struct hv_vtl *v = &vp->partition->hv->vtl[vtl];

	switch (name) {
	case HV_REGISTER_GUEST_OS_ID: value->low = v->guest_os_id; break;
	case HV_REGISTER_REFERENCE_TSC: value->low = v->reference_tsc.value; break;
	case HV_REGISTER_VP_ASSIST_PAGE: value->low = vp->vtl[vtl]->assist.value; break;
	case HV_REGISTER_VP_INDEX: value->low = vp->index; break;
	case HV_REGISTER_VP_RUNTIME: value->low = hv_vp_runtime(vp); break;
	default: value->low = partition_reference_time(vp->partition); break;
	}
}

static enum synic_page page_of(uint32_t name)
{
	return name == HV_REGISTER_SIMP ? SYNIC_MESSAGES_PAGE : SYNIC_EVENTS;
}

static status_t set_placed(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value)
{
	switch (name) {
	case HV_REGISTER_GUEST_OS_ID: return hv_guest_os_id_set(vp->partition, vtl, value);
	case HV_REGISTER_REFERENCE_TSC: return hv_reference_tsc_set(vp->partition, vtl, value);
	case HV_REGISTER_VP_ASSIST_PAGE: return hv_assist_set(vp, vtl, value);
	default: return synic_page_set(vp, vtl, page_of(name), value);
	}
}

/* ---- synic and timers (TLFS, "SynIC Registers", "Synthetic Timer Registers") ---- */

static void get_synic(struct vp *vp, uint32_t vtl, uint32_t name, union hv_register_value *value)
{
	const struct synic *synic = vp_synic(vp, vtl);

	switch (name) {
	case HV_REGISTER_SCONTROL: value->low = synic->control; break;
	case HV_REGISTER_SVERSION: value->low = HV_SYNIC_VERSION; break;
	case HV_REGISTER_SIEFP:
	case HV_REGISTER_SIMP: value->low = synic->page[page_of(name)].value; break;
	case HV_REGISTER_EOM: value->low = 0; break;
	default: value->low = synic->sint[name - HV_REGISTER_SINT0]; break;
	}
}

static status_t set_synic(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value)
{
	switch (name) {
	case HV_REGISTER_SCONTROL: synic_control_set(vp, vtl, value); break;
	case HV_REGISTER_EOM:
		if (value)
			return STATUS_INVALID_REGISTER_VALUE;
		synic_message_end(vp, vtl);
		break;
	default:
		if (!arch_synic_sint_valid(value))
			return STATUS_INVALID_REGISTER_VALUE;
		synic_sint_set(vp, vtl, name - HV_REGISTER_SINT0, value);
		break;
	}
	return STATUS_OK;
}

/* CONFIG and COUNT of each in turn. */
static void get_timer(struct vp *vp, uint32_t vtl, uint32_t name, union hv_register_value *value)
{
	const struct stimer *timer =
		&vp_synic(vp, vtl)->stimer[(name - HV_REGISTER_STIMER0_CONFIG) / 2];

	value->low = name & 1 ? timer->count : timer->config;
}

static status_t set_timer(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value)
{
	uint32_t n = (name - HV_REGISTER_STIMER0_CONFIG) / 2;

	if (name & 1)
		stimer_count_set(vp, vtl, n, value);
	else if (arch_stimer_config_valid(vp, value))
		stimer_config_set(vp, vtl, n, value);
	else
		return STATUS_INVALID_REGISTER_VALUE;
	return STATUS_OK;
}

/* ---- crash (TLFS, "Partition Crash Enlightenment"): its control reads what it can be asked for ---- */

static void get_crash(struct vp *vp, uint32_t vtl, uint32_t name, union hv_register_value *value)
{
	struct hv_crash *crash = &vp->partition->hv->crash;

	(void)vtl;
	value->low = name == HV_REGISTER_CRASH_CTL ? HV_CRASH_NOTIFY | HV_CRASH_MESSAGE
						   : crash->parameter[name - HV_REGISTER_CRASH_P0];
}

static status_t set_crash(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value)
{
	if (name != HV_REGISTER_CRASH_CTL)
		vp->partition->hv->crash.parameter[name - HV_REGISTER_CRASH_P0] = value;
	else if (value & HV_CRASH_NOTIFY)
		hv_crash_notify(vp, vtl, value);
	return STATUS_OK;
}

/* ---- the table ---- */

#define ONE(name)	 .first = HV_REGISTER_##name, .last = HV_REGISTER_##name
#define RANGE(from, to)	 .first = HV_REGISTER_##from, .last = HV_REGISTER_##to
#define WITH(privilege)	 .privileges = HV_PRIVILEGE_##privilege
#define FEATURE(feature) .features = (uint32_t)HV_FEATURE_##feature

static const struct row rows[] = {
	{ONE(EOM), WITH(SYNIC), .get = get_synic, .set = set_synic},
	{RANGE(STIMER0_CONFIG, STIMER3_COUNT), WITH(SYNTHETIC_TIMERS), .get = get_timer,
	 .set = set_timer},
	{ONE(VERSION), .get = get_constant},
	{ONE(FEATURES), .get = get_features},
	{ONE(HINTS), .get = get_hints},
	{RANGE(LIMITS, HARDWARE), .get = get_constant},
	{ONE(INTERFACE), .get = get_constant},
	{RANGE(CRASH_P0, CRASH_CTL), FEATURE(GUEST_CRASH), .get = get_crash, .set = set_crash},
	{ONE(VP_RUNTIME), WITH(VP_RUNTIME), .get = get_word},
	{ONE(GUEST_OS_ID), WITH(HYPERCALL_MSRS), .shared = true, .places = true, .get = get_word,
	 .set = set_placed},
	{ONE(VP_INDEX), WITH(VP_INDEX), .get = get_word},
	{ONE(TIME_REF_COUNT), WITH(REFERENCE_COUNTER), .get = get_word},
	{ONE(VP_ASSIST_PAGE), .places = true, .get = get_word, .set = set_placed},
	{ONE(REFERENCE_TSC), WITH(REFERENCE_TSC), .shared = true, .places = true, .get = get_word,
	 .set = set_placed},
	{RANGE(SINT0, SINT15), WITH(SYNIC), .get = get_synic, .set = set_synic},
	{ONE(SCONTROL), WITH(SYNIC), .get = get_synic, .set = set_synic},
	{ONE(SVERSION), WITH(SYNIC), .get = get_synic},
	{RANGE(SIEFP, SIMP), WITH(SYNIC), .places = true, .get = get_synic, .set = set_placed},
};

static const struct row *row_find(const struct vp *vp, uint32_t name)
{
	const struct hv_partition *hv = vp->partition->hv;
	const struct row *row;

	for (row = rows; row < rows + ARRAY_SIZE(rows); row++)
		if (name - row->first <= row->last - row->first &&
		    !(row->privileges & ~hv->privileges) && !(row->features & ~hv->features))
			return row;
	return NULL;
}

status_t arch_hv_register_get(struct vp *vp, uint32_t vtl, uint32_t name,
			      union hv_register_value *value)
{
	const struct row *row = row_find(vp, name);

	if (!row)
		return STATUS_INVALID_REGISTER;
	row->get(vp, vtl, name, value);
	return STATUS_OK;
}

status_t arch_hv_register_set(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value, bool own)
{
	struct hv_partition *hv = vp->partition->hv;
	const struct row *row = row_find(vp, name);
	status_t status;

	if (!row || !row->set)
		return STATUS_INVALID_REGISTER;
	if (!own && !row->shared)
		return STATUS_WRONG_STATE;
	if (!row->places)
		return row->set(vp, vtl, name, value);
	if (!hv_change_begin(hv))
		return STATUS_BUSY;
	status = row->set(vp, vtl, name, value);
	hv_change_end(hv);
	return status;
}
