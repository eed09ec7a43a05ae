/* SPDX-License-Identifier: MIT */
/*
 * The connection: channel messages from the guest, each checked whole before it does anything, and those to
 * it, which wait in a queue while the guest takes none. While it is full, none is taken from the guest either; so
 * a guest that does not listen is not listened to, and nothing grows.
 */
#include <stdlib.h>
#include <string.h>
#include <trivet/hv/synic.h>
#include <vmbus/vmbus.h>

/* Between two tries to post a message, doubled each time. */
#define RETRY_FIRST_NS 1000000ull
#define RETRY_LAST_NS  64000000ull

/* What one message of the guest's may bring about at most, besides offers. */
#define ANSWERS 1u

/* Newest first. */
static const uint32_t versions[] = {
	VMBUS_VERSION_6_0, VMBUS_VERSION_5_3, VMBUS_VERSION_5_2, VMBUS_VERSION_5_1,
	VMBUS_VERSION_5_0, VMBUS_VERSION_4_1, VMBUS_VERSION_4_0,
};

/* ---- messages to the guest ---- */

static void queue_retry_later(struct vmbus *bus)
{
	bus->retry_ns = bus->retry_ns ? MIN(bus->retry_ns * 2, RETRY_LAST_NS) : RETRY_FIRST_NS;
	device_timer_arm(bus->env, &bus->retry, device_now(bus->env) + bus->retry_ns);
}

/* Posts what waits, until the guest has no room. */
static void queue_send(struct vmbus *bus)
{
	while (bus->queue_count) {
		const struct vmbus_message *message = &bus->queue[bus->queue_first];
		status_t status = bus->host->post(bus, message->vp, message->sint, message->bytes,
						  message->size);

		if (status == STATUS_BUSY) {
			if (!bus->retry.armed)
				queue_retry_later(bus);
			return;
		}
		if (status != STATUS_OK)
			bus->host->complain(bus, "cannot take a message; it is lost: type",
					    message->bytes[0]);
		bus->retry_ns = 0;
		bus->queue_first = (bus->queue_first + 1) % VMBUS_QUEUE;
		bus->queue_count--;
	}
	device_timer_cancel(bus->env, &bus->retry);
}

static void retry_expired(struct device_timer *timer)
{
	struct vmbus *bus = container_of(timer, struct vmbus, retry);

	bus->host->again(bus);
}

static void queue_clear(struct vmbus *bus)
{
	bus->queue_count = 0;
	bus->retry_ns = 0;
	device_timer_cancel(bus->env, &bus->retry);
}

static bool queue_has_room(const struct vmbus *bus)
{
	return VMBUS_QUEUE - bus->queue_count >= ANSWERS;
}

/* The caller has seen that there is room. */
static void message_send(struct vmbus *bus, enum vmbus_message_type type, void *message,
			 size_t size)
{
	struct vmbus_message *place =
		&bus->queue[(bus->queue_first + bus->queue_count) % VMBUS_QUEUE];
	struct vmbus_header *header = message;

	header->type = type;
	place->vp = bus->message_vp;
	place->sint = bus->message_sint;
	place->size = (uint32_t)size;
	memcpy(place->bytes, message, size);
	bus->queue_count++;
}

/* ---- offers ---- */

static void offer_send(struct vmbus_channel *channel)
{
	struct vmbus_offer_channel offer = {
		.type = channel->type,
		.instance = channel->instance,
		.flags = channel->offer_flags,
		.relid = channel->relid,
		.dedicated_interrupt = 1,
		.connection = VMBUS_CONNECTION_SIGNAL + channel->relid,
	};

	if (channel->offer_flags & VMBUS_OFFER_PIPE)
		offer.pipe_mode = channel->pipe_mode;
	message_send(channel->bus, VMBUS_OFFER_CHANNEL, &offer, sizeof(offer));
	channel->known = true;
}

