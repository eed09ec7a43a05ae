/* SPDX-License-Identifier: MIT */
/* What ACPI says of an AArch64 machine: tables as QEMU's virt has them, and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <arch/acpi.h>

#define ARENA_SIZE 4096u
#define RSDP	   0x10u
#define XSDT	   0x100u
#define MADT	   0x200u
#define FADT	   0x600u
#define GTDT	   0x800u
#define SPCR	   0xa00u
#define DBG2	   0xb00u

static uint8_t arena[ARENA_SIZE];
static struct machine machine;

const void *acpi_map(hpa_t base, uint64_t size)
{
	return range_within(base, size, ARENA_SIZE) ? arena + base : NULL;
}

static void put(uint32_t at, uint64_t value, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		arena[at + i] = (uint8_t)(value >> 8 * i);
}

static void seal(uint32_t at, uint32_t size, uint32_t sum_at)
{
	uint8_t sum = 0;

	arena[at + sum_at] = 0;
	for (uint32_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + arena[at + i]);
	arena[at + sum_at] = (uint8_t)-sum;
}

static void table_begin(uint32_t at, const char *signature, uint32_t size)
{
	memset(arena + at, 0, size);
	memcpy(arena + at, signature, 4);
	put(at + 4, size, 4);
}

static void table_end(uint32_t at)
{
	seal(at, (uint32_t)(arena[at + 4] | arena[at + 5] << 8), 9);
}

static void cpu_put(uint32_t at, uint64_t mpidr, uint32_t flags, uint64_t gicr)
{
	put(at, 80 << 8 | 0x0b, 2);
	put(at + 12, flags, 4);
	put(at + 60, gicr, 8);
	put(at + 68, mpidr, 8);
}

/* Three CPUs, of which the second is not enabled. version: of the GIC; regions: or each CPU has its own. */
static void madt_build(uint32_t version, bool regions)
{
	uint32_t at = MADT + 44, size = 44 + 24 + 3 * 80 + (regions ? 2 * 16 : 0);

	table_begin(MADT, "APIC", size);
	put(at, 24 << 8 | 0x0c, 2);
	put(at + 8, 0x8000000, 8);
	put(at + 20, version, 1);
	at += 24;
	for (uint32_t i = 0; i < 3; i++, at += 80)
		cpu_put(at, i << 8, i != 1, regions ? 0 : 0x80a0000 + i * 0x20000);
	for (uint32_t i = 0; regions && i < 2; i++, at += 16) {
		put(at, 16 << 8 | 0x0e, 2);
		put(at + 4, 0x80a0000 + i * 0x1000000, 8);
		put(at + 12, 0xf60000, 4);
	}
	table_end(MADT);
}

static int setup(void **state)
{
	static const uint32_t tables[] = {FADT, MADT, GTDT, SPCR, DBG2};

	(void)state;
	memset(arena, 0, sizeof(arena));
	memset(&machine, 0, sizeof(machine));
	memcpy(arena + RSDP, "RSD PTR ", 8);
	put(RSDP + 24, XSDT, 8);
	seal(RSDP, 36, 32);
	table_begin(XSDT, "XSDT", 36 + sizeof(tables) / 4 * 8);
	for (uint32_t i = 0; i < ARRAY_SIZE(tables); i++)
		put(XSDT + 36 + i * 8, tables[i], 8);
	table_end(XSDT);
	madt_build(3, true);
	table_begin(FADT, "FACP", 276);
	put(FADT + 129, 1, 2);
	table_end(FADT);
	table_begin(GTDT, "GTDT", 96);
	put(GTDT + 72, 26, 4);
	table_end(GTDT);
	table_begin(SPCR, "SPCR", 80);
	put(SPCR + 36, 3, 1);
	put(SPCR + 41, 32, 1);
	put(SPCR + 43, 3, 1);
	put(SPCR + 44, 0x9000000, 8);
	put(SPCR + 52, 8, 1);
	put(SPCR + 54, 33, 4);
	table_end(SPCR);
	return 0;
}

static void test_machine(void **state)
{
	struct machine_cpu cpu;
	uint32_t at = 0;

	(void)state;
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_OK);
	assert_true(machine.gic.present);
	assert_int_equal(machine.gic.distributor.base, 0x8000000);
	assert_int_equal(machine.gic.region_count, 2);
	assert_int_equal(machine.gic.redistributors[1].base, 0x90a0000);
	assert_int_equal(machine.gic.redistributors[1].size, 0xf60000);
	assert_int_equal(machine.conduit, PSCI_SMC);
	assert_int_equal(machine.timer_interrupt, 26);
	assert_int_equal(machine.console.kind, UART_PL011);
	assert_int_equal(machine.console.registers.base, 0x9000000);
	assert_int_equal(machine.console.interrupt, 33);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(acpi_next_cpu(&at, &cpu));
		assert_int_equal(cpu.mpidr, i << 8);
		assert_int_equal(cpu.usable, i != 1);
	}
	assert_false(acpi_next_cpu(&at, &cpu));
}

