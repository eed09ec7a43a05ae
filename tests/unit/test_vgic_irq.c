/* SPDX-License-Identifier: MIT */
/* What becomes of an interrupt: from its cause to its end, on the VP that it is for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "vgic_fake.h"
#include <cmocka.h>
#include <vgic_model.h>

#define SPI	 40u
#define PPI	 27u
#define SPI_WORD 4u
#define SPI_BIT	 (1u << 8)
#define GROUP1	 1u
#define NONE	 VGIC_NO_INTID
#define ALL_ONES UINT32_MAX

static uint64_t lr;

/* All in group 1, enabled, of priority 0xa0. */
static void make(uint32_t vps)
{
	uint32_t i;

	fake_gic_make(vps, 64, 4);
	fake_gic_ready();
	for (i = 4; i <= 8; i += 4) {
		fake_gicd_write(GIC_IGROUPR + i, ALL_ONES);
		fake_gicd_write(GIC_ISENABLER + i, ALL_ONES);
	}
	for (i = 32; i < 96; i += 4)
		fake_gicd_write(GIC_IPRIORITYR + i, 0xa0a0a0a0);
	for (i = 0; i < vps; i++) {
		fake_gicr_write(i, GICR_SGI + GIC_IGROUPR, ALL_ONES);
		fake_gicr_write(i, GICR_SGI + GIC_ISENABLER, ALL_ONES);
		fake_gicr_write(i, GICR_SGI + GIC_IPRIORITYR + 24, 0xa0a0a0a0);
		fake_gicr_write(i, GICR_SGI + GIC_IPRIORITYR, 0xa0a0a0a0);
		fake_enter(i);
	}
}

static int setup(void **state)
{
	(void)state;
	make(3);
	return 0;
}

static bool notified(uint32_t vp)
{
	return fake.processor[vp].notified;
}

static uint32_t pending_bits(void)
{
	return fake_gicd_read(GIC_ISPENDR + SPI_WORD);
}

static uint32_t active_bits(void)
{
	return fake_gicd_read(GIC_ISACTIVER + SPI_WORD);
}

/* The guest takes it and ends it. */
static void handle(uint32_t vp, uint32_t intid)
{
	assert_int_equal(fake_acknowledge(vp, GROUP1), intid);
	fake_eoi(vp, GROUP1, intid);
}

static void test_nothing(void **state)
{
	(void)state;
	fake_enter(0);
	assert_false(vgic_has_work(&fake.cpu[0]));
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	assert_int_equal(fake.processor[0].r.hcr, HCR_EN | HCR_TDIR);
}

static void test_edge(void **state)
{
	(void)state;
	fake_gicd_write(GIC_ICFGR + 8, ALL_ONES);
	fake_enter(0);
	assert_true(vgic_set_spi(&fake.vgic, SPI, true));
	assert_true(notified(0));
	assert_false(notified(1));
	fake_enter(0);
	assert_int_equal(fake_listed(0, SPI, &lr), 1);
	assert_int_equal(lr, LR_PENDING | LR_GROUP1 | 0xa0ull << LR_PRIORITY_SHIFT | SPI);
	assert_int_equal(pending_bits(), SPI_BIT);
	assert_int_equal(fake_acknowledge(0, GROUP1), SPI);
	fake_enter(0);
	assert_int_equal(active_bits(), SPI_BIT);
	assert_int_equal(pending_bits(), 0);
	/* Its level alone makes no second one. */
	vgic_set_spi(&fake.vgic, SPI, true);
	fake_enter(0);
	fake_eoi(0, GROUP1, SPI);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	vgic_set_spi(&fake.vgic, SPI, false);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
}

/* A second edge while the first is handled. */
static void test_edge_again(void **state)
{
	(void)state;
	fake_gicd_write(GIC_ICFGR + 8, ALL_ONES);
	vgic_set_spi(&fake.vgic, SPI, true);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), SPI);
	vgic_set_spi(&fake.vgic, SPI, false);
	vgic_set_spi(&fake.vgic, SPI, true);
	assert_true(notified(0));
	fake_enter(0);
	fake_listed(0, SPI, &lr);
	assert_true((lr & (LR_PENDING | LR_ACTIVE)) == (LR_PENDING | LR_ACTIVE));
	fake_enter(0);
	assert_int_equal(pending_bits(), SPI_BIT);
	assert_int_equal(active_bits(), SPI_BIT);
	fake_enter(0);
	fake_eoi(0, GROUP1, SPI);
	handle(0, SPI);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
}

