/* SPDX-License-Identifier: MIT */
/*
 * A hostile guest against the whole VMBus server: the input is a string of commands, which send channel messages,
 * well formed and not, write to the memory in which rings may lie, let time pass, take away room for
 * messages, and have the host do what it may do meanwhile. Beyond what the sanitizers see, it checks that
 * what the guest makes the server keep is bounded, and that it is given back.
 */
#include "vmbus_guest.h"
#include "input.h"

#define COMMANDS 400u

static uint32_t take32(struct input *input)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < 4; i++)
		value = value << 8 | take8(input);
	return value;
}

/* Often a small number, sometimes any. */
static uint32_t take_number(struct input *input)
{
	uint8_t small = take8(input);

	return small < 0xf0 ? small % 16 : take32(input);
}

static void take_bytes(struct input *input, uint8_t *to, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = take8(input);
}

struct world {
	struct guest *guest;
	struct ic_services services;
	struct ic_kvp_request request;
	bool detached;
};

static void shutdown_news(struct ic_shutdown *shutdown, enum ic_shutdown_news news)
{
	CHECK(shutdown->asked == (news == IC_SHUTDOWN_AGREED));
}

static void request_done(struct ic_kvp_request *request, status_t status)
{
	CHECK(status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_CANCELLED ||
	      status == STATUS_BAD_FORMAT || status == STATUS_NOT_SUPPORTED);
	CHECK(strlen(request->key) < IC_KVP_KEY_TEXT && strlen(request->value) < IC_KVP_VALUE_TEXT);
}

/* Any bytes, of any type. */
static void say_anything(struct world *world, struct input *input)
{
	uint8_t bytes[VMBUS_MESSAGE_MAX] = {0};
	size_t size = take8(input) % (VMBUS_MESSAGE_MAX + 1);

	take_bytes(input, bytes, size);
	bytes[0] %= VMBUS_MESSAGE_TYPES;
	guest_send(world->guest, bytes, size);
}

static void say_contact(struct world *world, struct input *input)
{
	static const uint32_t versions[] = {VMBUS_VERSION_6_0, VMBUS_VERSION_5_3, VMBUS_VERSION_5_0,
					    VMBUS_VERSION_4_0};
	const struct vmbus_initiate_contact contact = {
		.header.type = VMBUS_INITIATE_CONTACT,
		.version = versions[take8(input) % ARRAY_SIZE(versions)],
		.sint = 2,
		.features = take8(input),
	};
	const struct vmbus_header request = {.type = VMBUS_REQUEST_OFFERS};

	guest_send(world->guest, &contact, sizeof(contact));
	guest_send(world->guest, &request, sizeof(request));
}

static void say_gpadl(struct world *world, struct input *input)
{
	uint32_t relid = take8(input) % 6, id = take8(input) % 8;
	uint32_t page = take8(input) % (GUEST_PAGES + 8), count = take8(input) % 40;

	guest_gpadl(world->guest, relid, id, page, count);
}

static void say_open(struct world *world, struct input *input)
{
	uint32_t relid = take8(input) % 6, id = take8(input) % 8;
	uint32_t vp = take8(input) % 6, split = take8(input) % 16;

	guest_open(world->guest, relid, id, vp == 5 ? VMBUS_NO_VP : vp, split);
}

/* One with numbers where numbers belong. */
static void say_numbers(struct world *world, struct input *input)
{
	uint32_t words[VMBUS_MESSAGE_MAX / 4] = {0};

	words[0] = take8(input) % VMBUS_MESSAGE_TYPES;
	for (unsigned int i = 2; i < 8; i++)
		words[i] = take_number(input);
	guest_send(world->guest, words, take8(input) % 2 ? VMBUS_MESSAGE_MAX : 20);
}

static void write_word(struct world *world, struct input *input)
{
	uint32_t page = take8(input) % GUEST_PAGES, word = take8(input) % 32,
		 value = take_number(input);

	if (take8(input) % 2)
		value *= 8;
	memcpy(world->guest->memory + page * PAGE_SIZE + word * 4, &value, 4);
}

