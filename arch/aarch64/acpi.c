/* SPDX-License-Identifier: MIT */
/* The firmware's static tables: finding, checking, decoding. Pure, but for acpi_map(). */
#include <arch/acpi.h>
#include <kernel/string.h>

#define RSDP_SIZE     36u
#define RSDP_XSDT     24u
#define HEADER_SIZE   36u
#define HEADER_LENGTH 4u
#define XSDT_ENTRY    8u

/* MADT, 5.2.12: what follows the header, and the items of a GIC. */
#define MADT_ITEMS	 44u
#define MADT_GICC	 0x0b
#define MADT_GICD	 0x0c
#define MADT_GICR	 0x0e
#define GICC_SIZE	 76u
#define GICC_FLAGS	 12u
#define GICC_GICR	 60u
#define GICC_MPIDR	 68u
#define GICC_ENABLED	 BIT(0)
#define GICC_CAPABLE	 BIT(3) /* can be switched on at run time */
#define GICD_SIZE	 24u
#define GICD_BASE	 8u
#define GICD_VERSION	 20u
#define GICR_SIZE	 16u
#define GICR_BASE	 4u
#define GICR_LENGTH	 12u
#define GIC_V3		 3u
#define FRAMES_SIZE	 0x20000u /* of one redistributor that has an entry of its own */
#define DISTRIBUTOR_SIZE 0x10000u

/* FADT, 5.2.9: ARM_BOOT_ARCH. */
#define FADT_ARM_BOOT 129u
#define ARM_BOOT_PSCI BIT(0)
#define ARM_BOOT_HVC  BIT(1)

/* GTDT, 5.2.25. */
#define GTDT_EL2_TIMER 72u

/* SPCR (Microsoft, Serial Port Console Redirection Table). */
#define SPCR_TYPE      36u
#define SPCR_SPACE     40u
#define SPCR_BITS      41u
#define SPCR_ACCESS    43u /* of an access: 3 is 32 bits */
#define SPCR_ADDRESS   44u
#define SPCR_INTERRUPT 52u
#define SPCR_GSIV      54u
#define SPCR_BY_GIC    BIT(3)
#define ACCESS_32      3u
#define UART_SIZE      0x1000u

/* DBG2 (Microsoft, Debug Port Table 2): where its items begin, and how many; and an item. */
#define DBG2_FIRST	  36u
#define DBG2_COUNT	  40u
#define DBG2_ITEM_SIZE	  22u
#define DBG2_LENGTH	  1u
#define DBG2_PORT_TYPE	  12u
#define DBG2_PORT_SUBTYPE 14u
#define DBG2_REGISTERS	  18u /* where its address stands in the item */
#define DBG2_SERIAL	  0x8000u
#define ADDRESS_SIZE	  12u /* of a generic address structure (ACPI, 5.2.3.2) */
#define ADDRESS_SPACE	  0u
#define ADDRESS_BITS	  1u
#define ADDRESS_ACCESS	  3u
#define ADDRESS_BASE	  4u

struct table {
	const uint8_t *bytes; /* NULL: there is none */
	uint32_t size;
};

static struct table madt;

/* ---- reading ---- */

static uint64_t read_little(const uint8_t *bytes, uint32_t count)
{
	uint64_t value = 0;

	while (count-- > 0)
		value = value << 8 | bytes[count];
	return value;
}

/* 0 where the table has no such field. */
static uint64_t field(const struct table *table, uint32_t offset, uint32_t count)
{
	return range_within(offset, count, table->size) ? read_little(table->bytes + offset, count)
							: 0;
}

static bool sum_is_zero(const uint8_t *bytes, uint32_t size)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return sum == 0;
}

static struct table table_at(hpa_t base, const char *signature)
{
	const uint8_t *bytes = acpi_map(base, HEADER_SIZE);
	struct table none = {0};
	uint32_t size;

	if (!bytes || memcmp(bytes, signature, 4) != 0)
		return none;
	size = (uint32_t)read_little(bytes + HEADER_LENGTH, 4);
	if (size < HEADER_SIZE || size > ACPI_TABLE_MAX)
		return none;
	bytes = acpi_map(base, size);
	if (!bytes || !sum_is_zero(bytes, size))
		return none;
	return (struct table){bytes, size};
}

static struct table table_find(const struct table *xsdt, const char *signature)
{
	struct table found = {0};

	for (uint32_t at = HEADER_SIZE; !found.bytes && range_within(at, XSDT_ENTRY, xsdt->size);
	     at += XSDT_ENTRY)
		found = table_at(field(xsdt, at, XSDT_ENTRY), signature);
	return found;
}

/* ---- MADT ---- */

/* The next whole item that is at least that long; *offset is of the one before, 0 at the start. */
static const uint8_t *item_next(uint32_t *offset, uint8_t kind, uint32_t least)
{
	uint32_t at = *offset ? *offset : MADT_ITEMS;

	while (range_within(at, 2, madt.size)) {
		const uint8_t *item = madt.bytes + at;
		uint32_t size = item[1];

		if (size < 2 || !range_within(at, size, madt.size))
			return NULL;
		*offset = at += size;
		if (item[0] == kind && size >= least)
			return item;
	}
	return NULL;
}

static bool cpu_is_enabled(const uint8_t *gicc)
{
	return gicc[GICC_FLAGS] & (GICC_ENABLED | GICC_CAPABLE);
}

static void region_add(struct machine_gic *gic, hpa_t base, uint64_t size)
{
	if (base && size && gic->region_count < GIC_REGIONS_MAX)
		gic->redistributors[gic->region_count++] = (struct device_range){base, size};
}

