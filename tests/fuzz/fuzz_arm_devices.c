/* SPDX-License-Identifier: MIT */
/*
 * A hostile guest and a capricious world against the devices of an Arm machine. The input is a string of commands:
 * accesses in every size, time that passes, bytes typed, the power key, resets, states that are saved and restored.
 * Beyond what the sanitizers see, it checks what the devices promise: bits above the size of a read are 0, lines are
 * those that are wired, and time always gets on.
 */
#include <stdlib.h>
#include <string.h>

#include <devices/device_state.h>
#include <devices/platform.h>
#include <firmware/platform.h>

#define MAX_EXPIRIES 64u /* timers run for one command */
#define STATE_SIZE   8192u

struct world {
	struct device_env env;
	struct platform platform;
	uint64_t now_ns, deadline_ns;
	size_t console_room;
	bool lines[64];
	uint8_t state[STATE_SIZE];
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

static void world_irq_line_set(struct device_env *env, unsigned int intid, bool level)
{
	CHECK(intid == PLATFORM_UART_INTID || intid == PLATFORM_RTC_INTID ||
	      intid == PLATFORM_GPIO_INTID);
	world_of(env)->lines[intid] = level;
}

static size_t world_console_write(struct device_env *env, unsigned int console,
				  const uint8_t *bytes, size_t count)
{
	static volatile uint8_t sink;
	size_t taken = MIN(count, world_of(env)->console_room);

	CHECK(console == PLATFORM_CONSOLE && count > 0);
	for (size_t i = 0; i < count; i++)
		sink = bytes[i]; /* lets the sanitizers see the whole buffer */
	(void)sink;
	return taken;
}

/* What no device here asks for is not there. */
static const struct device_env_ops world_ops = {
	.now_ns = world_now_ns,
	.deadline_changed = world_deadline_changed,
	.irq_line_set = world_irq_line_set,
	.console_write = world_console_write,
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

static gpa_t gpa_choose(struct input *input)
{
	static const gpa_t bases[] = {PLATFORM_UART_BASE, PLATFORM_RTC_BASE, PLATFORM_GPIO_BASE,
				      PLATFORM_GPIO_BASE + 0x400};
	uint8_t choice = (uint8_t)input_take(input, 1);

	if (choice == 0xff)
		return input_take(input, 8);
	return bases[choice & 3] + (choice >> 2) * 4 / 2;
}

static void access(struct world *w, struct input *input, bool write)
{
	unsigned int size = input_take(input, 1) % 8 + 1;
	gpa_t gpa = gpa_choose(input);

	if (write)
		device_mmio_write(&w->platform.bus, gpa, size, input_take(input, size));
	else
		CHECK(!(device_mmio_read(&w->platform.bus, gpa, size) & ~device_size_mask(size)));
}

static void time_passes(struct world *w, uint64_t ns)
{
	uint64_t until = w->now_ns + ns % (1ull << 50);

	for (unsigned int i = 0; i < MAX_EXPIRIES && w->deadline_ns <= until; i++) {
		w->now_ns = MAX(w->now_ns, w->deadline_ns);
		device_timers_run(&w->env);
	}
	w->now_ns = until;
}

/* What was saved is taken back as it is; anything else is taken or refused whole. */
static void carry(struct world *w, struct input *input)
{
	uint64_t needed, at = input_take(input, 2);

	CHECK(devices_save(&w->platform.bus, w->now_ns, w->state, sizeof(w->state), &needed) ==
	      STATUS_OK);
	if (at < needed && (at & 1)) {
		w->state[at] = (uint8_t)input_take(input, 1);
		(void)devices_restore(&w->platform.bus, &w->env, w->state, needed);
		return;
	}
	CHECK(devices_restore(&w->platform.bus, &w->env, w->state, needed) == STATUS_OK);
}

static void world_event(struct world *w, struct input *input)
{
	uint8_t which = (uint8_t)input_take(input, 1), value = (uint8_t)input_take(input, 1);

	switch (which % 6) {
	case 0: (void)platform_input(&w->platform, w->state, value * 8u); break;
	case 1: (void)platform_power_key(&w->platform); break;
	case 2: pl061_input(&w->platform.gpio, value, value & 0x80); break;
	case 3: w->console_room = value; break;
	case 4: carry(w, input); break;
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
	const struct platform_config config = {.epoch_seconds = 1700000000};
	struct world *w = calloc(1, sizeof(*w));
	struct input input = {data, size};

	w->deadline_ns = DEVICE_NEVER;
	w->console_room = 64;
	device_env_init(&w->env, &world_ops);
	CHECK(platform_init(&w->platform, &w->env, &config) == STATUS_OK);
	while (input.left) {
		uint8_t command = (uint8_t)input_take(&input, 1);

		switch (command % 6) {
		case 0:
		case 1:
		case 2: access(w, &input, true); break;
		case 3: access(w, &input, false); break;
		case 4: time_passes(w, input_take(&input, 1 + (command >> 3) % 7)); break;
		default: world_event(w, &input); break;
		}
	}
	platform_destroy(&w->platform);
	CHECK(!w->env.timers);
	free(w);
	return 0;
}
