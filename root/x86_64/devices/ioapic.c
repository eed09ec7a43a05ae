/* SPDX-License-Identifier: MIT */
/*
 * The I/O APIC: a table of 24 entries, each of which turns its input into a message. Edge:
 * a rising input sends one message, and is lost if the entry is masked. Level: an asserted
 * input sends one message and sets remote IRR, which stops further ones until EOI.
 */
#include <devices/device_state.h>
#include <devices/ioapic.h>

#include <string.h>

#define REG_SELECT 0x00
#define REG_WINDOW 0x10
#define REG_EOI	   0x40

#define INDEX_ID      0x00
#define INDEX_VERSION 0x01
#define INDEX_ARB     0x02
#define INDEX_TABLE   0x10

#define ENTRY_VECTOR	 0xffull
#define ENTRY_MODE_SHIFT 8
#define ENTRY_MODE	 (7ull << ENTRY_MODE_SHIFT)
#define ENTRY_LOGICAL	 BIT(11)
#define ENTRY_PENDING	 BIT(12)
#define ENTRY_REMOTE_IRR BIT(14)
#define ENTRY_LEVEL	 BIT(15)
#define ENTRY_MASKED	 BIT(16)
#define ENTRY_DEST_SHIFT 56
#define ENTRY_READ_ONLY	 (ENTRY_PENDING | ENTRY_REMOTE_IRR)
#define ENTRY_WRITABLE	 ((0x1ffffull | 0xffull << ENTRY_DEST_SHIFT) & ~ENTRY_READ_ONLY)

#define MODE_LOWEST_PRIORITY 1u

/* The message's shape: SDM 3A, 11.11.1 and 11.11.2. */
#define MSI_ADDRESS	0xfee00000ull
#define MSI_DEST_SHIFT	12
#define MSI_LOGICAL	BIT(2)
#define MSI_DATA_ASSERT BIT(14)
#define MSI_DATA_LEVEL	BIT(15)

/* Only fixed and lowest-priority interrupts know level and remote IRR; others act as edge. */
static bool entry_is_level(uint64_t entry)
{
	return (entry & ENTRY_LEVEL) &&
	       ((entry & ENTRY_MODE) >> ENTRY_MODE_SHIFT) <= MODE_LOWEST_PRIORITY;
}

void ioapic_set_route(struct ioapic *ioapic, unsigned int pin, const struct ioapic_route *route)
{
	if (pin < IOAPIC_PINS)
		ioapic->route[pin] = route ? *route : (struct ioapic_route){.valid = false};
}

bool ioapic_assert(struct ioapic *ioapic, unsigned int pin)
{
	const struct ioapic_route *route;

	if (pin >= IOAPIC_PINS || !ioapic->route[pin].valid)
		return false;
	route = &ioapic->route[pin];
	ioapic->env->ops->msi_send(ioapic->env, route->address, route->data);
	return true;
}

/* The route that an entry stands for. */
static void entry_route(struct ioapic *ioapic, unsigned int pin)
{
	uint64_t entry = ioapic->entry[pin];
	struct ioapic_route route = {
		.address = MSI_ADDRESS | (entry >> ENTRY_DEST_SHIFT) << MSI_DEST_SHIFT,
		.data = (uint32_t)(entry & (ENTRY_VECTOR | ENTRY_MODE)),
		.valid = !(entry & ENTRY_MASKED),
	};

	if (entry & ENTRY_LOGICAL)
		route.address |= MSI_LOGICAL;
	if (entry_is_level(entry))
		route.data |= MSI_DATA_LEVEL | MSI_DATA_ASSERT;
	ioapic_set_route(ioapic, pin, &route);
}

static void pin_deliver(struct ioapic *ioapic, unsigned int pin)
{
	uint64_t *entry = &ioapic->entry[pin];

	/* First: the message may be ended before it is sent. */
	if (entry_is_level(*entry))
		*entry |= ENTRY_REMOTE_IRR;
	(void)ioapic_assert(ioapic, pin);
}

/* Deliver what a level-triggered pin asks for, if nothing holds it back. */
static void pin_service_level(struct ioapic *ioapic, unsigned int pin)
{
	uint64_t entry = ioapic->entry[pin];

	if (entry_is_level(entry) && (ioapic->lines & BIT(pin)) &&
	    !(entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR)))
		pin_deliver(ioapic, pin);
}

void ioapic_line_set(struct ioapic *ioapic, unsigned int pin, bool level)
{
	bool was;

	if (pin >= IOAPIC_PINS)
		return;
	was = ioapic->lines & BIT(pin);
	if (!level) {
		ioapic->lines &= ~(uint32_t)BIT(pin);
		return;
	}
	ioapic->lines |= (uint32_t)BIT(pin);
	if (entry_is_level(ioapic->entry[pin]))
		pin_service_level(ioapic, pin);
	else if (!was && !(ioapic->entry[pin] & ENTRY_MASKED))
		pin_deliver(ioapic, pin);
}

