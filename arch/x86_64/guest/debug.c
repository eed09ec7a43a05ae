/* SPDX-License-Identifier: MIT */
/*
 * The debug state that the VMM sets for a VP, of which the guest sees nothing (arch_vp_vtl.debug).
 *
 * While there is one, the processor's debug registers are the debugger's. Breakpoint i of the
 * debugger's is in DRi; breakpoints that the guest has enabled are put into registers that are left
 * free, and are not in force where none is. Each access of the guest's to a debug register exits: it gets
 * its own registers for that one instruction, which is stepped over, so that the processor itself does
 * what the registers ask for (CR4.DE, DR7.GD, reserved bits).
 *
 * #DB always exits. What of DR6 is the debugger's goes to the VMM, what is the guest's becomes its own
 * DR6 and exception.
 */
#include "debug.h"
#include <kernel/string.h>

#define DR6_BD		   BIT(13)
#define DR7_ENABLES(i)	   (3ull << (2 * (i)))
#define DR7_GLOBAL(i)	   (2ull << (2 * (i)))
#define DR7_TYPE_SHIFT(i)  (16 + 4 * (i)) /* R/W, then LEN in the two bits above */
#define DR7_TYPE(dr7, i)   ((dr7) >> DR7_TYPE_SHIFT(i) & 0xf)
#define DEBUG_FLAGS	   (DEBUG_SINGLE_STEP | DEBUG_INT3 | DEBUG_HOLD_INTERRUPTS)
#define BREAKPOINT_LENGTHS (BIT(1) | BIT(2) | BIT(4) | BIT(8))

/* ---- the state ---- */

static status_t breakpoint_check(const struct vp_breakpoint *b)
{
	static const struct vp_breakpoint none;

	if (b->kind == BREAKPOINT_NONE)
		return memcmp(b, &none, sizeof(none)) ? STATUS_INVALID_ARGUMENT : STATUS_OK;
	if (b->kind > BREAKPOINT_ACCESS || memcmp(b->reserved, none.reserved, sizeof(b->reserved)))
		return STATUS_INVALID_ARGUMENT;
	if (b->length > 8 || !(BIT(b->length) & BREAKPOINT_LENGTHS) ||
	    (b->kind == BREAKPOINT_EXECUTE && b->length != 1))
		return STATUS_INVALID_ARGUMENT;
	return IS_ALIGNED(b->address, b->length) ? STATUS_OK : STATUS_MISALIGNED;
}

static status_t state_check(const struct vp_debug_state *state)
{
	status_t status = STATUS_OK;
	unsigned int i;

	if ((state->flags & ~(uint32_t)DEBUG_FLAGS) || state->reserved)
		return STATUS_INVALID_ARGUMENT;
	for (i = 0; i < BREAKPOINT_COUNT && status == STATUS_OK; i++)
		status = breakpoint_check(&state->breakpoint[i]);
	return status;
}

/* The guest's registers are taken out of the processor's, or out of the state of a VP that is not
 * debugged yet. */
static void guest_registers_take(struct vp *vp, uint32_t vtl)
{
	struct guest_debug *d = &vp->vtl[vtl]->arch.debug;
	struct guest_state state;

	backend->arch.state_get(vp, vtl, STATE_DEBUG, &state);
	d->guest_dr6 = state.dr6;
	d->guest_dr7 = state.dr7;
}

static void begin(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;

	memset(&a->debug, 0, sizeof(a->debug));
	guest_registers_take(vp, vtl);
	a->work |= WORK_DEBUG;
}

static void end(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;
	struct guest_state state = {.dr6 = a->debug.guest_dr6, .dr7 = a->debug.guest_dr7};

	if (a->debug.resume_flag)
		a->rflags &= ~RFLAGS_RF;
	a->work &= ~(uint32_t)WORK_DEBUG;
	a->debug.lets = false;
	backend->arch.state_set(vp, vtl, STATE_DEBUG, &state);
	backend->arch.debug_set(vp, vtl);
}

__cold status_t arch_vp_set_debug_state(struct vp *vp, uint32_t vtl,
					const struct vp_debug_state *state)
{
	static const struct vp_debug_state none;
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;
	status_t status = state_check(state);

	if (status != STATUS_OK)
		return status;
	if (!memcmp(state, &none, sizeof(none))) {
		if (a->work & WORK_DEBUG)
			end(vp, vtl);
		return STATUS_OK;
	}
	if (!(a->work & WORK_DEBUG))
		begin(vp, vtl);
	a->debug.asked = *state;
	a->debug.own = false;
	a->debug.hit = 0;
	guest_debug_moved(vp, vtl);
	guest_debug_merge(vp, vtl);
	return STATUS_OK;
}

