/* SPDX-License-Identifier: MIT */
/* Saving and loading a GIC: a copy goes on where the first one was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "vgic_fake.h"
#include <cmocka.h>
#include <vgic_model.h>

#define SPIS 64u
#define VPS  2u
#define ALL  UINT32_MAX
#define PPI  27u

static union {
	struct partition_state_gic gic;
	uint8_t room[sizeof(struct partition_state_gic) + SPIS * sizeof(struct gic_state_irq)];
} saved, again;
static struct vp_state_gic vp_saved[VPS], vp_again;

static void save(void)
{
	uint32_t i;

	memset(&saved, 0, sizeof(saved));
	memset(vp_saved, 0, sizeof(vp_saved));
	for (i = 0; i < VPS; i++)
		fake_put(i);
	vgic_state_get(&fake.vgic, &saved.gic);
	for (i = 0; i < VPS; i++)
		vgic_cpu_state_get(&fake.cpu[i], &vp_saved[i]);
}

static void load(uint8_t lrs)
{
	uint32_t i;

	fake_gic_make(VPS, SPIS, lrs);
	assert_true(vgic_state_valid(&fake.vgic, &saved.gic));
	vgic_state_set(&fake.vgic, &saved.gic);
	for (i = 0; i < VPS; i++) {
		assert_true(vgic_cpu_state_valid(&fake.cpu[i], &vp_saved[i]));
		vgic_cpu_state_set(&fake.cpu[i], &vp_saved[i]);
		fake.processor[i].r.vmcr = fake.cpu[i].interface.vmcr;
		memcpy(fake.processor[i].r.ap, fake.cpu[i].interface.ap,
		       sizeof(fake.processor[i].r.ap));
	}
}

/* One of each: active, pending, active and pending, high, disabled; on both VPs. */
static void make(void)
{
	uint32_t i;

	fake_gic_make(VPS, SPIS, 4);
	fake_gic_ready();
	fake_gicd_write(GIC_IGROUPR + 4, ALL);
	fake_gicd_write(GIC_ISENABLER + 4, 0xffff);
	fake_gicd_write(GIC_ICFGR + 8, 0x2a);
	for (i = 0; i < VPS; i++) {
		fake_gicr_write(i, GICR_SGI + GIC_IGROUPR, ALL);
		fake_gicr_write(i, GICR_SGI + GIC_ISENABLER, ALL);
	}
	for (i = 32; i < 64; i += 4)
		fake_gicd_write(GIC_IPRIORITYR + i, 0x80a0c0e0);
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + 33 * 8, 8, 1);
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + 40 * 8, 8, BIT(31));
	vgic_set_spi(&fake.vgic, 32, true);
	vgic_set_spi(&fake.vgic, 33, true);
	vgic_set_spi(&fake.vgic, 50, true);
	fake_enter(0);
	fake_enter(1);
	assert_int_equal(fake_acknowledge(0, 1), 32);
	assert_int_equal(fake_acknowledge(1, 1), 33);
	vgic_set_spi(&fake.vgic, 33, false);
	vgic_set_spi(&fake.vgic, 33, true);
	/* Active on VP 1, and routed to VP 0. */
	vgic_distributor_write(&fake.vgic, GICD_IROUTER + 33 * 8, 8, 0);
	vgic_sgi_write(&fake.cpu[0], VGIC_SGI1R, 3u << 24 | 2);
	vgic_set_ppi(&fake.cpu[0], PPI, true);
	fake_enter(0);
	fake_enter(1);
}

