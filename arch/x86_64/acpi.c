/* SPDX-License-Identifier: MIT */
/* The firmware's static tables: finding, checking, decoding. Pure, but for acpi_map(). */
#include <arch/acpi.h>
#include <kernel/console.h>
#include <kernel/string.h>

#define RSDP_V0_SIZE	 20
#define RSDP_V2_SIZE	 36
#define RSDP_CHECKSUM_V2 2 /* revision from which on there is an XSDT */
#define ENTRIES_OFFSET	 ACPI_HEADER_SIZE

static struct acpi_table root;
static uint32_t root_entry_size; /* 4: RSDT, 8: XSDT */

/* A little-endian number of 1 to 8 bytes; 0 when the table ends before it. */
static uint64_t field(const struct acpi_table *table, uint32_t offset, uint32_t size)
{
	uint64_t value = 0;

	if (!range_within(offset, size, table->size))
		return 0;
	memcpy(&value, table->bytes + offset, size);
	return value;
}

static bool checksum_right(const uint8_t *bytes, uint32_t size)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return sum == 0;
}

/* The table there, whatever it is, when its length and checksum are right. */
static struct acpi_table table_check(hpa_t address)
{
	struct acpi_table table = {acpi_map(address, ACPI_HEADER_SIZE), ACPI_HEADER_SIZE};
	uint32_t size;

	if (!address || !table.bytes)
		return (struct acpi_table){0};
	size = (uint32_t)field(&table, 4, 4);
	if (size < ACPI_HEADER_SIZE || size > ACPI_TABLE_MAX)
		return (struct acpi_table){0};
	table = (struct acpi_table){acpi_map(address, size), size};
	if (!table.bytes || !checksum_right(table.bytes, size))
		return (struct acpi_table){0};
	return table;
}

struct acpi_table acpi_table_at(hpa_t address, const char signature[4])
{
	struct acpi_table table = table_check(address);

	if (table.bytes && memcmp(table.bytes, signature, 4))
		return (struct acpi_table){0};
	return table;
}

static uint32_t root_count(void)
{
	return root.bytes ? (root.size - ENTRIES_OFFSET) / root_entry_size : 0;
}

static hpa_t root_entry(uint32_t index)
{
	return field(&root, ENTRIES_OFFSET + index * root_entry_size, root_entry_size);
}

/* The signature for a person: whatever stands there, as four characters. */
static void damage_report(hpa_t address)
{
	const uint8_t *bytes = address ? acpi_map(address, 4) : NULL;
	char name[5] = "?";

	for (int i = 0; bytes && i < 4; i++)
		name[i] = bytes[i] >= 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '?';
	log_warn("acpi: table %s at 0x%llx is damaged, ignored", name, (unsigned long long)address);
}

static void root_report(void)
{
	for (uint32_t i = 0; i < root_count(); i++)
		if (!table_check(root_entry(i)).bytes)
			damage_report(root_entry(i));
}

status_t acpi_init(const void *rsdp, uint32_t size)
{
	struct acpi_table pointer = {rsdp, size};

	root = (struct acpi_table){0};
	if (!size)
		return STATUS_NOT_FOUND;
	if (size < RSDP_V0_SIZE || memcmp(rsdp, "RSD PTR ", 8) ||
	    !checksum_right(rsdp, RSDP_V0_SIZE))
		return STATUS_BAD_FORMAT;
	if (field(&pointer, 15, 1) >= RSDP_CHECKSUM_V2 && size >= RSDP_V2_SIZE &&
	    checksum_right(rsdp, RSDP_V2_SIZE)) {
		root = acpi_table_at(field(&pointer, 24, 8), "XSDT");
		root_entry_size = 8;
	}
	if (!root.bytes) {
		root = acpi_table_at(field(&pointer, 16, 4), "RSDT");
		root_entry_size = 4;
	}
	if (!root.bytes)
		return STATUS_BAD_FORMAT;
	root_report();
	return STATUS_OK;
}

struct acpi_table acpi_find(const char signature[4])
{
	for (uint32_t i = 0; i < root_count(); i++) {
		struct acpi_table table = acpi_table_at(root_entry(i), signature);

		if (table.bytes)
			return table;
	}
	return (struct acpi_table){0};
}

