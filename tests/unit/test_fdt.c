/* SPDX-License-Identifier: MIT */
/* The device tree's reader, and what the machine is by it: a tree as QEMU's virt has it, and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fdt_builder.h"
#include <arch/machine.h>

#define TREE_BASE 0x48000000ull

static struct builder builder;
static struct machine machine;

/* What a tree of the test has otherwise than most. */
struct variant {
	const char *gic, *stdout_path, *method, *bootargs;
	uint32_t initrd_start, initrd_end;
	bool no_memory, no_timer, no_second;
};
static const struct variant usual = {
	.gic = "arm,gic-v3",
	.stdout_path = "/soc/serial@9000000:115200n8",
	.method = "smc",
	.bootargs = "loglevel=debug x",
	.initrd_start = 0x50000000,
	.initrd_end = 0x50001234,
};

static void cpus_build(struct builder *b)
{
	node_begin(b, "cpus");
	CELLS(b, "#address-cells", 1);
	CELLS(b, "#size-cells", 0);
	node_begin(b, "cpu-map");
	node_end(b);
	for (uint32_t i = 0; i < 3; i++) {
		node_begin(b, "cpu@0");
		property_string(b, "device_type", "cpu");
		CELLS(b, "reg", i << 8 | 1);
		property_string(b, "enable-method", i == 1 ? "spin-table" : "psci");
		node_end(b);
	}
	node_end(b);
}

static void soc_build(struct builder *b, const struct variant *v)
{
	node_begin(b, "soc");
	CELLS(b, "#address-cells", 1);
	CELLS(b, "#size-cells", 1);
	CELLS(b, "ranges", 0, 0, 0x8000000, 0x8000000);
	node_begin(b, "serial@1000000"); /* 0x9000000 to the processor */
	property(b, "compatible", "arm,pl011\0arm,primecell", 24);
	if (v->no_second)
		property_string(b, "status", "disabled");
	CELLS(b, "reg", 0x1000000, 0x1000);
	CELLS(b, "interrupts", 0, 1, 4);
	node_end(b);
	node_begin(b, "serial@9000000");
	property_string(b, "compatible", "ns16550a");
	CELLS(b, "reg", 0x2000000, 0x1000);
	CELLS(b, "reg-shift", 2);
	CELLS(b, "reg-io-width", 4);
	CELLS(b, "interrupts", 0, 7, 4);
	CELLS(b, "clock-frequency", 1843200 * 4);
	node_end(b);
	node_begin(b, "intc@8000000");
	property_string(b, "compatible", v->gic);
	CELLS(b, "#redistributor-regions", 2);
	CELLS(b, "reg", 0, 0x10000, 0xa0000, 0xf60000, 0x2000000, 0x20000);
	node_end(b);
	node_begin(b, "rtc");
	property_string(b, "compatible", "arm,pl031");
	CELLS(b, "reg", 0x2010000, 0x1000);
	node_end(b);
	node_end(b);
}

/* As QEMU's virt has it, but for its first bus. */
static void pci_build(struct builder *b)
{
	node_begin(b, "pcie@10000000");
	property_string(b, "compatible", "pci-host-ecam-generic");
	CELLS(b, "#address-cells", 3);
	CELLS(b, "#size-cells", 2);
	CELLS(b, "bus-range", 1, 0xff);
	CELLS(b, "reg", 0x40, 0x10000000, 0, 0x10000000);
	CELLS(b, "ranges", 0x1000000, 0, 0, 0, 0x3eff0000, 0, 0x10000, 0x2000000, 0, 0x10000000, 0,
	      0x10000000, 0, 0x2eff0000, 0x3000000, 0x80, 0, 0x80, 0, 0x80, 0);
	node_end(b);
}

