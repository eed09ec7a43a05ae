/* SPDX-License-Identifier: MIT */
/*
 * The state of all devices of a machine: what a guest has made of them is saved, and another machine's
 * devices go on with it; what is damaged changes nothing.
 */
#include "device_fake.h"

#include <stdlib.h>
#include <devices/device_state.h>
#include <devices/platform.h>
#include <trivet/state.h>

#define SIZE KIB(128)

struct machine {
	struct fake fake;
	struct platform platform;
};

static uint64_t saved_words[SIZE / 8], again_words[SIZE / 8];
#define SAVED ((uint8_t *)saved_words)
#define AGAIN ((uint8_t *)again_words)

static struct machine *first, *second;

static struct machine *machine_make(bool all)
{
	const struct platform_config config = {
		.epoch_seconds = 1700000000,
		.memory_below_4g = GIB(1),
		.vp_count = 2,
		.hpet = all,
		.qemu_compat = all,
	};
	struct machine *m = test_calloc(1, sizeof(*m));

	fake_init(&m->fake);
	fake_destroy(&m->fake);
	assert_int_equal(platform_init(&m->platform, &m->fake.env, &config), STATUS_OK);
	return m;
}

static void machine_free(struct machine *m)
{
	platform_destroy(&m->platform);
	assert_null(m->fake.env.timers);
	test_free(m);
}

