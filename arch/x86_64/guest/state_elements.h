/* SPDX-License-Identifier: MIT */
/* The functions of the elements of a VP's saved state, which state_elements.c has in a table. */
#ifndef GUEST_STATE_ELEMENTS_H
#define GUEST_STATE_ELEMENTS_H

#include "guest.h"
#include <kernel/state.h>

/* state_apic.c */
extern const struct state_ops state_apic_ops, state_tsc_ops;
/* state_xsave.c */
extern const struct state_ops state_xsave_ops;
uint32_t state_xsave_size(const struct vp *vp, bool compact);

#endif
