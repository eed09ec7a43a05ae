/* SPDX-License-Identifier: MIT */
/* A PC's devices, and how their interrupts reach the local APICs: messages, and INTR of the 8259 pair. */
#include <lib/model.h>
#include <vmm/interrupts.h>
#include <vmm/machine.h>
#include <vmm/user_apic.h>

/* INTR of the 8259 pair is wired to LINT0 of VP 0. */
#define LINT_INTR 0u

static void env_irq_line_set(struct device_env *env, unsigned int gsi, bool level)
{
	platform_irq_set(&machine_of_env(env)->platform, gsi, level);
}

/* A message that makes no sense is dropped, as by a bus without a taker. */
static void env_msi_send(struct device_env *env, uint64_t address, uint32_t data)
{
	struct machine *machine = machine_of_env(env);
	bool merged;

	if (machine->config->user_apic)
		merged = user_apic_message(machine, address, data);
	else
		(void)partition_request_msi(machine->partition, 0, address, data, &merged);
	env->lost_edges += merged;
}

static void env_intr_set(struct device_env *env, bool level)
{
	struct machine *machine = machine_of_env(env);

	if (machine->config->user_apic)
		user_apic_intr_set(machine, level);
	else
		(void)vp_set_lint(machine->partition, 0, 0, LINT_INTR, level);
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

void machine_platform_configure(const struct machine *machine, struct platform_config *platform)
{
	const struct config_partition *config = machine->config;
	uint64_t below = MIN(config->memory, LAYOUT_DEVICE_BASE);

	platform->memory_below_4g = below;
	platform->memory_above_4g = config->memory - below;
	platform->vp_count = (uint16_t)MIN(config->vps, UINT16_MAX);
	platform->hpet = config->devices & CONFIG_DEVICES_HPET;
	platform->qemu_compat = config->devices & CONFIG_DEVICES_QEMU_COMPAT;
	if (config->hyperv == CONFIG_HYPERV_ON)
		platform->hyperv_test = &machine_hyperv_test;
}

/* Guests that are not asked otherwise are switched off. */
status_t machine_power_key(struct machine *machine)
{
	(void)machine;
	return STATUS_NOT_SUPPORTED;
}

void processor_interrupt_ended(struct processor *processor, uint8_t vector)
{
	struct machine *machine = processor->machine;

	mutex_lock(&machine->lock);
	platform_eoi(&machine->platform, vector);
	mutex_unlock(&machine->lock);
}