static void test_level(void **state)
{
	(void)state;
	vgic_set_spi(&fake.vgic, SPI, true);
	fake_enter(0);
	assert_int_equal(fake_listed(0, SPI, &lr), 1);
	assert_true(lr & LR_EOI);
	/* Ended while it is high: it comes again, by maintenance. */
	handle(0, SPI);
	assert_int_equal(fake_acknowledge(0, GROUP1), SPI);
	/* The access that lowers it exits, and then its end need not. */
	vgic_set_spi(&fake.vgic, SPI, false);
	assert_false(notified(0));
	fake_enter(0);
	fake_listed(0, SPI, &lr);
	assert_true(lr & LR_ACTIVE);
	assert_false(lr & (LR_EOI | LR_PENDING));
	fake_eoi(0, GROUP1, SPI);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
}

static void test_level_withdrawn(void **state)
{
	(void)state;
	vgic_set_spi(&fake.vgic, SPI, true);
	fake_enter(0);
	vgic_set_spi(&fake.vgic, SPI, false);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	assert_int_equal(pending_bits(), 0);
	assert_int_equal(fake_listed(0, SPI, &lr), 0);
}

/* Made pending by software, a level-triggered one is until it is acknowledged, or cleared. */
static void test_level_latch(void **state)
{
	(void)state;
	fake_gicd_write(GIC_ISPENDR + SPI_WORD, SPI_BIT);
	assert_int_equal(pending_bits(), SPI_BIT);
	fake_enter(0);
	assert_int_equal(pending_bits(), SPI_BIT);
	fake_enter(0);
	handle(0, SPI);
	fake_enter(0);
	assert_int_equal(pending_bits(), 0);
	fake_gicd_write(GIC_ISPENDR + SPI_WORD, SPI_BIT);
	fake_enter(0);
	fake_gicd_write(GIC_ICPENDR + SPI_WORD, SPI_BIT);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	/* A high input is not cleared. */
	vgic_set_spi(&fake.vgic, SPI, true);
	fake_gicd_write(GIC_ICPENDR + SPI_WORD, SPI_BIT);
	assert_int_equal(pending_bits(), SPI_BIT);
}

static void test_message(void **state)
{
	bool merged = true;

	(void)state;
	assert_true(vgic_pulse_spi(&fake.vgic, SPI, &merged));
	assert_false(merged);
	assert_true(vgic_pulse_spi(&fake.vgic, SPI, &merged));
	assert_true(merged);
	fake_enter(0);
	handle(0, SPI);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	assert_false(vgic_pulse_spi(&fake.vgic, 96, &merged));
}

static void test_ppi(void **state)
{
	(void)state;
	vgic_set_ppi(&fake.cpu[1], PPI, true);
	assert_true(notified(1));
	assert_false(notified(0));
	fake_enter(1);
	assert_int_equal(fake_acknowledge(1, GROUP1), PPI);
	assert_int_equal(fake_gicr_read(1, GICR_SGI + GIC_ISACTIVER), BIT(PPI));
	assert_int_equal(fake_gicr_read(0, GICR_SGI + GIC_ISPENDR), 0);
	vgic_set_ppi(&fake.cpu[1], PPI, false);
	fake_enter(1);
	fake_eoi(1, GROUP1, PPI);
	assert_int_equal(fake_acknowledge(1, GROUP1), NONE);
}

/* Of the host's timer: the guest's end of it is the host's. */
static void test_ppi_of_the_host(void **state)
{
	(void)state;
	vgic_ppi_link(&fake.cpu[0], PPI, 26);
	vgic_set_ppi(&fake.cpu[0], PPI, true);
	fake_enter(0);
	fake_listed(0, PPI, &lr);
	assert_int_equal(lr, LR_PENDING | LR_HW | LR_GROUP1 | 26ull << LR_PHYSICAL_SHIFT |
				     0xa0ull << LR_PRIORITY_SHIFT | PPI);
	handle(0, PPI);
	assert_int_equal(fake.processor[0].deactivated, 26);
	fake_sync(0);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE); /* though nobody has lowered it */
	/* It comes again before the model has seen the end of the last. */
	vgic_set_ppi(&fake.cpu[0], PPI, true);
	fake_enter(0);
	handle(0, PPI);
	vgic_set_ppi(&fake.cpu[0], PPI, true);
	assert_true(notified(0));
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), PPI);
	/* While it is active it is not pending too. */
	vgic_set_ppi(&fake.cpu[0], PPI, true);
	fake_enter(0);
	fake_listed(0, PPI, &lr);
	assert_true((lr & (LR_PENDING | LR_ACTIVE)) == LR_ACTIVE);
}

