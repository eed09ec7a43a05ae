/* SPDX-License-Identifier: MIT */
/* The MC146818 and its calendar. */
#include "device_fake.h"

#include <time.h>

#include <devices/rtc.h>
#include <devices/rtc_calendar.h>

#define IRQ   8
/* 31 December 1999, 23:59:58 UTC, a Friday. */
#define EPOCH 946684798

struct machine {
	struct fake fake;
	struct rtc rtc;
};

static int setup(void **state)
{
	struct machine *m = test_calloc(1, sizeof(*m));
	const struct rtc_config config = {
		.epoch_seconds = EPOCH, .memory_below_4g = GIB(3), .memory_above_4g = GIB(5)};

	fake_init(&m->fake);
	m->fake.now_ns = 123456789;
	assert_int_equal(rtc_init(&m->rtc, &m->fake.env, &m->fake.bus, IRQ, &config), STATUS_OK);
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

static uint8_t get(struct machine *m, uint8_t index)
{
	out8(&m->fake, RTC_PORT, index | 0x80);
	return in8(&m->fake, RTC_PORT + 1);
}

static void put(struct machine *m, uint8_t index, uint8_t value)
{
	out8(&m->fake, RTC_PORT, index);
	out8(&m->fake, RTC_PORT + 1, value);
}

static void expect_time(struct machine *m, const uint8_t *bytes)
{
	static const uint8_t index[8] = {RTC_CENTURY, RTC_YEAR,	 RTC_MONTH,   RTC_DAY,
					 RTC_WEEKDAY, RTC_HOURS, RTC_MINUTES, RTC_SECONDS};

	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(get(m, index[i]), bytes[i]);
}

static void calendar_agrees_with_the_library(void **state)
{
	(void)state;
	for (int64_t s = -62135596800 + 86400 * 366ll; s < 253402300800; s += 86400 * 97 + 12345) {
		struct calendar calendar;
		time_t t = (time_t)s;
		struct tm tm;

		gmtime_r(&t, &tm);
		calendar_from_seconds(s, &calendar);
		assert_int_equal(calendar.year, tm.tm_year + 1900);
		assert_int_equal(calendar.month, tm.tm_mon + 1);
		assert_int_equal(calendar.day, tm.tm_mday);
		assert_int_equal(calendar.weekday, tm.tm_wday + 1);
		assert_int_equal(calendar.hour, tm.tm_hour);
		assert_int_equal(calendar.minute, tm.tm_min);
		assert_int_equal(calendar.second, tm.tm_sec);
		assert_true(calendar_to_seconds(&calendar) == s);
	}
}

static void calendar_clamps(void **state)
{
	struct calendar c = {.year = 2023, .month = 2, .day = 31, .hour = 29, .minute = 99};

	(void)state;
	calendar_from_seconds(calendar_to_seconds(&c), &c);
	assert_int_equal(c.day, 28);
	assert_int_equal(c.hour, 23);
	assert_int_equal(c.minute, 59);
	calendar_from_seconds(INT64_MAX, &c);
	assert_int_equal(c.year, 9999);
	calendar_from_seconds(INT64_MIN, &c);
	assert_int_equal(c.year, 0);
	c = (struct calendar){.year = 0, .month = 0, .day = 0};
	calendar_to_seconds(&c);
}

static void rolls_over(void **state)
{
	struct machine *m = *state;

	expect_time(m, (uint8_t[]){0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x58});
	fake_run_for(&m->fake, 2 * NS_PER_SEC);
	expect_time(m, (uint8_t[]){0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00});
	assert_true(rtc_seconds(&m->rtc) == EPOCH + 2);
	assert_int_equal(get(m, RTC_D), 0x80);
	assert_int_equal(in8(&m->fake, RTC_PORT), 0xff);
}

static void formats(void **state)
{
	struct machine *m = *state;

	put(m, RTC_B, 0x06); /* binary, 24 hours */
	expect_time(m, (uint8_t[]){0x19, 99, 12, 31, 6, 23, 59, 58});
	put(m, RTC_B, 0x04); /* binary, 12 hours */
	assert_int_equal(get(m, RTC_HOURS), 0x80 | 11);
	fake_run_for(&m->fake, 2 * NS_PER_SEC);
	assert_int_equal(get(m, RTC_HOURS), 12); /* midnight is 12 AM */
	put(m, RTC_B, 0x00);
	fake_run_for(&m->fake, 12 * 3600 * NS_PER_SEC);
	assert_int_equal(get(m, RTC_HOURS), 0x92); /* noon is 12 PM */
}

static void is_set_as_an_operating_system_does(void **state)
{
	struct machine *m = *state;

	put(m, RTC_B, 0x82);
	put(m, RTC_A, 0x76);
	assert_int_equal(get(m, RTC_A), 0x76); /* UIP is low */
	put(m, RTC_CENTURY, 0x20);
	put(m, RTC_YEAR, 0x24);
	put(m, RTC_MONTH, 0x02);
	put(m, RTC_DAY, 0x28);
	put(m, RTC_WEEKDAY, 4);
	put(m, RTC_HOURS, 0x23);
	put(m, RTC_MINUTES, 0x59);
	put(m, RTC_SECONDS, 0x59);
	fake_run_for(&m->fake, 10 * NS_PER_SEC); /* stands still */
	expect_time(m, (uint8_t[]){0x20, 0x24, 0x02, 0x28, 4, 0x23, 0x59, 0x59});
	put(m, RTC_B, 0x02);
	put(m, RTC_A, 0x26);
	/* The first update comes half a second after the divider starts. */
	fake_run_for(&m->fake, NS_PER_SEC / 2 - 1000);
	assert_int_equal(get(m, RTC_SECONDS), 0x59);
	fake_run_for(&m->fake, 2000);
	expect_time(m, (uint8_t[]){0x20, 0x24, 0x02, 0x29, 5, 0x00, 0x00, 0x00});
	/* Without SET a running clock takes a byte, too. */
	put(m, RTC_MINUTES, 0x30);
	assert_int_equal(get(m, RTC_MINUTES), 0x30);
	put(m, RTC_WEEKDAY, 1); /* as the guest likes it */
	assert_int_equal(get(m, RTC_WEEKDAY), 1);
}

static void update_in_progress(void **state)
{
	struct machine *m = *state;
	uint64_t second = m->fake.now_ns + NS_PER_SEC;

	assert_int_equal(get(m, RTC_A) & 0x80, 0);
	fake_run_until(&m->fake, second - 300000);
	assert_int_equal(get(m, RTC_A) & 0x80, 0x80);
	fake_run_until(&m->fake, second);
	assert_int_equal(get(m, RTC_A) & 0x80, 0);
}

static void update_interrupt(void **state)
{
	struct machine *m = *state;

	put(m, RTC_B, 0x12);
	fake_run_for(&m->fake, NS_PER_SEC);
	assert_true(m->fake.line[IRQ]);
	assert_true(m->fake.deadline_ns == DEVICE_NEVER); /* until it is taken */
	assert_int_equal(get(m, RTC_C) & 0x90, 0x90);
	assert_false(m->fake.line[IRQ]);
	m->fake.rises[IRQ] = 0;
	for (unsigned int i = 0; i < 5; i++) {
		fake_run_for(&m->fake, NS_PER_SEC);
		get(m, RTC_C);
	}
	assert_int_equal(m->fake.rises[IRQ], 5);
	put(m, RTC_B, 0x92); /* SET clears UIE */
	assert_int_equal(get(m, RTC_B), 0x82);
}

static void alarm_interrupt(void **state)
{
	struct machine *m = *state;

	put(m, RTC_SECONDS_ALARM, 0x30);
	put(m, RTC_MINUTES_ALARM, 0x05);
	put(m, RTC_HOURS_ALARM, 0x07);
	put(m, RTC_B, 0x22);
	fake_run_for(&m->fake, (2 + 7 * 3600 + 5 * 60 + 29) * NS_PER_SEC);
	assert_false(m->fake.line[IRQ]);
	fake_run_for(&m->fake, NS_PER_SEC);
	assert_true(m->fake.line[IRQ]);
	assert_int_equal(get(m, RTC_C) & 0xb0, 0xb0);
	/* Every minute at 15 seconds. */
	put(m, RTC_SECONDS_ALARM, 0x15);
	put(m, RTC_MINUTES_ALARM, 0xff);
	put(m, RTC_HOURS_ALARM, 0xc0);
	m->fake.rises[IRQ] = 0;
	for (unsigned int i = 0; i < 3; i++) {
		fake_run_for(&m->fake, 60 * NS_PER_SEC);
		get(m, RTC_C);
	}
	assert_int_equal(m->fake.rises[IRQ], 3);
	/* One that never comes. */
	put(m, RTC_SECONDS_ALARM, 0x75);
	assert_true(m->fake.deadline_ns == DEVICE_NEVER);
	fake_run_for(&m->fake, 90000 * NS_PER_SEC);
	assert_false(m->fake.line[IRQ]);
}

static void periodic_interrupt(void **state)
{
	struct machine *m = *state;

	put(m, RTC_A, 0x2a); /* 64 Hz */
	get(m, RTC_C);
	put(m, RTC_B, 0x42);
	for (unsigned int i = 0; i < 64; i++) {
		fake_run_until(&m->fake, m->fake.deadline_ns);
		assert_true(m->fake.line[IRQ]);
		assert_int_equal(get(m, RTC_C) & 0xc0, 0xc0);
	}
	assert_in_range(m->fake.now_ns, 123456789 + NS_PER_SEC - 16000000,
			123456789 + NS_PER_SEC + 16000000);
	/* Flags are set without being enabled; the alarm stands at midnight. */
	put(m, RTC_B, 0x02);
	fake_run_for(&m->fake, 2 * NS_PER_SEC);
	assert_int_equal(get(m, RTC_C), 0x70);
	assert_int_equal(get(m, RTC_C), 0);
}

static void firmware_bytes(void **state)
{
	struct machine *m = *state;
	uint16_t sum = 0;

	assert_int_equal(get(m, RTC_BASE_MEMORY) | get(m, RTC_BASE_MEMORY + 1) << 8, 640);
	assert_int_equal(get(m, RTC_EXTENDED_MEMORY) | get(m, RTC_EXTENDED_MEMORY + 1) << 8,
			 0xffff);
	assert_int_equal(get(m, RTC_MEMORY_16M) | get(m, RTC_MEMORY_16M + 1) << 8,
			 (GIB(3) - MIB(16)) / KIB(64));
	assert_int_equal(get(m, RTC_MEMORY_4G) | get(m, RTC_MEMORY_4G + 1) << 8 |
				 get(m, RTC_MEMORY_4G + 2) << 16,
			 GIB(5) / KIB(64));
	for (uint8_t i = 0x10; i < 0x2e; i++)
		sum += get(m, i);
	assert_int_equal(sum, get(m, 0x2e) << 8 | get(m, 0x2f));
	put(m, 0x7f, 0x42);
	device_bus_reset(&m->fake.bus);
	assert_int_equal(get(m, 0x7f), 0x42); /* on battery */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calendar_agrees_with_the_library),
		cmocka_unit_test(calendar_clamps),
		TEST(rolls_over),
		TEST(formats),
		TEST(is_set_as_an_operating_system_does),
		TEST(update_in_progress),
		TEST(update_interrupt),
		TEST(alarm_interrupt),
		TEST(periodic_interrupt),
		TEST(firmware_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
