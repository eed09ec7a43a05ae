/* SPDX-License-Identifier: MIT */
/*
 * A hostile guest and a capricious world against all devices at once. The input is a string
 * of commands: accesses to ports and MMIO in every size, time that passes, bytes typed,
 * buttons, resets. Beyond what the sanitizers see, it checks what the devices promise: bits
 * above the size of a read are 0, lines and messages are well formed, and time always gets on.
 */
#include <stdlib.h>
#include <string.h>

#include <devices/platform.h>

#define MEMORY_SIZE  8192u
#define MAX_EXPIRIES 64u /* timers run for one command */

struct world {
	struct device_env env;
	struct platform platform;
	uint64_t now_ns, deadline_ns;
	bool intr;
	size_t console_room;
	uint8_t memory[MEMORY_SIZE];
};

struct input {
	const uint8_t *bytes;
	size_t left;
};

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static struct world *world_of(struct device_env *env)
{
	return container_of(env, struct world, env);
}

static uint64_t world_now_ns(struct device_env *env)
{
	return world_of(env)->now_ns;
}

static void world_deadline_changed(struct device_env *env, uint64_t deadline_ns)
{
	world_of(env)->deadline_ns = deadline_ns;
}

static void world_irq_line_set(struct device_env *env, unsigned int gsi, bool level)
{
	CHECK(gsi < IRQ_GSIS);
	platform_irq_set(&world_of(env)->platform, gsi, level);
}

static void world_msi_send(struct device_env *env, uint64_t address, uint32_t data)
{
	(void)env, (void)address, (void)data;
}

static void world_intr_set(struct device_env *env, bool level)
{
	CHECK(world_of(env)->intr != level);
	world_of(env)->intr = level;
}

static size_t world_console_write(struct device_env *env, unsigned int console,
				  const uint8_t *bytes, size_t count)
{
	static volatile uint8_t sink;
	size_t taken = MIN(count, world_of(env)->console_room);

	CHECK(console <= PLATFORM_DEBUG_CONSOLE && count > 0);
	for (size_t i = 0; i < count; i++)
		sink = bytes[i]; /* lets the sanitizers see the whole buffer */
	(void)sink;
	return taken;
}

static void world_power(struct device_env *env, enum device_power event, uint32_t code)
{
	(void)env;
	CHECK(event <= DEVICE_POWER_EXIT && (event == DEVICE_POWER_EXIT || code == 0));
}

static status_t world_memory_read(struct device_env *env, gpa_t gpa, void *to, size_t size)
{
	if (!range_within(gpa, size, MEMORY_SIZE))
		return STATUS_INVALID_ADDRESS;
	memcpy(to, world_of(env)->memory + gpa, size);
	return STATUS_OK;
}

static status_t world_memory_write(struct device_env *env, gpa_t gpa, const void *from, size_t size)
{
	if (!range_within(gpa, size, MEMORY_SIZE))
		return STATUS_INVALID_ADDRESS;
	memcpy(world_of(env)->memory + gpa, from, size);
	return STATUS_OK;
}

static const struct device_env_ops world_ops = {
	.now_ns = world_now_ns,
	.deadline_changed = world_deadline_changed,
	.irq_line_set = world_irq_line_set,
	.msi_send = world_msi_send,
	.intr_set = world_intr_set,
	.console_write = world_console_write,
	.power = world_power,
	.memory_read = world_memory_read,
	.memory_write = world_memory_write,
};

static uint64_t input_take(struct input *input, unsigned int size)
{
	uint64_t value = 0;

	size = (unsigned int)MIN(size, input->left);
	memcpy(&value, input->bytes, size);
	input->bytes += size;
	input->left -= size;
	return value;
}

