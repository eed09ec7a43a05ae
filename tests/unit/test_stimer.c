/* SPDX-License-Identifier: MIT */
/* Synthetic timers: when they expire, what they send, and what becomes of those that come late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <trivet/hv/features.h>

#include "synic_stubs.h"

#define VECTOR	      0x61u
#define SINT_VECTOR   0x62u
#define SINT	      2u
#define VECTOR_CONFIG ((uint64_t)VECTOR << HV_STIMER_VECTOR_SHIFT)
#define DIRECT	      (HV_STIMER_DIRECT | VECTOR_CONFIG)
#define MESSAGE	      ((uint64_t)SINT << HV_STIMER_SINT_SHIFT)

static struct vp *vp;

static uint64_t now(void)
{
	return partition_reference_time(vp->partition);
}

static struct stimer *timer(uint32_t n)
{
	return &vp_synic(vp, 0)->stimer[n];
}

static void config(uint32_t n, uint64_t value)
{
	stimer_config_set(vp, 0, n, value);
}

static void count(uint32_t n, uint64_t value)
{
	stimer_count_set(vp, 0, n, value);
}

/* Time goes on for so many units; the timer's interrupt comes when it is due. */
static void pass(uint64_t units)
{
	uint64_t end = fake_timestamp + units * UNIT_TICKS;

	while (stub_armed <= end) {
		fake_timestamp = MAX(fake_timestamp, stub_armed);
		stub_armed = TIMER_NEVER;
		vp_synic(vp, 0)->timer.deadline = TIMER_NEVER;
		vp_synic(vp, 0)->timer.expired(&vp_synic(vp, 0)->timer);
		assert_int_equal(stub_requests, VP_REQUEST_STIMER);
		stub_requests = 0;
		stimer_fire(vp);
		assert_true(stub_armed > fake_timestamp);
	}
	fake_timestamp = end;
}

/* The VP gets no CPU. */
static void lose(uint64_t units)
{
	fake_timestamp += units * UNIT_TICKS;
}

static unsigned int signals(void)
{
	return interrupts_take(VECTOR);
}

static struct hv_message *slot(void)
{
	return (struct hv_message *)vp_synic(vp, 0)->page[SYNIC_MESSAGES_PAGE].overlay.page + SINT;
}

static const struct hv_timer_message *message(void)
{
	assert_int_equal(slot()->type, HV_MESSAGE_TIMER_EXPIRED);
	assert_int_equal(slot()->payload_size, 24);
	assert_int_equal(slot()->origin, 0);
	return (const struct hv_timer_message *)slot()->payload;
}

static void messages_on(void)
{
	assert_int_equal(synic_page_set(vp, 0, SYNIC_MESSAGES_PAGE, 0x5001), STATUS_OK);
	synic_control_set(vp, 0, HV_SYNIC_ENABLE);
	synic_sint_set(vp, 0, SINT, SINT_VECTOR);
}

static int setup(void **state)
{
	(void)state;
	stub_allows = UINT32_MAX;
	vp = stub_vp_create(HV_PRIVILEGE_SYNIC | HV_PRIVILEGE_SYNTHETIC_TIMERS);
	vp->partition->time_base = fake_timestamp - 12345;
	vp->partition->time_offset = 1000000;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stub_vp_destroy(vp);
	return 0;
}

static void test_one_shot(void **state)
{
	uint64_t due = now() + 1000;

	(void)state;
	config(0, DIRECT | HV_STIMER_AUTO_ENABLE);
	assert_int_equal(stub_armed, TIMER_NEVER);
	count(0, due);
	assert_true(timer(0)->config & HV_STIMER_ENABLED);
	pass(999);
	assert_true(now() < due && signals() == 0);
	pass(1);
	assert_int_equal(signals(), 1);
	assert_true(now() >= due);
	/* It has ended; the next count starts it again. */
	assert_false(timer(0)->config & HV_STIMER_ENABLED);
	pass(100000);
	assert_int_equal(signals(), 0);
	count(0, now() + 5);
	pass(5);
	assert_int_equal(signals(), 1);
}

static void test_in_the_past(void **state)
{
	(void)state;
	config(0, DIRECT | HV_STIMER_AUTO_ENABLE);
	count(0, now());
	assert_int_equal(signals(), 1);
	count(0, 1);
	assert_int_equal(signals(), 1);
	assert_int_equal(stub_armed, TIMER_NEVER);
	/* the end of time */
	count(0, UINT64_MAX);
	count(1, UINT64_MAX - 1);
	config(1, DIRECT | HV_STIMER_ENABLED);
	pass(1ull << 40);
	assert_int_equal(signals(), 0);
}

