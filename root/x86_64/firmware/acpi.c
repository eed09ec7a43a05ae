/* SPDX-License-Identifier: MIT */
/*
 * The tables are built in a buffer, one after the other in an image of the firmware area, and
 * written to the guest at the end. Every table's address is in the RSDT and the XSDT, except
 * those that the FADT names.
 */
#include <firmware/acpi.h>

#include <stdlib.h>
#include <string.h>

#include <firmware/acpi_tables.h>
#include <firmware/memory_layout.h>
#include <firmware/platform.h>

/* Tables lie above the RSDP, or, if they fit there no more, at the start of the area. */
#define AREA_SIZE	(LAYOUT_BIOS_END - LAYOUT_BIOS_BASE)
#define TABLE_ALIGNMENT 64u
#define TABLE_LIST_MAX	4

struct builder {
	const struct acpi_config *config;
	uint8_t *area;	 /* image of [LAYOUT_BIOS_BASE, LAYOUT_BIOS_END) */
	gpa_t low, high; /* next free address below and above the RSDP */
	gpa_t list[TABLE_LIST_MAX];
	unsigned int list_count;
};

static bool table_place(gpa_t *next, gpa_t end, size_t size, gpa_t *gpa)
{
	gpa_t start = ALIGN_UP(*next, TABLE_ALIGNMENT);

	if (start > end || size > end - start)
		return false;
	*gpa = start;
	*next = start + size;
	return true;
}

/* A zeroed place of size bytes in the area, or NULL when it is full. */
static void *table_allocate(struct builder *builder, size_t size, gpa_t *gpa)
{
	if (!table_place(&builder->high, LAYOUT_BIOS_END, size, gpa) &&
	    !table_place(&builder->low, ACPI_RSDP_ADDRESS, size, gpa))
		return NULL;
	return builder->area + (*gpa - LAYOUT_BIOS_BASE);
}

static void *table_begin(struct builder *builder, const char *signature, uint8_t revision,
			 size_t size, gpa_t *gpa)
{
	struct acpi_header *header = table_allocate(builder, size, gpa);

	if (!header)
		return NULL;
	acpi_table_begin(header, signature, revision, size);
	return header;
}

/* The table goes into the RSDT and the XSDT. */
static void table_list(struct builder *builder, void *table, gpa_t gpa)
{
	acpi_table_end(table);
	builder->list[builder->list_count++] = gpa;
}

static bool blocks_are_sound(const struct acpi_config *config)
{
	return acpi_block_is_sound(config->dsdt, config->dsdt_size, "DSDT") &&
	       (!config->ssdt || acpi_block_is_sound(config->ssdt, config->ssdt_size, "SSDT"));
}

static status_t dsdt_build(struct builder *builder, gpa_t *gpa)
{
	void *table = table_allocate(builder, builder->config->dsdt_size, gpa);

	if (!table)
		return STATUS_TOO_LARGE;
	memcpy(table, builder->config->dsdt, builder->config->dsdt_size);
	return STATUS_OK;
}

static status_t ssdt_build(struct builder *builder)
{
	gpa_t gpa;
	void *table;

	if (!builder->config->ssdt)
		return STATUS_OK;
	table = table_allocate(builder, builder->config->ssdt_size, &gpa);
	if (!table)
		return STATUS_TOO_LARGE;
	memcpy(table, builder->config->ssdt, builder->config->ssdt_size);
	table_list(builder, table, gpa);
	return STATUS_OK;
}

static status_t facs_build(struct builder *builder, gpa_t *gpa)
{
	struct acpi_facs *facs = table_allocate(builder, sizeof(*facs), gpa);

	if (!facs)
		return STATUS_TOO_LARGE;
	memcpy(facs->signature, "FACS", sizeof(facs->signature));
	facs->length = sizeof(*facs);
	facs->version = ACPI_FACS_VERSION;
	return STATUS_OK;
}

static struct acpi_address io_address(uint16_t port, uint8_t bytes, uint8_t access_size)
{
	return (struct acpi_address){
		.space = ACPI_SPACE_IO,
		.bit_width = (uint8_t)(bytes * 8),
		.access_size = access_size,
		.address = port,
	};
}

