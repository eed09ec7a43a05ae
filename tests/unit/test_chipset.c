/* SPDX-License-Identifier: MIT */
/* ACPI fixed hardware, PCI configuration ports, reset paths, the keyboard controller, HPET. */
#include "device_fake.h"

#include <devices/acpi_pm.h>
#include <devices/hpet.h>
#include <devices/i8042.h>
#include <devices/pci_config.h>

#define SCI 9

struct machine {
	struct fake fake;
	struct acpi_pm pm;
	struct pci_config pci;
	struct i8042 kbc;
	struct hpet hpet;
};

static int setup_width(void **state, bool timer_32bit)
{
	struct machine *m = test_calloc(1, sizeof(*m));
	const struct acpi_pm_config config = {
		.port = ACPI_PM_PORT, .gsi = SCI, .timer_32bit = timer_32bit};

	fake_init(&m->fake);
	assert_int_equal(acpi_pm_init(&m->pm, &m->fake.env, &m->fake.bus, &config), STATUS_OK);
	assert_int_equal(pci_config_init(&m->pci, &m->fake.env, &m->fake.bus), STATUS_OK);
	assert_int_equal(i8042_init(&m->kbc, &m->fake.env, &m->fake.bus, I8042_GSI), STATUS_OK);
	assert_int_equal(hpet_init(&m->hpet, &m->fake.env, &m->fake.bus, HPET_BASE), STATUS_OK);
	*state = m;
	return 0;
}

static int setup(void **state)
{
	return setup_width(state, false);
}

static int setup_32bit(void **state)
{
	return setup_width(state, true);
}

static int teardown(void **state)
{
	struct machine *m = *state;

	fake_destroy(&m->fake);
	test_free(m);
	return 0;
}

/* --------------------------------------------------------------------- ACPI */

static void pm_timer_counts_and_wraps(void **state)
{
	struct machine *m = *state;

	assert_int_equal(in32(&m->fake, 0x608), 0);
	fake_run_until(&m->fake, NS_PER_SEC);
	assert_int_equal(in32(&m->fake, 0x608), 3579545);
	assert_int_equal(in8(&m->fake, 0x609), 3579545 >> 8 & 0xff);
	fake_run_until(&m->fake, 5 * NS_PER_SEC);
	assert_int_equal(in32(&m->fake, 0x608), (5 * 3579545) & 0xffffff);
	out32(&m->fake, 0x608, 0); /* read only */
	assert_int_equal(in32(&m->fake, 0x608), (5 * 3579545) & 0xffffff);
}

static void pm_timer_of_32_bits(void **state)
{
	struct machine *m = *state;

	fake_run_until(&m->fake, 1200 * NS_PER_SEC);
	assert_int_equal(in32(&m->fake, 0x608), (uint32_t)(1200ull * 3579545));
	assert_int_equal(in16(&m->fake, 0x600) & 1, 1); /* bit 31 has changed */
}

static void pm_timer_carry_interrupts(void **state)
{
	struct machine *m = *state;

	assert_true(m->fake.deadline_ns == DEVICE_NEVER);
	out16(&m->fake, 0x602, 0x0001);
	fake_run_until(&m->fake, 2343000000); /* 2^23 ticks are 2.3435 s */
	assert_false(m->fake.line[SCI]);
	fake_run_until(&m->fake, 2344000000);
	assert_true(m->fake.line[SCI]);
	assert_int_equal(in16(&m->fake, 0x600), 0x0001);
	out16(&m->fake, 0x600, 0x0001);
	assert_false(m->fake.line[SCI]);
	fake_run_until(&m->fake, 4688000000); /* and back */
	assert_int_equal(m->fake.rises[SCI], 2);
	out8(&m->fake, 0x600, 0x01);
	out16(&m->fake, 0x602, 0);
	fake_run_until(&m->fake, 20 * NS_PER_SEC);
	assert_int_equal(m->fake.rises[SCI], 2);
	assert_int_equal(in16(&m->fake, 0x600), 0x0001); /* set, but not enabled */
}

