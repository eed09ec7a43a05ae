/* SPDX-License-Identifier: MIT */
/* A 16550 on a PCI card. Configuration space is memory (ECAM: PCI Express 4.0, 7.2.2), 1 MiB for each bus. */
#include <arch/io.h>
#include <arch/paging.h>
#include <arch/pci_serial.h>

#define BUS_SHIFT      20u
#define FUNCTION_SHIFT 12u
#define DEVICES	       32u
#define FUNCTIONS      8u

/* Of a function's configuration space (PCI 3.0, 6.1). */
enum config_register {
	CONFIG_ID = 0x00,
	CONFIG_COMMAND = 0x04,
	CONFIG_CLASS = 0x08,  /* and the revision, in the lowest byte */
	CONFIG_HEADER = 0x0c, /* its byte 2 */
	CONFIG_BAR = 0x10,
	CONFIG_BUSES = 0x18, /* of a bridge: primary, secondary, subordinate */
};

#define ID_NONE		    0xffffffffu
#define COMMAND_IO	    BIT(0)
#define COMMAND_MEMORY	    BIT(1)
#define COMMAND_NO_PIN	    BIT(10)
#define COMMAND_WRITABLE    0xffffu /* what stands above is cleared by ones */
#define CLASS_OF(value)	    ((value) >> 8)
#define CLASS_16550	    0x070002u
#define CLASS_SERIAL_LAST   0x070006u
#define HEADER_KIND(value)  ((value) >> 16 & 0x7f)
#define HEADER_BRIDGE	    1u
#define HEADER_MANY(value)  ((value) >> 23 & 1)
#define BUSES_LAST(value)   ((value) >> 16 & 0xff)
#define BAR_IS_IO	    BIT(0)
#define BAR_IO_ADDRESS	    (~3u)
#define BAR_IO_LARGEST	    256u
#define BAR_MEMORY_ADDRESS  (~0xfull)
#define BAR_IS_64(value)    (((value) >> 1 & 3) == 2)
#define UART_REGISTERS_SIZE 8u
#define DIVISOR_115200	    1u /* the clock of a PC's UARTs, which such cards have */

/* Where the processor sees it; false: nowhere. */
static bool window_find(const struct machine_pci *pci, bool is_io, uint64_t address, hpa_t *base)
{
	for (uint32_t i = 0; i < pci->window_count; i++) {
		const struct pci_window *w = &pci->windows[i];

		if (w->is_io != is_io ||
		    !range_within(address - w->from, UART_REGISTERS_SIZE, w->size))
			continue;
		*base = w->base + (address - w->from);
		return true;
	}
	return false;
}

/* From the end of the first window, where firmware comes last. 0: there is none. */
static uint32_t io_place(const struct machine_pci *pci)
{
	for (uint32_t i = 0; i < pci->window_count; i++) {
		const struct pci_window *w = &pci->windows[i];
		uint64_t place = ALIGN_DOWN(w->from + w->size, BAR_IO_LARGEST) - BAR_IO_LARGEST;

		if (w->is_io && w->size >= 2 * BAR_IO_LARGEST && place <= UINT32_MAX)
			return (uint32_t)place;
	}
	return 0;
}

/* What is looked for, and where. */
struct search {
	const struct machine_pci *pci;
	struct machine_uart *uart;
	uint32_t bus, last; /* the highest that a bridge leads to */
};

/* Behind a bridge, which has windows of its own, all has been given its place by the firmware that has numbered the
 * buses: an address of 0, too. */
static bool registers_find(const struct search *s, volatile void *config, hpa_t *base)
{
	uint32_t bar = mmio_read32(config, CONFIG_BAR);
	uint64_t address = bar & BAR_MEMORY_ADDRESS;

	if (bar & BAR_IS_IO) {
		if (!(bar & BAR_IO_ADDRESS) && s->bus == s->pci->first_bus)
			mmio_write32(config, CONFIG_BAR, io_place(s->pci));
		address = mmio_read32(config, CONFIG_BAR) & BAR_IO_ADDRESS;
		return (address || s->bus != s->pci->first_bus) &&
		       window_find(s->pci, true, address, base);
	}
	if (BAR_IS_64(bar))
		address |= (uint64_t)mmio_read32(config, CONFIG_BAR + 4) << 32;
	return address && window_find(s->pci, false, address, base);
}

/* A UART that can be used. */
static bool function_use(const struct search *s, volatile void *config)
{
	uint32_t class = CLASS_OF(mmio_read32(config, CONFIG_CLASS)), command;

	if (class < CLASS_16550 || class > CLASS_SERIAL_LAST)
		return false;
	*s->uart = (struct machine_uart){
		.kind = UART_16550,
		.width = 1,
		.divisor = DIVISOR_115200,
		.registers.size = UART_REGISTERS_SIZE,
	};
	if (!registers_find(s, config, &s->uart->registers.base))
		return false;
	command = mmio_read32(config, CONFIG_COMMAND) & COMMAND_WRITABLE;
	mmio_write32(config, CONFIG_COMMAND,
		     command | (uint32_t)(COMMAND_IO | COMMAND_MEMORY | COMMAND_NO_PIN));
	return true;
}

static bool bus_search(struct search *s, volatile char *bus)
{
	for (uint32_t i = 0; i < DEVICES * FUNCTIONS; i++) {
		volatile char *config = bus + ((size_t)i << FUNCTION_SHIFT);
		uint32_t header;

		if (mmio_read32(config, CONFIG_ID) == ID_NONE) {
			i |= i % FUNCTIONS ? 0
					   : FUNCTIONS - 1; /* the others are not there either */
			continue;
		}
		header = mmio_read32(config, CONFIG_HEADER);
		if (HEADER_KIND(header) == HEADER_BRIDGE)
			s->last = MAX(s->last, BUSES_LAST(mmio_read32(config, CONFIG_BUSES)));
		else if (HEADER_KIND(header) == 0 && function_use(s, config))
			return true;
		if (!(i % FUNCTIONS) && !HEADER_MANY(header))
			i |= FUNCTIONS - 1;
	}
	return false;
}

bool pci_serial_find(const struct machine_pci *pci, struct machine_uart *uart)
{
	struct search s = {pci, uart, pci->first_bus, pci->first_bus};

	for (; s.bus <= s.last; s.bus++) {
		uint64_t offset = (uint64_t)(s.bus - pci->first_bus) << BUS_SHIFT;
		volatile void *config;

		if (!range_within(offset, BIT(BUS_SHIFT), pci->config.size))
			return false;
		config = device_map(pci->config.base + offset, BIT(BUS_SHIFT));
		if (!config)
			return false;
		if (bus_search(&s, config))
			return true;
	}
	return false;
}
