/* SPDX-License-Identifier: MIT */
/* Steps over what changes the exception level or waits, a BRK of the guest's own, and its own debug registers. */
#include "guest.h"

GUEST_CODE_DECLARE(stepped);
GUEST_CODE_DECLARE(stepped_el1);
GUEST_CODE_DECLARE(stepped_sleep);
GUEST_CODE_DECLARE(own_seen);
extern const char guest_stepped_svc[], guest_stepped_undefined[];
extern const char guest_stepped_el1_none[], guest_stepped_el1_break[];
extern const char guest_stepped_wait[], guest_stepped_woken[], guest_stepped_loop[];
extern const char guest_own_seen_here[], guest_own_seen_theirs[];

#define PLACE(guest, label) (GUEST_CODE + (uint64_t)(guest_##label - guest_##guest))

#define SAME_SYNCHRONOUS  (GUEST_VECTORS + 4 * 128u)
#define SAME_IRQ	  (GUEST_VECTORS + 5 * 128u)
#define LOWER_SYNCHRONOUS (GUEST_VECTORS + 8 * 128u)
#define SAYS_SAME	  (0xe00u + 4)
#define SAYS_IRQ	  (0xe00u + 5)
#define SAYS_LOWER	  (0xe00u + 8)
#define IL		  BIT(25)
#define ESR(class, iss)	  ((uint32_t)((class) << 26 | IL | (iss)))
#define ESR_SVC(n)	  ESR(0x15u, n)
#define ESR_UNDEFINED	  ESR(0u, 0)
#define ESR_ABORT	  ESR(0x25u, 0x10) /* external */
#define ESR_BRK(n)	  ESR(0x3cu, n)
#define ESR_BREAKPOINT	  ESR(0x31u, 0x22)
#define MODE		  MASK(4)
#define EL0		  0u
#define EL1H		  5u
#define PSTATE_SS	  BIT(21)

static const struct vp_debug_state step = {.flags = DEBUG_SINGLE_STEP};
static const struct vp_debug_state none = {0};

static bool debug_set(struct test_guest *g, const struct vp_debug_state *state)
{
	return arch_vp_set_debug_state(g->vp, 0, state) == STATUS_OK;
}

static bool steps_to(struct test_guest *g, uint64_t pc, uint64_t mode)
{
	return guest_run(g) == VP_RUN_SINGLE_STEP && g->run->regs.pc == pc &&
	       (g->run->regs.pstate & (MODE | PSTATE_SS)) == mode;
}

/* Without a debugger the handler tells of what it was called for, and goes on. */
static bool handles(struct test_guest *g, uint32_t vector, uint32_t esr)
{
	return debug_set(g, &none) && guest_says(g, vector) && guest_says(g, esr);
}

static bool breaks_at(struct test_guest *g, uint64_t pc)
{
	const struct vp_debug_state there = {
		.breakpoint = {{.address = pc, .kind = BREAKPOINT_EXECUTE, .length = 1}}};

	return debug_set(g, &there) && guest_run(g) == VP_RUN_HW_BREAK && g->run->regs.pc == pc;
}

SELFTEST(arm_debug_steps_between_levels)
{
	struct test_guest g;
	unsigned int i;

	GUEST_SETUP(&g);
	guest_start(&g, stepped);
	GUEST_CHECK(&g, debug_set(&g, &step));
	for (i = 1; i < 4; i++)
		GUEST_CHECK(&g, steps_to(&g, GUEST_CODE + 4 * i, EL1H));
	GUEST_CHECK(&g, steps_to(&g, PLACE(stepped, stepped_svc), EL0)); /* ERET */
	GUEST_CHECK(&g, steps_to(&g, LOWER_SYNCHRONOUS, EL1H));
	GUEST_CHECK(&g, handles(&g, SAYS_LOWER, ESR_SVC(5)));
	GUEST_CHECK(&g, breaks_at(&g, PLACE(stepped, stepped_undefined)));
	GUEST_CHECK(&g, debug_set(&g, &step));
	GUEST_CHECK(&g, steps_to(&g, LOWER_SYNCHRONOUS, EL1H));
	GUEST_CHECK(&g, handles(&g, SAYS_LOWER, ESR_UNDEFINED));
	guest_destroy(&g);
}

