/* SPDX-License-Identifier: MIT */
/*
 * The VMBus server as a guest's driver sees it: versions, offers, page lists, channels and their rings, and what
 * becomes of a guest that does all of it wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmbus_guest.h"

/* ---- a service that keeps what it hears ---- */

struct service {
	struct vmbus_channel channel;
	uint32_t opened, closed, packets, writable, resumed;
	struct vmbus_packet packet; /* the last one */
	uint8_t data[VMBUS_PACKET_MAX];
	uint8_t direct[64]; /* what its pages held */
	size_t direct_size;
	status_t direct_status;
};

static struct service *service_of(struct vmbus_channel *channel)
{
	return container_of(channel, struct service, channel);
}

static void service_opened(struct vmbus_channel *channel)
{
	service_of(channel)->opened++;
}

static void service_closed(struct vmbus_channel *channel)
{
	service_of(channel)->closed++;
}

static void service_received(struct vmbus_channel *channel, struct vmbus_packet *packet)
{
	struct service *service = service_of(channel);

	service->packets++;
	service->packet = *packet;
	memcpy(service->data, packet->data, packet->size);
	if (packet->pages)
		service->direct_status = vmbus_pages_read(packet->pages, 0, 0, service->direct,
							  service->direct_size);
}

static void service_writable(struct vmbus_channel *channel)
{
	service_of(channel)->writable++;
}

static void service_resumed(struct vmbus_channel *channel)
{
	service_of(channel)->resumed++;
}

static const struct vmbus_channel_ops service_ops = {
	.opened = service_opened,
	.closed = service_closed,
	.received = service_received,
	.writable = service_writable,
	.resumed = service_resumed,
};

static struct service services[VMBUS_CHANNELS];

static struct vmbus_channel *service_offer(struct guest *guest, uint32_t n)
{
	struct vmbus_channel *channel = &services[n].channel;

	memset(&services[n], 0, sizeof(services[n]));
	channel->ops = &service_ops;
	channel->type.a = 0x1000 + n;
	channel->instance.a = 0x2000 + n;
	assert_int_equal(vmbus_offer(&guest->bus, channel), STATUS_OK);
	return channel;
}

static int setup(void **state)
{
	struct guest *guest = guest_new();

	for (uint32_t n = 0; n < 3; n++)
		service_offer(guest, n);
	*state = guest;
	return 0;
}

static int teardown(void **state)
{
	guest_delete(*state);
	return 0;
}

/* ---- helpers ---- */

static const void *got(struct guest *guest, uint32_t n, enum vmbus_message_type type, size_t size)
{
	const struct guest_message *message = &guest->got[n];

	assert_true(n < guest->got_count);
	assert_int_equal(((const struct vmbus_header *)(const void *)message->bytes)->type, type);
	assert_int_equal(message->size, size);
	return message->bytes;
}

static void connected(struct guest *guest)
{
	guest_contact(guest, VMBUS_VERSION_5_3);
	guest_request_offers(guest);
	assert_int_equal(guest->got_count, 4);
}

static uint32_t created_status(struct guest *guest)
{
	const struct vmbus_gpadl_created *created =
		got(guest, 0, VMBUS_GPADL_CREATED, sizeof(*created));

	assert_int_equal(guest->got_count, 1);
	return created->status;
}

static uint32_t open_status(struct guest *guest)
{
	const struct vmbus_open_channel_result *result =
		got(guest, 0, VMBUS_OPEN_CHANNEL_RESULT, sizeof(*result));

	assert_int_equal(guest->got_count, 1);
	return result->status;
}

/* Channel 1 over 8 pages from page 16 on: the guest's ring has 4, the server's 4. */
#define RING_PAGE  16u
#define RING_PAGES 8u
#define RING_SPLIT 4u
#define GPADL	   0xe1e10u

struct rings {
	struct guest_ring up, down;
};

static struct rings opened(struct guest *guest)
{
	connected(guest);
	guest_gpadl(guest, 1, GPADL, RING_PAGE, RING_PAGES);
	assert_int_equal(created_status(guest), VMBUS_STATUS_SUCCESS);
	guest_open(guest, 1, GPADL, 1, RING_SPLIT);
	assert_int_equal(open_status(guest), VMBUS_STATUS_SUCCESS);
	return (struct rings){
		.up = guest_ring_at(guest, RING_PAGE, RING_SPLIT),
		.down = guest_ring_at(guest, RING_PAGE + RING_SPLIT, RING_PAGES - RING_SPLIT)};
}

static status_t send(struct vmbus_channel *channel, const void *data, size_t size)
{
	const struct vmbus_piece piece = {data, size};

	return vmbus_send(channel, VMBUS_PACKET_IN_BAND, 0, 7, &piece, 1);
}

/* ---- the connection ---- */

static void versions_are_agreed_on(void **state)
{
	static const struct {
		uint32_t version;
		bool supported;
		uint32_t connection;
	} cases[] = {
		{VMBUS_VERSION(6, 1), false, 0},
		{VMBUS_VERSION(5, 4), false, 0},
		{VMBUS_VERSION_5_3, true, 4},
		{VMBUS_VERSION_5_2, true, 4},
		{VMBUS_VERSION_5_1, true, 4},
		{VMBUS_VERSION_5_0, true, 4},
		{VMBUS_VERSION_4_1, true, VMBUS_VERSION_4_1},
		{VMBUS_VERSION_4_0, true, VMBUS_VERSION_4_0},
		{VMBUS_VERSION(3, 0), false, 0},
		{0, false, 0},
	};
	struct guest *guest = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct vmbus_version_response *response;

		guest_contact(guest, cases[i].version);
		assert_int_equal(guest->got_count, 1);
		response = got(guest, 0, VMBUS_VERSION_RESPONSE, VMBUS_VERSION_RESPONSE_SIZE);
		assert_int_equal(response->supported, cases[i].supported);
		assert_int_equal(response->connection, cases[i].connection);
		assert_int_equal(guest->bus.version, cases[i].supported ? cases[i].version : 0);
		assert_int_equal(guest->got[0].sint, 2);
	}
	assert_int_equal(guest->complaints, 0);
}

static void features_of_the_newest_version(void **state)
{
	struct guest *guest = *state;
	struct vmbus_initiate_contact contact = {.header.type = VMBUS_INITIATE_CONTACT,
						 .version = VMBUS_VERSION_6_0,
						 .sint = 2,
						 .features = 0xff};
	struct vmbus_open_channel open = {.header.type = VMBUS_OPEN_CHANNEL,
					  .relid = 1,
					  .gpadl = GPADL,
					  .downstream_page = RING_SPLIT,
					  .connection = 0x777,
					  .event_flag = 55};
	const struct vmbus_version_response *response;

	guest_say(guest, &contact, sizeof(contact));
	response = got(guest, 0, VMBUS_VERSION_RESPONSE, sizeof(*response));
	assert_int_equal(response->features, VMBUS_FEATURE_SIGNAL_PARAMETERS);
	guest_request_offers(guest);
	guest_gpadl(guest, 1, GPADL, RING_PAGE, RING_PAGES);
	guest_say(guest, &open, sizeof(open));
	assert_int_equal(open_status(guest), VMBUS_STATUS_SUCCESS);
	assert_int_equal(services[0].channel.connection, 0x777);
	assert_int_equal(services[0].channel.event_flag, 55);
}

