/* SPDX-License-Identifier: MIT */
/* What of the device tree the kernel has a use for, by the bindings of the devices (Linux,
 * Documentation/devicetree/bindings) and Devicetree Specification 0.4, chapter 3. */
#include <arch/machine.h>
#include <kernel/string.h>

#define PHYSICAL_END	 BIT(48)
#define INTERRUPT_SPI	 0u /* of a GICv3: kind, number, and what else the controller asks for */
#define INTERRUPT_PPI	 1u
#define FIRST_SPI	 32u
#define FIRST_PPI	 16u
#define DEBUG_BAUD	 115200u
#define TIMER_HYPERVISOR 3u /* of a timer's interrupts, if they have no names: the fourth */

/* From one redistributor to the next: two frames of 64 KiB at least. */
#define STRIDE_UNIT KIB(64)
#define STRIDE_MAX  GIB(1)

static const char *const gic_names[] = {"arm,gic-v3", "arm,gic-v4"};
static const char *const old_gic_names[] = {"arm,cortex-a15-gic", "arm,gic-400",
					    "arm,cortex-a7-gic", "arm,cortex-a9-gic"};
static const char *const psci_names[] = {"arm,psci-1.0", "arm,psci-0.2"};

/* The first node that is compatible with one of the names; 0: none. */
static uint32_t node_find(const struct fdt *fdt, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (uint32_t node = 0; (node = fdt_next(fdt, node));)
			if (fdt_is_compatible(fdt, node, names[i]) && fdt_is_okay(fdt, node))
				return node;
	return 0;
}

static uint32_t root_child(const struct fdt *fdt, const char *name)
{
	return fdt_child(fdt, fdt->root, name, strlen(name));
}

/* The n-th of the node's interrupts, as the GIC counts them; 0: none that goes there. */
static uint32_t interrupt_of(const struct fdt *fdt, uint32_t gic, uint32_t node, uint32_t n)
{
	struct fdt_value interrupt;
	uint64_t kind, number;

	if (!gic || !fdt_interrupt(fdt, node, n, gic, &interrupt) ||
	    !fdt_cells(&interrupt, 0, 1, &kind) || !fdt_cells(&interrupt, 1, 1, &number) ||
	    number >= 988)
		return 0;
	if (kind == INTERRUPT_PPI)
		return number < 16 ? FIRST_PPI + (uint32_t)number : 0;
	return kind == INTERRUPT_SPI ? FIRST_SPI + (uint32_t)number : 0;
}

/* ---- memory ---- */

/* Whole pages of it that can be addressed; what lies higher is counted. */
status_t machine_ram_add(struct memory_list *list, hpa_t base, uint64_t size)
{
	uint64_t room = base < MACHINE_RAM_END ? MACHINE_RAM_END - base : 0;
	hpa_t end, first;

	if (size > room) {
		list->too_high += size - room;
		size = room;
	}
	first = ALIGN_UP(base, PAGE_SIZE);
	end = ALIGN_DOWN(base + size, PAGE_SIZE);
	return size && first < end ? memory_list_set(list, first, end - first, MEMORY_RAM)
				   : STATUS_OK;
}

static status_t taken_add(struct machine *machine, hpa_t base, uint64_t size, uint32_t kind)
{
	hpa_t first = ALIGN_DOWN(base, PAGE_SIZE);

	if (base >= PHYSICAL_END || !size)
		return STATUS_OK;
	size = ALIGN_UP(base + MIN(size, PHYSICAL_END - base), PAGE_SIZE) - first;
	return memory_list_set(&machine->memory, first, size, kind);
}

static void memory_decode(const struct fdt *fdt, struct machine *machine)
{
	for (uint32_t node = 0; (node = fdt_next_child(fdt, fdt->root, node));) {
		hpa_t base;
		uint64_t size;

		if (!fdt_has_string(fdt, node, "device_type", "memory") || !fdt_is_okay(fdt, node))
			continue;
		for (uint32_t n = 0; fdt_reg(fdt, node, n, &base, &size); n++)
			if (machine_ram_add(&machine->memory, base, size) != STATUS_OK)
				machine->ranges_dropped++;
	}
}

/* The reservation block. */
static status_t reservations_decode(const struct fdt *fdt, struct machine *machine)
{
	status_t status = STATUS_OK;
	hpa_t base;
	uint64_t size;

	for (uint32_t n = 0; status == STATUS_OK && fdt_reservation(fdt, n, &base, &size); n++)
		status = taken_add(machine, base, size, MEMORY_RESERVED);
	return status;
}

