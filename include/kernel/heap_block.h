/* SPDX-License-Identifier: MIT */
/*
 * How a heap describes its blocks: shared by kernel/heap.c (pages) and kernel/slab.c (objects),
 * and by nobody else.
 */
#ifndef KERNEL_HEAP_BLOCK_H
#define KERNEL_HEAP_BLOCK_H

#include <kernel/memory.h>

#define HEAP_BLOCK_PAGES 512u

enum page_kind {
	PAGE_KIND_INNER = 0, /* of a run that begins at a lower page; or of the header */
	PAGE_KIND_FREE,	     /* begins a free run */
	PAGE_KIND_USED,	     /* begins an allocated run */
	PAGE_KIND_SLAB,	     /* one page of small objects */
};

struct page_info {
	struct page_info *next, *previous; /* in heap.free or heap.partial; the owner's link */
	uint16_t used;			   /* slab: slots in use */
	uint16_t free;			   /* slab: first free slot + 1; 0: none */
	uint8_t kind;			   /* enum page_kind */
	uint8_t order;			   /* of the run; slab: the class */
};

/* The first page is the header's own, and so is the place of its description. */
struct heap_block {
	union {
		struct {
			struct heap_block *next;
			uint64_t free_pages;
		};
		struct page_info pages[HEAP_BLOCK_PAGES];
	};
};
static_assert(offsetof(struct page_info, kind) >= 16, "the first page stays PAGE_KIND_INNER");

#define HEAP_BLOCK_HEADER_PAGES \
	((unsigned int)((sizeof(struct heap_block) + PAGE_SIZE - 1) / PAGE_SIZE))

static inline struct heap_block *heap_block_of(const void *address)
{
	return (struct heap_block *)ALIGN_DOWN((uintptr_t)address, LARGE_PAGE_SIZE);
}

static inline struct page_info *page_info_of(const void *address)
{
	uintptr_t offset = (uintptr_t)address & (LARGE_PAGE_SIZE - 1);

	return &heap_block_of(address)->pages[offset >> PAGE_SHIFT];
}

void *page_info_address(const struct page_info *info);
void page_info_push(struct page_info **list, struct page_info *info);
void page_info_remove(struct page_info **list, struct page_info *info);
/* As page_alloc() and page_free(), with heap->lock held and nothing cleared. */
struct page_info *heap_take_locked(struct heap *heap, unsigned int order);
void heap_give_locked(struct heap *heap, struct page_info *info, unsigned int order);

#endif
