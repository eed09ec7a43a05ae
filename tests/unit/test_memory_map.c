/* SPDX-License-Identifier: MIT */
/*
 * Guest-physical address spaces: what a map that fails and an unmap give back.
 */
#include "machine_memory.h"

#include "../../svm/svm.h"
#include <kernel/cpu.h>
#include <kernel/memory_map.h>

static const struct backend_ops fake_backend = {.gpa_format = &npt_format};
const struct backend_ops *backend = &fake_backend;
static struct partition partition;
static struct heap heap;
static struct gpa_space *space;
static uint64_t pages_at_start;
static unsigned int unpinned;
static uint64_t pinned_base, pinned_size;

void blocks_unpin(hpa_t base, uint64_t size)
{
	(void)base;
	(void)size;
	unpinned++;
}

status_t blocks_pin(hpa_t base, uint64_t size)
{
	pinned_base = base;
	pinned_size = size;
	return STATUS_OK;
}

/* What other CPUs do between two pieces of a call. */
static void (*meanwhile)(void);
static unsigned int overlaps;

void cpu_wait(struct cpu *self)
{
	(void)self;
	if (meanwhile)
		meanwhile();
}

static int setup(void **state)
{
	(void)state;
	fake_ram_init(MIB(8));
	test_heap_init(&heap, MIB(2), 1);
	memset(&partition, 0, sizeof(partition));
	partition.heap = &heap;
	partition.physical_bits = 40;
	unpinned = 0;
	pages_at_start = heap.pages_free;
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

/* Takes all pages but `left` from the heap, as a page list. */
static void *heap_drain(uint64_t left)
{
	void *list = NULL;

	while (heap.pages_free > left)
		page_list_push(&list, page_alloc(&heap, 0));
	return list;
}

static void test_a_map_without_memory_costs_nothing(void **state)
{
	uint64_t free, generation;
	void *taken;

	(void)state;
	assert_int_equal(gpa_map(space, 0, MIB(4), PAGE_SIZE, GPA_WRITABLE), STATUS_OK);
	/* Tables for 3 times 2 MiB of small pages are wanted, and 2 pages are there. */
	taken = heap_drain(2);
	free = heap.pages_free;
	generation = space->tlb_generation;
	assert_int_equal(gpa_map(space, MIB(2), MIB(4) + PAGE_SIZE, MIB(6), GPA_WRITABLE),
			 STATUS_NO_MEMORY);
	assert_int_equal(heap.pages_free, free);
	assert_true(space->tlb_generation > generation);
	assert_false(gpa_is_mapped(space, MIB(2)));
	assert_true(gpa_is_mapped(space, 0));
	page_list_free(&heap, taken);
}

static void test_unmap_gives_back_and_flushes(void **state)
{
	uint64_t free = heap.pages_free, generation;

	(void)state;
	assert_int_equal(gpa_map(space, 0, MIB(4), PAGE_SIZE, 0), STATUS_OK);
	assert_int_equal(gpa_map(space, PAGE_SIZE, MIB(4) + PAGE_SIZE, PAGE_SIZE, 0), STATUS_OK);
	generation = space->tlb_generation;
	assert_int_equal(gpa_unmap(space, 0, MIB(1)), STATUS_OK);
	assert_true(space->tlb_generation > generation);
	assert_int_equal(heap.pages_free, free);
}

static void test_prefetch_wants_all_of_it(void **state)
{
	(void)state;
	assert_int_equal(gpa_map(space, PAGE_SIZE, MIB(4), PAGE_SIZE, 0), STATUS_OK);
	assert_int_equal(gpa_map(space, 2 * PAGE_SIZE, MIB(5), 2 * PAGE_SIZE, 0), STATUS_OK);
	assert_int_equal(gpa_prefetch(space, PAGE_SIZE, 3 * PAGE_SIZE), STATUS_OK);
	assert_int_equal(gpa_prefetch(space, 0, PAGE_SIZE), STATUS_NOT_FOUND);
	assert_int_equal(gpa_prefetch(space, 0, 2 * PAGE_SIZE), STATUS_NOT_FOUND);
	assert_int_equal(gpa_prefetch(space, 3 * PAGE_SIZE, 2 * PAGE_SIZE), STATUS_NOT_FOUND);
	assert_int_equal(gpa_prefetch(space, 0, 0), STATUS_INVALID_ARGUMENT);
	assert_int_equal(gpa_prefetch(space, 1, PAGE_SIZE), STATUS_MISALIGNED);
	assert_int_equal(gpa_prefetch(space, BIT(40), PAGE_SIZE), STATUS_INVALID_ADDRESS);
	assert_int_equal(gpa_prefetch(space, PAGE_SIZE, 0ull - PAGE_SIZE), STATUS_INVALID_ADDRESS);
}

static void test_a_pin_lies_in_one_mapping(void **state)
{
	hpa_t hpa = 0;

	(void)state;
	space->pinned_memory = true;
	assert_int_equal(gpa_map(space, 0, MIB(4), 4 * PAGE_SIZE, 0), STATUS_OK);
	assert_int_equal(gpa_map(space, 4 * PAGE_SIZE, MIB(6), PAGE_SIZE, 0), STATUS_OK);
	assert_int_equal(gpa_pin(space, PAGE_SIZE, 2 * PAGE_SIZE, &hpa), STATUS_OK);
	assert_int_equal(hpa, MIB(4) + PAGE_SIZE);
	assert_int_equal(pinned_base, hpa);
	assert_int_equal(pinned_size, 2 * PAGE_SIZE);
	assert_int_equal(gpa_pin(space, 3 * PAGE_SIZE, 2 * PAGE_SIZE, &hpa), STATUS_NOT_FOUND);
	assert_int_equal(gpa_pin(space, 5 * PAGE_SIZE, PAGE_SIZE, &hpa), STATUS_NOT_FOUND);
	assert_int_equal(gpa_pin(space, 0, 100, &hpa), STATUS_MISALIGNED);
	space->pinned_memory = false;
}

/* The count of pages that were written among the first 512, and what the bits say of one. */
static unsigned int dirty_count(bool clear, unsigned int page, bool *is)
{
	uint64_t bits[8] = {0};
	unsigned int count = 0;

	assert_int_equal(gpa_dirty_get(space, 0, MIB(2), clear, bits), STATUS_OK);
	for (unsigned int i = 0; i < 512; i++)
		count += bits[i / 64] >> i % 64 & 1;
	*is = bits[page / 64] >> page % 64 & 1;
	return count;
}

static void test_dirty_pages_by_faults(void **state)
{
	bool is;

	(void)state;
	assert_int_equal(gpa_map(space, 0, MIB(4), MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_false(gpa_dirty_fault(space, 0));
	assert_int_equal(gpa_dirty_start(space, 0, MIB(2)), STATUS_OK);
	assert_int_equal(dirty_count(false, 0, &is), 0);
	assert_true(gpa_dirty_fault(space, 7 * PAGE_SIZE + 5));
	assert_true(gpa_dirty_fault(space, 7 * PAGE_SIZE)); /* another CPU's */
	assert_false(gpa_dirty_fault(space, MIB(2)));
	assert_int_equal(dirty_count(false, 7, &is), 1);
	assert_true(is);
	assert_int_equal(dirty_count(true, 7, &is), 1);
	assert_int_equal(dirty_count(true, 7, &is), 0);
	assert_int_equal(gpa_dirty_mark(space, 9 * PAGE_SIZE, 3 * PAGE_SIZE), STATUS_OK);
	assert_int_equal(dirty_count(false, 11, &is), 3);
	assert_true(is);
	assert_int_equal(gpa_dirty_stop(space, 0, MIB(2)), STATUS_OK);
	assert_int_equal(dirty_count(false, 0, &is), 0);
	assert_false(gpa_dirty_fault(space, 0));
	assert_int_equal(gpa_unmap(space, 0, MIB(2)), STATUS_OK);
}

static void test_dirty_without_memory_is_the_large_page(void **state)
{
	uint64_t bits[8] = {0};
	void *taken;
	bool is;

	(void)state;
	assert_int_equal(gpa_map(space, 0, MIB(4), MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_dirty_start(space, 0, MIB(2)), STATUS_OK);
	taken = heap_drain(0);
	assert_true(gpa_dirty_fault(space, 7 * PAGE_SIZE));
	assert_int_equal(dirty_count(false, 0, &is), 512);
	/* A part of it cannot be made clean then, and nothing is. */
	assert_int_equal(gpa_dirty_get(space, 0, PAGE_SIZE, true, bits), STATUS_NO_MEMORY);
	assert_int_equal(dirty_count(true, 0, &is), 512);
	assert_int_equal(dirty_count(true, 0, &is), 0);
	page_list_free(&heap, taken);
}

static unsigned int pieces;

static void piece_count(void)
{
	assert_int_equal(space->lock.next, space->lock.serving); /* nobody has it */
	pieces++;
}

/* What a call could not tell is dirty again: of several mappings, with holes and others between them. */
static void test_dirty_pages_again(void **state)
{
	static uint64_t bits[DIRTY_SIZE_MAX / PAGE_SIZE / 64], again[ARRAY_SIZE(bits)];

	(void)state;
	memset(bits, 0, sizeof(bits));
	memset(again, 0, sizeof(again));
	assert_int_equal(gpa_map(space, 0, MIB(4), 3 * PAGE_SIZE, GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_map(space, 4 * PAGE_SIZE, MIB(4), PAGE_SIZE, 0), STATUS_OK);
	assert_int_equal(gpa_map(space, MIB(6), MIB(4), MIB(2), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_dirty_start(space, 0, DIRTY_SIZE_MAX), STATUS_OK);
	assert_true(gpa_dirty_fault(space, 2 * PAGE_SIZE));
	assert_true(gpa_dirty_fault(space, MIB(6)));
	assert_true(gpa_dirty_fault(space, MIB(8) - 1));
	assert_int_equal(gpa_dirty_get(space, 0, DIRTY_SIZE_MAX, true, bits), STATUS_OK);
	assert_int_equal(gpa_dirty_get(space, 0, DIRTY_SIZE_MAX, true, again), STATUS_OK);
	assert_int_equal(again[0], 0);
	bits[0] |= BIT(3) | BIT(4); /* not tracked */
	pieces = 0;
	meanwhile = piece_count;
	gpa_dirty_restore(space, 0, DIRTY_SIZE_MAX, bits);
	meanwhile = NULL;
	assert_true(pieces >= 32);
	bits[0] = BIT(2);
	assert_int_equal(gpa_dirty_get(space, 0, DIRTY_SIZE_MAX, true, again), STATUS_OK);
	assert_memory_equal(bits, again, sizeof(bits));
}

static void test_dirty_tracking_is_of_whole_mappings_that_are_writable(void **state)
{
	uint64_t bits[512] = {0};
	bool is;

	(void)state;
	assert_int_equal(gpa_map(space, 0, MIB(4), MIB(1), 0), STATUS_OK);
	assert_int_equal(gpa_map(space, MIB(1), MIB(5), MIB(1), GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_dirty_start(space, PAGE_SIZE, MIB(1)), STATUS_INVALID_ARGUMENT);
	assert_int_equal(gpa_dirty_start(space, 0, 0), STATUS_INVALID_ARGUMENT);
	assert_int_equal(gpa_dirty_start(space, 0, MIB(2)), STATUS_OK);
	assert_false(gpa_dirty_fault(space, 0));
	assert_true(gpa_dirty_fault(space, MIB(1)));
	assert_int_equal(dirty_count(false, 256, &is), 1);
	assert_true(is);
	assert_int_equal(gpa_dirty_get(space, 0, DIRTY_SIZE_MAX + PAGE_SIZE, false, bits),
			 STATUS_TOO_LARGE);
	assert_int_equal(gpa_dirty_mark(space, 0, DIRTY_SIZE_MAX + PAGE_SIZE), STATUS_TOO_LARGE);
	assert_int_equal(gpa_dirty_get(space, 0, DIRTY_SIZE_MAX, true, bits), STATUS_OK);
	assert_int_equal(gpa_dirty_mark(space, 8, PAGE_SIZE), STATUS_MISALIGNED);
}

#define BIG MIB(64) /* of small pages */

/* What is half there is in nobody's way but those who want its place. */
static void others_try(void)
{
	void (*again)(void) = meanwhile;
	status_t status;
	hpa_t hpa;

	meanwhile = NULL;
	status = gpa_map(space, BIG - PAGE_SIZE, MIB(4), PAGE_SIZE, 0);
	if (status == STATUS_OVERLAP)
		overlaps++;
	else /* the last piece of an unmap gives back what the range has cost */
		assert_int_equal(gpa_unmap(space, BIG - PAGE_SIZE, PAGE_SIZE), STATUS_OK);
	assert_int_equal(gpa_prefetch(space, 0, PAGE_SIZE), STATUS_NOT_FOUND);
	assert_int_equal(gpa_pin(space, 0, PAGE_SIZE, &hpa), STATUS_NOT_FOUND);
	assert_int_equal(gpa_unmap(space, 0, BIG), STATUS_OK);
	assert_int_equal(gpa_dirty_start(space, 0, BIG), STATUS_OK);
	assert_int_equal(gpa_map(space, BIG, MIB(4), PAGE_SIZE, 0), STATUS_OK);
	assert_int_equal(gpa_unmap(space, BIG, PAGE_SIZE), STATUS_OK);
	meanwhile = again;
}

static void test_long_calls_are_cut(void **state)
{
	struct page_translation t;

	(void)state;
	overlaps = 0;
	meanwhile = others_try;
	assert_int_equal(gpa_map(space, 0, MIB(4) + PAGE_SIZE, BIG, GPA_WRITABLE), STATUS_OK);
	assert_int_equal(overlaps, BIG / PAGE_SIZE / 4096 - 1);
	assert_true(page_table_lookup(&space->table, BIG - 1, &t) && t.flags & PAGE_WRITE);
	overlaps = 0;
	assert_int_equal(gpa_unmap(space, 0, BIG), STATUS_OK);
	assert_true(overlaps >= BIG / PAGE_SIZE / 4096);
	assert_false(gpa_is_mapped(space, 0));
	meanwhile = NULL;
	assert_int_equal(gpa_map(space, BIG - PAGE_SIZE, MIB(4), PAGE_SIZE, 0), STATUS_OK);
}

static void test_a_long_map_without_memory_costs_nothing(void **state)
{
	void *taken = heap_drain(20);
	uint64_t free = heap.pages_free;

	(void)state;
	assert_int_equal(gpa_map(space, 0, MIB(4) + PAGE_SIZE, BIG, GPA_WRITABLE),
			 STATUS_NO_MEMORY);
	assert_int_equal(heap.pages_free, free);
	assert_null(space->ranges);
	page_list_free(&heap, taken);
}

/* What a guest and another thread do while tracking ends. */
static void writes_and_clears(void)
{
	static uint64_t bits[DIRTY_SIZE_MAX / PAGE_SIZE / 64];
	void (*again)(void) = meanwhile;

	piece_count();
	meanwhile = NULL;
	assert_true(gpa_dirty_fault(space, BIG - PAGE_SIZE));
	assert_true(gpa_dirty_fault(space, 0));
	assert_int_equal(gpa_dirty_get(space, 0, BIG, true, bits), STATUS_OK);
	meanwhile = again;
}

static void test_long_tracking_is_cut(void **state)
{
	struct page_translation t;
	gpa_t page;

	(void)state;
	assert_int_equal(gpa_map(space, 0, MIB(4) + PAGE_SIZE, BIG, GPA_WRITABLE), STATUS_OK);
	/* Large pages stay, and a mapping without a right to write. */
	assert_int_equal(gpa_map(space, BIG, 0, BIG, GPA_WRITABLE), STATUS_OK);
	assert_int_equal(gpa_map(space, 2 * BIG, 0, BIG, 0), STATUS_OK);
	pieces = 0;
	meanwhile = piece_count;
	assert_int_equal(gpa_dirty_start(space, 0, 4 * BIG), STATUS_OK);
	assert_true(pieces >= BIG / PAGE_SIZE / 1024);
	for (page = 0; page < 3 * BIG; page += t.page_size) {
		assert_true(page_table_lookup(&space->table, page, &t));
		assert_false(t.flags & PAGE_WRITE);
		assert_int_equal(t.page_size, page < BIG ? PAGE_SIZE : MIB(2));
	}
	pieces = 0;
	meanwhile = writes_and_clears;
	assert_int_equal(gpa_dirty_stop(space, 0, 4 * BIG), STATUS_OK);
	assert_true(pieces >= BIG / PAGE_SIZE / 1024);
	meanwhile = NULL;
	for (page = 0; page < 3 * BIG; page += t.page_size) {
		assert_true(page_table_lookup(&space->table, page, &t));
		assert_int_equal(!!(t.flags & PAGE_WRITE), page < 2 * BIG);
	}
	assert_false(gpa_dirty_fault(space, 0));
	/* It can begin again. */
	assert_int_equal(gpa_dirty_start(space, 0, 4 * BIG), STATUS_OK);
	assert_true(page_table_lookup(&space->table, 0, &t) && !(t.flags & PAGE_WRITE));
	assert_true(gpa_dirty_fault(space, 0));
}

/* In pieces of any size, the same is mapped and taken away. */
static void test_pieces(void **state)
{
	struct page_table *table = &space->table;
	uint64_t size = MIB(6) + 5 * PAGE_SIZE, done, part, pages = heap.pages_free;

	(void)state;
	for (uint64_t budget = 1; budget < 3000; budget = budget * 3 + 1) {
		for (done = 0; done < size; done += part) {
			assert_int_equal(page_table_map_part(table, MIB(2) + done, MIB(4) + done,
							     size - done, PAGE_READ, budget, &part),
					 STATUS_OK);
			assert_true(part != 0 && part <= MAX(budget * MIB(2), size));
		}
		assert_true(gpa_is_mapped(space, MIB(2)));
		assert_true(gpa_is_mapped(space, MIB(2) + size - 1));
		assert_false(gpa_is_mapped(space, MIB(2) + size));
		for (done = 0; done < size; done += part) {
			part = page_table_unmap_part(table, MIB(2) + done, size - done, budget);
			assert_true(part != 0);
		}
		page_table_reap(table);
		assert_int_equal(heap.pages_free, pages);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_map_without_memory_costs_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unmap_gives_back_and_flushes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prefetch_wants_all_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_pin_lies_in_one_mapping, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dirty_pages_by_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dirty_without_memory_is_the_large_page, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_dirty_pages_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_dirty_tracking_is_of_whole_mappings_that_are_writable, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_tracking_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_calls_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_long_map_without_memory_costs_nothing, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