static void tree_build(struct builder *b, const struct variant *v)
{
	builder_start(b);
	builder_reserve(b, 0x41000000, 0x1001);
	node_begin(b, "");
	CELLS(b, "#address-cells", 2);
	CELLS(b, "#size-cells", 2);
	property_string(b, "compatible", "linux,dummy-virt");
	node_begin(b, "chosen");
	property_string(b, "bootargs", v->bootargs);
	property_string(b, "stdout-path", v->stdout_path);
	CELLS(b, "linux,initrd-start", v->initrd_start);
	CELLS(b, "linux,initrd-end", 0, v->initrd_end);
	node_end(b);
	node_begin(b, "aliases");
	property_string(b, "serial0", "/soc/serial@1000000");
	node_end(b);
	if (!v->no_memory) {
		node_begin(b, "memory@40000000");
		property_string(b, "device_type", "memory");
		CELLS(b, "reg", 0, 0x40000000, 0, 0x40000800, 1, 0, 0, 0x100000, 0x7f, 0, 0,
		      0x1000);
		node_end(b);
	}
	node_begin(b, "reserved-memory");
	CELLS(b, "#address-cells", 2);
	CELLS(b, "#size-cells", 2);
	property(b, "ranges", NULL, 0);
	node_begin(b, "secure@60000000");
	CELLS(b, "reg", 0, 0x60000800, 0, 0x1000);
	property(b, "no-map", NULL, 0);
	node_end(b);
	node_end(b);
	cpus_build(b);
	node_begin(b, "psci");
	property(b, "compatible", "arm,psci-1.0\0arm,psci-0.2", 26);
	property_string(b, "method", v->method);
	node_end(b);
	if (!v->no_timer) {
		node_begin(b, "timer");
		property(b, "compatible", "arm,armv8-timer\0arm,armv7-timer", 32);
		CELLS(b, "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
		node_end(b);
	}
	soc_build(b, v);
	pci_build(b);
	node_end(b);
	builder_end(b);
}

static status_t decode(const struct variant *v)
{
	struct fdt fdt;

	tree_build(&builder, v);
	assert_int_equal(fdt_open(&fdt, builder.data, BUILDER_SIZE), STATUS_OK);
	return machine_decode(&fdt, TREE_BASE, NULL, &machine);
}

/* ---- the reader ---- */

static void test_nodes(void **state)
{
	struct fdt fdt;
	uint32_t soc, serial, node = 0, count = 0;
	struct fdt_value value;
	uint64_t number, size;

	(void)state;
	tree_build(&builder, &usual);
	assert_int_equal(fdt_open(&fdt, builder.data, BUILDER_SIZE), STATUS_OK);
	while ((node = fdt_next(&fdt, node)))
		count++;
	assert_int_equal(count, 19);
	soc = fdt_child(&fdt, fdt.root, "soc", 3);
	assert_string_equal(fdt_name(&fdt, soc), "soc");
	assert_int_equal(fdt_parent(&fdt, soc), fdt.root);
	assert_int_equal(fdt_parent(&fdt, fdt.root), 0);
	serial = fdt_child(&fdt, soc, "serial", 6);
	assert_string_equal(fdt_name(&fdt, serial), "serial@1000000");
	assert_int_equal(fdt_child(&fdt, soc, "seria", 5), 0);
	assert_int_equal(fdt_find(&fdt, "/soc/serial@1000000", 19), serial);
	assert_int_equal(fdt_find(&fdt, "serial0", 7), serial);
	assert_int_equal(fdt_find(&fdt, "serial1", 7), 0);
	assert_int_equal(fdt_find(&fdt, "/soc/none", 9), 0);
	assert_int_equal(fdt_find(&fdt, "/", 1), fdt.root);
	assert_int_equal(fdt_next_child(&fdt, serial, 0), 0);
	assert_true(fdt_is_compatible(&fdt, serial, "arm,primecell"));
	assert_false(fdt_is_compatible(&fdt, serial, "arm,prime"));
	assert_false(fdt_property(&fdt, serial, "status", &value));
	assert_true(fdt_property(&fdt, serial, "interrupts", &value));
	assert_int_equal(value.size, 12);
	assert_true(fdt_cells(&value, 1, 2, &number));
	assert_int_equal(number, 0x100000004);
	assert_false(fdt_cells(&value, 2, 2, &number));
	assert_true(fdt_reg(&fdt, serial, 0, &number, &size));
	assert_int_equal(number, 0x9000000);
	assert_int_equal(size, 0x1000);
	assert_false(fdt_reg(&fdt, serial, 1, &number, &size));
	assert_true(fdt_reservation(&fdt, 0, &number, &size));
	assert_int_equal(number, 0x41000000);
	assert_false(fdt_reservation(&fdt, 1, &number, &size));
}

/* Whatever is asked of a tree that has been opened. */
static void use_all(const struct fdt *fdt)
{
	struct machine_uart uart;
	struct machine_cpu cpu;
	uint32_t node = 0;

	if (machine_decode(fdt, TREE_BASE, NULL, &machine) == STATUS_OK)
		assert_true(machine.memory.count);
	(void)machine_console(fdt, &uart);
	while (machine_next_cpu(fdt, &node, &cpu))
		;
}

/* In memory of just that size, whose end the sanitizer watches. */
static void test_every_size(void **state)
{
	(void)state;
	tree_build(&builder, &usual);
	for (uint32_t size = 0; size < BUILDER_SIZE; size += size < 512 ? 1 : 7) {
		uint8_t *copy = malloc(size);
		struct fdt fdt;

		memcpy(copy, builder.data, size);
		assert_int_equal(fdt_open(&fdt, copy, size), STATUS_TRUNCATED);
		free(copy);
	}
}

/* Each byte is something else in turn: it is refused, or can be used. */
static void test_every_byte(void **state)
{
	static const uint8_t others[] = {0x01, 0x80, 0xff};
	uint8_t *copy = malloc(BUILDER_SIZE);
	uint32_t opened = 0;

	(void)state;
	tree_build(&builder, &usual);
	memcpy(copy, builder.data, BUILDER_SIZE);
	for (uint32_t at = 0; at < builder.strings; at++) {
		if (at >= builder.at && at < BUILDER_STRINGS)
			continue;
		for (uint32_t i = 0; i < sizeof(others); i++) {
			struct fdt fdt;

			copy[at] ^= others[i];
			if (fdt_open(&fdt, copy, BUILDER_SIZE) == STATUS_OK) {
				use_all(&fdt);
				opened++;
			}
			copy[at] ^= others[i];
		}
	}
	assert_true(opened > 1000);
	free(copy);
}

static void test_wrong_headers(void **state)
{
	struct fdt fdt;

	(void)state;
	tree_build(&builder, &usual);
	put32(builder.data, 0xd00dfeee);
	assert_int_equal(fdt_open(&fdt, builder.data, BUILDER_SIZE), STATUS_BAD_FORMAT);
	assert_int_equal(fdt_size(builder.data), 0);
	tree_build(&builder, &usual);
	put32(builder.data + 20, 16);
	assert_int_equal(fdt_open(&fdt, builder.data, BUILDER_SIZE), STATUS_NOT_SUPPORTED);
	tree_build(&builder, &usual);
	put32(builder.data + 8, BUILDER_STRUCTURE + 2);
	assert_int_equal(fdt_open(&fdt, builder.data, BUILDER_SIZE), STATUS_BAD_FORMAT);
	tree_build(&builder, &usual);
	put32(builder.data + 12, UINT32_MAX - 8);
	assert_int_equal(fdt_open(&fdt, builder.data, BUILDER_SIZE), STATUS_TRUNCATED);
}

/* A tree of nodes only, one in the other. */
static status_t depth_open(uint32_t depth)
{
	struct fdt fdt;

	builder_start(&builder);
	for (uint32_t i = 0; i < depth; i++)
		node_begin(&builder, i ? "n" : "");
	for (uint32_t i = 0; i < depth; i++)
		node_end(&builder);
	builder_end(&builder);
	return fdt_open(&fdt, builder.data, BUILDER_SIZE);
}

static void test_structure(void **state)
{
	struct fdt fdt;

	(void)state;
	assert_int_equal(depth_open(FDT_DEPTH_MAX), STATUS_OK);
	assert_int_equal(depth_open(FDT_DEPTH_MAX + 1), STATUS_BAD_FORMAT);
	assert_int_equal(depth_open(0), STATUS_BAD_FORMAT);
	/* two roots */
	builder_start(&builder);
	for (int i = 0; i < 2; i++) {
		node_begin(&builder, "");
		node_end(&builder);
	}
	builder_end(&builder);
	assert_int_equal(fdt_open(&fdt, builder.data, BUILDER_SIZE), STATUS_BAD_FORMAT);
	/* a property behind a child, and outside of all */
	builder_start(&builder);
	node_begin(&builder, "");
	node_begin(&builder, "n");
	node_end(&builder);
	property_string(&builder, "p", "q");
	node_end(&builder);
	builder_end(&builder);
	assert_int_equal(fdt_open(&fdt, builder.data, BUILDER_SIZE), STATUS_BAD_FORMAT);
	/* an end too much, and one too few */
	builder_start(&builder);
	node_begin(&builder, "");
	node_end(&builder);
	node_end(&builder);
	builder_end(&builder);
	assert_int_equal(fdt_open(&fdt, builder.data, BUILDER_SIZE), STATUS_BAD_FORMAT);
	builder_start(&builder);
	node_begin(&builder, "");
	builder_end(&builder);
	assert_int_equal(fdt_open(&fdt, builder.data, BUILDER_SIZE), STATUS_BAD_FORMAT);
}

/* ---- the machine ---- */

static void range_is(uint32_t i, hpa_t base, uint64_t size, uint32_t kind)
{
	assert_int_equal(machine.memory.range[i].base, base);
	assert_int_equal(machine.memory.range[i].size, size);
	assert_int_equal(machine.memory.range[i].kind, kind);
}

static void test_machine(void **state)
{
	(void)state;
	assert_int_equal(decode(&usual), STATUS_OK);
	assert_string_equal(machine.command_line, "loglevel=debug x");
	assert_int_equal(machine.bundle_base, 0x50000000);
	assert_int_equal(machine.bundle_size, 0x1234);
	assert_int_equal(machine.memory.count, 8);
	range_is(0, 0x40000000, 0x1000000, MEMORY_RAM);
	range_is(1, 0x41000000, 0x2000, MEMORY_RESERVED);
	range_is(2, 0x41002000, 0x6ffe000, MEMORY_RAM);
	range_is(3, TREE_BASE, BUILDER_SIZE, MEMORY_ACPI);
	range_is(4, TREE_BASE + BUILDER_SIZE, 0x17ffe000, MEMORY_RAM);
	range_is(5, 0x60000000, 0x2000, MEMORY_RESERVED);
	range_is(6, 0x60002000, 0x1fffe000, MEMORY_RAM);
	range_is(7, 0x100000000, 0x100000, MEMORY_RAM);
	assert_int_equal(machine.ranges_dropped, 0);
	assert_int_equal(machine.memory.too_high, 0x1000); /* for the window to show it */
	assert_int_equal(machine.conduit, PSCI_SMC);
	assert_int_equal(machine.timer_interrupt, 26);
	assert_true(machine.gic.present);
	assert_int_equal(machine.gic.distributor.base, 0x8000000);
	assert_int_equal(machine.gic.region_count, 2);
	assert_int_equal(machine.gic.redistributors[0].base, 0x80a0000);
	assert_int_equal(machine.gic.redistributors[1].base, 0xa000000);
	assert_int_equal(machine.gic.redistributors[1].size, 0x20000);
	assert_int_equal(machine.clock.base, 0xa010000);
	/* the one that stdout-path names, not the first */
	assert_int_equal(machine.console.kind, UART_16550);
	assert_int_equal(machine.console.registers.base, 0xa000000);
	assert_int_equal(machine.console.shift, 2);
	assert_int_equal(machine.console.width, 4);
	assert_int_equal(machine.console.interrupt, 39);
}

/* Another than the console, wherever that is. */
static void test_second_line(void **state)
{
	struct variant v = usual;

	(void)state;
	assert_int_equal(decode(&v), STATUS_OK);
	assert_int_equal(machine.second.kind, UART_PL011);
	assert_int_equal(machine.second.registers.base, 0x9000000);
	assert_int_equal(machine.second.interrupt, 33);
	assert_int_equal(machine.second.divisor, 0);
	v.stdout_path = "serial0";
	assert_int_equal(decode(&v), STATUS_OK);
	assert_int_equal(machine.second.kind, UART_16550);
	assert_int_equal(machine.second.registers.base, 0xa000000);
	assert_int_equal(machine.second.divisor, 4);
	v = usual;
	v.no_second = true;
	assert_int_equal(decode(&v), STATUS_OK);
	assert_int_equal(machine.second.kind, UART_NONE);
}

static void test_pci(void **state)
{
	(void)state;
	assert_int_equal(decode(&usual), STATUS_OK);
	assert_int_equal(machine.pci.config.base, 0x4010000000);
	assert_int_equal(machine.pci.config.size, 0x10000000);
	assert_int_equal(machine.pci.first_bus, 1);
	assert_int_equal(machine.pci.window_count, 3);
	assert_true(machine.pci.windows[0].is_io);
	assert_int_equal(machine.pci.windows[0].from, 0);
	assert_int_equal(machine.pci.windows[0].base, 0x3eff0000);
	assert_int_equal(machine.pci.windows[0].size, 0x10000);
	assert_false(machine.pci.windows[2].is_io);
	assert_int_equal(machine.pci.windows[2].from, 0x8000000000);
}

static void test_cpus(void **state)
{
	static const uint64_t mpidr[] = {1, 0x101, 0x201};
	struct machine_cpu cpu;
	uint32_t node = 0;
	struct fdt fdt;

	(void)state;
	tree_build(&builder, &usual);
	assert_int_equal(fdt_open(&fdt, builder.data, BUILDER_SIZE), STATUS_OK);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(machine_next_cpu(&fdt, &node, &cpu));
		assert_int_equal(cpu.mpidr, mpidr[i]);
		assert_int_equal(cpu.usable, i != 1);
	}
	assert_false(machine_next_cpu(&fdt, &node, &cpu));
}

