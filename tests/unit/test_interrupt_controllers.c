/* SPDX-License-Identifier: MIT */
/* The 8259 pair, the I/O APIC, and the wiring of lines to both. */
#include "device_fake.h"

#include <devices/irq_router.h>

struct machine {
	struct fake fake;
	struct pic pic;
	struct ioapic ioapic;
	struct irq_router router;
};

#define EOI	    0x20
#define READ_IRR    0x0a
#define READ_ISR    0x0b
#define MASTER_BASE 0x20
#define SLAVE_BASE  0x28

static void pic_program(struct machine *m, uint8_t icw1, uint8_t icw4)
{
	const uint8_t base[2] = {MASTER_BASE, SLAVE_BASE}, cascade[2] = {0x04, 0x02};

	for (unsigned int i = 0; i < 2; i++) {
		uint16_t port = i ? PIC_SLAVE_PORT : PIC_MASTER_PORT;

		out8(&m->fake, port, icw1);
		out8(&m->fake, port + 1, base[i]);
		out8(&m->fake, port + 1, cascade[i]);
		out8(&m->fake, port + 1, icw4);
	}
}

static int setup(void **state)
{
	struct machine *m = test_calloc(1, sizeof(*m));

	fake_init(&m->fake);
	assert_int_equal(pic_init(&m->pic, &m->fake.env, &m->fake.bus), STATUS_OK);
	assert_int_equal(ioapic_init(&m->ioapic, &m->fake.env, &m->fake.bus, IOAPIC_BASE),
			 STATUS_OK);
	irq_router_init(&m->router, &m->pic, &m->ioapic);
	pic_program(m, 0x11, 0x01);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

	fake_destroy(&m->fake);
	test_free(m);
	return 0;
}

/* ------------------------------------------------------------------ the PIC */

static void pic_delivers_and_takes_eoi(void **state)
{
	struct machine *m = *state;

	pic_line_set(&m->pic, 4, true);
	assert_true(m->fake.intr);
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 4);
	assert_false(m->fake.intr);
	out8(&m->fake, PIC_MASTER_PORT, READ_ISR);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT), 0x10);
	out8(&m->fake, PIC_MASTER_PORT, READ_IRR);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT), 0);
	out8(&m->fake, PIC_MASTER_PORT, EOI);
	assert_false(m->fake.intr); /* edge: still up is no new request */
	pic_line_set(&m->pic, 4, false);
	pic_line_set(&m->pic, 4, true);
	assert_true(m->fake.intr);
	/* One that falls before it is taken is lost. */
	assert_int_equal(m->fake.env.lost_edges, 0);
	pic_line_set(&m->pic, 4, false);
	assert_false(m->fake.intr);
	assert_int_equal(m->fake.env.lost_edges, 1);
}

static void pic_priorities_nest(void **state)
{
	struct machine *m = *state;

	pic_line_set(&m->pic, 4, true);
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 4);
	pic_line_set(&m->pic, 5, true);
	assert_false(m->fake.intr); /* lower */
	pic_line_set(&m->pic, 1, true);
	assert_true(m->fake.intr); /* higher */
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 1);
	out8(&m->fake, PIC_MASTER_PORT, EOI); /* the highest: 1 */
	assert_false(m->fake.intr);
	out8(&m->fake, PIC_MASTER_PORT, 0x60 | 4); /* specific */
	assert_true(m->fake.intr);
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 5);
}

static void pic_mask_holds_back(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, PIC_MASTER_PORT + 1, 0x10);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT + 1), 0x10);
	pic_line_set(&m->pic, 4, true);
	assert_false(m->fake.intr);
	out8(&m->fake, PIC_MASTER_PORT + 1, 0);
	assert_true(m->fake.intr);
}

