/* SPDX-License-Identifier: MIT */
/*
 * The machine's first C code: takes the device tree, makes the kernel's address space, and from there on the boot
 * CPU is a CPU like the others. What is wrong this early is said on the console that the tree names, and the
 * machine halts.
 */
#include <arch/acpi.h>
#include <arch/boot.h>
#include <arch/clock.h>
#include <arch/cpu_setup.h>
#include <arch/gic.h>
#include <arch/machine.h>
#include <arch/paging.h>
#include <arch/pci_serial.h>
#include <arch/power.h>
#include <arch/serial.h>
#include <arch/trap.h>
#include <kernel/boot.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/string.h>
#include <trivet/abi.h>

static_assert(ROOT_WINDOW_BASE + MACHINE_RAM_END <= USER_LIMIT, "all RAM stands in the window");

uint64_t boot_prepare(hpa_t image, hpa_t tree);
void boot_not_at_el2(hpa_t tree);
__noreturn void boot_main(void);
extern char __image_start[], __image_end[];
extern uint64_t boot_image_entries[]; /* entry.S: of 2 MiB each, from KERNEL_IMAGE_BASE on */

struct boot_source boot_source = {.command_line = ""};

/* Written before anything else runs, so neither is in what is cleared first. */
struct machine_given boot_given __section(".kept.bss");
uint64_t boot_is_given __section(".data") = 0;

static struct fdt tree;
static hpa_t tree_base;
static status_t tree_status;
static hpa_t rsdp; /* 0: the machine is described by the tree */
static struct machine machine;
static uint8_t boot_area[CPU_AREA_PAGES][PAGE_SIZE] __aligned(4096);
static struct cpu *boot_cpus[1];
static volatile void *console_registers; /* in the kernel's tables */

static __noreturn void halt(void)
{
	for (;;)
		__asm__ volatile("wfi");
}

static __noreturn void refuse(const char *what, const char *why)
{
	static const char start[] = "trivet: cannot boot: ";

	arch_console_write(start, sizeof(start) - 1);
	arch_console_write(what, strlen(what));
	arch_console_write(": ", 2);
	arch_console_write(why, strlen(why));
	arch_console_write("\r\n", 2);
	halt();
}

static void refuse_status(const char *what, status_t status)
{
	if (status != STATUS_OK)
		refuse(what, status_words(status));
}

/* Called by entry.S with the MMU off, and no variable in its place. */
void boot_not_at_el2(hpa_t base)
{
	struct machine_uart uart;
	struct fdt fdt;

	if (base && fdt_open(&fdt, (const void *)base, FDT_SIZE_MAX) == STATUS_OK &&
	    machine_console(&fdt, &uart))
		serial_write_early(&uart,
				   "trivet: cannot boot: the processor is not at EL2: firmware, or "
				   "an emulator, must start Trivet there\r\n");
}

/* Device memory in the first tables: execute-never, not cached. */
static void console_map_early(const struct machine_uart *uart)
{
	hpa_t base = ALIGN_DOWN(uart->registers.base, LARGE_PAGE_SIZE);
	char *window = (char *)KERNEL_IMAGE_BASE + BOOT_CONSOLE_PAGE * LARGE_PAGE_SIZE;

	boot_image_entries[BOOT_CONSOLE_PAGE] =
		el2_format.leaf(base, 2, PAGE_READ | PAGE_WRITE | PAGE_UNCACHED);
	__asm__ volatile("dsb ishst\n\tisb" : : : "memory");
	serial_init(uart, window + (uart->registers.base - base));
}