static void messages_go_where_the_guest_wants_them(void **state)
{
	struct guest *guest = *state;
	struct vmbus_initiate_contact contact = {.header.type = VMBUS_INITIATE_CONTACT,
						 .version = VMBUS_VERSION_5_0,
						 .target_vp = GUEST_VPS - 1,
						 .sint = 5};

	guest_say(guest, &contact, sizeof(contact));
	assert_int_equal(guest->got[0].vp, GUEST_VPS - 1);
	assert_int_equal(guest->got[0].sint, 5);
	contact.target_vp = GUEST_VPS;
	guest_say(guest, &contact, sizeof(contact));
	assert_int_equal(guest->got_count, 0);
	assert_int_equal(guest->bus.version, 0);
	contact.target_vp = 0;
	for (uint32_t sint = 0; sint < 256; sint += 16) {
		contact.sint = (uint8_t)sint;
		guest_say(guest, &contact, sizeof(contact));
		assert_int_equal(guest->got_count, 0);
	}
	contact.sint = 2;
	contact.vtl = 1;
	guest_say(guest, &contact, sizeof(contact));
	assert_int_equal(guest->got_count, 0);
	/* Before 5.0 the same bytes are an address. */
	contact.version = VMBUS_VERSION_4_0;
	contact.sint = 0xff;
	guest_say(guest, &contact, sizeof(contact));
	assert_int_equal(guest->got_count, 1);
	assert_int_equal(guest->got[0].sint, 2);
}

static void offers_come_once(void **state)
{
	struct guest *guest = *state;
	const struct vmbus_offer_channel *offer;

	guest_request_offers(guest); /* not connected */
	assert_int_equal(guest->got_count, 0);
	guest_contact(guest, VMBUS_VERSION_5_3);
	guest_request_offers(guest);
	assert_int_equal(guest->got_count, 4);
	for (uint32_t n = 0; n < 3; n++) {
		offer = got(guest, n, VMBUS_OFFER_CHANNEL, sizeof(*offer));
		assert_int_equal(offer->relid, n + 1);
		assert_int_equal(offer->type.a, 0x1000 + n);
		assert_int_equal(offer->instance.a, 0x2000 + n);
		assert_int_equal(offer->connection, 0x2001 + n);
		assert_int_equal(offer->dedicated_interrupt, 1);
		assert_int_equal(offer->monitor_allocated, 0);
	}
	(void)got(guest, 3, VMBUS_ALL_OFFERS_DELIVERED, sizeof(struct vmbus_header));
	assert_int_equal(guest->complaints, 1);
	guest_request_offers(guest);
	assert_int_equal(guest->got_count, 0);
	assert_int_equal(guest->complaints, 2);
	/* One that comes later. */
	service_offer(guest, 3);
	guest_serve(guest);
	offer = got(guest, 0, VMBUS_OFFER_CHANNEL, sizeof(*offer));
	assert_int_equal(offer->relid, 4);
	assert_int_equal(guest->got_count, 1);
}

static void all_channels_there_may_be(void **state)
{
	struct guest *guest = *state;
	static struct service more;

	for (uint32_t n = 3; n < VMBUS_CHANNELS - 1; n++)
		service_offer(guest, n);
	assert_int_equal(vmbus_offer(&guest->bus, &more.channel), STATUS_TOO_LARGE);
	guest_contact(guest, VMBUS_VERSION_5_3);
	guest_request_offers(guest);
	assert_int_equal(guest->got_count, VMBUS_CHANNELS);
	(void)got(guest, VMBUS_CHANNELS - 1, VMBUS_ALL_OFFERS_DELIVERED, 8);
}

static void unload_ends_the_connection(void **state)
{
	struct guest *guest = *state;
	const struct vmbus_header unload_message = {.type = VMBUS_UNLOAD};

	opened(guest);
	guest_say(guest, &unload_message, sizeof(unload_message));
	assert_int_equal(guest->got_count, 1);
	(void)got(guest, 0, VMBUS_UNLOAD_RESPONSE, 8);
	assert_int_equal(services[0].closed, 1);
	assert_false(guest->connected[1]);
	assert_int_equal(guest->bus.gpadl_count, 0);
	guest_relid(guest, VMBUS_RELID_RELEASED, 1);
	assert_int_equal(guest->complaints, 0);
	guest_say(guest, &unload_message, sizeof(unload_message));
	assert_int_equal(guest->got_count, 0);
	/* All begins anew. */
	opened(guest);
	assert_int_equal(services[0].opened, 2);
}

static void contact_again_begins_anew(void **state)
{
	struct guest *guest = *state;

	opened(guest);
	guest_contact(guest, VMBUS_VERSION_5_2);
	assert_int_equal(services[0].closed, 1);
	assert_int_equal(guest->bus.gpadl_count, 0);
	guest_open(guest, 1, GPADL, 0, RING_SPLIT);
	assert_int_equal(guest->got_count, 0); /* it was not offered now */
	guest_request_offers(guest);
	assert_int_equal(guest->got_count, 4);
}

static void a_reset_forgets_all(void **state)
{
	struct guest *guest = *state;
	const struct vmbus_header offers = {.type = VMBUS_REQUEST_OFFERS};

	opened(guest);
	guest_forget(guest);
	/* What it has posted and nobody has taken is not the next one's. */
	guest_send(guest, &offers, sizeof(offers));
	vmbus_reset(&guest->bus);
	assert_int_equal(guest->sent_count, 0);
	guest_serve(guest);
	assert_int_equal(guest->got_count, 0);
	assert_int_equal(services[0].closed, 1);
	assert_int_equal(guest->bus.version, 0);
	opened(guest);
}