static void pic_slave_cascades(void **state)
{
	struct machine *m = *state;

	pic_line_set(&m->pic, 8, true);
	pic_line_set(&m->pic, 3, true);
	assert_int_equal(pic_acknowledge(&m->pic), SLAVE_BASE + 0); /* before 3 */
	pic_line_set(&m->pic, 9, true);
	assert_false(m->fake.intr);
	out8(&m->fake, PIC_SLAVE_PORT, EOI);
	out8(&m->fake, PIC_MASTER_PORT, 0x60 | PIC_CASCADE);
	assert_int_equal(pic_acknowledge(&m->pic), SLAVE_BASE + 1);
	out8(&m->fake, PIC_SLAVE_PORT, EOI);
	out8(&m->fake, PIC_MASTER_PORT, EOI);
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 3);
}

static void pic_special_fully_nested_lets_the_slave_interrupt_itself(void **state)
{
	struct machine *m = *state;

	pic_program(m, 0x11, 0x11);
	pic_line_set(&m->pic, 9, true);
	assert_int_equal(pic_acknowledge(&m->pic), SLAVE_BASE + 1);
	pic_line_set(&m->pic, 8, true);
	assert_true(m->fake.intr);
	assert_int_equal(pic_acknowledge(&m->pic), SLAVE_BASE + 0);
}

static void pic_spurious(void **state)
{
	struct machine *m = *state;

	pic_line_set(&m->pic, 4, true);
	pic_line_set(&m->pic, 4, false);
	assert_false(m->fake.intr);
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 7);
	out8(&m->fake, PIC_MASTER_PORT, READ_ISR);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT), 0);
	/* The slave's: the master saw an edge on the cascade that is gone at the slave. */
	pic_line_set(&m->pic, 10, true);
	m->pic.chip[1].irr = 0;
	assert_int_equal(pic_acknowledge(&m->pic), SLAVE_BASE + 7);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT), 1 << PIC_CASCADE);
}

static void pic_level_asks_again(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, PIC_ELCR_PORT, 0xff);
	out8(&m->fake, PIC_ELCR_PORT + 1, 0xff);
	assert_int_equal(in8(&m->fake, PIC_ELCR_PORT), 0xf8);
	assert_int_equal(in8(&m->fake, PIC_ELCR_PORT + 1), 0xde);
	pic_line_set(&m->pic, 11, true);
	assert_int_equal(pic_acknowledge(&m->pic), SLAVE_BASE + 3);
	out8(&m->fake, PIC_SLAVE_PORT, EOI);
	out8(&m->fake, PIC_MASTER_PORT, EOI);
	assert_true(m->fake.intr);
	pic_line_set(&m->pic, 11, false);
	assert_false(m->fake.intr);
}

static void pic_auto_eoi_and_rotation(void **state)
{
	struct machine *m = *state;

	pic_program(m, 0x11, 0x03);
	out8(&m->fake, PIC_MASTER_PORT, 0x80); /* rotate in automatic EOI mode */
	pic_line_set(&m->pic, 0, true);
	pic_line_set(&m->pic, 1, true);
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 0);
	pic_line_set(&m->pic, 0, false);
	pic_line_set(&m->pic, 0, true); /* is the lowest now */
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 1);
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 0);
	out8(&m->fake, PIC_MASTER_PORT, READ_ISR);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT), 0);
}

static void pic_rotates_by_command(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, PIC_MASTER_PORT, 0xc0 | 3); /* 3 is the lowest, 4 the highest */
	pic_line_set(&m->pic, 3, true);
	pic_line_set(&m->pic, 0, true);
	pic_line_set(&m->pic, 4, true);
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 4);
	out8(&m->fake, PIC_MASTER_PORT, 0xa0); /* EOI, and 4 becomes the lowest */
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 0);
	out8(&m->fake, PIC_MASTER_PORT, 0xe0 | 0); /* specific, and 0 becomes the lowest */
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 3);
}

