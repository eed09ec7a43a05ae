/* SPDX-License-Identifier: MIT */
#include <firmware/memory_layout.h>

#define SIZE_MIN       MIB(16)
#define PHYSICAL_LIMIT BIT(48)

status_t memory_layout_build(struct memory_layout *layout, uint64_t size)
{
	gpa_t firmware = LAYOUT_RAM_BASE + size - LAYOUT_FIRMWARE_SIZE;

	if (!IS_ALIGNED(size, PAGE_SIZE))
		return STATUS_MISALIGNED;
	if (size < SIZE_MIN)
		return STATUS_INVALID_ARGUMENT;
	if (size > PHYSICAL_LIMIT - LAYOUT_RAM_BASE)
		return STATUS_TOO_LARGE;
	*layout = (struct memory_layout){
		.size = size,
		.ram = {{LAYOUT_RAM_BASE, size, MEMORY_USABLE}},
		.ram_count = 1,
		.map = {{LAYOUT_RAM_BASE, size - LAYOUT_FIRMWARE_SIZE, MEMORY_USABLE},
			{firmware, LAYOUT_FIRMWARE_SIZE, MEMORY_ACPI}},
		.map_count = 2,
	};
	return STATUS_OK;
}

gpa_t memory_layout_firmware(const struct memory_layout *layout)
{
	return layout->map[layout->map_count - 1].gpa;
}
