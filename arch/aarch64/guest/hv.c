/* SPDX-License-Identifier: MIT */
/*
 * What the Hyper-V interface asks of the architecture: which of it there is, and that its interrupts are INTIDs of
 * PPIs, of which each is an edge. What PCs alone have of it (local APICs, translations, the start of a VP, all in
 * ARCH_HAS_APICS) no call reaches.
 */
#include "guest.h"
#include "vgic.h"
#include <kernel/hypercall.h>
#include <kernel/hyperv.h>
#include <kernel/string.h>
#include <kernel/synic.h>
#include <trivet/hv/features.h>

#define HVC_1 0xd4000022u
#define RET   0xd65f03c0u

void arch_hv_features(const struct partition *partition, uint64_t *privileges, uint32_t *features)
{
	(void)partition;
	*privileges = HV_PRIVILEGE_VP_RUNTIME | HV_PRIVILEGE_REFERENCE_COUNTER |
		      HV_PRIVILEGE_SYNIC | HV_PRIVILEGE_SYNTHETIC_TIMERS |
		      HV_PRIVILEGE_HYPERCALL_MSRS | HV_PRIVILEGE_VP_INDEX |
		      HV_PRIVILEGE_REFERENCE_TSC | HV_PRIVILEGE_FREQUENCIES |
		      HV_PRIVILEGE_POST_MESSAGES | HV_PRIVILEGE_SIGNAL_EVENTS |
		      HV_PRIVILEGE_VP_REGISTERS | HV_PRIVILEGE_EXTENDED_HYPERCALLS;
	*features = (uint32_t)(HV_FEATURE_GUEST_CRASH | HV_FEATURE_FREQUENCIES |
			       HV_FEATURE_DIRECT_TIMERS);
}

bool arch_hv_invariant_show(struct partition *partition, bool on)
{
	(void)partition;
	(void)on;
	return false;
}

/* There is no end of an interrupt without an exit that would want it. */
void arch_hv_assist(struct vp *vp, uint32_t vtl, void *page)
{
	(void)vp;
	(void)vtl;
	(void)page;
}

void arch_hypercall_page_fill(const struct partition *partition, uint8_t *page)
{
	const uint32_t code[] = {HVC_1, RET};

	(void)partition;
	memcpy(page, code, sizeof(code));
}

bool arch_vp_index(const struct partition *partition, uint64_t hardware_id, uint32_t *index)
{
	return guest_mpidr_index(partition, hardware_id, index);
}

bool arch_register_is_plain(uint32_t name)
{
	return guest_register_is_known(name);
}

static bool is_private(uint32_t intid)
{
	return intid >= VGIC_SGIS && intid < VGIC_PRIVATE;
}

void arch_vp_interrupt(struct vp *vp, uint32_t vtl, uint8_t vector)
{
	if (is_private(vector))
		vgic_pulse_ppi(&vtl_arch(vp, vtl)->gic, vector);
}

status_t arch_assert_interrupt(struct partition *partition, uint32_t vtl, uint64_t control,
			       uint64_t destination, uint32_t vector)
{
	(void)partition;
	(void)vtl;
	(void)control;
	(void)destination;
	(void)vector;
	return STATUS_NOT_SUPPORTED;
}

status_t arch_vp_start(struct vp *vp, uint32_t vtl, const struct hv_initial_vp_context *context)
{
	(void)vp;
	(void)vtl;
	(void)context;
	return STATUS_INVALID_REGISTER_VALUE;
}

/* No address is translated. */
status_t arch_translate(struct vp *vp, uint32_t vtl, const struct hv_translate_input *input,
			bool own, struct hv_translate_output *output, uint32_t *error)
{
	(void)vp;
	(void)vtl;
	(void)input;
	(void)own;
	*error = 0;
	output->result.code = HV_TRANSLATE_INVALID_FLAGS;
	return STATUS_OK;
}

uint64_t arch_processor_vendor(const struct partition *partition)
{
	(void)partition;
	return 0;
}

/* Who takes an interrupt ends it. */
bool arch_synic_sint_valid(uint64_t value)
{
	return (value & HV_SINT_MASKED) ||
	       (is_private((uint32_t)(value & HV_SINT_VECTOR)) && !(value & HV_SINT_AUTO_EOI));
}

bool arch_stimer_config_valid(const struct vp *vp, uint64_t value)
{
	(void)vp;
	return !(value & ~HV_STIMER_DEFINED) &&
	       (!(value & HV_STIMER_DIRECT) ||
		is_private((uint32_t)(value >> HV_STIMER_VECTOR_SHIFT & 0xff)));
}

void arch_synic_interrupt(struct vp *vp, uint32_t vtl, uint8_t vector)
{
	arch_vp_interrupt(vp, vtl, vector);
}

void arch_synic_interrupt_self(struct vp *vp, uint32_t vtl, uint8_t vector)
{
	arch_vp_interrupt(vp, vtl, vector);
}

/* There are none: arch_synic_sint_valid(). */
void arch_synic_auto_eoi(struct vp *vp, uint32_t vtl, const uint32_t vectors[SYNIC_VECTOR_WORDS])
{
	(void)vp;
	(void)vtl;
	(void)vectors;
}
