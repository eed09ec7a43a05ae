/* SPDX-License-Identifier: MIT */
/* The x86 side of hypercalls: who may make them, and which registers they use. */
#ifndef GUEST_HV_CALL_H
#define GUEST_HV_CALL_H

#include <kernel/processor.h>

/* VMCALL or VMMCALL of the active VTL; next_rip: behind it. Outside: it has asked for that (outside.h), and
 * the VP is loaded on no CPU; what is answered does not matter then. */
enum vp_outcome guest_hypercall(struct vp *vp, uint64_t next_rip, bool outside);

#endif