/* ---- the processor's debug registers ---- */

/* LEN and R/W as DR7 has them (SDM 3B 17.2.4): a length of 8 is 2. */
static uint64_t type_bits(const struct vp_breakpoint *b)
{
	static const uint8_t lengths[] = {[1] = 0, [2] = 1, [4] = 3, [8] = 2};
	static const uint8_t kinds[] = {
		[BREAKPOINT_EXECUTE] = 0,
		[BREAKPOINT_WRITE] = 1,
		[BREAKPOINT_ACCESS] = 3,
	};

	return (uint64_t)(lengths[b->length] << 2 | kinds[b->kind]);
}

static void register_fill(struct guest_debug *d, unsigned int i, unsigned int owner,
			  uint64_t address, uint64_t type, uint64_t enables)
{
	d->owner[i] = (uint8_t)owner;
	d->dr[i] = address;
	d->dr7 |= type << DR7_TYPE_SHIFT(i) | enables;
}

/* The register of the same number, if it is free. */
static unsigned int register_free(const struct guest_debug *d, unsigned int wanted)
{
	unsigned int i;

	if (d->owner[wanted] == DEBUG_OWNER_NONE)
		return wanted;
	for (i = 0; i < BREAKPOINT_COUNT; i++)
		if (d->owner[i] == DEBUG_OWNER_NONE)
			break;
	return i;
}

__cold void guest_debug_merge(struct vp *vp, uint32_t vtl)
{
	struct guest_debug *d = &vp->vtl[vtl]->arch.debug;
	const struct vp_breakpoint *b = d->asked.breakpoint;
	unsigned int i, free;

	d->dr7 = DR7_RESET;
	for (i = 0; i < BREAKPOINT_COUNT; i++) {
		register_fill(d, i, DEBUG_OWNER_NONE, 0, 0, 0);
		if (b[i].kind != BREAKPOINT_NONE)
			register_fill(d, i, DEBUG_OWNER_VMM, b[i].address, type_bits(&b[i]),
				      DR7_GLOBAL(i));
	}
	for (i = 0; i < BREAKPOINT_COUNT; i++) {
		if (!(d->guest_dr7 & DR7_ENABLES(i)))
			continue;
		free = register_free(d, i);
		if (free == BREAKPOINT_COUNT)
			break;
		register_fill(d, free, i, vp->arch.dr[i], DR7_TYPE(d->guest_dr7, i),
			      DR7_GLOBAL(free));
	}
	backend->arch.debug_set(vp, vtl);
}

__cold void guest_debug_access(struct vp *vp, const struct vp_exit *exit)
{
	struct guest_debug *d = &vp_arch(vp)->debug;

	d->guest_turn = true;
	d->written6 = exit->cr.write && (exit->cr.number == 6 || exit->cr.number == 4);
	backend->arch.debug_set(vp, vp->active_vtl);
}

__cold void guest_debug_let(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	if (!(a->work & WORK_DEBUG)) {
		begin(vp, vp->active_vtl);
		a->debug.own = true;
		guest_debug_moved(vp, vp->active_vtl);
		guest_debug_merge(vp, vp->active_vtl);
	}
	a->debug.lets = true;
	a->debug.let_rip = a->rip;
}

/* The instruction of the guest's turn is over, or was not begun. The trap of the step may have added
 * DR6.BS. One that the guest has written itself, at the same time, is lost. */
static void guest_turn_end(struct vp *vp)
{
	struct guest_debug *d = &vp_arch(vp)->debug;
	uint64_t kept = d->written6 ? 0 : d->guest_dr6 & DR6_BS;

	guest_registers_take(vp, vp->active_vtl);
	d->guest_dr6 = (d->guest_dr6 & ~DR6_BS) | kept;
	d->guest_turn = false;
	guest_debug_merge(vp, vp->active_vtl);
}

/* ---- what an exit brings ---- */

void guest_debug_moved(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;

	a->debug.rip = a->rip;
	a->debug.done = false;
}

__cold void guest_debug_instruction_done(struct vp *vp)
{
	vp_arch(vp)->debug.done = true;
}

/* Those on code come before their instruction: with a trap, QEMU 7.2 tells already of one that is next. */
static uint32_t code_bits(const struct guest_debug *d)
{
	uint32_t bits = 0;
	unsigned int i;

	for (i = 0; i < BREAKPOINT_COUNT; i++)
		if (!(DR7_TYPE(d->dr7, i) & 3))
			bits |= (uint32_t)BIT(i);
	return bits;
}

