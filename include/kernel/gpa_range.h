/* SPDX-License-Identifier: MIT */
/* What the files about guest-physical address spaces share: the list of ranges, under the space's lock. */
#ifndef KERNEL_GPA_RANGE_H
#define KERNEL_GPA_RANGE_H

#include <kernel/memory_map.h>
#include <kernel/overlay.h>
#include <kernel/partition.h>

struct gpa_range {
	struct gpa_range *next;	 /* by gpa, upwards */
	struct gpa_range *going; /* of one unmap, upwards too */
	gpa_t gpa;
	hpa_t hpa;
	uint64_t size;
	uint32_t flags; /* enum gpa_flags, and these */
};

/* The kernel's: nobody but it takes the range away, and nothing is pinned. Those with and without it are
 * separate worlds. */
#define GPA_OWN	    INSPECT_MAPPING_OWN
#define GPA_TRACKED BIT(30) /* writes are noted: kernel/dirty.c */
/* Half mapped or half unmapped, by a call that works in pieces: its place is taken, and it is nobody
 * else's. */
#define GPA_BUSY    BIT(29)
/* Tracked, but no page of it becomes clean any more. */
#define GPA_ENDING  BIT(28)
#define GPA_WORLD   (GPA_OWN | GPA_BUSY)

static inline uint64_t gpa_limit(const struct gpa_space *space)
{
	return BIT(space->partition->physical_bits);
}

/* INVALID_ARGUMENT (size 0), MISALIGNED, INVALID_ADDRESS. No lock is needed. */
status_t gpa_range_check(const struct gpa_space *space, gpa_t gpa, uint64_t size);
/* enum page_flags for enum gpa_flags. */
uint32_t gpa_page_flags(uint32_t flags);
/* The first range that ends above gpa; NULL: there is none. */
struct gpa_range *gpa_range_from(struct gpa_space *space, gpa_t gpa);
/* No range with that GPA_OWN reaches across an end of [gpa, gpa + size). */
bool gpa_ranges_are_whole(struct gpa_space *space, gpa_t gpa, uint64_t size, uint32_t own);
/* Between two pieces of a long call: interrupts come in, and what other CPUs wait for is done. No lock is
 * held. */
void gpa_piece_done(void);
/* A write to a page that is tracked: the page is dirty, and may be written. False: it may not. */
bool gpa_dirty_take(struct gpa_space *space, gpa_t gpa);

#endif
