/* SPDX-License-Identifier: MIT */
/*
 * The partition's ACPI tables, found and read as a guest would: from the RSDP by address, with
 * every checksum. With iasl on the machine, it reads them too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <devices/acpi_pm.h>
#include <firmware/acpi.h>
#include <firmware/acpi_tables.h>
#include <firmware/platform.h>

#include "loader_fixture.h"

extern const unsigned char dsdt_aml[], vmbus_aml[];
extern const size_t dsdt_aml_size, vmbus_aml_size;

/* What the tables promise is what the device keeps. */
static_assert(PLATFORM_PM1A_EVENT == ACPI_PM_PORT + ACPI_PM1_EVENT, "PM1a event");
static_assert(PLATFORM_PM1A_CONTROL == ACPI_PM_PORT + ACPI_PM1_CONTROL, "PM1a control");
static_assert(PLATFORM_PM_TIMER == ACPI_PM_PORT + ACPI_PM_TIMER, "PM timer");
static_assert(PLATFORM_GPE0 == ACPI_PM_PORT + ACPI_PM_GPE0, "GPE0");
static_assert(PLATFORM_GPE0_LENGTH == ACPI_PM_GPE0_PORTS, "GPE0 length");
static_assert(PLATFORM_SCI_IRQ == ACPI_PM_SCI, "SCI");
static_assert(PLATFORM_SLEEP_TYPE_S4 == ACPI_PM_SLEEP_S4, "S4");
static_assert(PLATFORM_SLEEP_TYPE_S5 == ACPI_PM_SLEEP_S5, "S5");

static struct acpi_config default_config(uint32_t vps)
{
	return (struct acpi_config){
		.vp_count = vps,
		.dsdt = dsdt_aml,
		.dsdt_size = dsdt_aml_size,
	};
}

static uint8_t sum(const void *data, size_t size)
{
	uint8_t total = 0;

	for (size_t i = 0; i < size; i++)
		total = (uint8_t)(total + ((const uint8_t *)data)[i]);
	return total;
}

/* The table at gpa, whole and with a right checksum. */
static const struct acpi_header *table_at(const struct machine *machine, gpa_t gpa)
{
	const struct acpi_header *header =
		guest_memory_pointer(&machine->memory, gpa, sizeof(*header));

	assert_true(gpa >= LAYOUT_BIOS_BASE && gpa < LAYOUT_BIOS_END);
	assert_non_null(header);
	assert_true(range_within(gpa, header->length, LAYOUT_BIOS_END));
	assert_int_equal(sum(header, header->length), 0);
	return header;
}

static const struct acpi_rsdp *rsdp_get(const struct machine *machine)
{
	const struct acpi_rsdp *rsdp =
		guest_memory_pointer(&machine->memory, ACPI_RSDP_ADDRESS, sizeof(*rsdp));

	assert_memory_equal(rsdp->signature, "RSD PTR ", 8);
	assert_int_equal(sum(rsdp, ACPI_RSDP_V1_SIZE), 0);
	assert_int_equal(sum(rsdp, sizeof(*rsdp)), 0);
	return rsdp;
}

/* By signature, through the XSDT; the RSDT must say the same. NULL if there is none. */
static const void *table_find(const struct machine *machine, const char *signature)
{
	const struct acpi_rsdp *rsdp = rsdp_get(machine);
	const struct acpi_header *xsdt = table_at(machine, rsdp->xsdt);
	const struct acpi_header *rsdt = table_at(machine, rsdp->rsdt);
	size_t count = (xsdt->length - sizeof(*xsdt)) / 8;
	const struct acpi_header *found = NULL;

	assert_int_equal((rsdt->length - sizeof(*rsdt)) / 4, count);
	for (size_t i = 0; i < count; i++) {
		uint64_t wide;
		uint32_t narrow;
		const struct acpi_header *table;

		memcpy(&wide, (const uint8_t *)(xsdt + 1) + 8 * i, 8);
		memcpy(&narrow, (const uint8_t *)(rsdt + 1) + 4 * i, 4);
		assert_int_equal(wide, narrow);
		table = table_at(machine, wide);
		if (memcmp(table->signature, signature, 4) == 0)
			found = table;
	}
	return found;
}

