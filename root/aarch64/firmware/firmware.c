/* SPDX-License-Identifier: MIT */
#include <firmware/firmware.h>

#include <stdlib.h>

#include <firmware/fdt.h>
#include <firmware/uefi.h>

#define ACPI_AT MIB(1)
#define UEFI_AT (LAYOUT_FIRMWARE_SIZE - KIB(64))

static status_t area_fill(const struct memory_layout *layout, const struct firmware_config *config,
			  gpa_t base, uint8_t *area)
{
	struct fdt_config fdt = {
		.vp_count = config->acpi.vp_count,
		.memory_base = LAYOUT_RAM_BASE,
		.memory_size = layout->size - LAYOUT_FIRMWARE_SIZE,
		.cmdline = config->cmdline,
		.initrd = config->initrd,
		.initrd_size = config->initrd_size,
		.stub = config->acpi.hyperv,
	};
	struct uefi_tables uefi;
	size_t used;
	status_t status =
		acpi_build(&config->acpi, base + ACPI_AT, area + ACPI_AT, UEFI_AT - ACPI_AT, &used);

	if (status == STATUS_OK)
		status = uefi_build(layout, base + ACPI_AT, base + UEFI_AT, area + UEFI_AT,
				    LAYOUT_FIRMWARE_SIZE - UEFI_AT, &uefi);
	if (status != STATUS_OK)
		return status;
	fdt.uefi_system_table = uefi.system_table;
	fdt.uefi_memory_map = uefi.memory_map;
	fdt.uefi_memory_map_size = uefi.memory_map_size;
	return fdt_build(&fdt, area, ACPI_AT);
}

status_t firmware_write(const struct guest_memory *memory, const struct memory_layout *layout,
			const struct firmware_config *config, gpa_t *fdt)
{
	uint8_t *area = calloc(1, LAYOUT_FIRMWARE_SIZE);
	gpa_t base = memory_layout_firmware(layout);
	status_t status;

	if (!area)
		return STATUS_NO_MEMORY;
	status = area_fill(layout, config, base, area);
	if (status == STATUS_OK)
		status = guest_memory_write(memory, base, area, LAYOUT_FIRMWARE_SIZE);
	free(area);
	*fdt = base;
	return status;
}