static void test_console(void **state)
{
	struct variant v = usual;

	(void)state;
	v.stdout_path = "serial0:9600";
	assert_int_equal(decode(&v), STATUS_OK);
	assert_int_equal(machine.console.kind, UART_PL011);
	assert_int_equal(machine.console.registers.base, 0x9000000);
	assert_int_equal(machine.console.interrupt, 33);
	v.stdout_path = "/soc/rtc"; /* no line at all: the first that is one */
	assert_int_equal(decode(&v), STATUS_OK);
	assert_int_equal(machine.console.kind, UART_PL011);
}

static void test_variants(void **state)
{
	struct variant v = usual;

	(void)state;
	v.gic = "arm,cortex-a15-gic";
	assert_int_equal(decode(&v), STATUS_OK);
	assert_false(machine.gic.present);
	assert_true(machine.gic.old);
	v = usual;
	v.method = "hvc";
	assert_int_equal(decode(&v), STATUS_OK);
	assert_int_equal(machine.conduit, PSCI_HVC);
	v = usual;
	v.no_timer = true;
	assert_int_equal(decode(&v), STATUS_OK);
	assert_int_equal(machine.timer_interrupt, 0);
	v = usual;
	v.no_memory = true;
	assert_int_equal(decode(&v), STATUS_NOT_FOUND);
}

