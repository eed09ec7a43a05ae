/* SPDX-License-Identifier: MIT */
/* What a machine's partition and its VPs have of x86's: local APICs, in the kernel or in this task. */
#include <lib/log.h>
#include <vmm/machine.h>
#include <vmm/user_apic.h>

status_t machine_partition_configure(const struct machine *machine,
				     struct proto_partition_config *proto,
				     struct partition_config *final)
{
	/* The timer of an APIC of ours has no deadline mode. */
	static const struct cpuid_leaf leaf = {.function = 1, .mask = {[2] = BIT(24)}};
	const struct config_partition *config = machine->config;

	proto->apic_mode = config->apic;
	if (config->user_apic)
		proto->flags |= PARTITION_USER_MODE_APIC;
	if (config->devices & CONFIG_DEVICES_QEMU_COMPAT)
		proto->flags |= PARTITION_LENIENT_PMU;
	final->cpuid_leaves = (uintptr_t)&leaf;
	final->cpuid_leaf_count = config->user_apic;
	return STATUS_OK;
}

status_t machine_processors_create(struct machine *machine)
{
	return machine->config->user_apic ? user_apics_create(machine) : STATUS_OK;
}

void machine_processors_destroy(struct machine *machine)
{
	user_apics_destroy(machine);
}

void machine_processors_reset(struct machine *machine)
{
	if (machine->config->user_apic)
		user_apics_reset(machine);
}

status_t machine_save_check(const struct machine *machine)
{
	if (!machine->config->user_apic)
		return STATUS_OK;
	log_error("%s: save: not with user_apic = on", machine->config->name);
	return STATUS_NOT_SUPPORTED;
}
