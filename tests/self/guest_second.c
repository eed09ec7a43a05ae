/* SPDX-License-Identifier: MIT */
/*
 * Two VPs on two CPUs: the test runs VP 0, a thread of the kernel's own runs VP 1 on the last CPU
 * as the system call does: it blocks while the VP is halted and is woken by vp_request(). And a VP that
 * runs on either CPU in turn.
 */
#include "second.h"
#include <kernel/cpu.h>
#include <kernel/partition_arch.h>

GUEST_CODE_DECLARE(starter);
GUEST_CODE_DECLARE(started);
GUEST_CODE_DECLARE(elector);
GUEST_CODE_DECLARE(elected);
GUEST_CODE_DECLARE(clock);
GUEST_CODE_DECLARE(clocked);
GUEST_CODE_DECLARE(mover);
extern const char guest_started_irq[], guest_elector_irq[], guest_elected_irq[];
extern const char guest_mover_tick[];

#define SECOND_VECTOR 0x50u

/* ---- what the two do ---- */

static void second_vector_set(struct test_guest *g, unsigned int vector, uintptr_t handler)
{
	uint16_t *entry = (uint16_t *)g->ram + vector * 2;

	entry[0] = (uint16_t)handler;
	entry[1] = SECOND_CODE >> 4;
}

/* INIT and SIPI start VP 1 in real mode, an IPI ends its HLT. */
static bool starts_and_wakes(struct test_guest *g)
{
	second_vector_set(g, SECOND_VECTOR, (uintptr_t)guest_started_irq);
	second_code_set(g, started);
	guest_start(g, starter);
	if (!second_run() || !second_is_blocked()) /* it waits for SIPI */
		return false;
	if (!guest_says(g, 1) || !second_says(3))
		return false;
	if (!second_run() || !second_is_blocked()) /* HLT */
		return false;
	if (!guest_says(g, 2) || !second_says(4))
		return false;
	return second_run() && second_says(5);
}

/* A lowest-priority IPI goes to the VP with the lower TPR: two, as equals would take turns. */
static bool lowest_priority(struct test_guest *g)
{
	unsigned int i;

	second_code_set(g, elected);
	guest_start(g, elector);
	for (i = 0; i < 2; i++) {
		guest_vector_set(g, SECOND_VECTOR + i, (uintptr_t)guest_elector_irq);
		second_vector_set(g, SECOND_VECTOR + i, (uintptr_t)guest_elected_irq);
	}
	if (!second_run() || !second_is_blocked() || !guest_says(g, 1) || !second_says(3))
		return false;
	if (!second_run() || !second_is_blocked()) /* HLT */
		return false;
	/* VP 0 is busy, and had none; VP 1 had both. */
	if (!guest_says(g, 0) || !second_says(4))
		return false;
	/* VP 1 is busy, and had no more than these. */
	return guest_says(g, 2) && second_run() && second_says(2);
}

/* One clock for all VPs, until one of them sets its own; TSC_ADJUST tells by how much, and brings it
 * back. */
static bool one_clock(struct test_guest *g)
{
	const uint64_t *t = (const uint64_t *)(g->ram + GUEST_DATA);
	const uint64_t set = BIT(40), margin = BIT(39);

	second_code_set(g, clocked);
	guest_start(g, clock);
	if (!second_run() || !second_is_blocked())
		return false;
	if (!guest_says(g, 1) || !second_says(4) || !guest_says(g, 2))
		return false;
	if (!(t[0] < t[4] && t[4] < t[1] && t[1] < margin))
		return false;
	if (!second_run() || !second_says(5) || !guest_says(g, 3))
		return false;
	/* VP 1 reads what it wrote and its sum of changes, VP 0 nothing of either. */
	if (!(t[5] >= set && t[5] < set + margin && t[2] > t[1] && t[2] < margin && t[3] == 0))
		return false;
	if (!(set - t[6] > t[1] && set - t[6] < t[2]))
		return false;
	if (!second_run() || !second_says(6) || !guest_says(g, 7))
		return false;
	return t[2] < t[7] && t[7] < t[8];
}

#define MOVES	   6u
#define TIMER_TICK 0x40u

/* VP 0 goes from CPU to CPU with all that it has: registers, FPU, MSRs, debug registers, TSC, and a
 * timer that was armed on the other one. */
static bool moves(struct test_guest *g)
{
	struct vp *other = second_vp;
	struct vp_run_page *page = other->run;
	bool ok = true;
	uint32_t i;

	guest_start(g, mover);
	guest_vector_set(g, TIMER_TICK, (uintptr_t)guest_mover_tick);
	second_vp = g->vp;
	for (i = 1; ok && i <= MOVES; i++) {
		if (i % 2) {
			arch_vp_bind(g->vp);
			ok = guest_says(g, i);
			arch_vp_unbind(g->vp);
		} else {
			ok = second_run() && second_says(i);
			second_unbind();
		}
	}
	second_vp = other;
	second_vp->run = page;
	return ok;
}

/* ---- the tests ---- */

SELFTEST(second_vp_starts_and_wakes)
{
	SECOND_TEST(starts_and_wakes);
}

SELFTEST(second_vp_lowest_priority)
{
	SECOND_TEST(lowest_priority);
}

SELFTEST(second_vp_has_the_same_clock)
{
	SECOND_TEST(one_clock);
}

SELFTEST(second_cpu_takes_a_vp_over)
{
	SECOND_TEST(moves);
}