static void build(struct machine *machine, const struct acpi_config *config)
{
	gpa_t rsdp = 0;

	assert_true(machine_open(machine, MIB(2)));
	assert_int_equal(acpi_build(&machine->memory, config, &rsdp), STATUS_OK);
	assert_int_equal(rsdp, ACPI_RSDP_ADDRESS);
}

static void test_fadt(void **state)
{
	struct acpi_config config = default_config(1);
	struct machine machine;
	const struct acpi_fadt *fadt;

	(void)state;
	build(&machine, &config);
	fadt = table_find(&machine, "FACP");
	assert_non_null(fadt);
	assert_int_equal(fadt->header.revision, 6);
	assert_int_equal(fadt->pm1a_event, 0x600);
	assert_int_equal(fadt->x_pm1a_event.address, 0x600);
	assert_int_equal(fadt->x_pm1a_event.bit_width, 32);
	assert_int_equal(fadt->pm1a_control, 0x604);
	assert_int_equal(fadt->pm_timer, 0x608);
	assert_int_equal(fadt->gpe0, 0x620);
	assert_int_equal(fadt->sci_interrupt, 9);
	assert_int_equal(fadt->reset_register.address, 0xcf9);
	assert_int_equal(fadt->reset_value, 6);
	assert_int_equal(fadt->flags & (1u << 20), 0); /* not hardware-reduced */
	assert_int_equal(fadt->x_dsdt, fadt->dsdt);
	assert_memory_equal(table_at(&machine, fadt->x_dsdt)->signature, "DSDT", 4);
	assert_true(IS_ALIGNED(fadt->facs, 64));
	assert_int_equal(machine_read(&machine, fadt->facs, 4), 0x53434146); /* "FACS" */
	assert_int_equal(machine_read(&machine, fadt->facs + 4, 4), 64);
	assert_null(table_find(&machine, "HPET"));
	assert_null(table_find(&machine, "SSDT"));
	machine_close(&machine);
}

/* Walks the MADT; counts entries by type and gives the n-th of a type. */
static const uint8_t *madt_entry(const struct acpi_madt *madt, uint8_t type, unsigned int number,
				 unsigned int *count)
{
	const uint8_t *at = (const uint8_t *)(madt + 1);
	const uint8_t *end = (const uint8_t *)madt + madt->header.length;
	const uint8_t *found = NULL;

	*count = 0;
	while (at < end) {
		assert_true(end - at >= 2 && at[1] >= 2 && at[1] <= end - at);
		if (at[0] == type && (*count)++ == number)
			found = at;
		at += at[1];
	}
	return found;
}

static void test_madt(void **state)
{
	struct acpi_config config = default_config(300);
	const struct acpi_madt_x2apic *x2apic;
	const struct acpi_madt_override *override;
	const struct acpi_madt *madt;
	struct machine machine;
	unsigned int count;

	(void)state;
	build(&machine, &config);
	madt = table_find(&machine, "APIC");
	assert_non_null(madt);
	assert_int_equal(madt->local_apic, 0xfee00000);
	madt_entry(madt, ACPI_MADT_APIC, 0, &count);
	assert_int_equal(count, 255);
	x2apic = (const void *)madt_entry(madt, ACPI_MADT_X2APIC, 0, &count);
	assert_int_equal(count, 45);
	assert_int_equal(x2apic->apic_id, 255);
	assert_int_equal(x2apic->uid, 255);
	madt_entry(madt, ACPI_MADT_X2APIC_NMI, 0, &count);
	assert_int_equal(count, 1);
	madt_entry(madt, ACPI_MADT_NMI, 0, &count);
	assert_int_equal(count, 1);
	madt_entry(madt, ACPI_MADT_IO_APIC, 0, &count);
	assert_int_equal(count, 1);
	override = (const void *)madt_entry(madt, ACPI_MADT_OVERRIDE, 0, &count);
	assert_int_equal(count, 2);
	assert_int_equal(override->source, 0);
	assert_int_equal(override->gsi, 2);
	override = (const void *)madt_entry(madt, ACPI_MADT_OVERRIDE, 1, &count);
	assert_int_equal(override->source, 9);
	assert_int_equal(override->flags, 0xd);
	machine_close(&machine);
}

