/* SPDX-License-Identifier: MIT */
/*
 * Physical memory. All RAM is counted in blocks of 2 MiB, each with an owner. The kernel's own
 * memory comes from heaps: a heap is a set of blocks, cut into pages by a buddy allocator and
 * into small objects by slabs. The kernel has one heap, sized at boot; each partition has one of
 * its own, made of the blocks that were deposited to it.
 *
 * Pages and objects come zeroed. Out of memory is NULL, never a panic. A heap may be used from
 * any CPU; it has a lock of its own.
 */
#ifndef KERNEL_MEMORY_H
#define KERNEL_MEMORY_H

#include <kernel/boot.h>
#include <kernel/lock.h>
#include <trivet/status.h>
#include <trivet/types.h>

#define HEAP_MAX_ORDER 8 /* 1 MiB: the other half of a block holds what describes it */
#define SLAB_CLASSES   8 /* 32, 64, ... 2048, 4096 bytes */

struct page_info;
struct heap_block;

struct heap {
	struct spinlock lock;
	struct page_info *free[HEAP_MAX_ORDER + 1];
	struct page_info *partial[SLAB_CLASSES]; /* slab pages with a free slot */
	uint64_t pages_total;
	uint64_t pages_free;	   /* in the buddy lists; pages with slabs count as used */
	struct heap_block *blocks; /* the 2 MiB blocks that make it up */
};

extern struct heap kernel_heap;

/* 2^order contiguous pages, aligned to their size, zeroed; NULL when there are none. */
void *page_alloc(struct heap *heap, unsigned int order);
void page_free(struct heap *heap, void *pages, unsigned int order);

/* An allocated page has room for one link, which is not in the page itself: so tables that
 * hardware may still walk can be listed. The owner of the page is the owner of the link. */
void page_list_push(void **list, void *page);
void *page_list_pop(void **list);		    /* NULL: the list is empty */
void page_list_free(struct heap *heap, void *list); /* single pages of that heap */

/* Up to 4096 bytes, aligned to the next power of two of size; zeroed. */
void *heap_alloc(struct heap *heap, size_t size);
void heap_free(struct heap *heap, void *object, size_t size);

/* Adds a 2 MiB block of RAM, not touched by anybody else from now on. */
void heap_add_block(struct heap *heap, hpa_t block);
/* Takes a wholly free block out, cleared of what the kernel kept in it. NOT_FOUND: none is free. */
status_t heap_remove_block(struct heap *heap, hpa_t *block);

/* ---- blocks of RAM ---- */

enum block_owner {
	BLOCK_NONE = 0,	  /* not RAM, or RAM in part only and nobody's */
	BLOCK_KERNEL = 1, /* the kernel image, the kernel heap, tables of the firmware */
	BLOCK_TASK = 2,	  /* the root task's, stands in its window */
	BLOCK_DEPOSITED = 3,
	BLOCK_TASK_PART = 4, /* some pages of it are the root task's; never deposited */
};

/* Boot: takes the map of the machine's memory, reserves kmem bytes for the kernel heap (0: a
 * size that fits the machine). NO_MEMORY, with a message, when there is too little RAM. */
status_t memory_init(uint64_t kernel_bytes) __must_check;
enum block_owner block_owner_get(hpa_t hpa);

/* Boot, before the root task runs: takes contiguous RAM away from what will be the root task's.
 * size in bytes, a multiple of the page size; align a power of two. NO_MEMORY. The memory is as
 * the firmware left it. `kind` is what memory_map_next() says of it. */
status_t memory_reserve(uint64_t size, uint64_t align, uint32_t kind, hpa_t *hpa) __must_check;

/* The same for the root task's image; the owners of the blocks follow. */
status_t memory_reserve_root(uint64_t size, hpa_t *hpa) __must_check;

/* What memory_map_next() tells besides enum boot_memory_kind. */
#define MEMORY_USE_KERNEL 0u

/* Walks all RAM in ascending order, cut by use (enum boot_memory_kind or MEMORY_USE_KERNEL).
 * *cursor starts as 0. False: there is no more. */
bool memory_map_next(hpa_t *cursor, struct memory_range *range);

/* All of [base, base + size) is the root task's RAM: INVALID_ADDRESS otherwise. */
status_t blocks_check(hpa_t base, uint64_t size) __must_check;
/* The same, and counts one more use on each block that it touches, so that none can be
 * deposited. INVALID_ADDRESS, or BUSY when a count would overflow, with nothing changed. */
status_t blocks_pin(hpa_t base, uint64_t size) __must_check;
void blocks_unpin(hpa_t base, uint64_t size);

/* One whole block passes from the task to a deposit and back. BUSY while it is pinned. */
status_t block_deposit(hpa_t block) __must_check;
void block_return(hpa_t block);

#endif
