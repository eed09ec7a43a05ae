/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and interrupts on their way to the guest. arch_vp_prepare() runs before each entry:
 * it takes in what other CPUs asked for, and when there is work, delivers in the order of the
 * manuals: what was interrupted in its delivery, exceptions, NMI, ExtINT, the local APIC's.
 */
#include "debug.h"
#include <kernel/cpu.h>
#include <kernel/state.h>
#include <kernel/synic.h>

/* The others are traps or abort, or are #DB, which can be either and is kept as it comes. */
#define FAULTS                                                                           \
	(BIT(EXCEPTION_DE) | BIT(EXCEPTION_BR) | BIT(EXCEPTION_UD) | BIT(EXCEPTION_NM) | \
	 BIT(EXCEPTION_TS) | BIT(EXCEPTION_NP) | BIT(EXCEPTION_SS) | BIT(EXCEPTION_GP) | \
	 BIT(EXCEPTION_PF) | BIT(EXCEPTION_MF) | BIT(EXCEPTION_AC) | BIT(EXCEPTION_XM))

/* Contributory exceptions (SDM 3A table 6-5). */
static bool is_contributory(uint8_t vector)
{
	return vector == EXCEPTION_DE || (vector >= EXCEPTION_TS && vector <= EXCEPTION_GP);
}

static bool makes_double_fault(uint8_t first, uint8_t second)
{
	if (first == EXCEPTION_PF)
		return second == EXCEPTION_PF || is_contributory(second);
	return is_contributory(first) && is_contributory(second);
}

/* The processor clears DR7.GD as #DB's handler begins (SDM 3B 17.2.4), but not when #DB is injected. */
static __cold void general_detect_end(struct vp *vp)
{
	struct guest_state state;

	backend->arch.state_get(vp, vp->active_vtl, STATE_DEBUG, &state);
	if (!(state.dr7 & DR7_GD))
		return;
	state.dr7 &= ~DR7_GD;
	backend->arch.state_set(vp, vp->active_vtl, STATE_DEBUG, &state);
}

void guest_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	if ((a->work & WORK_EVENT) && a->event.type == EVENT_EXCEPTION) {
		if (a->event.vector == EXCEPTION_DF) {
			a->activity = ACTIVITY_SHUTDOWN;
			a->work &= ~(uint32_t)WORK_EVENT;
			return;
		}
		if (makes_double_fault(a->event.vector, vector)) {
			vector = EXCEPTION_DF;
			has_error = true;
			error = 0;
		}
	}
	/* SDM 3B 17.3.1.1: a fault is pushed with RF set, so that the instruction that is run again
	 * does not meet its breakpoint a second time. Injection pushes RFLAGS as they are. */
	if (BIT(vector) & FAULTS)
		a->rflags |= RFLAGS_RF;
	if (vector == EXCEPTION_DB)
		general_detect_end(vp);
	a->event.type = EVENT_EXCEPTION;
	a->event.vector = vector;
	a->event.has_error = has_error;
	a->event.error = error;
	a->work |= WORK_EVENT;
}

static void single_step_trap(struct vp *vp)
{
	struct guest_state state;

	backend->arch.state_get(vp, vp->active_vtl, STATE_DEBUG, &state);
	state.dr6 |= DR6_BS;
	backend->arch.state_set(vp, vp->active_vtl, STATE_DEBUG, &state);
	guest_exception(vp, EXCEPTION_DB, false, 0);
}

void guest_debug_flags_done(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	a->rflags &= ~RFLAGS_RF;
	if (a->work & WORK_DEBUG)
		guest_debug_instruction_done(vp);
	if (a->rflags & RFLAGS_TF)
		single_step_trap(vp);
}

/* ---- what other CPUs asked for ---- */

static __cold void translations_drop(struct vp *vp)
{
	struct guest_state state;

	backend->arch.state_get(vp, vp->active_vtl, STATE_CONTROL, &state);
	backend->arch.state_set(vp, vp->active_vtl, STATE_CONTROL, &state);
}

/* What is done with before the VP runs, or instead. */
#define REQUESTS_OF_RUN (VP_REQUEST_YIELD | VP_REQUEST_APIC_PAGE | VP_REQUEST_OUTSIDE)

/* Interrupts and the APIC's timer, which are most of what comes. */
#define REQUESTS_COMMON (VP_REQUEST_INTERRUPT | VP_REQUEST_NOTIFIED | VP_REQUEST_TIMER)

static __attribute__((noinline)) void requests_take_others(struct vp *vp, uint32_t bits)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	if (bits & VP_REQUEST_INIT)
		guest_init(vp);
	if (bits & VP_REQUEST_SIPI)
		guest_sipi(vp, (uint8_t)atomic_load(&a->lapic.sipi_vector));
	if (bits & VP_REQUEST_STIMER)
		stimer_fire(vp);
	if (bits & VP_REQUEST_FLUSH)
		translations_drop(vp);
	if (bits & VP_REQUEST_TSC) {
		guest_tsc_notice(vp);
		hv_tsc_announce(vp);
	}
	if (bits & VP_REQUEST_NMI)
		a->work |= WORK_NMI;
	if (bits & VP_REQUEST_EXTINT)
		a->work |= WORK_EXTINT;
}

