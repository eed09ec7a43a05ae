/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables as they lie in memory (ACPI 6.4, 5.2; IA-PC HPET 1.0a, 3.2.4). Structures are
 * packed and little-endian, as this machine is.
 */
#ifndef FIRMWARE_ACPI_TABLES_H
#define FIRMWARE_ACPI_TABLES_H

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

/* Table 5.10, flags */
#define ACPI_FADT_WBINVD	  BIT(0)
#define ACPI_FADT_PROC_C1	  BIT(2)
#define ACPI_FADT_NO_SLEEP_BUTTON BIT(5)
#define ACPI_FADT_NO_FIXED_RTC	  BIT(6)
#define ACPI_FADT_TIMER_32BIT	  BIT(8)
#define ACPI_FADT_RESET_REGISTER  BIT(10)
/* Table 5.11, boot architecture. No 8042 is offered. */
#define ACPI_BOOT_LEGACY_DEVICES  BIT(0)
#define ACPI_BOOT_NO_VGA	  BIT(2)
#define ACPI_BOOT_NO_PCIE_ASPM	  BIT(4)
/* Latencies above 100 and 1000 microseconds say that there is no C2, no C3. */
#define ACPI_NO_C2		  101
#define ACPI_NO_C3		  1001
#define ACPI_CMOS_CENTURY	  0x32

/* 5.2.10 */
struct acpi_facs {
	char signature[4];
	uint32_t length;
	uint32_t hardware_signature;
	uint32_t waking_vector;
	uint32_t global_lock;
	uint32_t flags;
	uint64_t x_waking_vector;
	uint8_t version;
	uint8_t reserved0[3];
	uint32_t ospm_flags;
	uint8_t reserved1[24];
} __packed;
static_assert(sizeof(struct acpi_facs) == 64, "ACPI 5.2.10");
#define ACPI_FACS_VERSION 2

/* 5.2.12 */
struct acpi_madt {
	struct acpi_header header;
	uint32_t local_apic;
	uint32_t flags;
} __packed;
static_assert(sizeof(struct acpi_madt) == 44, "ACPI 5.2.12");
#define ACPI_MADT_REVISION    5
#define ACPI_MADT_PCAT_COMPAT BIT(0) /* there is a pair of 8259 too */

/* Entry types, table 5.21 */
#define ACPI_MADT_APIC	     0
#define ACPI_MADT_IO_APIC    1
#define ACPI_MADT_OVERRIDE   2
#define ACPI_MADT_NMI	     4
#define ACPI_MADT_X2APIC     9
#define ACPI_MADT_X2APIC_NMI 10

#define ACPI_MADT_ENABLED	 BIT(0) /* table 5.23 */
/* Table 5.26, interrupt flags */
#define ACPI_MADT_CONFORMS	 0
#define ACPI_MADT_ACTIVE_HIGH	 0x1
#define ACPI_MADT_LEVEL		 0xc
#define ACPI_MADT_ALL_PROCESSORS 0xff
#define ACPI_MADT_ALL_X2APICS	 0xffffffffu

struct acpi_madt_apic {
	uint8_t type, length;
	uint8_t uid;
	uint8_t apic_id;
	uint32_t flags;
} __packed;
static_assert(sizeof(struct acpi_madt_apic) == 8, "ACPI 5.2.12.2");

struct acpi_madt_io_apic {
	uint8_t type, length;
	uint8_t id;
	uint8_t reserved;
	uint32_t address;
	uint32_t gsi_base;
} __packed;
static_assert(sizeof(struct acpi_madt_io_apic) == 12, "ACPI 5.2.12.3");

struct acpi_madt_override {
	uint8_t type, length;
	uint8_t bus;
	uint8_t source;
	uint32_t gsi;
	uint16_t flags;
} __packed;
static_assert(sizeof(struct acpi_madt_override) == 10, "ACPI 5.2.12.5");

struct acpi_madt_nmi {
	uint8_t type, length;
	uint8_t uid;
	uint16_t flags;
	uint8_t lint;
} __packed;
static_assert(sizeof(struct acpi_madt_nmi) == 6, "ACPI 5.2.12.7");

struct acpi_madt_x2apic {
	uint8_t type, length;
	uint16_t reserved;
	uint32_t apic_id;
	uint32_t flags;
	uint32_t uid;
} __packed;
static_assert(sizeof(struct acpi_madt_x2apic) == 16, "ACPI 5.2.12.12");

struct acpi_madt_x2apic_nmi {
	uint8_t type, length;
	uint16_t flags;
	uint32_t uid;
	uint8_t lint;
	uint8_t reserved[3];
} __packed;
static_assert(sizeof(struct acpi_madt_x2apic_nmi) == 12, "ACPI 5.2.12.13");

/* IA-PC HPET 1.0a, 3.2.4 */
struct acpi_hpet {
	struct acpi_header header;
	uint32_t block_id;
	struct acpi_address base;
	uint8_t number;
	uint16_t minimum_tick;
	uint8_t attributes;
} __packed;
static_assert(sizeof(struct acpi_hpet) == 56, "HPET 3.2.4");
#define ACPI_HPET_REVISION     1
#define ACPI_HPET_MINIMUM_TICK 128

#endif