/* A guest that takes no message is not listened to; when it does again, nothing is lost. */
static void a_guest_that_does_not_listen(void **state)
{
	struct guest *guest = *state;
	const struct vmbus_modify_channel modify = {.header.type = VMBUS_MODIFY_CHANNEL,
						    .relid = 1};

	connected(guest);
	guest_forget(guest);
	guest->room = 0;
	for (uint32_t i = 0; i < 1000; i++)
		guest_send(guest, &modify, sizeof(modify));
	guest_serve(guest);
	assert_int_equal(guest->got_count, 0);
	assert_int_equal(guest->sent_count, 1000 - VMBUS_QUEUE);
	for (uint32_t i = 0; i < 100; i++)
		guest_time(guest, 1000000000);
	assert_int_equal(guest->sent_count, 1000 - VMBUS_QUEUE);
	guest->room = 1000;
	for (uint32_t i = 0; i < 100; i++) {
		guest_time(guest, 64000000);
		guest_serve(guest);
	}
	assert_int_equal(guest->got_count, 1000);
	assert_int_equal(guest->sent_count, 0);
	assert_null(guest->env.timers);
}

/* Where no message can be received any more, they are taken in before; they come in their order. */
static void what_was_sent_is_held(void **state)
{
	struct guest *guest = *state;
	struct vmbus_modify_channel modify = {.header.type = VMBUS_MODIFY_CHANNEL};

	connected(guest);
	guest_forget(guest);
	guest->room = 0;
	for (uint32_t i = 0; i < 40; i++) {
		modify.relid = i;
		guest_send(guest, &modify, sizeof(modify));
	}
	guest_serve(guest);
	assert_int_equal(vmbus_hold(&guest->bus), STATUS_OK);
	assert_int_equal(guest->sent_count, 0);
	guest->room = 1000;
	modify.relid = 40;
	guest_send(guest, &modify, sizeof(modify));
	assert_int_equal(vmbus_hold(&guest->bus), STATUS_OK);
	guest_serve(guest);
	assert_int_equal(guest->got_count, 41);
	for (uint32_t i = 0; i < 41; i++)
		assert_int_equal(
			((struct vmbus_modify_channel_response *)(void *)guest->got[i].bytes)
				->relid,
			i);
	/* A guest that begins anew has sent none of it. */
	guest->room = 0;
	for (uint32_t i = 0; i < 40; i++)
		guest_send(guest, &modify, sizeof(modify));
	guest_serve(guest);
	assert_int_equal(vmbus_hold(&guest->bus), STATUS_OK);
	assert_non_null(guest->bus.held);
	vmbus_reset(&guest->bus);
	assert_null(guest->bus.held);
	/* What is held at the end is given back. */
	guest_send(guest, &modify, sizeof(modify));
	assert_int_equal(vmbus_hold(&guest->bus), STATUS_OK);
}

static void retries_become_rare(void **state)
{
	struct guest *guest = *state;
	uint32_t expiries = 0;
	uint64_t last = 0;

	guest->room = 0;
	guest_contact(guest, VMBUS_VERSION_5_3);
	while (guest->now_ns < 1000000000 && guest->env.timers) {
		last = guest->env.timers->deadline_ns - guest->now_ns;
		guest_time(guest, last);
		expiries++;
	}
	assert_true(last == 64000000);
	assert_true(expiries < 25);
	guest->room = 1;
	guest_time(guest, last);
	assert_int_equal(guest->got_count, 1);
}

static void a_guest_without_a_synic_loses_messages(void **state)
{
	struct guest *guest = *state;

	guest->post_status = STATUS_WRONG_STATE;
	guest_contact(guest, VMBUS_VERSION_5_3);
	assert_int_equal(guest->bus.queue_count, 0);
	assert_int_equal(guest->complaints, 1);
	guest->post_status = STATUS_OK;
	connected(guest);
}

static void messages_that_are_none(void **state)
{
	struct guest *guest = *state;
	uint8_t bytes[VMBUS_MESSAGE_MAX];
	uint32_t complaints;

	connected(guest);
	for (uint32_t type = 0; type < 40; type++) {
		for (size_t size = 0; size < 8; size++) {
			memset(bytes, 0, sizeof(bytes));
			memcpy(bytes, &type, 4);
			complaints = guest->complaints;
			guest_say(guest, bytes, size);
			assert_int_equal(guest->complaints, complaints + 1);
			assert_int_equal(guest->got_count, 0);
		}
	}
	/* Too short by one byte, each. */
	for (uint32_t type = VMBUS_OPEN_CHANNEL; type < VMBUS_MESSAGE_TYPES; type++) {
		static const size_t sizes[VMBUS_MESSAGE_TYPES] = {
			[VMBUS_OPEN_CHANNEL] = 148,	 [VMBUS_CLOSE_CHANNEL] = 12,
			[VMBUS_GPADL_HEADER] = 20,	 [VMBUS_GPADL_BODY] = 16,
			[VMBUS_GPADL_TEARDOWN] = 16,	 [VMBUS_RELID_RELEASED] = 12,
			[VMBUS_INITIATE_CONTACT] = 40,	 [VMBUS_UNLOAD] = 8,
			[VMBUS_TL_CONNECT_REQUEST] = 40, [VMBUS_MODIFY_CHANNEL] = 16,
		};

		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, &type, 4);
		complaints = guest->complaints;
		guest_say(guest, bytes, sizes[type] ? sizes[type] - 1 : VMBUS_MESSAGE_MAX);
		assert_int_equal(guest->complaints, complaints + 1);
		assert_int_equal(guest->got_count, 0);
	}
	assert_int_equal(guest->bus.version, VMBUS_VERSION_5_3);
}

static void sockets_are_refused(void **state)
{
	struct guest *guest = *state;
	const struct vmbus_tl_connect_request request = {
		.header.type = VMBUS_TL_CONNECT_REQUEST, .endpoint.a = 1, .service.a = 2};
	const struct vmbus_tl_connect_result *result;

	connected(guest);
	guest_say(guest, &request, sizeof(request));
	result = got(guest, 0, VMBUS_TL_CONNECT_RESULT, sizeof(*result));
	assert_int_equal(result->status, VMBUS_STATUS_REFUSED);
	assert_int_equal(result->endpoint.a, 1);
	assert_int_equal(result->service.a, 2);
}

/* ---- page lists ---- */

static void lists_in_one_message_and_in_many(void **state)
{
	struct guest *guest = *state;

	connected(guest);
	guest_gpadl(guest, 1, 1, 0, 1);
	assert_int_equal(created_status(guest), VMBUS_STATUS_SUCCESS);
	guest_gpadl(guest, 1, 2, 3, GUEST_PAGES - 3);
	assert_int_equal(created_status(guest), VMBUS_STATUS_SUCCESS);
	assert_int_equal(guest->bus.gpadl_count, 2);
	assert_ptr_equal(vmbus_gpadl_find(&guest->bus, 2)->pages->pages[1],
			 guest->memory + 4 * PAGE_SIZE);
	assert_non_null(vmbus_gpadl_pages(&services[0].channel, 2));
	assert_null(vmbus_gpadl_pages(&services[1].channel, 2)); /* another's */
	assert_null(vmbus_gpadl_pages(&services[0].channel, 3));
}

