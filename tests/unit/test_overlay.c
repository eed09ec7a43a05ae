/* SPDX-License-Identifier: MIT */
/* Overlay pages: what a guest sees at an address, and what lies below meanwhile and afterwards. */
#include "machine_memory.h"

#include "../../svm/svm.h"
#include <kernel/cpu.h>
#include <kernel/gpa_range.h>

#define RAM   MIB(4) /* of the guest, as the machine has it */
#define PLACE (0x5000ull)

static const struct backend_ops fake_backend = {.gpa_format = &npt_format};
const struct backend_ops *backend = &fake_backend;
static struct partition partition;
static struct heap heap;
static struct gpa_space *space;
static struct gpa_overlay first, second;
static uint64_t pages_at_start;

void blocks_unpin(hpa_t base, uint64_t size)
{
	(void)base;
	(void)size;
}

status_t blocks_pin(hpa_t base, uint64_t size)
{
	(void)base;
	(void)size;
	return STATUS_OK;
}

/* What other CPUs do between two pieces of a call. */
static void (*meanwhile)(void);

void cpu_wait(struct cpu *self)
{
	(void)self;
	if (meanwhile)
		meanwhile();
}

static int setup(void **state)
{
	(void)state;
	fake_ram_init(MIB(16));
	test_heap_init(&heap, MIB(2), 1);
	memset(&partition, 0, sizeof(partition));
	partition.heap = &heap;
	partition.physical_bits = 40;
	pages_at_start = heap.pages_free;
	meanwhile = NULL;
	first = (struct gpa_overlay){.gpa = GPA_NOWHERE, .page = hpa_to_kva(MIB(12))};
	second = (struct gpa_overlay){
		.gpa = GPA_NOWHERE, .page = hpa_to_kva(MIB(13)), .writable = true};
	return gpa_space_create(&partition, &space) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	gpa_space_destroy(space);
	assert_int_equal(heap.pages_free, pages_at_start);
	fake_ram_destroy();
	return 0;
}

/* Where the guest gets to from an address; 0: nowhere. */
static hpa_t seen(gpa_t gpa)
{
	struct page_translation t;

	return page_table_lookup(&space->table, gpa, &t) ? t.hpa : 0;
}

static uint32_t rights(gpa_t gpa)
{
	struct page_translation t;

	return page_table_lookup(&space->table, gpa, &t) ? t.flags & ~(uint32_t)PAGE_USER : 0;
}

static void test_it_covers_and_uncovers(void **state)
{
	(void)state;
	assert_int_equal(gpa_map(space, 0, RAM, MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &first, PLACE), STATUS_OK);
	assert_int_equal(seen(PLACE), MIB(12));
	assert_int_equal(rights(PLACE), PAGE_READ | PAGE_EXECUTE);
	assert_int_equal(seen(PLACE - PAGE_SIZE), RAM + PLACE - PAGE_SIZE);
	assert_int_equal(seen(PLACE + PAGE_SIZE), RAM + PLACE + PAGE_SIZE);
	assert_true(gpa_overlay_refuses(space, PLACE + 8));
	assert_false(gpa_overlay_refuses(space, PLACE + PAGE_SIZE));
	assert_int_equal(gpa_overlay_move(space, &first, MIB(1)), STATUS_OK);
	assert_int_equal(seen(PLACE), RAM + PLACE);
	assert_int_equal(rights(PLACE), PAGE_READ | PAGE_WRITE);
	assert_int_equal(seen(MIB(1)), MIB(12));
	assert_int_equal(gpa_overlay_move(space, &first, GPA_NOWHERE), STATUS_OK);
	assert_int_equal(seen(MIB(1)), RAM + MIB(1));
	assert_null(space->overlays);
	assert_int_equal(gpa_unmap(space, 0, MIB(2)), STATUS_OK);
	assert_int_equal(seen(PLACE), 0);
}

static void test_it_needs_nothing_below(void **state)
{
	uint64_t free = heap.pages_free;

	(void)state;
	assert_int_equal(gpa_overlay_move(space, &second, GIB(3)), STATUS_OK);
	assert_int_equal(rights(GIB(3)), PAGE_READ | PAGE_WRITE | PAGE_EXECUTE);
	assert_false(gpa_overlay_refuses(space, GIB(3)));
	assert_int_equal(gpa_overlay_move(space, &second, GPA_NOWHERE), STATUS_OK);
	assert_int_equal(seen(GIB(3)), 0);
	assert_int_equal(heap.pages_free, free);
	assert_int_equal(gpa_overlay_move(space, &second, BIT(40)), STATUS_INVALID_ADDRESS);
	assert_int_equal(gpa_overlay_move(space, &second, 8), STATUS_INVALID_ADDRESS);
	assert_int_equal(second.gpa, GPA_NOWHERE);
}

