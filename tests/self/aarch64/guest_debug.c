/* SPDX-License-Identifier: MIT */
/* Breakpoints, watchpoints and steps: the VMM's and the guest's own. */
#include "guest.h"

GUEST_CODE_DECLARE(debugged);
GUEST_CODE_DECLARE(own_debug);
extern const char guest_debugged_data[], guest_debugged_store[], guest_debugged_break[];

#define VECTOR_SAME    (0xe00u + 4)
#define ESR_BRK_7      ((0x3cu << 26) | BIT(25) | 7)
#define ESR_BREAKPOINT ((0x31u << 26) | BIT(25) | 0x22)
#define PLACE(label)   (GUEST_CODE + (uint64_t)(guest_debugged_##label - guest_debugged))

static bool debug_set(struct test_guest *g, const struct vp_debug_state *state)
{
	return arch_vp_set_debug_state(g->vp, 0, state) == STATUS_OK;
}

static bool steps_to(struct test_guest *g, uint64_t pc)
{
	return guest_run(g) == VP_RUN_SINGLE_STEP && g->run->regs.pc == pc &&
	       !(g->run->regs.pstate & BIT(21));
}

SELFTEST(arm_debug_steps)
{
	const struct vp_debug_state step = {.flags = DEBUG_SINGLE_STEP};
	const struct vp_debug_state none = {0};
	struct test_guest g;
	unsigned int i;

	GUEST_SETUP(&g);
	guest_start(&g, debugged);
	GUEST_CHECK(&g, debug_set(&g, &step));
	for (i = 1; i < 7; i++)
		GUEST_CHECK(&g, steps_to(&g, GUEST_CODE + 4 * i));
	GUEST_CHECK(&g, g.vp->arch.x[0] == 0x10001);
	GUEST_CHECK(&g, guest_says(&g, 0x10001));
	GUEST_CHECK(&g, steps_to(&g, PLACE(data)));
	GUEST_CHECK(&g, steps_to(&g, PLACE(store)));
	GUEST_CHECK(&g, debug_set(&g, &none));
	GUEST_CHECK(&g, guest_says(&g, VECTOR_SAME));
	GUEST_CHECK(&g, guest_says(&g, (uint32_t)ESR_BRK_7));
	GUEST_CHECK(&g, guest_says(&g, 3));
	guest_destroy(&g);
}

static bool breaks(struct test_guest *g, uint32_t index, uint64_t pc)
{
	return guest_run(g) == VP_RUN_HW_BREAK && g->run->breakpoint.index == index &&
	       g->run->regs.pc == pc;
}

SELFTEST(arm_debug_breakpoints)
{
	struct vp_debug_state state = {
		.flags = DEBUG_INT3,
		.breakpoint =
			{[1] = {.address = PLACE(data), .kind = BREAKPOINT_EXECUTE, .length = 1},
			 [2] = {.address = GUEST_DATA + 8, .kind = BREAKPOINT_WRITE, .length = 4},
			 [3] = {.address = GUEST_DATA + 16,
				.kind = BREAKPOINT_ACCESS,
				.length = 4}},
	};
	struct test_guest g;
	unsigned int i;

	GUEST_SETUP(&g);
	guest_start(&g, debugged);
	GUEST_CHECK(&g, debug_set(&g, &state));
	GUEST_CHECK(&g, guest_says(&g, 0x10001));
	for (i = 0; i < 2; i++) {
		GUEST_CHECK(&g, breaks(&g, 1, PLACE(data)));
		/* Set anew, it does not come a second time. */
		GUEST_CHECK(&g, debug_set(&g, &state));
		GUEST_CHECK(&g, breaks(&g, 2, PLACE(store) + 4));
		GUEST_CHECK(&g, *(uint32_t *)(g.ram + GUEST_DATA + 8) == 55);
		GUEST_CHECK(&g, breaks(&g, 3, PLACE(break)));
		GUEST_CHECK(&g, guest_run(&g) == VP_RUN_INT3 && g.run->regs.pc == PLACE(break));
		g.run->regs.pc += 4;
		g.run->set = VP_SET_GPRS;
		GUEST_CHECK(&g, guest_says(&g, 3));
	}
	/* What the processor cannot do, or nobody. */
	state.breakpoint[1].address |= 2;
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &state) == STATUS_MISALIGNED);
	state.breakpoint[1].address = PLACE(data);
	state.breakpoint[2].length = 3;
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &state) == STATUS_INVALID_ARGUMENT);
	state.breakpoint[2].length = 4;
	state.flags = BIT(9);
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &state) == STATUS_INVALID_ARGUMENT);
	GUEST_CHECK(&g, breaks(&g, 1, PLACE(data)));
	guest_destroy(&g);
}

/* The exception that the guest has asked for; the VMM hears nothing of it. */
SELFTEST(arm_debug_of_the_guest)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, own_debug);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, guest_says(&g, VECTOR_SAME));
	GUEST_CHECK(&g, guest_says(&g, (uint32_t)ESR_BREAKPOINT));
	GUEST_CHECK(&g, guest_says(&g, 2));
	guest_destroy(&g);
}
