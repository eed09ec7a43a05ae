/* SPDX-License-Identifier: MIT */
/* What a guest on Arm is told of its machine: device tree, ACPI, and what UEFI leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libfdt.h>

#include <firmware/acpi_tables.h>
#include <firmware/fdt.h>
#include <firmware/firmware.h>
#include <firmware/platform.h>
#include <firmware/uefi.h>

#include "loader_fixture.h"

extern const unsigned char dsdt_aml[], vmbus_aml[];
extern const size_t dsdt_aml_size, vmbus_aml_size;

#define MEMORY MIB(64)

static const struct firmware_config plain = {
	.acpi = {.vp_count = 3},
	.cmdline = "console=ttyAMA0 quiet",
	.initrd = 0x42000000,
	.initrd_size = 0x1234,
};

static struct firmware_config config_of(uint32_t vps, bool hyperv)
{
	struct firmware_config config = plain;

	config.acpi.vp_count = vps;
	config.acpi.hyperv = hyperv;
	config.acpi.dsdt = dsdt_aml;
	config.acpi.dsdt_size = dsdt_aml_size;
	config.acpi.ssdt = hyperv ? vmbus_aml : NULL;
	config.acpi.ssdt_size = vmbus_aml_size;
	return config;
}

/* Writes all of it, and gives the tree as the guest sees it. */
static const void *tree_of(struct machine *machine, const struct firmware_config *config)
{
	gpa_t gpa;
	const void *fdt;

	assert_true(machine_open(machine, MEMORY));
	assert_int_equal(firmware_write(&machine->memory, &machine->layout, config, &gpa),
			 STATUS_OK);
	/* Documentation/arm64/booting: 8 bytes, and within 2 MiB. */
	assert_int_equal(gpa, LAYOUT_RAM_BASE + MEMORY - MIB(2));
	fdt = guest_memory_pointer(&machine->memory, gpa, MIB(1));
	assert_non_null(fdt);
	assert_int_equal(fdt_check_full(fdt, MIB(1)), 0);
	return fdt;
}

static int node(const void *fdt, const char *path)
{
	int offset = fdt_path_offset(fdt, path);

	if (offset < 0)
		fail_msg("no node %s", path);
	return offset;
}

static uint64_t number(const void *fdt, const char *path, const char *name)
{
	int length;
	const void *value = fdt_getprop(fdt, node(fdt, path), name, &length);

	assert_non_null(value);
	assert_true(length == 4 || length == 8);
	return length == 4 ? fdt32_ld(value) : fdt64_ld(value);
}

static uint32_t word(const void *fdt, const char *path, const char *name, unsigned int n)
{
	int length;
	const fdt32_t *value = fdt_getprop(fdt, node(fdt, path), name, &length);

	assert_non_null(value);
	assert_true((unsigned int)length >= 4 * (n + 1));
	return fdt32_ld(value + n);
}

static const char *string(const void *fdt, const char *path, const char *name)
{
	const char *value = fdt_getprop(fdt, node(fdt, path), name, NULL);

	assert_non_null(value);
	return value;
}

/* ---- device tree ---- */