static void rescind_send(struct vmbus_channel *channel)
{
	struct vmbus_relid_message rescind = {.relid = channel->relid};

	message_send(channel->bus, VMBUS_RESCIND_OFFER, &rescind, sizeof(rescind));
}

/* Tells of channels that come and go, as far as there is room. */
static void announcements_send(struct vmbus *bus)
{
	struct vmbus_header end = {0};

	for (uint32_t i = 0; i < VMBUS_CHANNELS; i++) {
		struct vmbus_channel *channel = bus->channels[i];

		if (!channel || !(channel->announce || channel->rescind))
			continue;
		if (!queue_has_room(bus))
			return;
		if (channel->announce)
			offer_send(channel);
		else
			rescind_send(channel);
		channel->announce = channel->rescind = false;
	}
	if (bus->offers_end && queue_has_room(bus)) {
		bus->offers_end = false;
		message_send(bus, VMBUS_ALL_OFFERS_DELIVERED, &end, sizeof(end));
	}
}

static bool announcements_wait(const struct vmbus *bus)
{
	for (uint32_t i = 0; i < VMBUS_CHANNELS; i++)
		if (bus->channels[i] && (bus->channels[i]->announce || bus->channels[i]->rescind))
			return true;
	return bus->offers_end;
}

static void channel_remove(struct vmbus_channel *channel)
{
	channel->bus->channels[channel->relid] = NULL;
	channel->relid = 0;
}

/* ---- the connection ---- */

static void gpadls_remove(struct vmbus *bus, uint32_t relid)
{
	for (struct vmbus_gpadl *gpadl = bus->gpadls, *next; gpadl; gpadl = next) {
		next = gpadl->next;
		if (relid == 0 || gpadl->relid == relid)
			vmbus_gpadl_remove(bus, gpadl);
	}
}

/* The guest knows of nothing any more. */
static void disconnect(struct vmbus *bus)
{
	for (uint32_t i = 0; i < VMBUS_CHANNELS; i++) {
		struct vmbus_channel *channel = bus->channels[i];

		if (!channel)
			continue;
		vmbus_channel_close(channel);
		channel->known = channel->announce = channel->rescind = false;
		if (channel->rescinded)
			channel_remove(channel);
	}
	gpadls_remove(bus, 0);
	queue_clear(bus);
	bus->version = bus->features = 0;
	bus->offers_requested = bus->offers_end = false;
}

static bool version_known(uint32_t version)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		if (versions[i] == version)
			return true;
	return false;
}

/* Where the guest wants its messages. */
static bool contact_target(struct vmbus *bus, const struct vmbus_initiate_contact *contact)
{
	bool named = contact->version >= VMBUS_VERSION_5_0;
	uint32_t sint = named ? contact->sint : VMBUS_SINT;

	if (contact->target_vp >= bus->vp_count || sint == 0 || sint >= HV_SINT_COUNT ||
	    (named && contact->vtl != 0))
		return false;
	bus->message_vp = contact->target_vp;
	bus->message_sint = sint;
	return true;
}

/* A guest that is connected and says so again has begun anew. */
static void initiate_contact(struct vmbus *bus, const void *message, size_t size)
{
	const struct vmbus_initiate_contact *contact = message;
	struct vmbus_version_response response = {.state = VMBUS_CONTACT_SUCCESSFUL};
	size_t response_size = VMBUS_VERSION_RESPONSE_SIZE;

	(void)size;
	disconnect(bus);
	if (!contact_target(bus, contact)) {
		bus->host->complain(bus, "wants messages where none can go: VP",
				    contact->target_vp);
		return;
	}
	if (version_known(contact->version)) {
		bus->version = contact->version;
		response.supported = 1;
		response.connection = contact->version >= VMBUS_VERSION_5_0 ? VMBUS_CONNECTION_NEW
									    : contact->version;
	}
	if (bus->version >= VMBUS_VERSION_6_0) {
		bus->features = contact->features & (uint32_t)VMBUS_FEATURE_SIGNAL_PARAMETERS;
		response.features = bus->features;
		response_size = sizeof(response);
	}
	message_send(bus, VMBUS_VERSION_RESPONSE, &response, response_size);
}