/* Ended by a register that traps, it is ended at the host as well, and is low until it comes again. */
static void test_ppi_of_the_host_deactivated(void **state)
{
	uint32_t round;

	(void)state;
	vgic_ppi_link(&fake.cpu[0], PPI, 26);
	fake_vmcr_set(0, 0, VMCR_EOIM);
	for (round = 0; round < 2; round++) {
		vgic_set_ppi(&fake.cpu[0], PPI, true);
		fake_enter(0);
		handle(0, PPI);
		assert_int_equal(fake.processor[0].deactivated, 0);
		fake_dir(0, PPI);
		assert_int_equal(fake.processor[0].deactivated, 26);
		assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
		fake.processor[0].deactivated = 0;
		/* Nothing is to be ended a second time. */
		fake_dir(0, PPI);
		assert_int_equal(fake.processor[0].deactivated, 0);
	}
}

/* ---- SGIs ---- */

static uint64_t sgi(uint32_t affinity, uint32_t intid, uint32_t targets)
{
	return (uint64_t)(affinity >> 24) << 48 | (uint64_t)(affinity >> 16 & 0xff) << 32 |
	       intid << 24 | (affinity >> 8 & 0xff) << 16 | targets;
}

static void test_sgi(void **state)
{
	(void)state;
	vgic_sgi_write(&fake.cpu[0], VGIC_SGI1R, sgi(0, 5, 0x6));
	assert_false(notified(0));
	assert_true(notified(1) && notified(2));
	fake_enter(1);
	fake_enter(2);
	handle(1, 5);
	/* Sent while it is active: pending then. */
	assert_int_equal(fake_acknowledge(2, GROUP1), 5);
	vgic_sgi_write(&fake.cpu[1], VGIC_SGI1R, sgi(0, 5, 0x4));
	vgic_sgi_write(&fake.cpu[1], VGIC_SGI1R, sgi(0, 5, 0x4));
	fake_enter(2);
	fake_eoi(2, GROUP1, 5);
	handle(2, 5);
	assert_int_equal(fake_acknowledge(2, GROUP1), NONE);
	/* To itself; and to nobody. */
	vgic_sgi_write(&fake.cpu[0], VGIC_SGI1R, sgi(0, 0, 0xfff9));
	fake_enter(0);
	handle(0, 0);
	vgic_sgi_write(&fake.cpu[0], VGIC_SGI1R, sgi(0x100, 0, 0xffff));
	vgic_sgi_write(&fake.cpu[0], VGIC_SGI1R, sgi(0x01000000, 0, 0xffff));
	assert_false(notified(0) || notified(1) || notified(2));
}

static void test_sgi_to_others(void **state)
{
	(void)state;
	vgic_sgi_write(&fake.cpu[1], VGIC_SGI1R, sgi(0, 15, 0x2) | BIT(40));
	assert_true(notified(0) && notified(2));
	assert_false(notified(1));
	fake_enter(0);
	handle(0, 15);
}

/* Clusters by Aff1, and by the range selector. */
static void test_sgi_affinities(void **state)
{
	(void)state;
	make(18);
	vgic_sgi_write(&fake.cpu[0], VGIC_SGI1R, sgi(0x100, 3, 0x2));
	assert_true(notified(17));
	assert_false(notified(1) || notified(16));
	fake.cpu[17].affinity = 0x02030421; /* found by a search: Aff0 33 */
	vgic_sgi_write(&fake.cpu[0], VGIC_SGI1R, sgi(0x02030400, 2, 0x2) | 2ull << 44);
	fake_enter(17);
	handle(17, 2);
	handle(17, 3);
}

