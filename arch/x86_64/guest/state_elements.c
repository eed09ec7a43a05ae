/* SPDX-License-Identifier: MIT */
/*
 * The elements of an x86 VP's state: one table, in the order in which they are saved and restored. Those
 * that hold registers are parts of struct guest_registers. Not in the table are CET and CET_SS, which no
 * partition has yet, the synic and nested virtualization.
 */
#include "state_elements.h"
#include <kernel/string.h>

/* ---- parts of struct guest_registers ---- */

static void part_get(struct vp *vp, uint32_t vtl, const struct state_element *element, void *data)
{
	struct guest_registers r;

	guest_registers_get(vp, vtl, &r);
	memcpy(data, (char *)&r + element->offset, element->size);
}

static void part_at_reset(struct vp *vp, uint32_t vtl, const struct state_element *element,
			  void *data)
{
	struct guest_registers r;

	guest_registers_reset(vp, vtl, &r);
	memcpy(data, (char *)&r + element->offset, element->size);
}

static bool part_valid(const struct vp *vp, uint32_t vtl, const struct state_element *element,
		       const void *data, uint32_t length)
{
	struct guest_registers r;

	guest_registers_reset(vp, vtl, &r);
	memcpy((char *)&r + element->offset, data, length);
	return guest_registers_valid(vp, &r) && guest_registers_normal(&r);
}

static void part_set(struct vp *vp, uint32_t vtl, const struct state_element *element,
		     const void *data)
{
	struct guest_registers r;

	guest_registers_get(vp, vtl, &r);
	memcpy((char *)&r + element->offset, data, element->size);
	guest_registers_apply(vp, vtl, &r);
}

static const struct state_ops part_ops = {part_get, part_at_reset, part_valid, part_set};

#define SPAN(first, last)                                            \
	(offsetof(struct guest_registers, last) + sizeof(uint64_t) - \
	 offsetof(struct guest_registers, first))
static_assert(SPAN(gpr, state.efer) == sizeof(struct vp_state_registers) &&
		      offsetof(struct guest_registers, state) ==
			      offsetof(struct vp_state_registers, segment) &&
		      offsetof(struct guest_registers, state.cr0) ==
			      offsetof(struct vp_state_registers, cr0),
	      "REGISTERS");
static_assert(SPAN(state.star, state.sysenter_eip) == sizeof(struct vp_state_msrs), "VIRTUAL_MSRS");
static_assert(SPAN(state.dr6, dr[3]) == sizeof(struct vp_state_debug), "DEBUG");
static_assert(sizeof(struct guest_mtrr) == sizeof(struct vp_state_mtrr), "MTRR");

/* ---- the table ---- */

#define PART(name, flags, first, size)                                     \
	{                                                                  \
		VP_STATE_##name, STATE_EXACT | (flags), size,              \
			offsetof(struct guest_registers, first), &part_ops \
	}
#define WORD sizeof(uint64_t)

const struct state_element arch_vp_elements[] = {
	PART(REGISTERS, 0, gpr, sizeof(struct vp_state_registers)),
	PART(ACTIVITY, 0, activity, sizeof(struct vp_state_activity)),
	{VP_STATE_XSAVE, STATE_EXACT | STATE_SHARED | STATE_SIZES, 0, 0, &state_xsave_ops},
	{VP_STATE_APIC, STATE_EXACT, sizeof(struct vp_state_apic), 0, &state_apic_ops},
	PART(XCR0, STATE_SHARED, xcr0, WORD),
	PART(XSS, STATE_SHARED, xss, WORD),
	PART(MTRR, STATE_SHARED, mtrr, sizeof(struct vp_state_mtrr)),
	PART(PAT, 0, state.pat, WORD),
	PART(VIRTUAL_MSRS, 0, state.star, sizeof(struct vp_state_msrs)),
	PART(DEBUG, 0, state.dr6, sizeof(struct vp_state_debug)),
	{VP_STATE_TSC, STATE_SHARED, sizeof(struct vp_state_tsc), 0, &state_tsc_ops},
	PART(TSC_AUX, STATE_SHARED, tsc_aux, WORD),
	PART(SPEC_CTRL, STATE_SHARED, spec_ctrl, WORD),
	{VP_STATE_XSAVE_STANDARD, STATE_EXACT | STATE_SHARED | STATE_SIZES | STATE_HIDDEN, 0, 0,
	 &state_xsave_ops},
};
const uint32_t arch_vp_element_count = ARRAY_SIZE(arch_vp_elements);

uint32_t arch_vp_element_size(const struct vp *vp, const struct state_element *element)
{
	const struct partition *partition = vp->partition;
	bool there = true;

	switch (element->id) {
	case VP_STATE_XSAVE:
	case VP_STATE_XSAVE_STANDARD: return state_xsave_size(vp, element->id == VP_STATE_XSAVE);
	case VP_STATE_XCR0:
	case VP_STATE_XSS: there = partition->arch.xcr0_allowed; break;
	case VP_STATE_TSC_AUX:
		there = guest_cpuid_has(partition, 0x80000001, 3, 27) ||
			guest_cpuid_has(partition, 7, 2, 22);
		break;
	case VP_STATE_SPEC_CTRL:
		there = partition->arch.speculation_allowed & GUEST_SPEC_CTRL;
		break;
	default: break;
	}
	return there ? element->size : 0;
}

/* The task priority is in CR8 and in the APIC. */
bool arch_vp_state_agrees(const struct vp *vp, uint32_t vtl, const void *const data[])
{
	const struct vp_state_registers *registers = data[VP_STATE_REGISTERS];
	const struct vp_state_apic *apic = data[VP_STATE_APIC];

	(void)vp;
	(void)vtl;
	return apic->page[LAPIC_TPR] >> 4 == registers->cr8;
}

void arch_vp_settle(struct vp *vp)
{
	if (vp->run)
		arch_vp_resume(vp);
}

void arch_vp_forget(struct vp *vp)
{
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT; vtl++)
		if (vp->vtl[vtl])
			vp->vtl[vtl]->arch.waiting = WAITING_NONE;
}

/* ---- the partition's time ---- */

uint64_t arch_partition_tsc(const struct partition *partition)
{
	return partition_timestamp(partition) + partition->arch.tsc_offset;
}

void arch_partition_tsc_set(struct partition *partition, uint64_t tsc)
{
	partition->arch.tsc_offset = tsc - partition_timestamp(partition);
}

void arch_partition_time_skip(struct partition *partition, uint64_t ticks)
{
	uint32_t i, vtl;

	partition->arch.tsc_offset -= ticks;
	for (i = 0; i < partition->vp_count; i++) {
		struct vp *vp = partition->vps[i];

		vp->arch.tsc_offset -= ticks;
		for (vtl = 0; vtl < VTL_COUNT; vtl++)
			if (vp->vtl[vtl])
				lapic_time_skip(vp_lapic(vp, vtl), ticks);
	}
}
