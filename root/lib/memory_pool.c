/* SPDX-License-Identifier: MIT */
/*
 * Pools of pages: see <lib/memory.h>. Pure. There are few extents (a machine has a handful of RAM
 * ranges, a root task few large allocations), so walking their list is cheap.
 */
#include <lib/memory.h>

struct extent {
	struct extent *next; /* at a higher address, not touching this one */
	uint64_t size;
};

static inline uintptr_t extent_start(const struct extent *extent)
{
	return (uintptr_t)extent;
}

static inline uintptr_t extent_end(const struct extent *extent)
{
	return (uintptr_t)extent + extent->size;
}

/* Where an allocation would start in the extent; 0 if it has no place there. */
static uintptr_t extent_fit(const struct extent *extent, uint64_t size, uint64_t align)
{
	uintptr_t start = ALIGN_UP(extent_start(extent), align);

	if (start < extent_start(extent) || start >= extent_end(extent))
		return 0;
	return extent_end(extent) - start >= size ? start : 0;
}

/* Enters a range between previous and its successor (previous NULL: at the front), and joins. */
static void extent_insert(struct memory_pool *pool, struct extent *previous, uintptr_t base,
			  uint64_t size)
{
	struct extent *next = previous ? previous->next : pool->first;
	struct extent *extent = (struct extent *)base;

	if (previous && extent_end(previous) == base) {
		previous->size += size;
		extent = previous;
	} else {
		extent->size = size;
		extent->next = next;
		if (previous)
			previous->next = extent;
		else
			pool->first = extent;
	}
	if (next && extent_end(extent) == extent_start(next)) {
		extent->size += next->size;
		extent->next = next->next;
	}
}

/* The extent before an address, NULL if there is none. */
static struct extent *extent_before(const struct memory_pool *pool, uintptr_t address)
{
	struct extent *previous = NULL;

	for (struct extent *e = pool->first; e && extent_start(e) < address; e = e->next)
		previous = e;
	return previous;
}

void memory_pool_free(struct memory_pool *pool, void *base, uint64_t size)
{
	if (size == 0)
		return;
	extent_insert(pool, extent_before(pool, (uintptr_t)base), (uintptr_t)base, size);
	pool->free += size;
}

void memory_pool_add(struct memory_pool *pool, void *base, uint64_t size)
{
	memory_pool_free(pool, base, size);
	pool->total += size;
}

void *memory_pool_allocate(struct memory_pool *pool, uint64_t size, uint64_t align)
{
	struct extent *best = NULL, *best_previous = NULL, *previous = NULL;
	uintptr_t start, end;

	if (size == 0)
		return NULL;
	for (struct extent *e = pool->first; e; previous = e, e = e->next) {
		if (extent_fit(e, size, align) && (!best || e->size < best->size)) {
			best = e;
			best_previous = previous;
		}
	}
	if (!best)
		return NULL;
	start = extent_fit(best, size, align);
	end = extent_end(best);
	/* What stands before it stays where it is; what follows becomes an extent. */
	if (start == extent_start(best)) {
		if (best_previous)
			best_previous->next = best->next;
		else
			pool->first = best->next;
	} else {
		best->size = start - extent_start(best);
		best_previous = best;
	}
	if (start + size < end)
		extent_insert(pool, best_previous, start + size, end - (start + size));
	pool->free -= size;
	return (void *)start;
}

uint64_t memory_pool_largest(const struct memory_pool *pool, uint64_t align)
{
	uint64_t largest = 0;

	for (const struct extent *e = pool->first; e; e = e->next) {
		uintptr_t start = extent_fit(e, 1, align);

		if (start)
			largest = MAX(largest, extent_end(e) - start);
	}
	return ALIGN_DOWN(largest, PAGE_SIZE);
}
