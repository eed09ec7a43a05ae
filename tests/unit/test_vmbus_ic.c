/* SPDX-License-Identifier: MIT */
/*
 * The integration services, with a guest that answers as Linux does, and ones that answer anything else; and
 * texts between UTF-8 and UTF-16.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vmbus/utf16.h>

#include "vmbus_guest.h"

#define SECOND 1000000000ull

/* Channels 1 to 4 have rings of 4 pages each way, one behind the other. */
#define RING_PAGES 8u
#define RING_SPLIT 4u

enum { HEARTBEAT = 1, SHUTDOWN = 2, TIMESYNC = 3, KVP = 4 };

struct world {
	struct guest *guest;
	struct ic_services services;
	uint32_t news[4]; /* by enum ic_shutdown_news */
};

/* A message as it lies in a packet. */
struct message {
	struct ic_pipe_header pipe;
	struct ic_header header;
	uint8_t body[4096];
} __packed;

static struct world world;

static void shutdown_news(struct ic_shutdown *shutdown, enum ic_shutdown_news news)
{
	assert_ptr_equal(shutdown, &world.services.shutdown);
	assert_int_equal(shutdown->asked, news == IC_SHUTDOWN_AGREED);
	world.news[news]++;
}

static int setup(void **state)
{
	struct guest *guest = guest_new();

	memset(&world, 0, sizeof(world));
	world.guest = guest;
	world.services.shutdown.news = shutdown_news;
	assert_int_equal(ic_services_offer(&world.services, &guest->bus), STATUS_OK);
	guest_contact(guest, VMBUS_VERSION_5_3);
	guest_request_offers(guest);
	assert_int_equal(guest->got_count, 5);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guest_delete(world.guest);
	return 0;
}

static uint32_t page_of(uint32_t relid)
{
	return relid * RING_PAGES;
}

static void channel_open(uint32_t relid)
{
	memset(world.guest->memory + page_of(relid) * PAGE_SIZE, 0, RING_PAGES * PAGE_SIZE);
	guest_gpadl(world.guest, relid, relid, page_of(relid), RING_PAGES);
	guest_open(world.guest, relid, relid, 0, RING_SPLIT);
}

/* What the host asks; false: nothing. */
static bool take(uint32_t relid, struct message *message, size_t *size)
{
	struct guest_ring down =
		guest_ring_at(world.guest, page_of(relid) + RING_SPLIT, RING_PAGES - RING_SPLIT);
	struct vmbus_descriptor descriptor;

	if (!guest_ring_get(&down, &descriptor, (uint8_t *)message, sizeof(*message), size))
		return false;
	assert_int_equal(descriptor.type, VMBUS_PACKET_IN_BAND);
	assert_int_equal(message->pipe.type, IC_PIPE_DATA);
	assert_int_equal(message->pipe.size, sizeof(message->header) + message->header.size);
	assert_int_equal(message->header.flags, IC_FLAG_TRANSACTION | IC_FLAG_REQUEST);
	return true;
}

static void put(uint32_t relid, const struct message *message, size_t size)
{
	struct guest_ring up = guest_ring_at(world.guest, page_of(relid), RING_SPLIT);

	guest_ring_put(&up, VMBUS_PACKET_IN_BAND, 0, NULL, 0, message, size);
	guest_serve(world.guest);
}

static void answer(uint32_t relid, struct message *message, size_t size, uint32_t status)
{
	message->header.status = status;
	message->header.flags = IC_FLAG_TRANSACTION | IC_FLAG_RESPONSE;
	put(relid, message, size);
}

/* Takes the versions and chooses. */
static void agree(uint32_t relid, struct ic_version framework, struct ic_version version)
{
	const struct {
		struct ic_negotiate counts;
		struct ic_version framework, version;
	} __packed chosen = {{1, 1, 0}, framework, version};
	struct message message;
	size_t size;

	channel_open(relid);
	assert_true(take(relid, &message, &size));
	assert_int_equal(message.header.type, IC_NEGOTIATE);
	message.header.size = sizeof(chosen);
	memcpy(message.body, &chosen, sizeof(chosen));
	answer(relid, &message, size, 0);
}

