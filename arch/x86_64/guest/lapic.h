/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of a VP: the model of lapic_model.h, and what lets a VP use it (lapic_glue.c), which sends
 * the messages, arms the timer, notes the work.
 */
#ifndef GUEST_LAPIC_H
#define GUEST_LAPIC_H

#include "lapic_model.h"
#include <kernel/processor.h>

/* ---- a VP's use of it (lapic_glue.c) ---- */

/* What other CPUs ask of a VP, beside enum vp_request. */
enum vp_request_x86 {
	VP_REQUEST_NMI = VP_REQUEST_ARCH << 0,
	VP_REQUEST_INIT = VP_REQUEST_ARCH << 1,
	VP_REQUEST_SIPI = VP_REQUEST_ARCH << 2,	     /* vector: lapic.sipi_vector */
	VP_REQUEST_EXTINT = VP_REQUEST_ARCH << 3,    /* look at lapic_extint_pending() */
	VP_REQUEST_APIC_PAGE = VP_REQUEST_ARCH << 4, /* of the VP itself: apic_page.h */
	VP_REQUEST_OUTSIDE = VP_REQUEST_ARCH << 5,   /* so too: outside.h */
};

/* INIT. A start-up message that came before it and was not looked at yet is lost: it found a processor that
 * did not wait for it, or one that is reset again (SDM 3A 9.4.3, "MP Initialization Protocol Algorithm"). */
static inline void guest_init_request(struct vp *vp)
{
	atomic_fetch_and(&vp->requests, ~(uint32_t)VP_REQUEST_SIPI);
	vp_request(vp, VP_REQUEST_INIT);
}

static inline struct lapic *vp_lapic(const struct vp *vp, uint32_t vtl)
{
	return &vp->vtl[vtl]->arch.lapic;
}

/* Once for each VTL of a VP, after partition.arch is filled in; sets arch.vp, makes the timer. */
void guest_lapic_create(struct vp *vp, uint32_t vtl);
/* Power-on / INIT of a VTL's APIC: also takes back its timer. */
void guest_lapic_reset(struct vp *vp, uint32_t vtl);
void guest_lapic_init_reset(struct vp *vp, uint32_t vtl);

/* Vectors that end with their delivery, of the VTL's synic: the processor does not deliver then. */
void guest_lapic_auto_eoi_set(struct vp *vp, uint32_t vtl,
			      const uint32_t vectors[LAPIC_VECTOR_WORDS]);

/* The xAPIC page for the VMM's emulator and system call. False: the APIC is not there. A write
 * acts on all effects; then ask guest_lapic_eoi_take(). */
bool guest_lapic_read(struct vp *vp, uint32_t vtl, uint32_t offset, uint32_t *value);
bool guest_lapic_write(struct vp *vp, uint32_t vtl, uint32_t offset, uint32_t value);
/* The guest has written to the page itself, and the processor has exited behind it (SDM 3C 30.4.3.3).
 * Then ask guest_lapic_eoi_take(). */
void guest_lapic_page_written(struct vp *vp, uint32_t offset);
/* The processor has ended a vector that the VMM may have to hear of; so too. */
void guest_lapic_eoi_virtualized(struct vp *vp, uint8_t vector);
/* MSRs of the active VTL; false: #GP. After a write ask guest_lapic_eoi_take(). */
bool guest_lapic_msr_read(struct vp *vp, uint32_t msr, uint64_t *value);
bool guest_lapic_msr_write(struct vp *vp, uint32_t msr, uint64_t value);
bool guest_lapic_base_write(struct vp *vp, uint64_t value);
/* Acts on a new mode, address or state, and on its effects. */
void guest_lapic_changed(struct vp *vp, uint32_t vtl, struct lapic_effects *effects);
void guest_lapic_tsc_deadline_write(struct vp *vp, uint64_t value);

/* CR8 as the active VTL has it, into its local APIC: before the model's priorities are asked. */
void guest_tpr_sync(struct vp *vp);
/* MOV to CR8, where that exits; value: 0 to 15. */
void guest_cr8_write(struct vp *vp, uint8_t value);

/* True, once: the VMM must hear that this level-triggered vector has ended (VP_RUN_EOI). */
static inline bool guest_lapic_eoi_take(struct vp *vp, uint32_t vtl, uint32_t *vector)
{
	struct lapic *lapic = vp_lapic(vp, vtl);

	if (likely(lapic->eoi_waiting == 0))
		return false;
	*vector = lapic->eoi_waiting & 0xff;
	lapic->eoi_waiting = 0;
	return true;
}

/* Any CPU, the partition alive: LINT0 or LINT1 of a VTL. */
void guest_lapic_set_lint(struct vp *vp, uint32_t vtl, unsigned int n, bool high);
void guest_lapic_pulse_lint(struct vp *vp, uint32_t vtl, unsigned int n);

/* Arms (or cancels) the timers of all VTLs of the VP on this CPU, by their state. */
void guest_lapic_timer_update(struct vp *vp);
/* The VP leaves this CPU for another: no timer of it may stay behind. */
void guest_lapic_timer_cancel(struct vp *vp);
/* On VP_REQUEST_TIMER: delivers what has expired, notes WORK_INTERRUPT, arms the next. */
void guest_lapic_timer_fire(struct vp *vp);

#endif
