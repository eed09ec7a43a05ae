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
	if (vector < HV_IPI_VECTOR_FIRST || vector > HV_IPI_VECTOR_LAST)
		return HV_INVALID_PARAMETER;
	for (i = vp_set_next(set, 0, count); i < count; i = vp_set_next(set, i + 1, count))
		arch_vp_interrupt(partition->vps[i], vtl, (uint8_t)vector);
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
