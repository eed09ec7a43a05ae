/* SPDX-License-Identifier: MIT */
/*
 * The store that has just exited, for doorbells: by the bytes that the processor gives, where it does
 * (APM 15.8.4), else by those in guest memory.
 *
 * A driver rings by one and the same instruction. What the walk to it and its bytes were is kept, so that the next
 * time all of that only has to be compared: neither tables nor code that the guest has changed meanwhile
 * are taken for what they were, told of by an INVLPG or not.
 */
#include "store_exit.h"
#include <kernel/memory.h>
#include <kernel/string.h>

#define STALE_GPRS (BIT(GPR_RSP) | MASK(4) << GPR_R12)

static bool known_decode(struct vp *vp, const struct vp_exit *exit, struct store *store)
{
	const struct vp_vtl *v = vp_active(vp);
	const struct known_store *known = v->arch.store;

	if (!known || known->trace.linear != v->arch.rip ||
	    !guest_store_again(vp, exit, &store->value))
		return false;
	store->length = known->form.length;
	store->size = known->form.size;
	return true;
}

static __cold bool needs_stale(const struct store_form *form)
{
	return ((BIT(form->source) | BIT(form->base) | BIT(form->index)) & STALE_GPRS) != 0;
}

/* Of 64-bit code, but not at the end of a page. Without memory for it, it is not known the next time either. */
static __cold void remember(struct vp *vp, const struct guest_state *state)
{
	struct vp_vtl *v = vp_active(vp);
	struct known_store *known = v->arch.store;
	uint64_t rip = v->arch.rip;

	if ((rip & MASK(PAGE_SHIFT)) > PAGE_SIZE - KNOWN_BYTES)
		return;
	if (!known)
		known = v->arch.store = heap_alloc(vp->partition->heap, sizeof(*known));
	if (!known)
		return;
	known->quick_rip = GVA_NONE;
	if (!guest_linear_trace(v->space, state, rip, &known->trace))
		return;
	memcpy(known->bytes, known->trace.memory, KNOWN_BYTES);
	if (!store_parse(true, (const uint8_t *)known->bytes, &known->form))
		known->trace.linear = GVA_NONE;
	else if (!needs_stale(&known->form))
		known->quick_rip = rip;
}

/* ---- any ---- */

static inline bool state_take(const struct vp *vp, const struct guest_state *state,
			      struct store_state *from)
{
	from->gpr = vp->arch.gpr;
	from->rip = vp_arch(vp)->rip;
	from->ds = from->ss = 0;
	from->long_mode = guest_is_64bit(state);
	if (from->long_mode)
		return true;
	from->ds = state->segment[SEGMENT_DS].base;
	from->ss = state->segment[SEGMENT_SS].base;
	return state->segment[SEGMENT_CS].attributes & HV_SEGMENT_DB; /* not 16-bit code */
}

static bool fetched_decode(struct vp *vp, const struct vp_exit *exit, struct store *store)
{
	uint8_t bytes[STORE_BYTES_MAX] = {0};
	struct store_state from;
	struct guest_state state;
	unsigned int count;
	gpa_t gpa;

	backend->arch.state_get(vp, vp->active_vtl, STATE_ADDRESSING, &state);
	if (!state_take(vp, &state, &from))
		return false;
	count = guest_linear_read(vp_active(vp)->space, &state, guest_linear_rip(vp, &state), bytes,
				  STORE_BYTES_MAX, &gpa);
	if (!count || !store_decode(&from, bytes, store) || store->length > count ||
	    !store_is_here(exit, store->address, store->size))
		return false;
	if (from.long_mode)
		remember(vp, &state);
	return true;
}

static bool given_decode(struct vp *vp, const struct vp_exit *exit, struct store *store)
{
	struct store_state from;
	struct guest_state state;

	backend->arch.state_get(vp, vp->active_vtl, STATE_ADDRESSING, &state);
	return state_take(vp, &state, &from) && store_decode(&from, exit->bytes, store) &&
	       store->length <= exit->byte_count &&
	       store_is_here(exit, store->address, store->size);
}

bool guest_store_decode(struct vp *vp, const struct vp_exit *exit, struct store *store)
{
	if (exit->byte_count)
		return given_decode(vp, exit, store);
	return known_decode(vp, exit, store) || fetched_decode(vp, exit, store);
}

__cold void guest_store_forget(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;

	if (a->store)
		heap_free(vp->partition->heap, a->store, sizeof(*a->store));
	a->store = NULL;
}