static void pic_special_mask_lets_lower_ones_through(void **state)
{
	struct machine *m = *state;

	pic_line_set(&m->pic, 1, true);
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 1);
	pic_line_set(&m->pic, 6, true);
	assert_false(m->fake.intr);
	out8(&m->fake, PIC_MASTER_PORT + 1, 0x02);
	out8(&m->fake, PIC_MASTER_PORT, 0x68);
	assert_true(m->fake.intr);
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE + 6);
	out8(&m->fake, PIC_MASTER_PORT, EOI); /* not the masked one */
	out8(&m->fake, PIC_MASTER_PORT, READ_ISR);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT), 0x02);
	out8(&m->fake, PIC_MASTER_PORT, 0x48);
	out8(&m->fake, PIC_MASTER_PORT, EOI);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT), 0);
}

static void pic_polls(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, PIC_MASTER_PORT, 0x0c);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT), 0);
	pic_line_set(&m->pic, 5, true);
	out8(&m->fake, PIC_MASTER_PORT, 0x0c);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT), 0x85);
	assert_false(m->fake.intr);
	out8(&m->fake, PIC_MASTER_PORT, READ_ISR);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT), 0x20);
}

static void pic_initialisation_forgets(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, PIC_MASTER_PORT + 1, 0xfb);
	pic_line_set(&m->pic, 4, true);
	out8(&m->fake, PIC_MASTER_PORT, 0x13); /* single, with ICW4 */
	assert_false(m->fake.intr);
	out8(&m->fake, PIC_MASTER_PORT + 1, 0x47);
	out8(&m->fake, PIC_MASTER_PORT + 1, 0x01);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT + 1), 0);
	assert_false(m->fake.intr); /* the edge is forgotten */
	pic_line_set(&m->pic, 4, false);
	pic_line_set(&m->pic, 4, true);
	assert_int_equal(pic_acknowledge(&m->pic), 0x44);
	out8(&m->fake, PIC_MASTER_PORT, 0x1a); /* level, single, no ICW4 */
	out8(&m->fake, PIC_MASTER_PORT + 1, 0x50);
	assert_true(m->fake.intr);
	assert_int_equal(pic_acknowledge(&m->pic), 0x54);
}

static void pic_resets_masked(void **state)
{
	struct machine *m = *state;

	pic_line_set(&m->pic, 4, true);
	device_bus_reset(&m->fake.bus);
	assert_false(m->fake.intr);
	assert_int_equal(in8(&m->fake, PIC_MASTER_PORT + 1), 0xff);
	pic_line_set(&m->pic, 2, true);
	pic_line_set(&m->pic, 16, true);
}

/* ------------------------------------------------------------- the I/O APIC */

static void ioapic_set(struct machine *m, uint8_t index, uint32_t value)
{
	mmio_out32(&m->fake, IOAPIC_BASE, index);
	mmio_out32(&m->fake, IOAPIC_BASE + 0x10, value);
}

static uint32_t ioapic_get(struct machine *m, uint8_t index)
{
	mmio_out32(&m->fake, IOAPIC_BASE, index);
	return mmio_in32(&m->fake, IOAPIC_BASE + 0x10);
}

static void ioapic_registers(void **state)
{
	struct machine *m = *state;

	assert_int_equal(ioapic_get(m, 1), 0x00170020);
	ioapic_set(m, 0, 0xffffffff);
	assert_int_equal(ioapic_get(m, 0), 0x0f000000);
	assert_int_equal(ioapic_get(m, 2), 0x0f000000);
	assert_int_equal(ioapic_get(m, 0x10 + 47), 0);
	assert_int_equal(ioapic_get(m, 0x10 + 46), 0x00010000);
	assert_int_equal(ioapic_get(m, 0x10 + 48), 0);
	ioapic_set(m, 0x10 + 48, 0xffffffff);
	ioapic_set(m, 0x10, 0xffffffff);
	ioapic_set(m, 0x11, 0xffffffff);
	assert_int_equal(ioapic_get(m, 0x10), 0x0001afff); /* not 12, 14 and 17 on */
	assert_int_equal(ioapic_get(m, 0x11), 0xff000000);
	assert_int_equal(mmio_in32(&m->fake, IOAPIC_BASE), 0x11);
	/* A byte selects too; a byte in the window does nothing. */
	device_mmio_write(&m->fake.bus, IOAPIC_BASE, 1, 0x01);
	device_mmio_write(&m->fake.bus, IOAPIC_BASE + 0x10, 1, 0x55);
	assert_int_equal(device_mmio_read(&m->fake.bus, IOAPIC_BASE + 0x12, 1), 0x17);
}

