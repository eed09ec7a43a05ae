/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the memory of the firmware of an AArch64 machine, with the root pointer at its start. Checksums are
 * made right first, since a fuzzer does not find them by itself.
 */
#include <arch/acpi.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 36u
#define RSDP_SIZE   36u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *firmware;
static size_t firmware_size;

const void *acpi_map(hpa_t base, uint64_t size)
{
	return range_within(base, size, firmware_size) ? firmware + base : NULL;
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
	static const char names[][5] = {"XSDT", "APIC", "FACP", "GTDT", "SPCR"};

	if (firmware_size >= RSDP_SIZE)
		checksum_fix(firmware, RSDP_SIZE, 8);
	for (size_t n = ARRAY_SIZE(names); n-- > 0;) {
		for (size_t at = 0; at + HEADER_SIZE <= firmware_size; at++) {
			uint32_t length;

			memcpy(&length, firmware + at + 4, 4);
			if (memcmp(firmware + at, names[n], 4) == 0 && length >= HEADER_SIZE &&
			    length <= firmware_size - at)
				checksum_fix(firmware + at, length, 9);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine machine;
	struct machine_cpu cpu;
	uint32_t at = 0;

	if (!size)
		return 0;
	firmware = malloc(size);
	firmware_size = size;
	memcpy(firmware, data, size);
	tables_fix();
	memset(&machine, 0, sizeof(machine));
	if (machine_decode_acpi(0, &machine) == STATUS_OK)
		while (acpi_next_cpu(&at, &cpu))
			;
	if (machine.gic.region_count > GIC_REGIONS_MAX || (machine.gic.present && machine.gic.old))
		abort();
	free(firmware);
	return 0;
}