/* What the kernel makes of an instruction, and what the VMM does, ends the step as well. */
SELFTEST(arm_debug_steps_into_handlers)
{
	const struct vp_debug_state breaks = {.flags = DEBUG_INT3 | DEBUG_SINGLE_STEP};
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, stepped_el1);
	GUEST_CHECK(&g, debug_set(&g, &step));
	GUEST_CHECK(&g, steps_to(&g, GUEST_CODE + 4, EL1H));
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_MMIO);
	g.run->event.type = VP_EVENT_ABORT;
	g.run->set = VP_SET_EVENT;
	GUEST_CHECK(&g, steps_to(&g, SAME_SYNCHRONOUS, EL1H));
	GUEST_CHECK(&g, !(guest_register(&g, HV_ARM64_REGISTER_SPSR_EL1) & PSTATE_SS));
	GUEST_CHECK(&g, handles(&g, SAYS_SAME, ESR_ABORT));
	GUEST_CHECK(&g, breaks_at(&g, PLACE(stepped_el1, stepped_el1_none)));
	GUEST_CHECK(&g, debug_set(&g, &step));
	GUEST_CHECK(&g, steps_to(&g, SAME_SYNCHRONOUS, EL1H));
	GUEST_CHECK(&g, !(guest_register(&g, HV_ARM64_REGISTER_SPSR_EL1) & PSTATE_SS));
	GUEST_CHECK(&g, handles(&g, SAYS_SAME, ESR_UNDEFINED));
	GUEST_CHECK(&g, breaks_at(&g, PLACE(stepped_el1, stepped_el1_none) + 4));
	GUEST_CHECK(&g, debug_set(&g, &step));
	GUEST_CHECK(&g, steps_to(&g, PLACE(stepped_el1, stepped_el1_break), EL1H));
	GUEST_CHECK(&g, g.vp->arch.x[1] == 0);
	/* BRK, to the VMM, which gives it back. */
	GUEST_CHECK(&g, debug_set(&g, &breaks));
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_INT3);
	GUEST_CHECK(&g, g.run->regs.pc == PLACE(stepped_el1, stepped_el1_break));
	g.run->event.type = VP_EVENT_BREAK;
	g.run->set = VP_SET_EVENT;
	GUEST_CHECK(&g, steps_to(&g, SAME_SYNCHRONOUS, EL1H));
	GUEST_CHECK(&g, guest_register(&g, HV_ARM64_REGISTER_ESR_EL1) == ESR_BRK(0x1234));
	GUEST_CHECK(&g, guest_register(&g, HV_ARM64_REGISTER_ELR_EL1) ==
				PLACE(stepped_el1, stepped_el1_break));
	GUEST_CHECK(&g, !(guest_register(&g, HV_ARM64_REGISTER_SPSR_EL1) & PSTATE_SS));
	GUEST_CHECK(&g, handles(&g, SAYS_SAME, ESR_BRK(0x1234)));
	/* Nothing else can be answered so. */
	GUEST_CHECK(&g, guest_says(&g, 1));
	g.run->event.type = VP_EVENT_BREAK;
	g.run->set = VP_SET_EVENT;
	GUEST_CHECK(&g, debug_set(&g, &none));
	GUEST_CHECK(&g, guest_register(&g, HV_ARM64_REGISTER_PC) != SAME_SYNCHRONOUS);
	GUEST_CHECK(&g, guest_register(&g, HV_ARM64_REGISTER_PC) >
				PLACE(stepped_el1, stepped_el1_break));
	guest_destroy(&g);
}

#define HELD_STEPS 20u
#define STEPS_MAX  100000u /* the interrupt comes some time */

/* WFI may end before its time: whatever waits at the host ends it as well. */
SELFTEST(arm_debug_steps_over_sleep)
{
	const struct vp_debug_state hold = {.flags = DEBUG_SINGLE_STEP | DEBUG_HOLD_INTERRUPTS};
	const uint64_t loop = PLACE(stepped_sleep, stepped_loop);
	struct test_guest g;
	unsigned int i;

	GUEST_SETUP(&g);
	guest_start(&g, stepped_sleep);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, breaks_at(&g, PLACE(stepped_sleep, stepped_wait)));
	GUEST_CHECK(&g, debug_set(&g, &hold));
	GUEST_CHECK(&g, steps_to(&g, PLACE(stepped_sleep, stepped_woken), EL1H));
	for (i = 0; i < HELD_STEPS; i++)
		GUEST_CHECK(&g, steps_to(&g, loop + i % 2 * 4, EL1H));
	GUEST_CHECK(&g, debug_set(&g, &step));
	for (i = 0; i < STEPS_MAX && guest_run(&g) == VP_RUN_SINGLE_STEP; i++)
		if (g.run->regs.pc != loop && g.run->regs.pc != loop + 4)
			break;
	GUEST_CHECK(&g, g.run->regs.pc == SAME_IRQ);
	GUEST_CHECK(&g, handles(&g, SAYS_IRQ, 27));
	GUEST_CHECK(&g, guest_says(&g, 2));
	guest_destroy(&g);
}

static bool says_its_own(struct test_guest *g)
{
	return guest_says(g, (uint32_t)PLACE(own_seen, own_seen_here)) && guest_says(g, 0x1e3) &&
	       guest_says(g, GUEST_DATA) && guest_says(g, 0x1ff6) && guest_says(g, 0xa000);
}

/* Its own breakpoint waits while the VMM has one, and works again afterwards. */
SELFTEST(arm_debug_is_not_seen)
{
	const uint64_t here = PLACE(own_seen, own_seen_here);
	const uint64_t theirs = PLACE(own_seen, own_seen_theirs);
	const struct vp_debug_state state = {
		.breakpoint = {{.address = theirs, .kind = BREAKPOINT_EXECUTE, .length = 1},
			       {.address = GUEST_DATA, .kind = BREAKPOINT_WRITE, .length = 8}}};
	struct test_guest g;
	unsigned int i;

	GUEST_SETUP(&g);
	guest_start(&g, own_seen);
	for (i = 0; i < 2; i++) {
		GUEST_CHECK(&g, debug_set(&g, &state));
		GUEST_CHECK(&g, says_its_own(&g));
		GUEST_CHECK(&g, guest_run(&g) == VP_RUN_HW_BREAK && g.run->regs.pc == theirs);
		GUEST_CHECK(&g, guest_says(&g, 1));
		GUEST_CHECK(&g, debug_set(&g, &none));
		GUEST_CHECK(&g, says_its_own(&g));
		GUEST_CHECK(&g, guest_says(&g, SAYS_SAME));
		GUEST_CHECK(&g, guest_says(&g, ESR_BREAKPOINT));
		GUEST_CHECK(&g, guest_register(&g, HV_ARM64_REGISTER_ELR_EL1) == here);
		GUEST_CHECK(&g, guest_says(&g, 1));
	}
	guest_destroy(&g);
}
