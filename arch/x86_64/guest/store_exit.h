/* SPDX-License-Identifier: MIT */
/* The store that has just exited as a memory access: for doorbells. */
#ifndef GUEST_STORE_EXIT_H
#define GUEST_STORE_EXIT_H

#include "linear.h"
#include "store.h"

#define KNOWN_BYTES 16u /* that are compared, from the instruction on */

/* The last one of 64-bit code that was found in guest memory. */
struct known_store {
	uint64_t quick_rip;	   /* where a quick exit has the GPRs for it, or GVA_NONE */
	struct linear_trace trace; /* to the instruction */
	uint64_t bytes[KNOWN_BYTES / sizeof(uint64_t)];
	struct store_form form;
};

/* From the processor's bytes or from guest memory; its linear address is at the same place of a page as
 * exit->memory.gpa, and it ends in that page. */
bool guest_store_decode(struct vp *vp, const struct vp_exit *exit, struct store *store);

/* For a quick exit, which does not have all GPRs: may it be of the known store? */
static inline bool guest_store_is_known(const struct vp *vp)
{
	const struct arch_vp_vtl *a = vp_arch(vp);

	return unlikely(a->store) && a->store->quick_rip == a->rip;
}
/* A store across the end of a page exits with the address of either part. */
static inline bool store_is_here(const struct vp_exit *exit, uint64_t address, unsigned int size)
{
	uint64_t offset = exit->memory.gpa & MASK(PAGE_SHIFT);

	return (address & MASK(PAGE_SHIFT)) == offset && offset + size <= PAGE_SIZE;
}

static inline uint64_t code_at(const uint8_t *at)
{
	uint64_t bytes;

	__builtin_memcpy(&bytes, at, sizeof(bytes));
	return bytes;
}

/* Of such a one: as guest_store_decode(), if nothing that led to it has changed since; the rest is in its
 * form. */
static inline bool guest_store_again(struct vp *vp, const struct vp_exit *exit, uint64_t *value)
{
	struct guest_addressing now = backend->arch.addressing_64(vp);
	const struct vp_vtl *v = vp_active(vp);
	const struct known_store *known = v->arch.store;
	const struct store_form *form = &known->form;
	const uint8_t *at = known->trace.memory;

	if (!guest_linear_holds(v, &known->trace, now) || code_at(at) != known->bytes[0] ||
	    code_at(at + sizeof(uint64_t)) != known->bytes[1])
		return false;
	*value = store_value(form, vp->arch.gpr);
	return store_is_here(exit, store_address(form, vp->arch.gpr, known->trace.linear),
			     form->size);
}

/* With the VP. */
void guest_store_forget(struct vp *vp, uint32_t vtl);

#endif
