/* SPDX-License-Identifier: MIT */
/* Hypercalls about the partition, and what is common to all (TLFS, "Hypercall Reference"). */
#include <kernel/hypercall.h>
#include <kernel/partition_arch.h>

uint16_t hypercall_vtl(const struct hypercall *call, uint8_t input, uint32_t *vtl)
{
	*vtl = input & HV_INPUT_VTL_USE ? HV_INPUT_VTL_TARGET(input) : call->vtl;
	if (input & HV_INPUT_VTL_RESERVED)
		return HV_INVALID_PARAMETER;
	return *vtl > call->vtl ? HV_ACCESS_DENIED : HV_SUCCESS;
}

uint16_t hypercall_long_spin(struct hypercall *call, const void *header, const void *in, void *out)
{
	(void)header;
	(void)in;
	(void)out;
	call->yield = true;
	return HV_SUCCESS;
}

/* None of the extended ones. */
uint16_t hypercall_capabilities(struct hypercall *call, const void *header, const void *in,
				void *out)
{
	(void)call;
	(void)header;
	(void)in;
	*(uint64_t *)out = 0;
	return HV_SUCCESS;
}

/* What only a parent may do to its child, or who has a privilege that no partition has. */
uint16_t hypercall_denied(struct hypercall *call, const void *header, const void *in, void *out)
{
	(void)call;
	(void)header;
	(void)in;
	(void)out;
	return HV_ACCESS_DENIED;
}

/* ---- properties of one's own partition ---- */

static bool property_get(const struct hypercall *call, uint32_t code, uint64_t *value)
{
	const struct partition *partition = call->vp->partition;

	switch (code) {
	case HV_PROPERTY_PRIVILEGE_FLAGS: *value = partition->hv->privileges; break;
	case HV_PROPERTY_TIME_FREEZE: *value = 0; break; /* or nobody could ask */
	case HV_PROPERTY_REFERENCE_TIME: *value = partition_reference_time(partition); break;
	case HV_PROPERTY_IMPLEMENTED_PHYSICAL_ADDRESS_BITS:
	case HV_PROPERTY_PHYSICAL_ADDRESS_WIDTH: *value = partition->physical_bits; break;
	case HV_PROPERTY_PROCESSOR_VENDOR: *value = arch_processor_vendor(partition); break;
	case HV_PROPERTY_PROCESSOR_CLOCK_FREQUENCY: *value = timestamp_hz; break;
	case HV_PROPERTY_GUEST_OS_ID: *value = partition->hv->vtl[call->vtl].guest_os_id; break;
	default: return false;
	}
	return true;
}

uint16_t hypercall_property(struct hypercall *call, const void *header, const void *in, void *out)
{
	const struct hv_property_input *input = header;

	(void)in;
	if (input->partition_id != HV_PARTITION_ID_SELF)
		return HV_ACCESS_DENIED;
	if (input->reserved)
		return HV_INVALID_PARAMETER;
	return property_get(call, input->code, out) ? HV_SUCCESS : HV_UNKNOWN_PROPERTY;
}