static status_t fadt_build(struct builder *builder, gpa_t dsdt, gpa_t facs)
{
	gpa_t gpa;
	struct acpi_fadt *fadt =
		table_begin(builder, "FACP", ACPI_FADT_REVISION, sizeof(*fadt), &gpa);

	if (!fadt)
		return STATUS_TOO_LARGE;
	fadt->facs = (uint32_t)facs;
	fadt->dsdt = (uint32_t)dsdt;
	fadt->x_dsdt = dsdt;
	fadt->sci_interrupt = PLATFORM_SCI_IRQ;
	fadt->pm1a_event = PLATFORM_PM1A_EVENT;
	fadt->pm1a_control = PLATFORM_PM1A_CONTROL;
	fadt->pm_timer = PLATFORM_PM_TIMER;
	fadt->gpe0 = PLATFORM_GPE0;
	fadt->pm1_event_length = PLATFORM_PM1A_EVENT_LENGTH;
	fadt->pm1_control_length = PLATFORM_PM1A_CONTROL_LENGTH;
	fadt->pm_timer_length = PLATFORM_PM_TIMER_LENGTH;
	fadt->gpe0_length = PLATFORM_GPE0_LENGTH;
	fadt->c2_latency = ACPI_NO_C2;
	fadt->c3_latency = ACPI_NO_C3;
	fadt->rtc_century = ACPI_CMOS_CENTURY;
	fadt->boot_architecture =
		ACPI_BOOT_LEGACY_DEVICES | ACPI_BOOT_NO_VGA | ACPI_BOOT_NO_PCIE_ASPM;
	fadt->flags = ACPI_FADT_WBINVD | ACPI_FADT_PROC_C1 | ACPI_FADT_NO_SLEEP_BUTTON |
		      ACPI_FADT_NO_FIXED_RTC | ACPI_FADT_TIMER_32BIT | ACPI_FADT_RESET_REGISTER;
	fadt->reset_register = io_address(PLATFORM_RESET_PORT, 1, ACPI_ACCESS_BYTE);
	fadt->reset_value = PLATFORM_RESET_VALUE;
	fadt->minor_version = ACPI_FADT_MINOR;
	fadt->x_pm1a_event =
		io_address(PLATFORM_PM1A_EVENT, PLATFORM_PM1A_EVENT_LENGTH, ACPI_ACCESS_WORD);
	fadt->x_pm1a_control =
		io_address(PLATFORM_PM1A_CONTROL, PLATFORM_PM1A_CONTROL_LENGTH, ACPI_ACCESS_WORD);
	fadt->x_pm_timer =
		io_address(PLATFORM_PM_TIMER, PLATFORM_PM_TIMER_LENGTH, ACPI_ACCESS_DWORD);
	fadt->x_gpe0 = io_address(PLATFORM_GPE0, PLATFORM_GPE0_LENGTH, ACPI_ACCESS_BYTE);
	memcpy(fadt->hypervisor_vendor, ACPI_HYPERVISOR_VENDOR, sizeof(fadt->hypervisor_vendor));
	table_list(builder, fadt, gpa);
	return STATUS_OK;
}

static uint32_t apic_id(const struct acpi_config *config, uint32_t vp)
{
	return config->apic_ids ? config->apic_ids[vp] : vp;
}

/* The VP's id (5.2.12.12: 255 and above) or its number does not fit in an xAPIC entry. */
static bool vp_is_wide(const struct acpi_config *config, uint32_t vp)
{
	return vp >= 255 || apic_id(config, vp) >= 255;
}

static size_t madt_size(const struct acpi_config *config)
{
	size_t size = sizeof(struct acpi_madt);

	for (uint32_t vp = 0; vp < config->vp_count; vp++)
		size += vp_is_wide(config, vp) ? sizeof(struct acpi_madt_x2apic)
					       : sizeof(struct acpi_madt_apic);
	return size;
}

static bool has_wide_vp(const struct acpi_config *config)
{
	for (uint32_t vp = 0; vp < config->vp_count; vp++)
		if (vp_is_wide(config, vp))
			return true;
	return false;
}