static const struct ic_version v3_0 = {3, 0}, v4_0 = {4, 0}, v3_2 = {3, 2}, v1_0 = {1, 0};

/* ---- versions ---- */

static void versions_as_linux_takes_them(void **state)
{
	const struct {
		struct ic_negotiate counts;
		struct ic_version versions[6];
	} * body;
	struct message message;
	size_t size;

	(void)state;
	channel_open(SHUTDOWN);
	assert_int_equal(world.services.shutdown.ic.state, IC_NEGOTIATING);
	assert_true(take(SHUTDOWN, &message, &size));
	body = (const void *)message.body;
	assert_int_equal(message.header.size, sizeof(*body));
	assert_int_equal(body->counts.framework_count, 2);
	assert_int_equal(body->counts.message_count, 4);
	assert_int_equal(body->versions[1].major, 3);
	assert_int_equal(body->versions[5].major, 3);
	assert_int_equal(body->versions[5].minor, 2);
	agree(KVP, v3_0, v4_0);
	assert_int_equal(world.services.kvp.ic.state, IC_READY);
	assert_int_equal(world.services.kvp.ic.version.major, 4);
	assert_int_equal(world.guest->complaints, 0);
}

static void versions_that_do_not_fit(void **state)
{
	static const struct ic_negotiate counts[] = {
		{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {2, 1, 0}, {UINT16_MAX, UINT16_MAX, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct message message;
		size_t size;

		channel_open(KVP);
		assert_true(take(KVP, &message, &size));
		memcpy(message.body, &counts[i], sizeof(counts[i]));
		answer(KVP, &message, size, 0);
		assert_int_equal(world.services.kvp.ic.state, IC_FAILED);
		guest_relid(world.guest, VMBUS_CLOSE_CHANNEL, KVP);
		assert_int_equal(world.services.kvp.ic.state, IC_CLOSED);
		guest_relid(world.guest, VMBUS_RELID_RELEASED, KVP);
		guest_contact(world.guest, VMBUS_VERSION_5_3);
		guest_request_offers(world.guest);
	}
	agree(KVP, v3_0, (struct ic_version){9, 9}); /* that nobody has offered */
	assert_int_equal(world.services.kvp.ic.state, IC_FAILED);
	agree(HEARTBEAT, v4_0, v3_0);
	assert_int_equal(world.services.heartbeat.ic.state, IC_FAILED);
	assert_null(world.guest->env.timers);
}

static void an_answer_that_is_too_short(void **state)
{
	struct message message;
	size_t size;

	(void)state;
	channel_open(KVP);
	assert_true(take(KVP, &message, &size));
	message.header.size = 8;
	answer(KVP, &message, size, 0);
	assert_int_equal(world.services.kvp.ic.state, IC_FAILED);
}

/* Each is dropped, and the right one still counts. */
static void what_is_no_answer(void **state)
{
	struct message message, wrong;
	size_t size;

	(void)state;
	agree(HEARTBEAT, v3_0, v3_0);
	assert_true(take(HEARTBEAT, &message, &size));
	message.header.flags = IC_FLAG_TRANSACTION | IC_FLAG_RESPONSE;
	put(HEARTBEAT, &message, 8);
	put(HEARTBEAT, &message, 16);
	wrong = message;
	wrong.header.size = (uint16_t)(size - 27);
	put(HEARTBEAT, &wrong, size);
	wrong.header.size = UINT16_MAX;
	put(HEARTBEAT, &wrong, size);
	wrong = message;
	wrong.header.type = IC_KVP_EXCHANGE;
	put(HEARTBEAT, &wrong, size);
	wrong.header.type = IC_NEGOTIATE;
	put(HEARTBEAT, &wrong, size);
	wrong = message;
	wrong.header.flags = IC_FLAG_TRANSACTION | IC_FLAG_REQUEST;
	put(HEARTBEAT, &wrong, size);
	assert_int_equal(world.guest->complaints, 7);
	assert_int_equal(world.services.heartbeat.ic.answered, 0);
	put(HEARTBEAT, &message, size);
	assert_int_equal(world.services.heartbeat.ic.answered, 1);
	put(HEARTBEAT, &message, size); /* nothing was asked */
	assert_int_equal(world.services.heartbeat.ic.answered, 1);
	assert_int_equal(world.guest->complaints, 8);
}

/* ---- heartbeat ---- */

static void hearts_beat(void **state)
{
	struct message message;
	uint64_t sequence;
	size_t size;

	(void)state;
	agree(HEARTBEAT, v3_0, v3_0);
	for (uint32_t i = 0; i < 10; i++) {
		assert_true(take(HEARTBEAT, &message, &size));
		assert_int_equal(message.header.type, IC_HEARTBEAT);
		memcpy(&sequence, message.body, 8);
		sequence++;
		memcpy(message.body, &sequence, 8);
		answer(HEARTBEAT, &message, size, 0);
		assert_false(take(HEARTBEAT, &message, &size));
		guest_time(world.guest, IC_HEARTBEAT_NS);
	}
	assert_int_equal(world.services.heartbeat.beats, 10);
	assert_true(world.services.heartbeat.last_ns == 9 * IC_HEARTBEAT_NS);
	/* One that stops is not asked again and again. */
	for (uint32_t i = 0; i < 100; i++)
		guest_time(world.guest, IC_HEARTBEAT_NS);
	assert_int_equal(world.services.heartbeat.missed, 100);
	assert_true(take(HEARTBEAT, &message, &size));
	assert_false(take(HEARTBEAT, &message, &size));
	answer(HEARTBEAT, &message, size, 0); /* not the next number */
	assert_int_equal(world.services.heartbeat.beats, 10);
	guest_relid(world.guest, VMBUS_CLOSE_CHANNEL, HEARTBEAT);
	assert_null(world.guest->env.timers);
}

static void hearts_beat_after_a_save(void **state)
{
	struct guest *guest = world.guest;
	struct message message;
	size_t size;

	(void)state;
	agree(HEARTBEAT, v3_0, v3_0);
	agree(TIMESYNC, v3_0, v4_0);
	assert_true(take(TIMESYNC, &message, &size));
	answer(TIMESYNC, &message, size, 0);
	vmbus_detach(&guest->bus);
	while (guest->env.timers)
		device_timer_cancel(&guest->env, guest->env.timers);
	vmbus_attach(&guest->bus);
	assert_non_null(guest->env.timers);
	/* The time has stood still: it is to be set. */
	assert_true(take(TIMESYNC, &message, &size));
	assert_int_equal(((struct ic_time_message *)(void *)message.body)->flags, IC_TIME_SYNC_NOW);
}

/* ---- shutdown ---- */

static void a_guest_is_shut_down(void **state)
{
	const struct ic_shutdown_message *body;
	struct message message;
	size_t size;

	(void)state;
	assert_int_equal(ic_shutdown_ask(&world.services.shutdown, 0), STATUS_WRONG_STATE);
	agree(SHUTDOWN, v3_0, v3_2);
	assert_int_equal(ic_shutdown_ask(&world.services.shutdown, IC_SHUTDOWN_FORCE), STATUS_OK);
	assert_int_equal(ic_shutdown_ask(&world.services.shutdown, 0), STATUS_ALREADY_EXISTS);
	assert_true(take(SHUTDOWN, &message, &size));
	body = (const void *)message.body;
	assert_int_equal(message.header.size, sizeof(*body));
	assert_int_equal(message.header.type, IC_SHUTDOWN);
	assert_int_equal(body->flags, IC_SHUTDOWN_FORCE);
	answer(SHUTDOWN, &message, size, 0);
	assert_int_equal(world.news[IC_SHUTDOWN_AGREED], 1);
	/* It is about to go, and closes what it has. */
	assert_int_equal(ic_shutdown_ask(&world.services.shutdown, 0), STATUS_ALREADY_EXISTS);
	guest_relid(world.guest, VMBUS_CLOSE_CHANNEL, SHUTDOWN);
	assert_int_equal(world.news[IC_SHUTDOWN_CLOSED], 0);
	assert_true(ic_shutdown_forget(&world.services.shutdown));
	assert_false(ic_shutdown_forget(&world.services.shutdown));
	guest_time(world.guest, IC_SHUTDOWN_NS);
	assert_int_equal(world.news[IC_SHUTDOWN_LATE], 0);
}

/* The question is over then, and may be put again. */
static void a_guest_that_is_not_shut_down(void **state)
{
	struct ic_shutdown *shutdown = &world.services.shutdown;
	struct message message;
	size_t size;

	(void)state;
	agree(SHUTDOWN, v3_0, v3_2);
	assert_int_equal(ic_shutdown_ask(shutdown, 0), STATUS_OK);
	assert_true(take(SHUTDOWN, &message, &size));
	answer(SHUTDOWN, &message, size, IC_STATUS_FAILED);
	assert_int_equal(world.news[IC_SHUTDOWN_REFUSED], 1);
	/* It agrees, and stays. */
	assert_int_equal(ic_shutdown_ask(shutdown, 0), STATUS_OK);
	assert_true(take(SHUTDOWN, &message, &size));
	answer(SHUTDOWN, &message, size, 0);
	guest_time(world.guest, IC_SHUTDOWN_NS - 1);
	assert_int_equal(world.news[IC_SHUTDOWN_LATE], 0);
	guest_time(world.guest, 1);
	assert_int_equal(world.news[IC_SHUTDOWN_LATE], 1);
	/* It does not answer in time: another question has to wait, as the guest knows of one alone. */
	assert_int_equal(ic_shutdown_ask(shutdown, 0), STATUS_OK);
	guest_time(world.guest, IC_SHUTDOWN_NS);
	assert_int_equal(world.news[IC_SHUTDOWN_LATE], 2);
	assert_int_equal(ic_shutdown_ask(shutdown, 0), STATUS_BUSY);
	assert_true(take(SHUTDOWN, &message, &size));
	answer(SHUTDOWN, &message, size, 0);
	assert_int_equal(world.news[IC_SHUTDOWN_AGREED], 1);
	/* It closes the service instead of an answer: that ends it at once. */
	assert_int_equal(ic_shutdown_ask(shutdown, 0), STATUS_OK);
	guest_relid(world.guest, VMBUS_CLOSE_CHANNEL, SHUTDOWN);
	assert_int_equal(world.news[IC_SHUTDOWN_CLOSED], 1);
	assert_int_equal(ic_shutdown_ask(shutdown, 0), STATUS_WRONG_STATE);
	guest_time(world.guest, IC_SHUTDOWN_NS);
	assert_int_equal(world.news[IC_SHUTDOWN_LATE], 2);
}

/* ---- time ---- */

static void time_is_told(void **state)
{
	const struct ic_time_message *body;
	struct message message;
	size_t size;

	(void)state;
	world.guest->reference = 5000;
	agree(TIMESYNC, v3_0, v4_0);
	assert_true(take(TIMESYNC, &message, &size));
	body = (const void *)message.body;
	assert_int_equal(message.header.type, IC_TIME_SYNC);
	assert_int_equal(message.header.size, 24);
	assert_true(body->host_time == IC_TIME_UNIX + 7);
	assert_int_equal(body->reference_time, 5000);
	assert_int_equal(body->flags, IC_TIME_SYNC_NOW);
	guest_time(world.guest, IC_TIMESYNC_NS); /* not answered: not asked again */
	assert_int_equal(world.services.timesync.ic.asked, 1);
	answer(TIMESYNC, &message, size, 0);
	guest_time(world.guest, IC_TIMESYNC_NS);
	assert_true(take(TIMESYNC, &message, &size));
	assert_int_equal(body->flags, IC_TIME_SAMPLE);
	assert_int_equal(world.guest->complaints, 0);
}

static void time_for_an_old_guest(void **state)
{
	const struct ic_time_message_old *body;
	struct message message;
	size_t size;

	(void)state;
	agree(TIMESYNC, v1_0, v3_0);
	assert_true(take(TIMESYNC, &message, &size));
	body = (const void *)message.body;
	assert_int_equal(message.header.size, 25);
	assert_true(body->host_time == IC_TIME_UNIX + 7);
	assert_int_equal(body->flags, IC_TIME_SYNC_NOW);
}

static void no_time_without_a_clock(void **state)
{
	struct message message;
	size_t size;

	(void)state;
	world.guest->utc = 0;
	agree(TIMESYNC, v3_0, v4_0);
	assert_int_equal(world.services.timesync.ic.state, IC_READY);
	assert_false(take(TIMESYNC, &message, &size));
	assert_null(world.guest->env.timers);
}

/* ---- keys and values ---- */

static uint32_t done_count;
static status_t done_status;

static void request_done(struct ic_kvp_request *request, status_t status)
{
	(void)request;
	done_count++;
	done_status = status;
}

static struct ic_kvp_request request;

static void ask(enum ic_kvp_operation operation, enum ic_kvp_pool pool, const char *key,
		const char *value)
{
	memset(&request, 0, sizeof(request));
	request.operation = operation;
	request.pool = pool;
	strcpy(request.key, key);
	strcpy(request.value, value);
	request.done = request_done;
	done_count = 0;
	assert_int_equal(ic_kvp_ask(&world.services.kvp, &request), STATUS_OK);
}

static void values_are_listed(void **state)
{
	struct ic_kvp_message *body;
	struct message message;
	size_t size;

	(void)state;
	agree(KVP, v3_0, v4_0);
	body = (void *)message.body;
	ask(IC_KVP_ENUMERATE, IC_KVP_AUTO, "", "");
	assert_true(take(KVP, &message, &size));
	assert_int_equal(message.header.size, sizeof(*body));
	assert_int_equal(body->operation, IC_KVP_ENUMERATE);
	assert_int_equal(body->pool, IC_KVP_AUTO);
	assert_int_equal(body->enumerate.index, 0);
	memcpy(body->enumerate.value.key, "O\0S\0\0", 6);
	body->enumerate.value.key_size = 6;
	memcpy(body->enumerate.value.value, "L\0\xe4\0\x3d\xd8\x00\xde\0", 10);
	body->enumerate.value.value_size = 10;
	body->enumerate.value.type = IC_KVP_STRING;
	answer(KVP, &message, size, 0);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status, STATUS_OK);
	assert_string_equal(request.key, "OS");
	assert_string_equal(request.value, "L\xc3\xa4\xf0\x9f\x98\x80");
	ask(IC_KVP_ENUMERATE, IC_KVP_AUTO, "", "");
	assert_true(take(KVP, &message, &size));
	answer(KVP, &message, size, IC_STATUS_NO_MORE);
	assert_int_equal(done_status, STATUS_NOT_FOUND);
}

static void values_are_set_got_and_deleted(void **state)
{
	struct ic_kvp_message *body;
	struct message message;
	size_t size;

	(void)state;
	agree(KVP, v3_0, v4_0);
	body = (void *)message.body;
	ask(IC_KVP_SET, IC_KVP_EXTERNAL, "k", "v\xc3\xa4");
	assert_true(take(KVP, &message, &size));
	assert_int_equal(body->set.type, IC_KVP_STRING);
	assert_int_equal(body->set.key_size, 4);
	assert_int_equal(body->set.value_size, 6);
	assert_memory_equal(body->set.key, "k\0\0", 4);
	assert_memory_equal(body->set.value, "v\0\xe4\0\0", 6);
	answer(KVP, &message, size, 0);
	assert_int_equal(done_status, STATUS_OK);
	ask(IC_KVP_GET, IC_KVP_EXTERNAL, "k", "");
	assert_true(take(KVP, &message, &size));
	assert_int_equal(body->get.key_size, 4);
	assert_int_equal(body->get.value_size, 0);
	body->get.type = IC_KVP_U32;
	memcpy(body->get.value, "\xff\xff\xff\xff\xff", 5);
	answer(KVP, &message, size, 0);
	assert_string_equal(request.value, "4294967295");
	ask(IC_KVP_GET, IC_KVP_EXTERNAL, "k", "");
	assert_true(take(KVP, &message, &size));
	body->get.type = IC_KVP_U64_LINUX;
	memset(body->get.value, 0xff, 8);
	answer(KVP, &message, size, 0);
	assert_string_equal(request.value, "18446744073709551615");
	ask(IC_KVP_DELETE, IC_KVP_EXTERNAL, "k", "");
	assert_true(take(KVP, &message, &size));
	assert_int_equal(body->operation, IC_KVP_DELETE);
	assert_int_equal(body->erase.key_size, 4);
	assert_memory_equal(body->erase.key, "k\0\0", 4);
	answer(KVP, &message, size, 0);
	assert_int_equal(done_status, STATUS_OK);
}

static void values_of_a_hostile_guest(void **state)
{
	struct ic_kvp_message *body;
	struct message message;
	size_t size;

	(void)state;
	agree(KVP, v3_0, v4_0);
	body = (void *)message.body;
	/* Sizes beyond all, and no end. */
	ask(IC_KVP_ENUMERATE, IC_KVP_GUEST, "", "");
	assert_true(take(KVP, &message, &size));
	memset(&body->enumerate.value, 0xff, sizeof(body->enumerate.value));
	answer(KVP, &message, size, 0);
	assert_int_equal(done_status, STATUS_OK);
	assert_int_equal(strlen(request.key), IC_KVP_KEY_SIZE / 2 * 3);
	assert_int_equal(strlen(request.value), IC_KVP_VALUE_SIZE / 2 * 3);
	/* The answer to another question, one that is too short, an error of its own. */
	ask(IC_KVP_GET, IC_KVP_GUEST, "k", "");
	assert_true(take(KVP, &message, &size));
	body->operation = IC_KVP_SET;
	answer(KVP, &message, size, 0);
	assert_int_equal(done_status, STATUS_BAD_FORMAT);
	ask(IC_KVP_GET, IC_KVP_GUEST, "k", "");
	assert_true(take(KVP, &message, &size));
	message.header.size -= 1;
	answer(KVP, &message, size, 0);
	assert_int_equal(done_status, STATUS_BAD_FORMAT);
	ask(IC_KVP_GET, IC_KVP_GUEST, "k", "");
	assert_true(take(KVP, &message, &size));
	answer(KVP, &message, size, 0x12345678);
	assert_int_equal(done_status, STATUS_NOT_SUPPORTED);
}

static void requests_that_cannot_be(void **state)
{
	struct message message;
	size_t size;

	(void)state;
	memset(&request, 0, sizeof(request));
	request.operation = IC_KVP_GET;
	strcpy(request.key, "k");
	assert_int_equal(ic_kvp_ask(&world.services.kvp, &request), STATUS_WRONG_STATE);
	agree(KVP, v3_0, v4_0);
	strcpy(request.key, "\xff");
	assert_int_equal(ic_kvp_ask(&world.services.kvp, &request), STATUS_INVALID_ARGUMENT);
	memset(request.key, 'k', 256);
	request.key[256] = 0;
	assert_int_equal(ic_kvp_ask(&world.services.kvp, &request), STATUS_INVALID_ARGUMENT);
	ask(IC_KVP_GET, IC_KVP_GUEST, "k", "");
	assert_int_equal(ic_kvp_ask(&world.services.kvp, &request), STATUS_BUSY);
	/* Given up: its answer is nobody's, and nothing new is asked before it. */
	ic_kvp_give_up(&world.services.kvp, &request);
	assert_int_equal(ic_kvp_ask(&world.services.kvp, &request), STATUS_BUSY);
	assert_true(take(KVP, &message, &size));
	answer(KVP, &message, size, 0);
	assert_int_equal(done_count, 0);
	ask(IC_KVP_GET, IC_KVP_GUEST, "k", "");
	guest_relid(world.guest, VMBUS_CLOSE_CHANNEL, KVP);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_status, STATUS_CANCELLED);
}

