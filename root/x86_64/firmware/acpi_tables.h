/* SPDX-License-Identifier: MIT */
/*
 * What a PC's ACPI tables have beside those of <firmware/acpi_common.h> (ACPI 6.4, 5.2; IA-PC HPET 1.0a, 3.2.4).
 * Structures are packed and little-endian, as this machine is.
 */
#ifndef FIRMWARE_ACPI_TABLES_H
#define FIRMWARE_ACPI_TABLES_H

#include <firmware/acpi_common.h>

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
