/* SPDX-License-Identifier: MIT */
/*
 * The memory of a PC, from its size. Both lists are written in ascending order; an entry that
 * would be empty is left out.
 */
#include <firmware/memory_layout.h>

#define PHYSICAL_LIMIT BIT(52) /* APM 2, 5.3: the architecture's physical addresses */

#define BDA_COM1_PORT	 0x400u
#define BDA_EBDA_SEGMENT 0x40eu
#define BDA_BASE_MEMORY	 0x413u
#define COM1_PORT	 0x3f8u

static void region_add(struct memory_region *list, size_t *count, gpa_t start, gpa_t end,
		       enum memory_kind kind)
{
	if (start < end)
		list[(*count)++] = (struct memory_region){start, end - start, kind};
}

status_t memory_layout_build(struct memory_layout *layout, uint64_t size)
{
	gpa_t low_end = MIN(size, LAYOUT_DEVICE_BASE);
	gpa_t high_end = LAYOUT_DEVICE_END + (size - low_end);

	if (!IS_ALIGNED(size, PAGE_SIZE))
		return STATUS_MISALIGNED;
	if (size < LAYOUT_BIOS_END)
		return STATUS_INVALID_ARGUMENT;
	if (size > PHYSICAL_LIMIT - (LAYOUT_DEVICE_END - LAYOUT_DEVICE_BASE))
		return STATUS_TOO_LARGE;

	*layout = (struct memory_layout){.size = size};
	const struct {
		gpa_t start, end;
	} ram[] = {
		{0, LAYOUT_VGA_BASE},
		{LAYOUT_VGA_END, low_end},
		{LAYOUT_DEVICE_END, high_end},
	};
	const struct {
		gpa_t start, end;
		enum memory_kind kind;
	} map[] = {
		{0, LAYOUT_EBDA_BASE, MEMORY_USABLE},
		{LAYOUT_EBDA_BASE, LAYOUT_VGA_BASE, MEMORY_RESERVED},
		{LAYOUT_BIOS_BASE, LAYOUT_BIOS_END, MEMORY_RESERVED},
		{LAYOUT_BIOS_END, low_end, MEMORY_USABLE},
		{LAYOUT_DEVICE_END, high_end, MEMORY_USABLE},
	};

	static_assert(ARRAY_SIZE(ram) <= LAYOUT_RAM_MAX, "room for all RAM");
	static_assert(ARRAY_SIZE(map) <= LAYOUT_REGION_MAX, "room for the whole map");
	for (size_t i = 0; i < ARRAY_SIZE(ram); i++)
		region_add(layout->ram, &layout->ram_count, ram[i].start, ram[i].end,
			   MEMORY_USABLE);
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		region_add(layout->map, &layout->map_count, map[i].start, map[i].end, map[i].kind);
	return STATUS_OK;
}

gpa_t memory_layout_low_end(const struct memory_layout *layout)
{
	return MIN(layout->size, LAYOUT_DEVICE_BASE);
}

status_t memory_layout_write_bda(const struct guest_memory *memory)
{
	const struct {
		gpa_t gpa;
		uint16_t value;
	} words[] = {
		{BDA_COM1_PORT, COM1_PORT},
		{BDA_EBDA_SEGMENT, LAYOUT_EBDA_BASE >> 4},
		{BDA_BASE_MEMORY, LAYOUT_EBDA_BASE / KIB(1)},
	};
	status_t status = STATUS_OK;

	for (size_t i = 0; i < ARRAY_SIZE(words) && status == STATUS_OK; i++) {
		uint8_t bytes[] = {(uint8_t)words[i].value, (uint8_t)(words[i].value >> 8)};

		status = guest_memory_write(memory, words[i].gpa, bytes, sizeof(bytes));
	}
	return status;
}