static status_t reserved_decode(const struct fdt *fdt, struct machine *machine)
{
	uint32_t folder = root_child(fdt, "reserved-memory");
	status_t status = STATUS_OK;
	hpa_t base;
	uint64_t size;

	for (uint32_t node = 0; folder && (node = fdt_next_child(fdt, folder, node));)
		for (uint32_t n = 0; status == STATUS_OK && fdt_reg(fdt, node, n, &base, &size);
		     n++)
			status = taken_add(machine, base, size, MEMORY_RESERVED);
	return status;
}

/* ---- /chosen ---- */

static void command_line_decode(const struct fdt *fdt, uint32_t chosen, struct machine *machine)
{
	struct fdt_value value;
	size_t length;

	if (!fdt_property(fdt, chosen, "bootargs", &value))
		return;
	length = strnlen((const char *)value.data, value.size);
	machine->command_line_cut = length >= COMMAND_LINE_MAX;
	length = MIN(length, (size_t)COMMAND_LINE_MAX - 1);
	memcpy(machine->command_line, value.data, length);
	machine->command_line[length] = '\0';
}

/* The bundle is read where it lies, so it must be RAM that is going to be mapped. */
static bool bundle_is_ram(const struct machine *machine)
{
	return !machine->bundle_size || memory_list_has(&machine->memory, machine->bundle_base,
							machine->bundle_size, MEMORY_RAM);
}

static status_t bundle_decode(const struct fdt *fdt, uint32_t chosen, struct machine *machine)
{
	uint64_t start, end;

	if (!fdt_number(fdt, chosen, "linux,initrd-start", &start) ||
	    !fdt_number(fdt, chosen, "linux,initrd-end", &end) || start == end)
		return STATUS_OK;
	if (start > end)
		return STATUS_BAD_FORMAT;
	machine->bundle_base = start;
	machine->bundle_size = end - start;
	return bundle_is_ram(machine) ? STATUS_OK : STATUS_BAD_FORMAT;
}

/* ---- devices ---- */

/* By words in the code: a table of them has no address yet where the MMU is off. */
static uint32_t uart_kind(const struct fdt *fdt, uint32_t node)
{
	if (fdt_is_compatible(fdt, node, "arm,pl011") ||
	    fdt_is_compatible(fdt, node, "arm,sbsa-uart"))
		return UART_PL011;
	if (fdt_is_compatible(fdt, node, "ns16550a") || fdt_is_compatible(fdt, node, "ns16550") ||
	    fdt_is_compatible(fdt, node, "snps,dw-apb-uart"))
		return UART_16550;
	return UART_NONE;
}

/* But for its interrupt. What a node is comes first: where it stands means to walk the tree. */
static bool uart_decode(const struct fdt *fdt, uint32_t node, struct machine_uart *uart)
{
	uint64_t shift = 0, width = 1, clock = 0;
	uint32_t kind = uart_kind(fdt, node);

	*uart = (struct machine_uart){.kind = UART_NONE};
	if (kind == UART_NONE || !fdt_is_okay(fdt, node) ||
	    !fdt_reg(fdt, node, 0, &uart->registers.base, &uart->registers.size))
		return false;
	(void)fdt_number(fdt, node, "reg-shift", &shift);
	(void)fdt_number(fdt, node, "reg-io-width", &width);
	if (shift > 3 || (width != 1 && width != 4))
		return false;
	uart->kind = kind;
	uart->shift = (uint8_t)shift;
	uart->width = (uint8_t)width;
	if (fdt_number(fdt, node, "clock-frequency", &clock) && kind == UART_16550)
		uart->divisor = (uint16_t)MIN(clock / (16 * DEBUG_BAUD), (uint64_t)UINT16_MAX);
	return true;
}

/* The node that stdout-path names; 0: none. */
static uint32_t stdout_find(const struct fdt *fdt)
{
	uint32_t chosen = root_child(fdt, "chosen");
	struct fdt_value path;
	size_t length;

	if (!chosen || !fdt_property(fdt, chosen, "stdout-path", &path))
		return 0;
	length = strnlen((const char *)path.data, path.size);
	for (size_t i = 0; i < length; i++) /* what follows a colon is its speed */
		if (path.data[i] == ':')
			length = i;
	return fdt_find(fdt, (const char *)path.data, length);
}

/* Its node; 0: there is none. */
static uint32_t console_find(const struct fdt *fdt, struct machine_uart *uart)
{
	uint32_t node = stdout_find(fdt);

	if (node && uart_decode(fdt, node, uart))
		return node;
	for (node = 0; (node = fdt_next(fdt, node));)
		if (uart_decode(fdt, node, uart))
			return node;
	return 0;
}

bool machine_console(const struct fdt *fdt, struct machine_uart *uart)
{
	return console_find(fdt, uart);
}

static void console_decode(const struct fdt *fdt, uint32_t gic, struct machine_uart *uart)
{
	uint32_t node = console_find(fdt, uart);

	if (node)
		uart->interrupt = interrupt_of(fdt, gic, node, 0);
}

