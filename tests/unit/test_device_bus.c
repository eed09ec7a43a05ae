/* SPDX-License-Identifier: MIT */
/* The device bus, the timers, and the scaling of clocks. */
#include "device_fake.h"

#define LOG_SIZE 16

/* A device that writes down what it is asked. */
struct probe {
	struct device dev;
	unsigned int count;
	uint64_t offset[LOG_SIZE];
	unsigned int size[LOG_SIZE];
	uint64_t value[LOG_SIZE];
	unsigned int resets;
};

static void probe_log(struct device *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct probe *probe = container_of(dev, struct probe, dev);

	assert_true(probe->count < LOG_SIZE);
	probe->offset[probe->count] = offset;
	probe->size[probe->count] = size;
	probe->value[probe->count++] = value;
}

/* Each byte reads as the low byte of its offset. */
static uint32_t probe_io_read(struct device *dev, uint32_t offset, unsigned int size)
{
	uint32_t value = 0xffffffff;

	probe_log(dev, offset, size, 0);
	for (unsigned int i = 0; i < size; i++)
		((uint8_t *)&value)[i] = (uint8_t)(offset + i);
	return value; /* with garbage above, which must not come through */
}

static void probe_io_write(struct device *dev, uint32_t offset, unsigned int size, uint32_t value)
{
	probe_log(dev, offset, size, value);
}

static uint64_t probe_mmio_read(struct device *dev, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	probe_log(dev, offset, size, 0);
	for (unsigned int i = 0; i < size; i++)
		((uint8_t *)&value)[i] = (uint8_t)(offset + i);
	return value;
}

static void probe_mmio_write(struct device *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	probe_log(dev, offset, size, value);
}

static void probe_reset(struct device *dev)
{
	container_of(dev, struct probe, dev)->resets++;
}

static const struct device_ops probe_ops = {
	.io_read = probe_io_read,
	.io_write = probe_io_write,
	.mmio_read = probe_mmio_read,
	.mmio_write = probe_mmio_write,
	.reset = probe_reset,
};
static const struct device_ops silent_ops;

static void unserved_reads_ones(void **state)
{
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(in8(&fake, 0), 0xff);
	assert_int_equal(in16(&fake, 0x1234), 0xffff);
	assert_int_equal(in32(&fake, 0xffff), 0xffffffff);
	out32(&fake, 0xfffe, 0x12345678);
	for (unsigned int size = 1; size <= 8; size++)
		assert_true(device_mmio_read(&fake.bus, 0xfec00003, size) ==
			    device_size_mask(size));
	device_mmio_write(&fake.bus, UINT64_MAX - 3, 8, 0);
	assert_false(device_mmio_served(&fake.bus, 0));
	fake_destroy(&fake);
}

static void registration_is_checked(void **state)
{
	struct probe probe = {.dev = {.ops = &probe_ops}};
	struct fake fake;

	(void)state;
	fake_init(&fake);
#define ADD(base, count, max) device_bus_add_ports(&fake.bus, &probe.dev, base, count, 0, max)
	assert_int_equal(ADD(0x100, 0, 1), STATUS_INVALID_ARGUMENT);
	assert_int_equal(ADD(0xffff, 2, 1), STATUS_INVALID_ARGUMENT);
	assert_int_equal(ADD(0x10000, 1, 1), STATUS_INVALID_ARGUMENT);
	assert_int_equal(ADD(0x100, 4, 3), STATUS_INVALID_ARGUMENT);
	assert_int_equal(ADD(0x100, 4, 8), STATUS_INVALID_ARGUMENT);
	assert_int_equal(ADD(0xfe, 0x104, 4), STATUS_OK);
	assert_int_equal(ADD(0x201, 1, 1), STATUS_OVERLAP);
	assert_int_equal(ADD(0x0, 0x10000, 1), STATUS_OVERLAP);
	assert_int_equal(ADD(0x202, 1, 1), STATUS_OK);
	for (unsigned int i = 3; i < DEVICE_MAX_PORT_RANGES; i++)
		assert_int_equal(ADD(0x1000 + i, 1, 1), STATUS_OK);
	assert_int_equal(ADD(0x2000, 1, 1), STATUS_TOO_LARGE);
#undef ADD
#define ADD(base, size, max) device_bus_add_mmio(&fake.bus, &probe.dev, base, size, 0, max)
	assert_int_equal(ADD(0x1000, 0, 4), STATUS_INVALID_ARGUMENT);
	assert_int_equal(ADD(UINT64_MAX, 2, 4), STATUS_INVALID_ARGUMENT);
	assert_int_equal(ADD(0x1000, 4, 16), STATUS_INVALID_ARGUMENT);
	assert_int_equal(ADD(0x3000, 0x1000, 4), STATUS_OK);
	assert_int_equal(ADD(0x1000, 0x1000, 4), STATUS_OK);
	assert_int_equal(ADD(0x2000, 0x1001, 4), STATUS_OVERLAP);
	assert_int_equal(ADD(0x2000, 0x1000, 4), STATUS_OK);
#undef ADD
	assert_true(fake.bus.mmio[0].base == 0x1000 && fake.bus.mmio[2].base == 0x3000);
	for (gpa_t gpa = 0x1000; gpa < 0x4000; gpa += 0x800)
		assert_true(device_mmio_served(&fake.bus, gpa));
	assert_false(device_mmio_served(&fake.bus, 0xfff));
	assert_false(device_mmio_served(&fake.bus, 0x4000));
	fake_destroy(&fake);
}

