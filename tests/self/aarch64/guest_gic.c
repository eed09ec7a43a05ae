/* SPDX-License-Identifier: MIT */
/* The guests' GIC on the processor's list registers: more interrupts than fit, nested, by all ways of ending them. */
#include "guest_gic.h"
#include <kernel/memory.h>
#include <kernel/state.h>
#include <kernel/string.h>

GUEST_CODE_DECLARE(gic_collect);
GUEST_CODE_DECLARE(gic_nest);
GUEST_CODE_DECLARE(gic_split);
GUEST_CODE_DECLARE(gic_numbers);
GUEST_CODE_DECLARE(gic_fiq);
GUEST_CODE_DECLARE(gic_saved);
GUEST_CODE_DECLARE(gic_wild);

#define SPI_FIRST GIC_SPI_FIRST
#define SPURIOUS  1023u
#define SGIS	  16u

void gic_up(const struct test_guest *g, uint32_t vps)
{
	uint32_t i, vp;

	distributor_write(g, 0, 3);
	for (i = 4; i < 4 + GUEST_SPIS / 8; i += 4) {
		distributor_write(g, 0x80 + i, UINT32_MAX);
		distributor_write(g, 0x100 + i, UINT32_MAX);
	}
	for (i = 0; i < GUEST_SPIS; i += 16)
		distributor_write(g, 0xc08 + i / 4, UINT32_MAX);
	for (i = 0; i < GUEST_SPIS; i += 4)
		distributor_write(g, 0x400 + SPI_FIRST + i, 0x80808080);
	for (vp = 0; vp < vps; vp++) {
		redistributor_write(g, vp, 0x14, 0);
		redistributor_write(g, vp, 0x10080, UINT32_MAX);
		redistributor_write(g, vp, 0x10100, 0xffff);
		for (i = 0; i < SGIS; i += 4)
			redistributor_write(g, vp, 0x10400 + i, 0x80808080);
	}
}

static void priority_set(const struct test_guest *g, uint32_t intid, uint8_t priority)
{
	if (intid < SPI_FIRST)
		vgic_redistributor_write(gic_cpu_of(g, 0), 0x10400 + intid, 1, priority);
	else
		vgic_distributor_write(gic_of(g), 0x400 + intid, 1, priority);
}

static uint32_t told(const struct test_guest *g, uint32_t n)
{
	return ((const volatile uint32_t *)(g->ram + GUEST_DATA))[n];
}

static bool told_in_order(const struct test_guest *g, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (told(g, i) != i)
			return false;
	}
	return true;
}

static bool spi_pulse(const struct test_guest *g, uint32_t intid)
{
	return arch_partition_set_spi(g->partition, 0, intid, true) == STATUS_OK &&
	       arch_partition_set_spi(g->partition, 0, intid, false) == STATUS_OK;
}

/* All at once: they come by priority, and none twice. */
SELFTEST(arm_gic_overflow)
{
	struct test_guest g;
	uint32_t i;

	GUEST_SETUP(&g);
	guest_start(&g, gic_collect);
	gic_up(&g, 1);
	for (i = 0; i < GUEST_SPIS; i++)
		priority_set(&g, SPI_FIRST + i, (uint8_t)(i * 37 % 30 << 3));
	GUEST_CHECK(&g, guest_says(&g, 0));
	for (i = 0; i < GUEST_SPIS; i++)
		GUEST_CHECK(&g, spi_pulse(&g, SPI_FIRST + i));
	GUEST_CHECK(&g, guest_says(&g, GUEST_SPIS));
	for (i = 1; i < GUEST_SPIS; i++) {
		uint32_t last = (told(&g, i - 1) - SPI_FIRST) * 37 % 30;

		GUEST_CHECK(&g, told(&g, i) != told(&g, i - 1));
		GUEST_CHECK(&g, last <= (told(&g, i) - SPI_FIRST) * 37 % 30);
	}
	GUEST_CHECK(&g, guest_says(&g, 0));
	GUEST_CHECK(&g, guest_says(&g, 0)); /* none is left */
	guest_destroy(&g);
}

SELFTEST(arm_gic_nested)
{
	struct test_guest g;
	uint32_t i;

	GUEST_SETUP(&g);
	guest_start(&g, gic_nest);
	gic_up(&g, 1);
	for (i = 0; i < SGIS; i++)
		priority_set(&g, i, (uint8_t)(0xf0 - i * 8));
	GUEST_CHECK(&g, guest_says(&g, 0xffff));
	GUEST_CHECK(&g, told_in_order(&g, SGIS));
	GUEST_CHECK(&g, guest_says(&g, 0));
	GUEST_CHECK(&g, guest_says(&g, SPURIOUS));
	guest_destroy(&g);
}