/* Appends one entry of the MADT. */
static uint8_t *madt_append(uint8_t *at, const void *entry, size_t size)
{
	memcpy(at, entry, size);
	return at + size;
}

static uint8_t *madt_append_vp(uint8_t *at, const struct acpi_config *config, uint32_t vp)
{
	uint32_t id = apic_id(config, vp);
	const struct acpi_madt_x2apic x2apic = {
		.type = ACPI_MADT_X2APIC,
		.length = sizeof(x2apic),
		.apic_id = id,
		.flags = ACPI_MADT_ENABLED,
		.uid = vp,
	};
	const struct acpi_madt_apic apic = {
		.type = ACPI_MADT_APIC,
		.length = sizeof(apic),
		.uid = (uint8_t)vp,
		.apic_id = (uint8_t)id,
		.flags = ACPI_MADT_ENABLED,
	};

	if (vp_is_wide(config, vp))
		return madt_append(at, &x2apic, sizeof(x2apic));
	return madt_append(at, &apic, sizeof(apic));
}

static const struct acpi_madt_io_apic io_apic = {
	.type = ACPI_MADT_IO_APIC,
	.length = sizeof(io_apic),
	.id = PLATFORM_IO_APIC_ID,
	.address = PLATFORM_IO_APIC_BASE,
	.gsi_base = 0,
};

/* ISA interrupts that are not the pin of their own number, edge-triggered and active high. */
static const struct acpi_madt_override overrides[] = {
	{
		.type = ACPI_MADT_OVERRIDE,
		.length = sizeof(struct acpi_madt_override),
		.source = 0, /* the PIT is on pin 2 of the I/O APIC, as on PCs */
		.gsi = 2,
		.flags = ACPI_MADT_CONFORMS,
	},
	{
		.type = ACPI_MADT_OVERRIDE,
		.length = sizeof(struct acpi_madt_override),
		.source = PLATFORM_SCI_IRQ,
		.gsi = PLATFORM_SCI_IRQ,
		.flags = ACPI_MADT_ACTIVE_HIGH | ACPI_MADT_LEVEL,
	},
};

/* LINT1 of every processor is the NMI line. */
static const struct acpi_madt_nmi nmi = {
	.type = ACPI_MADT_NMI,
	.length = sizeof(nmi),
	.uid = ACPI_MADT_ALL_PROCESSORS,
	.flags = ACPI_MADT_CONFORMS,
	.lint = 1,
};

static const struct acpi_madt_x2apic_nmi x2apic_nmi = {
	.type = ACPI_MADT_X2APIC_NMI,
	.length = sizeof(x2apic_nmi),
	.flags = ACPI_MADT_CONFORMS,
	.uid = ACPI_MADT_ALL_X2APICS,
	.lint = 1,
};

static status_t madt_build(struct builder *builder)
{
	const struct acpi_config *config = builder->config;
	bool wide = has_wide_vp(config);
	size_t size = madt_size(config) + sizeof(io_apic) + sizeof(overrides) + sizeof(nmi) +
		      (wide ? sizeof(x2apic_nmi) : 0);
	gpa_t gpa;
	struct acpi_madt *madt = table_begin(builder, "APIC", ACPI_MADT_REVISION, size, &gpa);
	uint8_t *at;

	if (!madt)
		return STATUS_TOO_LARGE;
	madt->local_apic = PLATFORM_LOCAL_APIC_BASE;
	madt->flags = ACPI_MADT_PCAT_COMPAT;
	at = (uint8_t *)(madt + 1);
	for (uint32_t vp = 0; vp < config->vp_count; vp++)
		at = madt_append_vp(at, config, vp);
	at = madt_append(at, &io_apic, sizeof(io_apic));
	at = madt_append(at, overrides, sizeof(overrides));
	at = madt_append(at, &nmi, sizeof(nmi));
	if (wide)
		madt_append(at, &x2apic_nmi, sizeof(x2apic_nmi));
	table_list(builder, madt, gpa);
	return STATUS_OK;
}

