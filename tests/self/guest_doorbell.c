/* SPDX-License-Identifier: MIT */
/* Doorbells: what rings them, what does not, and that the VP goes on without its VMM. */
#include "guest.h"
#include <arch/cr.h>
#include <kernel/doorbell.h>
#include <kernel/event.h>
#include <kernel/string.h>

GUEST_CODE_DECLARE(doorbell_port);
GUEST_CODE_DECLARE(doorbell_store);
GUEST_CODE_DECLARE(doorbell_not);
GUEST_CODE_DECLARE(doorbell_flat);
GUEST_CODE_DECLARE(doorbell_changing);

#define PORT  0x2346u
#define PLACE 0x400000u

static struct event *event;

static bool bell_make(struct test_guest *g, const struct doorbell_config *config,
		      struct object **bell)
{
	return doorbell_create(g->partition, &kernel_heap, config, 0, event, bell) == STATUS_OK;
}

static uint64_t bits_take(void)
{
	uint64_t bits = event->bits;

	event->bits = 0;
	return bits;
}

/* The VMM sees an OUT to that port. */
static bool port_seen(struct test_guest *g, uint16_t port, uint8_t size)
{
	return guest_run(g) == VP_RUN_PORT_IO && g->run->port.write && g->run->port.port == port &&
	       g->run->port.size == size;
}

static bool ports(struct test_guest *g, struct object **bells)
{
	const struct doorbell_config configs[] = {
		{.kind = DOORBELL_PORT, .address = PORT, .length = 4, .bits = 1},
		{.kind = DOORBELL_PORT,
		 .address = PORT,
		 .length = 4,
		 .flags = DOORBELL_VALUE,
		 .value = 0x55,
		 .bits = 2},
	};
	bool ok = bell_make(g, &configs[0], &bells[0]) && bell_make(g, &configs[1], &bells[1]);

	guest_start(g, doorbell_port);
	ok = ok && guest_says(g, 1) && bits_take() == 1;
	ok = ok && port_seen(g, PORT, 2) && port_seen(g, PORT + 1, 4);
	return ok && guest_says(g, 2) && bits_take() == 2;
}

/* By place: how long the store is, and what it writes. */
static const struct {
	uint8_t length;
	uint64_t value;
} stores[] = {
	{4, 0x89abcdef}, {2, 0xcdef}, {1, 0xef}, {1, 0xcd},  {8, 0x0123456789abcdef},
	{4, 0x1234},	 {2, 0x1234}, {1, 0x12}, {8, -2ull}, {4, 0x77},
	{1, 0x77},	 {8, 0x77},
};

/* Each store rings its own, which wants exactly this length and value. */
static bool all_forms(struct test_guest *g, struct object **bells)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; ok && i < ARRAY_SIZE(stores); i++) {
		const struct doorbell_config config = {
			.address = PLACE + 8 * i,
			.length = stores[i].length,
			.flags = DOORBELL_VALUE,
			.value = stores[i].value,
			.bits = BIT(i),
		};

		ok = bell_make(g, &config, &bells[i]);
	}
	guest_start(g, doorbell_store);
	return ok && guest_says(g, 1) && bits_take() == MASK(ARRAY_SIZE(stores));
}

static bool store_seen(struct test_guest *g, gpa_t gpa, unsigned int length)
{
	if (guest_run(g) != VP_RUN_EMULATE || g->run->emulate.gpa != gpa)
		return false;
	g->run->regs.rip += length;
	g->run->set = VP_SET_GPRS;
	return true;
}

static bool others(struct test_guest *g, struct object **bells)
{
	const struct doorbell_config configs[] = {
		{.address = PLACE, .bits = 1},
		{.address = PLACE + 0x800, .length = 8, .bits = 2},
		{.address = GUEST_RAM, .bits = 4},
	};
	bool ok = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(configs); i++)
		ok = ok && bell_make(g, &configs[i], &bells[i]);
	guest_start(g, doorbell_not);
	ok = ok && store_seen(g, PLACE, 2) && store_seen(g, PLACE + 0x800, 6);
	ok = ok && store_seen(g, GUEST_RAM, 3);
	return ok && guest_says(g, 1) && bits_take() == 0;
}