/* ---- texts ---- */

static void texts_there_and_back(void **state)
{
	static const char *const texts[] = {"",
					    "a",
					    "\xc2\x80",
					    "\xdf\xbf",
					    "\xe0\xa0\x80",
					    "\xef\xbf\xbf",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf",
					    "x\xe2\x82\xac y"};
	uint8_t units[64];
	char back[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		size_t size = utf16_from_utf8(units, sizeof(units), texts[i]);

		assert_true(size >= 2 && size % 2 == 0);
		utf16_to_utf8(back, sizeof(back), units, size);
		assert_string_equal(back, texts[i]);
		utf16_to_utf8(back, sizeof(back), units, size - 2); /* without its end */
		assert_string_equal(back, texts[i]);
		assert_int_equal(utf16_from_utf8(units, size - 1, texts[i]), 0);
		assert_int_equal(utf16_from_utf8(units, size, texts[i]), size);
	}
}

static void texts_that_are_none(void **state)
{
	static const char *const wrong[] = {"\x80",
					    "\xc0\x80",
					    "\xc1\xbf",
					    "\xc2",
					    "\xc2\x41",
					    "\xe0\x9f\xbf",
					    "\xed\xa0\x80",
					    "\xed\xbf\xbf",
					    "\xf0\x8f\xbf\xbf",
					    "\xf4\x90\x80\x80",
					    "\xf8\x88\x80\x80\x80",
					    "\xff",
					    "\xe2\x82",
					    "\xf0\x9f\x98"};
	static const struct {
		const char *units;
		size_t size;
		const char *text;
	} surrogates[] = {
		{"\x00\xdc", 2, "\xef\xbf\xbd"},		     /* low alone */
		{"\x00\xd8", 2, "\xef\xbf\xbd"},		     /* high alone */
		{"\x00\xd8\x41\x00", 4, "\xef\xbf\xbd\x41"},	     /* high, and a letter */
		{"\x00\xd8\x00\xd8", 4, "\xef\xbf\xbd\xef\xbf\xbd"}, /* two highs */
		{"\x41", 1, ""},				     /* half a unit */
	};
	uint8_t units[64];
	char text[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(utf16_from_utf8(units, sizeof(units), wrong[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(surrogates); i++) {
		utf16_to_utf8(text, sizeof(text), (const uint8_t *)surrogates[i].units,
			      surrogates[i].size);
		assert_string_equal(text, surrogates[i].text);
	}
	/* Whole characters are left out. */
	utf16_to_utf8(text, 4, (const uint8_t *)"\xac\x20\xac\x20", 4);
	assert_string_equal(text, "\xe2\x82\xac");
	utf16_to_utf8(text, 3, (const uint8_t *)"\xac\x20", 2);
	assert_string_equal(text, "");
	utf16_to_utf8(text, 1, (const uint8_t *)"A", 2);
	assert_string_equal(text, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(versions_as_linux_takes_them),
		TEST(versions_that_do_not_fit),
		TEST(an_answer_that_is_too_short),
		TEST(what_is_no_answer),
		TEST(hearts_beat),
		TEST(hearts_beat_after_a_save),
		TEST(a_guest_is_shut_down),
		TEST(a_guest_that_is_not_shut_down),
		TEST(time_is_told),
		TEST(time_for_an_old_guest),
		TEST(no_time_without_a_clock),
		TEST(values_are_listed),
		TEST(values_are_set_got_and_deleted),
		TEST(values_of_a_hostile_guest),
		TEST(requests_that_cannot_be),
		cmocka_unit_test(texts_there_and_back),
		cmocka_unit_test(texts_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