static void test_bundle(void **state)
{
	struct variant v = usual;

	(void)state;
	v.initrd_end = v.initrd_start;
	assert_int_equal(decode(&v), STATUS_OK);
	assert_int_equal(machine.bundle_size, 0);
	v.initrd_end = v.initrd_start - 1;
	assert_int_equal(decode(&v), STATUS_BAD_FORMAT);
	v.initrd_start = 0x5ffff000; /* into what is reserved */
	v.initrd_end = 0x60000001;
	assert_int_equal(decode(&v), STATUS_BAD_FORMAT);
	v.initrd_start = 0x10000000; /* no RAM */
	v.initrd_end = 0x10001000;
	assert_int_equal(decode(&v), STATUS_BAD_FORMAT);
}

static void test_command_line(void **state)
{
	static char words[COMMAND_LINE_MAX + 100];
	struct variant v = usual;

	(void)state;
	memset(words, 'w', sizeof(words) - 1);
	v.bootargs = words;
	assert_int_equal(decode(&v), STATUS_OK);
	assert_true(machine.command_line_cut);
	assert_int_equal(strlen(machine.command_line), COMMAND_LINE_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes),	     cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_every_byte),   cmocka_unit_test(test_wrong_headers),
		cmocka_unit_test(test_structure),    cmocka_unit_test(test_machine),
		cmocka_unit_test(test_cpus),	     cmocka_unit_test(test_console),
		cmocka_unit_test(test_variants),     cmocka_unit_test(test_bundle),
		cmocka_unit_test(test_command_line), cmocka_unit_test(test_second_line),
		cmocka_unit_test(test_pci),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