static bool flat(struct test_guest *g, struct object **bells)
{
	uint64_t *gdt = (uint64_t *)(g->ram + GUEST_GDT);
	const struct doorbell_config config = {.address = PLACE + 4, .length = 4, .bits = 1};
	const struct doorbell_config based = {.address = PLACE + 8, .length = 4, .bits = 2};
	bool ok = bell_make(g, &config, &bells[0]) && bell_make(g, &based, &bells[1]);
	struct guest_state state;

	guest_start(g, doorbell_flat);
	gdt[3] = 0x00cf93000010ffffull; /* data, from 16 up */
	backend->arch.state_get(g->vp, 0, STATE_ALL, &state);
	state.gdtr.limit = 4 * 8 - 1;
	state.segment[SEGMENT_CS].attributes = 0xc09b; /* of 32 bits */
	state.cr0 &= ~CR0_PG;
	state.efer = 0;
	backend->arch.state_set(g->vp, 0, STATE_ALL, &state);
	return ok && guest_says(g, 1) && bits_take() == 3;
}

/* ---- the same store again, and what only looks like it ---- */

#define CALLED	       0x600000u
#define CALLED_ENTRY   (CALLED / LARGE_PAGE_SIZE)
#define CODE_EAX       0x0389ull   /* mov %eax, (%rbx) */
#define CODE_ECX       0x0b89ull   /* mov %ecx, (%rbx) */
#define CODE_CL	       0x0b88ull   /* mov %cl, (%rbx) */
#define CODE_R12D      0x238944ull /* mov %r12d, (%rbx) */
#define CODE_EAX_NEXT  0x044389ull /* mov %eax, 4(%rbx) */
#define RET(code, len) ((code) | 0xc3ull << 8 * (len))

static bool called_map(struct test_guest *g, const uint64_t *page)
{
	return gpa_map(g->vp->vtl[0]->space, CALLED, kva_to_hpa(page), PAGE_SIZE,
		       GPA_WRITABLE | GPA_EXECUTABLE) == STATUS_OK;
}

static bool rings(struct test_guest *g, uint64_t bits)
{
	return guest_says(g, 1) && bits_take() == bits;
}

/* The guest's store is another one each time, though it stands at the same address. */
static bool code_changes(struct test_guest *g, uint64_t *page)
{
	bool ok;

	page[0] = RET(CODE_EAX, 2);
	ok = rings(g, BIT(1)) && rings(g, BIT(1));
	page[0] = RET(CODE_ECX, 2);
	ok = ok && rings(g, BIT(2)) && rings(g, BIT(2));
	page[0] = RET(CODE_CL, 2);
	ok = ok && rings(g, BIT(10)) && rings(g, BIT(10));
	page[0] = RET(CODE_EAX_NEXT, 3);
	ok = ok && rings(g, BIT(20)) && rings(g, BIT(20));
	page[0] = RET(CODE_R12D, 3);
	return ok && rings(g, BIT(4)) && rings(g, BIT(4));
}

/* So it is when the partition has other memory there, or when the guest's tables lead elsewhere. */
static bool memory_changes(struct test_guest *g, uint64_t *page, uint64_t *other)
{
	uint64_t *directory = (uint64_t *)(g->ram + GUEST_PAGE_TABLES + 2 * PAGE_SIZE);
	uint64_t entry = directory[CALLED_ENTRY];
	bool ok;

	page[0] = RET(CODE_EAX, 2);
	other[0] = RET(CODE_ECX, 2);
	*(uint64_t *)g->ram = RET(CODE_CL, 2);
	ok = rings(g, BIT(1)) && rings(g, BIT(1));
	ok = ok && gpa_unmap(g->vp->vtl[0]->space, CALLED, PAGE_SIZE) == STATUS_OK;
	ok = ok && called_map(g, other) && rings(g, BIT(2)) && rings(g, BIT(2));
	directory[CALLED_ENTRY] = directory[0];
	ok = ok && rings(g, BIT(10)) && rings(g, BIT(10));
	directory[CALLED_ENTRY] = entry;
	return ok && rings(g, BIT(2));
}

