/* SPDX-License-Identifier: MIT */
/*
 * A guest of the VMBus server, with the world between them: memory, synic messages in both directions, a clock,
 * and a driver's side of rings, which knows nothing of the server's. Unit tests and fuzzers include it; each
 * gets its own.
 */
#ifndef TESTS_VMBUS_GUEST_H
#define TESTS_VMBUS_GUEST_H

#include <stdlib.h>
#include <string.h>

#include <vmbus/ic.h>
#include <vmbus/vmbus.h>

#define GUEST_PAGES 128u
#define GUEST_VPS   4u
#ifndef GUEST_MESSAGES
#define GUEST_MESSAGES 4096u
#endif

struct guest_message {
	uint32_t vp, sint;
	size_t size;
	uint8_t bytes[VMBUS_MESSAGE_MAX];
};

struct guest {
	struct device_env env;
	struct vmbus bus;
	uint64_t now_ns, reference, utc;
	uint8_t *memory; /* GUEST_PAGES pages from address 0 */

	struct guest_message *sent; /* to the server: a queue */
	uint32_t sent_first, sent_count;
	struct guest_message *got; /* from the server, since guest_forget() */
	uint32_t got_count, room;  /* takes `room` more */
	status_t post_status;	   /* of messages, if not OK */

	uint32_t signals[VMBUS_CHANNELS];
	bool connected[VMBUS_CHANNELS];
	uint32_t interrupted[VMBUS_CHANNELS]; /* the VP */
	status_t connect_status;
	uint32_t agains, complaints;
};

static inline struct guest *guest_of(struct vmbus *bus)
{
	return container_of(bus, struct guest, bus);
}

/* ---- the world ---- */

static inline uint64_t guest_now(struct device_env *env)
{
	return container_of(env, struct guest, env)->now_ns;
}

static inline void guest_deadline(struct device_env *env, uint64_t deadline_ns)
{
	(void)env, (void)deadline_ns;
}

static const struct device_env_ops guest_env_ops = {
	.now_ns = guest_now,
	.deadline_changed = guest_deadline,
};

static inline status_t guest_receive(struct vmbus *bus, uint8_t message[VMBUS_MESSAGE_MAX],
				     size_t *size)
{
	struct guest *guest = guest_of(bus);
	const struct guest_message *first = &guest->sent[guest->sent_first % GUEST_MESSAGES];

	if (guest->sent_count == 0)
		return STATUS_NOT_FOUND;
	memcpy(message, first->bytes, VMBUS_MESSAGE_MAX);
	*size = first->size;
	guest->sent_first++;
	guest->sent_count--;
	return STATUS_OK;
}

static inline status_t guest_post(struct vmbus *bus, uint32_t vp, uint32_t sint,
				  const void *message, size_t size)
{
	struct guest *guest = guest_of(bus);
	struct guest_message *to = &guest->got[guest->got_count];

	if (guest->post_status != STATUS_OK)
		return guest->post_status;
	if (guest->room == 0 || guest->got_count == GUEST_MESSAGES)
		return STATUS_BUSY;
	if (vp >= GUEST_VPS || sint >= 16 || size > VMBUS_MESSAGE_MAX)
		abort();
	guest->room--;
	guest->got_count++;
	*to = (struct guest_message){.vp = vp, .sint = sint, .size = size};
	memcpy(to->bytes, message, size);
	return STATUS_OK;
}

static inline status_t guest_connect(struct vmbus *bus, struct vmbus_channel *channel)
{
	struct guest *guest = guest_of(bus);

	if (guest->connect_status != STATUS_OK)
		return guest->connect_status;
	if (guest->connected[channel->relid])
		abort();
	guest->connected[channel->relid] = true;
	guest->interrupted[channel->relid] = channel->vp;
	return STATUS_OK;
}

static inline void guest_disconnect(struct vmbus *bus, struct vmbus_channel *channel)
{
	guest_of(bus)->connected[channel->relid] = false;
}

static inline status_t guest_retarget(struct vmbus *bus, struct vmbus_channel *channel)
{
	if (channel->vp >= GUEST_VPS)
		abort();
	guest_of(bus)->interrupted[channel->relid] = channel->vp;
	return STATUS_OK;
}

static inline void guest_signal(struct vmbus *bus, struct vmbus_channel *channel)
{
	if (!guest_of(bus)->connected[channel->relid])
		abort();
	guest_of(bus)->signals[channel->relid]++;
}