/* Redistributors stand in regions, or each CPU's entry has its own. */
static void redistributors_decode(struct machine_gic *gic)
{
	const uint8_t *item;
	uint32_t at = 0;

	while ((item = item_next(&at, MADT_GICR, GICR_SIZE)))
		region_add(gic, read_little(item + GICR_BASE, 8),
			   read_little(item + GICR_LENGTH, 4));
	if (gic->region_count)
		return;
	at = 0;
	while ((item = item_next(&at, MADT_GICC, GICC_SIZE)))
		if (cpu_is_enabled(item))
			region_add(gic, read_little(item + GICC_GICR, 8), FRAMES_SIZE);
}

static void gic_decode(struct machine_gic *gic)
{
	uint32_t at = 0;
	const uint8_t *item = item_next(&at, MADT_GICD, GICD_SIZE);

	if (!item)
		return;
	gic->distributor =
		(struct device_range){read_little(item + GICD_BASE, 8), DISTRIBUTOR_SIZE};
	redistributors_decode(gic);
	/* Version 0: the tables do not say it, but an older one has no redistributors. */
	gic->present = gic->region_count && (!item[GICD_VERSION] || item[GICD_VERSION] >= GIC_V3);
	gic->old = !gic->present;
}

bool acpi_next_cpu(uint32_t *offset, struct machine_cpu *cpu)
{
	const uint8_t *item = item_next(offset, MADT_GICC, GICC_SIZE);

	if (!item)
		return false;
	cpu->mpidr = read_little(item + GICC_MPIDR, 8);
	cpu->usable = item[GICC_FLAGS] & GICC_ENABLED;
	return true;
}

/* ---- the others ---- */

static uint32_t uart_kind(uint64_t type)
{
	switch (type) {
	case 0x00:
	case 0x01:
	case 0x12: return UART_16550;
	case 0x03:
	case 0x0d:
	case 0x0e: return UART_PL011;
	}
	return UART_NONE;
}

static void console_decode(const struct table *spcr, struct machine_uart *uart)
{
	hpa_t base = field(spcr, SPCR_ADDRESS, 8);

	if (!spcr->bytes || !base || field(spcr, SPCR_SPACE, 1) != 0)
		return;
	uart->kind = uart_kind(field(spcr, SPCR_TYPE, 1));
	uart->registers = (struct device_range){base, UART_SIZE};
	uart->width = field(spcr, SPCR_ACCESS, 1) == ACCESS_32 ? 4 : 1;
	uart->shift = field(spcr, SPCR_BITS, 1) == 32 ? 2 : 0;
	if (field(spcr, SPCR_INTERRUPT, 1) & SPCR_BY_GIC)
		uart->interrupt = (uint32_t)field(spcr, SPCR_GSIV, 4);
}

/* A serial port in memory that is not the console. */
static bool second_decode(const struct table *dbg2, uint32_t item, struct machine *machine)
{
	uint32_t at = item + (uint32_t)field(dbg2, item + DBG2_REGISTERS, 2);
	hpa_t base = field(dbg2, at + ADDRESS_BASE, 8);

	if (field(dbg2, item + DBG2_PORT_TYPE, 2) != DBG2_SERIAL || !base ||
	    !range_within(at, ADDRESS_SIZE, dbg2->size) || field(dbg2, at + ADDRESS_SPACE, 1) ||
	    base == machine->console.registers.base)
		return false;
	machine->second = (struct machine_uart){
		.kind = uart_kind(field(dbg2, item + DBG2_PORT_SUBTYPE, 2)),
		.registers = {base, UART_SIZE},
		.width = field(dbg2, at + ADDRESS_ACCESS, 1) == ACCESS_32 ? 4 : 1,
		.shift = field(dbg2, at + ADDRESS_BITS, 1) == 32 ? 2 : 0,
	};
	return machine->second.kind != UART_NONE;
}

static void debug_ports_decode(const struct table *dbg2, struct machine *machine)
{
	uint32_t item = (uint32_t)field(dbg2, DBG2_FIRST, 4), length;

	for (uint64_t n = field(dbg2, DBG2_COUNT, 4);
	     n > 0 && range_within(item, DBG2_ITEM_SIZE, dbg2->size); n--) {
		if (second_decode(dbg2, item, machine))
			return;
		length = (uint32_t)field(dbg2, item + DBG2_LENGTH, 2);
		if (length < DBG2_ITEM_SIZE)
			return;
		item += length;
	}
}

static void psci_decode(const struct table *fadt, struct machine *machine)
{
	uint64_t flags = field(fadt, FADT_ARM_BOOT, 2);

	if (flags & ARM_BOOT_PSCI)
		machine->conduit = flags & ARM_BOOT_HVC ? PSCI_HVC : PSCI_SMC;
}

status_t machine_decode_acpi(hpa_t rsdp, struct machine *machine)
{
	const uint8_t *root = acpi_map(rsdp, RSDP_SIZE);
	struct table xsdt, table;

	if (!root || memcmp(root, "RSD PTR ", 8) != 0)
		return STATUS_NOT_FOUND;
	if (!sum_is_zero(root, RSDP_SIZE))
		return STATUS_BAD_FORMAT;
	xsdt = table_at(read_little(root + RSDP_XSDT, 8), "XSDT");
	madt = table_find(&xsdt, "APIC");
	if (!madt.bytes)
		return STATUS_BAD_FORMAT;
	gic_decode(&machine->gic);
	table = table_find(&xsdt, "FACP");
	psci_decode(&table, machine);
	table = table_find(&xsdt, "GTDT");
	machine->timer_interrupt = (uint32_t)field(&table, GTDT_EL2_TIMER, 4);
	table = table_find(&xsdt, "SPCR");
	console_decode(&table, &machine->console);
	table = table_find(&xsdt, "DBG2");
	debug_ports_decode(&table, machine);
	return STATUS_OK;
}
