/* SPDX-License-Identifier: MIT */
/* GICD and GICR against IHI 0069: each register, sizes, what is reserved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "vgic_fake.h"
#include <cmocka.h>

#define SPIS 70u /* not a multiple of 32 */

static int setup(void **state)
{
	(void)state;
	fake_gic_make(18, SPIS, 4);
	return 0;
}

static uint64_t gicd(uint32_t offset, unsigned int size)
{
	return vgic_distributor_read(&fake.vgic, offset, size);
}

static void test_identification(void **state)
{
	(void)state;
	assert_int_equal(fake_gicd_read(0x0), 0x50); /* ARE, DS, nothing enabled */
	/* 4 words of 32: 128 INTIDs; messages, 10 bits of INTID, range selector; no LPIs, no security. */
	assert_int_equal(fake_gicd_read(0x4), 3u | 1u << 16 | 9u << 19 | 1u << 26);
	assert_int_equal(fake_gicd_read(0x8), 0x54000000);
	assert_int_equal(fake_gicd_read(0xc), 0); /* TYPER2 */
	assert_int_equal(fake_gicd_read(0xffe8), 0x30);
	assert_int_equal(fake_gicr_read(0, 0xffe8), 0x30);
	assert_int_equal(fake_gicr_read(0, GICR_SGI + 0xffe8), 0x30);
	assert_int_equal(fake_gicd_read(0xfff0), 0x0d);
	assert_int_equal(fake_gicd_read(0xfffc), 0xb1);
	assert_int_equal(fake_gicr_read(3, 0x4), 0x54000000);
	fake_gicd_write(0x4, UINT32_MAX);
	assert_int_equal(fake_gicd_read(0x4), 3u | 1u << 16 | 9u << 19 | 1u << 26);
}

static void test_typer_of_redistributors(void **state)
{
	(void)state;
	assert_int_equal(vgic_redistributor_read(&fake.cpu[3], 8, 8), 3ull << 32 | 3u << 8);
	assert_int_equal(vgic_redistributor_read(&fake.cpu[17], 8, 8),
			 0x101ull << 32 | 17u << 8 | 1u << 4);
	assert_int_equal(fake_gicr_read(17, 8), 17u << 8 | 1u << 4);
	assert_int_equal(fake_gicr_read(17, 12), 0x101);
	assert_int_equal(vgic_redistributor_read(&fake.cpu[17], 12, 8), 0); /* misaligned */
	assert_int_equal(fake_gicr_read(0, 0), 0);			    /* GICR_CTLR */
	fake_gicr_write(0, 0, 1); /* there are no LPIs to enable */
	assert_int_equal(fake_gicr_read(0, 0), 0);
	assert_int_equal(vgic_redistributor_read(&fake.cpu[0], 0x70, 8), 0); /* PROPBASER */
}

static void test_control(void **state)
{
	(void)state;
	fake_gicd_write(0x0, UINT32_MAX);
	assert_int_equal(fake_gicd_read(0x0), 0x53);
	fake_gicd_write(0x0, 2);
	assert_int_equal(fake_gicd_read(0x0), 0x52);
	vgic_distributor_write(&fake.vgic, 0, 8, 1);
	vgic_distributor_write(&fake.vgic, 0, 2, 1);
	vgic_distributor_write(&fake.vgic, 0, 1, 1);
	assert_int_equal(fake_gicd_read(0x0), 0x52);
}

static void test_waker(void **state)
{
	(void)state;
	assert_int_equal(fake_gicr_read(2, GICR_WAKER), 6);
	fake_gicr_write(2, GICR_WAKER, 0);
	assert_int_equal(fake_gicr_read(2, GICR_WAKER), 0);
	assert_int_equal(fake_gicr_read(1, GICR_WAKER), 6);
	fake_gicr_write(2, GICR_WAKER, UINT32_MAX);
	assert_int_equal(fake_gicr_read(2, GICR_WAKER), 6);
}

