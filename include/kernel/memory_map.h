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

struct gpa_space {
	struct spinlock lock; /* protects the table and the ranges */
	struct page_table table;
	struct gpa_range *ranges;	 /* sorted by gpa */
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

/* A page of the kernel's, which a backend has a use for at that address. It counts as mapped for
 * gpa_map; gpa_unmap passes it over. */
status_t gpa_map_own_page(struct gpa_space *space, gpa_t gpa, void *page) __must_check;
void gpa_unmap_own_page(struct gpa_space *space, gpa_t gpa);

/* Accessors of guest memory for the kernel; INVALID_ADDRESS where nothing is mapped, ACCESS_DENIED
 * where a write is not allowed. May cross pages. */
status_t gpa_read(struct gpa_space *space, gpa_t gpa, void *buffer, size_t size) __must_check;
status_t gpa_write(struct gpa_space *space, gpa_t gpa, const void *buffer,
		   size_t size) __must_check;
/* The n-th mapped range by gpa; false: there are not so many. */
bool gpa_mapping_get(struct gpa_space *space, uint32_t n, struct inspect_mapping *mapping);
/* Whether a gpa lies in a mapped range. */
bool gpa_is_mapped(struct gpa_space *space, gpa_t gpa);

/* Waits until no CPU uses translations of the space older than now. No lock may be held. */
void gpa_space_shootdown(struct gpa_space *space);

#endif
