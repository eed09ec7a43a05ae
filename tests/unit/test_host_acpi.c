/* SPDX-License-Identifier: MIT */
/*
 * The ACPI decoder against tables built here: right ones, and each way in which one can lie. The
 * firmware's memory is an arena at FIRMWARE_BASE; a read outside it is a NULL, one past a table's
 * own end the sanitizer's find.
 */
#include <arch/acpi.h>
#include <kernel/console.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FIRMWARE_BASE 0x7ff00000u
#define FIRMWARE_SIZE 0x4000u

static uint8_t firmware[FIRMWARE_SIZE];
static uint8_t rsdp[36];

enum log_level log_level = LOG_ERROR;

void log_at(enum log_level level, const char *text, ...)
{
	(void)level;
	(void)text;
}

const void *acpi_map(hpa_t base, uint64_t size)
{
	if (base < FIRMWARE_BASE || !range_within(base - FIRMWARE_BASE, size, FIRMWARE_SIZE))
		return NULL;
	return firmware + (base - FIRMWARE_BASE);
}

static void put(uint8_t *at, uint64_t value, size_t size)
{
	memcpy(at, &value, size);
}

static void checksum_fix(uint8_t *bytes, size_t size, size_t at)
{
	uint8_t sum = 0;

	bytes[at] = 0;
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	bytes[at] = (uint8_t)-sum;
}

static uint8_t *table_make(uint32_t offset, const char *signature, uint32_t size)
{
	uint8_t *table = firmware + offset;

	memset(table, 0, size);
	memcpy(table, signature, 4);
	put(table + 4, size, 4);
	return table;
}

static void table_close(uint8_t *table)
{
	uint32_t size;

	memcpy(&size, table + 4, 4);
	checksum_fix(table, size, 9);
}

/* An RSDP of version 2 with an XSDT at 0x100 that names the tables at these offsets. */
static void root_make(const uint32_t *offsets, uint32_t count)
{
	uint8_t *xsdt = table_make(0x100, "XSDT", 36 + 8 * count);

	for (uint32_t i = 0; i < count; i++)
		put(xsdt + 36 + 8 * i, FIRMWARE_BASE + offsets[i], 8);
	table_close(xsdt);
	memset(rsdp, 0, sizeof(rsdp));
	memcpy(rsdp, "RSD PTR ", 8);
	rsdp[15] = 2;
	put(rsdp + 20, 36, 4);
	put(rsdp + 24, FIRMWARE_BASE + 0x100, 8);
	checksum_fix(rsdp, 20, 8);
	checksum_fix(rsdp, 36, 32);
}

static void test_root_pointer(void **state)
{
	(void)state;
	uint8_t *rsdt;

	root_make(NULL, 0);
	assert_int_equal(acpi_init(rsdp, 36), STATUS_OK);
	assert_int_equal(acpi_init(rsdp, 0), STATUS_NOT_FOUND);
	assert_int_equal(acpi_init(rsdp, 19), STATUS_BAD_FORMAT);
	rsdp[0] ^= 1;
	assert_int_equal(acpi_init(rsdp, 36), STATUS_BAD_FORMAT);
	rsdp[0] ^= 1;
	rsdp[8]++;
	assert_int_equal(acpi_init(rsdp, 36), STATUS_BAD_FORMAT);
	rsdp[8]--;
	/* Version 2 spoilt, and no RSDT: nothing; then with one at an odd address. */
	rsdp[30] ^= 1;
	assert_int_equal(acpi_init(rsdp, 36), STATUS_BAD_FORMAT);
	rsdt = table_make(0x201, "RSDT", 36);
	table_close(rsdt);
	put(rsdp + 16, FIRMWARE_BASE + 0x201, 4);
	checksum_fix(rsdp, 20, 8);
	assert_int_equal(acpi_init(rsdp, 20), STATUS_OK);
}