static void lists_of_what_is_not_the_guests(void **state)
{
	struct guest *guest = *state;
	struct {
		struct vmbus_gpadl_header header;
		struct vmbus_range_header range;
		uint64_t page;
	} __packed list = {
		.header = {.header.type = VMBUS_GPADL_HEADER,
			   .relid = 1,
			   .gpadl = 9,
			   .list_size = 16,
			   .range_count = 1},
		.range = {.length = PAGE_SIZE},
	};
	static const uint64_t wild[] = {GUEST_PAGES, GUEST_PAGES + 1, 1ull << 40,
					1ull << 52,  UINT64_MAX,      UINT64_MAX >> 12};

	connected(guest);
	for (size_t i = 0; i < ARRAY_SIZE(wild); i++) {
		list.page = wild[i];
		guest_say(guest, &list, sizeof(list));
		assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	}
	list.page = GUEST_PAGES - 1;
	list.range.offset = 1; /* reaches beyond the list */
	guest_say(guest, &list, sizeof(list));
	assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	list.range.length = 0;
	guest_say(guest, &list, sizeof(list));
	assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	list.range = (struct vmbus_range_header){.length = 1, .offset = PAGE_SIZE};
	guest_say(guest, &list, sizeof(list));
	assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	list.range = (struct vmbus_range_header){.length = UINT32_MAX, .offset = PAGE_SIZE - 1};
	guest_say(guest, &list, sizeof(list));
	assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	list.range = (struct vmbus_range_header){.length = PAGE_SIZE};
	list.header.range_count = 2; /* there is one */
	guest_say(guest, &list, sizeof(list));
	assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	list.header.range_count = UINT16_MAX;
	guest_say(guest, &list, sizeof(list));
	assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	list.header.range_count = 0;
	guest_say(guest, &list, sizeof(list));
	assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	list.header.range_count = 1;
	list.header.list_size = 8; /* more comes than that */
	guest_say(guest, &list, sizeof(list));
	assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	list.header.list_size = 0;
	guest_say(guest, &list, sizeof(list.header));
	assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	assert_int_equal(guest->bus.gpadl_count, 0);
	assert_int_equal(guest->bus.gpadl_pages, 0);
	list.header.list_size = 16;
	guest_say(guest, &list, sizeof(list));
	assert_int_equal(created_status(guest), VMBUS_STATUS_SUCCESS);
}

static void lists_out_of_order(void **state)
{
	struct guest *guest = *state;
	struct {
		struct vmbus_gpadl_body body;
		uint64_t pages[2];
	} __packed body = {.body = {.header.type = VMBUS_GPADL_BODY, .gpadl = 5}};
	struct {
		struct vmbus_gpadl_header header;
		struct vmbus_range_header range;
		uint64_t page;
	} __packed list = {
		.header = {.header.type = VMBUS_GPADL_HEADER,
			   .relid = 1,
			   .gpadl = 5,
			   .list_size = 8 + 16,
			   .range_count = 1},
		.range = {.length = 2 * PAGE_SIZE},
	};

	connected(guest);
	guest_say(guest, &body, sizeof(body)); /* no such list */
	assert_int_equal(guest->got_count, 0);
	guest_say(guest, &list, sizeof(list));
	assert_int_equal(guest->got_count, 0);
	guest_open(guest, 1, 5, 0, 1); /* it is not complete */
	assert_int_equal(open_status(guest), VMBUS_STATUS_FAILED);
	guest_say(guest, &list, sizeof(list)); /* the number is taken */
	assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	guest_say(guest, &body, sizeof(body)); /* one page too many: the list is gone */
	assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	guest_say(guest, &body, sizeof(body));
	assert_int_equal(guest->got_count, 0);
	guest_say(guest, &list, sizeof(list));
	guest_say(guest, &body, sizeof(body) - 8);
	assert_int_equal(created_status(guest), VMBUS_STATUS_SUCCESS);
	guest_say(guest, &body, sizeof(body) - 8); /* it is complete */
	assert_int_equal(guest->got_count, 0);
	guest_say(guest, &list, sizeof(list));
	list.header.gpadl = 6;
	guest_say(guest, &list, sizeof(list));
	body.body.gpadl = 6;
	guest_say(guest, &body, sizeof(body.body)); /* nothing in it */
	assert_int_equal(created_status(guest), VMBUS_STATUS_FAILED);
	assert_int_equal(guest->bus.gpadl_count, 1);
}

static void lists_without_end(void **state)
{
	struct guest *guest = *state;
	uint32_t made = 0;

	connected(guest);
	for (uint32_t id = 0; id < 2 * VMBUS_GPADLS; id++) {
		guest_gpadl(guest, 1, id, 0, 1);
		made += created_status(guest) == VMBUS_STATUS_SUCCESS;
	}
	assert_int_equal(made, VMBUS_GPADLS);
	/* Long ones that never come to their end. */
	guest_contact(guest, VMBUS_VERSION_5_3);
	guest_request_offers(guest);
	made = 0;
	for (uint32_t id = 0; id < 100; id++) {
		const struct vmbus_gpadl_header header = {.header.type = VMBUS_GPADL_HEADER,
							  .relid = 1,
							  .gpadl = id,
							  .list_size = UINT16_MAX,
							  .range_count = 1};
		uint8_t bytes[sizeof(header) + 8] = {0};

		memcpy(bytes, &header, sizeof(header));
		guest_say(guest, bytes, sizeof(bytes));
		made += guest->got_count == 0;
	}
	assert_int_equal(made, VMBUS_GPADL_PAGES / 8191);
	assert_true(guest->bus.gpadl_pages <= VMBUS_GPADL_PAGES);
}

static void lists_are_taken_back(void **state)
{
	struct guest *guest = *state;
	struct vmbus_gpadl_teardown teardown_message = {
		.header.type = VMBUS_GPADL_TEARDOWN, .relid = 2, .gpadl = GPADL};
	const struct vmbus_gpadl_torndown *torndown;

	opened(guest);
	guest_say(guest, &teardown_message, sizeof(teardown_message)); /* another channel's */
	assert_int_equal(guest->got_count, 0);
	teardown_message.relid = 1;
	teardown_message.gpadl = 4;
	guest_say(guest, &teardown_message, sizeof(teardown_message)); /* none */
	assert_int_equal(guest->got_count, 0);
	teardown_message.gpadl = GPADL; /* under the open channel, which breaks */
	guest_say(guest, &teardown_message, sizeof(teardown_message));
	torndown = got(guest, 0, VMBUS_GPADL_TORNDOWN, sizeof(*torndown));
	assert_int_equal(torndown->gpadl, GPADL);
	assert_int_equal(services[0].closed, 1);
	assert_int_equal(services[0].channel.state, VMBUS_CHANNEL_BROKEN);
	guest_relid(guest, VMBUS_CLOSE_CHANNEL, 1);
	assert_int_equal(services[0].closed, 1);
	guest_gpadl(guest, 1, GPADL, RING_PAGE, RING_PAGES);
	guest_open(guest, 1, GPADL, 1, RING_SPLIT);
	assert_int_equal(open_status(guest), VMBUS_STATUS_SUCCESS);
}

