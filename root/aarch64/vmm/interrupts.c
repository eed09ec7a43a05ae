/* SPDX-License-Identifier: MIT */
/* The machine's devices, and how their interrupts reach the kernel's GIC: as shared peripheral interrupts. */
#include <lib/model.h>
#include <vmm/machine.h>

static void env_irq_line_set(struct device_env *env, unsigned int intid, bool level)
{
	(void)partition_set_spi(machine_of_env(env)->partition, 0, intid, level);
}

/* No device here sends messages, or has a line of its own to a processor. */
static void env_msi_send(struct device_env *env, uint64_t address, uint32_t data)
{
	(void)env;
	(void)address;
	(void)data;
}

static void env_intr_set(struct device_env *env, bool level)
{
	(void)env;
	(void)level;
}

const struct device_env_ops machine_env_ops = {
	.now_ns = machine_env_now,
	.deadline_changed = machine_env_deadline_changed,
	.irq_line_set = env_irq_line_set,
	.msi_send = env_msi_send,
	.intr_set = env_intr_set,
	.console_write = machine_env_console_write,
	.power = machine_env_power,
	.memory_read = machine_env_memory_read,
	.memory_write = machine_env_memory_write,
};

/* The same for all machines. */
void machine_platform_configure(const struct machine *machine, struct platform_config *platform)
{
	(void)machine;
	(void)platform;
}

/* No device here uses bits of its own. */
void machine_platform_serve(struct machine *machine, uint64_t bits)
{
	(void)machine;
	(void)bits;
}

status_t machine_power_key(struct machine *machine)
{
	bool listens;

	mutex_lock(&machine->lock);
	listens = machine->has_devices && platform_power_key(&machine->platform);
	mutex_unlock(&machine->lock);
	return listens ? STATUS_OK : STATUS_NOT_SUPPORTED;
}