static void ioapic_edge(void **state)
{
	struct machine *m = *state;

	ioapic_line_set(&m->ioapic, 4, true); /* masked: lost */
	ioapic_set(m, 0x19, 0x03000000);
	ioapic_set(m, 0x18, 0x00000034);
	assert_int_equal(m->fake.msi_count, 0);
	ioapic_line_set(&m->ioapic, 4, true); /* no edge */
	assert_int_equal(m->fake.msi_count, 0);
	ioapic_line_set(&m->ioapic, 4, false);
	ioapic_line_set(&m->ioapic, 4, true);
	assert_int_equal(m->fake.msi_count, 1);
	assert_int_equal(m->fake.msi_address, 0xfee03000);
	assert_int_equal(m->fake.msi_data, 0x34);
	assert_int_equal(ioapic_get(m, 0x18), 0x34); /* no remote IRR */
	ioapic_line_set(&m->ioapic, 4, false);
	ioapic_line_set(&m->ioapic, 4, true);
	assert_int_equal(m->fake.msi_count, 2);
}

static void ioapic_level(void **state)
{
	struct machine *m = *state;

	ioapic_line_set(&m->ioapic, 9, true);
	ioapic_set(m, 0x23, 0xff000000);
	ioapic_set(m, 0x22, 0x00018941); /* masked, level, logical, lowest priority */
	assert_int_equal(m->fake.msi_count, 0);
	ioapic_set(m, 0x22, 0x00008941);
	assert_int_equal(m->fake.msi_count, 1); /* was held, not lost */
	assert_int_equal(m->fake.msi_address, 0xfeeff004);
	assert_int_equal(m->fake.msi_data, 0xc141);
	assert_int_equal(ioapic_get(m, 0x22), 0x0000c941); /* remote IRR */
	ioapic_line_set(&m->ioapic, 9, false);
	ioapic_line_set(&m->ioapic, 9, true);
	assert_int_equal(m->fake.msi_count, 1);
	ioapic_eoi(&m->ioapic, 0x40); /* another vector */
	assert_int_equal(m->fake.msi_count, 1);
	ioapic_eoi(&m->ioapic, 0x41);
	assert_int_equal(m->fake.msi_count, 2); /* still asserted: again */
	ioapic_line_set(&m->ioapic, 9, false);
	mmio_out32(&m->fake, IOAPIC_BASE + 0x40, 0x41); /* the EOI register */
	assert_int_equal(m->fake.msi_count, 2);
	assert_int_equal(ioapic_get(m, 0x22), 0x00008941);
}

static void ioapic_remote_irr_survives_mask_but_not_edge_mode(void **state)
{
	struct machine *m = *state;

	ioapic_set(m, 0x22, 0x00008041);
	ioapic_line_set(&m->ioapic, 9, true);
	ioapic_set(m, 0x22, 0x00018041);
	assert_int_equal(ioapic_get(m, 0x22), 0x0001c041);
	ioapic_set(m, 0x22, 0x00010041);
	assert_int_equal(ioapic_get(m, 0x22), 0x00010041);
	ioapic_set(m, 0x22, 0x00008041);
	assert_int_equal(m->fake.msi_count, 2);
}

static void ioapic_nmi_has_no_remote_irr(void **state)
{
	struct machine *m = *state;

	ioapic_set(m, 0x22, 0x00008400);
	ioapic_line_set(&m->ioapic, 9, true);
	assert_int_equal(m->fake.msi_data, 0x400);
	assert_int_equal(ioapic_get(m, 0x22), 0x00008400);
	ioapic_line_set(&m->ioapic, 24, true);
}

