/* SPDX-License-Identifier: MIT */
/*
 * VPs that change CPUs while they run, with interrupts, timers and floating point in flight; and how long
 * a VP that spins on another CPU takes to give way.
 */
#include "second.h"
#include <arch/cr.h>
#include <kernel/cpu.h>
#include <kernel/partition_arch.h>
#include <kernel/timer.h>

GUEST_CODE_DECLARE(swapper);
GUEST_CODE_DECLARE(spinner);
extern const char guest_swapper_tick[], guest_swapper_ping[];

#define MOVES	    200u
#define TICK	    0x40u
#define PING	    0x41u
#define SLICE_US    50u
#define SLICES_MAX  100000u
#define OTHER_STACK (GUEST_STACK - 0x800u)
#define YIELDS	    20u
/* Of the time stamp: the preemption timer's 4 ms, and the way back. */
#define YIELD_MS    5u

struct counts { /* of a VP: guests_move.S */
	uint64_t ticks, pings, rounds, sent, unused[4];
};

static struct vp *here;

static void slice_over(struct timer *timer)
{
	(void)timer;
	vp_request(here, VP_REQUEST_YIELD);
}

/* VP 1 begins as VP 0 does, with a stack of its own. */
static void second_start_as_first(struct test_guest *g, struct vp *second)
{
	struct guest_state state;

	backend->arch.state_get(g->vp, 0, STATE_ALL, &state);
	backend->arch.state_set(second, 0, STATE_ALL, &state);
	second->vtl[0]->arch.rip = GUEST_CODE;
	second->vtl[0]->arch.activity = ACTIVITY_RUNNING;
	second->arch.gpr[GPR_RSP] = OTHER_STACK;
	backend->unbind(second);
}

static bool has_yielded(const struct vp *vp)
{
	return vp->run->reason == VP_RUN_YIELD;
}

/* Both run at the same time, until each has had a tick and one of them the other's interrupt. */
static bool both_run(const volatile struct counts counts[2])
{
	uint64_t ticks[2] = {counts[0].ticks, counts[1].ticks};
	uint64_t pings = counts[0].pings + counts[1].pings;
	struct timer slice;
	bool done = false;
	unsigned int i;

	timer_init(&slice, slice_over);
	if (!second_run())
		return false;
	arch_vp_bind(here);
	for (i = 0; i < SLICES_MAX && !done; i++) {
		timer_set(&slice, timestamp_read() + timestamp_hz / 1000000 * SLICE_US);
		arch_vp_resume(here);
		while (vp_run(here) != VP_TO_VMM)
			;
		if (!has_yielded(here))
			break;
		done = counts[0].ticks > ticks[0] && counts[1].ticks > ticks[1] &&
		       counts[0].pings + counts[1].pings > pings;
	}
	timer_cancel(&slice);
	vp_request(second_vp, VP_REQUEST_YIELD);
	if (!second_is_over() || !has_yielded(second_vp))
		return false;
	arch_vp_unbind(here);
	second_unbind();
	return done;
}

static bool swap(struct test_guest *g)
{
	const struct counts *counts = (const struct counts *)(g->ram + GUEST_DATA);
	struct vp *second = second_vp;
	bool good = true;
	unsigned int i;

	guest_start(g, swapper);
	guest_vector_set(g, TICK, (uintptr_t)guest_swapper_tick);
	guest_vector_set(g, PING, (uintptr_t)guest_swapper_ping);
	second_start_as_first(g, second);
	here = g->vp;
	for (i = 0; good && i < MOVES; i++) {
		struct vp *other = here;

		good = both_run(counts);
		here = second_vp;
		second_vp = other;
	}
	second_vp = second;
	return good && counts[0].rounds && counts[1].rounds;
}

SELFTEST(vps_change_cpus_while_they_run)
{
	SECOND_TEST(swap);
}

/* The clock of a machine that is a guest itself goes on while others have its processor. */
static bool clock_is_ours(void)
{
	return !(cpuid_read(1, 0).ecx & BIT(31));
}

static bool gives_way(struct test_guest *g, bool interrupts)
{
	unsigned int in_time = 0;
	unsigned int i;

	guest_start(g, spinner);
	second_start_as_first(g, second_vp);
	second_vp->arch.gpr[GPR_RAX] = interrupts;
	for (i = 0; i < YIELDS; i++) {
		uint64_t from;

		if (!second_run())
			return false;
		while (!atomic_load(&second_vp->cpu))
			cpu_relax();
		for (from = timestamp_read(); timestamp_read() < from + timestamp_hz / 10000;)
			cpu_relax();
		from = timestamp_read();
		vp_request(second_vp, VP_REQUEST_YIELD);
		if (!second_is_over() || !has_yielded(second_vp))
			return false;
		in_time += timestamp_read() - from < timestamp_hz / 1000 * YIELD_MS;
	}
	return in_time == YIELDS || !clock_is_ours();
}

static bool spins(struct test_guest *g)
{
	return gives_way(g, true);
}

static bool spins_without_interrupts(struct test_guest *g)
{
	return gives_way(g, false);
}

SELFTEST(a_vp_that_spins_gives_way)
{
	SECOND_TEST(spins);
}

SELFTEST(a_vp_that_spins_with_interrupts_off_gives_way)
{
	SECOND_TEST(spins_without_interrupts);
}