/* ---- MADT ---- */

#define MADT_ITEMS_OFFSET 44

enum {
	MADT_LOCAL_APIC = 0,
	MADT_IO_APIC = 1,
	MADT_SOURCE_OVERRIDE = 2,
	MADT_LOCAL_X2APIC = 9,
};

#define MADT_CPU_ENABLED     1u
#define INTI_POLARITY_LOW    3u
#define INTI_TRIGGER_LEVEL   3u
#define APIC_ADDRESS_DEFAULT 0xfee00000u

/* `item` is a table of its own: the item's bytes. */
static void madt_decode(const struct acpi_table *item, struct madt_item *out)
{
	uint64_t flags;

	*out = (struct madt_item){.kind = MADT_OTHER};
	switch (field(item, 0, 1)) {
	case MADT_LOCAL_APIC:
		out->kind = MADT_CPU;
		out->id = (uint32_t)field(item, 3, 1);
		out->usable = field(item, 4, 4) & MADT_CPU_ENABLED && out->id != 0xff;
		break;
	case MADT_LOCAL_X2APIC:
		out->kind = MADT_CPU;
		out->id = (uint32_t)field(item, 4, 4);
		out->usable = field(item, 8, 4) & MADT_CPU_ENABLED && out->id != UINT32_MAX;
		break;
	case MADT_IO_APIC:
		out->kind = MADT_IOAPIC;
		out->id = (uint32_t)field(item, 2, 1);
		out->address = field(item, 4, 4);
		out->gsi = (uint32_t)field(item, 8, 4);
		break;
	case MADT_SOURCE_OVERRIDE:
		flags = field(item, 8, 2);
		out->kind = MADT_OVERRIDE;
		out->id = (uint32_t)field(item, 3, 1);
		out->gsi = (uint32_t)field(item, 4, 4);
		out->active_low = (flags & 3) == INTI_POLARITY_LOW;
		out->level = (flags >> 2 & 3) == INTI_TRIGGER_LEVEL;
		break;
	}
}

bool madt_next(const struct acpi_table *madt, uint32_t *offset, struct madt_item *item)
{
	uint32_t at = MAX(*offset, (uint32_t)MADT_ITEMS_OFFSET);
	uint32_t size = (uint32_t)field(madt, at + 1, 1);

	if (!madt->bytes || size < 2 || !range_within(at, size, madt->size))
		return false;
	madt_decode(&(struct acpi_table){madt->bytes + at, size}, item);
	*offset = at + size;
	return true;
}

hpa_t madt_apic_address(const struct acpi_table *madt)
{
	hpa_t address = field(madt, 36, 4);

	return address ? address : APIC_ADDRESS_DEFAULT;
}

/* ---- FADT ---- */

#define FADT_SIZE_V1	   116
#define FADT_FLAG_TIMER_32 BIT(8)
#define FADT_FLAG_RESET	   BIT(10)

/* Generic address structure, 5.2.3.2. */
static struct acpi_register address_decode(const struct acpi_table *table, uint32_t offset)
{
	return (struct acpi_register){
		.space = (uint8_t)field(table, offset, 1),
		.bits = (uint8_t)field(table, offset + 1, 1),
		.address = field(table, offset + 4, 8),
	};
}

/* The extended register if it is there, else the port of ACPI 1.0. */
static struct acpi_register register_decode(const struct acpi_table *table, uint32_t extended,
					    uint32_t legacy, uint8_t bits)
{
	struct acpi_register reg = address_decode(table, extended);

	if (!reg.address || reg.space > ACPI_SPACE_PORT)
		reg = (struct acpi_register){.space = ACPI_SPACE_PORT,
					     .address = field(table, legacy, 4)};
	reg.bits = bits;
	return reg;
}

