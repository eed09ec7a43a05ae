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

void blocks_unpin(hpa_t base, uint64_t size)
{
	(void)base;
	(void)size;
	unpinned++;
}

void cpu_wait(struct cpu *self)
{
	(void)self;
	fail();
}

static int setup(void **state)
{
	(void)state;
	fake_ram_init(MIB(8));
	test_heap_init(&heap, MIB(2), 1);
	memset(&partition, 0, sizeof(partition));
	partition.heap = &heap;
	partition.arch.physical_bits = 40;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_map_without_memory_costs_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unmap_gives_back_and_flushes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