static void pm_power_button(void **state)
{
	struct machine *m = *state;

	acpi_pm_power_button(&m->pm);
	assert_false(m->fake.line[SCI]);
	out16(&m->fake, 0x602, 0xffff);
	assert_true(m->fake.line[SCI]);
	assert_int_equal(in16(&m->fake, 0x602), 0x4721);
	assert_int_equal(in32(&m->fake, 0x600), 0x47210100);
	out32(&m->fake, 0x600, 0x47210100);
	assert_false(m->fake.line[SCI]);
}

static void pm_gpe(void **state)
{
	struct machine *m = *state;

	out16(&m->fake, 0x622, 0x0004);
	acpi_pm_gpe_raise(&m->pm, 3);
	acpi_pm_gpe_raise(&m->pm, 16);
	assert_false(m->fake.line[SCI]);
	acpi_pm_gpe_raise(&m->pm, 2);
	assert_true(m->fake.line[SCI]);
	assert_int_equal(in16(&m->fake, 0x620), 0x000c);
	out8(&m->fake, 0x620, 0x04);
	assert_false(m->fake.line[SCI]);
	device_bus_reset(&m->fake.bus);
	assert_int_equal(in32(&m->fake, 0x620), 0);
}

static void pm_sleeps(void **state)
{
	struct machine *m = *state;

	assert_int_equal(in16(&m->fake, 0x604), 0x0001);
	out16(&m->fake, 0x604, ACPI_PM_SLEEP_S5 << 10);
	assert_int_equal(m->fake.power_count, 0);
	out16(&m->fake, 0x604, 0x2000 | ACPI_PM_SLEEP_S5 << 10);
	assert_int_equal(m->fake.power_count, 1);
	assert_int_equal(m->fake.power, DEVICE_POWER_OFF);
	assert_int_equal(in16(&m->fake, 0x604), 0x0001 | ACPI_PM_SLEEP_S5 << 10);
	out8(&m->fake, 0x605, 0x20 | ACPI_PM_SLEEP_S4 << 2);
	assert_int_equal(m->fake.power, DEVICE_POWER_HIBERNATE);
	out16(&m->fake, 0x604, 0x2000 | 1 << 10); /* a state that we lack */
	assert_int_equal(m->fake.power_count, 2);
}

/* ------------------------------------------------------------ PCI and reset */

static void pci_has_a_host_bridge_alone(void **state)
{
	struct machine *m = *state;

	out32(&m->fake, 0xcf8, 0x80000000);
	assert_int_equal(in32(&m->fake, 0xcfc), 0x0d578086);
	assert_int_equal(in16(&m->fake, 0xcfe), 0x0d57);
	assert_int_equal(in8(&m->fake, 0xcfd), 0x80);
	out32(&m->fake, 0xcf8, 0x80000008);
	assert_int_equal(in16(&m->fake, 0xcfe), 0x0600);
	out32(&m->fake, 0xcf8, 0x8000003c);
	assert_int_equal(in32(&m->fake, 0xcfc), 0);
	out32(&m->fake, 0xcf8, 0x00000000); /* not enabled */
	assert_int_equal(in32(&m->fake, 0xcfc), 0xffffffff);
	out32(&m->fake, 0xcf8, 0x80000100); /* function 1 */
	assert_int_equal(in32(&m->fake, 0xcfc), 0xffffffff);
	out32(&m->fake, 0xcf8, 0x80010000); /* bus 1 */
	assert_int_equal(in32(&m->fake, 0xcfc), 0xffffffff);

	out32(&m->fake, 0xcf8, 0xffffffff);
	assert_int_equal(in32(&m->fake, 0xcf8), 0x80fffffc);
	assert_int_equal(in32(&m->fake, 0xcfc), 0xffffffff);
	assert_int_equal(in16(&m->fake, 0xcfe), 0xffff);
	out32(&m->fake, 0xcfc, 0);
	out8(&m->fake, 0xcfb, 0x01); /* the probe for mechanism 1 */
	assert_int_equal(in32(&m->fake, 0xcf8), 0x80fffffc);
	assert_int_equal(m->fake.power_count, 0);
}

static void reset_control_register(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, 0xcf9, 0x02);
	assert_int_equal(m->fake.power_count, 0);
	assert_int_equal(in8(&m->fake, 0xcf9), 0x02);
	out8(&m->fake, 0xcf9, 0x06);
	assert_int_equal(m->fake.power_count, 1);
	assert_int_equal(m->fake.power, DEVICE_POWER_RESET);
	out8(&m->fake, 0xcf9, 0x0e); /* no edge */
	assert_int_equal(m->fake.power_count, 1);
}

