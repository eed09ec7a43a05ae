/* SPDX-License-Identifier: MIT */
/* Timers, interrupts and sleep. */
#include "guest.h"
#include <kernel/arch.h>
#include <kernel/state.h>

GUEST_CODE_DECLARE(virtual_timer);
GUEST_CODE_DECLARE(timer_split);
GUEST_CODE_DECLARE(physical_timer);
GUEST_CODE_DECLARE(spi);

#define VECTOR_IRQ (0xe00u + 5)
#define SPURIOUS   1023u

SELFTEST(arm_virtual_timer)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, virtual_timer);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, guest_says(&g, VECTOR_IRQ));
	GUEST_CHECK(&g, guest_says(&g, 27));
	GUEST_CHECK(&g, guest_says(&g, 2));
	GUEST_CHECK(&g, guest_says(&g, VECTOR_IRQ));
	GUEST_CHECK(&g, guest_says(&g, 27));
	GUEST_CHECK(&g, guest_says(&g, 3));
	GUEST_CHECK(&g, guest_says(&g, 4));
	GUEST_CHECK(&g, guest_says(&g, VECTOR_IRQ));
	GUEST_CHECK(&g, guest_says(&g, 27));
	GUEST_CHECK(&g, guest_says(&g, 5));
	guest_destroy(&g);
}

SELFTEST(arm_virtual_timer_deactivated_apart)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, timer_split);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, guest_says(&g, SPURIOUS));
	GUEST_CHECK(&g, guest_says(&g, SPURIOUS));
	GUEST_CHECK(&g, guest_says(&g, SPURIOUS));
	GUEST_CHECK(&g, guest_says(&g, 2));
	guest_destroy(&g);
}

SELFTEST(arm_physical_timer)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, physical_timer);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, guest_says(&g, 1)); /* on, and not due */
	GUEST_CHECK(&g, guest_says(&g, 5)); /* due */
	GUEST_CHECK(&g, guest_says(&g, 30));
	GUEST_CHECK(&g, guest_says(&g, 1023));
	guest_destroy(&g);
}

/* A guest that was saved on a machine that had run for longer than this one has. */
SELFTEST(arm_timers_of_an_older_machine)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	arch_partition_tsc_set(g.partition, timestamp_read() + (1ull << 50), timestamp_hz);
	guest_start(&g, physical_timer);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, guest_says(&g, 1)); /* on, and not due */
	GUEST_CHECK(&g, guest_says(&g, 5)); /* due */
	GUEST_CHECK(&g, guest_says(&g, 30));
	guest_destroy(&g);
}

/* It blocks, and an interrupt that comes then wakes it. */
SELFTEST(arm_wait_and_wake)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, spi);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, guest_blocks(g.vp));
	GUEST_CHECK(&g, arch_partition_set_spi(g.partition, 0, 31, true) != STATUS_OK);
	GUEST_CHECK(&g, arch_partition_set_spi(g.partition, 0, 32 + GUEST_SPIS, true) != STATUS_OK);
	GUEST_CHECK(&g, arch_partition_set_spi(g.partition, 0, 40, true) == STATUS_OK);
	GUEST_CHECK(&g, guest_says(&g, VECTOR_IRQ));
	GUEST_CHECK(&g, guest_says(&g, 40));
	/* Its line is still high: it comes again. */
	GUEST_CHECK(&g, guest_says(&g, VECTOR_IRQ));
	GUEST_CHECK(&g, guest_says(&g, 40));
	GUEST_CHECK(&g, arch_partition_set_spi(g.partition, 0, 40, false) == STATUS_OK);
	GUEST_CHECK(&g, guest_says(&g, 2));
	guest_destroy(&g);
}
