/* SPDX-License-Identifier: MIT */
/* The PrimeCells of an Arm machine, alone and put together. */
#include "device_fake.h"

#include <devices/device_state.h>
#include <devices/platform.h>
#include <firmware/platform.h>

#define UART 0x1000u
#define RTC  0x2000u
#define GPIO 0x3000u

#define UART_LINE 1u
#define RTC_LINE  2u
#define GPIO_LINE 3u
#define KEY	  3u
#define EPOCH	  1700000000u

struct machine {
	struct fake fake;
	struct pl011 uart;
	struct pl031 rtc;
	struct pl061 gpio;
};

static int setup(void **state)
{
	const struct primecell_config uart = {UART, UART_LINE}, rtc = {RTC, RTC_LINE},
				      gpio = {GPIO, GPIO_LINE};
	struct machine *m = test_calloc(1, sizeof(*m));

	fake_init(&m->fake);
	m->fake.now_ns = 5 * NS_PER_SEC;
	assert_int_equal(pl011_init(&m->uart, &m->fake.env, &m->fake.bus, &uart, 0), STATUS_OK);
	assert_int_equal(pl031_init(&m->rtc, &m->fake.env, &m->fake.bus, &rtc, EPOCH), STATUS_OK);
	assert_int_equal(pl061_init(&m->gpio, &m->fake.env, &m->fake.bus, &gpio, KEY), STATUS_OK);
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

static uint32_t get(struct machine *m, uint32_t address)
{
	return (uint32_t)device_mmio_read(&m->fake.bus, address, 4);
}

static void put(struct machine *m, uint32_t address, uint32_t value)
{
	device_mmio_write(&m->fake.bus, address, 4, value);
}

static void pass(struct machine *m, uint64_t ns)
{
	m->fake.now_ns += ns;
	(void)device_timers_run(&m->fake.env);
}

/* ---- identification ---- */

static void identified(void **state)
{
	/* Part and designer of peripheral, as drivers put them together; then that of a PrimeCell. */
	static const struct {
		uint32_t base, id;
	} parts[] = {{UART, 0x00341011}, {RTC, 0x00041031}, {GPIO, 0x00041061}};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		uint32_t id = 0, cell = 0;

		for (unsigned int byte = 0; byte < 4; byte++) {
			id |= get(*state, parts[i].base + 0xfe0 + 4 * byte) << 8 * byte;
			cell |= get(*state, parts[i].base + 0xff0 + 4 * byte) << 8 * byte;
		}
		assert_int_equal(id, parts[i].id);
		assert_int_equal(cell, 0xb105f00d);
	}
}

/* ---- PL011 ---- */

static void text_goes_out(void **state)
{
	struct machine *m = *state;

	for (const char *at = "hello"; *at; at++)
		put(m, UART, (uint8_t)*at);
	assert_int_equal(m->fake.console_count, 0);
	pass(m, UART_FLUSH_NS);
	assert_int_equal(m->fake.console_count, 5);
	assert_memory_equal(m->fake.console, "hello", 5);
	/* Bytes above the eighth bit are no part of it. */
	put(m, UART, 0x341);
	pl011_flush(&m->uart);
	assert_int_equal(m->fake.console[5], 0x41);
}

static void transmit_interrupt(void **state)
{
	struct machine *m = *state;

	put(m, UART + 0x38, 0x20);
	assert_false(m->fake.line[UART_LINE]);
	put(m, UART, 'a');
	assert_true(m->fake.line[UART_LINE]);
	assert_int_equal(get(m, UART + 0x40), 0x20);
	put(m, UART + 0x44, 0x20);
	assert_false(m->fake.line[UART_LINE]);
}

static void console_that_takes_nothing(void **state)
{
	struct machine *m = *state;

	m->fake.console_limit = 0;
	put(m, UART + 0x38, 0x20);
	for (unsigned int i = 0; i < 2 * BYTE_RING_SIZE; i++)
		put(m, UART, 'x');
	assert_true(get(m, UART + 0x18) & 0x20); /* TXFF */
	assert_false(m->fake.line[UART_LINE]);
	m->fake.console_limit = sizeof(m->fake.console);
	pass(m, UART_FLUSH_NS);
	assert_false(get(m, UART + 0x18) & 0x20);
	assert_true(m->fake.line[UART_LINE]);
	assert_int_equal(m->fake.console_count, BYTE_RING_SIZE);
}

static void input_comes(void **state)
{
	struct machine *m = *state;

	put(m, UART + 0x38, 0x50);
	assert_int_equal(pl011_input(&m->uart, (const uint8_t *)"ab", 2), 2);
	/* Below the level: only silence asks. */
	assert_false(m->fake.line[UART_LINE]);
	pass(m, NS_PER_SEC / 1000);
	assert_true(m->fake.line[UART_LINE]);
	assert_int_equal(get(m, UART + 0x3c) & 0x50, 0x40);
	assert_int_equal(get(m, UART), 'a');
	assert_int_equal(get(m, UART), 'b');
	assert_true(get(m, UART + 0x18) & 0x10); /* RXFE */
	assert_false(m->fake.line[UART_LINE]);
}