/* ICC_SGI1R_EL1 reaches both groups, the others the interrupts of group 0. */
static void test_sgi_groups(void **state)
{
	(void)state;
	fake_gicr_write(1, GICR_SGI + GIC_IGROUPR, ~(1u << 2));
	vgic_sgi_write(&fake.cpu[0], VGIC_SGI0R, sgi(0, 1, 2));
	vgic_sgi_write(&fake.cpu[0], VGIC_ASGI1R, sgi(0, 1, 2));
	assert_int_equal(fake_gicr_read(1, GICR_SGI + GIC_ISPENDR), 0);
	vgic_sgi_write(&fake.cpu[0], VGIC_SGI0R, sgi(0, 2, 2));
	fake_enter(1);
	assert_int_equal(fake_signalled(1), 1); /* as an FIQ */
	assert_int_equal(fake_acknowledge(1, GROUP1), NONE);
	assert_int_equal(fake_acknowledge(1, 0), 2);
	fake_eoi(1, 0, 2);
	vgic_sgi_write(&fake.cpu[0], VGIC_ASGI1R, sgi(0, 2, 2));
	fake_enter(1);
	assert_int_equal(fake_acknowledge(1, 0), 2);
	fake_eoi(1, 0, 2);
	vgic_sgi_write(&fake.cpu[0], VGIC_SGI1R, sgi(0, 2, 2));
	fake_enter(1);
	assert_int_equal(fake_acknowledge(1, 0), 2);
}

/* ---- what holds an interrupt off ---- */

static void test_disabled(void **state)
{
	(void)state;
	fake_gicd_write(GIC_ICENABLER + SPI_WORD, SPI_BIT);
	vgic_set_spi(&fake.vgic, SPI, true);
	assert_false(notified(0));
	assert_int_equal(pending_bits(), SPI_BIT);
	fake_gicd_write(GIC_ISENABLER + SPI_WORD, SPI_BIT);
	assert_true(notified(0));
	fake_enter(0);
	assert_int_equal(fake_signalled(0), 2);
	/* Disabled by another VP: gone from here when that has written. */
	fake.processor[0].refreshes = 0;
	fake_gicd_write(GIC_ICENABLER + SPI_WORD, SPI_BIT);
	assert_int_equal(fake.processor[0].refreshes, 1);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	assert_int_equal(pending_bits(), SPI_BIT);
}

/* An SGI that is disabled waits for its enable. */
static void test_disabled_sgi(void **state)
{
	(void)state;
	fake_gicr_write(1, GICR_SGI + GIC_ICENABLER, 1u << 7);
	vgic_sgi_write(&fake.cpu[0], VGIC_SGI1R, sgi(0, 7, 2));
	assert_false(notified(1));
	fake_gicr_write(1, GICR_SGI + GIC_ISENABLER, 1u << 7);
	fake_enter(1);
	handle(1, 7);
}

static void test_distributor_off(void **state)
{
	(void)state;
	vgic_set_spi(&fake.vgic, SPI, true);
	vgic_set_ppi(&fake.cpu[1], PPI, true);
	fake_enter(0);
	fake_enter(1);
	fake_gicd_write(GICD_CTLR, 1);
	fake_enter(0);
	fake_enter(1);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	assert_int_equal(fake_acknowledge(1, GROUP1), NONE);
	fake_gicd_write(GICD_CTLR, 3);
	fake_enter(0);
	fake_enter(1);
	assert_int_equal(fake_acknowledge(0, GROUP1), SPI);
	assert_int_equal(fake_acknowledge(1, GROUP1), PPI);
}

static void test_asleep(void **state)
{
	(void)state;
	fake_gicr_write(0, GICR_WAKER, 2);
	vgic_set_spi(&fake.vgic, SPI, true);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	assert_false((fake_put(0), vgic_is_signalled(&fake.cpu[0])));
	fake_gicr_write(0, GICR_WAKER, 0);
	assert_true(notified(0));
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), SPI);
}

static void test_priorities(void **state)
{
	(void)state;
	fake_gicd_write(GIC_IPRIORITYR + 40, 0x20406080);
	vgic_set_spi(&fake.vgic, 40, true);
	vgic_set_spi(&fake.vgic, 42, true);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), 42);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	vgic_set_spi(&fake.vgic, 43, true);
	vgic_set_spi(&fake.vgic, 41, true);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), 43);
	vgic_set_spi(&fake.vgic, 43, false);
	vgic_set_spi(&fake.vgic, 42, false);
	fake_enter(0);
	fake_eoi(0, GROUP1, 43);
	fake_eoi(0, GROUP1, 42);
	assert_int_equal(fake_acknowledge(0, GROUP1), 41);
	/* Raised while it waits. */
	fake_vmcr_set(0, 0xffu << VMCR_PMR_SHIFT, 0x50u << VMCR_PMR_SHIFT);
	vgic_set_spi(&fake.vgic, 41, false);
	fake_enter(0);
	fake_eoi(0, GROUP1, 41);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	vgic_distributor_write(&fake.vgic, GIC_IPRIORITYR + 40, 1, 0x48);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), 40);
}