/* The first that is not the console. */
static void second_decode(const struct fdt *fdt, uint32_t gic, struct machine *machine)
{
	struct machine_uart *uart = &machine->second;

	for (uint32_t node = 0; (node = fdt_next(fdt, node));) {
		if (!uart_decode(fdt, node, uart) ||
		    uart->registers.base == machine->console.registers.base)
			continue;
		uart->interrupt = interrupt_of(fdt, gic, node, 0);
		return;
	}
	uart->kind = UART_NONE;
}

/* A row of a host bridge's "ranges" (IEEE 1275, PCI Bus Binding, 2.2.1.1). */
#define PCI_ADDRESS_CELLS 3u
#define PCI_SIZE_CELLS	  2u
#define PCI_SPACE(high)	  ((high) >> 24 & 3)
#define PCI_SPACE_IO	  1u

static void pci_windows_decode(const struct fdt *fdt, uint32_t node, struct machine_pci *pci)
{
	uint64_t parent = 2, high;
	struct fdt_value ranges;
	uint32_t row;

	(void)fdt_number(fdt, fdt->root, "#address-cells", &parent);
	if (!parent || parent > 2 || !fdt_property(fdt, node, "ranges", &ranges))
		return;
	row = PCI_ADDRESS_CELLS + (uint32_t)parent + PCI_SIZE_CELLS;
	for (uint32_t at = 0; pci->window_count < PCI_WINDOWS_MAX; at += row) {
		struct pci_window *window = &pci->windows[pci->window_count];

		if (!fdt_cells(&ranges, at, 1, &high) ||
		    !fdt_cells(&ranges, at + 1, 2, &window->from) ||
		    !fdt_cells(&ranges, at + PCI_ADDRESS_CELLS, (uint32_t)parent, &window->base) ||
		    !fdt_cells(&ranges, at + row - PCI_SIZE_CELLS, 2, &window->size))
			return;
		window->is_io = PCI_SPACE(high) == PCI_SPACE_IO;
		pci->window_count += range_within(window->base, window->size, PHYSICAL_END);
	}
}

/* One below the root: its windows are the processor's addresses. */
static void pci_decode(const struct fdt *fdt, struct machine_pci *pci)
{
	static const char *const names[] = {"pci-host-ecam-generic"};
	uint32_t node = node_find(fdt, names, ARRAY_SIZE(names));
	struct fdt_value buses;
	uint64_t first;

	if (!node || fdt_parent(fdt, node) != fdt->root ||
	    !fdt_reg(fdt, node, 0, &pci->config.base, &pci->config.size)) {
		pci->config.size = 0;
		return;
	}
	if (fdt_property(fdt, node, "bus-range", &buses) && fdt_cells(&buses, 0, 1, &first))
		pci->first_bus = first & 0xff;
	pci_windows_decode(fdt, node, pci);
}

/* One that makes no sense is not taken: the redistributors themselves say how large they are. */
static uint64_t stride_of(const struct fdt *fdt, uint32_t gic)
{
	uint64_t stride = 0;

	(void)fdt_number(fdt, gic, "redistributor-stride", &stride);
	return IS_ALIGNED(stride, STRIDE_UNIT) && stride >= 2 * STRIDE_UNIT && stride <= STRIDE_MAX
		       ? stride
		       : 0;
}

static void gic_decode(const struct fdt *fdt, uint32_t node, struct machine_gic *gic)
{
	uint64_t regions = 1;

	gic->old = node_find(fdt, old_gic_names, ARRAY_SIZE(old_gic_names));
	if (!node || !fdt_reg(fdt, node, 0, &gic->distributor.base, &gic->distributor.size))
		return;
	(void)fdt_number(fdt, node, "#redistributor-regions", &regions);
	gic->stride = stride_of(fdt, node);
	if (regions > GIC_REGIONS_MAX)
		gic->regions_dropped =
			(uint32_t)MIN(regions - GIC_REGIONS_MAX, (uint64_t)UINT32_MAX);
	for (uint32_t i = 0; i < MIN(regions, (uint64_t)GIC_REGIONS_MAX); i++) {
		struct device_range *range = &gic->redistributors[gic->region_count];

		if (!fdt_reg(fdt, node, 1 + i, &range->base, &range->size))
			break;
		gic->region_count++;
	}
	gic->present = gic->region_count;
}

static void psci_decode(const struct fdt *fdt, struct machine *machine)
{
	uint32_t node = node_find(fdt, psci_names, ARRAY_SIZE(psci_names));

	if (!node)
		return;
	if (fdt_has_string(fdt, node, "method", "smc"))
		machine->conduit = PSCI_SMC;
	else if (fdt_has_string(fdt, node, "method", "hvc"))
		machine->conduit = PSCI_HVC;
}