/* Registers with a bit for each interrupt that one address sets and another clears. */
static void check_set_clear(uint32_t set, uint32_t clear)
{
	fake_gicd_write(set, UINT32_MAX); /* SGIs and PPIs are not the distributor's */
	assert_int_equal(fake_gicd_read(set), 0);
	assert_int_equal(fake_gicr_read(0, GICR_SGI + set), 0);
	fake_gicd_write(set + 4, 0xf0f0f0f0);
	assert_int_equal(fake_gicd_read(set + 4), 0xf0f0f0f0);
	assert_int_equal(fake_gicd_read(clear + 4), 0xf0f0f0f0);
	fake_gicd_write(set + 4, 1);
	assert_int_equal(fake_gicd_read(set + 4), 0xf0f0f0f1);
	fake_gicd_write(clear + 4, 0xf0000001);
	assert_int_equal(fake_gicd_read(set + 4), 0x00f0f0f0);
	/* The last word has 6 interrupts, the next none. */
	fake_gicd_write(set + 12, UINT32_MAX);
	assert_int_equal(fake_gicd_read(set + 12), 0x3f);
	fake_gicd_write(set + 16, UINT32_MAX);
	assert_int_equal(fake_gicd_read(set + 16), 0);
	fake_gicr_write(1, GICR_SGI + set, 0x80000001);
	assert_int_equal(fake_gicr_read(1, GICR_SGI + set), 0x80000001);
	assert_int_equal(fake_gicr_read(0, GICR_SGI + set), 0);
	fake_gicr_write(1, GICR_SGI + set + 4, UINT32_MAX);
	assert_int_equal(fake_gicr_read(1, GICR_SGI + set + 4), 0);
	fake_gicr_write(1, GICR_SGI + clear, 1);
	assert_int_equal(fake_gicr_read(1, GICR_SGI + clear), 0x80000000);
	/* Words alone. */
	assert_int_equal(gicd(set + 4, 1), 0);
	assert_int_equal(gicd(set + 4, 2), 0);
	assert_int_equal(gicd(set, 8), 0);
	vgic_distributor_write(&fake.vgic, set + 4, 1, 0x0f);
	vgic_distributor_write(&fake.vgic, set, 8, UINT64_MAX);
	vgic_distributor_write(&fake.vgic, set + 6, 4, UINT32_MAX);
	assert_int_equal(fake_gicd_read(set + 4), 0x00f0f0f0);
}

static void test_enable(void **state)
{
	(void)state;
	check_set_clear(GIC_ISENABLER, GIC_ICENABLER);
}

static void test_pending(void **state)
{
	(void)state;
	check_set_clear(GIC_ISPENDR, GIC_ICPENDR);
}

static void test_active(void **state)
{
	(void)state;
	check_set_clear(GIC_ISACTIVER, GIC_ICACTIVER);
}

static void test_group(void **state)
{
	(void)state;
	fake_gicd_write(GIC_IGROUPR + 4, 0xffff0000);
	assert_int_equal(fake_gicd_read(GIC_IGROUPR + 4), 0xffff0000);
	fake_gicd_write(GIC_IGROUPR + 4, 0x0000ffff);
	assert_int_equal(fake_gicd_read(GIC_IGROUPR + 4), 0x0000ffff);
	fake_gicr_write(5, GICR_SGI + GIC_IGROUPR, UINT32_MAX);
	assert_int_equal(fake_gicr_read(5, GICR_SGI + GIC_IGROUPR), UINT32_MAX);
	assert_int_equal(fake_gicr_read(4, GICR_SGI + GIC_IGROUPR), 0);
	fake_gicd_write(0xd04, UINT32_MAX); /* IGRPMODR */
	assert_int_equal(fake_gicd_read(0xd04), 0);
	fake_gicd_write(0xe08, UINT32_MAX); /* NSACR */
	assert_int_equal(fake_gicd_read(0xe08), 0);
}