/* An INIT comes before what it would take away. */
static inline void requests_take_in(struct vp *vp, uint32_t bits)
{
	if (unlikely(bits & ~(uint32_t)REQUESTS_COMMON))
		requests_take_others(vp, bits);
	if (bits & VP_REQUEST_TIMER)
		guest_lapic_timer_fire(vp);
	if (bits & (VP_REQUEST_INTERRUPT | VP_REQUEST_NOTIFIED))
		vp_arch(vp)->work |= WORK_INTERRUPT;
}

__cold void arch_vp_flush_requests(struct vp *vp)
{
	arch_vp_settle(vp);
	requests_take_in(vp, atomic_fetch_and(&vp->requests, REQUESTS_OF_RUN) &
				     ~(uint32_t)REQUESTS_OF_RUN);
}

static enum vp_outcome requests_take(struct vp *vp)
{
	uint32_t bits = atomic_exchange(&vp->requests, 0);

	requests_take_in(vp, bits);
	vp->arch.unload = bits & (VP_REQUEST_APIC_PAGE | VP_REQUEST_OUTSIDE);
	if (vp->arch.unload) {
		atomic_fetch_or(&vp->requests, bits & VP_REQUEST_YIELD);
		return VP_UNLOAD;
	}
	if (bits & VP_REQUEST_YIELD)
		return run_page_return(vp, VP_RUN_YIELD);
	return VP_CONTINUE;
}

/* ---- delivery ---- */

static void inject(struct vp *vp, enum event_type type, uint8_t vector)
{
	const struct vp_event event = {.type = (uint8_t)type, .vector = vector};

	vp_arch(vp)->debug.injected = true;
	backend->arch.inject(vp, &event);
}

void guest_event_deliver(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	const struct vp_event event = {
		.type = a->event.type,
		.vector = a->event.vector,
		.has_error = a->event.has_error,
		.length = a->event.length,
		.error = a->event.error,
	};

	a->work &= ~(uint32_t)WORK_EVENT;
	a->shadow = 0; /* ends with the delivery */
	a->debug.injected = true;
	backend->arch.inject(vp, &event);
}

/* A step comes back by itself. */
static void window_request(struct vp *vp, enum vp_window window)
{
	if (!guest_debug_steps(vp_arch(vp)))
		backend->arch.window_request(vp, window);
}

static void deliver_nmi(struct vp *vp, struct arch_vp_vtl *a)
{
	if (!backend->arch.can_take(vp, WINDOW_NMI)) {
		window_request(vp, WINDOW_NMI);
		return;
	}
	a->work &= ~(uint32_t)WORK_NMI;
	inject(vp, EVENT_NMI, 2);
}

/* The 8259 is the VMM's: the vector is asked of it when the guest can take it at once. */
static enum vp_outcome deliver_extint(struct vp *vp, struct arch_vp_vtl *a)
{
	if (!(a->work & WORK_PIC_ANSWER) && !lapic_extint_pending(&a->lapic)) {
		a->work &= ~(uint32_t)WORK_EXTINT;
		return VP_CONTINUE;
	}
	if (!backend->arch.can_take(vp, WINDOW_INTERRUPT)) {
		window_request(vp, WINDOW_INTERRUPT);
		return VP_CONTINUE;
	}
	if (!(a->work & WORK_PIC_ANSWER)) {
		lapic_extint_taken(&a->lapic);
		a->waiting = WAITING_PIC;
		return run_page_return(vp, VP_RUN_PIC_VECTOR);
	}
	a->work &= ~(uint32_t)WORK_PIC_ANSWER;
	vp->stats->injected_interrupts++;
	inject(vp, EVENT_INTERRUPT, a->extint_vector);
	return VP_CONTINUE;
}

static void deliver_apic(struct vp *vp, struct arch_vp_vtl *a)
{
	int vector;

	guest_tpr_sync(vp);
	vector = lapic_pending_vector(&a->lapic);
	if (vector < 0) {
		/* One that only CR8 holds off: an exit must tell when the guest lowers it. What
		 * an interrupt in service holds off is looked at again at its EOI, unless that
		 * does not exit. */
		bool waits = lapic_highest_request(&a->lapic) >= 0;

		if (waits && a->lapic.unsettled)
			lapic_assist_end(&a->lapic);
		if (!waits || !a->lapic.processor_delivers)
			a->work &= ~(uint32_t)WORK_INTERRUPT;
		if (a->cr8 && waits)
			window_request(vp, WINDOW_PRIORITY);
		return;
	}
	if (!backend->arch.can_take(vp, WINDOW_INTERRUPT)) {
		window_request(vp, WINDOW_INTERRUPT);
		return;
	}
	lapic_acknowledge(&a->lapic, (uint8_t)vector);
	vp->stats->injected_interrupts++;
	inject(vp, EVENT_INTERRUPT, (uint8_t)vector);
	if (!lapic_has_request(&a->lapic) || lapic_highest_request(&a->lapic) < 0)
		a->work &= ~(uint32_t)WORK_INTERRUPT;
	/* One that has ended already holds off no other, and no EOI will tell. */
	else if (unlikely(a->lapic.auto_eoi) && lapic_pending_vector(&a->lapic) >= 0)
		window_request(vp, WINDOW_INTERRUPT);
}