static int setup(void **state)
{
	(void)state;
	first = machine_make(true);
	second = machine_make(true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_free(first);
	machine_free(second);
	return 0;
}

static void out(struct machine *m, uint16_t port, uint32_t value)
{
	device_port_write(&m->platform.bus, port, 1, value);
}

static uint32_t in(struct machine *m, uint16_t port)
{
	return device_port_read(&m->platform.bus, port, 1);
}

/* Something in each device, and the timers run. */
static void use(struct machine *m)
{
	struct device_bus *bus = &m->platform.bus;
	static const uint8_t typed[] = "typed";

	m->fake.now_ns = 1000000000;
	out(m, 0x20, 0x11);
	out(m, 0x21, 0x30);
	out(m, 0x21, 0x04);
	out(m, 0x21, 0x01);
	out(m, 0x21, 0xfe);
	out(m, 0x43, 0x34);
	out(m, 0x40, 0x9c);
	out(m, 0x40, 0x2e);
	out(m, 0x70, 0x0b);
	out(m, 0x71, 0x42); /* periodic interrupt */
	out(m, 0x64, 0x60);
	out(m, 0x3f8 + 7, 0x5a);
	out(m, 0x3f8 + 1, 0x0f);
	out(m, 0x3f8 + 2, 0x01);
	out(m, 0x3f8 + 4, 0x0b);
	assert_int_equal(uart_input(&m->platform.com1, typed, 5), 5);
	out(m, 0x3f8, 'x');
	out(m, 0x402, 'y');
	out(m, 0xe0, 0x77);
	out(m, 0x510, 0x05);
	device_port_write(bus, 0x510, 2, 0x05);
	in(m, 0x511);
	device_port_write(bus, 0xcf8, 4, 0x80000000);
	device_port_write(bus, 0x602, 2, 0x0001);
	device_mmio_write(bus, IOAPIC_BASE, 4, 0x14);
	device_mmio_write(bus, IOAPIC_BASE + 0x10, 4, 0x0031);
	device_mmio_write(bus, HPET_BASE + 0x10, 8, 1);
	device_mmio_write(bus, HPET_BASE + 0x100, 8, 0x4);
	device_mmio_write(bus, HPET_BASE + 0x108, 8, 100000);
	device_mmio_write(bus, TESTDEV_MEMORY_BASE + 100, 4, 0xabcdef01);
	m->fake.now_ns += 5000000;
}

static uint64_t save(struct machine *m, uint8_t *to)
{
	uint64_t size = 0;

	memset(to, 0, SIZE);
	assert_int_equal(devices_save(&m->platform.bus, m->fake.now_ns, to, SIZE, &size),
			 STATUS_OK);
	return size;
}

static status_t restore(struct machine *m, const void *data, uint64_t size)
{
	return devices_restore(&m->platform.bus, &m->fake.env, data, size);
}

static void test_devices_go_on(void **state)
{
	uint64_t size, now;

	(void)state;
	use(first);
	size = save(first, SAVED);
	assert_int_equal(devices_saved_time(SAVED, size, &now), STATUS_OK);
	assert_int_equal(now, first->fake.now_ns);
	second->fake.now_ns = now;
	assert_int_equal(restore(second, SAVED, size), STATUS_OK);
	assert_int_equal(save(second, AGAIN), size);
	assert_memory_equal(SAVED, AGAIN, size);
	assert_int_equal(second->fake.env.deadline_ns, first->fake.env.deadline_ns);
	assert_int_equal(second->fake.deadline_ns, first->fake.deadline_ns);
	/* Both do the same from here on. */
	for (int i = 0; i < 200; i++) {
		first->fake.now_ns += 777777;
		second->fake.now_ns += 777777;
		assert_int_equal(device_timers_run(&first->fake.env),
				 device_timers_run(&second->fake.env));
		assert_int_equal(device_port_read(&first->platform.bus, 0x608, 4),
				 device_port_read(&second->platform.bus, 0x608, 4));
		assert_int_equal(device_mmio_read(&first->platform.bus, HPET_BASE + 0xf0, 8),
				 device_mmio_read(&second->platform.bus, HPET_BASE + 0xf0, 8));
	}
	for (uint16_t port = 0x3f8; port < 0x400; port++)
		assert_int_equal(in(first, port), in(second, port));
	assert_int_equal(in(second, 0x3f8 + 7), 0x5a);
	assert_int_equal(in(second, 0x511), in(first, 0x511));
	assert_int_equal(device_mmio_read(&second->platform.bus, TESTDEV_MEMORY_BASE + 100, 4),
			 0xabcdef01);
	out(first, 0x70, 0);
	out(second, 0x70, 0);
	assert_int_equal(in(first, 0x71), in(second, 0x71));
	size = save(first, SAVED);
	assert_int_equal(save(second, AGAIN), size);
	assert_memory_equal(SAVED, AGAIN, size);
}

static void assert_refused(uint64_t size, const uint8_t *before, uint64_t before_size)
{
	uint8_t *copy = malloc(size ? size : 1);

	memcpy(copy, SAVED, size);
	assert_int_not_equal(restore(second, copy, size), STATUS_OK);
	free(copy);
	assert_int_equal(save(second, AGAIN), before_size);
	assert_memory_equal(AGAIN, before, before_size);
}

/* The pages of pc-testdev are left out: they take no part in what is checked. */
static void test_damage_changes_nothing(void **state)
{
	static uint64_t before[SIZE / 8];
	uint64_t size, before_size;

	(void)state;
	use(first);
	size = save(first, SAVED);
	before_size = save(second, (uint8_t *)before);
	for (uint64_t cut = 0; cut < size; cut += cut < 4000 || size - cut < 300 ? 1 : 997)
		assert_refused(cut, (uint8_t *)before, before_size);
	SAVED[8] = 2; /* the form's version */
	assert_refused(size, (uint8_t *)before, before_size);
	SAVED[8] = 1;
	SAVED[14] = STATE_OF_VP;
	assert_refused(size, (uint8_t *)before, before_size);
	SAVED[14] = STATE_OF_DEVICES;
	SAVED[32 + 16] ^= 1; /* the clock's name */
	assert_refused(size, (uint8_t *)before, before_size);
	SAVED[32 + 16] ^= 1;
	SAVED[32 + 16 + 16] = 9; /* its version */
	assert_refused(size, (uint8_t *)before, before_size);
	SAVED[32 + 16 + 16] = 1;
	assert_int_equal(restore(second, SAVED, size), STATUS_OK);
}

/* Values that no device can have. */
static void test_values(void **state)
{
	static uint64_t before[SIZE / 8];
	uint64_t size, before_size;
	struct machine *m;

	(void)state;
	m = second;
	before_size = save(m, (uint8_t *)before);
#define WRONG(member, value)                                                     \
	do {                                                                     \
		__typeof__(first->platform.member) old = first->platform.member; \
		first->platform.member = (value);                                \
		size = save(first, SAVED);                                       \
		assert_refused(size, (uint8_t *)before, before_size);            \
		first->platform.member = old;                                    \
	} while (0)
	WRONG(pic.chip[0].lowest, 8);
	WRONG(pic.chip[1].init_step, 1);
	WRONG(pic.chip[1].elcr, 0xff);
	WRONG(ioapic.entry[3], BIT(40));
	WRONG(ioapic.id, 0x10);
	WRONG(pit.counter[0].count, 0x10001);
	WRONG(pit.counter[1].mode, 6);
	WRONG(pit.counter[2].access, 0);
	WRONG(rtc.index, 0x80);
	WRONG(rtc.base_seconds, INT64_MAX);
	WRONG(hpet.timers[2].config, BIT(0));
	WRONG(hpet.config, 2);
	WRONG(com1.fifo_head, UART_FIFO_SIZE);
	WRONG(com1.fifo_count, UART_FIFO_SIZE + 1);
	WRONG(com1.output.tail, UART_RING_SIZE + 1);
	WRONG(com1.input.head, 1);
	WRONG(pci.address, 3);
	WRONG(fw_cfg.selector, 0x4000);
	WRONG(fw_cfg.offset, 5); /* of 4 */
	WRONG(debug_console.count, DEBUG_CONSOLE_LINE);
	WRONG(router.levels, BIT(24));
	/* Loaded without a count: it would be divided by. */
	first->platform.pit.counter[0].loaded = true;
	WRONG(pit.counter[0].count, 0);
}

/* The devices must be the same ones. */
static void test_other_devices(void **state)
{
	struct machine *plain = machine_make(false);
	uint64_t size = save(first, SAVED);

	(void)state;
	assert_int_not_equal(restore(plain, SAVED, size), STATUS_OK);
	size = save(plain, SAVED);
	assert_int_not_equal(restore(first, SAVED, size), STATUS_OK);
	machine_free(plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_devices_go_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_devices, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
