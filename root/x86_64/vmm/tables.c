/* SPDX-License-Identifier: MIT */
/* The tables by which a PC's firmware tells of the machine. */
#include <stdlib.h>
#include <firmware/acpi.h>
#include <firmware/topology.h>
#include <lib/log.h>
#include <loader/loader.h>
#include <vmm/machine.h>

/* firmware/dsdt.asl and vmbus.asl, compiled. */
extern const unsigned char dsdt_aml[], vmbus_aml[];
extern const size_t dsdt_aml_size, vmbus_aml_size;

status_t machine_describe(struct machine *machine, struct load_request *request)
{
	const struct config_partition *config = machine->config;
	uint32_t *ids = calloc(config->vps, sizeof(*ids));
	const struct acpi_config acpi = {
		.vp_count = config->vps,
		.apic_ids = ids,
		.hpet = config->devices & CONFIG_DEVICES_HPET,
		.dsdt = dsdt_aml,
		.dsdt_size = dsdt_aml_size,
		.ssdt = config->hyperv == CONFIG_HYPERV_ON ? vmbus_aml : NULL,
		.ssdt_size = vmbus_aml_size,
	};
	status_t status = STATUS_NO_MEMORY;

	if (ids) {
		topology_apic_ids(config->vps, config->threads, config->cores, ids);
		status = acpi_build(&machine->memory, &acpi, &request->rsdp);
		free(ids);
	}
	if (status == STATUS_OK)
		status = memory_layout_write_bda(&machine->memory);
	if (status != STATUS_OK)
		log_error("%s: firmware tables: %s", config->name, status_words(status));
	return status;
}
