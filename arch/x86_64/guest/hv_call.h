/* SPDX-License-Identifier: MIT */
/* The x86 side of hypercalls: who may make them, and which registers they use. */
#ifndef GUEST_HV_CALL_H
#define GUEST_HV_CALL_H

#include <kernel/processor.h>

/* VMCALL or VMMCALL of the active VTL; next_rip: behind it. Outside: it has asked for that (outside.h), and
 * the VP is loaded on no CPU; what is answered does not matter then. */
enum vp_outcome guest_hypercall(struct vp *vp, uint64_t next_rip, bool outside);

/* The calls that are made all the time, in the form that they are made in; all else: VP_UNHANDLED. One of
 * ARCH_QUICK_EXITS. */
enum vp_outcome guest_hypercall_quick(struct vp *vp, struct vp_exit *exit);

#endif