static void input_reaches_the_level(void **state)
{
	struct machine *m = *state;
	uint8_t many[PL011_FIFO_SIZE + 8];

	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = (uint8_t)i;
	put(m, UART + 0x38, 0x10);
	assert_int_equal(pl011_input(&m->uart, many, 15), 15);
	assert_false(m->fake.line[UART_LINE]);
	assert_int_equal(pl011_input(&m->uart, many + 15, 1), 1);
	assert_true(m->fake.line[UART_LINE]);
	assert_int_equal(pl011_input(&m->uart, many + 16, sizeof(many) - 16), sizeof(many) - 16);
	assert_true(get(m, UART + 0x18) & 0x40); /* RXFF */
	for (size_t i = 0; i < sizeof(many); i++)
		assert_int_equal(get(m, UART), i);
	assert_false(m->fake.line[UART_LINE]);
}

static void input_waits_for_a_port_that_is_off(void **state)
{
	struct machine *m = *state;

	put(m, UART + 0x30, 0x300);
	assert_int_equal(pl011_input(&m->uart, (const uint8_t *)"q", 1), 1);
	assert_true(get(m, UART + 0x18) & 0x10);
	put(m, UART + 0x30, 0x301);
	assert_int_equal(get(m, UART), 'q');
}

static void without_fifos(void **state)
{
	struct machine *m = *state;

	put(m, UART + 0x2c, 0x60);
	put(m, UART + 0x38, 0x10);
	assert_int_equal(pl011_input(&m->uart, (const uint8_t *)"xy", 2), 2);
	assert_true(m->fake.line[UART_LINE]);
	assert_int_equal(get(m, UART), 'x');
	assert_int_equal(get(m, UART), 'y');
	assert_false(m->fake.line[UART_LINE]);
}

static void loopback_overruns(void **state)
{
	struct machine *m = *state;

	put(m, UART + 0x30, 0x381);
	for (unsigned int i = 0; i <= PL011_FIFO_SIZE; i++)
		put(m, UART, i);
	assert_int_equal(get(m, UART + 4), 8);
	assert_true(get(m, UART + 0x3c) & 0x400);
	assert_int_equal(get(m, UART), 0x800); /* with the error beside it */
	put(m, UART + 4, 0);
	assert_int_equal(get(m, UART), 1);
	pass(m, NS_PER_SEC);
	assert_int_equal(m->fake.console_count, 0);
}

static void narrow_accesses(void **state)
{
	struct machine *m = *state;

	device_mmio_write(&m->fake.bus, UART + 0x24, 2, 0x1234);
	assert_int_equal(get(m, UART + 0x24), 0x1234);
	device_mmio_write(&m->fake.bus, UART + 0x25, 1, 0xff);
	assert_int_equal(get(m, UART + 0x24), 0x1234);
	assert_int_equal(device_mmio_read(&m->fake.bus, UART + 0x25, 1), 0x12);
}

/* ---- PL031 ---- */

static void clock_runs(void **state)
{
	struct machine *m = *state;

	assert_int_equal(get(m, RTC), EPOCH);
	pass(m, 10 * NS_PER_SEC + 1);
	assert_int_equal(get(m, RTC), EPOCH + 10);
	put(m, RTC + 8, 77);
	assert_int_equal(get(m, RTC), 77);
	pass(m, 3 * NS_PER_SEC);
	assert_int_equal(get(m, RTC), 80);
	device_bus_reset(&m->fake.bus);
	assert_int_equal(get(m, RTC), 80);
}

static void alarm_rings(void **state)
{
	struct machine *m = *state;

	put(m, RTC + 0x10, 1);
	put(m, RTC + 4, EPOCH + 2);
	pass(m, 2 * NS_PER_SEC - 1);
	assert_false(m->fake.line[RTC_LINE]);
	pass(m, 1);
	assert_true(m->fake.line[RTC_LINE]);
	assert_int_equal(get(m, RTC + 0x18), 1);
	put(m, RTC + 0x1c, 1);
	assert_false(m->fake.line[RTC_LINE]);
	/* One that is past comes around in 2^32 seconds. */
	put(m, RTC + 4, EPOCH + 1);
	pass(m, 1000 * NS_PER_SEC);
	assert_false(m->fake.line[RTC_LINE]);
}

/* ---- PL061 ---- */

static void key_is_pressed(void **state)
{
	struct machine *m = *state;

	assert_false(pl061_key_press(&m->gpio));
	assert_int_equal(get(m, GPIO + 0x3fc), 0);
	/* As gpio-keys asks: both edges. */
	put(m, GPIO + 0x408, BIT(KEY));
	put(m, GPIO + 0x410, BIT(KEY));
	assert_true(pl061_key_press(&m->gpio));
	assert_true(m->fake.line[GPIO_LINE]);
	assert_int_equal(get(m, GPIO + (BIT(KEY) << 2)), BIT(KEY));
	assert_int_equal(get(m, GPIO + (BIT(0) << 2)), 0);
	put(m, GPIO + 0x41c, BIT(KEY));
	assert_false(m->fake.line[GPIO_LINE]);
	pass(m, NS_PER_SEC);
	assert_true(m->fake.line[GPIO_LINE]);
	assert_int_equal(get(m, GPIO + 0x3fc), 0);
}

