/* SPDX-License-Identifier: MIT */
/*
 * The information that a Multiboot2 loader leaves (Multiboot2 Specification 2.0, chapter 3),
 * decoded and checked into a plain structure. Pure: reads the given bytes and nothing else.
 */
#ifndef ARCH_MULTIBOOT2_H
#define ARCH_MULTIBOOT2_H

#include <kernel/boot.h>
#include <trivet/status.h>

#define COMMAND_LINE_MAX 2048
#define MEMORY_RANGE_MAX 512
#define RSDP_MAX	 36

struct multiboot2 {
	char command_line[COMMAND_LINE_MAX]; /* always ended */
	bool command_line_cut;		     /* it was longer */
	hpa_t bundle_base;		     /* the first module; size 0: none */
	uint64_t bundle_size;
	uint32_t module_count;
	uint8_t rsdp[RSDP_MAX]; /* a copy, not checked; the newer one if there are two */
	uint32_t rsdp_size;	/* 0: none */
	/* Sorted, without overlaps; where the loader's map overlaps itself the most careful kind
	 * holds. RAM is cut inwards to whole pages, all else outwards. */
	struct memory_range memory[MEMORY_RANGE_MAX];
	uint32_t memory_count;
	uint32_t ranges_dropped; /* RAM that found no place in `memory` */
};

/*
 * Decodes the `size` readable bytes at info, which begin with the loader's own size field.
 * TRUNCATED: a tag or the whole is longer than that; BAD_FORMAT: a tag has a size that cannot be;
 * NOT_FOUND: there is no memory map or no RAM in it; TOO_LARGE: too many reserved ranges. */
status_t multiboot2_parse(const void *info, uint64_t size, struct multiboot2 *out) __must_check;

/* Takes a range out of a sorted map and gives it another kind, splitting what it overlaps.
 * TOO_LARGE: no room for the pieces; then nothing is changed. */
status_t memory_map_set(struct multiboot2 *map, hpa_t base, uint64_t size, uint32_t kind);

#endif