static void test_enable(void **state)
{
	(void)state;
	/* without auto-enable the count alone does nothing */
	config(0, DIRECT);
	count(0, now() + 10);
	pass(20);
	assert_int_equal(signals(), 0);
	config(0, DIRECT | HV_STIMER_ENABLED);
	assert_int_equal(signals(), 1);
	/* enabled first */
	count(0, 0);
	config(0, DIRECT | HV_STIMER_ENABLED);
	assert_true(timer(0)->config & HV_STIMER_ENABLED);
	count(0, now() + 10);
	pass(10);
	assert_int_equal(signals(), 1);
	/* stopped by a count of 0, and by its configuration */
	config(0, DIRECT | HV_STIMER_AUTO_ENABLE);
	count(0, now() + 10);
	count(0, 0);
	assert_false(timer(0)->config & HV_STIMER_ENABLED);
	count(0, now() + 10);
	config(0, DIRECT | HV_STIMER_AUTO_ENABLE);
	pass(100);
	assert_int_equal(signals(), 0);
	/* without a source */
	config(0, HV_STIMER_ENABLED);
	assert_false(timer(0)->config & HV_STIMER_ENABLED);
	config(0, HV_STIMER_AUTO_ENABLE);
	count(0, now() + 10);
	assert_false(timer(0)->config & HV_STIMER_ENABLED);
}

static void test_periodic(void **state)
{
	unsigned int i;

	(void)state;
	config(1, DIRECT | HV_STIMER_PERIODIC | HV_STIMER_AUTO_ENABLE);
	count(1, 1000);
	for (i = 0; i < 50; i++) {
		pass(999);
		assert_int_equal(signals(), 0);
		pass(1);
		assert_int_equal(signals(), 1);
	}
	assert_true(timer(1)->config & HV_STIMER_ENABLED);
	config(1, 0);
	pass(5000);
	assert_int_equal(signals(), 0);
}

/* However short the period. */
static void test_flood(void **state)
{
	unsigned int lazy;

	(void)state;
	for (lazy = 0; lazy < 2; lazy++) {
		config(0, 0);
		config(0, DIRECT | HV_STIMER_PERIODIC | HV_STIMER_ENABLED |
				  (lazy ? HV_STIMER_LAZY : 0));
		count(0, 1);
		pass(20000);
		assert_in_range(signals(), 95, 101);
		lose(90);
		count(0, 100);
		pass(20000);
		assert_in_range(signals(), 90, 101);
	}
}

/* The VP was away for some periods: they follow sooner, until it has caught up. */
static void test_late(void **state)
{
	unsigned int i, total = 0;

	(void)state;
	config(0, DIRECT | HV_STIMER_PERIODIC | HV_STIMER_AUTO_ENABLE);
	count(0, 1000);
	pass(1000);
	assert_int_equal(signals(), 1);
	lose(3500);
	pass(0);
	total = signals();
	assert_int_equal(total, 1);
	for (i = 0; i < 9; i++) {
		unsigned int came;

		pass(500);
		came = signals();
		assert_true(came <= 1);
		total += came;
	}
	/* by now there have been eight periods after the first */
	assert_int_equal(total, 8);
	pass(10000);
	assert_int_equal(signals(), 10);
}

/* Too late to catch up, or lazy: the periods are lost, and the rhythm is kept. */
static void test_skipped(void **state)
{
	uint64_t start = now();

	(void)state;
	config(0, DIRECT | HV_STIMER_PERIODIC | HV_STIMER_AUTO_ENABLE);
	count(0, 1000);
	lose(20100);
	pass(0);
	assert_int_equal(signals(), 1);
	pass(899);
	assert_int_equal(signals(), 0);
	pass(2);
	assert_int_equal(signals(), 1);
	config(0, DIRECT | HV_STIMER_PERIODIC | HV_STIMER_LAZY | HV_STIMER_AUTO_ENABLE);
	start = now();
	count(0, 1000);
	lose(2400);
	pass(0);
	assert_int_equal(signals(), 1);
	pass(start + 2999 - now());
	assert_int_equal(signals(), 0);
	pass(2);
	assert_int_equal(signals(), 1);
	/* shortly before the next it is left out */
	lose(start + 4900 - now());
	pass(0);
	assert_int_equal(signals(), 0);
	pass(start + 5001 - now());
	assert_int_equal(signals(), 1);
}

