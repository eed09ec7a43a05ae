/* SPDX-License-Identifier: MIT */
/*
 * The world that a machine's devices see: guest time, timers, interrupts, console, power and guest
 * memory. The devices themselves, and how they are wired, are in <devices/platform.h>. All of
 * this is called with the machine's lock held.
 */
#include <lib/log.h>
#include <lib/model.h>
#include <lib/time.h>
#include <vmm/machine.h>
#include <vmm/user_apic.h>

/* INTR of the 8259 pair is wired to LINT0 of VP 0. */
#define LINT_INTR 0u

static inline struct machine *machine_of(struct device_env *env)
{
	return container_of(env, struct machine, env);
}

static uint64_t env_now(struct device_env *env)
{
	return time_now() - machine_of(env)->time_base;
}

static void env_deadline_changed(struct device_env *env, uint64_t deadline)
{
	struct machine *machine = machine_of(env);

	machine->deadline = deadline;
	/* The service thread looks at the deadline before it sleeps; wake it if it sleeps too
	 * long now. It never does for a deadline that moved away: it wakes up once for nothing. */
	if (deadline != DEVICE_NEVER && deadline + machine->time_base < machine->wake_at) {
		machine->wake_at = deadline + machine->time_base;
		event_signal(machine->event, MACHINE_TIMER);
	}
}

static void env_irq_line_set(struct device_env *env, unsigned int gsi, bool level)
{
	platform_irq_set(&machine_of(env)->platform, gsi, level);
}

/* A message that makes no sense is dropped, as by a bus without a taker. */
static void env_msi_send(struct device_env *env, uint64_t address, uint32_t data)
{
	struct machine *machine = machine_of(env);
	bool merged;

	if (machine->config->user_apic)
		merged = user_apic_message(machine, address, data);
	else
		(void)partition_request_msi(machine->partition, 0, address, data, &merged);
	env->lost_edges += merged;
}

static void env_intr_set(struct device_env *env, bool level)
{
	struct machine *machine = machine_of(env);

	if (machine->config->user_apic)
		user_apic_intr_set(machine, level);
	else
		(void)vp_set_lint(machine->partition, 0, 0, LINT_INTR, level);
}

/* The serial port and the debug console share the machine's console, which takes all. */
static size_t env_console_write(struct device_env *env, unsigned int console, const uint8_t *bytes,
				size_t count)
{
	(void)console;
	console_output(&machine_of(env)->console, bytes, count);
	return count;
}

static void env_power(struct device_env *env, enum device_power event, uint32_t code)
{
	static const enum machine_power powers[] = {
		[DEVICE_POWER_OFF] = MACHINE_POWER_OFF,
		[DEVICE_POWER_HIBERNATE] = MACHINE_POWER_HIBERNATE,
		[DEVICE_POWER_RESET] = MACHINE_POWER_RESET,
		[DEVICE_POWER_EXIT] = MACHINE_POWER_EXIT,
	};

	machine_power_request(machine_of(env), powers[event], code);
}

static status_t env_memory_read(struct device_env *env, gpa_t gpa, void *to, size_t size)
{
	return guest_memory_read(&machine_of(env)->memory, gpa, to, size);
}

static status_t env_memory_write(struct device_env *env, gpa_t gpa, const void *from, size_t size)
{
	return guest_memory_write(&machine_of(env)->memory, gpa, from, size);
}

static const struct device_env_ops env_ops = {
	.now_ns = env_now,
	.deadline_changed = env_deadline_changed,
	.irq_line_set = env_irq_line_set,
	.msi_send = env_msi_send,
	.intr_set = env_intr_set,
	.console_write = env_console_write,
	.power = env_power,
	.memory_read = env_memory_read,
	.memory_write = env_memory_write,
};

status_t machine_devices_create(struct machine *machine)
{
	const struct config_partition *config = machine->config;
	uint64_t below = MIN(config->memory, LAYOUT_DEVICE_BASE);
	const struct platform_config platform = {
		.epoch_seconds = (int64_t)time_epoch(),
		.memory_below_4g = below,
		.memory_above_4g = config->memory - below,
		.vp_count = (uint16_t)MIN(config->vps, UINT16_MAX),
		.hpet = config->devices & CONFIG_DEVICES_HPET,
		.qemu_compat = config->devices & CONFIG_DEVICES_QEMU_COMPAT,
		.hyperv_test = config->hyperv == CONFIG_HYPERV_ON ? &machine_hyperv_test : NULL,
	};
	status_t status;

	mutex_lock(&machine->lock);
	machine->time_base = time_now();
	machine->deadline = DEVICE_NEVER;
	device_env_init(&machine->env, &env_ops);
	status = platform_init(&machine->platform, &machine->env, &platform);
	machine->has_devices = status == STATUS_OK;
	mutex_unlock(&machine->lock);
	return status;
}

void machine_devices_destroy(struct machine *machine)
{
	mutex_lock(&machine->lock);
	/* Those of the VMBus, which outlives its machine's save, too. */
	if (machine->has_devices) {
		device_timers_end(&machine->env);
		platform_destroy(&machine->platform);
	}
	machine->has_devices = false;
	mutex_unlock(&machine->lock);
}
