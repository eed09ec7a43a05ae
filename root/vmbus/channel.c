/* SPDX-License-Identifier: MIT */
/* An open channel: its rings, its signals, and the packets that go through. */
#include <stdlib.h>
#include <string.h>
#include <vmbus/vmbus.h>

/* ---- open and closed ---- */

/* The rings lie one behind the other in whole pages. */
static status_t rings_init(struct vmbus_channel *channel, const struct vmbus_pages *pages,
			   uint32_t downstream)
{
	const struct vmbus_range *range = pages->ranges;
	status_t status;

	if (pages->range_count != 1 || range->offset || range->length % PAGE_SIZE ||
	    downstream > pages->page_count)
		return STATUS_INVALID_ARGUMENT;
	status = vmbus_ring_init(&channel->incoming, pages->pages, downstream);
	if (status == STATUS_OK)
		status = vmbus_ring_init(&channel->outgoing, pages->pages + downstream,
					 pages->page_count - downstream);
	return status;
}

static void signals_choose(struct vmbus_channel *channel, const struct vmbus_open_channel *open)
{
	bool named = channel->bus->features & VMBUS_FEATURE_SIGNAL_PARAMETERS;

	channel->vp = open->target_vp;
	channel->connection = named ? open->connection : VMBUS_CONNECTION_SIGNAL + channel->relid;
	channel->event_flag = named ? open->event_flag : channel->relid;
}

static void rings_clear(struct vmbus_channel *channel)
{
	channel->incoming = channel->outgoing = (struct vmbus_ring){0};
}

/* What can be refused; all that a refused one has changed are the rings. */
static uint32_t open_prepare(struct vmbus_channel *channel, const struct vmbus_open_channel *open)
{
	struct vmbus *bus = channel->bus;
	const struct vmbus_pages *pages = vmbus_gpadl_pages(channel, open->gpadl);

	if (!pages || (open->target_vp >= bus->vp_count && open->target_vp != VMBUS_NO_VP))
		return VMBUS_STATUS_FAILED;
	if (rings_init(channel, pages, open->downstream_page) != STATUS_OK)
		return VMBUS_STATUS_FAILED;
	signals_choose(channel, open);
	if (bus->host->connect(bus, channel) != STATUS_OK)
		return VMBUS_STATUS_NO_RESOURCE;
	return VMBUS_STATUS_SUCCESS;
}

uint32_t vmbus_channel_open(struct vmbus_channel *channel, const struct vmbus_open_channel *open)
{
	uint32_t status;

	if (channel->state != VMBUS_CHANNEL_CLOSED || channel->rescinded)
		return VMBUS_STATUS_FAILED;
	status = open_prepare(channel, open);
	if (status != VMBUS_STATUS_SUCCESS) {
		rings_clear(channel);
		return status;
	}
	channel->gpadl = open->gpadl;
	channel->state = VMBUS_CHANNEL_OPEN;
	channel->received = channel->sent = channel->signals = 0;
	vmbus_ring_writer(&channel->outgoing);
	vmbus_ring_mask(&channel->incoming, false);
	return VMBUS_STATUS_SUCCESS;
}

/* The rings are used no more. */
static void channel_leave(struct vmbus_channel *channel, enum vmbus_channel_state state)
{
	channel->state = state;
	rings_clear(channel);
	channel->bus->host->disconnect(channel->bus, channel);
	channel->ops->closed(channel);
}

void vmbus_channel_close(struct vmbus_channel *channel)
{
	if (channel->state == VMBUS_CHANNEL_OPEN)
		channel_leave(channel, VMBUS_CHANNEL_CLOSED);
	channel->state = VMBUS_CHANNEL_CLOSED;
}

void vmbus_channel_break(struct vmbus_channel *channel, const char *why)
{
	if (channel->state != VMBUS_CHANNEL_OPEN)
		return;
	channel->bus->host->complain(channel->bus, why, channel->relid);
	channel_leave(channel, VMBUS_CHANNEL_BROKEN);
}

static void guest_signal(struct vmbus_channel *channel)
{
	channel->signals++;
	channel->bus->host->signal(channel->bus, channel);
}

/* ---- to the guest ---- */