static void lines_are_driven(void **state)
{
	struct machine *m = *state;

	put(m, GPIO + 0x400, 0x0f);
	put(m, GPIO + (0x33 << 2), 0xff);
	assert_int_equal(get(m, GPIO + 0x3fc), 0x03);
	pl061_input(&m->gpio, 7, true);
	assert_int_equal(get(m, GPIO + 0x3fc), 0x83);
	/* What is driven is not overruled from outside. */
	pl061_input(&m->gpio, 2, true);
	assert_int_equal(get(m, GPIO + 0x3fc), 0x83);
}

static void levels_and_edges(void **state)
{
	struct machine *m = *state;

	put(m, GPIO + 0x410, 0x03);
	put(m, GPIO + 0x404, 0x01); /* line 0 by level, high */
	put(m, GPIO + 0x40c, 0x01); /* line 1 by its falling edge */
	put(m, GPIO + 0x41c, 0xff);
	pl061_input(&m->gpio, 1, true);
	assert_false(m->fake.line[GPIO_LINE]);
	pl061_input(&m->gpio, 1, false);
	assert_true(m->fake.line[GPIO_LINE]);
	put(m, GPIO + 0x41c, 0x02);
	assert_false(m->fake.line[GPIO_LINE]);
	pl061_input(&m->gpio, 0, true);
	put(m, GPIO + 0x41c, 0x01);
	assert_true(m->fake.line[GPIO_LINE]);
	pl061_input(&m->gpio, 0, false);
	assert_false(m->fake.line[GPIO_LINE]);
}

/* ---- all together ---- */

static void platform_put_together(void **state)
{
	const struct platform_config config = {.epoch_seconds = EPOCH};
	struct platform p;
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(platform_init(&p, &fake.env, &config), STATUS_OK);
	assert_int_equal(device_mmio_read(&p.bus, PLATFORM_RTC_BASE, 4), EPOCH);
	assert_int_equal(platform_input(&p, (const uint8_t *)"z", 1), 1);
	assert_int_equal(device_mmio_read(&p.bus, PLATFORM_UART_BASE, 4), 'z');
	device_mmio_write(&p.bus, PLATFORM_GPIO_BASE + 0x408, 4, 0xff);
	device_mmio_write(&p.bus, PLATFORM_GPIO_BASE + 0x410, 4, 0xff);
	assert_true(platform_power_key(&p));
	assert_true(fake.line[PLATFORM_GPIO_INTID]);
	platform_reset(&p);
	assert_false(fake.line[PLATFORM_GPIO_INTID]);
	assert_false(device_mmio_served(&p.bus, PLATFORM_GICD_BASE));
	platform_destroy(&p);
	fake_destroy(&fake);
}

static void state_is_carried(void **state)
{
	struct machine *m = *state;
	uint8_t buffer[8192];
	uint64_t needed;

	put(m, UART + 0x38, 0x50);
	assert_int_equal(pl011_input(&m->uart, (const uint8_t *)"ab", 2), 2);
	put(m, RTC + 0x10, 1);
	put(m, RTC + 4, EPOCH + 100);
	put(m, GPIO + 0x410, BIT(KEY));
	assert_true(pl061_key_press(&m->gpio));
	assert_int_equal(
		devices_save(&m->fake.bus, m->fake.now_ns, buffer, sizeof(buffer), &needed),
		STATUS_OK);
	device_bus_reset(&m->fake.bus);
	pl061_input(&m->gpio, KEY, false);
	assert_int_equal(devices_restore(&m->fake.bus, &m->fake.env, buffer, needed), STATUS_OK);
	assert_int_equal(get(m, UART), 'a');
	assert_int_equal(get(m, RTC + 4), EPOCH + 100);
	assert_int_equal(get(m, GPIO + 0x3fc), BIT(KEY));
	pass(m, 200 * NS_PER_SEC);
	assert_true(m->fake.line[RTC_LINE]);
	assert_int_equal(get(m, GPIO + 0x3fc), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(identified),
		TEST(text_goes_out),
		TEST(transmit_interrupt),
		TEST(console_that_takes_nothing),
		TEST(input_comes),
		TEST(input_reaches_the_level),
		TEST(input_waits_for_a_port_that_is_off),
		TEST(without_fifos),
		TEST(loopback_overruns),
		TEST(narrow_accesses),
		TEST(clock_runs),
		TEST(alarm_rings),
		TEST(key_is_pressed),
		TEST(lines_are_driven),
		TEST(levels_and_edges),
		cmocka_unit_test(platform_put_together),
		TEST(state_is_carried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
