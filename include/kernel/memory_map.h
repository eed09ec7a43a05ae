/* SPDX-License-Identifier: MIT */
/*
 * Guest-physical address spaces. A space knows the ranges that were mapped (they are unmapped
 * whole), and holds the second-level table of the backend's format. Unmapping returns only after
 * no CPU can use the old translation.
 */
#ifndef KERNEL_MEMORY_MAP_H
#define KERNEL_MEMORY_MAP_H

#include <kernel/lock.h>
#include <kernel/page_table.h>
#include <trivet/abi.h>

struct partition;
struct gpa_range;
struct gpa_overlay;

struct gpa_space {
	struct spinlock lock; /* protects the table and the ranges */
	struct page_table table;
	struct gpa_range *ranges;	 /* sorted by gpa */
	struct gpa_overlay *overlays;	 /* kernel/overlay.c: so too, the one that shows first */
	_Atomic uint64_t tlb_generation; /* counted up when a translation goes away */
	struct partition *partition;
	bool pinned_memory; /* ranges hold pins on the root's blocks (not for self tests) */
};

status_t gpa_space_create(struct partition *partition, struct gpa_space **space) __must_check;
void gpa_space_destroy(struct gpa_space *space);

/* hpa is checked and pinned by the caller's side of this call (blocks_pin) when the space says
 * so. MISALIGNED, INVALID_ADDRESS, OVERLAP, NO_MEMORY. */
status_t gpa_map(struct gpa_space *space, gpa_t gpa, hpa_t hpa, uint64_t size,
		 uint32_t flags) __must_check;
/* Zero or more whole mappings; INVALID_ARGUMENT if the range cuts one. */
status_t gpa_unmap(struct gpa_space *space, gpa_t gpa, uint64_t size);

/* That all of it is mapped: NOT_FOUND. There is nothing to fetch, as tables are filled by gpa_map. */
status_t gpa_prefetch(struct gpa_space *space, gpa_t gpa, uint64_t size);
/* Pins what lies in one mapping (NOT_FOUND), whatever becomes of that; blocks_unpin() ends it. BUSY. */
status_t gpa_pin(struct gpa_space *space, gpa_t gpa, uint64_t size, hpa_t *hpa) __must_check;

/* Whole mappings (INVALID_ARGUMENT) whose writes are noted from now on, page by page; and no longer. */
status_t gpa_dirty_start(struct gpa_space *space, gpa_t gpa, uint64_t size);
status_t gpa_dirty_stop(struct gpa_space *space, gpa_t gpa, uint64_t size);
/* A bit for each page of [gpa, gpa + size), of which DIRTY_SIZE_MAX is the most (TOO_LARGE): it was written.
 * `bits` is zero and large enough. `clear`: they are clean from now on; NO_MEMORY, with nothing
 * changed. */
status_t gpa_dirty_get(struct gpa_space *space, gpa_t gpa, uint64_t size, bool clear,
		       uint64_t *bits) __must_check;
/* The same pages are dirty again, or others with them. */
void gpa_dirty_restore(struct gpa_space *space, gpa_t gpa, uint64_t size, const uint64_t *bits);
/* All of it is dirty, where it is tracked. NO_MEMORY, with nothing changed; TOO_LARGE. */
status_t gpa_dirty_mark(struct gpa_space *space, gpa_t gpa, uint64_t size);
/* A guest's write that the tables did not allow. True: it was to a page that is tracked, and may be tried
 * again. */
bool gpa_dirty_fault(struct gpa_space *space, gpa_t gpa);

/* A page of the kernel's, which a backend has a use for at that address. It counts as mapped for
 * gpa_map; gpa_unmap passes it over. */
status_t gpa_map_own_page(struct gpa_space *space, gpa_t gpa, void *page) __must_check;
void gpa_unmap_own_page(struct gpa_space *space, gpa_t gpa);

/* Accessors of guest memory for the kernel; INVALID_ADDRESS where nothing is mapped, ACCESS_DENIED
 * where a write is not allowed. May cross pages. */
status_t gpa_read(struct gpa_space *space, gpa_t gpa, void *buffer, size_t size) __must_check;
status_t gpa_write(struct gpa_space *space, gpa_t gpa, const void *buffer,
		   size_t size) __must_check;
/* Changes 4 or 8 aligned bytes that are what is expected, as the processor does it: BUSY if they are not. The
 * others as gpa_write(). */
status_t gpa_exchange(struct gpa_space *space, gpa_t gpa, size_t size, uint64_t expected,
		      uint64_t value) __must_check;
/* Where guest memory stands that can be read, up to the end of its page; NULL: nowhere. Takes no lock:
 * for a VP of the space that is loaded on this CPU, from an exit until it is entered again. What was
 * mapped at the exit is not given back before that, as for the processor itself. */
static inline const void *gpa_walk(const struct gpa_space *space, gpa_t gpa)
{
	return page_table_walk(&space->table, gpa);
}
/* The n-th mapped range by gpa; false: there are not so many. */
bool gpa_mapping_get(struct gpa_space *space, uint32_t n, struct inspect_mapping *mapping);
/* Whether a gpa lies in a mapped range. */
bool gpa_is_mapped(struct gpa_space *space, gpa_t gpa);

/* The same of memory that can be read, for who may use gpa_walk(): without the lock while nobody changes the table,
 * in which an entry may show nothing meanwhile. */
static inline bool gpa_is_there(struct gpa_space *space, gpa_t gpa)
{
	uint16_t next = atomic_load_explicit(&space->lock.next, memory_order_acquire);
	bool there;

	if (unlikely(atomic_load_explicit(&space->lock.serving, memory_order_acquire) != next))
		return gpa_is_mapped(space, gpa);
	there = gpa_walk(space, gpa) != NULL;
	atomic_thread_fence(memory_order_acquire);
	if (unlikely(atomic_load_explicit(&space->lock.next, memory_order_relaxed) != next))
		return gpa_is_mapped(space, gpa);
	return there;
}

/* Waits until no CPU uses translations of the space older than now. No lock may be held. */
void gpa_space_shootdown(struct gpa_space *space);

#endif