static void ioapic_routes(void **state)
{
	const struct ioapic_route route = {.address = 0xfee05000, .data = 0x4061, .valid = true};
	struct machine *m = *state;

	assert_false(ioapic_assert(&m->ioapic, 4)); /* masked */
	assert_false(ioapic_assert(&m->ioapic, IOAPIC_PINS));
	ioapic_set_route(&m->ioapic, IOAPIC_PINS, &route);
	ioapic_set_route(&m->ioapic, 4, &route);
	assert_true(ioapic_assert(&m->ioapic, 4));
	assert_int_equal(m->fake.msi_count, 1);
	assert_int_equal(m->fake.msi_address, 0xfee05000);
	assert_int_equal(m->fake.msi_data, 0x4061);
	ioapic_set_route(&m->ioapic, 4, NULL);
	assert_false(ioapic_assert(&m->ioapic, 4));

	/* The guest's writes to the table set them. */
	ioapic_set(m, 0x19, 0x03000000);
	ioapic_set(m, 0x18, 0x00008934); /* level, logical, lowest priority */
	assert_true(ioapic_assert(&m->ioapic, 4));
	assert_int_equal(m->fake.msi_address, 0xfee03004);
	assert_int_equal(m->fake.msi_data, 0xc134);
	ioapic_set(m, 0x18, 0x00018934);
	assert_false(ioapic_assert(&m->ioapic, 4));
	ioapic_set(m, 0x18, 0x00000734); /* ExtINT: always as an edge */
	assert_true(ioapic_assert(&m->ioapic, 4));
	assert_int_equal(m->fake.msi_data, 0x734);
	device_bus_reset(&m->fake.bus);
	assert_false(ioapic_assert(&m->ioapic, 4));
	assert_int_equal(m->fake.msi_count, 3);
}

/* --------------------------------------------------------------- the router */

static void router_wires_both(void **state)
{
	struct machine *m = *state;

	irq_router_set(&m->router, 4, true);
	assert_true(m->fake.intr);
	assert_int_equal(m->ioapic.lines, 1 << 4);
	irq_router_set(&m->router, 4, false);
	irq_router_set(&m->router, 20, true);
	assert_false(m->fake.intr);
	assert_int_equal(m->ioapic.lines, 1 << 20);
	irq_router_set(&m->router, 24, true);
	irq_router_set(&m->router, UINT32_MAX, true);
	assert_int_equal(m->ioapic.lines, 1 << 20);
}

static void router_timer_goes_to_pin_2(void **state)
{
	struct machine *m = *state;

	irq_router_set(&m->router, IRQ_TIMER, true);
	assert_int_equal(m->ioapic.lines, 1 << IRQ_TIMER_PIN);
	assert_int_equal(pic_acknowledge(&m->pic), MASTER_BASE);
	irq_router_set(&m->router, 2, true);
	irq_router_set(&m->router, IRQ_TIMER, false);
	assert_int_equal(m->ioapic.lines, 1 << IRQ_TIMER_PIN);
	irq_router_set(&m->router, 2, false);
	assert_int_equal(m->ioapic.lines, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pic_delivers_and_takes_eoi),
		TEST(pic_priorities_nest),
		TEST(pic_mask_holds_back),
		TEST(pic_slave_cascades),
		TEST(pic_special_fully_nested_lets_the_slave_interrupt_itself),
		TEST(pic_spurious),
		TEST(pic_level_asks_again),
		TEST(pic_auto_eoi_and_rotation),
		TEST(pic_rotates_by_command),
		TEST(pic_special_mask_lets_lower_ones_through),
		TEST(pic_polls),
		TEST(pic_initialisation_forgets),
		TEST(pic_resets_masked),
		TEST(ioapic_registers),
		TEST(ioapic_edge),
		TEST(ioapic_level),
		TEST(ioapic_remote_irr_survives_mask_but_not_edge_mode),
		TEST(ioapic_nmi_has_no_remote_irr),
		TEST(ioapic_routes),
		TEST(router_wires_both),
		TEST(router_timer_goes_to_pin_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
