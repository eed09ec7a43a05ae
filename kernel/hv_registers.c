/* SPDX-License-Identifier: MIT */
/* See hv_registers.h. Each needs the privilege or the feature that the partition shows. */
#include <kernel/hv_registers.h>
#include <kernel/synic.h>
#include <trivet/hv/features.h>

/* ---- identity, time ---- */

static __cold bool get_word(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t *value)
{
	const struct hv_vtl *v = &vp->partition->hv->vtl[vtl];

	switch (name) {
	case HV_REGISTER_GUEST_OS_ID: *value = v->guest_os_id; break;
	case HV_REGISTER_HYPERCALL: *value = v->hypercall.value; break;
	case HV_REGISTER_REFERENCE_TSC: *value = v->reference_tsc.value; break;
	case HV_REGISTER_VP_ASSIST_PAGE: *value = vp->vtl[vtl]->assist.value; break;
	case HV_REGISTER_VP_INDEX: *value = vp->index; break;
	case HV_REGISTER_VP_RUNTIME: *value = hv_vp_runtime(vp); break;
	default: *value = partition_reference_time(vp->partition); break;
	}
	return true;
}

/* ---- what places a page ---- */

static enum synic_page page_of(uint32_t name)
{
	return name == HV_REGISTER_SIMP ? SYNIC_MESSAGES_PAGE : SYNIC_EVENTS;
}

static __cold status_t set_placed(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value)
{
	switch (name) {
	case HV_REGISTER_GUEST_OS_ID: return hv_guest_os_id_set(vp->partition, vtl, value);
	case HV_REGISTER_HYPERCALL: return hv_hypercall_set(vp->partition, vtl, value);
	case HV_REGISTER_REFERENCE_TSC: return hv_reference_tsc_set(vp->partition, vtl, value);
	case HV_REGISTER_VP_ASSIST_PAGE: return hv_assist_set(vp, vtl, value);
	default: return synic_page_set(vp, vtl, page_of(name), value);
	}
}

/* ---- synic (TLFS, "SynIC Registers"): a partition with the privilege has one for each VTL ---- */

static __cold bool get_synic(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t *value)
{
	const struct synic *synic = vp_synic(vp, vtl);

	switch (name) {
	case HV_REGISTER_SCONTROL: *value = synic->control; break;
	case HV_REGISTER_SVERSION: *value = HV_SYNIC_VERSION; break;
	case HV_REGISTER_SIEFP:
	case HV_REGISTER_SIMP: *value = synic->page[page_of(name)].value; break;
	case HV_REGISTER_EOM: *value = 0; break;
	default: *value = synic->sint[name - HV_REGISTER_SINT0]; break;
	}
	return true;
}

static status_t set_eom(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value)
{
	(void)name;
	if (value)
		return STATUS_INVALID_REGISTER_VALUE;
	synic_message_end(vp, vtl);
	return STATUS_OK;
}

/* Bits that the TLFS wants preserved are kept. */
static __cold status_t set_synic(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value)
{
	if (name == HV_REGISTER_SCONTROL) {
		synic_control_set(vp, vtl, value);
		return STATUS_OK;
	}
	if (!arch_synic_sint_valid(value))
		return STATUS_INVALID_REGISTER_VALUE;
	synic_sint_set(vp, vtl, name - HV_REGISTER_SINT0, value);
	return STATUS_OK;
}

/* ---- its timers (TLFS, "Synthetic Timer Registers"): CONFIG and COUNT of each in turn ---- */

static __cold bool get_stimer(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t *value)
{
	const struct stimer *timer =
		&vp_synic(vp, vtl)->stimer[(name - HV_REGISTER_STIMER0_CONFIG) / 2];

	*value = name & 1 ? timer->count : timer->config;
	return true;
}

static __attribute__((noinline)) bool config_write(struct vp *vp, uint32_t vtl, uint32_t timer,
						   uint64_t value)
{
	if (!arch_stimer_config_valid(vp, value))
		return false;
	stimer_config_set(vp, vtl, timer, value);
	return true;
}

bool hv_stimer_write(struct vp *vp, uint32_t vtl, uint32_t place, uint64_t value)
{
	if (!(place & 1))
		return config_write(vp, vtl, place / 2, value);
	stimer_count_set(vp, vtl, place / 2, value);
	return true;
}

static status_t set_stimer(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value)
{
	return hv_stimer_write(vp, vtl, name - HV_REGISTER_STIMER0_CONFIG, value)
		       ? STATUS_OK
		       : STATUS_INVALID_REGISTER_VALUE;
}

