/* SPDX-License-Identifier: MIT */
/* The 8254: counting and outputs in each mode, latches, gate, interrupts of counter 0. */
#include "device_fake.h"

#include <devices/pit8254.h>

struct machine {
	struct fake fake;
	struct pit pit;
	uint64_t ticks;
};

static int setup(void **state)
{
	struct machine *m = test_calloc(1, sizeof(*m));

	fake_init(&m->fake);
	assert_int_equal(pit_init(&m->pit, &m->fake.env, &m->fake.bus, 0), STATUS_OK);
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

/* Let so many clocks of the PIT pass. */
static void ticks_pass(struct machine *m, uint64_t ticks)
{
	m->ticks += ticks;
	fake_run_until(&m->fake, device_scale(m->ticks, (uint32_t)NS_PER_SEC, PIT_CLOCK_HZ) + 1);
}

static void gate2_set(struct machine *m, bool gate)
{
	out8(&m->fake, PIT_PORT_B, gate);
}

static bool output2(struct machine *m)
{
	return in8(&m->fake, PIT_PORT_B) & 0x20;
}

/* Program counter 2 in @mode (binary, both bytes) with @count. */
static void counter2_set(struct machine *m, unsigned int mode, uint16_t count)
{
	out8(&m->fake, PIT_PORT + 3, (uint8_t)(0xb0 | mode << 1));
	out8(&m->fake, PIT_PORT + 2, count & 0xff);
	out8(&m->fake, PIT_PORT + 2, count >> 8);
}

static uint16_t counter2_read(struct machine *m)
{
	uint8_t low;

	out8(&m->fake, PIT_PORT + 3, 0x80); /* latch */
	low = in8(&m->fake, PIT_PORT + 2);
	return (uint16_t)(low | in8(&m->fake, PIT_PORT + 2) << 8);
}

static uint8_t status_read(struct machine *m, unsigned int counter)
{
	out8(&m->fake, PIT_PORT + 3, (uint8_t)(0xe0 | 2 << counter));
	return in8(&m->fake, (uint16_t)(PIT_PORT + counter));
}

static void mode0_terminal_count(void **state)
{
	struct machine *m = *state;

	gate2_set(m, true);
	counter2_set(m, 0, 100);
	assert_false(output2(m));
	ticks_pass(m, 40);
	assert_int_equal(counter2_read(m), 60);
	gate2_set(m, false);
	ticks_pass(m, 1000);
	assert_int_equal(counter2_read(m), 60);
	gate2_set(m, true);
	ticks_pass(m, 59);
	assert_false(output2(m));
	ticks_pass(m, 1);
	assert_true(output2(m));
	assert_int_equal(counter2_read(m), 0);
	ticks_pass(m, 1);
	assert_int_equal(counter2_read(m), 0xffff); /* goes on */
	assert_true(output2(m));
	/* The first byte of a new count stops it. */
	out8(&m->fake, PIT_PORT + 2, 10);
	assert_false(output2(m));
	ticks_pass(m, 50);
	out8(&m->fake, PIT_PORT + 2, 0);
	ticks_pass(m, 9);
	assert_false(output2(m));
	ticks_pass(m, 1);
	assert_true(output2(m));
}

static void mode1_one_shot(void **state)
{
	struct machine *m = *state;

	counter2_set(m, 1, 20);
	assert_true(output2(m));
	ticks_pass(m, 100);
	assert_true(output2(m));
	gate2_set(m, true);
	assert_false(output2(m));
	ticks_pass(m, 10);
	gate2_set(m, false); /* no effect */
	gate2_set(m, true);  /* starts again */
	ticks_pass(m, 19);
	assert_false(output2(m));
	ticks_pass(m, 1);
	assert_true(output2(m));
}

static void mode2_rate(void **state)
{
	struct machine *m = *state;

	gate2_set(m, true);
	counter2_set(m, 2, 10);
	for (unsigned int i = 0; i < 35; i++) {
		assert_int_equal(output2(m), i % 10 != 9);
		assert_int_equal(counter2_read(m), 10 - i % 10);
		ticks_pass(m, 1);
	}
	/* A new count waits for the end of the period. */
	out8(&m->fake, PIT_PORT + 2, 4);
	out8(&m->fake, PIT_PORT + 2, 0);
	assert_int_equal(counter2_read(m), 5);
	assert_true(status_read(m, 2) & 0x40);
	ticks_pass(m, 5);
	assert_int_equal(counter2_read(m), 4);
	assert_false(status_read(m, 2) & 0x40);
	ticks_pass(m, 3);
	assert_false(output2(m));
	/* A low gate stops it high, a rising one starts it anew. */
	gate2_set(m, false);
	assert_true(output2(m));
	ticks_pass(m, 7);
	gate2_set(m, true);
	assert_int_equal(counter2_read(m), 4);
}

static void mode3_square(void **state)
{
	struct machine *m = *state;
	static const uint16_t even[8] = {8, 6, 4, 2, 8, 6, 4, 2};

	gate2_set(m, true);
	counter2_set(m, 3, 8);
	for (unsigned int i = 0; i < 24; i++) {
		assert_int_equal(output2(m), i % 8 < 4);
		assert_int_equal(counter2_read(m), even[i % 8]);
		ticks_pass(m, 1);
	}
	/* A new count in the high half takes over at its end: 3 low, then 4 high. */
	ticks_pass(m, 1);
	out8(&m->fake, PIT_PORT + 2, 7);
	out8(&m->fake, PIT_PORT + 2, 0);
	ticks_pass(m, 2);
	assert_true(output2(m));
	for (unsigned int i = 0; i < 14; i++) {
		ticks_pass(m, 1);
		assert_int_equal(output2(m), i % 7 >= 3);
	}
}

static void mode4_software_strobe(void **state)
{
	struct machine *m = *state;

	gate2_set(m, true);
	counter2_set(m, 4, 5);
	ticks_pass(m, 4);
	assert_true(output2(m));
	ticks_pass(m, 1);
	assert_false(output2(m));
	ticks_pass(m, 1);
	assert_true(output2(m));
}

static void mode5_hardware_strobe(void **state)
{
	struct machine *m = *state;

	counter2_set(m, 5, 5);
	ticks_pass(m, 5);
	assert_true(output2(m));
	gate2_set(m, true);
	ticks_pass(m, 5);
	assert_false(output2(m));
	ticks_pass(m, 1);
	assert_true(output2(m));
}

static void bcd_counts_in_tens(void **state)
{
	struct machine *m = *state;

	gate2_set(m, true);
	out8(&m->fake, PIT_PORT + 3, 0xb1);
	out8(&m->fake, PIT_PORT + 2, 0x00);
	out8(&m->fake, PIT_PORT + 2, 0x10); /* 1000 */
	ticks_pass(m, 1);
	assert_int_equal(counter2_read(m), 0x0999);
	ticks_pass(m, 1000);
	assert_int_equal(counter2_read(m), 0x9999);
	/* 0 is 10000; digits that are none are taken for what they are worth. */
	out8(&m->fake, PIT_PORT + 2, 0);
	out8(&m->fake, PIT_PORT + 2, 0);
	assert_int_equal(counter2_read(m), 0);
	ticks_pass(m, 1);
	assert_int_equal(counter2_read(m), 0x9999);
	out8(&m->fake, PIT_PORT + 2, 0xff);
	out8(&m->fake, PIT_PORT + 2, 0xff);
	counter2_read(m);
}

static void latches_hold(void **state)
{
	struct machine *m = *state;

	gate2_set(m, true);
	counter2_set(m, 2, 1000);
	ticks_pass(m, 100);
	out8(&m->fake, PIT_PORT + 3, 0x80);
	ticks_pass(m, 100);
	out8(&m->fake, PIT_PORT + 3, 0x80); /* ignored: one is held */
	assert_int_equal(in8(&m->fake, PIT_PORT + 2), 900 & 0xff);
	assert_int_equal(in8(&m->fake, PIT_PORT + 2), 900 >> 8);
	/* Read-back of status and count: status first. */
	out8(&m->fake, PIT_PORT + 3, 0xc8);
	ticks_pass(m, 10);
	assert_int_equal(in8(&m->fake, PIT_PORT + 2), 0xb4);
	assert_int_equal(in8(&m->fake, PIT_PORT + 2), 800 & 0xff);
	assert_int_equal(in8(&m->fake, PIT_PORT + 2), 800 >> 8);
	assert_int_equal(in8(&m->fake, PIT_PORT + 3), 0xff);
}

static void one_byte_access(void **state)
{
	struct machine *m = *state;

	gate2_set(m, true);
	out8(&m->fake, PIT_PORT + 3, 0xa4); /* high byte, mode 2 */
	assert_true(status_read(m, 2) & 0x40);
	out8(&m->fake, PIT_PORT + 2, 0x02);
	ticks_pass(m, 0x101);
	assert_int_equal(in8(&m->fake, PIT_PORT + 2), 0);
	out8(&m->fake, PIT_PORT + 3, 0x94); /* low byte */
	out8(&m->fake, PIT_PORT + 2, 0);    /* 65536 */
	ticks_pass(m, 1);
	assert_int_equal(in8(&m->fake, PIT_PORT + 2), 0xff);
}

static void counter0_interrupts_at_its_rate(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, PIT_PORT + 3, 0x34);
	out8(&m->fake, PIT_PORT, 11932 & 0xff); /* 100 Hz */
	out8(&m->fake, PIT_PORT, 11932 >> 8);
	m->fake.rises[0] = 0;
	fake_run_for(&m->fake, NS_PER_SEC + 1000000);
	assert_int_equal(m->fake.rises[0], 100);
	/* A square wave does the same. */
	out8(&m->fake, PIT_PORT + 3, 0x36);
	out8(&m->fake, PIT_PORT, 11932 & 0xff);
	out8(&m->fake, PIT_PORT, 11932 >> 8);
	m->fake.rises[0] = 0;
	fake_run_for(&m->fake, NS_PER_SEC + 1000000);
	assert_int_equal(m->fake.rises[0], 100);
}

