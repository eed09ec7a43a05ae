/* SPDX-License-Identifier: MIT */
/*
 * A partition's RAM as its VMM sees it: ranges of guest-physical addresses, each with the place
 * where the VMM has it mapped. Loaders and firmware builders reach guest memory through these
 * functions only; each checks the whole access before it touches a byte.
 */
#ifndef LOADER_GUEST_MEMORY_H
#define LOADER_GUEST_MEMORY_H

#include <trivet/status.h>
#include <trivet/types.h>

struct guest_range {
	gpa_t gpa;
	uint64_t size; /* bytes; gpa + size does not wrap */
	uint8_t *host; /* where the range's first byte is in this address space */
};

/* Ranges in ascending order, not overlapping; they may touch. The array is the caller's. */
struct guest_memory {
	const struct guest_range *ranges;
	size_t count;
};

/*
 * Where [gpa, gpa + size) is, if it lies wholly in one range; NULL otherwise. The bytes may
 * change at any time while the guest runs: read each once.
 */
void *guest_memory_pointer(const struct guest_memory *memory, gpa_t gpa, uint64_t size);

/* Every byte of [gpa, gpa + size) is RAM; it may cross ranges that touch. True for size 0. */
bool guest_memory_contains(const struct guest_memory *memory, gpa_t gpa, uint64_t size);

/*
 * Copy to or from the guest, or fill it with one byte. INVALID_ADDRESS, and nothing changed,
 * unless guest_memory_contains().
 */
status_t guest_memory_write(const struct guest_memory *memory, gpa_t gpa, const void *data,
			    uint64_t size) __must_check;
status_t guest_memory_read(const struct guest_memory *memory, gpa_t gpa, void *data,
			   uint64_t size) __must_check;
status_t guest_memory_fill(const struct guest_memory *memory, gpa_t gpa, uint8_t byte,
			   uint64_t size) __must_check;

/* All bytes of RAM. */
uint64_t guest_memory_size(const struct guest_memory *memory);

#endif
