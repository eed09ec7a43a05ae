/* SPDX-License-Identifier: MIT */
/*
 * What the VMM does to a guest as a debugger, seen from the rest of the guest's processor.
 *
 *   debug.c  the debug state that was asked for; breakpoints, and whose debug registers are in force
 *   step.c   steps, of which the guest sees nothing
 */
#ifndef GUEST_DEBUG_H
#define GUEST_DEBUG_H

#include "guest.h"

/* ---- debug.c ---- */

/* The instruction at RIP has exited as VP_EXIT_TABLE, at privilege level 0. The next entry is a step over it,
 * and at no other time, nor at another RIP, does the processor let it pass. */
void guest_debug_let(struct vp *vp);

/* The others are for WORK_DEBUG. */

/* Before an entry: what the last one brought goes to the VMM, if it is something. */
enum vp_outcome guest_debug_report(struct vp *vp);
/* After what waits has been injected: how the entry goes. Or there is something to tell at once. */
enum vp_outcome guest_debug_enter(struct vp *vp);
/* An exception has exited. False: it is the guest's, who is to take it. */
bool guest_debug_exception(struct vp *vp, const struct vp_exit *exit);
/* The guest reads or writes a debug register. */
void guest_debug_access(struct vp *vp, const struct vp_exit *exit);
/* An instruction was finished by the kernel, or one round of it by the VMM. */
void guest_debug_instruction_done(struct vp *vp);
/* The instruction at RIP may run though there is a breakpoint. */
void guest_debug_resume(struct vp *vp);
/* RIP was set: it is no step. */
void guest_debug_moved(struct vp *vp, uint32_t vtl);

/* True: the next entry executes one instruction at most, or delivers one event. */
static inline bool guest_debug_steps(const struct arch_vp_vtl *a)
{
	return (a->work & WORK_DEBUG) &&
	       ((a->debug.asked.flags & DEBUG_SINGLE_STEP) || a->debug.guest_turn || a->debug.lets);
}

/* True: interrupts wait for the end of the step. */
static inline bool guest_debug_holds(const struct arch_vp_vtl *a)
{
	return guest_debug_steps(a) && a->activity == ACTIVITY_RUNNING &&
	       (a->debug.guest_turn || a->debug.lets ||
		(a->debug.asked.flags & DEBUG_HOLD_INTERRUPTS));
}

/* ---- step.c ---- */

/* The next entry executes one instruction, or the event that it raises is injected. */
void guest_step_instruction(struct vp *vp);
/* #DB has exited, with the bits that DR6 tells, of which a breakpoint of the step's own is taken out.
 * True: it ends a step. */
bool guest_step_ended(struct vp *vp, uint32_t *bits);
/* The instruction at RIP has exited, as it raises an event by itself: INT3, INTO, INT n. */
void guest_step_software(struct vp *vp, const struct vp_exit *exit);

#endif
