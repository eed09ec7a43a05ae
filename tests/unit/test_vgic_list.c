/* SPDX-License-Identifier: MIT */
/* More interrupts than list registers: the order, what is told later, and that nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "vgic_fake.h"
#include <cmocka.h>
#include <vgic_model.h>

#define FIRST 32u
#define SPIS  64u
#define ALL   UINT32_MAX
#define NONE  VGIC_NO_INTID

static uint64_t lr;

/* SPIs in group 1, enabled, edge-triggered, of priority 0xa0. */
static void make(uint8_t lrs)
{
	uint32_t i;

	fake_gic_make(2, SPIS, lrs);
	fake_gic_ready();
	for (i = 4; i <= 8; i += 4) {
		fake_gicd_write(GIC_IGROUPR + i, ALL);
		fake_gicd_write(GIC_ISENABLER + i, ALL);
		fake_gicd_write(GIC_ICFGR + 2 * i, ALL);
		fake_gicd_write(GIC_ICFGR + 2 * i + 4, ALL);
	}
	for (i = 0; i < SPIS; i += 4)
		fake_gicd_write(GIC_IPRIORITYR + FIRST + i, 0xa0a0a0a0);
	fake_enter(0);
}

static void priority(uint32_t intid, uint8_t value)
{
	vgic_distributor_write(&fake.vgic, GIC_IPRIORITYR + intid, 1, value);
}

static void pulse(uint32_t intid)
{
	bool merged;

	assert_true(vgic_pulse_spi(&fake.vgic, intid, &merged));
}

static uint32_t hcr(void)
{
	return fake.processor[0].r.hcr;
}

/* All that wait are taken in the order of their priorities, each once. */
static void drain(uint32_t count)
{
	uint32_t last = 0, i;
	uint64_t seen = 0;

	for (i = 0; i < count; i++) {
		uint32_t intid = fake_acknowledge(0, 1);
		uint32_t of =
			fake_gicd_read(GIC_IPRIORITYR + (intid & ~3u)) >> intid % 4 * 8 & 0xff;

		assert_in_range(intid, FIRST, FIRST + SPIS - 1);
		assert_false(seen & BIT(intid - FIRST));
		assert_true(of >= last);
		seen |= BIT(intid - FIRST);
		last = of;
		fake_eoi(0, 1, intid);
	}
	assert_int_equal(fake_acknowledge(0, 1), NONE);
	fake_sync(0);
	fake_enter(0);
	assert_int_equal(fake.cpu[0].used, 0);
	assert_int_equal(fake.cpu[0].bound_words, 0);
	assert_int_equal(hcr(), HCR_EN | HCR_TDIR);
}

static void check_overflow(uint8_t lrs)
{
	uint32_t i;

	make(lrs);
	for (i = 0; i < SPIS; i++) {
		priority(FIRST + i, (uint8_t)(i * 37 % 31 << 3));
		pulse(FIRST + i);
	}
	fake_enter(0);
	assert_int_equal(fake.cpu[0].used, MASK(lrs));
	assert_true(hcr() & HCR_NPIE);
	assert_true(hcr() & HCR_GROUP_DIE(1));
	drain(SPIS);
}

static void test_overflow(void **state)
{
	(void)state;
	check_overflow(2);
	check_overflow(4);
	check_overflow(16);
}

/* Exactly as many as there are list registers need no exits. */
static void test_full(void **state)
{
	uint32_t i;

	(void)state;
	make(4);
	for (i = 0; i < 4; i++)
		pulse(FIRST + i);
	fake_enter(0);
	assert_int_equal(fake.cpu[0].used, 0xf);
	assert_int_equal(hcr(), HCR_EN | HCR_TDIR);
	drain(4);
}

/* A more urgent one takes a place of those that wait there. */
static void test_urgent(void **state)
{
	uint32_t i;

	(void)state;
	make(4);
	for (i = 0; i < 6; i++)
		pulse(FIRST + i);
	fake_enter(0);
	priority(FIRST + 20, 0x10);
	pulse(FIRST + 20);
	assert_true(fake.processor[0].notified);
	fake_enter(0);
	assert_int_equal(fake_listed(0, FIRST + 20, &lr), 1);
	assert_int_equal(fake_listed(0, FIRST + 3, &lr), 0);
	assert_int_equal(fake_acknowledge(0, 1), FIRST + 20);
	fake_eoi(0, 1, FIRST + 20);
	drain(6);
}