SELFTEST(arm_gic_deactivated_apart)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, gic_split);
	gic_up(&g, 1);
	GUEST_CHECK(&g, guest_says(&g, 0xffff));
	GUEST_CHECK(&g, told_in_order(&g, SGIS));
	/* 3, 10, 1, 8, 15, 6, 13, 4 are not active any more. */
	GUEST_CHECK(&g, guest_says(&g, 0xffff & ~0xa55au));
	GUEST_CHECK(&g, guest_says(&g, 0));
	guest_destroy(&g);
}

/* More are active than any processor has list registers. */
SELFTEST(arm_gic_ended_by_number)
{
	struct test_guest g;
	uint32_t i;

	GUEST_SETUP(&g);
	guest_start(&g, gic_numbers);
	gic_up(&g, 1);
	for (i = 0; i < 16; i++)
		priority_set(&g, SPI_FIRST + i, (uint8_t)(i * 8));
	GUEST_CHECK(&g, guest_says(&g, 0));
	GUEST_CHECK(&g, spi_pulse(&g, SPI_FIRST + 40));
	GUEST_CHECK(&g, guest_says(&g, SPI_FIRST + 40));
	GUEST_CHECK(&g, guest_says(&g, 0xffff));
	GUEST_CHECK(&g, guest_says(&g, 0));
	GUEST_CHECK(&g, guest_says(&g, SPURIOUS));
	guest_destroy(&g);
}

SELFTEST(arm_gic_fiq)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, gic_fiq);
	gic_up(&g, 1);
	redistributor_write(&g, 0, 0x10080, ~1u);
	GUEST_CHECK(&g, guest_says(&g, 0x40)); /* ISR_EL1.F */
	GUEST_CHECK(&g, guest_says(&g, SPURIOUS));
	GUEST_CHECK(&g, guest_says(&g, 0));
	GUEST_CHECK(&g, guest_says(&g, 0));
	guest_destroy(&g);
}

/* ---- saved ---- */

#define STATE_ORDER 3u
#define STATE_ROOM  (PAGE_SIZE << STATE_ORDER)

static bool copy_state(const struct test_guest *from, const struct test_guest *to, void *state)
{
	uint64_t needed;

	if (partition_save(from->partition, state, STATE_ROOM, &needed) != STATUS_OK ||
	    partition_restore(to->partition, state, needed) != STATUS_OK)
		return false;
	memset(state, 0, STATE_ROOM);
	return vp_save(from->vp, state, STATE_ROOM, &needed) == STATUS_OK &&
	       vp_restore(to->vp, state, needed) == STATUS_OK;
}

/* One is active, another pending: both go on in a copy. */
static bool goes_on(struct test_guest *a, struct test_guest *b, void *state)
{
	guest_start(a, gic_saved);
	guest_start(b, gic_saved);
	gic_up(a, 1);
	priority_set(a, SPI_FIRST + 8, 0x40);
	return guest_says(a, 0) && spi_pulse(a, SPI_FIRST + 8) && spi_pulse(a, SPI_FIRST + 9) &&
	       guest_says(a, SPI_FIRST + 8) && copy_state(a, b, state) &&
	       guest_says(b, SPI_FIRST + 9) && guest_says(a, SPI_FIRST + 9);
}

SELFTEST(arm_gic_saved)
{
	void *state = page_alloc(&kernel_heap, STATE_ORDER);
	struct test_guest a, b;
	bool right;

	CHECK(state);
	GUEST_SETUP(&a);
	GUEST_CHECK(&a, guest_create_vps(&b, 1));
	right = goes_on(&a, &b, state);
	guest_destroy(&b);
	page_free(&kernel_heap, state, STATE_ORDER);
	GUEST_CHECK(&a, right);
	guest_destroy(&a);
}

/* Whatever a guest does to its GIC, that has a state which can be saved and loaded. */
SELFTEST(arm_gic_wild)
{
	void *state = page_alloc(&kernel_heap, STATE_ORDER);
	struct test_guest g;
	uint64_t needed;
	bool right;

	CHECK(state);
	GUEST_SETUP(&g);
	guest_start(&g, gic_wild);
	gic_up(&g, 1);
	right = guest_says(&g, 0) &&
		partition_save(g.partition, state, STATE_ROOM, &needed) == STATUS_OK &&
		partition_restore(g.partition, state, needed) == STATUS_OK;
	memset(state, 0, STATE_ROOM);
	right = right && vp_save(g.vp, state, STATE_ROOM, &needed) == STATUS_OK &&
		vp_restore(g.vp, state, needed) == STATUS_OK;
	page_free(&kernel_heap, state, STATE_ORDER);
	GUEST_CHECK(&g, right);
	guest_destroy(&g);
}
