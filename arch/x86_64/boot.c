/* SPDX-License-Identifier: MIT */
/*
 * The machine's first C code: takes the loader's information, makes the kernel's address space,
 * and from there on the boot CPU is a CPU like the others. What is wrong this early is said on
 * the serial line, and the machine halts.
 */
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/clock.h>
#include <arch/cpu_setup.h>
#include <arch/cr.h>
#include <arch/fpu.h>
#include <arch/multiboot2.h>
#include <arch/paging.h>
#include <arch/power.h>
#include <arch/serial.h>
#include <arch/speculation.h>
#include <arch/trap.h>
#include <kernel/boot.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/string.h>

#define INFORMATION_MAX MIB(1)

uint64_t boot_prepare(uint32_t information);
__noreturn void boot_main(void);
extern char __image_phys_start[], __image_phys_end[];

struct boot_source boot_source = {.command_line = ""};

static struct multiboot2 loader;
static uint8_t boot_area[CPU_AREA_PAGES][PAGE_SIZE] __aligned(4096);
static struct cpu *boot_cpus[1];

static __noreturn void refuse(const char *what, status_t status)
{
	static const char start[] = "trivet: cannot boot: ";

	serial_init();
	arch_console_write(start, sizeof(start) - 1);
	arch_console_write(what, strlen(what));
	arch_console_write(": ", 2);
	arch_console_write(status_words(status), strlen(status_words(status)));
	arch_console_write("\r\n", 2);
	for (;;)
		__asm__ volatile("cli; hlt");
}

static void boot_source_fill(void)
{
	boot_source.command_line = loader.command_line;
	boot_source.bundle_base = loader.bundle_base;
	boot_source.bundle_size = loader.bundle_size;
	boot_source.memory = loader.memory;
	boot_source.memory_count = loader.memory_count;
}

static status_t boot_area_map(void)
{
	for (uint32_t page = 0, used = 0; page < CPU_AREA_PAGES; page++) {
		status_t status;

		if (!cpu_page_present(page))
			continue;
		status = cpu_area_map(0, page, kva_to_hpa(boot_area[used++]));
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

/* Called by entry.S with its tables, on its stack: there is no this_cpu() yet, and no log. Gives
 * the value for CR3. */
uint64_t boot_prepare(uint32_t information)
{
	status_t status = multiboot2_parse(hpa_to_kva(information),
					   MIN(INFORMATION_MAX, GIB(4) - information), &loader);

	boot_source.kernel_base = (hpa_t)__image_phys_start;
	boot_source.kernel_size = (uint64_t)__image_phys_end - (uint64_t)__image_phys_start;
	if (status != STATUS_OK)
		refuse("the boot loader's information", status);
	boot_source_fill();
	status = paging_init(&loader);
	if (status == STATUS_OK)
		status = boot_area_map();
	if (status != STATUS_OK)
		refuse("the kernel's page tables", status);
	boot_source.memory_count = loader.memory_count; /* the tables may have taken some */
	return kernel_cr3;
}

static void memory_report(void)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < boot_source.memory_count; i++) {
		const struct memory_range *r = &boot_source.memory[i];

		if (r->kind == MEMORY_RAM)
			bytes += r->size;
		log_debug("memory 0x%012llx-0x%012llx %s", (unsigned long long)r->base,
			  (unsigned long long)(r->base + r->size - 1),
			  r->kind == MEMORY_RAM	   ? "RAM"
			  : r->kind == MEMORY_ACPI ? "ACPI"
						   : "reserved");
	}
	log_info("memory %llu MiB, modules %u", (unsigned long long)(bytes >> 20),
		 loader.module_count);
	if (loader.ranges_dropped)
		log_warn("memory: %u ranges too many, not used", loader.ranges_dropped);
	if (loader.command_line_cut)
		log_warn("the command line is too long: cut after %u bytes", COMMAND_LINE_MAX - 1);
}

/* Called by entry.S with the kernel's tables, on the boot CPU's stack. */
__noreturn void boot_main(void)
{
	struct cpu *cpu = cpu_area(0);

	cpu_prepare(cpu, 0);
	fpu_detect();
	trap_init();
	cpu_load(cpu);
	boot_cpus[0] = cpu;
	cpus = boot_cpus;
	cpu_count = 1;
	serial_init();
	kernel_main();
}

static void processor_name(char name[49])
{
	memset(name, 0, 49);
	for (uint32_t i = 0; i < 3; i++) {
		struct cpuid part = cpuid_get(0x80000002 + i, 0);

		memcpy(name + i * sizeof(part), &part, sizeof(part));
	}
}

void arch_devices_init(void)
{
	struct acpi_table madt, table;
	struct acpi_fadt fadt;
	char name[49];
	status_t status;

	paging_use_heap();
	processor_name(name);
	log_info("processor %s%s%s%s", name, cr4_read() & CR4_SMEP ? ", SMEP" : "",
		 cpu_has_smap ? ", SMAP" : "", cr4_read() & CR4_UMIP ? ", UMIP" : "");
	speculation_init();
	speculation_cpu_init();
	memory_report();
	status = acpi_init(loader.rsdp, loader.rsdp_size);
	if (status != STATUS_OK)
		log_warn("acpi: no tables: %s", status_words(status));
	madt = acpi_find("APIC");
	table = acpi_find("FACP");
	if (!fadt_decode(&table, &fadt) && status == STATUS_OK)
		log_warn("acpi: no FADT");
	status = apic_init(madt_apic_address(&madt));
	if (status != STATUS_OK)
		panic("the local APIC: %s", status_words(status));
	ioapic_init();
	if (!clock_init(&fadt))
		panic("no clock to measure time by: HPET, PM timer and PIT stand still");
	power_init(&fadt);
	serial_start();
}