static void test_damaged_tables_do_not_exist(void **state)
{
	(void)state;
	static const uint32_t offsets[] = {0x401, 0x600, 0x700, 0xfffff, 0x800};
	uint8_t *good = table_make(0x401, "GOOD", 60);
	uint8_t *bad = table_make(0x600, "BADC", 60);
	uint8_t *length = table_make(0x700, "LONG", 60);

	table_close(good);
	table_close(bad);
	bad[50] = 1;
	put(length + 4, 0xfffffff0, 4);
	table_make(0x800, "TINY", 8);
	root_make(offsets, ARRAY_SIZE(offsets));
	assert_int_equal(acpi_init(rsdp, 36), STATUS_OK);
	assert_ptr_equal(acpi_find("GOOD").bytes, good);
	assert_int_equal(acpi_find("GOOD").size, 60);
	assert_null(acpi_find("BADC").bytes);
	assert_null(acpi_find("LONG").bytes);
	assert_null(acpi_find("TINY").bytes);
	assert_null(acpi_find("NONE").bytes);
}

static void test_madt(void **state)
{
	(void)state;
	static const uint8_t items[] = {
		0,  8,	 0, 5, 1, 0, 0,	   0,				   /* CPU 5, enabled */
		0,  8,	 1, 6, 0, 0, 0,	   0,				   /* CPU 6, not */
		9,  16,	 0, 0, 0, 1, 0,	   0,	 1,   0, 0, 0, 0, 0, 0, 0, /* CPU 0x100 */
		1,  12,	 2, 0, 0, 0, 0xc0, 0xfe, 24,  0, 0, 0,		   /* I/O APIC */
		2,  10,	 0, 4, 9, 0, 0,	   0,	 0xf, 0, /* ISA 4 on 9, level, low */
		77, 3,	 1,				 /* unknown */
		0,  4,	 0, 0,				 /* a CPU cut short */
		0,  200,				 /* beyond the table */
	};
	uint8_t *bytes = table_make(0x400, "APIC", 44 + sizeof(items));
	struct acpi_table madt = {bytes, 44 + sizeof(items)};
	struct madt_item item;
	uint32_t at = 0;

	memcpy(bytes + 44, items, sizeof(items));
	assert_int_equal(madt_apic_address(&madt), 0xfee00000);
	put(bytes + 36, 0xfed00000, 4);
	assert_int_equal(madt_apic_address(&madt), 0xfed00000);
	assert_true(madt_next(&madt, &at, &item));
	assert_true(item.kind == MADT_CPU && item.id == 5 && item.usable);
	assert_true(madt_next(&madt, &at, &item));
	assert_true(item.kind == MADT_CPU && item.id == 6 && !item.usable);
	assert_true(madt_next(&madt, &at, &item));
	assert_true(item.kind == MADT_CPU && item.id == 0x100 && item.usable);
	assert_true(madt_next(&madt, &at, &item));
	assert_true(item.kind == MADT_IOAPIC && item.address == 0xfec00000 && item.gsi == 24);
	assert_true(madt_next(&madt, &at, &item));
	assert_true(item.kind == MADT_OVERRIDE && item.id == 4 && item.gsi == 9);
	assert_true(item.level && item.active_low);
	assert_true(madt_next(&madt, &at, &item));
	assert_true(item.kind == MADT_OTHER);
	assert_true(madt_next(&madt, &at, &item));
	assert_true(item.kind == MADT_CPU && !item.usable);
	assert_false(madt_next(&madt, &at, &item));
	at = 0;
	assert_false(madt_next(&(struct acpi_table){0}, &at, &item));
}

