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

/* Else addresses have 32 bits. */
static inline bool guest_is_64bit(const struct guest_state *state)
{
	return (state->efer & EFER_LMA) && (state->segment[SEGMENT_CS].attributes & HV_SEGMENT_L);
}

/* False: it is not mapped by the guest. */
bool guest_linear_translate(const struct vp *vp, const struct guest_state *state, uint64_t linear,
			    gpa_t *gpa);
/* The bytes at RIP, as many as an instruction may have: how many of them are the guest's. */
unsigned int guest_instruction_read(const struct vp *vp, const struct guest_state *state,
				    uint8_t bytes[INSTRUCTION_MAX]);

#endif