/* Whose the breakpoints are that were met; bits of DR6. Those of the guest's get its numbers. */
static uint32_t breakpoints_take(struct guest_debug *d, uint32_t bits)
{
	uint32_t guest = 0;
	unsigned int i;

	for (i = 0; i < BREAKPOINT_COUNT; i++) {
		if (!(bits & BIT(i)))
			continue;
		if (d->owner[i] == DEBUG_OWNER_VMM)
			d->hit = (uint8_t)(i + 1);
		else if (d->owner[i] < DEBUG_OWNER_VMM)
			guest |= (uint32_t)BIT(d->owner[i]);
	}
	return guest;
}

/* In the guest's turn the bits are its own, with old ones among them, and MOV meets none but the step's. */
static bool debug_exception(struct vp *vp, uint32_t bits)
{
	struct guest_debug *d = &vp_arch(vp)->debug;
	bool stepped = guest_step_ended(vp, &bits);
	uint32_t guest;

	if (d->guest_turn) {
		guest = stepped ? 0 : bits & ~(uint32_t)DR6_BS; /* a fault */
		guest_turn_end(vp);
	} else {
		if (bits & DR6_BS)
			bits &= ~code_bits(d);
		guest = breakpoints_take(d, bits) | (bits & (uint32_t)(DR6_BD | EXIT_DEBUG_INT1));
		if (!stepped)
			guest |= bits & (uint32_t)DR6_BS;
	}
	if (stepped && d->trap_flag)
		guest |= (uint32_t)DR6_BS;
	d->guest_dr6 |= guest & (uint32_t)~EXIT_DEBUG_INT1;
	return !guest && (stepped || d->hit);
}

__cold bool guest_debug_exception(struct vp *vp, const struct vp_exit *exit)
{
	switch (exit->event.vector) {
	case EXCEPTION_DB: return debug_exception(vp, exit->event.debug);
	case EXCEPTION_BP:
	case EXCEPTION_OF: guest_step_software(vp, exit); return true;
	default: return false;
	}
}

/* ---- between exit and entry ---- */

static bool executes_at(const struct guest_debug *d, unsigned int i)
{
	return i < BREAKPOINT_COUNT && d->asked.breakpoint[i].kind == BREAKPOINT_EXECUTE;
}

static enum vp_outcome report(struct vp *vp, enum vp_run_reason reason)
{
	struct guest_debug *d = &vp_arch(vp)->debug;
	uint32_t index = d->hit - 1u;

	if (reason == VP_RUN_HW_BREAK && executes_at(d, index)) {
		d->passing = true;
		d->passed = vp_arch(vp)->rip;
	}
	d->hit = 0;
	guest_debug_moved(vp, vp->active_vtl);
	return run_page_debug(vp, reason, index);
}

__cold enum vp_outcome guest_debug_report(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	struct guest_debug *d = &a->debug;

	if (d->resume_flag)
		a->rflags &= ~RFLAGS_RF;
	d->resume_flag = false;
	if (d->own && !d->lets) {
		end(vp, vp->active_vtl);
		return VP_CONTINUE;
	}
	if (d->guest_turn && a->rip != d->rip)
		guest_turn_end(vp);
	if (d->hit)
		return report(vp, d->hit == DEBUG_HIT_INT3 ? VP_RUN_INT3 : VP_RUN_HW_BREAK);
	if (!(d->asked.flags & DEBUG_SINGLE_STEP))
		return VP_CONTINUE;
	/* What was done without an exception of its own has moved RIP; a fault has not, and the step
	 * goes on to its handler. */
	if (d->done || (a->rip != d->rip && !(a->work & WORK_EVENT)))
		return report(vp, VP_RUN_SINGLE_STEP);
	return VP_CONTINUE;
}

__cold void guest_debug_resume(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	a->debug.resume_flag |= !(a->rflags & RFLAGS_RF);
	a->rflags |= RFLAGS_RF;
}

__cold enum vp_outcome guest_debug_enter(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	struct guest_debug *d = &a->debug;
	bool steps;

	if (d->injected || a->rip != d->let_rip)
		d->lets = false;
	steps = guest_debug_steps(a);
	d->rip = a->rip;
	d->left = STEP_NONE;
	d->done = false;
	d->trap_flag = a->rflags & RFLAGS_TF;
	if (d->passing && d->passed != a->rip)
		d->passing = false;
	if (steps && !d->injected)
		guest_step_instruction(vp);
	else if (d->passing && !d->injected)
		guest_debug_resume(vp);
	if (d->hit)
		return guest_debug_report(vp);
	if (steps && d->injected) {
		d->mode = STEP_DELIVERY;
		backend->arch.step(vp, STEP_DELIVERY);
	}
	d->injected = false;
	if (d->lets) {
		/* It has passed its breakpoints before it exited. */
		guest_debug_resume(vp);
		backend->arch.tables_watch(vp, vp->active_vtl, 0);
	}
	return VP_CONTINUE;
}
