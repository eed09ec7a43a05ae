/* SPDX-License-Identifier: MIT */
/*
 * The firmware's static tables (ACPI 6.4, chapter 5). A table is looked at only after its length
 * and its checksum have been found right; fields are read one by one, at any alignment, and only
 * inside that length. No AML is run: of the DSDT only the package _S5_ is looked for.
 */
#ifndef ARCH_ACPI_H
#define ARCH_ACPI_H

#include <trivet/status.h>
#include <trivet/types.h>

#define ACPI_HEADER_SIZE 36
#define ACPI_TABLE_MAX	 MIB(4) /* longer: taken for damaged */

/* A table that has been checked: `size` bytes at `bytes`, for ever. bytes NULL: there is none. */
struct acpi_table {
	const uint8_t *bytes;
	uint32_t size;
};

/* Implemented by the one who reads: makes firmware memory readable, NULL if it cannot. */
const void *acpi_map(hpa_t base, uint64_t size);

/* Takes the root pointer (a copy, 20 bytes of version 0, 36 of version 2) and the root table that
 * it names. NOT_FOUND: no root pointer; BAD_FORMAT: nothing of it is right. Says on the log which
 * tables are damaged; those do not exist for acpi_find. */
status_t acpi_init(const void *rsdp, uint32_t size);
/* The first good table with this signature. */
struct acpi_table acpi_find(const char signature[4]);

/* ---- MADT (5.2.12) ---- */

enum madt_kind { MADT_CPU, MADT_IOAPIC, MADT_OVERRIDE, MADT_OTHER };

struct madt_item {
	enum madt_kind kind;
	uint32_t id;   /* CPU: local APIC id; I/O APIC: its id; override: the ISA interrupt */
	uint32_t gsi;  /* I/O APIC: its first; override: where the interrupt arrives */
	hpa_t address; /* of an I/O APIC */
	bool usable;   /* CPU: enabled */
	bool level;    /* override: level triggered, else edge */
	bool active_low;
};

/* Steps through the items; *offset is 0 at the start. False: no further whole item. */
bool madt_next(const struct acpi_table *madt, uint32_t *offset, struct madt_item *item);
hpa_t madt_apic_address(const struct acpi_table *madt);

/* ---- FADT (5.2.9) ---- */

enum acpi_space { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_PORT = 1 };

struct acpi_register {
	uint64_t address; /* 0: there is none */
	uint8_t space;	  /* enum acpi_space */
	uint8_t bits;
};

struct acpi_fadt {
	hpa_t dsdt;
	struct acpi_register pm1a_control, pm1b_control, pm_timer, reset;
	bool pm_timer_32; /* it counts 32 bits, else 24 */
	uint8_t reset_value;
	uint16_t smi_command; /* port; 0: always in ACPI mode */
	uint8_t acpi_enable;
	uint8_t century; /* CMOS index, 0: none */
};

/* False: the table is too short to be one. Fields that its version lacks are 0. */
bool fadt_decode(const struct acpi_table *table, struct acpi_fadt *fadt);
/* The table at an address that another one names (the DSDT). */
struct acpi_table acpi_table_at(hpa_t address, const char signature[4]);
/* SLP_TYPa and SLP_TYPb of _S5_; false: the package was not found or has another form. */
bool dsdt_find_s5(const struct acpi_table *dsdt, uint8_t type[2]);

/* ---- others ---- */

/* Of the HPET's registers; 0: none. */
hpa_t hpet_address(const struct acpi_table *table);

struct acpi_serial {
	struct acpi_register base;
	uint32_t baud; /* 0: leave it as it is */
	bool has_irq;
	uint32_t gsi;
};

/* False: no console, or one that is not like a 16550. */
bool spcr_decode(const struct acpi_table *table, struct acpi_serial *serial);

#endif
