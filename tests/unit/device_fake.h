/* SPDX-License-Identifier: MIT */
/*
 * A world for device models: a clock that tests set, records of what devices did to it, and
 * some guest memory. Tests include it; each gets its own.
 */
#ifndef TESTS_DEVICE_FAKE_H
#define TESTS_DEVICE_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <devices/device.h>

#define FAKE_MEMORY_SIZE 65536u
#define FAKE_LINES	 64u

struct fake {
	struct device_env env;
	struct device_bus bus;
	uint64_t now_ns;
	uint64_t deadline_ns; /* as announced */
	unsigned int announcements;
	bool line[FAKE_LINES];
	unsigned int rises[FAKE_LINES];
	bool guest_waits; /* takes no interrupt: they stay pending */
	bool pending;
	unsigned int msi_count;
	uint64_t msi_address; /* the last one */
	uint32_t msi_data;
	bool intr;
	uint8_t console[8192];
	size_t console_count, console_limit; /* takes no more than the limit */
	unsigned int console_calls;
	unsigned int power_count;
	enum device_power power;
	uint32_t power_code;
	uint8_t memory[FAKE_MEMORY_SIZE];
	/* Where line changes go on to, if the test wants it. */
	void (*irq_forward)(struct fake *fake, unsigned int gsi, bool level);
	void *irq_target;
};

static struct fake *fake_of(struct device_env *env)
{
	return container_of(env, struct fake, env);
}

static uint64_t fake_now_ns(struct device_env *env)
{
	return fake_of(env)->now_ns;
}

static void fake_deadline_changed(struct device_env *env, uint64_t deadline_ns)
{
	fake_of(env)->deadline_ns = deadline_ns;
	fake_of(env)->announcements++;
}

/* An edge, or a message, is lost in one that is pending. */
static void fake_interrupt(struct fake *fake)
{
	fake->env.lost_edges += fake->pending;
	fake->pending = fake->guest_waits;
}

static void fake_irq_line_set(struct device_env *env, unsigned int gsi, bool level)
{
	struct fake *fake = fake_of(env);

	assert_true(gsi < FAKE_LINES);
	if (level && !fake->line[gsi]) {
		fake->rises[gsi]++;
		fake_interrupt(fake);
	}
	fake->line[gsi] = level;
	if (fake->irq_forward)
		fake->irq_forward(fake, gsi, level);
}

static void fake_msi_send(struct device_env *env, uint64_t address, uint32_t data)
{
	struct fake *fake = fake_of(env);

	fake->msi_count++;
	fake->msi_address = address;
	fake->msi_data = data;
	fake_interrupt(fake);
}

static void fake_intr_set(struct device_env *env, bool level)
{
	assert_int_not_equal(fake_of(env)->intr, level); /* changes only */
	fake_of(env)->intr = level;
}

static size_t fake_console_write(struct device_env *env, unsigned int console, const uint8_t *bytes,
				 size_t count)
{
	struct fake *fake = fake_of(env);
	size_t taken = MIN(count, fake->console_limit - fake->console_count);

	(void)console;
	fake->console_calls++;
	memcpy(fake->console + fake->console_count, bytes, taken);
	fake->console_count += taken;
	return taken;
}

static void fake_power(struct device_env *env, enum device_power event, uint32_t code)
{
	struct fake *fake = fake_of(env);

	fake->power_count++;
	fake->power = event;
	fake->power_code = code;
}

static status_t fake_memory_read(struct device_env *env, gpa_t gpa, void *to, size_t size)
{
	if (!range_within(gpa, size, FAKE_MEMORY_SIZE))
		return STATUS_INVALID_ADDRESS;
	memcpy(to, fake_of(env)->memory + gpa, size);
	return STATUS_OK;
}

static status_t fake_memory_write(struct device_env *env, gpa_t gpa, const void *from, size_t size)
{
	if (!range_within(gpa, size, FAKE_MEMORY_SIZE))
		return STATUS_INVALID_ADDRESS;
	memcpy(fake_of(env)->memory + gpa, from, size);
	return STATUS_OK;
}

static const struct device_env_ops fake_ops = {
	.now_ns = fake_now_ns,
	.deadline_changed = fake_deadline_changed,
	.irq_line_set = fake_irq_line_set,
	.msi_send = fake_msi_send,
	.intr_set = fake_intr_set,
	.console_write = fake_console_write,
	.power = fake_power,
	.memory_read = fake_memory_read,
	.memory_write = fake_memory_write,
};

/* An empty world with an empty bus. */
static inline void fake_init(struct fake *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->deadline_ns = DEVICE_NEVER;
	fake->console_limit = sizeof(fake->console);
	device_env_init(&fake->env, &fake_ops);
	assert_int_equal(device_bus_init(&fake->bus), STATUS_OK);
}

static inline void fake_destroy(struct fake *fake)
{
	device_bus_destroy(&fake->bus);
}

/* Let time pass, with every timer run at its deadline. */
static inline void fake_run_until(struct fake *fake, uint64_t ns)
{
	while (fake->deadline_ns <= ns) {
		fake->now_ns = MAX(fake->now_ns, fake->deadline_ns);
		device_timers_run(&fake->env);
	}
	fake->now_ns = ns;
}

static inline void fake_run_for(struct fake *fake, uint64_t ns)
{
	fake_run_until(fake, fake->now_ns + ns);
}

static inline uint8_t in8(struct fake *fake, uint16_t port)
{
	return (uint8_t)device_port_read(&fake->bus, port, 1);
}

static inline uint16_t in16(struct fake *fake, uint16_t port)
{
	return (uint16_t)device_port_read(&fake->bus, port, 2);
}

static inline uint32_t in32(struct fake *fake, uint16_t port)
{
	return device_port_read(&fake->bus, port, 4);
}

static inline void out8(struct fake *fake, uint16_t port, uint8_t value)
{
	device_port_write(&fake->bus, port, 1, value);
}

static inline void out16(struct fake *fake, uint16_t port, uint16_t value)
{
	device_port_write(&fake->bus, port, 2, value);
}

static inline void out32(struct fake *fake, uint16_t port, uint32_t value)
{
	device_port_write(&fake->bus, port, 4, value);
}

static inline uint32_t mmio_in32(struct fake *fake, gpa_t gpa)
{
	return (uint32_t)device_mmio_read(&fake->bus, gpa, 4);
}

static inline void mmio_out32(struct fake *fake, gpa_t gpa, uint32_t value)
{
	device_mmio_write(&fake->bus, gpa, 4, value);
}

#endif