static void tree(void **state)
{
	struct firmware_config config = config_of(3, false);
	struct machine machine;
	const void *fdt = tree_of(&machine, &config);

	(void)state;
	assert_string_equal(string(fdt, "/chosen", "bootargs"), "console=ttyAMA0 quiet");
	assert_int_equal(number(fdt, "/chosen", "linux,initrd-start"), 0x42000000);
	assert_int_equal(number(fdt, "/chosen", "linux,initrd-end"), 0x42001234);
	assert_int_equal(word(fdt, "/memory@40000000", "reg", 1), 0x40000000);
	assert_int_equal(word(fdt, "/memory@40000000", "reg", 3), MEMORY - MIB(2));
	assert_int_equal(number(fdt, "/cpus/cpu@2", "reg"), 2);
	assert_string_equal(string(fdt, "/cpus/cpu@0", "enable-method"), "psci");
	assert_string_equal(string(fdt, "/psci", "method"), "hvc");
	assert_true(fdt_path_offset(fdt, "/cpus/cpu@3") < 0);
	/* stdout-path leads to the serial port, and interrupts to the controller. */
	assert_string_equal(string(fdt, string(fdt, "/chosen", "stdout-path"), "compatible"),
			    "arm,pl011");
	assert_int_equal(word(fdt, "/pl011@9000000", "interrupts", 1), 1);
	assert_int_equal(word(fdt, "/pl061@9030000", "interrupts", 1), 7);
	assert_int_equal(
		fdt_node_offset_by_phandle(fdt, (uint32_t)number(fdt, "/", "interrupt-parent")),
		node(fdt, "/interrupt-controller@8000000"));
	assert_int_equal(word(fdt, "/interrupt-controller@8000000", "reg", 5), 0x080a0000);
	assert_int_equal(word(fdt, "/interrupt-controller@8000000", "reg", 7), 3 * 0x20000);
	assert_int_equal(
		fdt_node_offset_by_phandle(fdt, word(fdt, "/gpio-keys/poweroff", "gpios", 0)),
		node(fdt, "/pl061@9030000"));
	assert_int_equal(word(fdt, "/timer", "interrupts", 7), 11);
	machine_close(&machine);
}

/* Sixteen VPs share the lowest level of affinity; many need another place for their redistributors. */
static void many_vps(void **state)
{
	struct firmware_config config = config_of(PLATFORM_GICR_MANY, false);
	struct machine machine;
	const void *fdt = tree_of(&machine, &config);

	(void)state;
	assert_int_equal(number(fdt, "/cpus/cpu@10f", "reg"), 0x10f);
	assert_int_equal(number(fdt, "/cpus/cpu@ff0f", "reg"), 0xff0f);
	assert_int_equal(word(fdt, "/interrupt-controller@8000000", "reg", 5), 0x10000000);
	machine_close(&machine);
	/* Above that the controller has no room. */
	config.acpi.vp_count++;
	{
		gpa_t gpa;

		assert_true(machine_open(&machine, MEMORY));
		assert_int_not_equal(
			firmware_write(&machine.memory, &machine.layout, &config, &gpa), STATUS_OK);
		machine_close(&machine);
	}
}

/* Linux takes the ACPI tables of a tree that has no devices. */
static void stub(void **state)
{
	struct firmware_config config = config_of(1, true);
	struct machine machine;
	const void *fdt = tree_of(&machine, &config);
	int first = fdt_first_subnode(fdt, 0);

	(void)state;
	assert_string_equal(fdt_get_name(fdt, first, NULL), "chosen");
	assert_true(fdt_next_subnode(fdt, first) < 0);
	assert_null(fdt_getprop(fdt, first, "stdout-path", NULL));
	machine_close(&machine);
}

static void tree_too_large(void **state)
{
	const struct fdt_config config = {.vp_count = 1, .cmdline = "x"};
	uint8_t buffer[512];

	(void)state;
	assert_int_equal(fdt_build(&config, buffer, sizeof(buffer)), STATUS_TOO_LARGE);
	assert_int_equal(fdt_build(&config, buffer, 0), STATUS_TOO_LARGE);
}

/* ---- UEFI and ACPI ---- */

static const void *at(const struct machine *machine, gpa_t gpa, uint64_t size)
{
	const void *host = guest_memory_pointer(&machine->memory, gpa, size);

	assert_non_null(host);
	return host;
}

static uint8_t sum(const void *data, size_t size)
{
	uint8_t total = 0;

	for (size_t i = 0; i < size; i++)
		total += ((const uint8_t *)data)[i];
	return total;
}

