/* SPDX-License-Identifier: MIT */
/* What of the device tree the kernel has a use for, by the bindings of the devices (Linux,
 * Documentation/devicetree/bindings) and Devicetree Specification 0.4, chapter 3. */
#include <arch/machine.h>
#include <kernel/string.h>

#define PHYSICAL_END	 BIT(48)
#define INTERRUPT_CELLS	 3u /* of a GICv3: kind, number, flags */
#define INTERRUPT_SPI	 0u
#define INTERRUPT_PPI	 1u
#define FIRST_SPI	 32u
#define FIRST_PPI	 16u
#define DEBUG_BAUD	 115200u
#define TIMER_HYPERVISOR 3u /* of a timer's interrupts: secure, non-secure, virtual, hypervisor */

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

/* The n-th of the node's interrupts, as the GIC counts them; 0: none. */
static uint32_t interrupt_of(const struct fdt *fdt, uint32_t node, uint32_t n)
{
	struct fdt_value value;
	uint64_t kind, number;

	if (!fdt_property(fdt, node, "interrupts", &value) ||
	    !fdt_cells(&value, n * INTERRUPT_CELLS, 1, &kind) ||
	    !fdt_cells(&value, n * INTERRUPT_CELLS + 1, 1, &number) || number >= 988)
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

static status_t reserved_decode(const struct fdt *fdt, struct machine *machine)
{
	uint32_t folder = root_child(fdt, "reserved-memory");
	status_t status = STATUS_OK;
	hpa_t base;
	uint64_t size;

	for (uint32_t n = 0; status == STATUS_OK && fdt_reservation(fdt, n, &base, &size); n++)
		status = taken_add(machine, base, size, MEMORY_RESERVED);
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
static status_t bundle_decode(const struct fdt *fdt, uint32_t chosen, struct machine *machine)
{
	uint64_t start, end;

	if (!fdt_number(fdt, chosen, "linux,initrd-start", &start) ||
	    !fdt_number(fdt, chosen, "linux,initrd-end", &end) || start == end)
		return STATUS_OK;
	if (start > end || !memory_list_has(&machine->memory, start, end - start, MEMORY_RAM))
		return STATUS_BAD_FORMAT;
	machine->bundle_base = start;
	machine->bundle_size = end - start;
	return STATUS_OK;
}

/* ---- devices ---- */

static bool uart_decode(const struct fdt *fdt, uint32_t node, struct machine_uart *uart)
{
	uint64_t shift = 0, width = 1, clock = 0;

	*uart = (struct machine_uart){.kind = UART_NONE};
	if (!fdt_is_okay(fdt, node) ||
	    !fdt_reg(fdt, node, 0, &uart->registers.base, &uart->registers.size))
		return false;
	(void)fdt_number(fdt, node, "reg-shift", &shift);
	(void)fdt_number(fdt, node, "reg-io-width", &width);
	if (fdt_is_compatible(fdt, node, "arm,pl011") ||
	    fdt_is_compatible(fdt, node, "arm,sbsa-uart"))
		uart->kind = UART_PL011;
	else if (fdt_is_compatible(fdt, node, "ns16550a") ||
		 fdt_is_compatible(fdt, node, "ns16550") ||
		 fdt_is_compatible(fdt, node, "snps,dw-apb-uart"))
		uart->kind = UART_16550;
	if (uart->kind == UART_NONE || shift > 3 || (width != 1 && width != 4))
		return false;
	uart->shift = (uint8_t)shift;
	uart->width = (uint8_t)width;
	if (fdt_number(fdt, node, "clock-frequency", &clock) && uart->kind == UART_16550)
		uart->divisor = (uint16_t)MIN(clock / (16 * DEBUG_BAUD), (uint64_t)UINT16_MAX);
	uart->interrupt = interrupt_of(fdt, node, 0);
	return true;
}

bool machine_console(const struct fdt *fdt, struct machine_uart *uart)
{
	uint32_t chosen = root_child(fdt, "chosen"), node;
	struct fdt_value path;
	size_t length;

	if (chosen && fdt_property(fdt, chosen, "stdout-path", &path)) {
		length = strnlen((const char *)path.data, path.size);
		for (size_t i = 0; i < length; i++) /* what follows a colon is its speed */
			if (path.data[i] == ':')
				length = i;
		node = fdt_find(fdt, (const char *)path.data, length);
		if (node && uart_decode(fdt, node, uart))
			return true;
	}
	for (node = 0; (node = fdt_next(fdt, node));)
		if (fdt_parent(fdt, node) && uart_decode(fdt, node, uart))
			return true;
	return false;
}

/* The first that is not the console. */
static void second_decode(const struct fdt *fdt, struct machine *machine)
{
	for (uint32_t node = 0; (node = fdt_next(fdt, node));)
		if (fdt_parent(fdt, node) && uart_decode(fdt, node, &machine->second) &&
		    machine->second.registers.base != machine->console.registers.base)
			return;
	machine->second.kind = UART_NONE;
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

static void gic_decode(const struct fdt *fdt, struct machine_gic *gic)
{
	uint32_t node = node_find(fdt, gic_names, ARRAY_SIZE(gic_names));
	uint64_t regions = 1;

	gic->old = node_find(fdt, old_gic_names, ARRAY_SIZE(old_gic_names));
	if (!node || !fdt_reg(fdt, node, 0, &gic->distributor.base, &gic->distributor.size))
		return;
	(void)fdt_number(fdt, node, "#redistributor-regions", &regions);
	(void)fdt_number(fdt, node, "redistributor-stride", &gic->stride);
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

static void timer_decode(const struct fdt *fdt, struct machine *machine)
{
	static const char *const names[] = {"arm,armv8-timer"};
	uint32_t node = node_find(fdt, names, ARRAY_SIZE(names));

	if (!node)
		return;
	machine->timer_interrupt = interrupt_of(fdt, node, TIMER_HYPERVISOR);
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

static status_t chosen_decode(const struct fdt *fdt, bool given, struct machine *machine)
{
	uint32_t chosen = root_child(fdt, "chosen");

	if (!chosen)
		return STATUS_OK;
	if (!given)
		command_line_decode(fdt, chosen, machine);
	return machine->bundle_size ? STATUS_OK : bundle_decode(fdt, chosen, machine);
}

status_t machine_decode(const struct fdt *fdt, hpa_t tree, const struct machine_given *given,
			struct machine *machine)
{
	status_t status = STATUS_OK;

	memset(machine, 0, sizeof(*machine));
	if (given)
		given_take(given, machine);
	else
		memory_decode(fdt, machine);
	if (!machine->memory.count)
		return STATUS_NOT_FOUND;
	if (!given)
		status = reserved_decode(fdt, machine);
	/* The tree is read again when the other CPUs are started. */
	if (status == STATUS_OK)
		status = taken_add(machine, tree, fdt->size, MEMORY_ACPI);
	if (status == STATUS_OK)
		status = chosen_decode(fdt, given, machine);
	(void)machine_console(fdt, &machine->console);
	second_decode(fdt, machine);
	pci_decode(fdt, &machine->pci);
	gic_decode(fdt, &machine->gic);
	psci_decode(fdt, machine);
	timer_decode(fdt, machine);
	clock_decode(fdt, machine);
	return status;
}
