/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the firmware's memory: the first 36 are the root pointer, the rest stands at
 * FIRMWARE_BASE. Checksums are made right first, since a fuzzer does not find them by itself.
 */
#include <arch/acpi.h>
#include <kernel/console.h>
#include <stdlib.h>
#include <string.h>

#define FIRMWARE_BASE 0x1000u
#define RSDP_SIZE     36

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *firmware;
static size_t firmware_size;

enum log_level log_level = LOG_ERROR;

void log_at(enum log_level level, const char *text, ...)
{
	(void)level;
	(void)text;
}

/* A copy of just the bytes asked for would catch more, but a table lives for ever. */
const void *acpi_map(hpa_t base, uint64_t size)
{
	if (base < FIRMWARE_BASE || !range_within(base - FIRMWARE_BASE, size, firmware_size))
		return NULL;
	return firmware + (base - FIRMWARE_BASE);
}

static void checksum_fix(uint8_t *bytes, size_t size, size_t at)
{
	uint8_t sum = 0;

	bytes[at] = 0;
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	bytes[at] = (uint8_t)-sum;
}

static void tables_fix(void)
{
	static const char names[][5] = {"XSDT", "RSDT", "APIC", "FACP", "HPET", "SPCR", "DSDT"};

	for (size_t n = ARRAY_SIZE(names); n-- > 0;) {
		for (size_t at = 0; at + ACPI_HEADER_SIZE <= firmware_size; at++) {
			uint32_t length;

			memcpy(&length, firmware + at + 4, 4);
			if (memcmp(firmware + at, names[n], 4) || length < ACPI_HEADER_SIZE ||
			    length > firmware_size - at)
				continue;
			checksum_fix(firmware + at, length, 9);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t rsdp[RSDP_SIZE], type[2];
	struct acpi_table table;
	struct acpi_serial serial;
	struct acpi_fadt fadt;
	struct madt_item item;
	uint32_t at = 0;

	if (size < RSDP_SIZE)
		return 0;
	memcpy(rsdp, data, RSDP_SIZE);
	memcpy(rsdp, "RSD PTR ", 8);
	checksum_fix(rsdp, 20, 8);
	checksum_fix(rsdp, RSDP_SIZE, 32);
	firmware_size = size - RSDP_SIZE;
	firmware = malloc(firmware_size + 1);
	memcpy(firmware, data + RSDP_SIZE, firmware_size);
	tables_fix();
	if (acpi_init(rsdp, RSDP_SIZE) == STATUS_OK) {
		table = acpi_find("APIC");
		while (madt_next(&table, &at, &item))
			;
		table = acpi_find("FACP");
		if (fadt_decode(&table, &fadt)) {
			table = acpi_table_at(fadt.dsdt, "DSDT");
			dsdt_find_s5(&table, type);
		}
		table = acpi_find("HPET");
		hpet_address(&table);
		table = acpi_find("SPCR");
		spcr_decode(&table, &serial);
	}
	dsdt_find_s5(&(struct acpi_table){firmware, (uint32_t)firmware_size}, type);
	at = 0;
	while (madt_next(&(struct acpi_table){firmware, (uint32_t)firmware_size}, &at, &item))
		;
	free(firmware);
	return 0;
}
