/* SPDX-License-Identifier: MIT */
/*
 * The bytes of the instruction that has just exited, for store.c: from the processor where it gives
 * them (APM 15.8.4), else from guest memory, through the guest's page tables. The processor has made
 * that way itself a moment ago, so permissions are not looked at, nor are accessed bits set; a guest
 * that changes its tables or its code meanwhile gets what it then finds there.
 */
#include "guest.h"
#include "store.h"
#include <kernel/memory_map.h>
#include <kernel/string.h>

#define CR4_LA57    BIT(12)
#define PTE_PRESENT BIT(0)
#define PTE_LARGE   BIT(7)
#define PTE_ADDRESS 0x000ffffffffff000ull
#define PTE_OFFSET  MASK(PAGE_SHIFT)

/* A walk of tables with 2^bits entries of `size` bytes each. */
struct paging {
	gpa_t root;
	uint8_t levels, bits, size;
};

static inline struct paging paging_of(const struct guest_state *state)
{
	if (state->efer & EFER_LMA)
		return (struct paging){state->cr3 & PTE_ADDRESS, state->cr4 & CR4_LA57 ? 5 : 4, 9,
				       8};
	if (state->cr4 & CR4_PAE) /* four entries at the top */
		return (struct paging){state->cr3 & 0xffffffe0, 3, 9, 8};
	return (struct paging){state->cr3 & 0xfffff000, 2, 10, 4};
}

static inline uint64_t entry_read(const void *at, unsigned int size)
{
	if (likely(size == 8))
		return atomic_load_explicit((const _Atomic uint64_t *)at, memory_order_relaxed);
	return atomic_load_explicit((const _Atomic uint32_t *)at, memory_order_relaxed);
}

/* False: not mapped (any more), or by a large page of 32-bit paging, whose entries are of a kind of
 * their own. */
static bool translate(const struct gpa_space *space, const struct guest_state *state,
		      uint64_t linear, gpa_t *gpa)
{
	struct paging paging = paging_of(state);
	unsigned int shift = PAGE_SHIFT + paging.bits * paging.levels;
	gpa_t at = paging.root;
	const void *entry_at;
	uint64_t entry;

	do {
		shift -= paging.bits;
		at += (linear >> shift & MASK(paging.bits)) * paging.size;
		entry_at = gpa_walk(space, at);
		if (!entry_at)
			return false;
		entry = entry_read(entry_at, paging.size);
		if (!(entry & PTE_PRESENT))
			return false;
		at = entry & PTE_ADDRESS;
	} while (shift > PAGE_SHIFT && !(entry & PTE_LARGE));
	*gpa = (at & ~MASK(shift)) | (linear & MASK(shift));
	return shift == PAGE_SHIFT || paging.size == 8;
}

/* The bytes from there on, as many as an instruction may have: how many of them are the guest's. */
static inline unsigned int fetch(const struct gpa_space *space, const struct guest_state *state,
				 uint64_t linear, uint8_t bytes[STORE_BYTES_MAX])
{
	unsigned int left = PAGE_SIZE - (unsigned int)(linear & PTE_OFFSET);
	unsigned int count = MIN(left, STORE_BYTES_MAX);
	gpa_t gpa = linear;
	const void *from;

	if ((state->cr0 & CR0_PG) && !translate(space, state, linear, &gpa))
		return 0;
	from = gpa_walk(space, gpa);
	if (!from)
		return 0;
	if (likely(count == STORE_BYTES_MAX))
		__builtin_memcpy(bytes, from, STORE_BYTES_MAX);
	else
		memcpy(bytes, from, count);
	return count;
}

bool guest_store_decode(struct vp *vp, const struct vp_exit *exit, struct store *store)
{
	uint64_t rip = vp_arch(vp)->rip, offset = exit->memory.gpa & PTE_OFFSET;
	struct store_state from = {.gpr = vp->arch.gpr, .rip = rip};
	uint8_t fetched[STORE_BYTES_MAX] = {0};
	const uint8_t *bytes = exit->bytes;
	unsigned int count = exit->byte_count;
	struct guest_state state;
	const struct hv_x64_segment_register *cs = &state.segment[SEGMENT_CS];

	backend->state_get(vp, vp->active_vtl, STATE_ADDRESSING, &state);
	from.long_mode = (state.efer & EFER_LMA) && (cs->attributes & HV_SEGMENT_L);
	if (!from.long_mode) {
		if (!(cs->attributes & HV_SEGMENT_DB))
			return false; /* 16-bit code */
		from.ds = state.segment[SEGMENT_DS].base;
		from.ss = state.segment[SEGMENT_SS].base;
		rip = (uint32_t)(rip + cs->base);
	}
	if (!count) {
		count = fetch(vp_active(vp)->space, &state, rip, fetched);
		bytes = fetched;
	}
	/* A store across the end of a page exits with the address of either part. */
	return count && store_decode(&from, bytes, store) && store->length <= count &&
	       (store->address & PTE_OFFSET) == offset && offset + store->size <= PAGE_SIZE;
}