static void test_continues(void **state)
{
	uint32_t lrs;

	(void)state;
	for (lrs = 2; lrs <= 16; lrs += 7) {
		make();
		save();
		load((uint8_t)lrs);
		memset(&again, 0, sizeof(again));
		vgic_state_get(&fake.vgic, &again.gic);
		assert_memory_equal(&again, &saved, sizeof(saved));
		memset(&vp_again, 0, sizeof(vp_again));
		vgic_cpu_state_get(&fake.cpu[1], &vp_again);
		assert_memory_equal(&vp_again, &vp_saved[1], sizeof(vp_again));
		assert_int_equal(saved.gic.spi[1].owner, 2);
		fake_enter(0);
		fake_enter(1);
		/* VP 0: the PPI of priority 0 preempts what is active. */
		assert_int_equal(fake_acknowledge(0, 1), PPI);
		assert_int_equal(fake_acknowledge(1, 1), 3);
		fake_eoi(1, 1, 3);
		fake_eoi(1, 1, 33);
		assert_int_equal(fake_acknowledge(1, 1), VGIC_NO_INTID);
		vgic_set_ppi(&fake.cpu[0], PPI, false);
		fake_enter(0);
		fake_eoi(0, 1, PPI);
		vgic_set_spi(&fake.vgic, 32, false);
		fake_enter(0);
		fake_eoi(0, 1, 32);
		fake_enter(0);
		assert_int_equal(fake_acknowledge(0, 1), 33);
		/* 50 is still disabled, and high. */
		assert_int_equal(fake_gicd_read(GIC_ISPENDR + 4), 1u << 18);
	}
}

static void test_reset_values(void **state)
{
	(void)state;
	make();
	save();
	memset(&vp_again, 0, sizeof(vp_again));
	vgic_cpu_state_reset(&fake.cpu[0], &vp_again);
	assert_true(vgic_cpu_state_valid(&fake.cpu[0], &vp_again));
	vgic_cpu_reset(&fake.cpu[0]);
	vgic_cpu_state_get(&fake.cpu[0], &vp_saved[0]);
	assert_memory_equal(&vp_again, &vp_saved[0], sizeof(vp_again));
}

static void test_bad_distributor(void **state)
{
	struct gic_state_irq *irq = &saved.gic.spi[7];

	(void)state;
	make();
	save();
#define BAD(change, back)                                               \
	do {                                                            \
		change;                                                 \
		assert_false(vgic_state_valid(&fake.vgic, &saved.gic)); \
		back;                                                   \
		assert_true(vgic_state_valid(&fake.vgic, &saved.gic));  \
	} while (0)
	BAD(saved.gic.ctlr |= 4, saved.gic.ctlr &= ~4u);
	BAD(saved.gic.ctlr &= ~0x10u, saved.gic.ctlr |= 0x10);
	BAD(saved.gic.spi_count--, saved.gic.spi_count++);
	BAD(irq->flags |= 0x40, irq->flags &= (uint8_t)~0x40);
	BAD(irq->priority |= 1, irq->priority &= 0xf8);
	BAD(irq->reserved = 1, irq->reserved = 0);
	BAD(irq->route = 1ull << 40, irq->route = 0);
	BAD(irq->owner = 1, irq->owner = 0); /* not active */
	irq->flags |= GIC_IRQ_ACTIVE;
	BAD(irq->owner = VPS + 1, irq->owner = VPS);
#undef BAD
}

static void test_bad_vp(void **state)
{
	struct vp_state_gic *vp = &vp_saved[0];

	(void)state;
	make();
	save();
#define BAD(change, back)                                             \
	do {                                                          \
		change;                                               \
		assert_false(vgic_cpu_state_valid(&fake.cpu[0], vp)); \
		back;                                                 \
		assert_true(vgic_cpu_state_valid(&fake.cpu[0], vp));  \
	} while (0)
	BAD(vp->waker = 2, vp->waker = 6);
	BAD(vp->vmcr |= 1u << 10, vp->vmcr &= ~(1u << 10));
	BAD(vp->vmcr &= ~8u, vp->vmcr |= 8);
	BAD(vp->ap[1][1] = 1, vp->ap[1][1] = 0); /* 5 bits of preemption: one register */
	BAD(vp->irq[3].flags &= (uint8_t)~GIC_IRQ_EDGE, vp->irq[3].flags |= GIC_IRQ_EDGE);
	BAD(vp->irq[16].route = 1, vp->irq[16].route = 0);
	BAD(vp->irq[16].owner = 1, vp->irq[16].owner = 0);
#undef BAD
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_continues),
		cmocka_unit_test(test_reset_values),
		cmocka_unit_test(test_bad_distributor),
		cmocka_unit_test(test_bad_vp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
