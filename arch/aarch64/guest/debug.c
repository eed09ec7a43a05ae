/* SPDX-License-Identifier: MIT */
/*
 * Debug registers. The guest's accesses trap and go to memory; they are in the processor while its MDSCR_EL1 asks for
 * something and nobody debugs it from outside.
 *
 * For the VMM as a debugger all debug exceptions come to EL2 (MDCR_EL2.TDE), and the registers are the VMM's: the
 * guest's own wait, and BRK is handed on. A step is the processor's (Arm ARM D2.12): PSTATE.SS lets one instruction
 * go, an instruction that the kernel finishes clears it. A breakpoint is told before its instruction, which is
 * stepped over without breakpoints afterwards; a watchpoint comes before the access, which is stepped over so as
 * well, and then told.
 */
#include "guest.h"
#include "vgic_hw.h"
#include "world.h"
#include <kernel/string.h>

#define MDSCR_SS     BIT(0)
#define MDSCR_MDE    BIT(15)
#define VECTORS_SIZE 0x800u

/* DBGBCR<n>_EL1 and DBGWCR<n>_EL1 (D17.3): EL0 and EL1. */
#define CONTROL_ON	    (BIT(0) | 3ull << 1)
#define BREAKPOINT_BYTES    (0xfull << 5)
#define WATCHPOINT_STORE    (2ull << 3)
#define WATCHPOINT_BOTH	    (3ull << 3)
#define WATCHPOINT_BYTES(b) ((uint64_t)(b) << 5)

/* A register's number is a part of the instruction. */
/* clang-format off */
#define EACH_REGISTER(X, op2)                                                    \
	X(0, op2) X(1, op2) X(2, op2) X(3, op2) X(4, op2) X(5, op2) X(6, op2)     \
	X(7, op2) X(8, op2) X(9, op2) X(10, op2) X(11, op2) X(12, op2)            \
	X(13, op2) X(14, op2) X(15, op2)
/* clang-format on */
#define WRITE_CASE(n, op2) \
	case n: __asm__ volatile("msr s2_0_c0_c" #n "_" #op2 ", %0" : : "r"(value)); break;

static __cold void breakpoint_write(unsigned int n, uint64_t value, uint64_t control)
{
	switch (n) {
		EACH_REGISTER(WRITE_CASE, 4)
	}
	value = control;
	switch (n) {
		EACH_REGISTER(WRITE_CASE, 5)
	}
}

static __cold void watchpoint_write(unsigned int n, uint64_t value, uint64_t control)
{
	switch (n) {
		EACH_REGISTER(WRITE_CASE, 6)
	}
	value = control;
	switch (n) {
		EACH_REGISTER(WRITE_CASE, 7)
	}
}

static unsigned int breakpoint_count(void)
{
	return ID_FIELD(el2_host_ids[ID_AA64DFR0], DFR0_BREAKPOINTS_SHIFT) + 1;
}

static unsigned int watchpoint_count(void)
{
	return ID_FIELD(el2_host_ids[ID_AA64DFR0], DFR0_WATCHPOINTS_SHIFT) + 1;
}

/* ---- what is in the processor ---- */

static __cold void guests_load(const struct vp_state_debug *debug)
{
	unsigned int n;

	for (n = 0; n < breakpoint_count(); n++)
		breakpoint_write(n, debug->breakpoint[n].value, debug->breakpoint[n].control);
	for (n = 0; n < watchpoint_count(); n++)
		watchpoint_write(n, debug->watchpoint[n].value, debug->watchpoint[n].control);
}

static uint64_t watchpoint_control(const struct vp_breakpoint *b)
{
	uint64_t bytes = MASK(b->length) << (b->address & 7);

	return CONTROL_ON | WATCHPOINT_BYTES(bytes) |
	       (b->kind == BREAKPOINT_WRITE ? WATCHPOINT_STORE : WATCHPOINT_BOTH);
}

/* Those that are not the VMM's are off; while an instruction is stepped over, so are all. */
static __cold void vmms_load(const struct guest_debug *d)
{
	unsigned int i, breakpoints = 0, watchpoints = 0;

	for (i = 0; i < BREAKPOINT_COUNT && !d->passing; i++) {
		const struct vp_breakpoint *b = &d->asked.breakpoint[i];

		if (b->kind == BREAKPOINT_EXECUTE)
			breakpoint_write(breakpoints++, b->address, CONTROL_ON | BREAKPOINT_BYTES);
		else if (b->kind != BREAKPOINT_NONE)
			watchpoint_write(watchpoints++, b->address & ~7ull, watchpoint_control(b));
	}
	while (breakpoints < breakpoint_count())
		breakpoint_write(breakpoints++, 0, 0);
	while (watchpoints < watchpoint_count())
		watchpoint_write(watchpoints++, 0, 0);
}

static bool steps(const struct guest_debug *d)
{
	return d->passing || (d->asked.flags & DEBUG_SINGLE_STEP);
}

void guest_debug_load(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	struct guest_debug *d = &a->debugger;

	if (likely(!(a->work & WORK_DEBUG))) {
		if (a->debug.mdscr_el1 & MDSCR_MDE)
			guests_load(&a->debug);
		sysreg_write(mdscr_el1, a->debug.mdscr_el1);
		return;
	}
	vmms_load(d);
	sysreg_write(mdscr_el1, MDSCR_MDE | (steps(d) ? MDSCR_SS : 0));
	sysreg_write(mdcr_el2, sysreg_read(mdcr_el2) | MDCR_TDE);
}

__cold void guest_debug_put(void)
{
	sysreg_write(mdscr_el1, 0);
	sysreg_write(mdcr_el2, sysreg_read(mdcr_el2) & ~MDCR_TDE);
}

/* ---- the VMM as a debugger ---- */

/* Before an entry; what was told is behind. */
__cold void guest_debug_enter(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	struct guest_debug *d = &a->debugger;

	if (d->told) {
		d->told = false;
		d->passing = d->broke_at == a->pc;
		if (steps(d))
			a->pstate |= PSTATE_SS;
	}
	guest_debug_load(vp);
	d->holds = steps(d) && (d->asked.flags & DEBUG_HOLD_INTERRUPTS);
}

static enum vp_outcome tell(struct vp *vp, enum vp_run_reason reason, uint32_t index)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	struct guest_debug *d = &a->debugger;

	a->pstate &= ~PSTATE_SS;
	d->told = true;
	d->passing = false;
	d->hit = 0;
	d->broke_at = a->pc;
	return run_page_debug(vp, reason, index);
}

