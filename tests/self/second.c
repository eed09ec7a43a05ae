/* SPDX-License-Identifier: MIT */
/* Tests with guests of two VPs: see second.h. */
#include "second.h"
#include <kernel/cpu.h>

bool second_says(uint32_t value)
{
	return second_is_over() && second_vp->run->reason == VP_RUN_PORT_IO &&
	       second_vp->run->port.value == value;
}

bool second_is_blocked(void)
{
	uint64_t limit = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;

	while (atomic_load(&second_vp->run_state) != VP_BLOCKED && timestamp_read() < limit)
		cpu_relax();
	return atomic_load(&second_vp->run_state) == VP_BLOCKED;
}

bool second_test(bool (*function)(struct test_guest *g), const char **why)
{
	return second_test_flags(function, 0, why);
}

bool second_test_flags(bool (*function)(struct test_guest *g), uint32_t flags, const char **why)
{
	struct test_guest g;

	*why = "the machine has one CPU";
	if (cpu_count < 2 || !guests_can_run(why))
		return false; /* with why it cannot be tried */
	*why = NULL;
	if (!second_task_init() || !guest_create_vps_flags(&g, 2, flags))
		return false;
	second_vp = partition_vp(g.partition, 1);
	second_vp->run = page_alloc(&kernel_heap, 0);
	/* A VP that still runs cannot be taken away: after a failure its guest stays. */
	if (!second_vp->run || !function(&g))
		return false;
	second_unbind();
	page_free(&kernel_heap, second_vp->run, 0);
	guest_destroy(&g);
	return true;
}