static void whole_access_arrives_whole(void **state)
{
	struct probe probe = {.dev = {.ops = &probe_ops}};
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(device_bus_add_ports(&fake.bus, &probe.dev, 0x100, 8, 0x40, 4), STATUS_OK);
	assert_int_equal(in32(&fake, 0x104), 0x47464544);
	assert_int_equal(in8(&fake, 0x107), 0x47);
	out16(&fake, 0x102, 0xabcd);
	assert_int_equal(probe.count, 3);
	assert_int_equal(probe.size[0], 4);
	assert_int_equal(probe.offset[2], 0x42);
	assert_int_equal(probe.value[2], 0xabcd);
	fake_destroy(&fake);
}

static void odd_access_is_split(void **state)
{
	struct probe wide = {.dev = {.ops = &probe_ops}}, narrow = {.dev = {.ops = &probe_ops}};
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(device_bus_add_ports(&fake.bus, &wide.dev, 0x100, 4, 0, 4), STATUS_OK);
	assert_int_equal(device_bus_add_ports(&fake.bus, &narrow.dev, 0x104, 2, 0x80, 1),
			 STATUS_OK);
	/* Misaligned: 1 + 2 of the wide one, 1 of the narrow one. */
	out32(&fake, 0x101, 0x44332211);
	assert_int_equal(wide.count, 2);
	assert_int_equal(wide.size[0], 1);
	assert_int_equal(wide.value[0], 0x11);
	assert_int_equal(wide.size[1], 2);
	assert_int_equal(wide.value[1], 0x3322);
	assert_int_equal(narrow.value[0], 0x44);
	/* Past the narrow one nobody answers. */
	assert_int_equal(in32(&fake, 0x104), 0xffff8180);
	/* From nobody into the wide one. */
	assert_int_equal(in32(&fake, 0xfe), 0x0100ffff);
	fake_destroy(&fake);
}

static void ports_wrap(void **state)
{
	struct probe probe = {.dev = {.ops = &probe_ops}};
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(device_bus_add_ports(&fake.bus, &probe.dev, 0, 1, 7, 4), STATUS_OK);
	assert_int_equal(in16(&fake, 0xffff), 0x07ff);
	fake_destroy(&fake);
}

static void mmio_is_split(void **state)
{
	struct probe probe = {.dev = {.ops = &probe_ops}};
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(device_bus_add_mmio(&fake.bus, &probe.dev, 0x1000, 0x10, 0, 4), STATUS_OK);
	assert_true(device_mmio_read(&fake.bus, 0x1000, 8) == 0x0706050403020100ull);
	assert_int_equal(probe.count, 2);
	assert_true(device_mmio_read(&fake.bus, 0x100d, 8) == 0xffffffffff0f0e0dull);
	assert_true(device_mmio_read(&fake.bus, 0xfff, 3) == 0x0100ff);
	probe.count = 0;
	device_mmio_write(&fake.bus, 0x1001, 7, 0x77665544332211ull);
	assert_int_equal(probe.count, 3); /* 1 + 2 + 4 */
	assert_true(probe.value[2] == 0x77665544);
	fake_destroy(&fake);
}

static void missing_ops_are_unserved(void **state)
{
	struct device silent = {.ops = &silent_ops};
	struct fake fake;

	(void)state;
	fake_init(&fake);
	device_bus_attach(&fake.bus, &silent);
	assert_int_equal(device_bus_add_ports(&fake.bus, &silent, 0x100, 4, 0, 4), STATUS_OK);
	assert_int_equal(device_bus_add_mmio(&fake.bus, &silent, 0x100, 4, 0, 4), STATUS_OK);
	assert_int_equal(in32(&fake, 0x100), 0xffffffff);
	out32(&fake, 0x100, 0);
	assert_int_equal(mmio_in32(&fake, 0x100), 0xffffffff);
	mmio_out32(&fake, 0x100, 0);
	device_bus_reset(&fake.bus);
	fake_destroy(&fake);
}

/* ------------------------------------------------------------------- timers */

struct alarm_clock {
	struct device_timer timer;
	struct fake *fake;
	struct alarm_clock *cancels;
	uint64_t again_ns;
	unsigned int rings;
};

static void alarm_rings(struct device_timer *timer)
{
	struct alarm_clock *clock = container_of(timer, struct alarm_clock, timer);

	clock->rings++;
	assert_false(timer->armed);
	if (clock->cancels)
		device_timer_cancel(&clock->fake->env, &clock->cancels->timer);
	if (clock->again_ns)
		device_timer_arm(&clock->fake->env, timer, clock->again_ns);
}