static void keyboard_controller_resets(void **state)
{
	struct machine *m = *state;

	assert_int_equal(in8(&m->fake, 0x64) & 0x03, 0); /* ready at once */
	out8(&m->fake, 0x64, 0xff);
	assert_int_equal(m->fake.power_count, 0);
	out8(&m->fake, 0x64, 0xfe);
	assert_int_equal(m->fake.power, DEVICE_POWER_RESET);
	assert_int_equal(m->fake.power_count, 1);
	out8(&m->fake, 0x64, 0xd1);
	out8(&m->fake, 0x60, 0xfe);
	assert_int_equal(m->fake.power_count, 2);
	assert_int_equal(in8(&m->fake, 0x92), 0x02);
	out8(&m->fake, 0x92, 0x03);
	assert_int_equal(m->fake.power_count, 3);
	out8(&m->fake, 0x92, 0x01);
	assert_int_equal(m->fake.power_count, 3);
}

static void keyboard_controller_answers_at_once(void **state)
{
	struct machine *m = *state;
	static const uint8_t answers[][2] = {
		{0x20, 0x34}, {0xaa, 0x55}, {0xab, 0x00}, {0xa9, 0x01}, {0xd0, 0xcf}};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		out8(&m->fake, 0x64, answers[i][0]);
		assert_int_equal(in8(&m->fake, 0x64) & 0x01, 0x01);
		assert_int_equal(in8(&m->fake, 0x60), answers[i][1]);
		assert_int_equal(in8(&m->fake, 0x64) & 0x01, 0);
	}
	out8(&m->fake, 0x64, 0x60);
	out8(&m->fake, 0x60, 0x45);
	out8(&m->fake, 0x64, 0xad);
	out8(&m->fake, 0x64, 0x20);
	assert_int_equal(in8(&m->fake, 0x60), 0x55);
	assert_true(m->fake.rises[1] > 0);
	assert_false(m->fake.line[1]);
	/* Mouse loop: answered, but not by a mouse. Keyboard: nobody there. */
	out8(&m->fake, 0x64, 0xd3);
	out8(&m->fake, 0x60, 0x5a);
	assert_int_equal(in8(&m->fake, 0x64) & 0x21, 0x01);
	assert_int_equal(in8(&m->fake, 0x60), 0x5a);
	out8(&m->fake, 0x60, 0xf2);
	assert_int_equal(in8(&m->fake, 0x64) & 0x41, 0x41);
	assert_int_equal(in8(&m->fake, 0x60), 0xfe);
	assert_int_equal(in8(&m->fake, 0x64) & 0x41, 0);
	assert_int_equal(m->fake.power_count, 0);
}

/* --------------------------------------------------------------------- HPET */

static uint64_t hpet_get(struct machine *m, unsigned int reg)
{
	return device_mmio_read(&m->fake.bus, HPET_BASE + reg, 8);
}

static void hpet_put(struct machine *m, unsigned int reg, uint64_t value)
{
	device_mmio_write(&m->fake.bus, HPET_BASE + reg, 8, value);
}

static void hpet_counts(void **state)
{
	struct machine *m = *state;

	assert_true(hpet_get(m, 0) == 0x0098968080862201ull);
	assert_int_equal(mmio_in32(&m->fake, HPET_BASE + 4), 10000000);
	fake_run_for(&m->fake, 1000);
	assert_int_equal(hpet_get(m, 0xf0), 0);
	hpet_put(m, 0xf0, UINT64_MAX - 9);
	hpet_put(m, 0x10, 3);
	assert_int_equal(hpet_get(m, 0x10), 1); /* no legacy replacement */
	fake_run_for(&m->fake, 110);
	assert_int_equal(hpet_get(m, 0xf0), 1);
	hpet_put(m, 0xf0, 77); /* not while it runs */
	mmio_out32(&m->fake, HPET_BASE + 0x10, 0);
	fake_run_for(&m->fake, 1000);
	assert_int_equal(hpet_get(m, 0xf0), 1);
}