static void ranges_are_copied(void **state)
{
	struct guest *guest = *state;
	struct {
		struct vmbus_range_header first;
		uint64_t first_pages[2];
		struct vmbus_range_header second;
		uint64_t second_page;
	} __packed list = {
		.first = {.length = 5000, .offset = 4000},
		.first_pages = {7, 3},
		.second = {.length = 1, .offset = 4095},
		.second_page = 5,
	};
	struct vmbus_pages *pages;
	uint8_t bytes[6000], back[6000];

	/* The third page of the first range is missing in the list. */
	assert_int_equal(vmbus_pages_make(&guest->bus, (uint8_t *)&list, sizeof(list), 2, &pages),
			 STATUS_BAD_FORMAT);
	list.first.length = 4000;
	assert_int_equal(vmbus_pages_make(&guest->bus, (uint8_t *)&list, sizeof(list), 2, &pages),
			 STATUS_OK);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	assert_int_equal(vmbus_pages_write(pages, 0, 0, bytes, 4000), STATUS_OK);
	assert_memory_equal(guest->memory + 7 * PAGE_SIZE + 4000, bytes, 96);
	assert_memory_equal(guest->memory + 3 * PAGE_SIZE, bytes + 96, 3904);
	assert_int_equal(guest->memory[3 * PAGE_SIZE + 3904], 0);
	assert_int_equal(vmbus_pages_read(pages, 0, 90, back, 3910), STATUS_OK);
	assert_memory_equal(back, bytes + 90, 3910);
	assert_int_equal(vmbus_pages_write(pages, 1, 0, bytes + 1, 1), STATUS_OK);
	assert_int_equal(guest->memory[6 * PAGE_SIZE - 1], 7);
	assert_int_equal(vmbus_pages_read(pages, 0, 1, back, 4000), STATUS_INVALID_ADDRESS);
	assert_int_equal(vmbus_pages_read(pages, 0, 4001, back, 0), STATUS_INVALID_ADDRESS);
	assert_int_equal(vmbus_pages_read(pages, 0, UINT32_MAX, back, 1), STATUS_INVALID_ADDRESS);
	assert_int_equal(vmbus_pages_read(pages, 1, 1, back, 1), STATUS_INVALID_ADDRESS);
	assert_int_equal(vmbus_pages_write(pages, 2, 0, back, 0), STATUS_INVALID_ADDRESS);
	vmbus_pages_free(pages);
}

/* ---- channels ---- */

static void channels_open_and_close(void **state)
{
	struct guest *guest = *state;
	const struct vmbus_open_channel_result *result;

	opened(guest);
	result = got(guest, 0, VMBUS_OPEN_CHANNEL_RESULT, sizeof(*result));
	assert_int_equal(result->relid, 1);
	assert_int_equal(result->open_id, 101);
	assert_int_equal(services[0].opened, 1);
	assert_true(guest->connected[1]);
	assert_int_equal(guest->interrupted[1], 1);
	guest_open(guest, 1, GPADL, 1, RING_SPLIT); /* it is open */
	assert_int_equal(open_status(guest), VMBUS_STATUS_FAILED);
	assert_int_equal(services[0].channel.state, VMBUS_CHANNEL_OPEN);
	guest_relid(guest, VMBUS_CLOSE_CHANNEL, 1);
	assert_int_equal(guest->got_count, 0);
	assert_int_equal(services[0].closed, 1);
	assert_false(guest->connected[1]);
	guest_relid(guest, VMBUS_CLOSE_CHANNEL, 1);
	assert_int_equal(services[0].closed, 1);
	guest_open(guest, 1, GPADL, VMBUS_NO_VP, RING_SPLIT);
	assert_int_equal(open_status(guest), VMBUS_STATUS_SUCCESS);
	assert_int_equal(services[0].opened, 2);
}

static void channels_that_cannot_open(void **state)
{
	struct guest *guest = *state;
	static const uint32_t unknown[] = {0, 4, VMBUS_CHANNELS - 1, VMBUS_CHANNELS, UINT32_MAX};
	static const uint32_t splits[] = {0,	     1, RING_PAGES - 1, RING_PAGES, RING_PAGES + 1,
					  UINT32_MAX};

	guest_contact(guest, VMBUS_VERSION_5_3);
	guest_gpadl(guest, 1, GPADL, RING_PAGE, RING_PAGES); /* not offered yet */
	assert_int_equal(guest->got_count, 0);
	guest_request_offers(guest);
	guest_gpadl(guest, 1, GPADL, RING_PAGE, RING_PAGES);
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		guest_open(guest, unknown[i], GPADL, 0, RING_SPLIT);
		assert_int_equal(guest->got_count, 0);
		guest_relid(guest, VMBUS_CLOSE_CHANNEL, unknown[i]);
		guest_relid(guest, VMBUS_RELID_RELEASED, unknown[i]);
		assert_int_equal(guest->got_count, 0);
	}
	guest_open(guest, 1, GPADL + 1, 0, RING_SPLIT);
	assert_int_equal(open_status(guest), VMBUS_STATUS_FAILED);
	guest_open(guest, 2, GPADL, 0, RING_SPLIT); /* the rings of another */
	assert_int_equal(open_status(guest), VMBUS_STATUS_FAILED);
	guest_open(guest, 1, GPADL, GUEST_VPS, RING_SPLIT);
	assert_int_equal(open_status(guest), VMBUS_STATUS_FAILED);
	for (size_t i = 0; i < ARRAY_SIZE(splits); i++) {
		guest_open(guest, 1, GPADL, 0, splits[i]);
		assert_int_equal(open_status(guest), VMBUS_STATUS_FAILED);
	}
	for (uint32_t word = 0; word < 2; word++) {
		struct guest_ring up = guest_ring_at(guest, RING_PAGE, RING_SPLIT);

		up.words[word] = up.size;
		guest_open(guest, 1, GPADL, 0, RING_SPLIT);
		assert_int_equal(open_status(guest), VMBUS_STATUS_FAILED);
		up.words[word] = 4;
		guest_open(guest, 1, GPADL, 0, RING_SPLIT);
		assert_int_equal(open_status(guest), VMBUS_STATUS_FAILED);
		up.words[word] = 0;
	}
	guest->connect_status = STATUS_ALREADY_EXISTS;
	guest_open(guest, 1, GPADL, 0, RING_SPLIT);
	assert_int_equal(open_status(guest), VMBUS_STATUS_NO_RESOURCE);
	assert_int_equal(services[0].opened, 0);
	assert_int_equal(services[0].closed, 0);
	guest->connect_status = STATUS_OK;
	guest_open(guest, 1, GPADL, 0, RING_SPLIT);
	assert_int_equal(open_status(guest), VMBUS_STATUS_SUCCESS);
}

