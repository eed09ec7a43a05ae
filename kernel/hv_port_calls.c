/* SPDX-License-Identifier: MIT */
/* Hypercalls that post messages and signal events (TLFS, "Inter-Partition Communication"). */
#include <kernel/hypercall.h>
#include <kernel/port.h>

uint16_t hypercall_post_message(struct hypercall *call, const void *header, const void *in,
				void *out)
{
	const struct hv_post_message_input *input = header;

	(void)in;
	(void)out;
	if (!input->type || (input->type & HV_MESSAGE_HYPERVISOR) ||
	    input->payload_size > HV_MESSAGE_PAYLOAD || input->reserved)
		return HV_INVALID_PARAMETER;
	call->woke = true;
	return port_post(call->vp, call->vtl, input);
}

uint16_t hypercall_signal_event(struct hypercall *call, const void *header, const void *in,
				void *out)
{
	const struct hv_signal_event_input *input = header;

	(void)in;
	(void)out;
	if (unlikely(input->reserved))
		return HV_INVALID_PARAMETER;
	call->woke = true;
	return port_signal(call->vp->partition, call->vtl, input->connection, input->flag);
}