static inline void *guest_page(struct vmbus *bus, gpa_t gpa)
{
	return gpa < GUEST_PAGES * PAGE_SIZE ? guest_of(bus)->memory + gpa : NULL;
}

static inline void guest_again(struct vmbus *bus)
{
	guest_of(bus)->agains++;
}

static inline bool guest_clock(struct vmbus *bus, uint64_t *reference, uint64_t *utc)
{
	*reference = guest_of(bus)->reference;
	*utc = guest_of(bus)->utc;
	return *utc != 0;
}

static inline void guest_complain(struct vmbus *bus, const char *what, uint32_t number)
{
	(void)what, (void)number;
	guest_of(bus)->complaints++;
}

static const struct vmbus_host guest_host = {
	.receive = guest_receive,
	.post = guest_post,
	.connect = guest_connect,
	.disconnect = guest_disconnect,
	.retarget = guest_retarget,
	.signal = guest_signal,
	.page = guest_page,
	.again = guest_again,
	.clock = guest_clock,
	.complain = guest_complain,
};

static inline struct guest *guest_new(void)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	guest->memory = aligned_alloc(PAGE_SIZE, GUEST_PAGES * PAGE_SIZE);
	memset(guest->memory, 0, GUEST_PAGES * PAGE_SIZE);
	guest->sent = calloc(GUEST_MESSAGES, sizeof(*guest->sent));
	guest->got = calloc(GUEST_MESSAGES, sizeof(*guest->got));
	guest->room = UINT32_MAX;
	guest->utc = IC_TIME_UNIX + 7;
	device_env_init(&guest->env, &guest_env_ops);
	if (vmbus_init(&guest->bus, &guest_host, &guest->env, GUEST_VPS) != STATUS_OK)
		abort();
	return guest;
}

static inline void guest_delete(struct guest *guest)
{
	vmbus_destroy(&guest->bus);
	if (guest->env.timers || guest->bus.gpadls || guest->bus.gpadl_count ||
	    guest->bus.gpadl_pages)
		abort();
	free(guest->memory);
	free(guest->sent);
	free(guest->got);
	free(guest);
}

/* ---- messages ---- */

static inline void guest_send(struct guest *guest, const void *message, size_t size)
{
	struct guest_message *to =
		&guest->sent[(guest->sent_first + guest->sent_count) % GUEST_MESSAGES];

	if (guest->sent_count == GUEST_MESSAGES)
		return;
	guest->sent_count++;
	memset(to, 0, sizeof(*to));
	to->size = size;
	memcpy(to->bytes, message, size);
}

static inline void guest_forget(struct guest *guest)
{
	guest->got_count = 0;
}

/* The server runs until it has nothing more to do. */
static inline void guest_serve(struct guest *guest)
{
	uint32_t before;

	do {
		before = guest->agains;
		vmbus_serve(&guest->bus);
	} while (guest->agains != before);
}

/* What a timer asks for is done. */
static inline void guest_time(struct guest *guest, uint64_t ns)
{
	uint32_t before = guest->agains;

	guest->now_ns += ns;
	(void)device_timers_run(&guest->env);
	if (guest->agains != before)
		guest_serve(guest);
}

/* Sends it, and has the server do what it will. */
static inline void guest_say(struct guest *guest, const void *message, size_t size)
{
	guest_forget(guest);
	guest_send(guest, message, size);
	guest_serve(guest);
}

static inline void guest_contact(struct guest *guest, uint32_t version)
{
	const struct vmbus_initiate_contact contact = {
		.header.type = VMBUS_INITIATE_CONTACT, .version = version, .sint = 2};

	guest_say(guest, &contact, sizeof(contact));
}

static inline void guest_request_offers(struct guest *guest)
{
	const struct vmbus_header request = {.type = VMBUS_REQUEST_OFFERS};

	guest_say(guest, &request, sizeof(request));
}

/* A list of `count` pages from `page` on, in as many messages as it takes. */
static inline void guest_gpadl(struct guest *guest, uint32_t relid, uint32_t id, uint32_t page,
			       uint32_t count)
{
	uint8_t bytes[VMBUS_MESSAGE_MAX];
	struct vmbus_gpadl_header header = {
		.header.type = VMBUS_GPADL_HEADER,
		.relid = relid,
		.gpadl = id,
		.list_size = (uint16_t)(8 + 8 * count),
		.range_count = 1,
	};
	const struct vmbus_gpadl_body body = {.header.type = VMBUS_GPADL_BODY, .gpadl = id};
	const struct vmbus_range_header range = {.length = count * (uint32_t)PAGE_SIZE};
	size_t size = sizeof(header) + sizeof(range);

	guest_forget(guest);
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), &range, sizeof(range));
	for (uint32_t i = 0; i < count; i++) {
		uint64_t number = page + i;

		if (size + 8 > VMBUS_MESSAGE_MAX) {
			guest_send(guest, bytes, size);
			memcpy(bytes, &body, sizeof(body));
			size = sizeof(body);
		}
		memcpy(bytes + size, &number, 8);
		size += 8;
	}
	guest_send(guest, bytes, size);
	guest_serve(guest);
}