/* At 100 Hz. */
static void counter0_start(struct machine *m)
{
	out8(&m->fake, PIT_PORT + 3, 0x34);
	out8(&m->fake, PIT_PORT, 11932 & 0xff);
	out8(&m->fake, PIT_PORT, 11932 >> 8);
	m->fake.rises[0] = 0;
}

/* Ticks that the guest takes in so many periods. */
static unsigned int counter0_taken(struct machine *m, unsigned int periods)
{
	unsigned int rises = m->fake.rises[0], lost = m->fake.env.lost_edges;

	fake_run_for(&m->fake, periods * (NS_PER_SEC / 100));
	return m->fake.rises[0] - rises - (m->fake.env.lost_edges - lost);
}

static void counter0_makes_up_for_lost_ticks(void **state)
{
	struct machine *m = *state;

	counter0_start(m);
	assert_in_range(counter0_taken(m, 10), 9, 10);
	m->fake.guest_waits = true;
	assert_int_equal(counter0_taken(m, 6), 1);
	m->fake.guest_waits = false;
	/* All come, and no more than were lost. */
	assert_in_range(counter0_taken(m, 20), 24, 26);
	assert_in_range(counter0_taken(m, 100), 99, 101);
}

static void counter0_makes_up_for_a_late_timer(void **state)
{
	struct machine *m = *state;

	counter0_start(m);
	m->fake.now_ns += 8 * (NS_PER_SEC / 100) + NS_PER_SEC / 1000;
	assert_in_range(counter0_taken(m, 12), 19, 21);
	assert_in_range(counter0_taken(m, 100), 99, 101);
}