static void test_options(void **state)
{
	static const uint32_t ids[] = {0, 2, 4, 0x1000};
	struct acpi_config config = default_config(ARRAY_SIZE(ids));
	const struct acpi_madt_apic *apic;
	const struct acpi_hpet *hpet;
	struct machine machine;
	unsigned int count;

	(void)state;
	config.apic_ids = ids;
	config.hpet = true;
	build(&machine, &config);
	apic = (const void *)madt_entry(table_find(&machine, "APIC"), ACPI_MADT_APIC, 2, &count);
	assert_int_equal(count, 3);
	assert_int_equal(apic->apic_id, 4);
	assert_int_equal(apic->uid, 2);
	hpet = table_find(&machine, "HPET");
	assert_non_null(hpet);
	assert_int_equal(hpet->base.address, 0xfed00000);
	machine_close(&machine);
}

static void test_limits(void **state)
{
	struct acpi_config config = default_config(3800);
	struct guest_memory nothing = {NULL, 0};
	struct machine machine;
	gpa_t rsdp;

	(void)state;
	build(&machine, &config);
	config.vp_count = 5000;
	assert_int_equal(acpi_build(&machine.memory, &config, &rsdp), STATUS_TOO_LARGE);
	config.vp_count = UINT32_MAX;
	assert_int_equal(acpi_build(&machine.memory, &config, &rsdp), STATUS_TOO_LARGE);
	config.vp_count = 0;
	assert_int_equal(acpi_build(&machine.memory, &config, &rsdp), STATUS_INVALID_ARGUMENT);
	config.vp_count = 1;
	assert_int_equal(acpi_build(&nothing, &config, &rsdp), STATUS_INVALID_ADDRESS);
	config.dsdt_size--;
	assert_int_equal(acpi_build(&machine.memory, &config, &rsdp), STATUS_INVALID_ARGUMENT);
	config.dsdt_size = 10;
	assert_int_equal(acpi_build(&machine.memory, &config, &rsdp), STATUS_INVALID_ARGUMENT);
	config = default_config(1);
	config.ssdt = dsdt_aml;
	config.ssdt_size = dsdt_aml_size;
	assert_int_equal(acpi_build(&machine.memory, &config, &rsdp), STATUS_INVALID_ARGUMENT);
	config.ssdt = vmbus_aml;
	config.ssdt_size = vmbus_aml_size - 1;
	assert_int_equal(acpi_build(&machine.memory, &config, &rsdp), STATUS_INVALID_ARGUMENT);
	machine_close(&machine);
}

/* Each table through iasl's disassembler, which checks what it decodes. */
static void test_iasl(void **state)
{
	static const char *const signatures[] = {"FACP", "APIC", "HPET", "SSDT"};
	struct acpi_config config = default_config(2);
	char folder[] = "/tmp/trivet-acpi-XXXXXX";
	struct machine machine;
	char command[400];

	(void)state;
	if (system("iasl -v > /dev/null 2>&1") != 0)
		skip();
	config.hpet = true;
	config.ssdt = vmbus_aml;
	config.ssdt_size = vmbus_aml_size;
	build(&machine, &config);
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < ARRAY_SIZE(signatures); i++) {
		const struct acpi_header *table = table_find(&machine, signatures[i]);
		char path[64];
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s.aml", folder, signatures[i]);
		file = fopen(path, "wb");
		assert_non_null(file);
		assert_int_equal(fwrite(table, 1, table->length, file), table->length);
		fclose(file);
		snprintf(command, sizeof(command),
			 "iasl -d %s > %s/log 2>&1 && "
			 "! grep -iE 'error|warning|invalid' %s/log "
			 "%s/%s.dsl",
			 path, folder, folder, folder, signatures[i]);
		if (system(command) != 0)
			fail_msg("iasl dislikes %s: see %s", signatures[i], folder);
	}
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
	machine_close(&machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fadt),	cmocka_unit_test(test_madt),
		cmocka_unit_test(test_options), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_iasl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