static void test_priority(void **state)
{
	(void)state;
	fake_gicd_write(GIC_IPRIORITYR + 32, 0xfff7a001);
	assert_int_equal(fake_gicd_read(GIC_IPRIORITYR + 32), 0xf8f0a000); /* 5 bits */
	assert_int_equal(gicd(GIC_IPRIORITYR + 33, 1), 0xa0);
	vgic_distributor_write(&fake.vgic, GIC_IPRIORITYR + 33, 1, 0x58);
	assert_int_equal(fake_gicd_read(GIC_IPRIORITYR + 32), 0xf8f05800);
	assert_int_equal(gicd(GIC_IPRIORITYR + 32, 2), 0);
	assert_int_equal(gicd(GIC_IPRIORITYR + 32, 8), 0);
	vgic_redistributor_write(&fake.cpu[0], GICR_SGI + GIC_IPRIORITYR + 31, 1, 0xff);
	assert_int_equal(fake_gicr_read(0, GICR_SGI + GIC_IPRIORITYR + 28), 0xf8000000);
	/* The last interrupt is 101; ITARGETSR, above, is reserved. */
	fake_gicd_write(GIC_IPRIORITYR + 100, UINT32_MAX);
	assert_int_equal(fake_gicd_read(GIC_IPRIORITYR + 100), 0xf8f8);
	fake_gicd_write(0x820, UINT32_MAX);
	assert_int_equal(fake_gicd_read(0x820), 0);
}

static void test_config(void **state)
{
	(void)state;
	assert_int_equal(fake_gicr_read(0, GICR_SGI + GIC_ICFGR), 0xaaaaaaaa);
	fake_gicr_write(0, GICR_SGI + GIC_ICFGR, 0);
	assert_int_equal(fake_gicr_read(0, GICR_SGI + GIC_ICFGR), 0xaaaaaaaa);
	fake_gicr_write(0, GICR_SGI + GIC_ICFGR + 4, UINT32_MAX);
	assert_int_equal(fake_gicr_read(0, GICR_SGI + GIC_ICFGR + 4), 0xaaaaaaaa);
	fake_gicr_write(0, GICR_SGI + GIC_ICFGR + 4, 0x8);
	assert_int_equal(fake_gicr_read(0, GICR_SGI + GIC_ICFGR + 4), 0x8);
	fake_gicd_write(GIC_ICFGR + 8, 0xffff0000);
	assert_int_equal(fake_gicd_read(GIC_ICFGR + 8), 0xaaaa0000);
	assert_int_equal(fake_gicd_read(GIC_ICFGR), 0);
}

static void test_routes(void **state)
{
	uint32_t offset = GICD_IROUTER + 40 * 8;

	(void)state;
	vgic_distributor_write(&fake.vgic, offset, 8, UINT64_MAX);
	assert_int_equal(gicd(offset, 8), 0xff80ffffffull);
	assert_int_equal(gicd(offset, 4), 0x80ffffff);
	assert_int_equal(gicd(offset + 4, 4), 0xff);
	vgic_distributor_write(&fake.vgic, offset + 4, 4, 0x12);
	assert_int_equal(gicd(offset, 8), 0x1280ffffffull);
	vgic_distributor_write(&fake.vgic, offset, 4, 0x345);
	assert_int_equal(gicd(offset, 8), 0x1200000345ull);
	vgic_distributor_write(&fake.vgic, offset, 2, 7);
	vgic_distributor_write(&fake.vgic, offset + 1, 4, 7);
	assert_int_equal(gicd(offset, 8), 0x1200000345ull);
	assert_int_equal(gicd(offset, 1), 0);
	/* Not of SGIs and PPIs, nor behind the last. */
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + 31 * 8, 8, 5);
	assert_int_equal(gicd(GICD_IROUTER + 31 * 8, 8), 0);
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + 102 * 8, 8, 5);
	assert_int_equal(gicd(GICD_IROUTER + 102 * 8, 8), 0);
	assert_int_equal(gicd(GICD_IROUTER + 1023 * 8, 8), 0);
}