/* Deeper and deeper: active ones keep list registers, but for one. */
static void check_nested(uint8_t lrs)
{
	uint32_t depth = 20, i;

	make(lrs);
	for (i = 0; i < depth; i++) {
		priority(FIRST + i, (uint8_t)(0xf0 - i * 8));
		pulse(FIRST + i);
		fake_enter(0);
		assert_int_equal(fake_acknowledge(0, 1), FIRST + i);
	}
	pulse(FIRST + depth); /* 0xa0: it has to wait */
	fake_enter(0);
	assert_int_equal(hcr() & (HCR_TALL0 | HCR_TALL1 | HCR_TC),
			 depth > lrs - 1u ? HCR_TALL0 | HCR_TALL1 | HCR_TC : 0);
	assert_int_equal(fake_acknowledge(0, 1), NONE);
	for (i = depth; i-- > 10;) {
		fake_eoi(0, 1, FIRST + i);
		fake_sync(0);
		assert_int_equal(fake_gicd_read(GIC_ISACTIVER + 4), MASK(i));
		fake_enter(0);
	}
	assert_int_equal(fake_acknowledge(0, 1), FIRST + depth);
	fake_eoi(0, 1, FIRST + depth);
	for (i = 10; i-- > 0;)
		fake_eoi(0, 1, FIRST + i);
	drain(0);
}

static void test_nested(void **state)
{
	(void)state;
	check_nested(2);
	check_nested(4);
	check_nested(16);
}

/* With EOImode 1 any number may be active, and each is deactivated by its number. */
static void check_split(uint8_t lrs)
{
	uint32_t i;

	make(lrs);
	fake_vmcr_set(0, 0, VMCR_EOIM);
	for (i = 0; i < 30; i++)
		pulse(FIRST + i);
	fake_enter(0);
	for (i = 0; i < 30; i++) {
		assert_int_equal(fake_acknowledge(0, 1), FIRST + i);
		fake_eoi(0, 1, FIRST + i);
	}
	fake_sync(0);
	assert_int_equal(fake_gicd_read(GIC_ISACTIVER + 4), MASK(30));
	fake_enter(0);
	for (i = 0; i < 30; i++) {
		uint32_t odd = (i * 7 + 3) % 30;

		fake_dir(0, FIRST + odd);
		fake_sync(0);
		assert_false(fake_gicd_read(GIC_ISACTIVER + 4) & BIT(odd));
		fake_enter(0);
	}
	assert_int_equal(fake.cpu[0].used, 0);
	assert_int_equal(hcr(), HCR_EN | HCR_TDIR);
}

static void test_split(void **state)
{
	(void)state;
	check_split(4);
	check_split(16);
}

/* A group that the guest has off at its CPU interface does not take list registers from the other. */
static void test_group_off(void **state)
{
	uint32_t i;

	(void)state;
	make(4);
	fake_gicd_write(GIC_IGROUPR + 4, 0xffff0000); /* 32 to 47: group 0 */
	fake_vmcr_set(0, VMCR_GROUP(0), 0);
	for (i = 0; i < 6; i++)
		pulse(FIRST + i);
	pulse(FIRST + 20);
	pulse(FIRST + 21);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, 1), FIRST + 20);
	assert_true(hcr() & HCR_GROUP_EIE(0));
	assert_false(hcr() & (HCR_NPIE | HCR_GROUP_DIE(0) | HCR_GROUP_DIE(1)));
	fake_eoi(0, 1, FIRST + 20);
	assert_int_equal(fake_acknowledge(0, 1), FIRST + 21);
	fake_eoi(0, 1, FIRST + 21);
	assert_int_equal(fake_acknowledge(0, 1), NONE);
	/* It is enabled: all of them come. */
	fake_vmcr_set(0, 0, VMCR_GROUP(0));
	for (i = 0; i < 6; i++) {
		assert_int_equal(fake_acknowledge(0, 0), FIRST + i);
		fake_eoi(0, 0, FIRST + i);
	}
	drain(0);
}

/* And one that is disabled while it fills them gives way. */
static void test_group_disabled(void **state)
{
	uint32_t i;

	(void)state;
	make(4);
	fake_gicd_write(GIC_IGROUPR + 4, 0xffff0000);
	for (i = 0; i < 6; i++)
		pulse(FIRST + i);
	priority(FIRST + 20, 0xf0);
	pulse(FIRST + 20);
	fake_enter(0);
	assert_int_equal(fake_listed(0, FIRST + 20, &lr), 0);
	fake_vmcr_set(0, VMCR_GROUP(0), 0);
	assert_int_equal(fake_acknowledge(0, 1), FIRST + 20);
}