static void test_redistributors_of_cpus(void **state)
{
	(void)state;
	madt_build(4, false);
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_OK);
	assert_true(machine.gic.present);
	assert_int_equal(machine.gic.region_count, 2); /* of those that are enabled */
	assert_int_equal(machine.gic.redistributors[1].base, 0x80e0000);
	assert_int_equal(machine.gic.redistributors[1].size, 0x20000);
}

static void test_old_gic(void **state)
{
	(void)state;
	madt_build(2, true);
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_OK);
	assert_false(machine.gic.present);
	assert_true(machine.gic.old);
}

static void test_consoles(void **state)
{
	(void)state;
	put(SPCR + 36, 0x12, 1);
	put(SPCR + 43, 1, 1);
	put(SPCR + 52, 0, 1);
	table_end(SPCR);
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_OK);
	assert_int_equal(machine.console.kind, UART_16550);
	assert_int_equal(machine.console.width, 1);
	assert_int_equal(machine.console.shift, 2);
	assert_int_equal(machine.console.interrupt, 0);
	put(SPCR + 36, 0x77, 1); /* nobody's */
	table_end(SPCR);
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_OK);
	assert_int_equal(machine.console.kind, UART_NONE);
}

/* An item of DBG2, of 22 bytes, its address and its size; answers where the next begins. */
static uint32_t port_build(uint32_t at, uint32_t type, uint32_t subtype, hpa_t base)
{
	put(at + 1, 38, 2);
	put(at + 3, 1, 1);
	put(at + 12, type, 2);
	put(at + 14, subtype, 2);
	put(at + 18, 22, 2);
	put(at + 20, 34, 2);
	put(at + 22 + 1, 32, 1);
	put(at + 22 + 3, 3, 1);
	put(at + 22 + 4, base, 8);
	put(at + 34, 0x1000, 4);
	return at + 38;
}

static void test_second_line(void **state)
{
	uint32_t at;

	(void)state;
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_OK);
	assert_int_equal(machine.second.kind, UART_NONE);
	/* The console, a port of USB, and then one that is it. */
	table_begin(DBG2, "DBG2", 44 + 3 * 38);
	put(DBG2 + 36, 44, 4);
	put(DBG2 + 40, 3, 4);
	at = port_build(DBG2 + 44, 0x8000, 3, 0x9000000);
	at = port_build(at, 0x8002, 0, 0x9010000);
	(void)port_build(at, 0x8000, 0x12, 0x9020000);
	table_end(DBG2);
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_OK);
	assert_int_equal(machine.second.kind, UART_16550);
	assert_int_equal(machine.second.registers.base, 0x9020000);
	assert_int_equal(machine.second.width, 4);
	assert_int_equal(machine.second.shift, 2);
	assert_int_equal(machine.second.interrupt, 0);
	/* It is told that there are fewer; the address lies behind the end; an item has no size. */
	put(DBG2 + 40, 2, 4);
	table_end(DBG2);
	machine.second.kind = UART_NONE;
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_OK);
	assert_int_equal(machine.second.kind, UART_NONE);
	put(DBG2 + 40, UINT32_MAX, 4);
	put(at + 18, 27, 2);
	table_end(DBG2);
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_OK);
	assert_int_equal(machine.second.kind, UART_NONE);
	put(at + 18, 22, 2);
	put(DBG2 + 44 + 1, 0, 2);
	table_end(DBG2);
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_OK);
	assert_int_equal(machine.second.kind, UART_NONE);
}

static void test_damaged(void **state)
{
	(void)state;
	assert_int_equal(machine_decode_acpi(ARENA_SIZE - 8, &machine), STATUS_NOT_FOUND);
	assert_int_equal(machine_decode_acpi(RSDP + 1, &machine), STATUS_NOT_FOUND);
	arena[RSDP + 20]++;
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_BAD_FORMAT);
	arena[RSDP + 20]--;
	arena[MADT + 50]++; /* its sum is wrong: it does not exist */
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_BAD_FORMAT);
	arena[MADT + 50]--;
	put(MADT + 44 + 24 + 1, 0, 1); /* an item of no size ends the list */
	table_end(MADT);
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_OK);
	put(GTDT + 4, 70, 4); /* too short for the field */
	seal(GTDT, 70, 9);
	machine.timer_interrupt = 1;
	assert_int_equal(machine_decode_acpi(RSDP, &machine), STATUS_OK);
	assert_int_equal(machine.timer_interrupt, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_machine, setup),
		cmocka_unit_test_setup(test_redistributors_of_cpus, setup),
		cmocka_unit_test_setup(test_old_gic, setup),
		cmocka_unit_test_setup(test_consoles, setup),
		cmocka_unit_test_setup(test_second_line, setup),
		cmocka_unit_test_setup(test_damaged, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
