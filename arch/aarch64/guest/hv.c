/* SPDX-License-Identifier: MIT */
/*
 * What the Hyper-V interface asks of the architecture: which of it there is, that its interrupts are INTIDs, of PPIs mostly,
 * of which each is an edge, and how a VP starts.
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
		      HV_PRIVILEGE_VP_REGISTERS | HV_PRIVILEGE_EXTENDED_HYPERCALLS |
		      HV_PRIVILEGE_START_VP;
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

void arch_vp_interrupt(struct vp *vp, uint32_t vtl, uint32_t vector)
{
	bool merged;

	if (vector < VGIC_PRIVATE)
		vgic_pulse_ppi(&vtl_arch(vp, vtl)->gic, vector);
	else
		vgic_pulse_spi(&vp->partition->arch.gic, vector, &merged);
}

/* SPIs, which the GIC routes. */
bool arch_device_vectors_valid(const struct partition *partition, uint32_t first, uint32_t count)
{
	uint32_t spis = partition->arch.gic.spi_count;

	return first >= VGIC_PRIVATE && count <= spis && first - VGIC_PRIVATE <= spis - count;
}

/* The input of a PPI, of the VP with that MPIDR. Those of the timers are the processor's. */
static status_t ppi_assert(struct partition *partition, uint32_t vtl, uint64_t mpidr,
			   uint32_t intid, bool asserted)
{
	uint32_t index;

	if (!is_private(intid) || intid == PPI_VIRTUAL || intid == PPI_PHYSICAL ||
	    !guest_mpidr_index(partition, mpidr, &index))
		return STATUS_INVALID_ARGUMENT;
	vgic_set_ppi(&vtl_arch(partition->vps[index], vtl)->gic, intid, asserted);
	return STATUS_OK;
}

/* The only type, 0, is an input that is high or low (TLFS, "HV_INTERRUPT_CONTROL"). */
status_t arch_assert_interrupt(struct partition *partition, uint32_t vtl, uint64_t control,
			       uint64_t destination, uint32_t vector)
{
	bool asserted = control & HV_ARM64_INTERRUPT_ASSERTED;

	if (control & ~HV_ARM64_INTERRUPT_ASSERTED)
		return STATUS_INVALID_ARGUMENT;
	if (vector < VGIC_PRIVATE)
		return ppi_assert(partition, vtl, destination, vector, asserted);
	return vgic_set_spi(&partition->arch.gic, vector, asserted) ? STATUS_OK
								    : STATUS_INVALID_ARGUMENT;
}

/* ---- HvCallStartVirtualProcessor ---- */

struct start {
	uint32_t vtl;
	const struct hv_arm64_initial_vp_context *context;
	bool started;
};

static void vp_start(struct vp *vp, void *argument)
{
	struct start *start = argument;

	start->started = guest_start(vp, start->vtl, start->context);
}

status_t arch_vp_start(struct vp *vp, uint32_t vtl, const void *context)
{
	const struct hv_arm64_initial_vp_context *c = context;
	struct start start = {.vtl = vtl, .context = c};

	if ((c->pc & 3) || (!(c->sctlr_el1 & SCTLR_M) && c->pc >> vp->partition->physical_bits))
		return STATUS_INVALID_REGISTER_VALUE;
	if (vp_call(vp, vp_start, &start) != STATUS_OK)
		return STATUS_BUSY;
	if (!start.started)
		return STATUS_WRONG_STATE;
	vp_request(vp, VP_REQUEST_INTERRUPT); /* that it looks */
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
	if (is_private(vector))
		arch_vp_interrupt(vp, vtl, vector);
}

void arch_synic_interrupt_self(struct vp *vp, uint32_t vtl, uint8_t vector)
{
	arch_synic_interrupt(vp, vtl, vector);
}

/* There are none: arch_synic_sint_valid(). */
void arch_synic_auto_eoi(struct vp *vp, uint32_t vtl, const uint32_t vectors[SYNIC_VECTOR_WORDS])
{
	(void)vp;
	(void)vtl;
	(void)vectors;
}
