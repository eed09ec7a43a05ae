/* SPDX-License-Identifier: MIT */
/*
 * Blocks of a heap. Each block, free or not, starts with a header; the free ones are in a list by
 * address, so that a block that comes back finds its neighbours. Chunks of small blocks stay with
 * the heap for ever.
 */
#include <lib/heap.h>

struct heap_block {
	uint64_t size; /* with this header; multiple of HEAP_ALIGNMENT */
	/* While it is free: the next free one. In use: the block itself if it has its own pages,
	 * else NULL. */
	struct heap_block *next;
};

static_assert(sizeof(struct heap_block) == HEAP_ALIGNMENT, "what follows is aligned");

static inline struct heap_block *block_after(struct heap_block *block)
{
	return (struct heap_block *)((uint8_t *)block + block->size);
}

static void block_insert(struct heap *heap, struct heap_block *block)
{
	struct heap_block *previous = NULL, *next = heap->free;

	while (next && next < block) {
		previous = next;
		next = next->next;
	}
	block->next = next;
	if (next && block_after(block) == next) {
		block->size += next->size;
		block->next = next->next;
	}
	if (!previous) {
		heap->free = block;
	} else if (block_after(previous) == block) {
		previous->size += block->size;
		previous->next = block->next;
	} else {
		previous->next = block;
	}
}

/* Takes `size` bytes out of the first free block that has them. */
static struct heap_block *block_take(struct heap *heap, uint64_t size)
{
	struct heap_block **link = &heap->free;

	while (*link && (*link)->size < size)
		link = &(*link)->next;
	struct heap_block *block = *link;

	if (!block)
		return NULL;
	if (block->size - size >= 2 * sizeof(*block)) {
		struct heap_block *rest = (struct heap_block *)((uint8_t *)block + size);

		rest->size = block->size - size;
		rest->next = block->next;
		*link = rest;
		block->size = size;
	} else {
		*link = block->next;
	}
	block->next = NULL;
	return block;
}

static struct heap_block *block_get_small(struct heap *heap, uint64_t size)
{
	struct heap_block *block = block_take(heap, size);

	if (block)
		return block;
	block = heap->pages_get(HEAP_CHUNK);
	if (!block)
		return NULL;
	block->size = HEAP_CHUNK;
	block_insert(heap, block);
	return block_take(heap, size);
}

static struct heap_block *block_get_large(struct heap *heap, uint64_t size)
{
	uint64_t pages = ALIGN_UP(size, PAGE_SIZE);
	struct heap_block *block = heap->pages_get(pages);

	if (!block)
		return NULL;
	block->size = pages;
	block->next = block;
	return block;
}

void *heap_allocate(struct heap *heap, size_t size)
{
	struct heap_block *block;
	uint64_t gross;

	if (size > SIZE_MAX / 2)
		return NULL;
	gross = ALIGN_UP((uint64_t)size + sizeof(*block), HEAP_ALIGNMENT);
	gross = MAX(gross, 2 * sizeof(*block));
	block = gross >= HEAP_LARGE ? block_get_large(heap, gross) : block_get_small(heap, gross);
	if (!block)
		return NULL;
	heap->used += block->size;
	return block + 1;
}

void heap_free(struct heap *heap, void *pointer)
{
	struct heap_block *block;

	if (!pointer)
		return;
	block = (struct heap_block *)pointer - 1;
	heap->used -= block->size;
	if (block->next == block)
		heap->pages_put(block, block->size);
	else
		block_insert(heap, block);
}

size_t heap_size(const void *pointer)
{
	return ((const struct heap_block *)pointer - 1)->size - sizeof(struct heap_block);
}
