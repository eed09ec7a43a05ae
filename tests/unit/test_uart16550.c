/* SPDX-License-Identifier: MIT */
/* The 16550A: registers, FIFOs, interrupts, loopback, and that no byte is lost. */
#include "device_fake.h"

#include <devices/uart16550.h>

#define PORT 0x3f8
#define IRQ  4

struct machine {
	struct fake fake;
	struct uart uart;
};

static int setup(void **state)
{
	struct machine *m = test_calloc(1, sizeof(*m));
	const struct uart_config config = {.port = PORT, .gsi = IRQ, .console = 0};

	fake_init(&m->fake);
	assert_int_equal(uart_init(&m->uart, &m->fake.env, &m->fake.bus, &config), STATUS_OK);
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

static uint8_t get(struct machine *m, unsigned int reg)
{
	return in8(&m->fake, (uint16_t)(PORT + reg));
}

static void put(struct machine *m, unsigned int reg, uint8_t value)
{
	out8(&m->fake, (uint16_t)(PORT + reg), value);
}

static size_t type(struct machine *m, const char *text)
{
	return uart_input(&m->uart, (const uint8_t *)text, strlen(text));
}

static void registers_after_reset(void **state)
{
	struct machine *m = *state;
	static const uint8_t expected[8] = {0, 0, 0x01, 0, 0, 0x60, 0xb0, 0};

	for (unsigned int reg = 1; reg < 8; reg++)
		assert_int_equal(get(m, reg), expected[reg]);
	put(m, 3, 0x80);
	assert_int_equal(get(m, 0), 12);
	put(m, 0, 0x34);
	put(m, 1, 0x12);
	assert_int_equal(get(m, 0), 0x34);
	assert_int_equal(get(m, 1), 0x12);
	put(m, 3, 0x1b);
	assert_int_equal(get(m, 3), 0x1b);
	put(m, 7, 0xa5);
	assert_int_equal(get(m, 7), 0xa5);
	put(m, 1, 0xff);
	assert_int_equal(get(m, 1), 0x0f);
	put(m, 4, 0xef);
	assert_int_equal(get(m, 4), 0x0f);
	put(m, 5, 0);
	put(m, 6, 0);
	device_bus_reset(&m->fake.bus);
	assert_int_equal(get(m, 1), 0);
	assert_false(m->fake.line[IRQ]);
}

static void output_goes_in_batches(void **state)
{
	struct machine *m = *state;

	for (const char *c = "hello"; *c; c++) {
		assert_int_equal(get(m, 5) & 0x60, 0x60);
		put(m, 0, (uint8_t)*c);
	}
	assert_int_equal(m->fake.console_calls, 0);
	fake_run_for(&m->fake, UART_FLUSH_NS);
	assert_int_equal(m->fake.console_calls, 1);
	assert_memory_equal(m->fake.console, "hello", 5);
	assert_true(m->fake.deadline_ns == DEVICE_NEVER);
	put(m, 0, '!');
	uart_flush(&m->uart);
	assert_int_equal(m->fake.console_count, 6);
}

static void output_waits_for_a_slow_console(void **state)
{
	struct machine *m = *state;
	unsigned int sent = 0;

	m->fake.console_limit = 100;
	while (sent < 3000 && (get(m, 5) & 0x20))
		put(m, 0, (uint8_t)sent++);
	assert_in_range(sent, 1000, 1200); /* the ring and what the console took */
	assert_int_equal(get(m, 5) & 0x60, 0);
	m->fake.console_limit = sizeof(m->fake.console);
	fake_run_for(&m->fake, UART_FLUSH_NS);
	assert_int_equal(get(m, 5) & 0x60, 0x60);
	assert_int_equal(m->fake.console_count, sent);
	for (unsigned int i = 0; i < sent; i++)
		assert_int_equal(m->fake.console[i], (uint8_t)i);
}

static void thre_interrupt(void **state)
{
	struct machine *m = *state;

	put(m, 1, 0x02);
	assert_true(m->fake.line[IRQ]); /* enabling asks at once */
	assert_int_equal(get(m, 2), 0x02);
	assert_int_equal(get(m, 2), 0x01); /* reading has cleared it */
	assert_false(m->fake.line[IRQ]);
	for (unsigned int i = 0; i < 16; i++)
		put(m, 0, 'x');
	assert_false(m->fake.line[IRQ]);
	fake_run_for(&m->fake, 2000000);
	assert_true(m->fake.line[IRQ]); /* one for the burst */
	assert_int_equal(m->fake.rises[IRQ], 2);
	put(m, 0, 'y');
	assert_false(m->fake.line[IRQ]);   /* writing clears it */
	assert_int_equal(get(m, 2), 0x02); /* the guest looks: it is sent */
	put(m, 1, 0x00);
	put(m, 1, 0x02);
	assert_true(m->fake.line[IRQ]);
	put(m, 1, 0x00);
	assert_false(m->fake.line[IRQ]);
}

static void input_without_fifo(void **state)
{
	struct machine *m = *state;

	put(m, 4, 0x03);
	put(m, 1, 0x01);
	assert_int_equal(type(m, "ab"), 2);
	assert_true(m->fake.line[IRQ]);
	assert_int_equal(get(m, 2), 0x04);
	assert_int_equal(get(m, 5) & 0x01, 0x01);
	assert_int_equal(get(m, 0), 'a');
	assert_int_equal(get(m, 0), 'b');
	assert_false(m->fake.line[IRQ]);
	assert_int_equal(get(m, 5) & 0x03, 0);
	assert_int_equal(get(m, 0), 'b'); /* nothing new */
}

static void input_with_fifo_and_timeout(void **state)
{
	struct machine *m = *state;

	put(m, 2, 0x81); /* trigger at 8 */
	put(m, 4, 0x03);
	put(m, 1, 0x01);
	assert_int_equal(get(m, 2), 0xc1);
	type(m, "1234567");
	assert_false(m->fake.line[IRQ]);
	assert_int_equal(get(m, 5) & 0x01, 0x01);
	fake_run_for(&m->fake, 4 * 1041000); /* 9600 baud: a bit less than 4 characters */
	assert_false(m->fake.line[IRQ]);
	fake_run_for(&m->fake, 10000);
	assert_true(m->fake.line[IRQ]);
	assert_int_equal(get(m, 2), 0xcc);
	assert_int_equal(get(m, 0), '1'); /* reading restarts the time */
	assert_false(m->fake.line[IRQ]);
	type(m, "89");
	assert_int_equal(get(m, 2), 0xc4);
	while (get(m, 5) & 1)
		get(m, 0);
	assert_false(m->fake.line[IRQ]);
	assert_true(m->fake.deadline_ns == DEVICE_NEVER);
}

static void input_waits_until_the_guest_listens(void **state)
{
	struct machine *m = *state;
	char text[600];

	for (unsigned int i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)('a' + i % 26);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(type(m, text), sizeof(text) - 1);
	assert_int_equal(get(m, 5) & 1, 0);
	get(m, 0); /* a driver that clears the port loses nothing */
	put(m, 2, 0x07);
	put(m, 4, 0x0b);
	for (unsigned int i = 0; i < sizeof(text) - 1; i++) {
		assert_int_equal(get(m, 5) & 0x03, 0x01);
		assert_int_equal(get(m, 0), text[i]);
	}
	assert_int_equal(get(m, 5) & 1, 0);
}

static void fifo_reset_gives_the_bytes_back(void **state)
{
	struct machine *m = *state;

	put(m, 2, 0x01);
	put(m, 4, 0x02);
	type(m, "0123456789abcdefghij");
	put(m, 2, 0x03);
	assert_int_equal(get(m, 5) & 1, 0);
	fake_run_for(&m->fake, 2000000);
	for (const char *c = "0123456789abcdefghij"; *c; c++)
		assert_int_equal(get(m, 0), *c);
}

static void input_is_bounded(void **state)
{
	struct machine *m = *state;
	uint8_t bytes[UART_RING_SIZE * 2] = {0};
	size_t taken = uart_input(&m->uart, bytes, sizeof(bytes));

	assert_int_equal(taken, UART_RING_SIZE - UART_FIFO_SIZE);
	assert_int_equal(uart_input(&m->uart, bytes, sizeof(bytes)), 0);
	put(m, 4, 0x02);
	get(m, 0);
	assert_in_range(uart_input(&m->uart, bytes, sizeof(bytes)), 1, 2);
}

static void loopback(void **state)
{
	struct machine *m = *state;

	put(m, 4, 0x1a);
	assert_int_equal(get(m, 6) & 0xf0, 0x90);
	put(m, 4, 0x1f);
	assert_int_equal(get(m, 6) & 0xf0, 0xf0);
	get(m, 6);
	put(m, 4, 0x1b); /* OUT1 falls: RI's trailing edge */
	assert_int_equal(get(m, 6), 0xb4);
	assert_int_equal(get(m, 6), 0xb0);
	type(m, "far side");
	put(m, 0, 0x5a);
	assert_int_equal(get(m, 5) & 0x03, 0x01);
	put(m, 0, 0xa5); /* overrun without FIFO: the new one stays */
	assert_int_equal(get(m, 5) & 0x03, 0x03);
	assert_int_equal(get(m, 5) & 0x03, 0x01);
	assert_int_equal(get(m, 0), 0xa5);
	assert_int_equal(get(m, 5) & 1, 0);
	put(m, 2, 0x01);
	for (unsigned int i = 0; i < 17; i++)
		put(m, 0, (uint8_t)i);
	assert_int_equal(get(m, 5) & 0x03, 0x03);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(get(m, 0), i);
	fake_run_for(&m->fake, NS_PER_SEC);
	assert_int_equal(m->fake.console_count, 0);
	put(m, 4, 0x03);
	assert_int_equal(get(m, 0), 'f');
}

static void interrupts_by_priority(void **state)
{
	struct machine *m = *state;

	put(m, 4, 0x10);
	put(m, 1, 0x0f);
	put(m, 0, 1);
	put(m, 0, 2);	 /* overrun */
	put(m, 4, 0x11); /* DSR changes */
	assert_int_equal(get(m, 2), 0x06);
	get(m, 5);
	assert_int_equal(get(m, 2), 0x04);
	get(m, 0);
	assert_int_equal(get(m, 2), 0x02);
	assert_int_equal(get(m, 2), 0x00);
	assert_true(m->fake.line[IRQ]);
	get(m, 6);
	assert_int_equal(get(m, 2), 0x01);
	assert_false(m->fake.line[IRQ]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(registers_after_reset),
		TEST(output_goes_in_batches),
		TEST(output_waits_for_a_slow_console),
		TEST(thre_interrupt),
		TEST(input_without_fifo),
		TEST(input_with_fifo_and_timeout),
		TEST(input_waits_until_the_guest_listens),
		TEST(fifo_reset_gives_the_bytes_back),
		TEST(input_is_bounded),
		TEST(loopback),
		TEST(interrupts_by_priority),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
