/* SPDX-License-Identifier: MIT */
/* A VP with a synic and nothing else, for tests of the synic and of its timers. */
#ifndef SYNIC_STUBS_H
#define SYNIC_STUBS_H

#include <kernel/synic.h>

#define UNIT_TICKS 200u /* timestamps in a unit of reference time: fake_timestamp counts at 2 GHz */

extern uint64_t fake_timestamp;
extern unsigned int stub_interrupts[256]; /* by vector */
extern unsigned int stub_own;		  /* of those, by the VP's own CPU */
extern uint32_t stub_auto_eoi[SYNIC_VECTOR_WORDS];
extern uint32_t stub_requests;
extern status_t stub_move_status; /* of gpa_overlay_move() */
extern unsigned int stub_memory;  /* allocations that are not given back */
extern unsigned int stub_allows;  /* so many more succeed */
extern uint64_t stub_armed;	  /* the timer; TIMER_NEVER: it is not */

/* VTL0 of VP 0; NULL: out of memory. */
struct vp *stub_vp_create(uint64_t privileges);
void stub_vp_destroy(struct vp *vp);
static inline unsigned int interrupts_take(uint8_t vector)
{
	unsigned int count = stub_interrupts[vector];

	stub_interrupts[vector] = 0;
	return count;
}

#endif