/* The VMM models the APIC, and has an interrupt: can the guest take it? */
static bool window_open(struct vp *vp, const struct arch_vp_vtl *a)
{
	return a->window > a->cr8 && backend->arch.can_take(vp, WINDOW_INTERRUPT);
}

static __cold enum vp_outcome window_give(struct vp *vp, struct arch_vp_vtl *a)
{
	a->work &= ~(uint32_t)WORK_WINDOW;
	return run_page_apic(vp, VP_RUN_INTERRUPT_WINDOW);
}

static __cold enum vp_outcome deliver_window(struct vp *vp, struct arch_vp_vtl *a)
{
	if (window_open(vp, a))
		return window_give(vp, a);
	window_request(vp, a->window > a->cr8 ? WINDOW_INTERRUPT : WINDOW_PRIORITY);
	return VP_CONTINUE;
}

static enum vp_outcome deliver(struct vp *vp, struct arch_vp_vtl *a, bool held)
{
	enum vp_outcome outcome = VP_CONTINUE;

	if (a->work & WORK_EVENT)
		guest_event_deliver(vp);
	if (held)
		return outcome;
	if (a->work & WORK_NMI)
		deliver_nmi(vp, a);
	if (a->work & (WORK_EXTINT | WORK_PIC_ANSWER))
		outcome = deliver_extint(vp, a);
	if (outcome == VP_CONTINUE && (a->work & WORK_INTERRUPT))
		deliver_apic(vp, a);
	if (outcome == VP_CONTINUE && unlikely(a->work & WORK_WINDOW))
		outcome = deliver_window(vp, a);
	return outcome;
}

/* ---- before each entry ---- */

/* What ends a HLT (SDM 2A, "HLT"): an NMI, an interrupt that RFLAGS.IF lets through, or an
 * exception that the VMM injects. What is idle (TLFS, "Virtual Processor Idle Sleep State") any interrupt
 * wakes. */
static bool halt_ends(struct vp *vp, struct arch_vp_vtl *a)
{
	if (a->work & (WORK_EVENT | WORK_NMI))
		return true;
	if (!(a->rflags & RFLAGS_IF) && a->activity != ACTIVITY_IDLE)
		return false;
	if (a->work & WORK_PIC_ANSWER)
		return true;
	if ((a->work & WORK_EXTINT) && lapic_extint_pending(&a->lapic))
		return true;
	/* A self-IPI that the processor has sent may be behind the HLT. */
	if (!(a->work & WORK_INTERRUPT) && !a->lapic.processor_delivers)
		return false;
	a->work |= WORK_INTERRUPT;
	guest_tpr_sync(vp);
	return lapic_pending_vector(&a->lapic) >= 0;
}

static enum vp_outcome not_running(struct vp *vp, struct arch_vp_vtl *a)
{
	switch (a->activity) {
	case ACTIVITY_HALTED:
	case ACTIVITY_IDLE:
		if (!halt_ends(vp, a))
			return (a->work & WORK_WINDOW) && window_open(vp, a) ? window_give(vp, a)
									     : VP_BLOCK;
		a->activity = ACTIVITY_RUNNING;
		return VP_CONTINUE;
	case ACTIVITY_WAIT_FOR_SIPI: return VP_BLOCK;
	default: return run_page_shutdown(vp, VP_RUN_TRIPLE_FAULT, 0);
	}
}

/* Apart, so that an entry with nothing to do needs no stack for it. */
static __attribute__((noinline)) enum vp_outcome prepare_work(struct vp *vp, struct arch_vp_vtl *a)
{
	bool held = guest_debug_holds(a);
	enum vp_outcome outcome;

	a->work &= ~(uint32_t)WORK_ENTRY;
	if (a->work & WORK_DEBUG) {
		outcome = guest_debug_report(vp);
		if (outcome != VP_CONTINUE)
			return outcome;
	}
	if (atomic_load(&vp->requests)) {
		outcome = requests_take(vp);
		if (outcome != VP_CONTINUE)
			return outcome;
	}
	if (a->activity != ACTIVITY_RUNNING) {
		outcome = not_running(vp, a);
		if (outcome != VP_CONTINUE)
			return outcome;
	}
	outcome = deliver(vp, a, held);
	if ((a->work & WORK_DEBUG) && outcome == VP_CONTINUE)
		outcome = guest_debug_enter(vp);
	return outcome;
}

enum vp_outcome arch_vp_prepare(struct vp *vp)
{
	if (likely(!vp_has_work(vp, vp_active(vp))))
		return VP_CONTINUE;
	return prepare_work(vp, vp_arch(vp));
}