static void timers_run_in_order(void **state)
{
	struct fake fake;
	struct alarm_clock clock[3];

	(void)state;
	fake_init(&fake);
	for (unsigned int i = 0; i < 3; i++)
		clock[i] = (struct alarm_clock){.timer.expired = alarm_rings, .fake = &fake};
	device_timer_arm(&fake.env, &clock[0].timer, 300);
	device_timer_arm(&fake.env, &clock[1].timer, 100);
	device_timer_arm(&fake.env, &clock[2].timer, 200);
	assert_int_equal(fake.deadline_ns, 100);
	assert_int_equal(fake.announcements, 2);
	device_timer_arm(&fake.env, &clock[1].timer, 400); /* moved */
	assert_int_equal(fake.deadline_ns, 200);
	device_timer_cancel(&fake.env, &clock[0].timer);
	device_timer_cancel(&fake.env, &clock[0].timer);
	fake.now_ns = 199;
	assert_int_equal(device_timers_run(&fake.env), 200);
	assert_int_equal(clock[2].rings, 0);
	fake.now_ns = 200;
	assert_int_equal(device_timers_run(&fake.env), 400);
	assert_int_equal(clock[2].rings, 1);
	fake.now_ns = 1000;
	assert_true(device_timers_run(&fake.env) == DEVICE_NEVER);
	assert_int_equal(clock[0].rings, 0);
	assert_int_equal(clock[1].rings, 1);
	device_timer_arm(&fake.env, &clock[0].timer, DEVICE_NEVER);
	assert_false(clock[0].timer.armed);
	fake_destroy(&fake);
}

static void a_timer_may_cancel_another_that_is_due(void **state)
{
	struct fake fake;
	struct alarm_clock late, early;

	(void)state;
	fake_init(&fake);
	late = (struct alarm_clock){.timer.expired = alarm_rings, .fake = &fake};
	early = (struct alarm_clock){.timer.expired = alarm_rings, .fake = &fake, .cancels = &late};
	device_timer_arm(&fake.env, &early.timer, 1);
	device_timer_arm(&fake.env, &late.timer, 2);
	fake.now_ns = 10;
	device_timers_run(&fake.env);
	assert_int_equal(early.rings, 1);
	assert_int_equal(late.rings, 0);
	fake_destroy(&fake);
}

static void all_timers_end(void **state)
{
	struct device_timer timers[3] = {0};
	struct fake fake;

	(void)state;
	fake_init(&fake);
	for (unsigned int i = 0; i < ARRAY_SIZE(timers); i++)
		device_timer_arm(&fake.env, &timers[i], 100 + i);
	device_timers_end(&fake.env);
	for (unsigned int i = 0; i < ARRAY_SIZE(timers); i++)
		assert_false(timers[i].armed || timers[i].prev || timers[i].next);
	assert_null(fake.env.timers);
	assert_true(fake.env.deadline_ns == DEVICE_NEVER);
	assert_true(fake.deadline_ns == DEVICE_NEVER);
	fake_destroy(&fake);
}

static void a_timer_in_the_past_does_not_loop(void **state)
{
	struct fake fake;
	struct alarm_clock clock;

	(void)state;
	fake_init(&fake);
	clock = (struct alarm_clock){.timer.expired = alarm_rings, .fake = &fake, .again_ns = 1};
	device_timer_arm(&fake.env, &clock.timer, 5);
	fake.now_ns = 10;
	assert_int_equal(device_timers_run(&fake.env), 1);
	assert_int_equal(clock.rings, 1);
	fake_destroy(&fake);
}

static void reset_reaches_all(void **state)
{
	struct probe probe[3] = {0};
	struct fake fake;

	(void)state;
	fake_init(&fake);
	for (unsigned int i = 0; i < 3; i++) {
		probe[i].dev.ops = &probe_ops;
		device_bus_attach(&fake.bus, &probe[i].dev);
	}
	device_bus_reset(&fake.bus);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(probe[i].resets, 1);
	fake_destroy(&fake);
}

static void scale_keeps_the_high_half(void **state)
{
	(void)state;
	assert_true(device_scale(1000000000, 3579545, 1000000000) == 3579545);
	/* A year of nanoseconds, of which the product does not fit 64 bits. */
	assert_true(device_scale(31536000ull * NS_PER_SEC, 1193182, 1000000000) ==
		    31536000ull * 1193182);
	assert_true(device_scale(999999999, 1193182, 1000000000) == 1193181);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unserved_reads_ones),
		cmocka_unit_test(registration_is_checked),
		cmocka_unit_test(whole_access_arrives_whole),
		cmocka_unit_test(odd_access_is_split),
		cmocka_unit_test(ports_wrap),
		cmocka_unit_test(mmio_is_split),
		cmocka_unit_test(missing_ops_are_unserved),
		cmocka_unit_test(timers_run_in_order),
		cmocka_unit_test(a_timer_may_cancel_another_that_is_due),
		cmocka_unit_test(all_timers_end),
		cmocka_unit_test(a_timer_in_the_past_does_not_loop),
		cmocka_unit_test(reset_reaches_all),
		cmocka_unit_test(scale_keeps_the_high_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
