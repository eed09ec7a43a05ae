/* SPDX-License-Identifier: MIT */
/*
 * The root task's memory by pages: what the kernel has left to it, for guests' RAM, deposits,
 * stacks, and the heap of small things. A pool is a sorted list of free extents, each written
 * into its own first bytes; neighbours are joined when memory comes back.
 *
 * Memory is given out as it is. Whoever held a guest's secrets in it clears it before it is
 * given back (memory_free_scrubbed()).
 */
#ifndef LIB_MEMORY_H
#define LIB_MEMORY_H

#include <trivet/abi.h>

struct extent; /* a free range */

/* Not locked; the functions below that name no pool use one pool with a lock. */
struct memory_pool {
	struct extent *first;
	uint64_t free;	/* bytes */
	uint64_t total; /* bytes ever added */
};

/* Adds [base, base+size), page aligned, to the pool's memory for the first time. */
void memory_pool_add(struct memory_pool *pool, void *base, uint64_t size);
/*
 * size bytes (whole pages) aligned to align (a power of two, at least a page); NULL when no extent
 * holds them. Small ones come from the smallest extent that does, so that large ones last.
 */
void *memory_pool_allocate(struct memory_pool *pool, uint64_t size, uint64_t align);
/* Gives back all of an allocation or a part of it, in whole pages. */
void memory_pool_free(struct memory_pool *pool, void *base, uint64_t size);
/* Bytes of the largest allocation with that alignment that would succeed. */
uint64_t memory_pool_largest(const struct memory_pool *pool, uint64_t align);

/* Takes what the boot information says is free. Before any other call. */
void memory_init(const struct boot_info *info);
void *memory_allocate(uint64_t size, uint64_t align);
/*
 * As much as there is in one piece, but at most *size; both multiples of align. *size is what was
 * got. NULL when there is nothing.
 */
void *memory_allocate_some(uint64_t *size, uint64_t align);
void memory_free(void *base, uint64_t size);
/* The same after filling it with zeros. */
void memory_free_scrubbed(void *base, uint64_t size);
/* Bytes free and in all. */
void memory_totals(uint64_t *free, uint64_t *total);
/* [base, base+size) was lost to the root task, and is not counted any more. */
void memory_forget(uint64_t size);

#endif
