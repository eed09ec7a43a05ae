/* SPDX-License-Identifier: MIT */
/* What the ACPI tables of an Arm machine have beside those of <firmware/acpi_common.h> (ACPI 6.4, 5.2; Serial Port
 * Console Redirection Table, revision 2). */
#ifndef FIRMWARE_ACPI_TABLES_H
#define FIRMWARE_ACPI_TABLES_H

#include <firmware/acpi_common.h>

/* Table 5.10, flags; table 5.12, arm_boot_architecture */
#define ACPI_FADT_HARDWARE_REDUCED BIT(20)
#define ACPI_FADT_LOW_POWER_S0	   BIT(21)
#define ACPI_ARM_PSCI		   BIT(0)
#define ACPI_ARM_PSCI_BY_HVC	   BIT(1)

/* 5.2.12 */
struct acpi_madt {
	struct acpi_header header;
	uint32_t local_controller;
	uint32_t flags;
} __packed;
static_assert(sizeof(struct acpi_madt) == 44, "ACPI 5.2.12");
#define ACPI_MADT_REVISION 5

/* Entry types, table 5.21 */
#define ACPI_MADT_GICC 0x0b
#define ACPI_MADT_GICD 0x0c
#define ACPI_MADT_GICR 0x0e

/* 5.2.12.14 */
struct acpi_madt_gicc {
	uint8_t type, length;
	uint16_t reserved0;
	uint32_t interface;
	uint32_t uid;
	uint32_t flags;
	uint32_t parking_version;
	uint32_t performance_gsi;
	uint64_t parked_address;
	uint64_t base;
	uint64_t gicv;
	uint64_t gich;
	uint32_t maintenance_gsi;
	uint64_t redistributor;
	uint64_t mpidr;
	uint8_t efficiency_class;
	uint8_t reserved1;
	uint16_t spe_gsi;
} __packed;
static_assert(sizeof(struct acpi_madt_gicc) == 80, "ACPI 5.2.12.14");
#define ACPI_GICC_ENABLED BIT(0)

/* 5.2.12.15 */
struct acpi_madt_gicd {
	uint8_t type, length;
	uint16_t reserved0;
	uint32_t id;
	uint64_t base;
	uint32_t vector_base;
	uint8_t version;
	uint8_t reserved1[3];
} __packed;
static_assert(sizeof(struct acpi_madt_gicd) == 24, "ACPI 5.2.12.15");
#define ACPI_GICD_V3 3

/* 5.2.12.17 */
struct acpi_madt_gicr {
	uint8_t type, length;
	uint16_t reserved;
	uint64_t base;
	uint32_t size;
} __packed;
static_assert(sizeof(struct acpi_madt_gicr) == 16, "ACPI 5.2.12.17");

/* 5.2.24 */
struct acpi_gtdt {
	struct acpi_header header;
	uint64_t counter_base; /* all ones: there is no such block */
	uint32_t reserved;
	uint32_t secure_gsi, secure_flags;
	uint32_t physical_gsi, physical_flags;
	uint32_t virtual_gsi, virtual_flags;
	uint32_t hypervisor_gsi, hypervisor_flags;
	uint64_t counter_read_base;
	uint32_t platform_count, platform_offset;
	uint32_t hypervisor_virtual_gsi, hypervisor_virtual_flags;
} __packed;
static_assert(sizeof(struct acpi_gtdt) == 104, "ACPI 5.2.24");
#define ACPI_GTDT_REVISION  3
#define ACPI_GTDT_ALWAYS_ON BIT(2) /* level, active high: 0 */
#define ACPI_GTDT_NO_BLOCK  UINT64_MAX

struct acpi_spcr {
	struct acpi_header header;
	uint8_t interface;
	uint8_t reserved0[3];
	struct acpi_address base;
	uint8_t interrupt_type;
	uint8_t irq;
	uint32_t gsi;
	uint8_t baud_rate;
	uint8_t parity;
	uint8_t stop_bits;
	uint8_t flow_control;
	uint8_t terminal;
	uint8_t reserved1;
	uint16_t pci_device, pci_vendor;
	uint8_t pci_bus, pci_slot, pci_function;
	uint32_t pci_flags;
	uint8_t pci_segment;
	uint32_t clock;
} __packed;
static_assert(sizeof(struct acpi_spcr) == 80, "SPCR");
#define ACPI_SPCR_REVISION 2
#define ACPI_SPCR_PL011	   3
#define ACPI_SPCR_GIC	   BIT(3)
#define ACPI_SPCR_115200   7
#define ACPI_SPCR_ONE_STOP 1
#define ACPI_SPCR_VT_UTF8  3 /* terminal: ANSI */
#define ACPI_SPCR_NO_PCI   0xffffu

#endif