static void channels_move_to_another_vp(void **state)
{
	struct guest *guest = *state;
	struct vmbus_modify_channel modify = {
		.header.type = VMBUS_MODIFY_CHANNEL, .relid = 1, .target_vp = 3};
	const struct vmbus_modify_channel_response *response;

	opened(guest);
	guest_say(guest, &modify, sizeof(modify));
	response = got(guest, 0, VMBUS_MODIFY_CHANNEL_RESPONSE, sizeof(*response));
	assert_int_equal(response->relid, 1);
	assert_int_equal(response->status, VMBUS_STATUS_SUCCESS);
	assert_int_equal(guest->interrupted[1], 3);
	modify.target_vp = GUEST_VPS;
	guest_say(guest, &modify, sizeof(modify));
	response = got(guest, 0, VMBUS_MODIFY_CHANNEL_RESPONSE, sizeof(*response));
	assert_int_equal(response->status, VMBUS_STATUS_FAILED);
	assert_int_equal(guest->interrupted[1], 3);
	modify.relid = 2; /* not open */
	modify.target_vp = 0;
	guest_say(guest, &modify, sizeof(modify));
	response = got(guest, 0, VMBUS_MODIFY_CHANNEL_RESPONSE, sizeof(*response));
	assert_int_equal(response->status, VMBUS_STATUS_FAILED);
	/* Older versions get no answer, and the oldest do not know the message. */
	guest_contact(guest, VMBUS_VERSION_5_2);
	guest_request_offers(guest);
	guest_say(guest, &modify, sizeof(modify));
	assert_int_equal(guest->got_count, 0);
	guest_contact(guest, VMBUS_VERSION_4_0);
	guest->complaints = 0;
	guest_say(guest, &modify, sizeof(modify));
	assert_int_equal(guest->complaints, 1);
}

static void offers_are_taken_back(void **state)
{
	struct guest *guest = *state;
	const struct vmbus_relid_message *rescind;

	vmbus_rescind(&services[2].channel); /* nobody knows it */
	assert_true(vmbus_channel_gone(&services[2].channel));
	service_offer(guest, 2);
	opened(guest);
	guest_forget(guest);
	vmbus_rescind(&services[0].channel);
	assert_int_equal(services[0].closed, 1);
	guest_serve(guest);
	rescind = got(guest, 0, VMBUS_RESCIND_OFFER, sizeof(*rescind));
	assert_int_equal(rescind->relid, 1);
	assert_false(vmbus_channel_gone(&services[0].channel));
	guest_open(guest, 1, GPADL, 0, RING_SPLIT); /* too late */
	assert_int_equal(open_status(guest), VMBUS_STATUS_FAILED);
	assert_int_equal(guest->bus.gpadl_count, 1);
	guest_relid(guest, VMBUS_RELID_RELEASED, 1);
	assert_true(vmbus_channel_gone(&services[0].channel));
	assert_int_equal(guest->bus.gpadl_count, 0);
	service_offer(guest, 0); /* the number is free again */
	assert_int_equal(services[0].channel.relid, 1);
	/* A guest that ends the connection has released all. */
	guest_serve(guest);
	vmbus_rescind(&services[1].channel);
	guest_contact(guest, VMBUS_VERSION_5_3);
	assert_true(vmbus_channel_gone(&services[1].channel));
	(void)got(guest, 0, VMBUS_RESCIND_OFFER, sizeof(*rescind));
	(void)got(guest, 1, VMBUS_VERSION_RESPONSE, VMBUS_VERSION_RESPONSE_SIZE);
}

static void signals_are_cut_and_come_back(void **state)
{
	struct guest *guest = *state;

	opened(guest);
	vmbus_detach(&guest->bus);
	assert_false(guest->connected[1]);
	vmbus_attach(&guest->bus);
	assert_true(guest->connected[1]);
	assert_int_equal(services[0].resumed, 1);
	assert_int_equal(services[1].resumed, 0);
	vmbus_detach(&guest->bus);
	guest->connect_status = STATUS_NO_MEMORY;
	vmbus_attach(&guest->bus);
	assert_int_equal(services[0].channel.state, VMBUS_CHANNEL_BROKEN);
	assert_int_equal(services[0].closed, 1);
}

/* ---- rings ---- */

static void packets_to_the_guest(void **state)
{
	struct guest *guest = *state;
	struct rings rings = opened(guest);
	struct vmbus_descriptor descriptor;
	uint8_t data[64];
	size_t length;

	assert_int_equal(rings.down.words[VMBUS_RING_FEATURES], 1);
	assert_int_equal(send(&services[0].channel, "hello", 5), STATUS_OK);
	assert_int_equal(guest->signals[1], 1);
	/* The ring was not empty: the guest knows. */
	assert_int_equal(send(&services[0].channel, "12345678", 8), STATUS_OK);
	assert_int_equal(guest->signals[1], 1);
	assert_true(guest_ring_get(&rings.down, &descriptor, data, sizeof(data), &length));
	assert_int_equal(descriptor.type, VMBUS_PACKET_IN_BAND);
	assert_int_equal(descriptor.transaction, 7);
	assert_int_equal(length, 8);
	assert_memory_equal(data, "hello\0\0\0", 8);
	assert_true(guest_ring_get(&rings.down, &descriptor, data, sizeof(data), &length));
	assert_memory_equal(data, "12345678", 8);
	assert_false(guest_ring_get(&rings.down, &descriptor, data, sizeof(data), &length));
	rings.down.words[VMBUS_RING_INTERRUPT_MASK] = 1;
	assert_int_equal(send(&services[0].channel, "x", 1), STATUS_OK);
	assert_int_equal(guest->signals[1], 1);
	assert_int_equal(send(&services[1].channel, "x", 1), STATUS_WRONG_STATE);
}

