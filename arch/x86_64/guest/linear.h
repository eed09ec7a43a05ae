/* SPDX-License-Identifier: MIT */
/*
 * Guest memory by linear address, as the guest's own page tables translate it, without its rights. For
 * a VP that is loaded, from an exit until it is entered again: see gpa_walk(). `state` has
 * STATE_ADDRESSING, or STATE_SEGMENTS and STATE_CONTROL.
 */
#ifndef GUEST_LINEAR_H
#define GUEST_LINEAR_H

#include "guest.h"
#include <kernel/memory_map.h>

#define INSTRUCTION_MAX 15u /* bytes: SDM 2A 2.3.11 */

static inline bool guest_is_64bit(const struct guest_state *state)
{
	return (state->efer & EFER_LMA) && (state->segment[SEGMENT_CS].attributes & HV_SEGMENT_L);
}

/* Else addresses have 32 bits. */
static inline uint64_t guest_linear_cut(const struct guest_state *state, uint64_t linear)
{
	return guest_is_64bit(state) ? linear : (uint32_t)linear;
}

static inline uint64_t guest_linear_rip(const struct vp *vp, const struct guest_state *state)
{
	uint64_t rip = vp_arch(vp)->rip;

	return guest_is_64bit(state) ? rip : (uint32_t)(rip + state->segment[SEGMENT_CS].base);
}

/* From an address that is cut: at most as many bytes as an instruction may have. How many of them the guest
 * has mapped, to memory; *gpa: where the last ones are. */
unsigned int guest_linear_read(const struct gpa_space *space, const struct guest_state *state,
			       uint64_t linear, uint8_t *bytes, unsigned int size, gpa_t *gpa);

/*
 * What a walk of 64-bit tables found, for who comes back to the same address: as long as none of it has
 * changed, a walk would find the same.
 */
#define LINEAR_LEVELS 4u

struct linear_trace {
	uint64_t linear;     /* GVA_NONE: there is no trace */
	uint64_t cr3, cr4;   /* of 64-bit code */
	uint64_t generation; /* of the space's translations */
	const _Atomic uint64_t *at[LINEAR_LEVELS];
	uint64_t entry[LINEAR_LEVELS];
	const uint8_t *memory; /* there it is; up to the end of its page */
};

/* Of 64-bit code. False: it is not mapped, or by more levels, and there is no trace. */
bool guest_linear_trace(const struct gpa_space *space, const struct guest_state *state,
			uint64_t linear, struct linear_trace *trace);

static inline uint64_t linear_change(const struct linear_trace *trace, unsigned int level)
{
	return atomic_load_explicit(trace->at[level], memory_order_relaxed) ^ trace->entry[level];
}

/* Would a walk to trace->linear find trace->memory now? */
static inline bool guest_linear_holds(const struct vp_vtl *v, const struct linear_trace *trace,
				      struct guest_addressing now)
{
	return trace->cr3 == now.cr3 && trace->cr4 == now.cr4 &&
	       trace->generation == atomic_load(&v->space->tlb_generation) &&
	       !(linear_change(trace, 0) | linear_change(trace, 1) | linear_change(trace, 2) |
		 linear_change(trace, 3));
}

#endif
