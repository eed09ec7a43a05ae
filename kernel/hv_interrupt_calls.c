/* SPDX-License-Identifier: MIT */
/* Hypercalls that send interrupts (TLFS, "Virtual Interrupts"). */
#include <kernel/hypercall.h>
#include <kernel/vp_set.h>

/* Bits of the set that are no VP's mean nothing. */
static uint16_t ipi_send(const struct hypercall *call, uint32_t vector, uint8_t target_vtl,
			 const struct vp_set *set)
{
	const struct partition *partition = call->vp->partition;
	uint32_t vtl, i, count = partition->vp_count;
	uint16_t status = hypercall_vtl(call, target_vtl, &vtl);

	if (status != HV_SUCCESS)
		return status;
	if (vector - ARCH_HV_IPI_FIRST > ARCH_HV_IPI_LAST - ARCH_HV_IPI_FIRST)
		return HV_INVALID_PARAMETER;
	for (i = vp_set_next(set, 0, count); i < count; i = vp_set_next(set, i + 1, count))
		arch_vp_interrupt(partition->vps[i], vtl, vector);
	return HV_SUCCESS;
}

uint16_t hypercall_ipi(struct hypercall *call, const void *header, const void *in, void *out)
{
	const struct hv_ipi_input *input = header;
	const struct vp_set set = vp_set_of_mask(&input->processor_mask);

	(void)in;
	(void)out;
	return ipi_send(call, input->vector, input->target_vtl, &set);
}

uint16_t hypercall_ipi_ex(struct hypercall *call, const void *header, const void *in, void *out)
{
	const struct hv_ipi_ex_input *input = header;
	struct vp_set set;

	(void)in;
	(void)out;
	if (!vp_set_decode(&input->processors, call->variable, &set))
		return HV_INVALID_PARAMETER;
	return ipi_send(call, input->vector, input->target_vtl, &set);
}

uint16_t hypercall_assert_interrupt(struct hypercall *call, const void *header, const void *in,
				    void *out)
{
	const struct hv_assert_interrupt_input *input = header;

	(void)in;
	(void)out;
	if (input->partition_id != HV_PARTITION_ID_SELF || input->target_vtl > call->vtl)
		return HV_ACCESS_DENIED;
	if (input->reserved[0] | input->reserved[1] | input->reserved[2])
		return HV_INVALID_PARAMETER;
	return arch_assert_interrupt(call->vp->partition, input->target_vtl, input->control,
				     input->destination, input->vector) == STATUS_OK
		       ? HV_SUCCESS
		       : HV_INVALID_PARAMETER;
}

/* ---- of devices ---- */

/* The set stands where the mask does, and half of its own header behind that. */
static bool target_decode(const struct hypercall *call, const struct hv_retarget_input *input,
			  struct vpci_target *target)
{
	const struct hv_vp_set *set = (const struct hv_vp_set *)&input->mask;

	if (input->flags & ~(uint32_t)(HV_TARGET_MULTICAST | HV_TARGET_PROCESSOR_SET))
		return false;
	target->vector = input->vector;
	target->multicast = input->flags & HV_TARGET_MULTICAST;
	if (input->flags & HV_TARGET_PROCESSOR_SET)
		return (call->variable || set->format == HV_VP_SET_ALL) &&
		       vp_set_decode(set, call->variable - 1, &target->set);
	target->set = vp_set_of_mask(&input->mask);
	return !call->variable;
}

uint16_t hypercall_retarget(struct hypercall *call, const void *header, const void *in, void *out)
{
	const struct hv_retarget_input *input = header;
	struct vpci_target target;

	(void)in;
	(void)out;
	if (input->partition_id != HV_PARTITION_ID_SELF)
		return HV_ACCESS_DENIED;
	if (input->source != HV_INTERRUPT_SOURCE_MSI || input->reserved || input->reserved2 ||
	    !target_decode(call, input, &target))
		return HV_INVALID_PARAMETER;
	switch (vpci_retarget(call->vp->partition, call->vtl, input->device_id, &input->message,
			      &target)) {
	case STATUS_OK: return HV_SUCCESS;
	case STATUS_WRONG_TYPE: return HV_INVALID_DEVICE_ID;
	default: return HV_INVALID_PARAMETER;
	}
}
