/* SPDX-License-Identifier: MIT */
/*
 * What arm64 guests find of the Hyper-V interface by registers that CPUID tells on x86 (TLFS, "Feature and Interface
 * Discovery (ARM64)"). The other registers are kernel/hv_registers.c's.
 */
#include "guest.h"
#include <kernel/hv_registers.h>
#include <trivet/hv/features.h>

/* After so many turns of a spin lock a guest tells, and gives way. */
#define SPIN_RETRIES 0xfffu
#define INTERFACE    0x31237648u /* "Hv#1" */

/* The third word has bits of its own on arm64; there is no fourth. */
static uint32_t features_of(const struct hv_partition *hv)
{
	uint32_t features = 0;

	if (hv->features & HV_FEATURE_GUEST_CRASH)
		features |= HV_ARM64_FEATURE_GUEST_CRASH;
	if (hv->features & HV_FEATURE_FREQUENCIES)
		features |= HV_ARM64_FEATURE_FREQUENCIES;
	if (hv->features & HV_FEATURE_DIRECT_TIMERS)
		features |= HV_ARM64_FEATURE_DIRECT_TIMERS;
	return features;
}

/* No version of Microsoft's; as many VPs as a set of them can name; second-level paging. What time is counted by is the
 * generic timer alone. */
bool arch_hv_information(struct vp *vp, uint32_t name, union hv_register_value *value)
{
	const struct hv_partition *hv = vp->partition->hv;

	value->low = 0;
	value->high = 0;
	switch (name) {
	case HV_REGISTER_VERSION: break;
	case HV_REGISTER_FEATURES:
		value->low = hv->privileges;
		value->high = features_of(hv);
		break;
	case HV_REGISTER_HINTS:
		value->low = HV_ARM64_HINT_RELAXED_TIMING | HV_ARM64_HINT_EX_MASKS |
			     (uint64_t)SPIN_RETRIES << 32;
		break;
	case HV_REGISTER_LIMITS: value->low = HV_VP_SET_VPS; break;
	case HV_REGISTER_HARDWARE: value->low = HV_ARM64_HARDWARE_SLAT; break;
	case HV_REGISTER_PROCESSOR_CLOCK:
	case HV_REGISTER_INTERRUPT_CLOCK: value->low = timestamp_hz / 1000; break;
	case HV_REGISTER_INTERFACE: value->low = INTERFACE; break;
	default: return false;
	}
	return true;
}
