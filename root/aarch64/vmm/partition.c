/* SPDX-License-Identifier: MIT */
/* What a machine's partition and its VPs have of AArch64's: the interrupt controller's place. */
#include <firmware/platform.h>
#include <lib/log.h>
#include <vmm/machine.h>

/* What trivet.conf can ask for and only PCs have. */
static const char *missing(const struct config_partition *config)
{
	if (config->devices)
		return "\"devices\" are those of a PC";
	if (config->user_apic)
		return "\"user_apic\" is a PC's";
	if (config->vps > PLATFORM_GICR_MANY)
		return "there is no room for the redistributors of so many VPs";
	return NULL;
}

status_t machine_partition_configure(const struct machine *machine,
				     struct proto_partition_config *proto,
				     struct partition_config *final)
{
	const char *problem = missing(machine->config);

	(void) final;
	if (problem) {
		log_error("%s: %s", machine->config->name, problem);
		return STATUS_NOT_SUPPORTED;
	}
	proto->spi_count = PLATFORM_SPI_COUNT;
	proto->gic_distributor = PLATFORM_GICD_BASE;
	proto->gic_redistributors = platform_gicr_base(machine->config->vps);
	return STATUS_OK;
}

/* All that VPs have is the kernel's. */
status_t machine_processors_create(struct machine *machine)
{
	(void)machine;
	return STATUS_OK;
}

void machine_processors_destroy(struct machine *machine)
{
	(void)machine;
}

void machine_processors_reset(struct machine *machine)
{
	for (uint32_t i = 0; i < machine->config->vps; i++)
		machine->processors[i].arch.aborts = (struct log_limit){0};
}

status_t machine_save_check(const struct machine *machine)
{
	(void)machine;
	return STATUS_OK;
}