/* High inputs, more than fit: each comes again and again, and as long as it is high. */
static void test_levels(void **state)
{
	uint32_t round, i;

	(void)state;
	make(4);
	fake_gicd_write(GIC_ICFGR + 8, 0);
	for (i = 0; i < 10; i++) {
		priority(FIRST + i, (uint8_t)(0x80 + i * 8));
		vgic_set_spi(&fake.vgic, FIRST + i, true);
	}
	fake_enter(0);
	for (round = 0; round < 3; round++) {
		assert_int_equal(fake_acknowledge(0, 1), FIRST);
		fake_eoi(0, 1, FIRST);
	}
	for (i = 0; i < 10; i++) {
		assert_int_equal(fake_acknowledge(0, 1), FIRST + i);
		vgic_set_spi(&fake.vgic, FIRST + i, false);
		fake_eoi(0, 1, FIRST + i);
	}
	drain(0);
}

/* The VP moves: what was in list registers is all there. */
static void test_moves(void **state)
{
	uint32_t i;

	(void)state;
	make(4);
	for (i = 0; i < 8; i++)
		pulse(FIRST + i);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, 1), FIRST);
	fake_put(0);
	assert_int_equal(fake_gicd_read(GIC_ISPENDR + 4), 0xfe);
	assert_int_equal(fake_gicd_read(GIC_ISACTIVER + 4), 1);
	fake_enter(0);
	fake_eoi(0, 1, FIRST);
	drain(7);
}

/* Changed while it is listed, and what has no place in a list register meanwhile. */
static void test_disabled_meanwhile(void **state)
{
	uint32_t i;

	(void)state;
	make(4);
	for (i = 0; i < 8; i++)
		pulse(FIRST + i);
	fake_enter(0);
	fake_gicd_write(GIC_ICENABLER + 4, 0x0f);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, 1), FIRST + 4);
	fake_gicd_write(GIC_ISENABLER + 4, 0x0f);
	fake_enter(0);
	fake_eoi(0, 1, FIRST + 4);
	drain(7);
}

/* Active ones that no list register has are ended by their numbers, not by their turn. */
static void test_ended_by_number(void **state)
{
	uint32_t i;

	(void)state;
	make(2);
	priority(FIRST + 20, 0x80);
	pulse(FIRST + 20);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, 1), FIRST + 20);
	/* More urgent ones that software has made active. */
	for (i = 0; i < 6; i++)
		priority(FIRST + i, (uint8_t)(i * 8));
	fake_gicd_write(GIC_ISACTIVER + 4, 0x3f);
	fake_enter(0);
	assert_int_equal(fake_listed(0, FIRST + 20, &lr), 0);
	fake_eoi(0, 1, FIRST + 20);
	fake_sync(0);
	assert_int_equal(fake_gicd_read(GIC_ISACTIVER + 4), 0x3f);
	/* No priority is left that would drop. */
	fake_enter(0);
	fake_eoi(0, 1, FIRST);
	fake_sync(0);
	assert_int_equal(fake_gicd_read(GIC_ISACTIVER + 4), 0x3f);
	fake_gicd_write(GIC_ICACTIVER + 4, 0x3f);
	drain(0);
}

/* One that was never acknowledged is ended by a guest that has another active: that one stays. */
static void test_wrong_end(void **state)
{
	(void)state;
	make(4);
	pulse(FIRST);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, 1), FIRST);
	fake_eoi(0, 1, FIRST + 1);
	fake_sync(0);
	assert_int_equal(fake_gicd_read(GIC_ISACTIVER + 4), 1);
	fake_gicd_write(GIC_ICACTIVER + 4, 1);
	drain(0);
}

/* EOImode changes without an exit; what is deactivated then is another VP's. */
static void test_mode_changes(void **state)
{
	uint32_t i;

	(void)state;
	make(2);
	pulse(FIRST);
	fake_enter(0);
	assert_int_equal(fake_acknowledge(0, 1), FIRST);
	for (i = 0; i < 2; i++) {
		fake.processor[i].r.vmcr |= VMCR_EOIM;
		fake_enter(i);
	}
	fake_eoi(0, 1, FIRST);
	fake_dir(1, FIRST);
	fake_sync(0);
	assert_int_equal(fake_gicd_read(GIC_ISACTIVER + 4), 0);
}