static void request_offers(struct vmbus *bus, const void *message, size_t size)
{
	(void)message, (void)size;
	if (bus->offers_requested) {
		bus->host->complain(bus, "asks for offers again, of", VMBUS_CHANNELS);
		return;
	}
	bus->offers_requested = bus->offers_end = true;
	for (uint32_t i = 0; i < VMBUS_CHANNELS; i++)
		if (bus->channels[i] && !bus->channels[i]->rescinded)
			bus->channels[i]->announce = true;
}

static void unload(struct vmbus *bus, const void *message, size_t size)
{
	struct vmbus_header response = {0};

	(void)message, (void)size;
	disconnect(bus);
	message_send(bus, VMBUS_UNLOAD_RESPONSE, &response, sizeof(response));
}

/* ---- channels ---- */

/* One that the guest was told of; else NULL, with a word. */
static struct vmbus_channel *channel_known(struct vmbus *bus, uint32_t relid)
{
	struct vmbus_channel *channel = relid < VMBUS_CHANNELS ? bus->channels[relid] : NULL;

	if (channel && channel->known)
		return channel;
	bus->host->complain(bus, "speaks of a channel that it was not offered:", relid);
	return NULL;
}

static void open_channel(struct vmbus *bus, const void *message, size_t size)
{
	struct vmbus_open_channel open = {0};
	struct vmbus_open_channel_result result;
	struct vmbus_channel *channel;

	memcpy(&open, message, MIN(size, sizeof(open)));
	channel = channel_known(bus, open.relid);
	if (!channel)
		return;
	result = (struct vmbus_open_channel_result){
		.relid = open.relid,
		.open_id = open.open_id,
		.status = vmbus_channel_open(channel, &open),
	};
	message_send(bus, VMBUS_OPEN_CHANNEL_RESULT, &result, sizeof(result));
	if (result.status == VMBUS_STATUS_SUCCESS)
		channel->ops->opened(channel);
	else
		bus->host->complain(bus, "cannot have this channel open:", open.relid);
}

static void close_channel(struct vmbus *bus, const void *message, size_t size)
{
	const struct vmbus_relid_message *close = message;
	struct vmbus_channel *channel = channel_known(bus, close->relid);

	(void)size;
	if (channel)
		vmbus_channel_close(channel);
}

static uint32_t channel_retarget(struct vmbus_channel *channel, uint32_t vp)
{
	struct vmbus *bus = channel->bus;
	uint32_t before = channel->vp;

	if (channel->state != VMBUS_CHANNEL_OPEN || vp >= bus->vp_count || before == VMBUS_NO_VP)
		return VMBUS_STATUS_FAILED;
	channel->vp = vp;
	if (bus->host->retarget(bus, channel) == STATUS_OK)
		return VMBUS_STATUS_SUCCESS;
	channel->vp = before;
	return VMBUS_STATUS_FAILED;
}

static void modify_channel(struct vmbus *bus, const void *message, size_t size)
{
	const struct vmbus_modify_channel *modify = message;
	struct vmbus_modify_channel_response response = {.relid = modify->relid};
	struct vmbus_channel *channel = channel_known(bus, modify->relid);

	(void)size;
	response.status =
		channel ? channel_retarget(channel, modify->target_vp) : VMBUS_STATUS_FAILED;
	if (bus->version >= VMBUS_VERSION_5_3)
		message_send(bus, VMBUS_MODIFY_CHANNEL_RESPONSE, &response, sizeof(response));
}