/* ---- routes ---- */

static void test_route(void **state)
{
	(void)state;
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + SPI * 8, 8, 2);
	vgic_set_spi(&fake.vgic, SPI, true);
	assert_true(notified(2));
	assert_false(notified(0));
	fake_enter(2);
	/* While it is pending it goes to another. */
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + SPI * 8, 8, 1);
	assert_true(notified(2));
	fake_enter(2);
	fake_enter(1);
	assert_int_equal(fake_acknowledge(2, GROUP1), NONE);
	assert_int_equal(fake_acknowledge(1, GROUP1), SPI);
	/* While it is active it stays. */
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + SPI * 8, 8, 0);
	fake_enter(1);
	assert_int_equal(fake_listed(1, SPI, &lr), 1);
	fake_eoi(1, GROUP1, SPI);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(1, GROUP1), NONE);
	assert_int_equal(fake_acknowledge(0, GROUP1), SPI);
}

static void test_route_to_nobody(void **state)
{
	(void)state;
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + SPI * 8, 8, 0x500);
	vgic_set_spi(&fake.vgic, SPI, true);
	assert_false(notified(0) || notified(1) || notified(2));
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + SPI * 8, 8, 1);
	fake_enter(1);
	assert_int_equal(fake_acknowledge(1, GROUP1), SPI);
}

/* 1 of N: one of those that are awake, and the same until it is handled. */
static void test_route_to_any(void **state)
{
	uint32_t vp, takers = 0;

	(void)state;
	fake_gicr_write(0, GICR_WAKER, 2);
	fake_enter(0);
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + SPI * 8, 8, BIT(31));
	vgic_set_spi(&fake.vgic, SPI, true);
	assert_false(notified(0));
	for (vp = 0; vp < 3; vp++) {
		fake_enter(vp);
		if (fake_acknowledge(vp, GROUP1) != SPI)
			continue;
		takers++;
		vgic_set_spi(&fake.vgic, SPI, false);
		fake_enter(vp);
		fake_eoi(vp, GROUP1, SPI);
	}
	assert_int_equal(takers, 1);
}

/* A VP that does not run has no hold on what is pending. */
static void test_route_from_stopped(void **state)
{
	(void)state;
	vgic_set_spi(&fake.vgic, SPI, true);
	fake_enter(0);
	fake_put(0);
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + SPI * 8, 8, 1);
	fake_enter(1);
	assert_int_equal(fake_acknowledge(1, GROUP1), SPI);
	fake_enter(0);
	assert_int_equal(fake_listed(0, SPI, &lr), 0);
}

/* ---- active state by software ---- */

static void test_active_by_software(void **state)
{
	(void)state;
	fake_gicd_write(GIC_ISACTIVER + SPI_WORD, SPI_BIT);
	vgic_set_spi(&fake.vgic, SPI, true);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	assert_int_equal(active_bits(), SPI_BIT);
	fake_enter(0);
	fake_gicd_write(GIC_ICACTIVER + SPI_WORD, SPI_BIT);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), SPI);
	/* Another VP ends it. */
	fake_gicd_write(GIC_ICACTIVER + SPI_WORD, SPI_BIT);
	fake_enter(0);
	assert_int_equal(active_bits(), 0);
	assert_int_equal(pending_bits(), SPI_BIT);
	fake.processor[0].r.ap[1][0] = 0;
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), SPI);
	/* Pending in a list register, it is made active. */
	vgic_set_spi(&fake.vgic, SPI, false);
	fake_eoi(0, GROUP1, SPI);
	vgic_pulse_spi(&fake.vgic, SPI, &(bool){false});
	fake_enter(0);
	fake_gicd_write(GIC_ISACTIVER + SPI_WORD, SPI_BIT);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	fake_listed(0, SPI, &lr);
	assert_true((lr & (LR_PENDING | LR_ACTIVE)) == (LR_PENDING | LR_ACTIVE));
}

