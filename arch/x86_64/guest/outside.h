/* SPDX-License-Identifier: MIT */
/*
 * Instructions that exit and must wait for other CPUs, which may wait for this one: they are finished when
 * the VP is off its CPU. RIP stays at the instruction until then, and so does all that it reads; if
 * something else happens to the VP first, it is as if it had not come to it.
 */
#ifndef GUEST_OUTSIDE_H
#define GUEST_OUTSIDE_H

#include <kernel/processor.h>

enum guest_outside {
	OUTSIDE_NOTHING,
	OUTSIDE_MSR_WRITE,
	OUTSIDE_HYPERCALL,
};

/* The instruction at RIP is to be finished outside; guest_outside_waits() tells where it ends. */
void guest_outside_ask(struct vp *vp, enum guest_outside what);
/* Did the exit that is being handled ask for it? */
bool guest_outside_waits(struct vp *vp, uint64_t next_rip);
/* No VP is loaded on this CPU. */
void guest_outside_work(struct vp *vp);

#endif
