/* SPDX-License-Identifier: MIT */
/*
 * What the Hyper-V interface asks of the architecture. AArch64 partitions cannot have it yet (arch_partition_create):
 * it shows no features, and has no registers. What it knows are numbers of processors, the instruction of a
 * hypercall, and that interrupts are INTIDs of SGIs and PPIs, which are edges.
 */
#include "guest.h"
#include "vgic.h"
#include <kernel/hypercall.h>
#include <kernel/hyperv.h>
#include <kernel/string.h>
#include <kernel/synic.h>

#define HVC_1 0xd4000022u
#define RET   0xd65f03c0u

void arch_hv_features(const struct partition *partition, uint64_t *privileges, uint32_t *features)
{
	(void)partition;
	*privileges = 0;
	*features = 0;
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

status_t arch_hv_register_get(struct vp *vp, uint32_t vtl, uint32_t name,
			      union hv_register_value *value)
{
	(void)vp;
	(void)vtl;
	(void)name;
	(void)value;
	return STATUS_INVALID_REGISTER;
}

status_t arch_hv_register_set(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value, bool own)
{
	(void)vp;
	(void)vtl;
	(void)name;
	(void)value;
	(void)own;
	return STATUS_INVALID_REGISTER;
}

bool arch_register_is_plain(uint32_t name)
{
	return guest_register_is_known(name);
}

static bool is_private(uint32_t intid)
{
	return intid >= VGIC_SGIS && intid < VGIC_PRIVATE;
}

/* The line rises and falls. */
void arch_vp_interrupt(struct vp *vp, uint32_t vtl, uint8_t vector)
{
	struct vgic_cpu *gic = &vtl_arch(vp, vtl)->gic;

	if (!is_private(vector))
		return;
	vgic_set_ppi(gic, vector, true);
	vgic_set_ppi(gic, vector, false);
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

bool arch_synic_sint_valid(uint64_t value)
{
	return (value & HV_SINT_MASKED) || is_private((uint32_t)(value & 0xff));
}

bool arch_stimer_config_valid(const struct vp *vp, uint64_t value)
{
	(void)vp;
	return !(value & HV_STIMER_DIRECT) ||
	       is_private((uint32_t)(value >> HV_STIMER_VECTOR_SHIFT & 0xff));
}

void arch_synic_interrupt(struct vp *vp, uint32_t vtl, uint8_t vector)
{
	arch_vp_interrupt(vp, vtl, vector);
}

void arch_synic_interrupt_self(struct vp *vp, uint32_t vtl, uint8_t vector)
{
	arch_vp_interrupt(vp, vtl, vector);
}

/* Those of the interface are ended as all others. */
void arch_synic_auto_eoi(struct vp *vp, uint32_t vtl, const uint32_t vectors[SYNIC_VECTOR_WORDS])
{
	(void)vp;
	(void)vtl;
	(void)vectors;
}