bool fadt_decode(const struct acpi_table *table, struct acpi_fadt *fadt)
{
	uint64_t flags;

	*fadt = (struct acpi_fadt){0};
	if (!table->bytes || table->size < FADT_SIZE_V1)
		return false;
	flags = field(table, 112, 4);
	fadt->dsdt = field(table, 140, 8);
	if (!fadt->dsdt)
		fadt->dsdt = field(table, 40, 4);
	fadt->smi_command = (uint16_t)field(table, 48, 4);
	fadt->acpi_enable = (uint8_t)field(table, 52, 1);
	fadt->century = (uint8_t)field(table, 108, 1);
	fadt->pm1a_control = register_decode(table, 172, 64, 16);
	fadt->pm1b_control = register_decode(table, 184, 68, 16);
	fadt->pm_timer = register_decode(table, 208, 76, 32);
	fadt->pm_timer_32 = flags & FADT_FLAG_TIMER_32;
	if (flags & FADT_FLAG_RESET) {
		fadt->reset = address_decode(table, 116);
		fadt->reset_value = (uint8_t)field(table, 128, 1);
	}
	return true;
}

/* AML, 20.2: Name(_S5_, Package{...}) is 08 "_S5_" 12 PkgLength count, then the elements. */
enum { AML_NAME = 0x08, AML_BYTE = 0x0a, AML_WORD = 0x0b, AML_DWORD = 0x0c, AML_PACKAGE = 0x12 };

/* One integer of the package; gives where the next begins, 0: it is no integer. */
static uint32_t aml_integer(const struct acpi_table *aml, uint32_t at, uint8_t *value)
{
	uint64_t opcode = field(aml, at, 1);

	*value = (uint8_t)field(aml, at + 1, 1);
	switch (opcode) {
	case 0:
	case 1: *value = (uint8_t)opcode; return at + 1;
	case 0xff: *value = 0xff; return at + 1;
	case AML_BYTE: return at + 2;
	case AML_WORD: return at + 3;
	case AML_DWORD: return at + 5;
	default: return 0;
	}
}

bool dsdt_find_s5(const struct acpi_table *dsdt, uint8_t type[2])
{
	for (uint32_t at = ACPI_HEADER_SIZE; dsdt->bytes && at + 8 <= dsdt->size; at++) {
		uint32_t element;

		if (dsdt->bytes[at] != '_' || memcmp(dsdt->bytes + at, "_S5_", 4) ||
		    dsdt->bytes[at + 4] != AML_PACKAGE)
			continue;
		if (dsdt->bytes[at - 1] != AML_NAME && dsdt->bytes[at - 1] != '\\')
			continue;
		/* The package's length takes one byte, and more by its upper two bits; then comes
		 * the number of elements. */
		element = at + 5 + 1 + (dsdt->bytes[at + 5] >> 6) + 1;
		element = aml_integer(dsdt, element, &type[0]);
		if (!element || element >= dsdt->size)
			continue;
		if (aml_integer(dsdt, element, &type[1]))
			return true;
	}
	return false;
}

/* ---- others ---- */

hpa_t hpet_address(const struct acpi_table *table)
{
	struct acpi_register base = address_decode(table, 40);

	return base.space == ACPI_SPACE_MEMORY ? base.address : 0;
}

/* Serial Port Console Redirection Table, interface types that are a 16550. */
enum { SPCR_16550 = 0, SPCR_16450 = 1, SPCR_16550_GAS = 0x12 };
#define SPCR_IRQ_IOAPIC 2u

bool spcr_decode(const struct acpi_table *table, struct acpi_serial *serial)
{
	static const uint32_t bauds[] = {[3] = 9600, [4] = 19200, [6] = 57600, [7] = 115200};
	uint64_t type = field(table, 36, 1), baud = field(table, 58, 1);

	*serial = (struct acpi_serial){0};
	if (!table->bytes || (type != SPCR_16550 && type != SPCR_16450 && type != SPCR_16550_GAS))
		return false;
	serial->base = address_decode(table, 40);
	if (serial->base.space > ACPI_SPACE_PORT || !serial->base.address)
		return false;
	if (baud < ARRAY_SIZE(bauds))
		serial->baud = bauds[baud];
	serial->has_irq = field(table, 52, 1) & SPCR_IRQ_IOAPIC;
	serial->gsi = (uint32_t)field(table, 54, 4);
	return true;
}