static void counter0_makes_up_for_so_many_only(void **state)
{
	struct machine *m = *state;

	counter0_start(m);
	m->fake.guest_waits = true;
	counter0_taken(m, 1000);
	/* It takes none: no more is tried. */
	m->fake.rises[0] = 0;
	assert_int_equal(counter0_taken(m, 100), 0);
	assert_in_range(m->fake.rises[0], 99, 101);
	m->fake.guest_waits = false;
	assert_in_range(counter0_taken(m, 1000), 1000 + DEVICE_TICKS_MISSED - 2,
			1000 + DEVICE_TICKS_MISSED + 2);
	/* A count that is written anew owes nothing. */
	m->fake.guest_waits = true;
	counter0_taken(m, 50);
	m->fake.guest_waits = false;
	counter0_start(m);
	assert_in_range(counter0_taken(m, 100), 98, 101);
}

static void counter0_one_interrupt_at_terminal_count(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, PIT_PORT + 3, 0x30);
	out8(&m->fake, PIT_PORT, 0xe8);
	out8(&m->fake, PIT_PORT, 0x03); /* 1000 */
	assert_false(m->fake.line[0]);
	ticks_pass(m, 999);
	assert_false(m->fake.line[0]);
	ticks_pass(m, 1);
	assert_true(m->fake.line[0]);
	fake_run_for(&m->fake, NS_PER_SEC);
	assert_int_equal(m->fake.rises[0], 1);
	assert_true(m->fake.deadline_ns == DEVICE_NEVER);
}

static void a_hostile_rate_is_bounded(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, PIT_PORT + 3, 0x14);
	out8(&m->fake, PIT_PORT, 1);
	m->fake.rises[0] = 0;
	fake_run_for(&m->fake, NS_PER_SEC / 10);
	assert_in_range(m->fake.rises[0], 1000, NS_PER_SEC / 10 / PIT_MIN_PERIOD_NS);
}

static void reset_stops_it(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, PIT_PORT + 3, 0x34);
	out8(&m->fake, PIT_PORT, 0);
	out8(&m->fake, PIT_PORT, 0);
	device_bus_reset(&m->fake.bus);
	assert_true(m->fake.deadline_ns == DEVICE_NEVER);
	assert_false(m->fake.line[0]);
	assert_int_equal(in8(&m->fake, PIT_PORT_B) & 0x2f, 0);
}

static void port_b_refresh_toggles(void **state)
{
	struct machine *m = *state;
	uint8_t before = in8(&m->fake, PIT_PORT_B);

	fake_run_for(&m->fake, 15085);
	assert_int_equal((in8(&m->fake, PIT_PORT_B) ^ before) & 0x10, 0x10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mode0_terminal_count),
		TEST(mode1_one_shot),
		TEST(mode2_rate),
		TEST(mode3_square),
		TEST(mode4_software_strobe),
		TEST(mode5_hardware_strobe),
		TEST(bcd_counts_in_tens),
		TEST(latches_hold),
		TEST(one_byte_access),
		TEST(counter0_interrupts_at_its_rate),
		TEST(counter0_makes_up_for_lost_ticks),
		TEST(counter0_makes_up_for_a_late_timer),
		TEST(counter0_makes_up_for_so_many_only),
		TEST(counter0_one_interrupt_at_terminal_count),
		TEST(a_hostile_rate_is_bounded),
		TEST(reset_stops_it),
		TEST(port_b_refresh_toggles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