/* By the way that a guest goes: chosen, system table, list of tables. */
static gpa_t rsdp_find(const struct machine *machine, const void *fdt)
{
	static const uint8_t guid[16] = {0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
					 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81};
	const uint8_t *system = at(machine, number(fdt, "/chosen", "linux,uefi-system-table"), 120);
	uint64_t count, tables, table;

	assert_memory_equal(system, "IBI SYST", 8);
	memcpy(&count, system + 104, 8);
	memcpy(&tables, system + 112, 8);
	for (uint64_t i = 0; i < count; i++) {
		const uint8_t *entry = at(machine, tables + 24 * i, 24);

		memcpy(&table, entry + 16, 8);
		if (memcmp(entry, guid, sizeof(guid)) == 0)
			return table;
	}
	fail_msg("ACPI is not in the list");
	return 0;
}

static const struct acpi_header *table_find(const struct machine *machine, gpa_t rsdp_gpa,
					    const char *signature)
{
	const struct acpi_rsdp *rsdp = at(machine, rsdp_gpa, sizeof(*rsdp));
	const struct acpi_header *xsdt = at(machine, rsdp->xsdt, sizeof(*xsdt));

	assert_memory_equal(rsdp->signature, "RSD PTR ", 8);
	assert_int_equal(sum(rsdp, sizeof(*rsdp)), 0);
	for (size_t i = 0; i < (xsdt->length - sizeof(*xsdt)) / 8; i++) {
		const struct acpi_header *header;
		uint64_t gpa;

		memcpy(&gpa, (const uint8_t *)(xsdt + 1) + 8 * i, 8);
		header = at(machine, gpa, sizeof(*header));
		assert_int_equal(sum(at(machine, gpa, header->length), header->length), 0);
		if (memcmp(header->signature, signature, 4) == 0)
			return header;
	}
	return NULL;
}

static void acpi(void **state)
{
	struct firmware_config config = config_of(20, true);
	struct machine machine;
	const void *fdt = tree_of(&machine, &config);
	gpa_t rsdp = rsdp_find(&machine, fdt);
	const struct acpi_fadt *fadt = (const void *)table_find(&machine, rsdp, "FACP");
	const struct acpi_gtdt *gtdt = (const void *)table_find(&machine, rsdp, "GTDT");
	const struct acpi_spcr *spcr = (const void *)table_find(&machine, rsdp, "SPCR");
	const struct acpi_madt *madt = (const void *)table_find(&machine, rsdp, "APIC");
	const struct acpi_header *dsdt;
	unsigned int gicc = 0, gicd = 0, gicr = 0;

	(void)state;
	assert_memory_equal(fadt->hypervisor_vendor, "MsHyperV", 8);
	assert_int_equal(fadt->arm_boot_architecture, 3);
	assert_true(fadt->flags & BIT(20));
	dsdt = at(&machine, fadt->x_dsdt, dsdt_aml_size);
	assert_memory_equal(dsdt, dsdt_aml, dsdt_aml_size);
	assert_int_equal(gtdt->virtual_gsi, 27);
	assert_int_equal(spcr->base.address, 0x09000000);
	assert_int_equal(spcr->gsi, 33);
	assert_non_null(table_find(&machine, rsdp, "SSDT"));
	for (size_t offset = sizeof(*madt); offset < madt->header.length;) {
		const uint8_t *entry = (const uint8_t *)madt + offset;

		assert_true(entry[1] >= 2);
		if (entry[0] == ACPI_MADT_GICC) {
			struct acpi_madt_gicc c;

			memcpy(&c, entry, sizeof(c));
			assert_int_equal(c.uid, gicc);
			assert_int_equal(c.mpidr, (gicc & 15) | gicc >> 4 << 8);
			gicc++;
		}
		gicd += entry[0] == ACPI_MADT_GICD;
		gicr += entry[0] == ACPI_MADT_GICR;
		offset += entry[1];
	}
	assert_int_equal(gicc, 20);
	assert_int_equal(gicd, 1);
	assert_int_equal(gicr, 1);
	machine_close(&machine);
}

