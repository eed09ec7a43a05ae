/* SPDX-License-Identifier: MIT */
#include <firmware/uefi.h>

#include <string.h>

#define SIGNATURE	   0x5453595320494249ull /* "IBI SYST" */
#define REVISION	   (2u << 16 | 100u)	 /* 2.10 */
#define ATTRIBUTE_WB	   0x8ull
#define PROPERTIES_VERSION 1u

/* 7.2.3, EFI_MEMORY_TYPE */
enum {
	TYPE_CONVENTIONAL = 7,
	TYPE_ACPI_RECLAIM = 9,
};

struct table_header {
	uint64_t signature;
	uint32_t revision;
	uint32_t size;
	uint32_t crc;
	uint32_t reserved;
} __packed;

struct system_table {
	struct table_header header;
	uint64_t vendor;
	uint32_t vendor_revision;
	uint32_t reserved;
	uint64_t console[6];
	uint64_t runtime_services, boot_services;
	uint64_t table_count;
	uint64_t tables;
} __packed;
static_assert(sizeof(struct system_table) == 120, "UEFI 4.3");

struct configuration_table {
	uint8_t guid[16];
	uint64_t table;
} __packed;

struct memory_descriptor {
	uint32_t type;
	uint32_t reserved;
	uint64_t physical, virtual;
	uint64_t pages;
	uint64_t attribute;
} __packed;
static_assert(sizeof(struct memory_descriptor) == UEFI_DESCRIPTOR_SIZE, "UEFI 7.2.3");

/* 4.6.2: which runtime services there are. */
struct runtime_properties {
	uint16_t version;
	uint16_t length;
	uint32_t supported;
} __packed;

/* All that is written, in its order. */
struct image {
	struct system_table system;
	struct configuration_table tables[2];
	struct runtime_properties properties;
	uint16_t vendor[8];
	uint8_t align[8];
	struct memory_descriptor map[LAYOUT_REGION_MAX];
} __packed;
static_assert(offsetof(struct image, map) % 8 == 0, "aligned as its members");

/* EFI_ACPI_20_TABLE_GUID, EFI_RT_PROPERTIES_TABLE_GUID */
static const uint8_t guid_acpi[16] = {0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
				      0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81};
static const uint8_t guid_properties[16] = {0x8a, 0x91, 0x66, 0xeb, 0xef, 0x7e, 0x2a, 0x40,
					    0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9};

/* 4.2: the CRC of Ethernet, over a table whose own field for it is 0. */
static uint32_t crc32(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (unsigned int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static uint32_t map_fill(struct image *image, const struct memory_layout *layout)
{
	for (size_t i = 0; i < layout->map_count; i++) {
		const struct memory_region *region = &layout->map[i];

		image->map[i] = (struct memory_descriptor){
			.type = region->kind == MEMORY_USABLE ? TYPE_CONVENTIONAL
							      : TYPE_ACPI_RECLAIM,
			.physical = region->gpa,
			.pages = region->size / PAGE_SIZE,
			.attribute = ATTRIBUTE_WB,
		};
	}
	return (uint32_t)layout->map_count * UEFI_DESCRIPTOR_SIZE;
}

static void tables_fill(struct image *image, gpa_t base, gpa_t rsdp)
{
	memcpy(image->tables[0].guid, guid_acpi, sizeof(guid_acpi));
	image->tables[0].table = rsdp;
	memcpy(image->tables[1].guid, guid_properties, sizeof(guid_properties));
	image->tables[1].table = base + offsetof(struct image, properties);
	image->properties = (struct runtime_properties){.version = PROPERTIES_VERSION,
							.length = sizeof(image->properties)};
}

static void system_table_fill(struct image *image, gpa_t base)
{
	static const char vendor[] = "Trivet";

	for (size_t i = 0; i < sizeof(vendor); i++)
		image->vendor[i] = (uint16_t)vendor[i];
	image->system = (struct system_table){
		.header = {.signature = SIGNATURE,
			   .revision = REVISION,
			   .size = sizeof(image->system)},
		.vendor = base + offsetof(struct image, vendor),
		.table_count = ARRAY_SIZE(image->tables),
		.tables = base + offsetof(struct image, tables),
	};
	image->system.header.crc = crc32(&image->system, sizeof(image->system));
}

status_t uefi_build(const struct memory_layout *layout, gpa_t rsdp, gpa_t base, uint8_t *area,
		    size_t size, struct uefi_tables *tables)
{
	struct image image;

	if (sizeof(image) > size)
		return STATUS_TOO_LARGE;
	memset(&image, 0, sizeof(image));
	tables->memory_map_size = map_fill(&image, layout);
	tables->memory_map = base + offsetof(struct image, map);
	tables->system_table = base;
	tables_fill(&image, base, rsdp);
	system_table_fill(&image, base);
	memcpy(area, &image, sizeof(image));
	return STATUS_OK;
}
