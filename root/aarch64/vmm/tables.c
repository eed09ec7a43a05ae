/* SPDX-License-Identifier: MIT */
/* What the device tree and the tables are to tell of the machine; the loader writes them, behind all else. */
#include <firmware/firmware.h>
#include <loader/loader.h>
#include <vmm/machine.h>

/* firmware/dsdt.asl and vmbus.asl, compiled. */
extern const unsigned char dsdt_aml[], vmbus_aml[];
extern const size_t dsdt_aml_size, vmbus_aml_size;

status_t machine_describe(struct machine *machine, struct load_request *request)
{
	const struct config_partition *config = machine->config;
	bool hyperv = config->hyperv == CONFIG_HYPERV_ON;

	machine->arch.firmware = (struct firmware_config){
		.acpi =
			{
				.vp_count = config->vps,
				.hyperv = hyperv,
				.dsdt = dsdt_aml,
				.dsdt_size = dsdt_aml_size,
				.ssdt = hyperv ? vmbus_aml : NULL,
				.ssdt_size = vmbus_aml_size,
			},
	};
	request->firmware = &machine->arch.firmware;
	return STATUS_OK;
}
