/* SPDX-License-Identifier: MIT */
/* Guest memory by linear address, as the guest's own page tables translate it, without its rights. */
#ifndef GUEST_LINEAR_H
#define GUEST_LINEAR_H

#include "guest.h"

/* Bytes that were there, from `linear` on: fewer than `size` where the tables or the memory end.
 * `state` has STATE_CONTROL. */
size_t guest_linear_read(const struct vp *vp, const struct guest_state *state, uint64_t linear,
			 void *buffer, size_t size);
/* False: the byte is not mapped to memory. */
bool guest_linear_write(const struct vp *vp, const struct guest_state *state, uint64_t linear,
			uint8_t value);

#endif