/* Of two at one address the later one shows. */
static void test_one_over_another(void **state)
{
	(void)state;
	assert_int_equal(gpa_map(space, 0, RAM, MIB(2), 0), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &first, PLACE), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &second, PLACE), STATUS_OK);
	assert_int_equal(seen(PLACE), MIB(13));
	assert_int_equal(gpa_overlay_move(space, &second, GPA_NOWHERE), STATUS_OK);
	assert_int_equal(seen(PLACE), MIB(12));
	assert_int_equal(rights(PLACE), PAGE_READ | PAGE_EXECUTE);
	assert_int_equal(gpa_overlay_move(space, &second, PLACE), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &first, GPA_NOWHERE), STATUS_OK);
	assert_int_equal(seen(PLACE), MIB(13));
	assert_int_equal(gpa_overlay_move(space, &second, GPA_NOWHERE), STATUS_OK);
	assert_int_equal(seen(PLACE), RAM + PLACE);
}

/* Mappings below come and go, and the overlay stays. */
static void test_mappings_pass_below(void **state)
{
	(void)state;
	assert_int_equal(gpa_overlay_move(space, &first, PLACE), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &second, 0), STATUS_OK);
	assert_int_equal(gpa_map(space, 0, RAM, MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(seen(PLACE), MIB(12));
	assert_int_equal(seen(0), MIB(13));
	assert_int_equal(seen(PAGE_SIZE), RAM + PAGE_SIZE);
	assert_int_equal(seen(MIB(2) - PAGE_SIZE), RAM + MIB(2) - PAGE_SIZE);
	assert_int_equal(gpa_unmap(space, 0, MIB(2)), STATUS_OK);
	assert_int_equal(seen(PLACE), MIB(12));
	assert_int_equal(seen(0), MIB(13));
	assert_int_equal(seen(PAGE_SIZE), 0);
	assert_int_equal(seen(PLACE + PAGE_SIZE), 0);
	assert_int_equal(gpa_map(space, 0, RAM, MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &first, GPA_NOWHERE), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &second, GPA_NOWHERE), STATUS_OK);
	assert_int_equal(seen(PLACE), RAM + PLACE);
	assert_int_equal(seen(0), RAM);
	assert_int_equal(gpa_unmap(space, 0, MIB(2)), STATUS_OK);
	assert_int_equal(seen(PLACE), 0);
}

static status_t busy_move, busy_place;

static void move_meanwhile(void)
{
	struct gpa_overlay other = {.gpa = GPA_NOWHERE, .page = hpa_to_kva(MIB(14))};

	meanwhile = NULL; /* its shootdown waits too */
	busy_move = gpa_overlay_move(space, &first, GPA_NOWHERE);
	busy_place = gpa_overlay_move(space, &other, PLACE + PAGE_SIZE);
}

static void place_meanwhile(void)
{
	meanwhile = NULL;
	busy_place = gpa_overlay_move(space, &first, GIB(2));
}

/* A move that is refused leaves the tables of the one that unmaps to it: the teardown counts them. */
static void test_a_refused_one_takes_no_tables(void **state)
{
	(void)state;
	assert_int_equal(gpa_map(space, GIB(2), RAM, PAGE_SIZE, GPA_WRITABLE), STATUS_OK);
	meanwhile = place_meanwhile;
	assert_int_equal(gpa_unmap(space, GIB(2), PAGE_SIZE), STATUS_OK);
	assert_int_equal(busy_place, STATUS_BUSY);
}

/* While a mapping is half made or half unmade, no overlay over it moves. */
static void test_not_over_what_changes(void **state)
{
	(void)state;
	assert_int_equal(gpa_map(space, 0, RAM, MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &first, PLACE), STATUS_OK);
	meanwhile = move_meanwhile;
	assert_int_equal(gpa_unmap(space, 0, MIB(2)), STATUS_OK);
	assert_null(meanwhile);
	assert_int_equal(busy_move, STATUS_BUSY);
	assert_int_equal(busy_place, STATUS_BUSY);
	assert_int_equal(first.gpa, PLACE);
	assert_int_equal(seen(PLACE), MIB(12));
	assert_int_equal(seen(PLACE + PAGE_SIZE), 0);
	assert_int_equal(gpa_overlay_move(space, &first, GPA_NOWHERE), STATUS_OK);
	assert_int_equal(seen(PLACE), 0);
}

