/* SPDX-License-Identifier: MIT */
#include <firmware/acpi.h>

#include <string.h>

#include <firmware/acpi_tables.h>
#include <firmware/platform.h>

#define TABLE_ALIGNMENT 64u
#define TABLE_LIST_MAX	5u

struct builder {
	const struct acpi_config *config;
	gpa_t base;
	uint8_t *area;
	size_t size, used;
	gpa_t list[TABLE_LIST_MAX];
	unsigned int list_count;
};

/* A zeroed place, or NULL when there is no more. */
static void *table_allocate(struct builder *b, size_t size, gpa_t *gpa)
{
	size_t start = ALIGN_UP(b->used, TABLE_ALIGNMENT);

	if (start > b->size || size > b->size - start)
		return NULL;
	b->used = start + size;
	*gpa = b->base + start;
	return b->area + start;
}

static void *table_begin(struct builder *b, const char *signature, uint8_t revision, size_t size,
			 gpa_t *gpa)
{
	void *table = table_allocate(b, size, gpa);

	if (table)
		acpi_table_begin(table, signature, revision, size);
	return table;
}

static void table_list(struct builder *b, void *table, gpa_t gpa)
{
	acpi_table_end(table);
	b->list[b->list_count++] = gpa;
}

static status_t dsdt_build(struct builder *b, gpa_t *gpa)
{
	void *table = table_allocate(b, b->config->dsdt_size, gpa);

	if (!table)
		return STATUS_TOO_LARGE;
	memcpy(table, b->config->dsdt, b->config->dsdt_size);
	return STATUS_OK;
}

static status_t ssdt_build(struct builder *b)
{
	gpa_t gpa;
	void *table;

	if (!b->config->ssdt)
		return STATUS_OK;
	table = table_allocate(b, b->config->ssdt_size, &gpa);
	if (!table)
		return STATUS_TOO_LARGE;
	memcpy(table, b->config->ssdt, b->config->ssdt_size);
	table_list(b, table, gpa);
	return STATUS_OK;
}

static status_t fadt_build(struct builder *b, gpa_t dsdt)
{
	gpa_t gpa;
	struct acpi_fadt *fadt = table_begin(b, "FACP", ACPI_FADT_REVISION, sizeof(*fadt), &gpa);

	if (!fadt)
		return STATUS_TOO_LARGE;
	fadt->x_dsdt = dsdt;
	fadt->flags = ACPI_FADT_HARDWARE_REDUCED | ACPI_FADT_LOW_POWER_S0;
	fadt->arm_boot_architecture = ACPI_ARM_PSCI | ACPI_ARM_PSCI_BY_HVC;
	fadt->minor_version = ACPI_FADT_MINOR;
	/* By this, and nothing else, Linux finds the Hyper-V interface. */
	memcpy(fadt->hypervisor_vendor, b->config->hyperv ? "MsHyperV" : ACPI_HYPERVISOR_VENDOR,
	       sizeof(fadt->hypervisor_vendor));
	table_list(b, fadt, gpa);
	return STATUS_OK;
}

static struct acpi_madt_gicc gicc(uint32_t vp)
{
	return (struct acpi_madt_gicc){
		.type = ACPI_MADT_GICC,
		.length = sizeof(struct acpi_madt_gicc),
		.interface = vp,
		.uid = vp,
		.flags = ACPI_GICC_ENABLED,
		.mpidr = platform_mpidr(vp),
	};
}

static status_t madt_build(struct builder *b)
{
	uint32_t count = b->config->vp_count;
	const struct acpi_madt_gicd gicd = {
		.type = ACPI_MADT_GICD,
		.length = sizeof(gicd),
		.base = PLATFORM_GICD_BASE,
		.version = ACPI_GICD_V3,
	};
	const struct acpi_madt_gicr gicr = {
		.type = ACPI_MADT_GICR,
		.length = sizeof(gicr),
		.base = platform_gicr_base(count),
		.size = (uint32_t)(count * PLATFORM_GICR_SIZE),
	};
	size_t size = sizeof(struct acpi_madt) + sizeof(gicd) + sizeof(gicr) +
		      count * sizeof(struct acpi_madt_gicc);
	gpa_t gpa;
	struct acpi_madt *madt = table_begin(b, "APIC", ACPI_MADT_REVISION, size, &gpa);
	uint8_t *at;

	if (!madt)
		return STATUS_TOO_LARGE;
	at = (uint8_t *)(madt + 1);
	memcpy(at, &gicd, sizeof(gicd));
	at += sizeof(gicd);
	for (uint32_t vp = 0; vp < count; vp++, at += sizeof(struct acpi_madt_gicc)) {
		struct acpi_madt_gicc entry = gicc(vp);

		memcpy(at, &entry, sizeof(entry));
	}
	memcpy(at, &gicr, sizeof(gicr));
	table_list(b, madt, gpa);
	return STATUS_OK;
}