/* Ports where something is, so that the fuzzer need not find them; or any port. */
static uint16_t port_choose(struct input *input)
{
	static const uint16_t ports[] = {0x20,	0x21,  0xa0,  0xa1,  0x4d0, 0x40,  0x42,  0x43,
					 0x61,	0x70,  0x71,  0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc,
					 0x3fd, 0x600, 0x604, 0x608, 0x620, 0xcf8, 0x60,  0x64,
					 0x92,	0x510, 0x511, 0x514, 0x518, 0xe0,  0xe8,  0x2000};
	uint8_t choice = (uint8_t)input_take(input, 1);

	if (choice == 0xff)
		return (uint16_t)input_take(input, 2);
	return ports[choice % ARRAY_SIZE(ports)] + (choice >> 5);
}

static gpa_t gpa_choose(struct input *input)
{
	static const gpa_t bases[4] = {IOAPIC_BASE, HPET_BASE, HPET_BASE + 0x100,
				       TESTDEV_MEMORY_BASE};
	uint8_t choice = (uint8_t)input_take(input, 1);

	if (choice == 0xff)
		return input_take(input, 8);
	return bases[choice & 3] + (choice >> 2);
}

static void time_passes(struct world *w, uint64_t ns)
{
	uint64_t until = w->now_ns + ns;

	for (unsigned int i = 0; i < MAX_EXPIRIES && w->deadline_ns <= until; i++) {
		w->now_ns = MAX(w->now_ns, w->deadline_ns);
		device_timers_run(&w->env);
	}
	w->now_ns = until;
}

static void port_access(struct world *w, struct input *input, bool write)
{
	unsigned int size = 1u << (input_take(input, 1) % 3);
	uint16_t port = port_choose(input);

	if (write)
		device_port_write(&w->platform.bus, port, size, (uint32_t)input_take(input, size));
	else
		CHECK(!(device_port_read(&w->platform.bus, port, size) & ~device_size_mask(size)));
}

static void mmio_access(struct world *w, struct input *input, bool write)
{
	unsigned int size = input_take(input, 1) % 8 + 1;
	gpa_t gpa = gpa_choose(input);

	if (write)
		device_mmio_write(&w->platform.bus, gpa, size, input_take(input, size));
	else
		CHECK(!(device_mmio_read(&w->platform.bus, gpa, size) & ~device_size_mask(size)));
}

static void world_event(struct world *w, struct input *input)
{
	uint8_t which = (uint8_t)input_take(input, 1), value = (uint8_t)input_take(input, 1);

	switch (which % 8) {
	case 0: uart_input(&w->platform.com1, w->memory, value * 8u); break;
	case 1: acpi_pm_power_button(&w->platform.pm); break;
	case 2: acpi_pm_gpe_raise(&w->platform.pm, value); break;
	case 3: platform_eoi(&w->platform, value); break;
	case 4: platform_intr_acknowledge(&w->platform); break;
	case 5: platform_irq_set(&w->platform, value & 0x1f, value & 0x80); break;
	case 6: w->console_room = value; break;
	default:
		if (value < 16)
			platform_reset(&w->platform);
		else
			platform_flush(&w->platform);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct platform_config config = {.epoch_seconds = 1700000000,
					       .memory_below_4g = GIB(1),
					       .vp_count = 2,
					       .hpet = true,
					       .qemu_compat = true};
	struct world *w = calloc(1, sizeof(*w));
	struct input input = {data, size};

	w->deadline_ns = DEVICE_NEVER;
	w->console_room = 64;
	device_env_init(&w->env, &world_ops);
	CHECK(platform_init(&w->platform, &w->env, &config) == STATUS_OK);
	CHECK(fw_cfg_add_file(&w->platform.fw_cfg, "file", "contents", 8) == STATUS_OK);
	while (input.left) {
		uint8_t command = (uint8_t)input_take(&input, 1);

		switch (command % 8) {
		case 0:
		case 1:
		case 2: port_access(w, &input, true); break;
		case 3: port_access(w, &input, false); break;
		case 4: mmio_access(w, &input, true); break;
		case 5: mmio_access(w, &input, false); break;
		case 6: time_passes(w, input_take(&input, 1 + (command >> 3) % 5)); break;
		default: world_event(w, &input); break;
		}
	}
	platform_destroy(&w->platform);
	CHECK(!w->env.timers);
	free(w);
	return 0;
}