static void test_message(void **state)
{
	uint64_t due = now() + 1000;

	(void)state;
	messages_on();
	config(3, MESSAGE | HV_STIMER_AUTO_ENABLE);
	count(3, due);
	pass(1000);
	assert_int_equal(interrupts_take(SINT_VECTOR), 1);
	assert_int_equal(message()->timer, 3);
	assert_int_equal(message()->expiration, due);
	assert_int_equal(message()->delivery, now());
}

/* The slot is full: one message of each timer waits, tells when it was due, and when it came. */
static void test_message_waits(void **state)
{
	const struct hv_message posted = {.type = 5};
	uint64_t start = now();

	(void)state;
	messages_on();
	assert_int_equal(synic_post_message(vp, 0, SINT, &posted), STATUS_OK);
	config(0, MESSAGE | HV_STIMER_PERIODIC | HV_STIMER_AUTO_ENABLE);
	count(0, 1000);
	config(1, MESSAGE | HV_STIMER_AUTO_ENABLE);
	count(1, start + 1500);
	pass(10500);
	assert_int_equal(slot()->type, 5);
	assert_true(slot()->flags & HV_MESSAGE_PENDING);
	slot()->type = HV_MESSAGE_NONE;
	synic_message_end(vp, 0);
	assert_true(message()->timer == 0 && message()->expiration == start + 1000);
	assert_int_equal(message()->delivery, start + 10500);
	assert_true(slot()->flags & HV_MESSAGE_PENDING);
	slot()->type = HV_MESSAGE_NONE;
	synic_message_end(vp, 0);
	assert_true(message()->timer == 1 && message()->expiration == start + 1500);
	assert_int_equal(slot()->flags, 0);
	slot()->type = HV_MESSAGE_NONE;
	synic_message_end(vp, 0);
	assert_int_equal(slot()->type, HV_MESSAGE_NONE);
	pass(500);
	assert_true(message()->timer == 0 && message()->expiration == start + 11000);
}

/* A synic that is off keeps the message, and so does not lose the timer. */
static void test_message_without_a_page(void **state)
{
	uint64_t due = now() + 10;

	(void)state;
	config(0, MESSAGE | HV_STIMER_AUTO_ENABLE);
	count(0, due);
	pass(100);
	assert_int_equal(slot()->type, HV_MESSAGE_NONE);
	messages_on();
	assert_int_equal(message()->expiration, due);
}

static void test_several(void **state)
{
	uint64_t start = now();
	uint32_t n;

	(void)state;
	for (n = 0; n < HV_STIMER_COUNT; n++) {
		config(n, HV_STIMER_DIRECT | HV_STIMER_AUTO_ENABLE |
				  (uint64_t)(VECTOR + n) << HV_STIMER_VECTOR_SHIFT);
		count(n, start + 400 - 100 * n);
	}
	for (n = HV_STIMER_COUNT; n-- > 0;) {
		pass(100);
		assert_int_equal(interrupts_take((uint8_t)(VECTOR + n)), 1);
	}
	assert_int_equal(stub_armed, TIMER_NEVER);
	assert_int_equal(stub_own, 4);
}

/* The VP moves to another CPU; the partition's time stands still. */
static void test_moves(void **state)
{
	(void)state;
	config(0, DIRECT | HV_STIMER_AUTO_ENABLE);
	count(0, now() + 1000);
	stimer_cancel(vp);
	assert_int_equal(stub_armed, TIMER_NEVER);
	stimer_update(vp);
	assert_true(stub_armed != TIMER_NEVER);
	vp->partition->frozen_at = fake_timestamp;
	stimer_update(vp);
	assert_int_equal(stub_armed, TIMER_NEVER);
	lose(5000);
	vp->partition->time_base += 5000 * UNIT_TICKS;
	vp->partition->frozen_at = 0;
	stimer_update(vp);
	pass(999);
	assert_int_equal(signals(), 0);
	pass(1);
	assert_int_equal(signals(), 1);
	/* a jump of time */
	count(0, now() + 1000);
	vp->partition->time_offset += 5000;
	stimer_fire(vp);
	assert_int_equal(signals(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_shot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_the_past, setup, teardown),
		cmocka_unit_test_setup_teardown(test_enable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_periodic, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_skipped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_message, setup, teardown),
		cmocka_unit_test_setup_teardown(test_message_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_message_without_a_page, setup, teardown),
		cmocka_unit_test_setup_teardown(test_several, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moves, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