static void hpet_one_shot_edge(void **state)
{
	struct machine *m = *state;

	hpet_put(m, 0x100, 20 << 9 | 1 << 2);
	hpet_put(m, 0x108, 1000);
	assert_true(m->fake.deadline_ns == DEVICE_NEVER);
	hpet_put(m, 0x10, 1);
	fake_run_for(&m->fake, 9999);
	assert_int_equal(m->fake.rises[20], 0);
	fake_run_for(&m->fake, NS_PER_SEC);
	assert_int_equal(m->fake.rises[20], 1);
	assert_int_equal(hpet_get(m, 0x20), 0);
}

static void hpet_level_status(void **state)
{
	struct machine *m = *state;

	hpet_put(m, 0x120, 21 << 9 | 1 << 2 | 1 << 1);
	hpet_put(m, 0x128, 100);
	hpet_put(m, 0x10, 1);
	fake_run_for(&m->fake, 2000);
	assert_true(m->fake.line[21]);
	assert_int_equal(hpet_get(m, 0x20), 2);
	hpet_put(m, 0x20, 1);
	assert_true(m->fake.line[21]);
	hpet_put(m, 0x20, 2);
	assert_false(m->fake.line[21]);
}

static void hpet_periodic_message(void **state)
{
	struct machine *m = *state;

	hpet_put(m, 0x110, 0xfee0100000000055ull);
	hpet_put(m, 0x100, 1 << 14 | 1 << 8 | 1 << 6 | 1 << 3 | 1 << 2);
	mmio_out32(&m->fake, HPET_BASE + 0x108, 50000);	 /* first at 0.5 ms */
	mmio_out32(&m->fake, HPET_BASE + 0x108, 100000); /* then each ms */
	hpet_put(m, 0x10, 1);
	fake_run_for(&m->fake, 10 * 1000000);
	assert_int_equal(m->fake.msi_count, 10);
	assert_int_equal(m->fake.msi_address, 0xfee01000);
	assert_int_equal(m->fake.msi_data, 0x55);
	/* A hostile period is bounded. */
	mmio_out32(&m->fake, HPET_BASE + 0x108, 1);
	m->fake.msi_count = 0;
	fake_run_for(&m->fake, 100 * 1000000);
	assert_in_range(m->fake.msi_count, 1000, 100 * 1000000 / HPET_MIN_PERIOD_NS + 1);
	device_bus_reset(&m->fake.bus);
	assert_true(m->fake.deadline_ns == DEVICE_NEVER);
}

static void hpet_makes_up_for_lost_messages(void **state)
{
	struct machine *m = *state;

	hpet_put(m, 0x110, 0xfee0100000000055ull);
	hpet_put(m, 0x100, 1 << 14 | 1 << 8 | 1 << 6 | 1 << 3 | 1 << 2);
	mmio_out32(&m->fake, HPET_BASE + 0x108, 100000); /* each ms */
	mmio_out32(&m->fake, HPET_BASE + 0x108, 100000);
	hpet_put(m, 0x10, 1);
	m->fake.guest_waits = true;
	fake_run_for(&m->fake, 10500000);
	assert_int_equal(m->fake.msi_count - m->fake.env.lost_edges, 1);
	m->fake.guest_waits = false;
	fake_run_for(&m->fake, 10 * 1000000);
	/* 20 ticks and no more have come to the guest. */
	assert_int_equal(m->fake.msi_count - m->fake.env.lost_edges, 20);
	fake_run_for(&m->fake, 100 * 1000000);
	assert_int_equal(m->fake.msi_count - m->fake.env.lost_edges, 120);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pm_timer_counts_and_wraps),
		cmocka_unit_test_setup_teardown(pm_timer_of_32_bits, setup_32bit, teardown),
		TEST(pm_timer_carry_interrupts),
		TEST(pm_power_button),
		TEST(pm_gpe),
		TEST(pm_sleeps),
		TEST(pci_has_a_host_bridge_alone),
		TEST(reset_control_register),
		TEST(keyboard_controller_resets),
		TEST(keyboard_controller_answers_at_once),
		TEST(hpet_counts),
		TEST(hpet_one_shot_edge),
		TEST(hpet_level_status),
		TEST(hpet_periodic_message),
		TEST(hpet_makes_up_for_lost_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