/* EOImode 1: the priority drops first; another VP may deactivate. */
static void test_eoi_mode(void **state)
{
	uint32_t vp;

	(void)state;
	for (vp = 0; vp < 2; vp++) {
		fake_vmcr_set(vp, 0, VMCR_EOIM);
		fake_sync(vp);
		fake_enter(vp);
		assert_true(fake.processor[vp].r.hcr & HCR_TDIR);
	}
	vgic_set_spi(&fake.vgic, SPI, true);
	fake_enter(0);
	handle(0, SPI);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	fake_dir(0, SPI);
	handle(0, SPI);
	fake_dir(1, SPI);
	assert_true(notified(0));
	fake_enter(0);
	handle(0, SPI);
	vgic_set_spi(&fake.vgic, SPI, false);
	fake_dir(0, SPI);
	assert_int_equal(fake_acknowledge(0, GROUP1), NONE);
	fake_dir(0, 1019);
	fake_dir(0, 0xffffff);
}

/* ---- WFI ---- */

static bool wakes(uint32_t vp)
{
	fake_sync(vp);
	return vgic_is_signalled(&fake.cpu[vp]);
}

static void test_wakes(void **state)
{
	(void)state;
	assert_false(wakes(0));
	vgic_set_spi(&fake.vgic, SPI, true);
	assert_true(wakes(0));
	assert_false(wakes(1));
	fake_enter(0);
	assert_true(wakes(0));
	fake_enter(0);
	/* Masked by priority, by group, by what runs. */
	fake_vmcr_set(0, 0xffu << VMCR_PMR_SHIFT, 0xa0u << VMCR_PMR_SHIFT);
	assert_false(wakes(0));
	fake_vmcr_set(0, 0, 0xf8u << VMCR_PMR_SHIFT);
	fake_vmcr_set(0, VMCR_GROUP(1), 0);
	assert_false(wakes(0));
	fake_vmcr_set(0, 0, VMCR_GROUP(1));
	fake.processor[0].r.ap[1][0] = 1u << 0xa0 / 8;
	assert_false(wakes(0));
	fake.processor[0].r.ap[1][0] = 1u << 0xa8 / 8;
	assert_true(wakes(0));
	/* The binary point: of a priority, only what is before it preempts. */
	fake_enter(0);
	vgic_distributor_write(&fake.vgic, GIC_IPRIORITYR + SPI, 1, 0xa8);
	assert_false(wakes(0));
	fake_vmcr_set(0, 0, 4u << VMCR_BPR1_SHIFT);
	assert_true(wakes(0));
	fake_vmcr_set(0, 0, VMCR_CBPR);
	assert_false(wakes(0));
	fake_vmcr_set(0, 0, 3u << VMCR_BPR0_SHIFT);
	assert_true(wakes(0));
	fake.processor[0].r.ap[1][0] = 0;
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), SPI);
	assert_false(wakes(0)); /* active */
}

/* ---- ICC_* that trap ---- */

static void test_icc(void **state)
{
	struct vgic_cpu *cpu = &fake.cpu[0];
	uint64_t value;

	(void)state;
	fake_put(0);
	assert_true(vgic_icc_write(cpu, VGIC_ICC_CTLR, UINT64_MAX));
	assert_true(vgic_icc_read(cpu, VGIC_ICC_CTLR, &value));
	assert_int_equal(value, 0x403);
	assert_int_equal(cpu->interface.vmcr & (VMCR_CBPR | VMCR_EOIM), VMCR_CBPR | VMCR_EOIM);
	assert_true(vgic_icc_write(cpu, VGIC_ICC_CTLR, 0));
	assert_true(vgic_icc_read(cpu, VGIC_ICC_CTLR, &value));
	assert_int_equal(value, 0x400);
	assert_true(vgic_icc_write(cpu, VGIC_ICC_PMR, 0xf7));
	assert_true(vgic_icc_read(cpu, VGIC_ICC_PMR, &value));
	assert_int_equal(value, 0xf0);
	assert_true(vgic_icc_read(cpu, VGIC_ICC_RPR, &value));
	assert_int_equal(value, 0xff);
	cpu->interface.ap[0][0] = 1u << 9;
	assert_true(vgic_icc_read(cpu, VGIC_ICC_RPR, &value));
	assert_int_equal(value, 0x48);
	assert_false(vgic_icc_write(cpu, VGIC_ICC_RPR, 0));
	assert_false(vgic_icc_read(cpu, VGIC_ICC_DIR, &value));
	/* With EOImode 0 it does nothing. */
	fake_gicr_write(0, GICR_SGI + GIC_ISACTIVER, 1);
	assert_true(vgic_icc_write(cpu, VGIC_ICC_DIR, 0));
	assert_int_equal(fake_gicr_read(0, GICR_SGI + GIC_ISACTIVER), 1);
	assert_true(vgic_icc_write(cpu, VGIC_ICC_CTLR, 2));
	assert_true(vgic_icc_write(cpu, VGIC_ICC_DIR, 0));
	assert_int_equal(fake_gicr_read(0, GICR_SGI + GIC_ISACTIVER), 0);
}