/* The hypervisor's physical timer: a machine without a secure state may leave out the first. */
static uint32_t timer_interrupt(const struct fdt *fdt, uint32_t gic, uint32_t node)
{
	struct fdt_value names;
	uint32_t n = TIMER_HYPERVISOR;

	if (fdt_property(fdt, node, "interrupt-names", &names) &&
	    !fdt_string_index(fdt, node, "interrupt-names", "hyp-phys", &n))
		return 0;
	return interrupt_of(fdt, gic, node, n);
}

static void timer_decode(const struct fdt *fdt, uint32_t gic, struct machine *machine)
{
	static const char *const names[] = {"arm,armv8-timer"};
	uint32_t node = node_find(fdt, names, ARRAY_SIZE(names));

	if (!node)
		return;
	machine->timer_interrupt = timer_interrupt(fdt, gic, node);
	(void)fdt_number(fdt, node, "clock-frequency", &machine->timer_hz);
}

static void clock_decode(const struct fdt *fdt, struct machine *machine)
{
	static const char *const names[] = {"arm,pl031"};
	uint32_t node = node_find(fdt, names, ARRAY_SIZE(names));

	if (!node || !fdt_reg(fdt, node, 0, &machine->clock.base, &machine->clock.size))
		machine->clock.size = 0;
}

bool machine_next_cpu(const struct fdt *fdt, uint32_t *node, struct machine_cpu *cpu)
{
	uint32_t cpus = root_child(fdt, "cpus");
	struct fdt_value reg;
	uint64_t cells = 1;

	while (cpus && (*node = fdt_next_child(fdt, cpus, *node))) {
		if (!fdt_has_string(fdt, *node, "device_type", "cpu"))
			continue;
		(void)fdt_number(fdt, cpus, "#address-cells", &cells);
		if (!fdt_property(fdt, *node, "reg", &reg) || !cells || cells > 2 ||
		    !fdt_cells(&reg, 0, (uint32_t)cells, &cpu->mpidr))
			continue;
		cpu->usable = fdt_is_okay(fdt, *node) &&
			      fdt_has_string(fdt, *node, "enable-method", "psci");
		return true;
	}
	return false;
}

static void given_take(const struct machine_given *given, struct machine *machine)
{
	machine->memory = given->memory;
	memcpy(machine->command_line, given->command_line, sizeof(machine->command_line));
	machine->bundle_base = given->bundle_base;
	machine->bundle_size = given->bundle_size;
}

/* Without UEFI the tree tells what memory there is. */
static status_t memory_decode_all(const struct fdt *fdt, struct machine *machine)
{
	uint32_t chosen = root_child(fdt, "chosen");
	status_t status;

	memory_decode(fdt, machine);
	if (!machine->memory.count)
		return STATUS_NOT_FOUND;
	if (chosen) {
		command_line_decode(fdt, chosen, machine);
		status = bundle_decode(fdt, chosen, machine);
		if (status != STATUS_OK)
			return status;
	}
	status = reservations_decode(fdt, machine);
	/* A loader reserves its initrd there, so that nobody takes that for free memory. Who reads it knows. */
	if (status == STATUS_OK)
		status = taken_add(machine, machine->bundle_base, machine->bundle_size, MEMORY_RAM);
	if (status == STATUS_OK)
		status = reserved_decode(fdt, machine);
	return status;
}

static status_t memory_take(const struct fdt *fdt, const struct machine_given *given,
			    struct machine *machine)
{
	uint32_t chosen = root_child(fdt, "chosen");

	if (!given)
		return memory_decode_all(fdt, machine);
	given_take(given, machine);
	if (!machine->memory.count)
		return STATUS_NOT_FOUND;
	return chosen && !machine->bundle_size ? bundle_decode(fdt, chosen, machine) : STATUS_OK;
}

static void devices_decode(const struct fdt *fdt, struct machine *machine)
{
	uint32_t gic = node_find(fdt, gic_names, ARRAY_SIZE(gic_names));

	console_decode(fdt, gic, &machine->console);
	second_decode(fdt, gic, machine);
	pci_decode(fdt, &machine->pci);
	gic_decode(fdt, gic, &machine->gic);
	psci_decode(fdt, machine);
	timer_decode(fdt, gic, machine);
	clock_decode(fdt, machine);
}

status_t machine_decode(const struct fdt *fdt, hpa_t tree, const struct machine_given *given,
			struct machine *machine)
{
	status_t status;

	memset(machine, 0, sizeof(*machine));
	status = memory_take(fdt, given, machine);
	/* The tree is read again when the other CPUs are started. */
	if (status == STATUS_OK)
		status = taken_add(machine, tree, fdt->size, MEMORY_ACPI);
	if (status == STATUS_OK && !bundle_is_ram(machine))
		status = STATUS_BAD_FORMAT;
	devices_decode(fdt, machine);
	return status;
}