/* ---- crash (TLFS, "Partition Crash Enlightenment"): its control reads what it can be asked for ---- */

static __cold bool get_crash(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t *value)
{
	const struct hv_crash *crash = &vp->partition->hv->crash;

	(void)vtl;
	*value = name == HV_REGISTER_CRASH_CTL ? HV_CRASH_NOTIFY | HV_CRASH_MESSAGE
					       : crash->parameter[name - HV_REGISTER_CRASH_P0];
	return true;
}

static __cold status_t set_crash(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value)
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

const struct hv_register_row hv_register_rows[HV_ROWS] = {
	[HV_ROW_STIMERS] = {RANGE(STIMER0_CONFIG, STIMER3_COUNT), WITH(SYNTHETIC_TIMERS),
			    .get = get_stimer, .set = set_stimer},
	[HV_ROW_EOM] = {ONE(EOM), WITH(SYNIC), .get = get_synic, .set = set_eom},
	[HV_ROW_GUEST_OS_ID] = {ONE(GUEST_OS_ID), WITH(HYPERCALL_MSRS), .shared = true,
				.places = true, .get = get_word, .set = set_placed},
	[HV_ROW_HYPERCALL] = {ONE(HYPERCALL), WITH(HYPERCALL_MSRS), .shared = true, .places = true,
			      .pcs = true, .get = get_word, .set = set_placed},
	[HV_ROW_VP_INDEX] = {ONE(VP_INDEX), WITH(VP_INDEX), .get = get_word},
	[HV_ROW_VP_RUNTIME] = {ONE(VP_RUNTIME), WITH(VP_RUNTIME), .get = get_word},
	[HV_ROW_TIME_REF_COUNT] = {ONE(TIME_REF_COUNT), WITH(REFERENCE_COUNTER), .get = get_word},
	[HV_ROW_REFERENCE_TSC] = {ONE(REFERENCE_TSC), WITH(REFERENCE_TSC), .shared = true,
				  .places = true, .get = get_word, .set = set_placed},
	/* Linux writes it without a look at any privilege. */
	[HV_ROW_VP_ASSIST_PAGE] = {ONE(VP_ASSIST_PAGE), .places = true, .get = get_word,
				   .set = set_placed},
	[HV_ROW_SCONTROL] = {ONE(SCONTROL), WITH(SYNIC), .get = get_synic, .set = set_synic},
	[HV_ROW_SVERSION] = {ONE(SVERSION), WITH(SYNIC), .get = get_synic},
	[HV_ROW_PAGES] = {RANGE(SIEFP, SIMP), WITH(SYNIC), .places = true, .get = get_synic,
			  .set = set_placed},
	[HV_ROW_SINTS] = {RANGE(SINT0, SINT15), WITH(SYNIC), .get = get_synic, .set = set_synic},
	[HV_ROW_CRASH] = {RANGE(CRASH_P0, CRASH_CTL), FEATURE(GUEST_CRASH), .get = get_crash,
			  .set = set_crash},
};

const struct hv_register_row *hv_register_find(const struct vp *vp, uint32_t name)
{
	const struct hv_register_row *row;

	for (row = hv_register_rows; row < hv_register_rows + HV_ROWS; row++)
		if (name - row->first <= row->last - row->first)
			return hv_row_is_there(vp, row) && !(row->pcs && !ARCH_HAS_APICS) ? row
											  : NULL;
	return NULL;
}

status_t hv_register_put(struct vp *vp, uint32_t vtl, const struct hv_register_row *row,
			 uint32_t name, uint64_t value)
{
	struct hv_partition *hv = vp->partition->hv;
	status_t status;

	if (!row->set)
		return STATUS_INVALID_REGISTER;
	if (!row->places)
		return row->set(vp, vtl, name, value);
	if (!hv_change_begin(hv))
		return STATUS_BUSY;
	status = row->set(vp, vtl, name, value);
	hv_change_end(hv);
	return status;
}

__cold status_t hv_register_get(struct vp *vp, uint32_t vtl, uint32_t name,
				union hv_register_value *value)
{
	const struct hv_register_row *row = hv_register_find(vp, name);

	if (row)
		return row->get(vp, vtl, name, &value->low) ? STATUS_OK : STATUS_INVALID_REGISTER;
	return arch_hv_information(vp, name, value) ? STATUS_OK : STATUS_INVALID_REGISTER;
}