/* The VMM's breakpoint at that address; of one byte at least that a watchpoint looks at. */
static uint32_t index_of(const struct guest_debug *d, uint64_t address, bool execute)
{
	uint32_t i;

	for (i = 0; i < BREAKPOINT_COUNT; i++) {
		const struct vp_breakpoint *b = &d->asked.breakpoint[i];

		if (b->kind == BREAKPOINT_NONE || (b->kind == BREAKPOINT_EXECUTE) != execute)
			continue;
		/* The processor may give the lowest address of the access. */
		if (execute ? b->address == address
			    : (address & ~7ull) <= b->address &&
				      b->address < (address & ~7ull) + 16)
			return i;
	}
	return BREAKPOINT_COUNT;
}

/* The instruction is let go by itself, and told of afterwards if `hit` is not 0. */
static enum vp_outcome step_over(struct vp *vp, uint8_t hit)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	a->debugger.hit = hit;
	a->debugger.passing = true;
	a->pstate |= PSTATE_SS;
	return VP_CONTINUE;
}

/* An exception that the processor has taken in the step shows the guest its PSTATE.SS, unless an instruction asked for
 * it (D2.12.4). A guest that steps by itself keeps what is there. */
static void step_hide(const struct arch_vp_vtl *a)
{
	bool handler = a->pc - sysreg_read(vbar_el1) < VECTORS_SIZE;

	if (handler && !(a->debug.mdscr_el1 & MDSCR_SS))
		sysreg_write(spsr_el1, sysreg_read(spsr_el1) & ~PSTATE_SS);
}

static enum vp_outcome step_ended(struct vp *vp)
{
	struct guest_debug *d = &vp_arch(vp)->debugger;
	uint32_t hit = d->hit;

	step_hide(vp_arch(vp));
	if (hit)
		return tell(vp, VP_RUN_HW_BREAK, hit - 1);
	if (d->asked.flags & DEBUG_SINGLE_STEP)
		return tell(vp, VP_RUN_SINGLE_STEP, 0);
	d->passing = false;
	vp_arch(vp)->pstate &= ~PSTATE_SS;
	return VP_CONTINUE;
}

