/* SPDX-License-Identifier: MIT */
/* The elements of a VP's saved state that are not registers; state_elements.c has the table of all. */
#ifndef GUEST_STATE_ELEMENTS_H
#define GUEST_STATE_ELEMENTS_H

#include "guest.h"
#include <kernel/state.h>

/* state_apic.c */
void state_apic_get(struct vp *vp, uint32_t vtl, struct vp_state_apic *state);
void state_apic_set(struct vp *vp, uint32_t vtl, const struct vp_state_apic *state);
void state_apic_at_reset(struct vp *vp, uint32_t vtl, struct vp_state_apic *state);
/* At reset it is in step with the others: the partition's. */
void state_tsc_get(const struct vp *vp, struct vp_state_tsc *state, bool reset);
/* It goes on with reference time, if that is not before the one that was saved. */
void state_tsc_set(struct vp *vp, const struct vp_state_tsc *state);

/* state_xsave.c; what there is says itself which form it has */
uint32_t state_xsave_size(const struct vp *vp, bool compact);
void state_xsave_get(struct vp *vp, uint8_t *to, bool compact);
void state_xsave_at_reset(struct vp *vp, uint8_t *to, bool compact);
bool state_xsave_valid(const struct vp *vp, const uint8_t *from, uint32_t length);
void state_xsave_set(struct vp *vp, const uint8_t *from);

#endif
