/* SPDX-License-Identifier: MIT */
/*
 * The walk of a guest's page tables (SDM 3A chapter 4), for the little that the kernel looks at of a
 * guest's instructions (step.c, store_exit.c). It sets no accessed bits and checks no rights: the
 * processor does both when it executes what was looked at, or has done so. A guest that changes its
 * tables or its code meanwhile gets what is then found there.
 */
#include "linear.h"
#include <kernel/string.h>

#define CR4_PSE	      BIT(4)
#define CR4_LA57      BIT(12)
#define PTE_PRESENT   BIT(0)
#define PTE_LARGE     BIT(7)
#define PTE_ADDRESS   0x000ffffffffff000ull
#define PSE36_HIGH(e) (((e) >> 13 & 0xff) << 32) /* of a page of 4 MiB (4.3) */

/* A walk of tables of a page each. Shifts of addresses are such that they give the offset of an entry:
 * less by 3, with entries of 8 bytes, or 2. */
struct paging {
	gpa_t root;
	unsigned int start; /* of the shifts, by `bits` a level */
	unsigned int bits;
	unsigned int large; /* that of the largest page */
};

#define BITS_64	   9u /* of an index: entries of 8 bytes, or 4 */
#define BITS_32	   10u
#define LARGE_4MIB 20u

static inline struct paging paging_of(const struct guest_state *state)
{
	if (state->efer & EFER_LMA)
		return (struct paging){state->cr3 & PTE_ADDRESS, state->cr4 & CR4_LA57 ? 45 : 36,
				       BITS_64, 27};
	if (state->cr4 & CR4_PAE) /* four entries at the top */
		return (struct paging){state->cr3 & 0xffffffe0, 27, BITS_64, 18};
	return (struct paging){state->cr3 & 0xfffff000, LARGE_4MIB, BITS_32,
			       state->cr4 & CR4_PSE ? LARGE_4MIB : BITS_32};
}

static inline uint64_t entry_read(const void *at, unsigned int bits)
{
	if (likely(bits == BITS_64))
		return atomic_load_explicit((const _Atomic uint64_t *)at, memory_order_relaxed);
	return atomic_load_explicit((const _Atomic uint32_t *)at, memory_order_relaxed);
}

/* What translate() finds: entries from the top one down. */
struct found {
	const void *at[5];
	uint64_t entry[5];
	unsigned int levels;
};

/* Inlined, as doorbells are in a hurry, and nearly nobody asks what was found (NULL). False: it is not mapped. */
static inline bool translate(const struct gpa_space *space, const struct guest_state *state,
			     uint64_t linear, gpa_t *gpa, struct found *found)
{
	struct paging paging = paging_of(state);
	unsigned int shift = paging.start + paging.bits;
	uint64_t offset_bits = PAGE_SIZE - (PAGE_SIZE >> paging.bits), entry;
	gpa_t at = paging.root;
	const void *entry_at;

	do {
		shift -= paging.bits;
		at += linear >> shift & offset_bits;
		entry_at = gpa_walk(space, at);
		if (!entry_at)
			return false;
		entry = entry_read(entry_at, paging.bits);
		if (!(entry & PTE_PRESENT))
			return false;
		if (found) {
			found->at[found->levels] = entry_at;
			found->entry[found->levels++] = entry;
		}
		at = entry & PTE_ADDRESS;
	} while (shift > paging.large || (shift > paging.bits && !(entry & PTE_LARGE)));
	if (unlikely(shift == LARGE_4MIB))
		at |= PSE36_HIGH(entry);
	shift += PAGE_SHIFT - paging.bits;
	*gpa = (at & ~MASK(shift)) | (linear & MASK(shift));
	return true;
}

unsigned int guest_linear_read(const struct gpa_space *space, const struct guest_state *state,
			       uint64_t linear, uint8_t *bytes, unsigned int size, gpa_t *gpa)
{
	unsigned int done = 0, part;
	const void *from;

	for (;;) {
		*gpa = linear;
		if ((state->cr0 & CR0_PG) && !translate(space, state, linear, gpa, NULL))
			return done;
		from = gpa_walk(space, *gpa);
		if (!from)
			return done;
		part = PAGE_SIZE - (unsigned int)(linear & MASK(PAGE_SHIFT));
		part = MIN(part, size - done);
		if (likely(part == INSTRUCTION_MAX)) {
			__builtin_memcpy(bytes, from, INSTRUCTION_MAX);
			return part;
		}
		memcpy(bytes + done, from, part);
		done += part;
		if (done == size)
			return done;
		linear = guest_linear_cut(state, linear + part);
	}
}

/* The generation first: what goes away later counts it up. A level that large pages do without has an entry
 * that never changes. */
__cold bool guest_linear_trace(const struct gpa_space *space, const struct guest_state *state,
			       uint64_t linear, struct linear_trace *trace)
{
	struct found found = {.levels = 0};
	unsigned int i;
	gpa_t gpa;

	trace->linear = GVA_NONE;
	trace->cr3 = state->cr3;
	trace->cr4 = state->cr4;
	trace->generation = atomic_load(&((struct gpa_space *)(uintptr_t)space)->tlb_generation);
	if (!translate(space, state, linear, &gpa, &found) || found.levels > LINEAR_LEVELS)
		return false;
	for (i = 0; i < LINEAR_LEVELS; i++) {
		trace->at[i] =
			i < found.levels ? found.at[i] : (const _Atomic uint64_t *)&trace->entry[i];
		trace->entry[i] = found.entry[i];
	}
	trace->memory = gpa_walk(space, gpa);
	if (!trace->memory)
		return false;
	trace->linear = linear;
	return true;
}