static void test_fadt(void **state)
{
	(void)state;
	uint8_t *bytes = table_make(0x400, "FACP", 244);
	struct acpi_table table = {bytes, 244};
	struct acpi_fadt fadt;

	put(bytes + 40, 0x1000, 4);
	put(bytes + 64, 0x604, 4);
	put(bytes + 76, 0x608, 4);
	put(bytes + 112, BIT(8) | BIT(10), 4);
	bytes[116] = ACPI_SPACE_PORT;
	put(bytes + 120, 0xcf9, 8);
	bytes[128] = 6;
	assert_true(fadt_decode(&table, &fadt));
	assert_int_equal(fadt.dsdt, 0x1000);
	assert_int_equal(fadt.pm1a_control.address, 0x604);
	assert_int_equal(fadt.pm1b_control.address, 0);
	assert_int_equal(fadt.reset.address, 0xcf9);
	assert_int_equal(fadt.reset_value, 6);
	assert_true(fadt.pm_timer_32);
	bytes[172] = ACPI_SPACE_MEMORY;
	put(bytes + 176, 0xfed80804, 8);
	put(bytes + 140, 0x123456789a, 8);
	assert_true(fadt_decode(&table, &fadt));
	assert_int_equal(fadt.pm1a_control.address, 0xfed80804);
	assert_int_equal(fadt.pm1a_control.space, ACPI_SPACE_MEMORY);
	assert_int_equal(fadt.dsdt, 0x123456789a);
	table.size = 116; /* version 1: the later fields are not there */
	assert_true(fadt_decode(&table, &fadt));
	assert_int_equal(fadt.reset.address, 0);
	assert_int_equal(fadt.pm1a_control.address, 0x604);
	table.size = 115;
	assert_false(fadt_decode(&table, &fadt));
}

static void test_s5(void **state)
{
	(void)state;
	static const uint8_t qemu[] = {0x08, '_', 'S', '5', '_', 0x12, 6, 4, 0, 0, 0, 0};
	static const uint8_t bytes_form[] = {0x08, '_', 'S',  '5', '_',	 0x12, 0x40,
					     1,	   4,	0x0a, 5,   0x0a, 7,    0};
	uint8_t memory[64] = {0};
	uint8_t type[2] = {9, 9};
	struct acpi_table dsdt = {memory, 36 + sizeof(qemu)};

	memcpy(memory + 36, qemu, sizeof(qemu));
	assert_true(dsdt_find_s5(&dsdt, type));
	assert_true(type[0] == 0 && type[1] == 0);
	memcpy(memory + 36, bytes_form, sizeof(bytes_form));
	dsdt.size = 36 + sizeof(bytes_form);
	assert_true(dsdt_find_s5(&dsdt, type));
	assert_true(type[0] == 5 && type[1] == 7);
	memory[45] = 0x70; /* a name instead of a number */
	assert_false(dsdt_find_s5(&dsdt, type));
	/* Cut at every length: found, or not, but never read beyond. */
	for (uint32_t size = 0; size <= sizeof(qemu); size++) {
		uint8_t *cut = malloc(36 + size);

		memset(cut, 0, 36);
		memcpy(cut + 36, qemu, size);
		dsdt_find_s5(&(struct acpi_table){cut, 36 + size}, type);
		free(cut);
	}
}

static void test_spcr_and_hpet(void **state)
{
	(void)state;
	uint8_t *bytes = table_make(0x400, "SPCR", 80);
	struct acpi_table table = {bytes, 80};
	struct acpi_serial serial;

	bytes[36] = 0;
	bytes[40] = ACPI_SPACE_MEMORY;
	bytes[41] = 32;
	put(bytes + 44, 0xfe030000, 8);
	bytes[52] = 2;
	put(bytes + 54, 33, 4);
	bytes[58] = 7;
	assert_true(spcr_decode(&table, &serial));
	assert_int_equal(serial.base.address, 0xfe030000);
	assert_int_equal(serial.baud, 115200);
	assert_true(serial.has_irq && serial.gsi == 33);
	bytes[58] = 200;
	assert_true(spcr_decode(&table, &serial));
	assert_int_equal(serial.baud, 0);
	bytes[36] = 3; /* an Arm PL011 */
	assert_false(spcr_decode(&table, &serial));
	assert_false(spcr_decode(&(struct acpi_table){0}, &serial));
	assert_int_equal(hpet_address(&table), 0xfe030000);
	assert_int_equal(hpet_address(&(struct acpi_table){0}), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_pointer),
		cmocka_unit_test(test_damaged_tables_do_not_exist),
		cmocka_unit_test(test_madt),
		cmocka_unit_test(test_fadt),
		cmocka_unit_test(test_s5),
		cmocka_unit_test(test_spcr_and_hpet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
