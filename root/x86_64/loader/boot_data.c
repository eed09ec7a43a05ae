/* SPDX-License-Identifier: MIT */
#include <loader/boot_data.h>

#include <string.h>

#include <loader/bytes.h>

#define BIOS_DATA_END 0x500u

/* SDM 3, 3.4.5: flat, 4 GiB, DPL 0, present, accessed. */
#define GDT_CODE_32 0x00cf9b000000ffffull
#define GDT_CODE_64 0x00af9b000000ffffull
#define GDT_DATA    0x00cf93000000ffffull

enum load_result boot_data_open(struct placement *placement, const struct load_request *request,
				struct load_error *error)
{
	placement_open(placement, request, error);
	return placement_claim(placement, 0, BIOS_DATA_END, "the BIOS data area");
}

enum load_result boot_data_allocate(struct placement *placement, uint64_t size, uint64_t alignment,
				    const char *what, gpa_t *gpa, uint8_t **bytes)
{
	const struct placement_wish wish = {
		.size = size,
		.alignment = alignment,
		.lowest = BOOT_DATA_START,
		.limit = LAYOUT_DEVICE_END,
		.what = what,
	};
	enum load_result result = placement_find(placement, &wish, gpa);

	if (result != LOAD_OK)
		return result;
	*bytes = guest_memory_pointer(placement->request->memory, *gpa, size);
	if (!*bytes)
		return load_fail(placement->request, placement->error, LOAD_OUT_OF_RAM,
				 "the RAM for %s is in pieces", what);
	memset(*bytes, 0, size);
	return LOAD_OK;
}

enum load_result boot_data_string(struct placement *placement, const char *prefix, const char *text,
				  const char *what, gpa_t *gpa)
{
	size_t prefix_length = strlen(prefix), text_length = strlen(text);
	uint8_t *bytes;
	enum load_result result = boot_data_allocate(placement, prefix_length + 1 + text_length + 1,
						     1, what, gpa, &bytes);

	if (result != LOAD_OK)
		return result;
	memcpy(bytes, prefix, prefix_length);
	if (prefix_length > 0 && text_length > 0)
		bytes[prefix_length++] = ' ';
	memcpy(bytes + prefix_length, text, text_length);
	return LOAD_OK;
}

enum load_result boot_data_gdt(struct placement *placement, bool long_mode, gpa_t *gpa)
{
	uint8_t *gdt;
	enum load_result result =
		boot_data_allocate(placement, BOOT_DATA_GDT_LIMIT + 1, 8, "the GDT", gpa, &gdt);

	if (result != LOAD_OK)
		return result;
	bytes_put64(gdt + BOOT_DATA_CODE_SELECTOR, long_mode ? GDT_CODE_64 : GDT_CODE_32);
	bytes_put64(gdt + BOOT_DATA_DATA_SELECTOR, GDT_DATA);
	return LOAD_OK;
}