static status_t gtdt_build(struct builder *b)
{
	gpa_t gpa;
	struct acpi_gtdt *gtdt = table_begin(b, "GTDT", ACPI_GTDT_REVISION, sizeof(*gtdt), &gpa);

	if (!gtdt)
		return STATUS_TOO_LARGE;
	gtdt->counter_base = ACPI_GTDT_NO_BLOCK;
	gtdt->counter_read_base = ACPI_GTDT_NO_BLOCK;
	gtdt->secure_gsi = PLATFORM_TIMER_SECURE;
	gtdt->physical_gsi = PLATFORM_TIMER_PHYSICAL;
	gtdt->virtual_gsi = PLATFORM_TIMER_VIRTUAL;
	gtdt->hypervisor_gsi = PLATFORM_TIMER_HYPERVISOR;
	gtdt->secure_flags = gtdt->physical_flags = ACPI_GTDT_ALWAYS_ON;
	gtdt->virtual_flags = gtdt->hypervisor_flags = ACPI_GTDT_ALWAYS_ON;
	table_list(b, gtdt, gpa);
	return STATUS_OK;
}

static status_t spcr_build(struct builder *b)
{
	gpa_t gpa;
	struct acpi_spcr *spcr = table_begin(b, "SPCR", ACPI_SPCR_REVISION, sizeof(*spcr), &gpa);

	if (!spcr)
		return STATUS_TOO_LARGE;
	spcr->interface = ACPI_SPCR_PL011;
	spcr->base = (struct acpi_address){
		.space = ACPI_SPACE_MEMORY,
		.bit_width = 32,
		.access_size = ACPI_ACCESS_DWORD,
		.address = PLATFORM_UART_BASE,
	};
	spcr->interrupt_type = ACPI_SPCR_GIC;
	spcr->gsi = PLATFORM_UART_INTID;
	spcr->baud_rate = ACPI_SPCR_115200;
	spcr->stop_bits = ACPI_SPCR_ONE_STOP;
	spcr->terminal = ACPI_SPCR_VT_UTF8;
	spcr->pci_device = spcr->pci_vendor = ACPI_SPCR_NO_PCI;
	table_list(b, spcr, gpa);
	return STATUS_OK;
}

static status_t xsdt_build(struct builder *b, gpa_t *gpa)
{
	size_t size = sizeof(struct acpi_header) + b->list_count * sizeof(b->list[0]);
	struct acpi_header *xsdt = table_begin(b, "XSDT", ACPI_XSDT_REVISION, size, gpa);

	if (!xsdt)
		return STATUS_TOO_LARGE;
	memcpy(xsdt + 1, b->list, b->list_count * sizeof(b->list[0]));
	acpi_table_end(xsdt);
	return STATUS_OK;
}

static status_t tables_build(struct builder *b)
{
	gpa_t rsdp_gpa, dsdt = 0, xsdt = 0;
	struct acpi_rsdp *rsdp = table_allocate(b, sizeof(*rsdp), &rsdp_gpa);
	status_t status = rsdp ? dsdt_build(b, &dsdt) : STATUS_TOO_LARGE;

	if (status == STATUS_OK)
		status = fadt_build(b, dsdt);
	if (status == STATUS_OK)
		status = ssdt_build(b);
	if (status == STATUS_OK)
		status = madt_build(b);
	if (status == STATUS_OK)
		status = gtdt_build(b);
	if (status == STATUS_OK)
		status = spcr_build(b);
	if (status == STATUS_OK)
		status = xsdt_build(b, &xsdt);
	if (status == STATUS_OK)
		acpi_rsdp_fill(rsdp, 0, xsdt);
	return status;
}

status_t acpi_build(const struct acpi_config *config, gpa_t base, uint8_t *area, size_t size,
		    size_t *used)
{
	struct builder builder = {.config = config, .base = base, .area = area, .size = size};
	status_t status;

	/* More VPs than bytes cannot be right, and would make sums wrap on the way. */
	if (config->vp_count == 0 ||
	    !acpi_block_is_sound(config->dsdt, config->dsdt_size, "DSDT") ||
	    (config->ssdt && !acpi_block_is_sound(config->ssdt, config->ssdt_size, "SSDT")))
		return STATUS_INVALID_ARGUMENT;
	if (config->vp_count > size)
		return STATUS_TOO_LARGE;
	status = tables_build(&builder);
	*used = builder.used;
	return status;
}