/* The registers as they are while they trap, of both groups. */
static void test_trapped_interface(void **state)
{
	struct vgic_cpu *cpu = &fake.cpu[0];
	uint64_t value;
	uint32_t i;

	(void)state;
	make(2);
	fake_gicd_write(GIC_IGROUPR + 4, 0xffff0000); /* 32 to 47: group 0 */
	for (i = 0; i < 4; i++) {
		priority(FIRST + i, (uint8_t)(0x80 - i * 8));
		pulse(FIRST + i);
		fake_enter(0);
		assert_int_equal(fake_acknowledge(0, 0), FIRST + i);
	}
	priority(FIRST + 20, 0x40);
	pulse(FIRST + 20);
	fake_enter(0);
	assert_true(hcr() & HCR_TALL0);
	fake_sync(0);
	assert_true(vgic_icc_read(cpu, VGIC_ICC_HPPIR0, &value) && value == NONE);
	assert_true(vgic_icc_read(cpu, VGIC_ICC_HPPIR1, &value) && value == FIRST + 20);
	assert_true(vgic_icc_read(cpu, VGIC_ICC_AP0R0, &value) && value == 0x1e000);
	assert_true(vgic_icc_read(cpu, VGIC_ICC_AP1R0, &value) && value == 0);
	assert_false(vgic_icc_read(cpu, VGIC_ICC_AP1R1, &value));
	assert_true(vgic_icc_read(cpu, VGIC_ICC_RPR, &value) && value == 0x68);
	assert_true(vgic_icc_write(cpu, VGIC_ICC_BPR1, 0));
	assert_true(vgic_icc_read(cpu, VGIC_ICC_BPR1, &value) && value == 3);
	assert_true(vgic_icc_read(cpu, VGIC_ICC_BPR0, &value) && value == 2);
	/* A mask, a group that is off, the wrong group: nothing is taken. */
	assert_true(vgic_icc_write(cpu, VGIC_ICC_PMR, 0x40));
	assert_true(vgic_icc_read(cpu, VGIC_ICC_IAR1, &value) && value == NONE);
	assert_true(vgic_icc_write(cpu, VGIC_ICC_PMR, 0xff));
	assert_true(vgic_icc_read(cpu, VGIC_ICC_IAR0, &value) && value == NONE);
	assert_true(vgic_icc_write(cpu, VGIC_ICC_IGRPEN1, 0));
	assert_true(vgic_icc_read(cpu, VGIC_ICC_IAR1, &value) && value == NONE);
	assert_true(vgic_icc_write(cpu, VGIC_ICC_IGRPEN1, 1));
	assert_true(vgic_icc_read(cpu, VGIC_ICC_IAR1, &value) && value == FIRST + 20);
	assert_true(vgic_icc_read(cpu, VGIC_ICC_AP1R0, &value) && value == 1 << 8);
	/* The other group's end drops nothing. */
	assert_true(vgic_icc_write(cpu, VGIC_ICC_EOIR0, FIRST + 3));
	assert_int_equal(fake_gicd_read(GIC_ISACTIVER + 4), BIT(20) | 0xf);
	assert_true(vgic_icc_write(cpu, VGIC_ICC_EOIR1, FIRST + 20));
	assert_int_equal(fake_gicd_read(GIC_ISACTIVER + 4), 0xf);
	assert_false(vgic_icc_write(cpu, VGIC_ICC_IAR1, 0));
	assert_false(vgic_icc_read(cpu, VGIC_ICC_EOIR1, &value));
}

/* Without a trap of its own for ICC_DIR_EL1, the common registers trap. */
static void test_no_tdir(void **state)
{
	(void)state;
	make(4);
	fake.vgic.host.traps_dir = false;
	pulse(FIRST);
	fake_enter(0);
	assert_int_equal(hcr(), HCR_EN | HCR_TC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_urgent),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_group_off),
		cmocka_unit_test(test_group_disabled),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_disabled_meanwhile),
		cmocka_unit_test(test_no_tdir),
		cmocka_unit_test(test_ended_by_number),
		cmocka_unit_test(test_wrong_end),
		cmocka_unit_test(test_mode_changes),
		cmocka_unit_test(test_trapped_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
