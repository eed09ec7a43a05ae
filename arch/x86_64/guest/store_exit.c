/* SPDX-License-Identifier: MIT */
/*
 * The store that has just exited, for doorbells: by the bytes that the processor gives, where it does
 * (APM 15.8.4), else by those in guest memory.
 */
#include "linear.h"
#include "store.h"

#define PAGE_OFFSET MASK(PAGE_SHIFT)

bool guest_store_decode(struct vp *vp, const struct vp_exit *exit, struct store *store)
{
	struct store_state from;
	uint64_t offset = exit->memory.gpa & PAGE_OFFSET;
	uint8_t fetched[STORE_BYTES_MAX] = {0};
	const uint8_t *bytes = exit->bytes;
	unsigned int count = exit->byte_count;
	struct guest_state state;
	gpa_t gpa;

	from.gpr = vp->arch.gpr;
	from.rip = vp_arch(vp)->rip;
	from.ds = from.ss = 0;
	backend->state_get(vp, vp->active_vtl, STATE_ADDRESSING, &state);
	from.long_mode = guest_is_64bit(&state);
	if (!from.long_mode) {
		if (!(state.segment[SEGMENT_CS].attributes & HV_SEGMENT_DB))
			return false; /* 16-bit code */
		from.ds = state.segment[SEGMENT_DS].base;
		from.ss = state.segment[SEGMENT_SS].base;
	}
	if (!count) {
		count = guest_linear_read(vp_active(vp)->space, &state,
					  guest_linear_rip(vp, &state), fetched, STORE_BYTES_MAX,
					  &gpa);
		bytes = fetched;
	}
	/* A store across the end of a page exits with the address of either part. */
	return count && store_decode(&from, bytes, store) && store->length <= count &&
	       (store->address & PAGE_OFFSET) == offset && offset + store->size <= PAGE_SIZE;
}