static void relid_released(struct vmbus *bus, const void *message, size_t size)
{
	const struct vmbus_relid_message *released = message;
	struct vmbus_channel *channel;

	(void)size;
	/* Linux releases channels after it has ended the connection. */
	if (!bus->version)
		return;
	channel = channel_known(bus, released->relid);
	if (!channel)
		return;
	vmbus_channel_close(channel);
	gpadls_remove(bus, channel->relid);
	channel->known = channel->rescind = false;
	if (channel->rescinded)
		channel_remove(channel);
}

/* There is no service for sockets. */
static void tl_connect_request(struct vmbus *bus, const void *message, size_t size)
{
	const struct vmbus_tl_connect_request *request = message;
	struct vmbus_tl_connect_result result = {
		.endpoint = request->endpoint,
		.service = request->service,
		.status = VMBUS_STATUS_REFUSED,
	};

	(void)size;
	message_send(bus, VMBUS_TL_CONNECT_RESULT, &result, sizeof(result));
}

/* ---- GPADLs ---- */

static void gpadl_created_send(struct vmbus *bus, uint32_t relid, uint32_t gpadl, uint32_t status)
{
	struct vmbus_gpadl_created created = {.relid = relid, .gpadl = gpadl, .status = status};

	message_send(bus, VMBUS_GPADL_CREATED, &created, sizeof(created));
	if (status != VMBUS_STATUS_SUCCESS)
		bus->host->complain(bus, "has a list of pages refused:", gpadl);
}

static void gpadl_header(struct vmbus *bus, const void *message, size_t size)
{
	const struct vmbus_gpadl_header *header = message;
	uint32_t status;
	bool done;

	if (!channel_known(bus, header->relid))
		return;
	status = vmbus_gpadl_begin(bus, header, (const uint8_t *)message + sizeof(*header),
				   size - sizeof(*header), &done);
	if (done)
		gpadl_created_send(bus, header->relid, header->gpadl, status);
}

static void gpadl_body(struct vmbus *bus, const void *message, size_t size)
{
	const struct vmbus_gpadl_body *body = message;
	struct vmbus_gpadl *gpadl = vmbus_gpadl_find(bus, body->gpadl);
	uint32_t relid, status;
	bool done;

	if (!gpadl || gpadl->pages) {
		bus->host->complain(bus, "goes on with a list of pages that is none:", body->gpadl);
		return;
	}
	relid = gpadl->relid;
	status = vmbus_gpadl_go_on(bus, gpadl, (const uint8_t *)message + sizeof(*body),
				   size - sizeof(*body), &done);
	if (done)
		gpadl_created_send(bus, relid, body->gpadl, status);
}

/* A guest that takes the rings away under a channel has closed it. */
static void gpadl_teardown(struct vmbus *bus, const void *message, size_t size)
{
	const struct vmbus_gpadl_teardown *teardown = message;
	struct vmbus_gpadl_torndown torndown = {.gpadl = teardown->gpadl};
	struct vmbus_gpadl *gpadl = vmbus_gpadl_find(bus, teardown->gpadl);
	struct vmbus_channel *channel;

	(void)size;
	if (!gpadl || gpadl->relid != teardown->relid) {
		bus->host->complain(bus,
				    "takes back a list of pages that is none:", teardown->gpadl);
		return;
	}
	channel = bus->channels[gpadl->relid];
	if (channel && channel->gpadl == gpadl->id)
		vmbus_channel_break(channel, "takes back the rings of channel");
	vmbus_gpadl_remove(bus, gpadl);
	message_send(bus, VMBUS_GPADL_TORNDOWN, &torndown, sizeof(torndown));
}

/* ---- messages from the guest ---- */