static void test_messages(void **state)
{
	(void)state;
	fake_gicd_write(GIC_ICFGR + 8, 0x2); /* 32 by edges */
	fake_gicd_write(0x40, 32);
	fake_gicd_write(0x40, 33);
	fake_gicd_write(0x40, 5);   /* an SGI is none */
	fake_gicd_write(0x40, 102); /* nor is this one there */
	vgic_distributor_write(&fake.vgic, 0x40, 2, 34);
	vgic_distributor_write(&fake.vgic, 0x40, 1, 35);
	assert_int_equal(fake_gicd_read(GIC_ISPENDR + 4), 0x7);
	assert_int_equal(fake_gicr_read(0, GICR_SGI + GIC_ISPENDR), 0);
	fake_gicd_write(0x48, 32);
	fake_gicd_write(0x48, 33);
	assert_int_equal(fake_gicd_read(GIC_ISPENDR + 4), 0x4);
	fake_gicd_write(0x50, 32); /* the secure one is reserved */
	assert_int_equal(fake_gicd_read(GIC_ISPENDR + 4), 0x4);
}

/* The most that there can be: INTIDs up to 1019. */
static void test_all_spis(void **state)
{
	(void)state;
	fake_gic_make(1, VGIC_SPI_MAX, 16);
	assert_int_equal(fake_gicd_read(4) & 31, 31);
	fake_gicd_write(GIC_ISENABLER + 31 * 4, UINT32_MAX);
	assert_int_equal(fake_gicd_read(GIC_ISENABLER + 31 * 4), 0x0fffffff);
	fake_gicd_write(GIC_IPRIORITYR + 1020, UINT32_MAX);
	assert_int_equal(fake_gicd_read(GIC_IPRIORITYR + 1020), 0);
	assert_true(vgic_set_spi(&fake.vgic, 1019, true));
	assert_false(vgic_set_spi(&fake.vgic, 1020, true));
	assert_false(vgic_set_spi(&fake.vgic, 31, true));
	assert_int_equal(fake_gicd_read(GIC_ISPENDR + 31 * 4), 0x08000000);
}

/* Each offset in each size is either reserved or a register, and none does harm. */
static void test_every_offset(void **state)
{
	uint32_t offset;
	unsigned int size;

	(void)state;
	for (offset = 0; offset < VGIC_REDISTRIBUTOR_SIZE; offset++) {
		for (size = 1; size <= 8; size *= 2) {
			vgic_redistributor_write(&fake.cpu[1], offset, size, UINT64_MAX);
			vgic_redistributor_read(&fake.cpu[1], offset, size);
			if (offset >= VGIC_DISTRIBUTOR_SIZE)
				continue;
			vgic_distributor_write(&fake.vgic, offset, size, UINT64_MAX);
			gicd(offset, size);
		}
	}
	assert_int_equal(fake_gicd_read(GIC_IPRIORITYR + 32), 0xf8f8f8f8);
	assert_int_equal(fake_gicr_read(0, GICR_SGI + GIC_IPRIORITYR), 0);
	assert_int_equal(fake_gicr_read(1, GICR_SGI + GIC_IPRIORITYR), 0xf8f8f8f8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_identification, setup),
		cmocka_unit_test_setup(test_typer_of_redistributors, setup),
		cmocka_unit_test_setup(test_control, setup),
		cmocka_unit_test_setup(test_waker, setup),
		cmocka_unit_test_setup(test_enable, setup),
		cmocka_unit_test_setup(test_pending, setup),
		cmocka_unit_test_setup(test_active, setup),
		cmocka_unit_test_setup(test_group, setup),
		cmocka_unit_test_setup(test_priority, setup),
		cmocka_unit_test_setup(test_config, setup),
		cmocka_unit_test_setup(test_routes, setup),
		cmocka_unit_test_setup(test_messages, setup),
		cmocka_unit_test_setup(test_all_spis, setup),
		cmocka_unit_test_setup(test_every_offset, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
