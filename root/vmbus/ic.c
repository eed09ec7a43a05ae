/* SPDX-License-Identifier: MIT */
/* What the integration services have in common: versions, and a question and its answer. */
#include <string.h>
#include <vmbus/ic.h>

static const struct ic_version frameworks[] = {{1, 0}, {3, 0}};

static struct ic *ic_of(struct vmbus_channel *channel)
{
	return container_of(channel, struct ic, channel);
}

static void ic_fail(struct ic *ic, const char *why)
{
	struct vmbus *bus = ic->channel.bus;
	bool was_ready = ic->state == IC_READY;

	bus->host->complain(bus, why, ic->channel.relid);
	ic->state = IC_FAILED;
	ic->waiting = false;
	if (was_ready)
		ic->service->closed(ic);
}

/* ---- questions ---- */

/* A message out of a body in two parts. */
static status_t message_send(struct ic *ic, struct ic_header *header,
			     const struct vmbus_piece *first, const struct vmbus_piece *second)
{
	size_t size = first->size + second->size;
	struct ic_pipe_header pipe = {.type = IC_PIPE_DATA,
				      .size = (uint32_t)(sizeof(*header) + size)};
	const struct vmbus_piece pieces[] = {
		{&pipe, sizeof(pipe)}, {header, sizeof(*header)}, *first, *second};
	status_t status;

	header->size = (uint16_t)size;
	header->flags = (uint8_t)(IC_FLAG_TRANSACTION | IC_FLAG_REQUEST);
	status = vmbus_send(&ic->channel, VMBUS_PACKET_IN_BAND, 0, 0, pieces, ARRAY_SIZE(pieces));
	if (status == STATUS_OK)
		ic->waiting = true;
	return status;
}

status_t ic_ask(struct ic *ic, const void *body, size_t size)
{
	const struct vmbus_piece all = {body, size}, none = {"", 0};
	struct ic_header header = {
		.framework = ic->framework,
		.type = ic->service->message,
		.message = ic->version,
	};
	status_t status;

	if (ic->state != IC_READY)
		return STATUS_WRONG_STATE;
	if (ic->waiting)
		return STATUS_BUSY;
	status = message_send(ic, &header, &all, &none);
	if (status == STATUS_OK)
		ic->asked++;
	return status;
}

/* ---- versions ---- */

static void ic_opened(struct vmbus_channel *channel)
{
	struct ic *ic = ic_of(channel);
	const struct ic_service *service = ic->service;
	struct {
		struct ic_negotiate counts;
		struct ic_version frameworks[ARRAY_SIZE(frameworks)];
	} __packed body = {
		.counts = {.framework_count = ARRAY_SIZE(frameworks),
			   .message_count = service->version_count},
	};
	const struct vmbus_piece first = {&body, sizeof(body)};
	const struct vmbus_piece second = {service->versions,
					   service->version_count * sizeof(*service->versions)};
	struct ic_header header = {.type = IC_NEGOTIATE};

	memcpy(body.frameworks, frameworks, sizeof(frameworks));
	ic->state = IC_NEGOTIATING;
	ic->waiting = false;
	ic->asked = ic->answered = 0;
	if (message_send(ic, &header, &first, &second) != STATUS_OK)
		ic_fail(ic, "leaves no room for versions in channel");
}

static bool version_offered(const struct ic_version *versions, size_t count,
			    const struct ic_version *version)
{
	for (size_t i = 0; i < count; i++)
		if (versions[i].major == version->major && versions[i].minor == version->minor)
			return true;
	return false;
}