/* Whole packets into what may be a ring of four pages. */
static void write_packet(struct world *world, struct input *input)
{
	struct guest_ring ring = guest_ring_at(world->guest, take8(input) % (GUEST_PAGES - 4), 4);
	uint16_t type = take8(input) % 16;
	uint8_t bytes[64];
	size_t extra = take8(input) % 5 * 8, size = take8(input) % 30;

	take_bytes(input, bytes, sizeof(bytes));
	if (ring.words[VMBUS_RING_IN] < ring.size)
		guest_ring_put(&ring, type, 1, bytes, extra, bytes + extra, size);
}

static void host_acts(struct world *world, struct input *input)
{
	struct ic_services *services = &world->services;

	switch (take8(input) % 8) {
	case 0: vmbus_reset(&world->guest->bus); break;
	case 1: vmbus_rescind(&services->heartbeat.ic.channel); break;
	case 2:
		if (vmbus_channel_gone(&services->heartbeat.ic.channel))
			CHECK(ic_heartbeat_offer(&services->heartbeat, &world->guest->bus) ==
			      STATUS_OK);
		break;
	case 3: (void)ic_shutdown_ask(&services->shutdown, take8(input)); break;
	case 4:
		if (services->kvp.request)
			break;
		memset(&world->request, 0, sizeof(world->request));
		world->request.operation = take8(input) % 4;
		world->request.pool = take8(input) % IC_KVP_POOLS;
		world->request.done = request_done;
		take_bytes(input, (uint8_t *)world->request.key, 8);
		take_bytes(input, (uint8_t *)world->request.value, 8);
		(void)ic_kvp_ask(&services->kvp, &world->request);
		break;
	case 5: ic_kvp_give_up(&services->kvp, &world->request); break;
	case 6:
		vmbus_detach(&world->guest->bus);
		while (world->guest->env.timers)
			device_timer_cancel(&world->guest->env, world->guest->env.timers);
		vmbus_attach(&world->guest->bus);
		break;
	default: world->guest->connect_status = take8(input) % 2 ? STATUS_OK : STATUS_NO_MEMORY;
	}
}

static void command(struct world *world, struct input *input)
{
	switch (take8(input) % 12) {
	case 0: say_anything(world, input); break;
	case 1: say_contact(world, input); break;
	case 2:
	case 3: say_gpadl(world, input); break;
	case 4:
	case 5: say_open(world, input); break;
	case 6: say_numbers(world, input); break;
	case 7: write_word(world, input); break;
	case 8: write_packet(world, input); break;
	case 9: guest_time(world->guest, (uint64_t)take8(input) * 100000000); break;
	case 10: host_acts(world, input); break;
	default:
		world->guest->room = take8(input);
		world->guest->post_status = take8(input) % 8 ? STATUS_OK : STATUS_WRONG_STATE;
		guest_forget(world->guest);
	}
}

static void check(const struct vmbus *bus)
{
	uint32_t count = 0, pages = 0;

	for (const struct vmbus_gpadl *gpadl = bus->gpadls; gpadl; gpadl = gpadl->next) {
		count++;
		pages += gpadl->charge;
		CHECK(!gpadl->pages || gpadl->pages->page_count <= gpadl->charge);
	}
	CHECK(count == bus->gpadl_count && pages == bus->gpadl_pages);
	CHECK(count <= VMBUS_GPADLS && pages <= VMBUS_GPADL_PAGES);
	CHECK(bus->queue_count <= VMBUS_QUEUE);
	for (uint32_t i = 0; i < VMBUS_CHANNELS; i++) {
		const struct vmbus_channel *channel = bus->channels[i];

		if (!channel)
			continue;
		CHECK(channel->relid == i);
		CHECK((channel->state == VMBUS_CHANNEL_OPEN) == (channel->incoming.words != NULL));
		CHECK(channel->state == VMBUS_CHANNEL_CLOSED || channel->known);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	struct world world = {.guest = guest_new()};

	world.services.shutdown.news = shutdown_news;
	CHECK(ic_services_offer(&world.services, &world.guest->bus) == STATUS_OK);
	for (unsigned int i = 0; i < COMMANDS && input.left; i++) {
		command(&world, &input);
		guest_serve(world.guest);
		check(&world.guest->bus);
	}
	guest_delete(world.guest);
	return 0;
}