void ioapic_eoi(struct ioapic *ioapic, uint8_t vector)
{
	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++) {
		uint64_t *entry = &ioapic->entry[pin];

		if (!(*entry & ENTRY_REMOTE_IRR) || (*entry & ENTRY_VECTOR) != vector)
			continue;
		*entry &= ~ENTRY_REMOTE_IRR;
		pin_service_level(ioapic, pin);
	}
}

/* ------------------------------------------------------------ the registers */

static void entry_write(struct ioapic *ioapic, uint8_t index, uint32_t value)
{
	unsigned int pin = (index - INDEX_TABLE) / 2;
	unsigned int shift = (index & 1) * 32;
	uint64_t *entry = &ioapic->entry[pin];
	uint64_t writable = ENTRY_WRITABLE & (0xffffffffull << shift);

	*entry = (*entry & ~writable) | ((uint64_t)value << shift & writable);
	/* Software without the EOI register clears remote IRR by a turn through edge mode. */
	if (!entry_is_level(*entry))
		*entry &= ~ENTRY_REMOTE_IRR;
	entry_route(ioapic, pin);
	pin_service_level(ioapic, pin);
}

static bool index_is_entry(uint8_t index)
{
	return index >= INDEX_TABLE && index < INDEX_TABLE + 2 * IOAPIC_PINS;
}

static void window_write(struct ioapic *ioapic, uint32_t value)
{
	if (ioapic->select == INDEX_ID)
		ioapic->id = value >> 24 & 0xf;
	else if (index_is_entry(ioapic->select))
		entry_write(ioapic, ioapic->select, value);
}

static uint32_t window_read(const struct ioapic *ioapic)
{
	uint8_t index = ioapic->select;

	if (index == INDEX_ID || index == INDEX_ARB)
		return (uint32_t)ioapic->id << 24;
	if (index == INDEX_VERSION)
		return (IOAPIC_PINS - 1) << 16 | IOAPIC_VERSION;
	if (index_is_entry(index))
		return (uint32_t)(ioapic->entry[(index - INDEX_TABLE) / 2] >> (index & 1) * 32);
	return 0;
}

static uint64_t ioapic_mmio_read(struct device *dev, uint64_t offset, unsigned int size)
{
	const struct ioapic *ioapic = container_of(dev, struct ioapic, dev);
	uint32_t value = 0;

	(void)size;
	if ((offset & ~3ull) == REG_SELECT)
		value = ioapic->select;
	else if ((offset & ~3ull) == REG_WINDOW)
		value = window_read(ioapic);
	return value >> 8 * (offset & 3);
}

/* The index may be written as a byte; all else "must be accessed as 32 bits". */
static void ioapic_mmio_write(struct device *dev, uint64_t offset, unsigned int size,
			      uint64_t value)
{
	struct ioapic *ioapic = container_of(dev, struct ioapic, dev);

	if (offset == REG_SELECT)
		ioapic->select = (uint8_t)value;
	else if (offset == REG_WINDOW && size == 4)
		window_write(ioapic, (uint32_t)value);
	else if (offset == REG_EOI)
		ioapic_eoi(ioapic, (uint8_t)value);
}

/* The lines keep the level that their devices drive. */
static void ioapic_reset(struct device *dev)
{
	struct ioapic *ioapic = container_of(dev, struct ioapic, dev);

	ioapic->select = 0;
	ioapic->id = 0;
	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++) {
		ioapic->entry[pin] = ENTRY_MASKED;
		entry_route(ioapic, pin);
	}
}

/* ---- state ---- */

static const struct device_field ioapic_fields[] = {
	{offsetof(struct ioapic, entry), FIELD_BITS, sizeof(uint64_t), IOAPIC_PINS,
	 ENTRY_WRITABLE | ENTRY_REMOTE_IRR},
	DEVICE_BITS(struct ioapic, lines, MASK(IOAPIC_PINS)),
	DEVICE_FIELD(struct ioapic, select, 0),
	DEVICE_BITS(struct ioapic, id, 0xf),
};

static void ioapic_restored(struct device *dev)
{
	struct ioapic *ioapic = container_of(dev, struct ioapic, dev);

	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++)
		entry_route(ioapic, pin);
}

static const struct device_state ioapic_state = {
	.version = 1,
	.structure_size = sizeof(struct ioapic),
	.fields = ioapic_fields,
	.field_count = ARRAY_SIZE(ioapic_fields),
	.restored = ioapic_restored,
};

static const struct device_ops ioapic_ops = {
	.mmio_read = ioapic_mmio_read,
	.mmio_write = ioapic_mmio_write,
	.reset = ioapic_reset,
	.state = &ioapic_state,
};

status_t ioapic_init(struct ioapic *ioapic, struct device_env *env, struct device_bus *bus,
		     gpa_t base)
{
	memset(ioapic, 0, sizeof(*ioapic));
	ioapic->dev = (struct device){.name = "ioapic", .ops = &ioapic_ops};
	ioapic->env = env;
	ioapic_reset(&ioapic->dev);
	device_bus_attach(bus, &ioapic->dev);
	return device_bus_add_mmio(bus, &ioapic->dev, base, IOAPIC_SIZE, 0, 4);
}