static void boot_source_fill(hpa_t image)
{
	boot_source.command_line = machine.command_line;
	boot_source.bundle_base = machine.bundle_base;
	boot_source.bundle_size = machine.bundle_size;
	boot_source.kernel_base = image;
	boot_source.kernel_size =
		ALIGN_UP((uint64_t)(__image_end - (char *)KERNEL_IMAGE_BASE), PAGE_SIZE);
	boot_source.memory = machine.memory.range;
	boot_source.memory_count = machine.memory.count;
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

static void machine_check(void)
{
	if (!machine.gic.present)
		refuse("no GICv3", machine.gic.old
					   ? "the interrupt controller is a GICv2, which is not "
					     "supported"
					   : "the device tree has none");
	if (machine.timer_interrupt != GIC_PPI_TIMER_EL2)
		refuse("the timer", machine.timer_interrupt
					    ? "the hypervisor's has not interrupt 26"
					    : "the device tree has none for a hypervisor");
}

/* The tree's words, in the window of the first tables. False: it cannot be read. */
static bool tree_take(hpa_t base)
{
	const char *window = (const char *)KERNEL_IMAGE_BASE + BOOT_FDT_PAGE * LARGE_PAGE_SIZE +
			     (base & MASK(LARGE_PAGE_SHIFT));
	struct machine_uart uart;

	tree_status = fdt_open(&tree, window, FDT_SIZE_MAX);
	if (tree_status != STATUS_OK)
		return false;
	tree_base = base;
	if (machine_console(&tree, &uart))
		console_map_early(&uart);
	refuse_status("the device tree",
		      machine_decode(&tree, base, boot_is_given ? &boot_given : NULL, &machine));
	return true;
}

/* UEFI with ACPI gives no tree, or one that has no devices; tables of ACPI are mapped later. */
static void given_take(void)
{
	machine.memory = boot_given.memory;
	memcpy(machine.command_line, boot_given.command_line, sizeof(machine.command_line));
	machine.bundle_base = boot_given.bundle_base;
	machine.bundle_size = boot_given.bundle_size;
}

/* Called by entry.S with its tables, on its stack: there is no this_cpu() yet, and no log. Gives the root of the
 * kernel's tables. */
uint64_t boot_prepare(hpa_t image, hpa_t base)
{
	status_t status;

	paging_image_set(image);
	if (!base || !tree_take(base)) {
		if (!boot_is_given)
			halt(); /* nobody has said where a console is */
		given_take();
	}
	/* The tables that come next do not show boot_given. */
	if (boot_is_given && !machine.gic.present && !machine.gic.old)
		rsdp = boot_given.rsdp;
	if (!rsdp)
		machine_check();
	boot_source_fill(image);
	status = paging_init(&machine);
	if (status == STATUS_OK)
		status = boot_area_map();
	refuse_status("the kernel's page tables", status);
	if (machine.console.kind != UART_NONE) {
		console_registers =
			device_map(machine.console.registers.base, machine.console.registers.size);
		if (!console_registers)
			refuse_status("the console's registers", STATUS_NO_MEMORY);
	}
	return kernel_ttbr;
}

/* ---- ACPI ---- */

const void *acpi_map(hpa_t base, uint64_t size)
{
	if (!memory_list_has(&machine.memory, base, size, MEMORY_ACPI) &&
	    !memory_list_has(&machine.memory, base, size, MEMORY_RAM))
		return NULL;
	return hpa_to_kva(base);
}

/* With the kernel's tables loaded. */
static void acpi_take(void)
{
	status_t status = machine_decode_acpi(rsdp, &machine);

	if (machine.console.kind != UART_NONE) {
		console_registers =
			device_map(machine.console.registers.base, machine.console.registers.size);
		if (console_registers)
			serial_init(&machine.console, console_registers);
	}
	refuse_status("ACPI", status);
	machine_check();
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
			  : r->kind == MEMORY_ACPI ? "tables"
						   : "reserved");
	}
	log_info("memory %llu MiB, by %s", (unsigned long long)(bytes >> 20),
		 rsdp		 ? "ACPI"
		 : boot_is_given ? "UEFI and the device tree"
				 : "the device tree");
	if (tree_status != STATUS_OK)
		log_warn("the device tree cannot be read: %s", status_words(tree_status));
	if (machine.ranges_dropped)
		log_warn("memory: %u ranges too many, not used", machine.ranges_dropped);
	if (machine.memory.too_high)
		log_warn("memory: %llu MiB lie above %llu MiB, beyond what tasks can address: not "
			 "used",
			 (unsigned long long)(machine.memory.too_high >> 20),
			 (unsigned long long)(MACHINE_RAM_END >> 20));
	if (machine.command_line_cut)
		log_warn("the command line is too long: cut after %u bytes", COMMAND_LINE_MAX - 1);
}

/* Called by entry.S with the kernel's tables, on the boot CPU's stack. */
__noreturn void boot_main(void)
{
	struct cpu *cpu = cpu_area(0);

	trap_cpu_init();
	if (console_registers)
		serial_init(&machine.console, console_registers);
	if (rsdp) {
		acpi_take();
	} else {
		/* It stands where it was, in the direct map. */
		tree.data = hpa_to_kva(tree_base);
		cpus_describe(&tree);
	}
	cpu_prepare(cpu, 0, sysreg_read(mpidr_el1));
	cpu_load(cpu);
	boot_cpus[0] = cpu;
	cpus = boot_cpus;
	cpu_count = 1;
	kernel_main();
}

/* While there is one CPU: the tables have to grow for it. */
static void second_line_find(void)
{
	struct machine_uart *uart = &machine.second;
	volatile void *registers;

	if (uart->kind == UART_NONE && !pci_serial_find(&machine.pci, uart))
		return;
	registers = device_map(uart->registers.base, uart->registers.size);
	if (registers)
		serial_second(uart, registers);
}

void arch_devices_init(void)
{
	uint64_t midr = sysreg_read(midr_el1);
	status_t status;

	paging_use_heap();
	log_info("processor: implementer 0x%02llx, part 0x%03llx, revision %llu.%llu",
		 (unsigned long long)midr >> 24 & 0xff, (unsigned long long)midr >> 4 & 0xfff,
		 (unsigned long long)midr >> 20 & 0xf, (unsigned long long)midr & 0xf);
	memory_report();
	status = gic_init(&machine.gic);
	if (status == STATUS_OK)
		status = gic_cpu_init();
	if (status != STATUS_OK)
		panic("the interrupt controller: %s", status_words(status));
	if (!clock_init(&machine))
		panic("the firmware does not say how fast the counter runs");
	psci_init(machine.conduit);
	serial_start();
	second_line_find();
}
