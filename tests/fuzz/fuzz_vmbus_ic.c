/* SPDX-License-Identifier: MIT */
/*
 * The integration services against a guest that answers what it likes. All four channels are open; the input says
 * what is asked, and what comes back: mostly the question with some bytes changed, sometimes anything.
 */
#include "vmbus_guest.h"
#include "input.h"

#define RING_PAGES 8u
#define RING_SPLIT 4u
#define CHANNELS   4u

struct world {
	struct guest *guest;
	struct ic_services services;
	struct ic_kvp_request request;
	uint8_t question[CHANNELS + 1][4096]; /* the last of each channel */
	size_t size[CHANNELS + 1];
};

static void shutdown_news(struct ic_shutdown *shutdown, enum ic_shutdown_news news)
{
	CHECK(shutdown->ic.state == IC_READY || news >= IC_SHUTDOWN_CLOSED);
	CHECK(shutdown->asked == (news == IC_SHUTDOWN_AGREED));
}

static void request_done(struct ic_kvp_request *request, status_t status)
{
	CHECK(status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_CANCELLED ||
	      status == STATUS_BAD_FORMAT || status == STATUS_NOT_SUPPORTED);
	CHECK(strlen(request->key) < IC_KVP_KEY_TEXT && strlen(request->value) < IC_KVP_VALUE_TEXT);
}

static void channel_open(struct world *world, uint32_t relid)
{
	uint32_t page = relid * RING_PAGES;

	memset(world->guest->memory + page * PAGE_SIZE, 0, RING_PAGES * PAGE_SIZE);
	guest_gpadl(world->guest, relid, relid, page, RING_PAGES);
	guest_open(world->guest, relid, relid, 0, RING_SPLIT);
}

/* Takes all questions, of which it remembers the last. */
static void questions_take(struct world *world, uint32_t relid)
{
	struct guest_ring down = guest_ring_at(world->guest, relid * RING_PAGES + RING_SPLIT,
					       RING_PAGES - RING_SPLIT);
	struct vmbus_descriptor descriptor;

	while (guest_ring_get(&down, &descriptor, world->question[relid],
			      sizeof(world->question[relid]), &world->size[relid]))
		;
}

/* The versions that Linux would take. */
static void versions_choose(struct world *world, uint32_t relid)
{
	static const struct ic_version versions[] = {{3, 0}, {3, 2}, {4, 0}, {4, 0}};
	const struct {
		struct ic_negotiate counts;
		struct ic_version framework, version;
	} __packed chosen = {{1, 1, 0}, {3, 0}, versions[relid - 1]};

	memcpy(world->question[relid] + sizeof(struct ic_pipe_header) + sizeof(struct ic_header),
	       &chosen, sizeof(chosen));
}

static void answer(struct world *world, struct input *input)
{
	uint32_t relid = 1 + take8(input) % CHANNELS;
	struct guest_ring up = guest_ring_at(world->guest, relid * RING_PAGES, RING_SPLIT);
	struct ic_header *header = (void *)(world->question[relid] + sizeof(struct ic_pipe_header));
	uint8_t changes = take8(input) % 8;

	questions_take(world, relid);
	header->flags = (uint8_t)(IC_FLAG_TRANSACTION | IC_FLAG_RESPONSE);
	if (header->type == IC_NEGOTIATE && header->size > 16)
		versions_choose(world, relid);
	for (uint8_t i = 0; i < changes; i++) {
		uint32_t at = take8(input);

		at |= (uint32_t)take8(input) << 8;
		world->question[relid][at % sizeof(world->question[relid])] = take8(input);
	}
	if (take8(input) % 16 == 0)
		world->size[relid] = take8(input) * 16u;
	guest_ring_put(&up, VMBUS_PACKET_IN_BAND, 0, NULL, 0, world->question[relid],
		       world->size[relid]);
	guest_serve(world->guest);
	/* What the server does not want stays in the ring. */
	if (up.words[VMBUS_RING_IN] != up.words[VMBUS_RING_OUT])
		up.words[VMBUS_RING_IN] = up.words[VMBUS_RING_OUT];
}

static void request(struct world *world, struct input *input)
{
	if (world->services.kvp.request)
		return;
	memset(&world->request, 0, sizeof(world->request));
	world->request.operation = take8(input) % 4;
	world->request.pool = take8(input) % IC_KVP_POOLS;
	world->request.index = take8(input);
	world->request.done = request_done;
	for (unsigned int i = 0; i < 6; i++) {
		world->request.key[i] = (char)take8(input);
		world->request.value[i] = (char)take8(input);
	}
	(void)ic_kvp_ask(&world->services.kvp, &world->request);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	struct world *world = calloc(1, sizeof(*world));

	world->guest = guest_new();
	world->services.shutdown.news = shutdown_news;
	CHECK(ic_services_offer(&world->services, &world->guest->bus) == STATUS_OK);
	guest_contact(world->guest, VMBUS_VERSION_5_3);
	guest_request_offers(world->guest);
	for (uint32_t relid = 1; relid <= CHANNELS; relid++)
		channel_open(world, relid);
	while (input.left) {
		switch (take8(&input) % 8) {
		case 0: (void)ic_shutdown_ask(&world->services.shutdown, take8(&input)); break;
		case 1: request(world, &input); break;
		case 2: guest_time(world->guest, (uint64_t)take8(&input) * 100000000); break;
		case 3: ic_kvp_give_up(&world->services.kvp, &world->request); break;
		default: answer(world, &input);
		}
		guest_forget(world->guest);
	}
	/* One that has agreed still has its time to go. */
	(void)ic_shutdown_forget(&world->services.shutdown);
	guest_delete(world->guest);
	free(world);
	return 0;
}