static inline void guest_open(struct guest *guest, uint32_t relid, uint32_t gpadl, uint32_t vp,
			      uint32_t downstream)
{
	const struct vmbus_open_channel open = {
		.header.type = VMBUS_OPEN_CHANNEL,
		.relid = relid,
		.open_id = relid + 100,
		.gpadl = gpadl,
		.target_vp = vp,
		.downstream_page = downstream,
	};

	guest_say(guest, &open, VMBUS_OPEN_CHANNEL_SIZE);
}

static inline void guest_relid(struct guest *guest, enum vmbus_message_type type, uint32_t relid)
{
	const struct vmbus_relid_message message = {.header.type = type, .relid = relid};

	guest_say(guest, &message, sizeof(message));
}

/* ---- rings ---- */

/* As a driver sees one: pages that follow each other in memory, the first one control. */
struct guest_ring {
	uint32_t *words;
	uint8_t *data;
	uint32_t size;
};

static inline struct guest_ring guest_ring_at(struct guest *guest, uint32_t page, uint32_t pages)
{
	uint8_t *at = guest->memory + page * PAGE_SIZE;

	return (struct guest_ring){.words = (uint32_t *)(void *)at,
				   .data = at + PAGE_SIZE,
				   .size = (pages - 1) * (uint32_t)PAGE_SIZE};
}

/* A packet with what stands between descriptor and data, and the data; it has to fit. */
static inline void guest_ring_put(struct guest_ring *ring, uint16_t type, uint16_t flags,
				  const void *extra, size_t extra_size, const void *data,
				  size_t size)
{
	size_t total = 16 + extra_size + ALIGN_UP(size, 8);
	struct vmbus_descriptor descriptor = {
		.type = type,
		.flags = flags,
		.data_offset8 = (uint16_t)((16 + extra_size) / 8),
		.length8 = (uint16_t)(total / 8),
		.transaction = 0x1234,
	};
	uint8_t *packet = calloc(1, total + 8);
	uint32_t at = ring->words[VMBUS_RING_IN];

	memcpy(packet, &descriptor, sizeof(descriptor));
	if (extra_size)
		memcpy(packet + 16, extra, extra_size);
	if (size)
		memcpy(packet + 16 + extra_size, data, size);
	memcpy(packet + total + 4, &at, 4);
	for (size_t i = 0; i < total + 8; i++)
		ring->data[(at + i) % ring->size] = packet[i];
	ring->words[VMBUS_RING_IN] = (uint32_t)((at + total + 8) % ring->size);
	free(packet);
}

/* The next packet's data into `data`; false: there is none. */
static inline bool guest_ring_get(struct guest_ring *ring, struct vmbus_descriptor *descriptor,
				  uint8_t *data, size_t size, size_t *length)
{
	uint32_t at = ring->words[VMBUS_RING_OUT];
	uint32_t used = (ring->words[VMBUS_RING_IN] + ring->size - at) % ring->size;
	uint32_t begin;

	if (used == 0)
		return false;
	for (size_t i = 0; i < 16; i++)
		((uint8_t *)descriptor)[i] = ring->data[(at + i) % ring->size];
	*length = descriptor->length8 * 8u - descriptor->data_offset8 * 8u;
	if (descriptor->length8 * 8u + 8 > used || *length > size)
		abort();
	for (size_t i = 0; i < *length; i++)
		data[i] = ring->data[(at + descriptor->data_offset8 * 8u + i) % ring->size];
	/* The footer tells where it began. */
	for (size_t i = 0; i < 4; i++)
		((uint8_t *)&begin)[i] =
			ring->data[(at + descriptor->length8 * 8u + 4 + i) % ring->size];
	if (begin != at)
		abort();
	ring->words[VMBUS_RING_OUT] = (at + descriptor->length8 * 8u + 8) % ring->size;
	return true;
}

#endif
