/* SPDX-License-Identifier: MIT */
/*
 * What guests call by HVC #0 and SMC #0 alike: PSCI 1.1 (Arm DEN 0022) and the general services of SMCCC 1.1 (DEN
 * 0028). One table; what is not in it answers NOT_SUPPORTED in X0.
 */
#include "guest.h"
#include <kernel/cpu.h>

#define PSCI_VERSION_1_1  0x10001
#define SMCCC_VERSION_1_1 0x10001

enum call_status {
	CALL_SUCCESS = 0,
	CALL_NOT_SUPPORTED = -1,
	CALL_INVALID_PARAMETERS = -2,
	CALL_ALREADY_ON = -4,
	CALL_ON_PENDING = -5,
	CALL_INTERNAL_FAILURE = -6,
	CALL_INVALID_ADDRESS = -9,
	CALL_NOT_REQUIRED = 1, /* of a workaround, by ARCH_FEATURES */
};

#define CALL_64		    BIT(30)
#define MIGRATE_NOT_NEEDED  2 /* there is no trusted OS that would have to move */
#define RESET_VENDOR	    BIT(31)
#define CSV2_SHIFT	    56
#define CSV2_BRANCH_HISTORY 3 /* FEAT_CSV2_3 */
#define SSBS_SHIFT	    4

struct call {
	struct vp *vp;
	uint64_t function, x[3]; /* arguments 1 to 3 */
	enum vp_outcome outcome;
};

typedef int64_t call_function_t(struct call *call);

/* ---- PSCI ---- */

static int64_t psci_version(struct call *call)
{
	(void)call;
	return PSCI_VERSION_1_1;
}

/* X1: the target's MPIDR. NULL: there is none. */
static struct vp *target_of(const struct call *call)
{
	uint32_t index;

	return guest_mpidr_index(call->vp->partition, call->x[0], &index)
		       ? call->vp->partition->vps[index]
		       : NULL;
}

/* Power goes from OFF by whoever comes first; the entry is looked at after the request alone. */
static int64_t cpu_on(struct call *call)
{
	struct vp *target = target_of(call);
	uint32_t power = PSCI_OFF;
	struct arch_vp_vtl *a;

	if (!target)
		return CALL_INVALID_PARAMETERS;
	if (call->x[1] >> call->vp->partition->physical_bits || (call->x[1] & 3))
		return CALL_INVALID_ADDRESS;
	a = vp_arch(target);
	if (!atomic_compare_exchange_strong(&a->power, &power, PSCI_STARTING))
		return power == PSCI_ON ? CALL_ALREADY_ON : CALL_ON_PENDING;
	a->entry = call->x[1];
	a->context = call->x[2];
	atomic_store(&a->power, PSCI_ON_PENDING);
	vp_request(target, VP_REQUEST_POWER);
	return CALL_SUCCESS;
}

static int64_t cpu_off(struct call *call)
{
	struct arch_vp_vtl *a = vp_arch(call->vp);

	a->activity = ACTIVITY_WAIT_FOR_ON;
	atomic_store(&a->power, PSCI_OFF);
	return CALL_SUCCESS;
}

/* Of the states that there could be, the one in which all is kept: the VP waits as in WFI. */
static int64_t cpu_suspend(struct call *call)
{
	vp_arch(call->vp)->activity = ACTIVITY_HALTED;
	return CALL_SUCCESS;
}

static int64_t affinity_info(struct call *call)
{
	struct vp *target = target_of(call);

	if (!target || call->x[1])
		return CALL_INVALID_PARAMETERS;
	switch (atomic_load(&vp_arch(target)->power)) {
	case PSCI_ON: return 0;
	case PSCI_OFF: return 1;
	default: return 2;
	}
}

static int64_t migrate_info_type(struct call *call)
{
	(void)call;
	return MIGRATE_NOT_NEEDED;
}

/* These do not return to a guest, unless the VMM lets them. */
static int64_t system_off(struct call *call)
{
	call->outcome = run_page_return(call->vp, VP_RUN_SYSTEM_OFF);
	return CALL_INTERNAL_FAILURE;
}

static int64_t system_reset(struct call *call)
{
	call->outcome = run_page_reset(call->vp, 0, 0);
	return CALL_INTERNAL_FAILURE;
}