static const struct {
	void (*take)(struct vmbus *bus, const void *message, size_t size);
	uint32_t version; /* from which on it is one; 0: before there is a connection */
	size_t size;	  /* at least */
} handlers[VMBUS_MESSAGE_TYPES] = {
	[VMBUS_REQUEST_OFFERS] = {request_offers, VMBUS_VERSION_4_0, sizeof(struct vmbus_header)},
	[VMBUS_OPEN_CHANNEL] = {open_channel, VMBUS_VERSION_4_0, VMBUS_OPEN_CHANNEL_SIZE},
	[VMBUS_CLOSE_CHANNEL] = {close_channel, VMBUS_VERSION_4_0,
				 sizeof(struct vmbus_relid_message)},
	[VMBUS_GPADL_HEADER] = {gpadl_header, VMBUS_VERSION_4_0, sizeof(struct vmbus_gpadl_header)},
	[VMBUS_GPADL_BODY] = {gpadl_body, VMBUS_VERSION_4_0, sizeof(struct vmbus_gpadl_body)},
	[VMBUS_GPADL_TEARDOWN] = {gpadl_teardown, VMBUS_VERSION_4_0,
				  sizeof(struct vmbus_gpadl_teardown)},
	[VMBUS_RELID_RELEASED] = {relid_released, 0, sizeof(struct vmbus_relid_message)},
	[VMBUS_INITIATE_CONTACT] = {initiate_contact, 0, sizeof(struct vmbus_initiate_contact)},
	[VMBUS_UNLOAD] = {unload, VMBUS_VERSION_4_0, sizeof(struct vmbus_header)},
	[VMBUS_TL_CONNECT_REQUEST] = {tl_connect_request, VMBUS_VERSION_4_1,
				      sizeof(struct vmbus_tl_connect_request)},
	[VMBUS_MODIFY_CHANNEL] = {modify_channel, VMBUS_VERSION_4_1,
				  sizeof(struct vmbus_modify_channel)},
};

/* The oldest one; false: there is none. */
static bool message_receive(struct vmbus *bus, uint8_t message[VMBUS_MESSAGE_MAX], size_t *size)
{
	struct vmbus_held *held = bus->held;

	if (!held)
		return bus->host->receive(bus, message, size) == STATUS_OK;
	*size = held->size;
	memcpy(message, held->bytes, held->size);
	bus->held = held->next;
	free(held);
	return true;
}

status_t vmbus_hold(struct vmbus *bus)
{
	struct vmbus_held **end = &bus->held, *held;

	while (*end)
		end = &(*end)->next;
	/* Ends when the ports are empty: the guest does not run. */
	for (;;) {
		held = calloc(1, sizeof(*held));
		if (!held)
			return STATUS_NO_MEMORY;
		if (bus->host->receive(bus, held->bytes, &held->size) != STATUS_OK)
			break;
		*end = held;
		end = &held->next;
	}
	free(held);
	return STATUS_OK;
}

static void message_take(struct vmbus *bus, const uint8_t *message, size_t size)
{
	struct vmbus_header header;

	if (size < sizeof(header)) {
		bus->host->complain(bus, "sends a message that is none; its size:", (uint32_t)size);
		return;
	}
	memcpy(&header, message, sizeof(header));
	if (header.type >= VMBUS_MESSAGE_TYPES || !handlers[header.type].take ||
	    size < handlers[header.type].size || bus->version < handlers[header.type].version) {
		bus->host->complain(bus,
				    "sends a message that is none now; its type:", header.type);
		return;
	}
	handlers[header.type].take(bus, message, size);
}

/* True: there may be more than was taken. */
static bool messages_serve(struct vmbus *bus)
{
	uint8_t message[VMBUS_MESSAGE_MAX] __aligned(8);
	size_t size;

	for (uint32_t i = 0; i < VMBUS_SERVE_PACKETS; i++) {
		announcements_send(bus);
		queue_send(bus);
		if (announcements_wait(bus) && queue_has_room(bus))
			continue;
		/* The timer of the queue comes back here. */
		if (!queue_has_room(bus))
			return false;
		if (!message_receive(bus, message, &size))
			return false;
		message_take(bus, message, size);
	}
	return true;
}

