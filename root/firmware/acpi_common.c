/* SPDX-License-Identifier: MIT */
#include <firmware/acpi_common.h>

#include <string.h>

uint8_t acpi_checksum(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

void acpi_table_begin(struct acpi_header *header, const char *signature, uint8_t revision,
		      size_t size)
{
	memcpy(header->signature, signature, sizeof(header->signature));
	header->length = (uint32_t)size;
	header->revision = revision;
	memcpy(header->oem_id, ACPI_OEM_ID, sizeof(header->oem_id));
	memcpy(header->oem_table_id, ACPI_OEM_TABLE_ID, sizeof(header->oem_table_id));
	header->oem_revision = 1;
	memcpy(header->creator_id, ACPI_CREATOR_ID, sizeof(header->creator_id));
	header->creator_revision = 1;
}

void acpi_table_end(void *table)
{
	struct acpi_header *header = table;

	header->checksum = 0;
	header->checksum = acpi_checksum(header, header->length);
}

bool acpi_block_is_sound(const void *block, size_t size, const char *signature)
{
	struct acpi_header header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, block, sizeof(header));
	return memcmp(header.signature, signature, sizeof(header.signature)) == 0 &&
	       header.length == size && acpi_checksum(block, size) == 0;
}

void acpi_rsdp_fill(struct acpi_rsdp *rsdp, gpa_t rsdt, gpa_t xsdt)
{
	memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
	memcpy(rsdp->oem_id, ACPI_OEM_ID, sizeof(rsdp->oem_id));
	rsdp->revision = ACPI_RSDP_REVISION;
	rsdp->rsdt = (uint32_t)rsdt;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = xsdt;
	rsdp->checksum = acpi_checksum(rsdp, ACPI_RSDP_V1_SIZE);
	rsdp->extended_checksum = acpi_checksum(rsdp, sizeof(*rsdp));
}