status_t vmbus_send(struct vmbus_channel *channel, enum vmbus_packet_type type, uint16_t flags,
		    uint64_t transaction, const struct vmbus_piece *pieces, size_t count)
{
	const size_t header = sizeof(struct vmbus_descriptor);
	struct vmbus_descriptor descriptor = {
		.type = (uint16_t)type,
		.data_offset8 = (uint16_t)(header / 8),
		.flags = flags,
		.transaction = transaction,
	};
	size_t size = header;
	bool signal = false;
	status_t status;

	if (channel->state != VMBUS_CHANNEL_OPEN)
		return STATUS_WRONG_STATE;
	for (size_t i = 0; i < count; i++)
		size += pieces[i].size;
	if (ALIGN_UP(size, 8) / 8 > UINT16_MAX)
		return STATUS_TOO_LARGE;
	descriptor.length8 = (uint16_t)(ALIGN_UP(size, 8) / 8);
	status = vmbus_ring_put(&channel->outgoing, &descriptor, pieces, count, &signal);
	if (status == STATUS_BAD_FORMAT) {
		vmbus_channel_break(channel, "has a wild index in a ring of channel");
		return STATUS_WRONG_STATE;
	}
	if (status == STATUS_OK)
		channel->sent++;
	if (signal)
		guest_signal(channel);
	return status;
}

/* ---- from the guest ---- */

/* The pages that stand between a packet's descriptor and its data. */
static status_t direct_pages(struct vmbus *bus, const uint8_t *rest, size_t size,
			     struct vmbus_packet *packet)
{
	struct vmbus_gpa_direct direct;

	if (size < sizeof(direct))
		return STATUS_BAD_FORMAT;
	memcpy(&direct, rest, sizeof(direct));
	if (direct.range_count == 0)
		return STATUS_BAD_FORMAT;
	return vmbus_pages_make(bus, rest + sizeof(direct), size - sizeof(direct),
				direct.range_count, &packet->pages);
}

/* What a packet says; `rest` is all behind the descriptor. */
static status_t packet_decode(struct vmbus *bus, const struct vmbus_descriptor *descriptor,
			      const uint8_t *rest, size_t length, struct vmbus_packet *packet)
{
	size_t before = descriptor->data_offset8 * 8u - sizeof(*descriptor);

	*packet = (struct vmbus_packet){
		.type = descriptor->type,
		.completion_requested = descriptor->flags & VMBUS_PACKET_COMPLETION_REQUESTED,
		.transaction = descriptor->transaction,
		.data = rest + before,
		.size = length - before,
	};
	switch (descriptor->type) {
	case VMBUS_PACKET_IN_BAND:
	case VMBUS_PACKET_COMPLETION: return STATUS_OK;
	case VMBUS_PACKET_GPA_DIRECT: return direct_pages(bus, rest, before, packet);
	default: return STATUS_BAD_FORMAT;
	}
}

/* One packet. OK: there may be more. */
static status_t packet_receive(struct vmbus_channel *channel)
{
	struct vmbus *bus = channel->bus;
	struct vmbus_descriptor descriptor;
	struct vmbus_packet packet;
	size_t length;
	status_t status = vmbus_ring_peek(&channel->incoming, &descriptor, bus->packet,
					  VMBUS_PACKET_MAX, &length);

	if (status == STATUS_OK)
		status = packet_decode(bus, &descriptor, bus->packet, length, &packet);
	if (status != STATUS_OK)
		return status;
	if (vmbus_ring_take(&channel->incoming, &descriptor))
		guest_signal(channel);
	channel->received++;
	channel->ops->received(channel, &packet);
	vmbus_pages_free(packet.pages);
	return STATUS_OK;
}

/* Takes packets until there is none, or as many as may be taken at once. */
static status_t packets_receive(struct vmbus_channel *channel, uint32_t *left)
{
	while (*left && channel->state == VMBUS_CHANNEL_OPEN) {
		status_t status = packet_receive(channel);

		if (status != STATUS_OK)
			return status;
		--*left;
	}
	return STATUS_OK;
}

/* The service may go on that has found no room. */
static void room_look(struct vmbus_channel *channel)
{
	status_t status;

	if (!channel->outgoing.need)
		return;
	status = vmbus_ring_room(&channel->outgoing);
	if (status == STATUS_BAD_FORMAT)
		vmbus_channel_break(channel, "has a wild index in a ring of channel");
	if (status != STATUS_OK)
		return;
	channel->outgoing.need = 0;
	channel->ops->writable(channel);
}

bool vmbus_channel_serve(struct vmbus_channel *channel, uint32_t *left)
{
	status_t status;

	if (channel->state == VMBUS_CHANNEL_OPEN)
		room_look(channel);
	if (channel->state != VMBUS_CHANNEL_OPEN || !vmbus_ring_waits(&channel->incoming))
		return false;
	vmbus_ring_mask(&channel->incoming, true);
	status = packets_receive(channel, left);
	if (status != STATUS_OK && status != STATUS_NOT_FOUND)
		vmbus_channel_break(channel, "sends a packet that makes no sense to channel");
	if (channel->state != VMBUS_CHANNEL_OPEN)
		return false;
	vmbus_ring_mask(&channel->incoming, false);
	/* What came before the mask was taken away was not signalled. */
	return vmbus_ring_waits(&channel->incoming);
}
