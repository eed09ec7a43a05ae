/* SPDX-License-Identifier: MIT */
/*
 * Owners of RAM, heaps and slabs: kernel/memory.c, kernel/heap.c, kernel/slab.c.
 */
#include "machine_memory.h"

#define RAM_SIZE MIB(64)

static struct memory_range ranges[8];
struct boot_source boot_source;

static void map_set(const struct memory_range *map, uint32_t count)
{
	memcpy(ranges, map, count * sizeof(*map));
	boot_source = (struct boot_source){.command_line = "",
					   .bundle_base = MIB(6) + 0x3000,
					   .bundle_size = MIB(3) + 0x123,
					   .kernel_base = MIB(2),
					   .kernel_size = 0x45678,
					   .memory = ranges,
					   .memory_count = count};
}

static int setup(void **state)
{
	static const struct memory_range map[] = {
		{0, 0x9f000, MEMORY_RAM},
		{0x9f000, 0x61000, MEMORY_RESERVED},
		{MIB(1), MIB(39) + 0x7000, MEMORY_RAM},
		{MIB(41), 0x1000, MEMORY_ACPI},
		{MIB(44), MIB(20), MEMORY_RAM},
	};

	(void)state;
	fake_ram_init(RAM_SIZE);
	map_set(map, ARRAY_SIZE(map));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_ram_destroy();
	return 0;
}

static void test_init(void **state)
{
	struct memory_range piece;
	hpa_t cursor = 0, last = 0, root;
	uint64_t sizes[4] = {0};

	(void)state;
	assert_int_equal(memory_init(0), STATUS_OK);
	assert_int_equal(kernel_heap.pages_total, 2048);
	assert_int_equal(memory_reserve_root(0x5000, &root), STATUS_OK);
	while (memory_map_next(&cursor, &piece)) {
		assert_true(piece.base >= last && piece.size != 0);
		assert_true(IS_ALIGNED(piece.base | piece.size, PAGE_SIZE));
		last = piece.base + piece.size;
		sizes[piece.kind] += piece.size;
	}
	assert_int_equal(sizes[BOOT_MEMORY_BUNDLE], MIB(3) + 0x1000);
	assert_int_equal(sizes[BOOT_MEMORY_ROOT], 0x5000);
	assert_int_equal(sizes[MEMORY_USE_KERNEL], MIB(8) + 0x46000 + 0x1000);
	assert_int_equal(sizes[0] + sizes[1] + sizes[2] + sizes[3],
			 0x9f000 + MIB(39) + 0x7000 + MIB(20));
	assert_int_equal(block_owner_get(0), BLOCK_TASK_PART);
	assert_int_equal(block_owner_get(MIB(2)), BLOCK_TASK_PART);
	assert_int_equal(block_owner_get(MIB(4)), BLOCK_TASK);
	assert_int_equal(block_owner_get(MIB(40)), BLOCK_TASK_PART);
	assert_int_equal(block_owner_get(MIB(42)), BLOCK_NONE);
	assert_int_equal(block_owner_get(root), BLOCK_TASK_PART);
	assert_int_equal(block_owner_get(MIB(64)), BLOCK_NONE);
	assert_int_equal(block_owner_get(UINT64_MAX), BLOCK_NONE);
}

static void test_too_little(void **state)
{
	static const struct memory_range small[] = {{MIB(1), MIB(12), MEMORY_RAM}};

	(void)state;
	assert_int_equal(memory_init(MIB(60)), STATUS_NO_MEMORY);
	assert_int_equal(memory_init(UINT64_MAX), STATUS_NO_MEMORY);
	map_set(small, 1);
	assert_int_equal(memory_init(0), STATUS_NO_MEMORY);
	map_set(small, 0);
	assert_int_equal(memory_init(0), STATUS_NO_MEMORY);
}

static void test_pins(void **state)
{
	(void)state;
	assert_int_equal(memory_init(0), STATUS_OK);
	assert_int_equal(blocks_pin(MIB(4), 0), STATUS_INVALID_ADDRESS);
	assert_int_equal(blocks_pin(MIB(4), UINT64_MAX), STATUS_INVALID_ADDRESS);
	assert_int_equal(blocks_pin(UINT64_MAX, 2), STATUS_INVALID_ADDRESS);
	assert_int_equal(blocks_pin(MIB(2), PAGE_SIZE), STATUS_INVALID_ADDRESS);
	assert_int_equal(blocks_pin(MIB(2) + 0x46000, PAGE_SIZE), STATUS_OK);
	assert_int_equal(blocks_pin(MIB(2) + 0x45000, 2 * PAGE_SIZE), STATUS_INVALID_ADDRESS);
	assert_int_equal(blocks_pin(0, PAGE_SIZE), STATUS_OK);
	assert_int_equal(blocks_pin(0x9e000, 2 * PAGE_SIZE), STATUS_INVALID_ADDRESS);
	/* The bundle lies in the window. */
	assert_int_equal(blocks_pin(MIB(4), MIB(6)), STATUS_OK);
	assert_int_equal(block_deposit(MIB(4)), STATUS_BUSY);
	assert_int_equal(block_deposit(MIB(4) + PAGE_SIZE), STATUS_MISALIGNED);
	assert_int_equal(block_deposit(MIB(2)), STATUS_INVALID_ADDRESS);
	assert_int_equal(block_deposit(MIB(64)), STATUS_INVALID_ADDRESS);
	blocks_unpin(MIB(4), MIB(6));
	assert_int_equal(block_deposit(MIB(4)), STATUS_OK);
	assert_int_equal(blocks_check(MIB(4), 1), STATUS_INVALID_ADDRESS);
	assert_int_equal(blocks_pin(MIB(2) + 0x46000, MIB(6)), STATUS_INVALID_ADDRESS);
	assert_int_equal(block_deposit(MIB(6)), STATUS_OK);
	block_return(MIB(6));
	block_return(MIB(4));
	assert_int_equal(blocks_check(MIB(4), MIB(4)), STATUS_OK);
}

