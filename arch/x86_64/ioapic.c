/* SPDX-License-Identifier: MIT */
/*
 * I/O APICs (82093AA): the kernel routes its console's interrupt and nothing else; all other pins
 * are masked, as are the two 8259s.
 */
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/io.h>
#include <arch/paging.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/memory.h>

#define IOAPIC_SIZE    0x20
#define IOAPIC_SELECT  0x00
#define IOAPIC_WINDOW  0x10
#define IOAPIC_VERSION 1 /* bits 16-23: the last pin */
#define IOAPIC_PIN(n)  (0x10 + 2 * (n))
#define PIN_ACTIVE_LOW BIT(13)
#define PIN_LEVEL      BIT(15)
#define PIN_MASKED     BIT(16)

#define PIC_MASTER 0x20
#define PIC_SLAVE  0xa0

struct ioapic {
	volatile void *registers;
	uint32_t gsi;
	uint32_t pins;
	struct ioapic *next;
};

static struct ioapic *ioapics;

static uint32_t ioapic_read(struct ioapic *ioapic, uint32_t reg)
{
	mmio_write32(ioapic->registers, IOAPIC_SELECT, reg);
	return mmio_read32(ioapic->registers, IOAPIC_WINDOW);
}

static void ioapic_write(struct ioapic *ioapic, uint32_t reg, uint32_t value)
{
	mmio_write32(ioapic->registers, IOAPIC_SELECT, reg);
	mmio_write32(ioapic->registers, IOAPIC_WINDOW, value);
}

/* Moves the 8259s' vectors off the exceptions' (a masked one may still raise a spurious
 * interrupt), then masks them. */
static void pic_mask(void)
{
	static const struct {
		uint16_t port;
		uint8_t vector, cascade;
	} pics[] = {{PIC_MASTER, VECTOR_PIC, 4}, {PIC_SLAVE, VECTOR_PIC + 8, 2}};

	for (uint32_t i = 0; i < ARRAY_SIZE(pics); i++) {
		port_write8(pics[i].port, 0x11); /* ICW1: edge, cascade, ICW4 follows */
		port_write8(pics[i].port + 1, pics[i].vector);
		port_write8(pics[i].port + 1, pics[i].cascade);
		port_write8(pics[i].port + 1, 1); /* ICW4: 8086 mode */
		port_write8(pics[i].port + 1, 0xff);
	}
}

static void ioapic_add(const struct madt_item *item)
{
	struct ioapic *ioapic = heap_alloc(&kernel_heap, sizeof(*ioapic));

	if (!ioapic)
		return;
	ioapic->registers = device_map(item->address, IOAPIC_SIZE);
	if (!ioapic->registers) {
		heap_free(&kernel_heap, ioapic, sizeof(*ioapic));
		return;
	}
	ioapic->gsi = item->gsi;
	ioapic->pins = (ioapic_read(ioapic, IOAPIC_VERSION) >> 16 & 0xff) + 1;
	for (uint32_t pin = 0; pin < ioapic->pins; pin++)
		ioapic_write(ioapic, IOAPIC_PIN(pin), PIN_MASKED);
	ioapic->next = ioapics;
	ioapics = ioapic;
}

void ioapic_init(void)
{
	struct acpi_table madt = acpi_find("APIC");
	struct madt_item item;
	uint32_t at = 0;

	pic_mask();
	while (madt_next(&madt, &at, &item))
		if (item.kind == MADT_IOAPIC)
			ioapic_add(&item);
}

status_t ioapic_route_gsi(uint32_t gsi, uint32_t vector, bool level, bool active_low)
{
	uint32_t target = this_cpu()->arch.apic_id;

	if (target > 0xfe)
		return STATUS_NOT_SUPPORTED; /* needs interrupt remapping */
	for (struct ioapic *ioapic = ioapics; ioapic; ioapic = ioapic->next) {
		uint32_t pin = gsi - ioapic->gsi;

		if (pin >= ioapic->pins)
			continue;
		ioapic_write(ioapic, IOAPIC_PIN(pin) + 1, target << 24);
		ioapic_write(ioapic, IOAPIC_PIN(pin),
			     vector | (uint32_t)(level ? PIN_LEVEL : 0) |
				     (uint32_t)(active_low ? PIN_ACTIVE_LOW : 0));
		return STATUS_OK;
	}
	return STATUS_NOT_FOUND;
}

status_t ioapic_route_isa(uint32_t irq, uint32_t vector)
{
	struct acpi_table madt = acpi_find("APIC");
	struct madt_item item;
	uint32_t at = 0;

	while (madt_next(&madt, &at, &item))
		if (item.kind == MADT_OVERRIDE && item.id == irq)
			return ioapic_route_gsi(item.gsi, vector, item.level, item.active_low);
	return ioapic_route_gsi(irq, vector, false, false);
}
