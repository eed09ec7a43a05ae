/* SPDX-License-Identifier: MIT */
/*
 * What ACPI tables of all architectures have in common (ACPI 6.4, 5.2), as they lie in memory: packed and
 * little-endian, as this machine is.
 */
#ifndef FIRMWARE_ACPI_COMMON_H
#define FIRMWARE_ACPI_COMMON_H

#include <trivet/types.h>

/* Padded to the length of their fields. */
#define ACPI_OEM_ID	       "TRIVET"
#define ACPI_OEM_TABLE_ID      "TRIVETVM"
#define ACPI_CREATOR_ID	       "TRVT"
#define ACPI_HYPERVISOR_VENDOR "TRIVET\0\0"

/* 5.2.5.3 */
struct acpi_rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __packed;
static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI 5.2.5.3");
#define ACPI_RSDP_REVISION 2
#define ACPI_RSDP_V1_SIZE  20

/* 5.2.6 */
struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __packed;
static_assert(sizeof(struct acpi_header) == 36, "ACPI 5.2.6");
#define ACPI_RSDT_REVISION 1
#define ACPI_XSDT_REVISION 1

/* Generic Address Structure, 5.2.3.2 */
struct acpi_address {
	uint8_t space;
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access_size;
	uint64_t address;
} __packed;
static_assert(sizeof(struct acpi_address) == 12, "ACPI 5.2.3.2");
#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO	  1
#define ACPI_ACCESS_BYTE  1
#define ACPI_ACCESS_WORD  2
#define ACPI_ACCESS_DWORD 3

/* 5.2.9 */
struct acpi_fadt {
	struct acpi_header header;
	uint32_t facs;
	uint32_t dsdt;
	uint8_t reserved0;
	uint8_t preferred_profile;
	uint16_t sci_interrupt;
	uint32_t smi_command;
	uint8_t acpi_enable;
	uint8_t acpi_disable;
	uint8_t s4bios_request;
	uint8_t pstate_control;
	uint32_t pm1a_event;
	uint32_t pm1b_event;
	uint32_t pm1a_control;
	uint32_t pm1b_control;
	uint32_t pm2_control;
	uint32_t pm_timer;
	uint32_t gpe0;
	uint32_t gpe1;
	uint8_t pm1_event_length;
	uint8_t pm1_control_length;
	uint8_t pm2_control_length;
	uint8_t pm_timer_length;
	uint8_t gpe0_length;
	uint8_t gpe1_length;
	uint8_t gpe1_base;
	uint8_t cstate_control;
	uint16_t c2_latency;
	uint16_t c3_latency;
	uint16_t flush_size;
	uint16_t flush_stride;
	uint8_t duty_offset;
	uint8_t duty_width;
	uint8_t rtc_day_alarm;
	uint8_t rtc_month_alarm;
	uint8_t rtc_century;
	uint16_t boot_architecture;
	uint8_t reserved1;
	uint32_t flags;
	struct acpi_address reset_register;
	uint8_t reset_value;
	uint16_t arm_boot_architecture;
	uint8_t minor_version;
	uint64_t x_facs;
	uint64_t x_dsdt;
	struct acpi_address x_pm1a_event;
	struct acpi_address x_pm1b_event;
	struct acpi_address x_pm1a_control;
	struct acpi_address x_pm1b_control;
	struct acpi_address x_pm2_control;
	struct acpi_address x_pm_timer;
	struct acpi_address x_gpe0;
	struct acpi_address x_gpe1;
	struct acpi_address sleep_control;
	struct acpi_address sleep_status;
	char hypervisor_vendor[8];
} __packed;
static_assert(sizeof(struct acpi_fadt) == 276, "ACPI 5.2.9");
static_assert(offsetof(struct acpi_fadt, flags) == 112, "ACPI 5.2.9");
static_assert(offsetof(struct acpi_fadt, x_facs) == 132, "ACPI 5.2.9");
#define ACPI_FADT_REVISION 6
#define ACPI_FADT_MINOR	   4

/* The last byte that makes the sum of all bytes 0 (5.2.3.2 and others). */
uint8_t acpi_checksum(const void *data, size_t size);
/* The header of a table of `size` bytes, which are zero; and its checksum, when all is there. */
void acpi_table_begin(struct acpi_header *header, const char *signature, uint8_t revision,
		      size_t size);
void acpi_table_end(void *table);
/* A definition block of that signature and size. */
bool acpi_block_is_sound(const void *block, size_t size, const char *signature);
/* Of the version that has both lists, or one of them. */
void acpi_rsdp_fill(struct acpi_rsdp *rsdp, gpa_t rsdt, gpa_t xsdt);

#endif