/* True: there may be more. The channel at which the packets' number is used up is the last next time. */
static bool channels_serve(struct vmbus *bus)
{
	uint32_t left = VMBUS_SERVE_PACKETS, first = bus->first_channel;
	bool more = false;

	for (uint32_t i = 0; i < VMBUS_CHANNELS; i++) {
		struct vmbus_channel *channel = bus->channels[(first + i) % VMBUS_CHANNELS];
		bool any = left > 0;

		if (channel && vmbus_channel_serve(channel, &left))
			more = true;
		if (any && left == 0)
			bus->first_channel = (first + i + 1) % VMBUS_CHANNELS;
	}
	return more;
}

void vmbus_serve(struct vmbus *bus)
{
	bool more = messages_serve(bus);

	more = channels_serve(bus) || more;
	if (more)
		bus->host->again(bus);
}

/* ---- the server ---- */

status_t vmbus_init(struct vmbus *bus, const struct vmbus_host *host, struct device_env *env,
		    uint32_t vp_count)
{
	memset(bus, 0, sizeof(*bus));
	bus->host = host;
	bus->env = env;
	bus->vp_count = vp_count;
	bus->retry.expired = retry_expired;
	bus->packet = malloc(VMBUS_PACKET_MAX);
	return bus->packet ? STATUS_OK : STATUS_NO_MEMORY;
}

/* What waits in the ports is the old guest's; with them full, nothing would tell of the new one's. */
void vmbus_reset(struct vmbus *bus)
{
	uint8_t message[VMBUS_MESSAGE_MAX];
	size_t size;

	disconnect(bus);
	while (message_receive(bus, message, &size))
		;
}

void vmbus_destroy(struct vmbus *bus)
{
	disconnect(bus);
	for (struct vmbus_held *held = bus->held, *next; held; held = next) {
		next = held->next;
		free(held);
	}
	bus->held = NULL;
	free(bus->packet);
	bus->packet = NULL;
}

status_t vmbus_offer(struct vmbus *bus, struct vmbus_channel *channel)
{
	uint32_t relid = 1;

	while (relid < VMBUS_CHANNELS && bus->channels[relid])
		relid++;
	if (relid == VMBUS_CHANNELS)
		return STATUS_TOO_LARGE;
	bus->channels[relid] = channel;
	channel->bus = bus;
	channel->relid = relid;
	channel->state = VMBUS_CHANNEL_CLOSED;
	channel->known = channel->rescinded = channel->rescind = false;
	channel->announce = bus->offers_requested;
	if (channel->announce)
		bus->host->again(bus);
	return STATUS_OK;
}

void vmbus_rescind(struct vmbus_channel *channel)
{
	if (channel->rescinded || channel->relid == 0)
		return;
	channel->rescinded = true;
	channel->announce = false;
	vmbus_channel_close(channel);
	if (!channel->known) {
		channel_remove(channel);
		return;
	}
	channel->rescind = true;
	channel->bus->host->again(channel->bus);
}

void vmbus_detach(struct vmbus *bus)
{
	for (uint32_t i = 0; i < VMBUS_CHANNELS; i++)
		if (bus->channels[i] && bus->channels[i]->state == VMBUS_CHANNEL_OPEN)
			bus->host->disconnect(bus, bus->channels[i]);
}

static void channel_attach(struct vmbus_channel *channel)
{
	if (channel->state != VMBUS_CHANNEL_OPEN)
		return;
	if (channel->bus->host->connect(channel->bus, channel) != STATUS_OK)
		vmbus_channel_break(channel, "cannot have its signals back of channel");
	else
		channel->ops->resumed(channel);
}

void vmbus_attach(struct vmbus *bus)
{
	for (uint32_t i = 0; i < VMBUS_CHANNELS; i++)
		if (bus->channels[i])
			channel_attach(bus->channels[i]);
	bus->host->again(bus);
}