static void a_full_ring(void **state)
{
	struct guest *guest = *state;
	struct rings rings = opened(guest);
	struct vmbus_descriptor descriptor;
	uint8_t data[1000] = {0};
	size_t length;
	uint32_t sent = 0;

	assert_int_equal(send(&services[0].channel, guest->memory, rings.down.size - 31),
			 STATUS_TOO_LARGE);
	assert_int_equal(send(&services[0].channel, guest->memory, 600000), STATUS_TOO_LARGE);
	while (send(&services[0].channel, data, sizeof(data)) == STATUS_OK)
		sent++;
	assert_int_equal(sent, (rings.down.size - 8) / 1024);
	assert_int_equal(rings.down.words[VMBUS_RING_PENDING_SEND], 1024);
	guest_serve(guest);
	assert_int_equal(services[0].writable, 0);
	assert_true(guest_ring_get(&rings.down, &descriptor, data, sizeof(data), &length));
	guest_serve(guest);
	assert_int_equal(services[0].writable, 1);
	guest_serve(guest);
	assert_int_equal(services[0].writable, 1);
	assert_int_equal(send(&services[0].channel, data, sizeof(data)), STATUS_OK);
	assert_int_equal(rings.down.words[VMBUS_RING_PENDING_SEND], 0);
}

/* The largest packet fills the ring but for 8 bytes, wherever it begins. */
static void packets_wrap(void **state)
{
	struct guest *guest = *state;
	struct rings rings = opened(guest);
	struct vmbus_descriptor descriptor;
	uint8_t data[3 * PAGE_SIZE], back[3 * PAGE_SIZE];
	size_t length;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 13 + 1);
	for (uint32_t i = 0; i < 2000; i++) {
		size_t size = 1 + (i * 37) % (rings.down.size - 32);

		assert_int_equal(send(&services[0].channel, data, size), STATUS_OK);
		assert_true(guest_ring_get(&rings.down, &descriptor, back, sizeof(back), &length));
		assert_int_equal(length, ALIGN_UP(size, 8));
		assert_memory_equal(back, data, size);
		for (size_t j = size; j < length; j++)
			assert_int_equal(back[j], 0);

		guest_ring_put(&rings.up, VMBUS_PACKET_IN_BAND, 1, NULL, 0, data, size);
		guest_serve(guest);
		assert_int_equal(services[0].packets, i + 1);
		assert_int_equal(services[0].packet.size, length);
		assert_memory_equal(services[0].data, data, size);
		assert_true(services[0].packet.completion_requested);
		assert_int_equal(services[0].packet.transaction, 0x1234);
	}
	assert_int_equal(services[0].channel.state, VMBUS_CHANNEL_OPEN);
}

static void packets_with_pages(void **state)
{
	struct guest *guest = *state;
	struct rings rings = opened(guest);
	struct {
		struct vmbus_gpa_direct direct;
		struct vmbus_range_header range;
		uint64_t page;
	} __packed extra = {
		.direct = {.range_count = 1},
		.range = {.length = 16, .offset = 8},
		.page = 40,
	};

	memcpy(guest->memory + 40 * PAGE_SIZE + 8, "sixteen bytes ok", 16);
	services[0].direct_size = 16;
	guest_ring_put(&rings.up, VMBUS_PACKET_GPA_DIRECT, 1, &extra, sizeof(extra), "abcdefgh", 8);
	guest_serve(guest);
	assert_int_equal(services[0].packets, 1);
	assert_int_equal(services[0].direct_status, STATUS_OK);
	assert_memory_equal(services[0].direct, "sixteen bytes ok", 16);
	assert_memory_equal(services[0].data, "abcdefgh", 8);
	extra.page = GUEST_PAGES; /* not the guest's */
	guest_ring_put(&rings.up, VMBUS_PACKET_GPA_DIRECT, 1, &extra, sizeof(extra), "abcdefgh", 8);
	guest_serve(guest);
	assert_int_equal(services[0].channel.state, VMBUS_CHANNEL_BROKEN);
	assert_int_equal(services[0].packets, 1);
}

static void packets_with_wrong_page_counts(void **state)
{
	struct guest *guest = *state;
	static const uint32_t counts[] = {0, 2, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct rings rings = opened(guest);
		struct {
			struct vmbus_gpa_direct direct;
			struct vmbus_range_header range;
			uint64_t page;
		} __packed extra = {.direct = {.range_count = counts[i]}, .range = {.length = 16}};

		guest_ring_put(&rings.up, VMBUS_PACKET_GPA_DIRECT, 1, &extra, sizeof(extra), "", 1);
		guest_serve(guest);
		assert_int_equal(services[0].channel.state, VMBUS_CHANNEL_BROKEN);
		memset(guest->memory, 0, GUEST_PAGES * PAGE_SIZE);
	}
	assert_int_equal(services[0].packets, 0);
}

/* Many packets are taken in turns, and the guest need not signal meanwhile. */
static void packets_in_turns(void **state)
{
	struct guest *guest = *state;
	struct rings rings = opened(guest);

	for (uint32_t i = 0; i < 200; i++)
		guest_ring_put(&rings.up, VMBUS_PACKET_IN_BAND, 0, NULL, 0, "", 1);
	guest->agains = 0;
	vmbus_serve(&guest->bus);
	assert_int_equal(services[0].packets, VMBUS_SERVE_PACKETS);
	assert_int_equal(guest->agains, 1);
	guest_serve(guest);
	assert_int_equal(services[0].packets, 200);
	assert_int_equal(rings.up.words[VMBUS_RING_INTERRUPT_MASK], 0);
	assert_int_equal(rings.up.words[VMBUS_RING_OUT], rings.up.words[VMBUS_RING_IN]);
}

/* All channels together, and none of them for ever before the others. */
static void channels_take_turns(void **state)
{
	struct guest *guest = *state;
	struct rings rings[2] = {opened(guest)};

	guest_gpadl(guest, 2, GPADL + 1, RING_PAGE + RING_PAGES, RING_PAGES);
	guest_open(guest, 2, GPADL + 1, 1, RING_SPLIT);
	assert_int_equal(open_status(guest), VMBUS_STATUS_SUCCESS);
	rings[1].up = guest_ring_at(guest, RING_PAGE + RING_PAGES, RING_SPLIT);
	for (uint32_t i = 0; i < 200; i++)
		for (uint32_t n = 0; n < 2; n++)
			guest_ring_put(&rings[n].up, VMBUS_PACKET_IN_BAND, 0, NULL, 0, "", 1);
	for (uint32_t turn = 1; turn <= 4; turn++) {
		vmbus_serve(&guest->bus);
		assert_int_equal(services[0].packets, (turn + 1) / 2 * VMBUS_SERVE_PACKETS);
		assert_int_equal(services[1].packets, turn / 2 * VMBUS_SERVE_PACKETS);
	}
	guest_serve(guest);
	assert_int_equal(services[0].packets + services[1].packets, 400);
}