static void acpi_of_no_hyperv(void **state)
{
	struct firmware_config config = config_of(1, false);
	struct machine machine;
	gpa_t rsdp = rsdp_find(&machine, tree_of(&machine, &config));
	const struct acpi_fadt *fadt = (const void *)table_find(&machine, rsdp, "FACP");

	(void)state;
	assert_memory_equal(fadt->hypervisor_vendor, "TRIVET\0\0", 8);
	assert_null(table_find(&machine, rsdp, "SSDT"));
	machine_close(&machine);
}

/* The map has all RAM, in order. */
static void memory_map(void **state)
{
	struct firmware_config config = config_of(1, false);
	struct machine machine;
	const void *fdt = tree_of(&machine, &config);
	uint64_t size = number(fdt, "/chosen", "linux,uefi-mmap-size");
	const uint8_t *map = at(&machine, number(fdt, "/chosen", "linux,uefi-mmap-start"), size);
	gpa_t next = LAYOUT_RAM_BASE;

	(void)state;
	assert_int_equal(number(fdt, "/chosen", "linux,uefi-mmap-desc-size"), 40);
	assert_int_equal(size % 40, 0);
	for (uint64_t offset = 0; offset < size; offset += 40) {
		uint64_t start, pages;

		memcpy(&start, map + offset + 8, 8);
		memcpy(&pages, map + offset + 24, 8);
		assert_int_equal(start, next);
		next += pages * PAGE_SIZE;
	}
	assert_int_equal(next, LAYOUT_RAM_BASE + MEMORY);
	machine_close(&machine);
}

static void wrong_tables(void **state)
{
	struct firmware_config config = config_of(1, false);
	struct acpi_config acpi_config = config.acpi;
	uint8_t area[4096] = {0};
	size_t used;

	(void)state;
	acpi_config.vp_count = 0;
	assert_int_equal(acpi_build(&acpi_config, 0, area, sizeof(area), &used),
			 STATUS_INVALID_ARGUMENT);
	acpi_config.vp_count = 1;
	acpi_config.dsdt_size--;
	assert_int_equal(acpi_build(&acpi_config, 0, area, sizeof(area), &used),
			 STATUS_INVALID_ARGUMENT);
	acpi_config = config.acpi;
	acpi_config.vp_count = 64;
	assert_int_equal(acpi_build(&acpi_config, 0, area, sizeof(area), &used), STATUS_TOO_LARGE);
	acpi_config.vp_count = UINT32_MAX;
	assert_int_equal(acpi_build(&acpi_config, 0, area, sizeof(area), &used), STATUS_TOO_LARGE);
}

static void layouts(void **state)
{
	struct memory_layout layout;

	(void)state;
	assert_int_equal(memory_layout_build(&layout, MIB(16) - PAGE_SIZE),
			 STATUS_INVALID_ARGUMENT);
	assert_int_equal(memory_layout_build(&layout, MIB(16) + 1), STATUS_MISALIGNED);
	assert_int_equal(memory_layout_build(&layout, BIT(48)), STATUS_TOO_LARGE);
	assert_int_equal(memory_layout_build(&layout, 0), STATUS_INVALID_ARGUMENT);
	assert_int_equal(memory_layout_build(&layout, GIB(5)), STATUS_OK);
	assert_int_equal(memory_layout_firmware(&layout), LAYOUT_RAM_BASE + GIB(5) - MIB(2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree),	      cmocka_unit_test(many_vps),
		cmocka_unit_test(stub),	      cmocka_unit_test(tree_too_large),
		cmocka_unit_test(acpi),	      cmocka_unit_test(acpi_of_no_hyperv),
		cmocka_unit_test(memory_map), cmocka_unit_test(wrong_tables),
		cmocka_unit_test(layouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
