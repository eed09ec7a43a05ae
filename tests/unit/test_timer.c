/* SPDX-License-Identifier: MIT */
/*
 * The timer queue against a plain list, and conversions of time.
 */
#include "machine_memory.h"

#include <kernel/timer.h>

#define COUNT 300u

struct test_timer {
	struct timer timer;
	uint64_t deadline; /* the model's */
	bool again;	   /* sets itself anew when it expires */
};

static struct test_timer timers[COUNT];
static uint64_t last_expired;

static void timer_expired(struct timer *timer)
{
	struct test_timer *t = (struct test_timer *)timer;

	assert_true(t->deadline != TIMER_NEVER && t->deadline <= fake_timestamp);
	assert_true(t->deadline >= last_expired);
	assert_false(timer_is_set(timer));
	last_expired = t->deadline;
	t->deadline = TIMER_NEVER;
	if (t->again) {
		t->deadline = fake_timestamp + 50;
		timer_set(timer, t->deadline);
	}
}

static uint64_t model_first(void)
{
	uint64_t first = TIMER_NEVER;

	for (unsigned int i = 0; i < COUNT; i++)
		first = MIN(first, timers[i].deadline);
	return first;
}

static int setup(void **state)
{
	(void)state;
	fake_cpus_init(1);
	this_cpu()->arch.timer_deadline = TIMER_NEVER;
	timestamp_hz = 1000000000;
	timestamp_base = 0;
	for (unsigned int i = 0; i < COUNT; i++) {
		timer_init(&timers[i].timer, timer_expired);
		timers[i].deadline = TIMER_NEVER;
		timers[i].again = i % 10 == 0;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_cpus_destroy();
	return 0;
}

static void test_random_timers(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (unsigned int round = 0; round < 40000; round++) {
		struct test_timer *t = &timers[test_random(&seed) % COUNT];

		switch (test_random(&seed) % 8) {
		case 0:
			timer_cancel(&t->timer);
			t->deadline = TIMER_NEVER;
			break;
		case 1:
			fake_timestamp += test_random(&seed) % 40;
			last_expired = 0;
			timer_interrupt();
			assert_true(model_first() > fake_timestamp);
			assert_int_equal(this_cpu()->arch.timer_deadline, model_first());
			break;
		default:
			t->deadline = fake_timestamp + test_random(&seed) % 1000;
			timer_set(&t->timer, t->deadline);
			break;
		}
		assert_true(timer_is_set(&t->timer) == (t->deadline != TIMER_NEVER));
		assert_true(this_cpu()->arch.timer_deadline <= model_first());
	}
	for (unsigned int i = 0; i < COUNT; i++)
		timer_cancel(&timers[i].timer);
	assert_null(this_cpu()->timers.root);
}

static void test_conversion(void **state)
{
	static const uint64_t rates[] = {1000000, 19200000, 999999999, 2399987654, 5000000000};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rates); i++) {
		uint64_t day = 86400ull * 1000000000;

		timestamp_hz = rates[i];
		timestamp_base = 12345;
		assert_int_equal(ticks_from_ns(0), 12345);
		assert_int_equal(ticks_from_ns(1000000000), 12345 + rates[i]);
		assert_int_equal(ticks_from_ns(365 * day), 12345 + 365 * 86400 * rates[i]);
		assert_int_equal(ns_from_ticks(ticks_from_ns(365 * day)), 365 * day);
		assert_true(ticks_from_ns(UINT64_MAX) == TIMER_NEVER);
		assert_true(ns_from_ticks(12345 + 1000) <= 1000 * 1000000000ull / rates[i] + 1);
	}
	timestamp_hz = 5000000000;
	assert_true(ticks_from_ns(UINT64_MAX - 1) == TIMER_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random_timers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conversion, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