static bool changing(struct test_guest *g, struct object **bells)
{
	static const struct doorbell_config configs[] = {
		{.address = PLACE,
		 .length = 4,
		 .flags = DOORBELL_VALUE,
		 .value = 1,
		 .bits = BIT(1)},
		{.address = PLACE,
		 .length = 4,
		 .flags = DOORBELL_VALUE,
		 .value = 2,
		 .bits = BIT(2)},
		{.address = PLACE,
		 .length = 4,
		 .flags = DOORBELL_VALUE,
		 .value = 4,
		 .bits = BIT(4)},
		{.address = PLACE,
		 .length = 1,
		 .flags = DOORBELL_VALUE,
		 .value = 2,
		 .bits = BIT(10)},
		{.address = PLACE + 4, .bits = BIT(20)},
	};
	uint64_t *page = page_alloc(&kernel_heap, 0), *other = page_alloc(&kernel_heap, 0);
	bool ok = page && other && called_map(g, page);
	unsigned int i;

	for (i = 0; ok && i < ARRAY_SIZE(configs); i++)
		ok = bell_make(g, &configs[i], &bells[i]);
	guest_start(g, doorbell_changing);
	ok = ok && code_changes(g, page) && memory_changes(g, page, other);
	(void)gpa_unmap(g->vp->vtl[0]->space, CALLED, PAGE_SIZE);
	if (page)
		page_free(&kernel_heap, page, 0);
	if (other)
		page_free(&kernel_heap, other, 0);
	return ok;
}

/* False: it failed; *why: it cannot run. */
static bool with_bells(bool (*function)(struct test_guest *g, struct object **bells),
		       const char **why)
{
	struct object *bells[ARRAY_SIZE(stores)] = {NULL};
	struct test_guest g;
	bool ok;
	unsigned int i;

	if (!guests_can_run(why))
		return false;
	*why = NULL;
	if (event_create(&kernel_heap, &event) != STATUS_OK)
		return false;
	if (!guest_create(&g))
		return false;
	ok = function(&g, bells);
	/* Some handles end before the partition, some after it. */
	for (i = 0; i < ARRAY_SIZE(bells) / 2; i++)
		if (bells[i])
			object_put(bells[i]);
	guest_destroy(&g);
	for (; i < ARRAY_SIZE(bells); i++)
		if (bells[i])
			object_put(bells[i]);
	ok = ok && atomic_load(&event->object.references) == 1;
	object_put(&event->object);
	return ok;
}

#define DOORBELL_TEST(function)                           \
	do {                                              \
		uint64_t before = kernel_heap.pages_free; \
		const char *why;                          \
		bool ok = with_bells(function, &why);     \
                                                          \
		if (why)                                  \
			SKIP(why);                        \
		CHECK(ok);                                \
		CHECK(kernel_heap.pages_free == before);  \
	} while (0)

SELFTEST(doorbell_by_port)
{
	DOORBELL_TEST(ports);
}

SELFTEST(doorbell_by_every_plain_store)
{
	DOORBELL_TEST(all_forms);
}

SELFTEST(doorbell_not_by_other_writes)
{
	DOORBELL_TEST(others);
}

SELFTEST(doorbell_in_32_bit_code)
{
	DOORBELL_TEST(flat);
}

SELFTEST(doorbell_by_stores_that_change)
{
	DOORBELL_TEST(changing);
}
