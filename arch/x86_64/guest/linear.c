/* SPDX-License-Identifier: MIT */
/*
 * The walk of a guest's page tables (SDM 3A chapter 4), for the little that the kernel looks at of a
 * guest's instructions (step.c, store_exit.c). It sets no accessed bits and checks no rights: the
 * processor does both when it executes what was looked at, or has done so. A guest that changes its
 * tables or its code meanwhile gets what is then found there.
 */
#include "linear.h"
#include <kernel/memory_map.h>
#include <kernel/string.h>

#define CR4_PSE	      BIT(4)
#define CR4_LA57      BIT(12)
#define PTE_PRESENT   BIT(0)
#define PTE_LARGE     BIT(7)
#define PTE_ADDRESS   0x000ffffffffff000ull
#define PSE36_HIGH(e) (((e) >> 13 & 0xff) << 32) /* of a page of 4 MiB (4.3) */

/* A walk of tables with 2^bits entries of `size` bytes each. */
struct paging {
	gpa_t root;
	uint8_t levels, bits, size;
	uint8_t large; /* the largest page is of 2^large bytes */
};

static inline struct paging paging_of(const struct guest_state *state)
{
	if (state->efer & EFER_LMA)
		return (struct paging){state->cr3 & PTE_ADDRESS, state->cr4 & CR4_LA57 ? 5 : 4, 9,
				       8, 30};
	if (state->cr4 & CR4_PAE) /* four entries at the top */
		return (struct paging){state->cr3 & 0xffffffe0, 3, 9, 8, 21};
	return (struct paging){state->cr3 & 0xfffff000, 2, 10, 4, state->cr4 & CR4_PSE ? 22 : 0};
}

static inline uint64_t entry_read(const void *at, unsigned int size)
{
	if (likely(size == 8))
		return atomic_load_explicit((const _Atomic uint64_t *)at, memory_order_relaxed);
	return atomic_load_explicit((const _Atomic uint32_t *)at, memory_order_relaxed);
}

bool guest_linear_translate(const struct vp *vp, const struct guest_state *state, uint64_t linear,
			    gpa_t *gpa)
{
	struct paging paging = paging_of(state);
	unsigned int shift = PAGE_SHIFT + paging.bits * paging.levels;
	gpa_t at = paging.root;
	const void *entry_at;
	uint64_t entry;

	if (!guest_is_64bit(state))
		linear = (uint32_t)linear;
	*gpa = linear;
	if (!(state->cr0 & CR0_PG))
		return true;
	do {
		shift -= paging.bits;
		at += (linear >> shift & MASK(paging.bits)) * paging.size;
		entry_at = gpa_walk(vp_active(vp)->space, at);
		if (!entry_at)
			return false;
		entry = entry_read(entry_at, paging.size);
		if (!(entry & PTE_PRESENT))
			return false;
		at = entry & PTE_ADDRESS;
	} while (shift > PAGE_SHIFT && (shift > paging.large || !(entry & PTE_LARGE)));
	if (unlikely(shift == 22))
		at |= PSE36_HIGH(entry);
	*gpa = (at & ~MASK(shift)) | (linear & MASK(shift));
	return true;
}

static const void *walk(const struct vp *vp, const struct guest_state *state, uint64_t linear)
{
	gpa_t gpa;

	return guest_linear_translate(vp, state, linear, &gpa) ? gpa_walk(vp_active(vp)->space, gpa)
							       : NULL;
}

unsigned int guest_instruction_read(const struct vp *vp, const struct guest_state *state,
				    uint8_t bytes[INSTRUCTION_MAX])
{
	uint64_t linear = vp_arch(vp)->rip;
	unsigned int left;
	const void *from;

	if (!guest_is_64bit(state))
		linear += state->segment[SEGMENT_CS].base;
	from = walk(vp, state, linear);
	if (!from)
		return 0;
	left = PAGE_SIZE - (unsigned int)(linear & MASK(PAGE_SHIFT));
	if (likely(left >= INSTRUCTION_MAX)) {
		__builtin_memcpy(bytes, from, INSTRUCTION_MAX);
		return INSTRUCTION_MAX;
	}
	memcpy(bytes, from, left);
	from = walk(vp, state, linear + left);
	if (!from)
		return left;
	memcpy(bytes + left, from, INSTRUCTION_MAX - left);
	return INSTRUCTION_MAX;
}
