/* SPDX-License-Identifier: MIT */
/*
 * The kernel heap, the owners of RAM and user copies on the real machine.
 */
#include <kernel/arch.h>
#include <kernel/memory.h>
#include <kernel/selftest.h>
#include <kernel/string.h>

static bool is_clear(const uint64_t *words, size_t size)
{
	for (size_t i = 0; i < size / sizeof(*words); i++)
		if (words[i] != 0)
			return false;
	return true;
}

SELFTEST(memory_pages_come_zeroed)
{
	uint64_t free = kernel_heap.pages_free;

	for (unsigned int order = 0; order < 4; order++) {
		uint64_t *pages = page_alloc(&kernel_heap, order);

		CHECK(pages != NULL);
		CHECK(IS_ALIGNED((uintptr_t)pages, PAGE_SIZE << order));
		CHECK(is_clear(pages, PAGE_SIZE << order));
		CHECK(hpa_to_kva(kva_to_hpa(pages)) == pages);
		memset(pages, 0x5a, PAGE_SIZE << order);
		page_free(&kernel_heap, pages, order);
	}
	CHECK(kernel_heap.pages_free == free);
}

SELFTEST(memory_objects)
{
	uint64_t free = kernel_heap.pages_free;
	void *objects[64];

	for (unsigned int i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = heap_alloc(&kernel_heap, 96);
		CHECK(objects[i] != NULL && is_clear(objects[i], 96));
		memset(objects[i], 0xff, 96);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(objects); i++)
		heap_free(&kernel_heap, objects[i], 96);
	CHECK(kernel_heap.pages_free == free);
}

/* A block makes the round from the root task to a deposit and back. */
SELFTEST(memory_deposit)
{
	struct memory_range piece;
	struct heap heap = {0};
	hpa_t cursor = 0, block = 0;

	while (block == 0 && memory_map_next(&cursor, &piece)) {
		hpa_t aligned = ALIGN_UP(piece.base, LARGE_PAGE_SIZE);

		if (block_owner_get(aligned) == BLOCK_TASK)
			block = aligned;
	}
	CHECK(block != 0);
	CHECK(blocks_pin(block, PAGE_SIZE) == STATUS_OK);
	CHECK(block_deposit(block) == STATUS_BUSY);
	blocks_unpin(block, PAGE_SIZE);
	CHECK(block_deposit(block) == STATUS_OK);
	CHECK(blocks_check(block, PAGE_SIZE) == STATUS_INVALID_ADDRESS);
	heap_add_block(&heap, block);
	CHECK(page_alloc(&heap, HEAP_MAX_ORDER) != NULL);
	page_free(&heap, (char *)hpa_to_kva(block) + MIB(1), HEAP_MAX_ORDER);
	CHECK(heap_remove_block(&heap, &block) == STATUS_OK);
	CHECK(is_clear(hpa_to_kva(block), LARGE_PAGE_SIZE));
	block_return(block);
	CHECK(block_owner_get(block) == BLOCK_TASK);
}

SELFTEST(memory_user_copy_refuses)
{
	static const uint64_t bad[] = {0x1000, 0x7ffffffff000, 0x800000000000, UINT64_MAX - 3};
	uint64_t word = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK(user_copy_in(&word, bad[i], sizeof(word)) == STATUS_INVALID_ADDRESS);
		CHECK(user_copy_out(bad[i], &word, sizeof(word)) == STATUS_INVALID_ADDRESS);
	}
	CHECK(user_copy_in(&word, (uintptr_t)&word, 8) == STATUS_INVALID_ADDRESS);
	CHECK(user_copy_out((uintptr_t)&word, &word, 8) == STATUS_INVALID_ADDRESS);
	CHECK(user_copy_in(&word, 0x1000, UINT64_MAX) == STATUS_INVALID_ADDRESS);
}