static void test_without_memory_nothing_changes(void **state)
{
	void *taken = NULL;

	(void)state;
	assert_int_equal(gpa_map(space, 0, RAM, MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &first, GIB(1)), STATUS_OK);
	while (heap.pages_free)
		page_list_push(&taken, page_alloc(&heap, 0));
	assert_int_equal(gpa_overlay_move(space, &first, PLACE), STATUS_NO_MEMORY);
	assert_int_equal(first.gpa, GIB(1));
	assert_int_equal(seen(GIB(1)), MIB(12));
	assert_int_equal(seen(PLACE), RAM + PLACE);
	assert_int_equal(rights(PLACE), PAGE_READ | PAGE_WRITE);
	/* The way back needs none. */
	assert_int_equal(gpa_overlay_move(space, &first, GPA_NOWHERE), STATUS_OK);
	page_list_free(&heap, taken);
}

/* Two at once, into each other's place too; and none when one of them can't. */
static void test_several_at_once(void **state)
{
	struct gpa_overlay_place places[] = {{&first, PLACE}, {&second, MIB(1)}};
	void *taken = NULL;

	(void)state;
	assert_int_equal(gpa_map(space, 0, RAM, MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_overlays_move(space, places, 2), STATUS_OK);
	assert_int_equal(seen(PLACE), MIB(12));
	assert_int_equal(seen(MIB(1)), MIB(13));
	places[0].gpa = MIB(1);
	places[1].gpa = PLACE;
	assert_int_equal(gpa_overlays_move(space, places, 2), STATUS_OK);
	assert_int_equal(seen(PLACE), MIB(13));
	assert_int_equal(seen(MIB(1)), MIB(12));
	assert_int_equal(rights(PLACE), PAGE_READ | PAGE_WRITE | PAGE_EXECUTE);
	while (heap.pages_free)
		page_list_push(&taken, page_alloc(&heap, 0));
	places[0].gpa = PLACE + PAGE_SIZE;
	places[1].gpa = GIB(5);
	assert_int_equal(gpa_overlays_move(space, places, 2), STATUS_NO_MEMORY);
	assert_int_equal(seen(PLACE + PAGE_SIZE), RAM + PLACE + PAGE_SIZE);
	assert_int_equal(seen(PLACE), MIB(13));
	assert_int_equal(seen(MIB(1)), MIB(12));
	assert_int_equal(seen(GIB(5)), 0);
	page_list_free(&heap, taken);
	/* One stays, the other goes over it. */
	places[0].gpa = MIB(1);
	places[1].gpa = MIB(1);
	assert_int_equal(gpa_overlays_move(space, places, 2), STATUS_OK);
	assert_int_equal(seen(MIB(1)), MIB(13));
	assert_int_equal(seen(PLACE), RAM + PLACE);
	places[1].gpa = 8;
	assert_int_equal(gpa_overlays_move(space, places, 2), STATUS_INVALID_ADDRESS);
	places[0].gpa = places[1].gpa = GPA_NOWHERE;
	assert_int_equal(gpa_overlays_move(space, places, 2), STATUS_OK);
	assert_int_equal(seen(MIB(1)), RAM + MIB(1));
	assert_null(space->overlays);
}

/* Tracking of writes keeps off the overlay, and what is below it counts as written. */
static void test_tracking(void **state)
{
	uint64_t bits;

	(void)state;
	assert_int_equal(gpa_map(space, 0, RAM, MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &first, PLACE), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &second, PLACE + 2 * PAGE_SIZE), STATUS_OK);
	assert_int_equal(gpa_dirty_start(space, 0, MIB(2)), STATUS_OK);
	assert_int_equal(rights(PLACE - PAGE_SIZE), PAGE_READ);
	assert_int_equal(rights(PLACE + PAGE_SIZE), PAGE_READ);
	assert_int_equal(rights(PLACE), PAGE_READ | PAGE_EXECUTE);
	assert_int_equal(rights(PLACE + 2 * PAGE_SIZE), PAGE_READ | PAGE_WRITE | PAGE_EXECUTE);
	assert_false(gpa_dirty_fault(space, PLACE));
	assert_true(gpa_dirty_fault(space, PAGE_SIZE));
	bits = 0;
	assert_int_equal(gpa_dirty_get(space, 0, 64 * PAGE_SIZE, true, &bits), STATUS_OK);
	assert_int_equal(bits, BIT(1) | BIT(5) | BIT(7));
	bits = 0;
	assert_int_equal(gpa_dirty_get(space, 0, 64 * PAGE_SIZE, true, &bits), STATUS_OK);
	assert_int_equal(bits, BIT(5) | BIT(7));
	assert_int_equal(gpa_overlay_move(space, &first, GPA_NOWHERE), STATUS_OK);
	assert_int_equal(rights(PLACE), PAGE_READ | PAGE_WRITE);
	assert_int_equal(gpa_dirty_mark(space, 0, MIB(2)), STATUS_OK);
	assert_int_equal(rights(MIB(1)), PAGE_READ | PAGE_WRITE);
	assert_int_equal(gpa_dirty_get(space, 0, 64 * PAGE_SIZE, true, &bits), STATUS_OK);
	assert_int_equal(rights(PLACE), PAGE_READ);
	assert_int_equal(gpa_dirty_stop(space, 0, MIB(2)), STATUS_OK);
	assert_int_equal(rights(PLACE), PAGE_READ | PAGE_WRITE);
	assert_int_equal(seen(PLACE + 2 * PAGE_SIZE), MIB(13));
}