static void versions_take(struct ic *ic, const uint8_t *body, size_t size)
{
	const struct ic_service *service = ic->service;
	struct {
		struct ic_negotiate counts;
		struct ic_version framework, message;
	} __packed answer;

	if (size < sizeof(answer)) {
		ic_fail(ic, "answers too little to versions in channel");
		return;
	}
	memcpy(&answer, body, sizeof(answer));
	if (answer.counts.framework_count != 1 || answer.counts.message_count != 1 ||
	    !version_offered(frameworks, ARRAY_SIZE(frameworks), &answer.framework) ||
	    !version_offered(service->versions, service->version_count, &answer.message)) {
		ic_fail(ic, "agrees to no version that fits in channel");
		return;
	}
	ic->framework = answer.framework;
	ic->version = answer.message;
	ic->state = IC_READY;
	service->ready(ic);
}

/* ---- answers ---- */

/* True: the packet is an answer, and *body is as long as it says. */
static bool answer_decode(const struct vmbus_packet *packet, struct ic_header *header,
			  const uint8_t **body)
{
	const size_t headers = sizeof(struct ic_pipe_header) + sizeof(*header);

	if (packet->type != VMBUS_PACKET_IN_BAND || packet->size < headers)
		return false;
	memcpy(header, packet->data + sizeof(struct ic_pipe_header), sizeof(*header));
	*body = packet->data + headers;
	return header->size <= packet->size - headers && (header->flags & IC_FLAG_RESPONSE) &&
	       !(header->flags & IC_FLAG_REQUEST);
}

static void ic_received(struct vmbus_channel *channel, struct vmbus_packet *packet)
{
	struct ic *ic = ic_of(channel);
	bool negotiating = ic->state == IC_NEGOTIATING;
	struct ic_header header;
	const uint8_t *body;

	if (!negotiating && ic->state != IC_READY)
		return;
	if (!ic->waiting || !answer_decode(packet, &header, &body) ||
	    header.type != (negotiating ? IC_NEGOTIATE : ic->service->message)) {
		channel->bus->host->complain(channel->bus, "sends what is no answer to channel",
					     channel->relid);
		return;
	}
	ic->waiting = false;
	if (negotiating) {
		versions_take(ic, body, header.size);
		return;
	}
	ic->answered++;
	ic->service->answered(ic, header.status, body, header.size);
}

static void ic_closed(struct vmbus_channel *channel)
{
	struct ic *ic = ic_of(channel);
	bool was_ready = ic->state == IC_READY;

	ic->state = IC_CLOSED;
	ic->waiting = false;
	if (was_ready)
		ic->service->closed(ic);
}

/* A question for which there was no room is not kept: who asked was told. */
static void ic_writable(struct vmbus_channel *channel)
{
	(void)channel;
}

static void ic_resumed(struct vmbus_channel *channel)
{
	struct ic *ic = ic_of(channel);

	if (ic->state == IC_READY)
		ic->service->resumed(ic);
}

static const struct vmbus_channel_ops ic_ops = {
	.opened = ic_opened,
	.closed = ic_closed,
	.received = ic_received,
	.writable = ic_writable,
	.resumed = ic_resumed,
};

status_t ic_offer(struct ic *ic, const struct ic_service *service, struct vmbus *bus)
{
	ic->service = service;
	ic->state = IC_CLOSED;
	ic->channel.ops = &ic_ops;
	ic->channel.name = service->name;
	ic->channel.type = service->type;
	ic->channel.instance = service->instance;
	ic->channel.offer_flags = VMBUS_OFFER_ENUMERATE | VMBUS_OFFER_PIPE;
	ic->channel.pipe_mode = VMBUS_PIPE_MODE_MESSAGE;
	return vmbus_offer(bus, &ic->channel);
}

status_t ic_services_offer(struct ic_services *services, struct vmbus *bus)
{
	status_t status = ic_heartbeat_offer(&services->heartbeat, bus);

	if (status == STATUS_OK)
		status = ic_shutdown_offer(&services->shutdown, bus);
	if (status == STATUS_OK)
		status = ic_timesync_offer(&services->timesync, bus);
	if (status == STATUS_OK)
		status = ic_kvp_offer(&services->kvp, bus);
	return status;
}
