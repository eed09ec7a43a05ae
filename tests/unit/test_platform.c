/* SPDX-License-Identifier: MIT */
/* The devices put together: nothing overlaps, interrupts arrive, reset and end leave nothing. */
#include "device_fake.h"

#include <devices/platform.h>

struct machine {
	struct fake fake;
	struct platform platform;
};

static void irq_forward(struct fake *fake, unsigned int gsi, bool level)
{
	platform_irq_set(fake->irq_target, gsi, level);
}

/* The fake's own bus is not used; the helpers find the platform's in its place. */
static void machine_make(struct machine *m, bool all)
{
	const struct platform_config config = {
		.epoch_seconds = 1700000000,
		.memory_below_4g = GIB(1),
		.vp_count = 2,
		.hpet = all,
		.qemu_compat = all,
	};

	fake_init(&m->fake);
	fake_destroy(&m->fake);
	m->fake.irq_forward = irq_forward;
	m->fake.irq_target = &m->platform;
	assert_int_equal(platform_init(&m->platform, &m->fake.env, &config), STATUS_OK);
	m->fake.bus = m->platform.bus;
}

static int setup(void **state)
{
	*state = test_calloc(1, sizeof(struct machine));
	machine_make(*state, true);
	return 0;
}

static int setup_plain(void **state)
{
	*state = test_calloc(1, sizeof(struct machine));
	machine_make(*state, false);
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

	m->platform.bus = m->fake.bus; /* with the last hit */
	platform_destroy(&m->platform);
	assert_null(m->fake.env.timers);
	test_free(m);
	return 0;
}

static void timer_interrupt_through_the_pic(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, 0x20, 0x11);
	out8(&m->fake, 0x21, 0x30);
	out8(&m->fake, 0x21, 0x04);
	out8(&m->fake, 0x21, 0x01);
	out8(&m->fake, 0x21, 0xfe);
	out8(&m->fake, 0x43, 0x34);
	out8(&m->fake, 0x40, 0xa9);
	out8(&m->fake, 0x40, 0x04); /* 1193: 1 kHz */
	if (m->fake.intr) {	    /* the output rises when the mode is set */
		assert_int_equal(platform_intr_acknowledge(&m->platform), 0x30);
		out8(&m->fake, 0x20, 0x20);
	}
	for (unsigned int i = 0; i < 10; i++) {
		assert_false(m->fake.intr);
		fake_run_for(&m->fake, 1000000);
		assert_true(m->fake.intr);
		assert_int_equal(platform_intr_acknowledge(&m->platform), 0x30);
		out8(&m->fake, 0x20, 0x20);
	}
}

static void power_button_through_the_ioapic(void **state)
{
	struct machine *m = *state;

	mmio_out32(&m->fake, IOAPIC_BASE, 0x10 + 2 * 9);
	mmio_out32(&m->fake, IOAPIC_BASE + 0x10, 0x8050);
	out16(&m->fake, 0x602, 0x0100);
	acpi_pm_power_button(&m->platform.pm);
	assert_int_equal(m->fake.msi_count, 1);
	assert_int_equal(m->fake.msi_data, 0xc050);
	platform_eoi(&m->platform, 0x50);
	assert_int_equal(m->fake.msi_count, 2);
	out16(&m->fake, 0x600, 0x0100);
	platform_eoi(&m->platform, 0x50);
	assert_int_equal(m->fake.msi_count, 2);
}

static void reset_silences_everything(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, 0x43, 0x34);
	out8(&m->fake, 0x40, 0xa9);
	out8(&m->fake, 0x40, 0x04);
	out8(&m->fake, 0x3f8, 'x');
	out8(&m->fake, 0x402, 'y');
	out8(&m->fake, 0x70, 0x0b);
	out8(&m->fake, 0x71, 0x72);
	out16(&m->fake, 0x602, 0x0001);
	out8(&m->fake, 0x2003, 1);
	platform_reset(&m->platform);
	platform_flush(&m->platform);
	assert_int_equal(m->fake.console_count, 2);
	assert_true(m->fake.deadline_ns == DEVICE_NEVER);
	assert_false(m->fake.intr);
	for (unsigned int gsi = 0; gsi < IRQ_GSIS; gsi++)
		assert_false(m->fake.line[gsi]);
}

static void plain_machine_has_no_test_devices(void **state)
{
	struct machine *m = *state;
	static const uint16_t ports[] = {0xe0, 0xf4, 0x402, 0x510, 0x511, 0x514, 0x2000};

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		assert_int_equal(in8(&m->fake, ports[i]), 0xff);
	assert_false(device_mmio_served(&m->fake.bus, HPET_BASE));
	assert_false(device_mmio_served(&m->fake.bus, TESTDEV_MEMORY_BASE));
	assert_true(device_mmio_served(&m->fake.bus, IOAPIC_BASE + 0xfff));
	platform_flush(&m->platform);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(timer_interrupt_through_the_pic),
		TEST(power_button_through_the_ioapic),
		TEST(reset_silences_everything),
		cmocka_unit_test_setup_teardown(plain_machine_has_no_test_devices, setup_plain,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