/* The kernel's accesses see what the guest sees, with its rights. */
static void test_accesses(void **state)
{
	uint32_t value = 7;

	(void)state;
	assert_int_equal(gpa_map(space, 0, RAM, MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &first, PLACE), STATUS_OK);
	assert_int_equal(gpa_write(space, PLACE, &value, sizeof(value)), STATUS_ACCESS_DENIED);
	memset(first.page, 0x5a, PAGE_SIZE);
	assert_int_equal(gpa_read(space, PLACE, &value, sizeof(value)), STATUS_OK);
	assert_int_equal(value, 0x5a5a5a5a);
	assert_int_equal(gpa_overlay_move(space, &second, PLACE), STATUS_OK);
	assert_int_equal(gpa_write(space, PLACE, &value, sizeof(value)), STATUS_OK);
	assert_int_equal(*(uint32_t *)second.page, 0x5a5a5a5a);
	assert_int_equal(*(uint32_t *)hpa_to_kva(RAM + PLACE), 0);
}

/* What a translation asks: is there anything, and can it be written? */
static void test_look(void **state)
{
	struct gpa_view view;

	(void)state;
	assert_int_equal(gpa_map(space, 0, RAM, MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_map(space, MIB(4), RAM + MIB(4), PAGE_SIZE, 0), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &first, PLACE), STATUS_OK);
	assert_int_equal(gpa_overlay_move(space, &second, GIB(3)), STATUS_OK);
	assert_true(gpa_look(space, PLACE + 8, &view));
	assert_true(view.overlay && !view.writable);
	assert_true(gpa_look(space, GIB(3), &view));
	assert_true(view.overlay && view.writable);
	assert_true(gpa_look(space, 0, &view));
	assert_true(!view.overlay && view.writable);
	assert_true(gpa_look(space, MIB(4) + 9, &view));
	assert_true(!view.overlay && !view.writable);
	assert_false(gpa_look(space, MIB(2), &view));
	assert_false(gpa_look(space, UINT64_MAX, &view));
}

static void test_exchange(void **state)
{
	uint64_t *word = hpa_to_kva(RAM + 8);

	(void)state;
	assert_int_equal(gpa_map(space, 0, RAM, MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_map(space, MIB(4), RAM, PAGE_SIZE, 0), STATUS_OK);
	*word = 0x1122334455667788;
	assert_int_equal(gpa_exchange(space, 8, 8, 1, 2), STATUS_BUSY);
	assert_int_equal(gpa_exchange(space, 8, 8, *word, 0x5566778800000003), STATUS_OK);
	assert_int_equal(*word, 0x5566778800000003);
	assert_int_equal(gpa_exchange(space, 8, 4, 3, 4), STATUS_OK);
	assert_int_equal(gpa_exchange(space, 12, 4, 3, 4), STATUS_BUSY);
	assert_int_equal(*word, 0x5566778800000004);
	assert_int_equal(gpa_exchange(space, MIB(4) + 8, 8, *word, 0), STATUS_ACCESS_DENIED);
	assert_int_equal(gpa_exchange(space, MIB(2), 8, 0, 0), STATUS_INVALID_ADDRESS);
	assert_int_equal(gpa_exchange(space, UINT64_MAX - 7, 8, 0, 0), STATUS_INVALID_ADDRESS);
	/* a page that is tracked is dirty then */
	assert_int_equal(gpa_dirty_start(space, 0, MIB(2)), STATUS_OK);
	assert_int_equal(gpa_exchange(space, 8, 4, 4, 5), STATUS_OK);
	assert_int_equal(rights(0), PAGE_READ | PAGE_WRITE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_covers_and_uncovers),
		TEST(it_needs_nothing_below),
		TEST(one_over_another),
		TEST(mappings_pass_below),
		TEST(not_over_what_changes),
		TEST(a_refused_one_takes_no_tables),
		TEST(without_memory_nothing_changes),
		TEST(several_at_once),
		TEST(tracking),
		TEST(accesses),
		TEST(look),
		TEST(exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