/* ---- reset ---- */

static void test_reset(void **state)
{
	(void)state;
	vgic_set_spi(&fake.vgic, SPI, true);
	vgic_set_ppi(&fake.cpu[0], PPI, true);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, GROUP1), PPI);
	fake_put(0);
	vgic_reset(&fake.vgic);
	vgic_cpu_reset(&fake.cpu[0]);
	assert_int_equal(fake_gicd_read(GICD_CTLR), 0x50);
	assert_int_equal(fake_gicd_read(GIC_ISENABLER + SPI_WORD), 0);
	assert_int_equal(fake_gicr_read(0, GICR_SGI + GIC_ISACTIVER), 0);
	assert_int_equal(fake_gicr_read(0, GICR_WAKER), 6);
	/* Inputs are as they were. */
	assert_int_equal(pending_bits(), SPI_BIT);
	assert_int_equal(fake_gicr_read(0, GICR_SGI + GIC_ISPENDR), BIT(PPI));
	assert_int_equal(fake.cpu[0].interface.ap[1][0], 0);
	fake_enter(0);
	assert_int_equal(fake.cpu[0].used, 0);
}

static void test_remove(void **state)
{
	(void)state;
	vgic_cpu_remove(&fake.cpu[1]);
	vgic_sgi_write(&fake.cpu[0], VGIC_SGI1R, sgi(0, 5, 0x6));
	assert_false(notified(1));
	assert_true(notified(2));
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + SPI * 8, 8, 1);
	vgic_set_spi(&fake.vgic, SPI, true);
	assert_false(notified(0) || notified(1));
	vgic_cpu_create(&fake.cpu[1], &fake.vgic, 1, 1);
	assert_true(notified(1)); /* it waited for this VP */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing, setup),
		cmocka_unit_test_setup(test_edge, setup),
		cmocka_unit_test_setup(test_edge_again, setup),
		cmocka_unit_test_setup(test_level, setup),
		cmocka_unit_test_setup(test_level_withdrawn, setup),
		cmocka_unit_test_setup(test_level_latch, setup),
		cmocka_unit_test_setup(test_message, setup),
		cmocka_unit_test_setup(test_ppi, setup),
		cmocka_unit_test_setup(test_ppi_of_the_host, setup),
		cmocka_unit_test_setup(test_ppi_of_the_host_deactivated, setup),
		cmocka_unit_test_setup(test_sgi, setup),
		cmocka_unit_test_setup(test_sgi_to_others, setup),
		cmocka_unit_test_setup(test_sgi_affinities, setup),
		cmocka_unit_test_setup(test_sgi_groups, setup),
		cmocka_unit_test_setup(test_disabled, setup),
		cmocka_unit_test_setup(test_disabled_sgi, setup),
		cmocka_unit_test_setup(test_distributor_off, setup),
		cmocka_unit_test_setup(test_asleep, setup),
		cmocka_unit_test_setup(test_priorities, setup),
		cmocka_unit_test_setup(test_route, setup),
		cmocka_unit_test_setup(test_route_to_nobody, setup),
		cmocka_unit_test_setup(test_route_to_any, setup),
		cmocka_unit_test_setup(test_route_from_stopped, setup),
		cmocka_unit_test_setup(test_active_by_software, setup),
		cmocka_unit_test_setup(test_eoi_mode, setup),
		cmocka_unit_test_setup(test_wakes, setup),
		cmocka_unit_test_setup(test_icc, setup),
		cmocka_unit_test_setup(test_reset, setup),
		cmocka_unit_test_setup(test_remove, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