static status_t hpet_build(struct builder *builder)
{
	gpa_t gpa;
	struct acpi_hpet *hpet;

	if (!builder->config->hpet)
		return STATUS_OK;
	hpet = table_begin(builder, "HPET", ACPI_HPET_REVISION, sizeof(*hpet), &gpa);
	if (!hpet)
		return STATUS_TOO_LARGE;
	hpet->block_id = PLATFORM_HPET_ID;
	hpet->base = (struct acpi_address){
		.space = ACPI_SPACE_MEMORY,
		.bit_width = 64,
		.address = PLATFORM_HPET_BASE,
	};
	hpet->minimum_tick = ACPI_HPET_MINIMUM_TICK;
	table_list(builder, hpet, gpa);
	return STATUS_OK;
}

static status_t lists_build(struct builder *builder, gpa_t *rsdt_gpa, gpa_t *xsdt_gpa)
{
	unsigned int count = builder->list_count;
	struct acpi_header *rsdt, *xsdt;

	rsdt = table_begin(builder, "RSDT", ACPI_RSDT_REVISION,
			   sizeof(*rsdt) + count * sizeof(uint32_t), rsdt_gpa);
	xsdt = table_begin(builder, "XSDT", ACPI_XSDT_REVISION,
			   sizeof(*xsdt) + count * sizeof(uint64_t), xsdt_gpa);
	if (!rsdt || !xsdt)
		return STATUS_TOO_LARGE;
	for (unsigned int i = 0; i < count; i++) {
		uint32_t narrow = (uint32_t)builder->list[i];
		uint64_t wide = builder->list[i];

		/* The headers are 36 bytes, so the lists behind them need not be aligned. */
		memcpy((uint8_t *)(rsdt + 1) + i * sizeof(narrow), &narrow, sizeof(narrow));
		memcpy((uint8_t *)(xsdt + 1) + i * sizeof(wide), &wide, sizeof(wide));
	}
	acpi_table_end(rsdt);
	acpi_table_end(xsdt);
	return STATUS_OK;
}

static void rsdp_build(struct builder *builder, gpa_t rsdt, gpa_t xsdt)
{
	struct acpi_rsdp *rsdp = (void *)(builder->area + (ACPI_RSDP_ADDRESS - LAYOUT_BIOS_BASE));

	acpi_rsdp_fill(rsdp, rsdt, xsdt);
}

static status_t tables_build(struct builder *builder)
{
	gpa_t dsdt = 0, facs = 0, rsdt = 0, xsdt = 0;
	status_t status = facs_build(builder, &facs);

	if (status == STATUS_OK)
		status = dsdt_build(builder, &dsdt);
	if (status == STATUS_OK)
		status = fadt_build(builder, dsdt, facs);
	if (status == STATUS_OK)
		status = ssdt_build(builder);
	if (status == STATUS_OK)
		status = madt_build(builder);
	if (status == STATUS_OK)
		status = hpet_build(builder);
	if (status == STATUS_OK)
		status = lists_build(builder, &rsdt, &xsdt);
	if (status == STATUS_OK)
		rsdp_build(builder, rsdt, xsdt);
	return status;
}

status_t acpi_build(const struct guest_memory *memory, const struct acpi_config *config,
		    gpa_t *rsdp)
{
	struct builder builder = {
		.config = config,
		.low = LAYOUT_BIOS_BASE,
		.high = ACPI_RSDP_ADDRESS + sizeof(struct acpi_rsdp),
	};
	status_t status;

	/* More VPs than bytes cannot be right, and would make sums below wrap on the way. */
	if (config->vp_count == 0 || !blocks_are_sound(config))
		return STATUS_INVALID_ARGUMENT;
	if (config->vp_count > AREA_SIZE)
		return STATUS_TOO_LARGE;
	builder.area = calloc(1, AREA_SIZE);
	if (!builder.area)
		return STATUS_NO_MEMORY;
	status = tables_build(&builder);
	if (status == STATUS_OK)
		status = guest_memory_write(memory, LAYOUT_BIOS_BASE, builder.area, AREA_SIZE);
	free(builder.area);
	if (status == STATUS_OK)
		*rsdp = ACPI_RSDP_ADDRESS;
	return status;
}
