/* SPDX-License-Identifier: MIT */
/*
 * Guest memory by linear address, as the guest's own page tables translate it, without its rights. For
 * a VP that is loaded, from an exit until it is entered again: see gpa_walk(). `state` has
 * STATE_ADDRESSING, or STATE_SEGMENTS and STATE_CONTROL.
 */
#ifndef GUEST_LINEAR_H
#define GUEST_LINEAR_H

#include "guest.h"

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

#endif
