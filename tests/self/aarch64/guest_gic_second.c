/* SPDX-License-Identifier: MIT */
/* The guests' GIC with VPs on two CPUs that stay in the guest. */
#include "guest_gic.h"
#include "second.h"
#include <kernel/cpu.h>

GUEST_CODE_DECLARE(gic_pair);
GUEST_CODE_DECLARE(gic_remote);

#define ROUNDS	64u
#define SPI	40u
#define SPI_BIT (1u << (SPI - GIC_SPI_FIRST))

/* A guest whose VP 1 is still running can't be given back: after a failure it stays. */
#define SECOND_CHECK(condition)                                             \
	do {                                                                \
		if (!(condition)) {                                         \
			*outcome = SELFTEST_FAILED;                         \
			*reason = SELFTEST_PLACE(__LINE__) ": " #condition; \
			return;                                             \
		}                                                           \
	} while (0)

SELFTEST(arm_gic_sgis_between_cpus)
{
	struct test_guest g;

	SECOND_SETUP(&g);
	guest_start(&g, gic_pair);
	gic_up(&g, 2);
	SECOND_CHECK(second_start(&g));
	SECOND_CHECK(guest_says(&g, 0));
	SECOND_CHECK(guest_says(&g, ROUNDS));
	SECOND_CHECK(second_stop());
	guest_destroy(&g);
}

static bool spi_pulse(const struct test_guest *g)
{
	return arch_partition_set_spi(g->partition, 0, SPI, true) == STATUS_OK &&
	       arch_partition_set_spi(g->partition, 0, SPI, false) == STATUS_OK;
}

SELFTEST(arm_gic_active_elsewhere)
{
	struct test_guest g;

	SECOND_SETUP(&g);
	guest_start(&g, gic_remote);
	gic_up(&g, 2);
	vgic_distributor_write(gic_of(&g), 0x6000 + SPI * 8, 8, 1);
	SECOND_CHECK(second_start(&g));
	SECOND_CHECK(guest_says(&g, 0));
	SECOND_CHECK(spi_pulse(&g));
	SECOND_CHECK(guest_says(&g, SPI));
	SECOND_CHECK(guest_says(&g, SPI_BIT));
	SECOND_CHECK(guest_says(&g, 0));
	SECOND_CHECK(spi_pulse(&g));
	SECOND_CHECK(guest_says(&g, SPI));
	SECOND_CHECK(second_stop());
	guest_destroy(&g);
}