static int64_t system_reset2(struct call *call)
{
	if (call->x[0] && !(call->x[0] & RESET_VENDOR))
		return CALL_INVALID_PARAMETERS;
	call->outcome = run_page_reset(call->vp, call->x[0], call->x[1]);
	return CALL_INTERNAL_FAILURE;
}

static int64_t psci_features(struct call *call);

/* ---- SMCCC ---- */

static int64_t smccc_version(struct call *call)
{
	(void)call;
	return SMCCC_VERSION_1_1;
}

static bool has(const struct call *call, unsigned int place, unsigned int shift)
{
	return ID_FIELD(call->vp->partition->arch.ids[place], shift) != 0;
}

/* The workarounds ask the firmware to do what a processor of today does not need, and says so. */
static int64_t workaround_1(struct call *call)
{
	return has(call, ID_AA64PFR0, CSV2_SHIFT) ? CALL_SUCCESS : CALL_NOT_SUPPORTED;
}

static int64_t workaround_2(struct call *call)
{
	return has(call, ID_AA64PFR1, SSBS_SHIFT) ? CALL_SUCCESS : CALL_NOT_SUPPORTED;
}

static int64_t workaround_3(struct call *call)
{
	(void)call;
	return ID_FIELD(el2_host_ids[ID_AA64PFR0], CSV2_SHIFT) >= CSV2_BRANCH_HISTORY ||
			       ID_FIELD(el2_host_ids[ID_AA64MMFR1], MMFR1_ECBHB_SHIFT)
		       ? CALL_SUCCESS
		       : CALL_NOT_SUPPORTED;
}

static int64_t arch_features(struct call *call);

/* ---- the table ---- */

static const struct {
	uint32_t function; /* with CALL_64: of both forms, if `both` */
	bool both;
	bool workaround;
	call_function_t *call;
} calls[] = {
	{0x84000000, false, false, psci_version},  {0x80000000, false, false, smccc_version},
	{0x80000001, false, false, arch_features}, {0x84000001, true, false, cpu_suspend},
	{0x84000002, false, false, cpu_off},	   {0x84000003, true, false, cpu_on},
	{0x84000004, true, false, affinity_info},  {0x84000006, false, false, migrate_info_type},
	{0x84000008, false, false, system_off},	   {0x84000009, false, false, system_reset},
	{0x8400000a, false, false, psci_features}, {0x84000012, true, false, system_reset2},
	{0x80008000, false, true, workaround_1},   {0x80007fff, false, true, workaround_2},
	{0x80003fff, false, true, workaround_3},
};

/* -1: there is none. */
static int row_of(uint64_t function)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (function == calls[i].function ||
		    (calls[i].both && function == (calls[i].function | CALL_64)))
			return (int)i;
	return -1;
}

static int64_t psci_features(struct call *call)
{
	int row = row_of((uint32_t)call->x[0]);

	if (row < 0 || calls[row].workaround || calls[row].call == arch_features)
		return CALL_NOT_SUPPORTED;
	return CALL_SUCCESS;
}

static int64_t arch_features(struct call *call)
{
	int row = row_of((uint32_t)call->x[0]);

	if (row < 0)
		return CALL_NOT_SUPPORTED;
	if (calls[row].workaround)
		return calls[row].call(call) == CALL_SUCCESS ? CALL_NOT_REQUIRED
							     : CALL_NOT_SUPPORTED;
	return calls[row].call == arch_features || calls[row].call == smccc_version
		       ? CALL_SUCCESS
		       : CALL_NOT_SUPPORTED;
}

enum vp_outcome guest_call(struct vp *vp)
{
	uint64_t *x = vp->arch.x;
	struct call call = {.vp = vp, .function = (uint32_t)x[0], .outcome = VP_CONTINUE};
	uint64_t mask = call.function & CALL_64 ? UINT64_MAX : UINT32_MAX;
	int row = row_of(call.function);

	if (unlikely(row < 0)) {
		if (guest_hv_function(vp, call.function, &call.outcome))
			return call.outcome;
		x[0] = (uint64_t)CALL_NOT_SUPPORTED;
		return VP_CONTINUE;
	}
	call.x[0] = x[1] & mask;
	call.x[1] = x[2] & mask;
	call.x[2] = x[3] & mask;
	x[0] = (uint64_t)calls[row].call(&call);
	return call.outcome;
}
