/* SPDX-License-Identifier: MIT */
/*
 * The CPUID leaves of a hypervisor, 0x40000000 and up: Trivet's own two, or, in a partition that has it, the
 * Hyper-V interface's (TLFS, "Feature and Interface Discovery"). They show what the partition has and
 * no more: a guest that believes them must find it. Leaves up to the last one that have no row
 * read 0, as nothing in them is there: nesting, isolation, and what only a root partition sees.
 */
#include "cpuid_policy.h"
#include "lapic.h"

#include <kernel/hyperv.h>
#include <trivet/hv/features.h>
#include <trivet/hv/hypercall.h>

/* After so many turns of a spin lock a guest tells, and gives way. */
#define SPIN_RETRIES 0xfffu

/* The APICs are the kernel's. */
#define APIC_PRIVILEGES                                                                \
	(HV_PRIVILEGE_SYNIC | HV_PRIVILEGE_SYNTHETIC_TIMERS | HV_PRIVILEGE_APIC_MSRS | \
	 HV_PRIVILEGE_GUEST_IDLE | HV_PRIVILEGE_REENLIGHTENMENT)
#define APIC_FEATURES (HV_FEATURE_GUEST_IDLE | HV_FEATURE_DIRECT_TIMERS)
#define PRIVILEGES                                                                            \
	(HV_PRIVILEGE_VP_RUNTIME | HV_PRIVILEGE_REFERENCE_COUNTER | APIC_PRIVILEGES |         \
	 HV_PRIVILEGE_HYPERCALL_MSRS | HV_PRIVILEGE_VP_INDEX | HV_PRIVILEGE_REFERENCE_TSC |   \
	 HV_PRIVILEGE_FREQUENCIES | HV_PRIVILEGE_POST_MESSAGES | HV_PRIVILEGE_SIGNAL_EVENTS | \
	 HV_PRIVILEGE_VP_REGISTERS | HV_PRIVILEGE_EXTENDED_HYPERCALLS | HV_PRIVILEGE_START_VP)
#define FEATURES                                                           \
	(APIC_FEATURES | HV_FEATURE_FREQUENCIES | HV_FEATURE_GUEST_CRASH | \
	 HV_FEATURE_HYPERCALL_LOCK | HV_FEATURE_XMM_INPUT | HV_FEATURE_XMM_OUTPUT)

static bool kernel_apic(const struct cpuid_policy *policy)
{
	return !(policy->config->flags & PARTITION_USER_MODE_APIC);
}

static void vendor(const struct cpuid_policy *policy, uint32_t out[4])
{
	(void)policy;
	out[CPUID_EAX] = HV_CPUID_LAST;
	/* "Microsoft Hv" */
	out[CPUID_EBX] = 0x7263694d;
	out[CPUID_ECX] = 0x666f736f;
	out[CPUID_EDX] = 0x76482074;
}

static void interface(const struct cpuid_policy *policy, uint32_t out[4])
{
	(void)policy;
	out[CPUID_EAX] = 0x31237648; /* "Hv#1" */
}

static void features(const struct cpuid_policy *policy, uint32_t out[4])
{
	uint64_t privileges = PRIVILEGES;

	out[CPUID_EDX] = (uint32_t)FEATURES;
	if (!kernel_apic(policy)) {
		privileges &= ~APIC_PRIVILEGES;
		out[CPUID_EDX] &= ~(uint32_t)APIC_FEATURES;
	}
	if (policy->npiep)
		out[CPUID_EDX] |= (uint32_t)HV_FEATURE_NPIEP;
	if (policy->config->flags & PARTITION_HYPERV_TSC_INVARIANT)
		privileges |= HV_PRIVILEGE_TSC_INVARIANT;
	out[CPUID_EAX] = (uint32_t)privileges;
	out[CPUID_EBX] = (uint32_t)(privileges >> 32);
}

/* An access to the page of an xAPIC goes to the VMM, to an MSR of x2APIC mode it does not. */
static void recommendations(const struct cpuid_policy *policy, uint32_t out[4])
{
	out[CPUID_EAX] = HV_HINT_REMOTE_FLUSH | HV_HINT_RELAXED_TIMING | HV_HINT_DEPRECATE_AUTOEOI |
			 HV_HINT_EX_MASKS;
	if (kernel_apic(policy))
		out[CPUID_EAX] |= HV_HINT_CLUSTER_IPI;
	if (kernel_apic(policy) && policy->config->apic_mode != APIC_MODE_X2APIC_ENABLED)
		out[CPUID_EAX] |= HV_HINT_APIC_MSRS;
	out[CPUID_EBX] = SPIN_RETRIES;
	out[CPUID_ECX] = policy->physical_bits;
}

/* As many VPs as a set of them can name. */
static void limits(const struct cpuid_policy *policy, uint32_t out[4])
{
	(void)policy;
	out[CPUID_EAX] = HV_VP_SET_VPS;
}

static void hardware(const struct cpuid_policy *policy, uint32_t out[4])
{
	(void)policy;
	out[CPUID_EAX] = HV_HARDWARE_MSR_BITMAPS | HV_HARDWARE_SLAT;
}

static void own_vendor(const struct cpuid_policy *policy, uint32_t out[4])
{
	(void)policy;
	out[CPUID_EAX] = CPUID_LEAF_TIME;
	/* "TrivetTrivet" */
	out[CPUID_EBX] = 0x76697254;
	out[CPUID_ECX] = 0x72547465;
	out[CPUID_EDX] = 0x74657669;
}

static void own_time(const struct cpuid_policy *policy, uint32_t out[4])
{
	out[CPUID_EAX] = policy->tsc_khz;
	out[CPUID_EBX] = LAPIC_BUS_HZ / 1000;
}

static const struct {
	uint32_t leaf;
	bool hyperv;
	void (*fill)(const struct cpuid_policy *policy, uint32_t out[4]);
} rows[] = {
	{HV_CPUID_VENDOR, true, vendor},      {HV_CPUID_INTERFACE, true, interface},
	{HV_CPUID_FEATURES, true, features},  {HV_CPUID_RECOMMENDATIONS, true, recommendations},
	{HV_CPUID_LIMITS, true, limits},      {HV_CPUID_HARDWARE, true, hardware},
	{HV_CPUID_VENDOR, false, own_vendor}, {CPUID_LEAF_TIME, false, own_time},
};

bool cpuid_hypervisor(const struct cpuid_policy *policy, uint32_t leaf, uint32_t out[4])
{
	bool hyperv = partition_has_hyperv(policy->config);
	unsigned int i;

	out[0] = out[1] = out[2] = out[3] = 0;
	if (policy->config->flags & PARTITION_HYPERV_VMM)
		return false;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].leaf != leaf || rows[i].hyperv != hyperv)
			continue;
		rows[i].fill(policy, out);
		return true;
	}
	return false;
}
