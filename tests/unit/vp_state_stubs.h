/* SPDX-License-Identifier: MIT */
/* A VP whose state can be saved and restored, without a processor: see guest_stubs.h. */
#ifndef VP_STATE_STUBS_H
#define VP_STATE_STUBS_H

#include "guest_stubs.h"
#include <kernel/state.h>

extern status_t stub_move_status; /* of gpa_overlays_move() */

/* VP 0 of a partition of two, as after reset, on that host. On HOST_EPYC it has a synic. */
struct vp *stub_state_vp(enum host_kind host);
void stub_state_vp_free(struct vp *vp);

#endif
