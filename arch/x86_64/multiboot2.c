/* SPDX-License-Identifier: MIT */
/*
 * Decoding of the boot loader's information. The loader is trusted with the machine, but its
 * data is checked like anybody's: a length that lies must end in a message, not in a wild read.
 */
#include <arch/multiboot2.h>
#include <kernel/string.h>

enum {
	TAG_END = 0,
	TAG_COMMAND_LINE = 1,
	TAG_MODULE = 3,
	TAG_MEMORY_MAP = 6,
	TAG_ACPI_OLD = 14,
	TAG_ACPI_NEW = 15,
};

#define INFO_HEADER  8 /* total size, reserved */
#define TAG_HEADER   8 /* type, size */
#define TAG_ALIGN    8
#define MODULE_FIXED 16 /* the header, start and end of the module */
#define MAP_FIXED    16 /* the header, entry size and version */
#define MAP_ENTRY    24 /* base, length, type, reserved */
#define PHYSICAL_END BIT(52)

/* Types of the memory map, as the firmware's E820 has them. */
enum { MAP_RAM = 1, MAP_ACPI = 3 };

static uint32_t read32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static uint64_t read64(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

/* ---- the memory map ---- */

static bool range_insert(struct multiboot2 *out, uint32_t at, hpa_t base, hpa_t end, uint32_t kind)
{
	if (out->memory_count == MEMORY_RANGE_MAX)
		return false;
	memmove(&out->memory[at + 1], &out->memory[at],
		(out->memory_count - at) * sizeof(out->memory[0]));
	out->memory[at] = (struct memory_range){.base = base, .size = end - base, .kind = kind};
	out->memory_count++;
	return true;
}

/* Adds those parts of [base, end) that no range covers yet. False: no room for all of them. */
static bool range_add(struct multiboot2 *out, hpa_t base, hpa_t end, uint32_t kind)
{
	uint32_t i = 0;

	while (base < end) {
		while (i < out->memory_count && out->memory[i].base + out->memory[i].size <= base)
			i++;
		hpa_t next = i < out->memory_count ? out->memory[i].base : end;

		if (base < next) {
			hpa_t stop = MIN(next, end);

			if (!range_insert(out, i, base, stop, kind))
				return false;
			base = stop;
		} else {
			base = out->memory[i].base + out->memory[i].size;
		}
	}
	return true;
}

/* One entry in the pass that is for its kind. */
static bool map_entry_add(struct multiboot2 *out, const uint8_t *entry, uint32_t pass)
{
	uint64_t base = read64(entry);
	uint64_t size = read64(entry + 8);
	uint32_t type = read32(entry + 16);
	uint32_t kind = type == MAP_RAM	   ? MEMORY_RAM
			: type == MAP_ACPI ? MEMORY_ACPI
					   : MEMORY_RESERVED;
	uint64_t end;

	if (kind != pass || base >= PHYSICAL_END)
		return true;
	end = base + MIN(size, PHYSICAL_END - base);
	if (kind == MEMORY_RAM) {
		base = ALIGN_UP(base, PAGE_SIZE);
		end = ALIGN_DOWN(end, PAGE_SIZE);
	} else {
		base = ALIGN_DOWN(base, PAGE_SIZE);
		end = ALIGN_UP(end, PAGE_SIZE);
	}
	return base >= end || range_add(out, base, end, kind);
}

/* Three passes, the most careful kind first: what is taken already is not RAM. */
static status_t map_decode(const uint8_t *tag, uint32_t size, struct multiboot2 *out)
{
	static const uint32_t passes[] = {MEMORY_RESERVED, MEMORY_ACPI, MEMORY_RAM};
	uint32_t entry_size;

	if (size < MAP_FIXED)
		return STATUS_BAD_FORMAT;
	entry_size = read32(tag + 8);
	if (entry_size < MAP_ENTRY || entry_size % TAG_ALIGN)
		return STATUS_BAD_FORMAT;
	for (uint32_t pass = 0; pass < ARRAY_SIZE(passes); pass++) {
		for (uint32_t at = MAP_FIXED; size - at >= entry_size; at += entry_size) {
			if (map_entry_add(out, tag + at, passes[pass]))
				continue;
			if (passes[pass] != MEMORY_RAM)
				return STATUS_TOO_LARGE;
			out->ranges_dropped++;
		}
	}
	return STATUS_OK;
}

status_t memory_map_set(struct multiboot2 *map, hpa_t base, uint64_t size, uint32_t kind)
{
	hpa_t end = base + size;
	uint32_t i = 0;

	if (map->memory_count + 2 > MEMORY_RANGE_MAX)
		return STATUS_TOO_LARGE;
	while (i < map->memory_count) {
		struct memory_range *r = &map->memory[i];
		hpa_t r_end = r->base + r->size;

		if (r_end <= base || r->base >= end) {
			i++;
		} else if (r->base < base) {
			r->size = base - r->base;
			if (r_end > end)
				range_insert(map, i + 1, end, r_end, r->kind);
			i++;
		} else if (r_end > end) {
			r->base = end;
			r->size = r_end - end;
		} else {
			map->memory_count--;
			memmove(r, r + 1, (map->memory_count - i) * sizeof(*r));
		}
	}
	range_add(map, base, end, kind);
	return STATUS_OK;
}

/* ---- tags ---- */

static void command_line_decode(const uint8_t *tag, uint32_t size, struct multiboot2 *out)
{
	size_t length = strnlen((const char *)tag + TAG_HEADER, size - TAG_HEADER);

	out->command_line_cut = length >= COMMAND_LINE_MAX;
	length = MIN(length, (size_t)COMMAND_LINE_MAX - 1);
	memcpy(out->command_line, tag + TAG_HEADER, length);
	out->command_line[length] = 0;
}

static status_t module_decode(const uint8_t *tag, uint32_t size, struct multiboot2 *out)
{
	uint32_t start, end;

	if (size < MODULE_FIXED)
		return STATUS_BAD_FORMAT;
	start = read32(tag + 8);
	end = read32(tag + 12);
	if (end < start)
		return STATUS_BAD_FORMAT;
	if (out->module_count++ == 0) {
		out->bundle_base = start;
		out->bundle_size = end - start;
	}
	return STATUS_OK;
}

static void rsdp_decode(const uint8_t *tag, uint32_t size, struct multiboot2 *out)
{
	uint32_t length = MIN(size - TAG_HEADER, (uint32_t)RSDP_MAX);

	if (length <= out->rsdp_size)
		return;
	memcpy(out->rsdp, tag + TAG_HEADER, length);
	out->rsdp_size = length;
}

static status_t tag_decode(const uint8_t *tag, uint32_t size, struct multiboot2 *out)
{
	switch (read32(tag)) {
	case TAG_COMMAND_LINE: command_line_decode(tag, size, out); return STATUS_OK;
	case TAG_MODULE: return module_decode(tag, size, out);
	case TAG_MEMORY_MAP: return map_decode(tag, size, out);
	case TAG_ACPI_OLD:
	case TAG_ACPI_NEW: rsdp_decode(tag, size, out); return STATUS_OK;
	default: return STATUS_OK; /* not asked for */
	}
}

/* The bundle is read where it lies, so it must be RAM that is going to be mapped. */
static bool bundle_in_ram(const struct multiboot2 *out)
{
	hpa_t at = out->bundle_base, end = at + out->bundle_size;

	for (uint32_t i = 0; i < out->memory_count; i++) {
		const struct memory_range *r = &out->memory[i];

		if (r->kind == MEMORY_RAM && range_within(at - r->base, 1, r->size))
			at = r->base + r->size;
	}
	return at >= end;
}

status_t multiboot2_parse(const void *info, uint64_t size, struct multiboot2 *out)
{
	const uint8_t *bytes = info;
	uint64_t at = INFO_HEADER;

	memset(out, 0, sizeof(*out));
	if (size < INFO_HEADER || read32(bytes) > size)
		return STATUS_TRUNCATED;
	size = read32(bytes);
	while (range_within(at, TAG_HEADER, size)) {
		uint32_t tag_size = read32(bytes + at + 4);
		status_t status;

		if (tag_size < TAG_HEADER)
			return STATUS_BAD_FORMAT;
		if (!range_within(at, tag_size, size))
			return STATUS_TRUNCATED;
		if (read32(bytes + at) == TAG_END)
			break;
		status = tag_decode(bytes + at, tag_size, out);
		if (status != STATUS_OK)
			return status;
		at += ALIGN_UP((uint64_t)tag_size, TAG_ALIGN);
	}
	for (uint32_t i = 0; i < out->memory_count; i++)
		if (out->memory[i].kind == MEMORY_RAM)
			return bundle_in_ram(out) ? STATUS_OK : STATUS_BAD_FORMAT;
	return STATUS_NOT_FOUND;
}
