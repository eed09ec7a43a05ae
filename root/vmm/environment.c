/* SPDX-License-Identifier: MIT */
/*
 * The world that a machine's devices see: guest time, timers, console, power and guest
 * memory. The devices themselves, and how they are wired, are in <devices/platform.h>. All of
 * this is called with the machine's lock held.
 */
#include <lib/log.h>
#include <lib/model.h>
#include <lib/time.h>
#include <vmm/machine.h>

uint64_t machine_env_now(struct device_env *env)
{
	return time_now() - machine_of_env(env)->time_base;
}

void machine_env_deadline_changed(struct device_env *env, uint64_t deadline)
{
	struct machine *machine = machine_of_env(env);

	machine->deadline = deadline;
	/* The service thread looks at the deadline before it sleeps; wake it if it sleeps too
	 * long now. It never does for a deadline that moved away: it wakes up once for nothing. */
	if (deadline != DEVICE_NEVER && deadline + machine->time_base < machine->wake_at) {
		machine->wake_at = deadline + machine->time_base;
		event_signal(machine->event, MACHINE_TIMER);
	}
}

/* The serial port and the debug console share the machine's console, which takes all. */
size_t machine_env_console_write(struct device_env *env, unsigned int console, const uint8_t *bytes,
				 size_t count)
{
	(void)console;
	console_output(&machine_of_env(env)->console, bytes, count);
	return count;
}

void machine_env_power(struct device_env *env, enum device_power event, uint32_t code)
{
	static const enum machine_power powers[] = {
		[DEVICE_POWER_OFF] = MACHINE_POWER_OFF,
		[DEVICE_POWER_HIBERNATE] = MACHINE_POWER_HIBERNATE,
		[DEVICE_POWER_RESET] = MACHINE_POWER_RESET,
		[DEVICE_POWER_EXIT] = MACHINE_POWER_EXIT,
	};

	machine_power_request(machine_of_env(env), powers[event], code);
}

status_t machine_env_memory_read(struct device_env *env, gpa_t gpa, void *to, size_t size)
{
	return guest_memory_read(&machine_of_env(env)->memory, gpa, to, size);
}

status_t machine_env_memory_write(struct device_env *env, gpa_t gpa, const void *from, size_t size)
{
	return guest_memory_write(&machine_of_env(env)->memory, gpa, from, size);
}

status_t machine_devices_create(struct machine *machine)
{
	struct platform_config platform = {.epoch_seconds = (int64_t)time_epoch()};
	status_t status;

	machine_platform_configure(machine, &platform);
	mutex_lock(&machine->lock);
	machine->time_base = time_now();
	machine->deadline = DEVICE_NEVER;
	device_env_init(&machine->env, &machine_env_ops);
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