enum vp_outcome exit_debug(struct vp *vp, struct vp_exit *exit)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	struct guest_debug *d = &a->debugger;
	uint32_t index;

	if (!(a->work & WORK_DEBUG))
		return run_page_failed(vp, exit->syndrome);
	switch (SYNDROME_EC(exit->syndrome)) {
	case CLASS_STEP: return step_ended(vp);
	case CLASS_BREAKPOINT:
		index = index_of(d, a->pc, true);
		return index < BREAKPOINT_COUNT ? tell(vp, VP_RUN_HW_BREAK, index)
						: step_over(vp, 0);
	case CLASS_WATCHPOINT:
		index = index_of(d, sysreg_read(far_el2), false);
		return step_over(vp, index < BREAKPOINT_COUNT ? (uint8_t)(index + 1) : 0);
	default: break;
	}
	if (d->asked.flags & DEBUG_INT3) {
		a->syndrome = exit->syndrome; /* for VP_EVENT_BREAK */
		return tell(vp, VP_RUN_INT3, 0);
	}
	guest_take(vp, exit->syndrome);
	return VP_CONTINUE;
}

static status_t breakpoint_check(const struct vp_breakpoint *b)
{
	if (b->kind == BREAKPOINT_NONE)
		return STATUS_OK;
	if (b->kind == BREAKPOINT_EXECUTE) {
		if (b->length != 1)
			return STATUS_INVALID_ARGUMENT;
		return IS_ALIGNED(b->address, 4) ? STATUS_OK : STATUS_MISALIGNED;
	}
	if (b->kind > BREAKPOINT_ACCESS || !b->length || b->length > 8 ||
	    (b->length & (b->length - 1)))
		return STATUS_INVALID_ARGUMENT;
	return IS_ALIGNED(b->address, b->length) ? STATUS_OK : STATUS_MISALIGNED;
}

/* As many of a kind as the processor has. */
static __cold status_t state_check(const struct vp_debug_state *state)
{
	const uint32_t known = DEBUG_SINGLE_STEP | DEBUG_INT3 | DEBUG_HOLD_INTERRUPTS;
	unsigned int i, breakpoints = 0, watchpoints = 0;
	status_t status = STATUS_OK;

	if ((state->flags & ~known) || state->reserved)
		return STATUS_INVALID_ARGUMENT;
	for (i = 0; i < BREAKPOINT_COUNT && status == STATUS_OK; i++) {
		const struct vp_breakpoint *b = &state->breakpoint[i];

		status = breakpoint_check(b);
		breakpoints += b->kind == BREAKPOINT_EXECUTE;
		watchpoints += b->kind > BREAKPOINT_EXECUTE;
	}
	if (status == STATUS_OK &&
	    (breakpoints > breakpoint_count() || watchpoints > watchpoint_count()))
		return STATUS_NOT_SUPPORTED;
	return status;
}

static bool asks(const struct vp_debug_state *state)
{
	unsigned int i;

	for (i = 0; i < BREAKPOINT_COUNT; i++)
		if (state->breakpoint[i].kind)
			return true;
	return state->flags & (DEBUG_SINGLE_STEP | DEBUG_INT3);
}

__cold status_t arch_vp_set_debug_state(struct vp *vp, uint32_t vtl,
					const struct vp_debug_state *state)
{
	struct arch_vp_vtl *a = vtl_arch(vp, vtl);
	uint64_t broke_at = a->debugger.broke_at;
	bool was = a->work & WORK_DEBUG;
	status_t status = state_check(state);

	if (status != STATUS_OK)
		return status;
	arch_vp_settle(vp);
	a->pstate &= ~PSTATE_SS;
	memset(&a->debugger, 0, sizeof(a->debugger));
	a->work &= ~(uint32_t)WORK_DEBUG;
	if (!asks(state))
		return STATUS_OK;
	a->debugger.asked = *state;
	a->debugger.told = true;
	/* No instruction breaks a second time because the state was set anew. */
	a->debugger.broke_at = was ? broke_at : UINT64_MAX;
	a->work |= WORK_DEBUG;
	return STATUS_OK;
}