static bool is_clear(const void *memory, size_t size)
{
	const uint8_t *bytes = memory;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static void test_buddy(void **state)
{
	struct {
		void *pages;
		unsigned int order;
	} held[200] = {0};
	struct heap heap;
	uint64_t seed = 1, at_start;

	(void)state;
	test_heap_init(&heap, MIB(8), 3);
	at_start = heap.pages_free;
	assert_null(page_alloc(&heap, HEAP_MAX_ORDER + 1));
	for (unsigned int round = 0; round < 20000; round++) {
		unsigned int i = test_random(&seed) % ARRAY_SIZE(held);

		if (held[i].pages != NULL) {
			uint32_t *words = held[i].pages;

			assert_int_equal(words[0], i);
			assert_int_equal(words[(PAGE_SIZE << held[i].order) / 4 - 1], i);
			page_free(&heap, held[i].pages, held[i].order);
			held[i].pages = NULL;
			continue;
		}
		held[i].order = test_random(&seed) % 6;
		held[i].pages = page_alloc(&heap, held[i].order);
		if (held[i].pages != NULL) {
			size_t size = PAGE_SIZE << held[i].order;
			uint32_t *words = held[i].pages;

			assert_true(IS_ALIGNED((uintptr_t)held[i].pages, size));
			assert_true(is_clear(words, MIN(size, 8192)));
			words[0] = words[size / 4 - 1] = i;
		}
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i].pages != NULL)
			page_free(&heap, held[i].pages, held[i].order);
	assert_int_equal(heap.pages_free, at_start);
	for (unsigned int i = 0; i < 3; i++) {
		hpa_t block;

		assert_int_equal(heap_remove_block(&heap, &block), STATUS_OK);
		assert_true(is_clear(hpa_to_kva(block), LARGE_PAGE_SIZE));
	}
	assert_int_equal(heap.pages_free, 0);
	assert_int_equal(heap.pages_total, 0);
	assert_null(page_alloc(&heap, 0));
}

static void test_remove_used(void **state)
{
	struct heap heap;
	hpa_t block;
	void *object;

	(void)state;
	test_heap_init(&heap, MIB(8), 1);
	object = heap_alloc(&heap, 100);
	assert_non_null(object);
	assert_int_equal(heap_remove_block(&heap, &block), STATUS_NOT_FOUND);
	heap_free(&heap, object, 100);
	assert_int_equal(heap_remove_block(&heap, &block), STATUS_OK);
	assert_int_equal(block, MIB(8));
	assert_int_equal(heap_remove_block(&heap, &block), STATUS_NOT_FOUND);
}

static void test_slab(void **state)
{
	struct {
		uint8_t *object;
		size_t size;
	} held[700] = {0};
	struct heap heap;
	uint64_t seed = 7, at_start;

	(void)state;
	test_heap_init(&heap, MIB(8), 1);
	at_start = heap.pages_free;
	assert_null(heap_alloc(&heap, PAGE_SIZE + 1));
	for (unsigned int round = 0; round < 50000; round++) {
		unsigned int i = test_random(&seed) % ARRAY_SIZE(held);
		size_t size = held[i].size;

		if (held[i].object != NULL) {
			assert_int_equal(held[i].object[0], i & 0xff);
			assert_int_equal(held[i].object[size - 1], i & 0xff);
			heap_free(&heap, held[i].object, size);
			held[i].object = NULL;
			continue;
		}
		size = 1 + test_random(&seed) % (round % 10 == 0 ? PAGE_SIZE : 300);
		held[i].size = size;
		held[i].object = heap_alloc(&heap, size);
		if (held[i].object != NULL) {
			assert_true(is_clear(held[i].object, size));
			assert_true(((uintptr_t)held[i].object & 31) == 0);
			if (size > 1024)
				assert_true(((uintptr_t)held[i].object & 2047) == 0);
			memset(held[i].object, (int)i, size);
		}
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i].object != NULL)
			heap_free(&heap, held[i].object, held[i].size);
	heap_free(&heap, NULL, 8);
	assert_int_equal(heap.pages_free, at_start);
}

static void test_page_list(void **state)
{
	struct heap heap;
	void *list = NULL, *pages[20];

	(void)state;
	test_heap_init(&heap, MIB(8), 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = page_alloc(&heap, 0);
		memset(pages[i], 0xff, PAGE_SIZE);
		page_list_push(&list, pages[i]);
	}
	for (unsigned int i = ARRAY_SIZE(pages); i-- > 5;)
		assert_ptr_equal(page_list_pop(&list), pages[i]);
	assert_int_equal(*(uint64_t *)pages[0], UINT64_MAX);
	for (unsigned int i = 5; i < ARRAY_SIZE(pages); i++)
		page_free(&heap, pages[i], 0);
	page_list_free(&heap, list);
	assert_int_equal(heap.pages_free, 2 * 509);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_init, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_little, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_buddy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove_used, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slab, setup, teardown),
		cmocka_unit_test_setup_teardown(test_page_list, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