static void a_guest_that_waits_for_room(void **state)
{
	struct guest *guest = *state;
	struct rings rings = opened(guest);

	guest_ring_put(&rings.up, VMBUS_PACKET_IN_BAND, 0, NULL, 0, guest->memory, 8000);
	rings.up.words[VMBUS_RING_PENDING_SEND] = 8000;
	guest_serve(guest);
	assert_int_equal(guest->signals[1], 0); /* it has not said that it would */
	rings.up.words[VMBUS_RING_FEATURES] = 1;
	guest_ring_put(&rings.up, VMBUS_PACKET_IN_BAND, 0, NULL, 0, guest->memory, 1000);
	guest_serve(guest);
	assert_int_equal(guest->signals[1], 0); /* there was enough before */
	guest_ring_put(&rings.up, VMBUS_PACKET_IN_BAND, 0, NULL, 0, guest->memory, 8000);
	guest_serve(guest);
	assert_int_equal(guest->signals[1], 1);
}

static void wild_indices(void **state)
{
	struct guest *guest = *state;
	static const uint32_t wild[] = {
		1, 4, 7, 8, 16, 3 * 4096, 3 * 4096 + 8, UINT32_MAX, UINT32_MAX - 7, 1u << 31};

	for (size_t i = 0; i < ARRAY_SIZE(wild); i++) {
		struct rings rings = opened(guest);

		rings.up.words[VMBUS_RING_IN] = wild[i];
		guest_serve(guest);
		assert_int_equal(services[0].channel.state, VMBUS_CHANNEL_BROKEN);
		assert_int_equal(services[0].closed, 2 * i + 1);
		assert_int_equal(send(&services[0].channel, "x", 1), STATUS_WRONG_STATE);
		memset(guest->memory, 0, GUEST_PAGES * PAGE_SIZE);

		rings = opened(guest);
		rings.down.words[VMBUS_RING_OUT] = wild[i] == 8 || wild[i] == 16 ? 3 : wild[i];
		assert_int_equal(send(&services[0].channel, "x", 1), STATUS_WRONG_STATE);
		assert_int_equal(services[0].channel.state, VMBUS_CHANNEL_BROKEN);
		memset(guest->memory, 0, GUEST_PAGES * PAGE_SIZE);
	}
}

/* What belongs to the server is the server's, whatever stands in memory. */
static void indices_of_ours(void **state)
{
	struct guest *guest = *state;
	struct rings rings = opened(guest);
	struct vmbus_descriptor descriptor;
	uint8_t data[8];
	size_t length;

	rings.up.words[VMBUS_RING_OUT] = 0x12345;
	guest_ring_put(&rings.up, VMBUS_PACKET_IN_BAND, 0, NULL, 0, "a", 1);
	guest_serve(guest);
	assert_int_equal(services[0].packets, 1);
	assert_int_equal(rings.up.words[VMBUS_RING_OUT], rings.up.words[VMBUS_RING_IN]);
	rings.down.words[VMBUS_RING_IN] = 0x54321;
	assert_int_equal(send(&services[0].channel, "b", 1), STATUS_OK);
	assert_true(guest_ring_get(&rings.down, &descriptor, data, sizeof(data), &length));
	assert_int_equal(data[0], 'b');
}

static void wild_descriptors(void **state)
{
	struct guest *guest = *state;
	static const struct vmbus_descriptor wild[] = {
		{.type = 6, .data_offset8 = 2, .length8 = 4}, /* longer than what is there */
		{.type = 6, .data_offset8 = 2, .length8 = UINT16_MAX},
		{.type = 6, .data_offset8 = 1, .length8 = 3},
		{.type = 6, .data_offset8 = 4, .length8 = 3},
		{.type = 6, .data_offset8 = 0, .length8 = 0},
		{.type = 6, .data_offset8 = UINT16_MAX, .length8 = UINT16_MAX},
		{.type = 9, .data_offset8 = 2, .length8 = 3}, /* no ranges */
		{.type = 7, .data_offset8 = 2, .length8 = 3},
		{.type = 0, .data_offset8 = 2, .length8 = 3},
		{.type = UINT16_MAX, .data_offset8 = 2, .length8 = 3},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wild); i++) {
		struct rings rings = opened(guest);

		memcpy(rings.up.data, &wild[i], sizeof(wild[i]));
		rings.up.words[VMBUS_RING_IN] = 32;
		guest_serve(guest);
		assert_int_equal(services[0].channel.state, VMBUS_CHANNEL_BROKEN);
		memset(guest->memory, 0, GUEST_PAGES * PAGE_SIZE);
	}
	assert_int_equal(services[0].packets, 0);
}

static void a_packet_that_is_too_large(void **state)
{
	struct guest *guest = *state;
	uint8_t *data = calloc(1, VMBUS_PACKET_MAX + 8);
	struct guest_ring up;

	connected(guest);
	guest_gpadl(guest, 1, GPADL, RING_PAGE, 12);
	guest_open(guest, 1, GPADL, 0, 8);
	up = guest_ring_at(guest, RING_PAGE, 8);
	guest_ring_put(&up, VMBUS_PACKET_IN_BAND, 0, NULL, 0, data, VMBUS_PACKET_MAX);
	guest_serve(guest);
	assert_int_equal(services[0].packets, 1);
	guest_ring_put(&up, VMBUS_PACKET_IN_BAND, 0, NULL, 0, data, VMBUS_PACKET_MAX + 8);
	guest_serve(guest);
	assert_int_equal(services[0].channel.state, VMBUS_CHANNEL_BROKEN);
	free(data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(versions_are_agreed_on),
		TEST(features_of_the_newest_version),
		TEST(messages_go_where_the_guest_wants_them),
		TEST(offers_come_once),
		TEST(all_channels_there_may_be),
		TEST(unload_ends_the_connection),
		TEST(contact_again_begins_anew),
		TEST(a_reset_forgets_all),
		TEST(a_guest_that_does_not_listen),
		TEST(what_was_sent_is_held),
		TEST(retries_become_rare),
		TEST(a_guest_without_a_synic_loses_messages),
		TEST(messages_that_are_none),
		TEST(sockets_are_refused),
		TEST(lists_in_one_message_and_in_many),
		TEST(lists_of_what_is_not_the_guests),
		TEST(lists_out_of_order),
		TEST(lists_without_end),
		TEST(lists_are_taken_back),
		TEST(ranges_are_copied),
		TEST(channels_open_and_close),
		TEST(channels_that_cannot_open),
		TEST(channels_move_to_another_vp),
		TEST(offers_are_taken_back),
		TEST(signals_are_cut_and_come_back),
		TEST(packets_to_the_guest),
		TEST(a_full_ring),
		TEST(packets_wrap),
		TEST(packets_with_pages),
		TEST(packets_with_wrong_page_counts),
		TEST(packets_in_turns),
		TEST(channels_take_turns),
		TEST(a_guest_that_waits_for_room),
		TEST(wild_indices),
		TEST(indices_of_ours),
		TEST(wild_descriptors),
		TEST(a_packet_that_is_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
