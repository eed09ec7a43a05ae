/* SPDX-License-Identifier: MIT */
/*
 * The device bus: from a port or an address to the device that serves it. The way of an
 * access that one device serves whole is kept to a few instructions, because a guest pays
 * them on every OUT; everything odd (too wide, misaligned, crossing an end) is split into
 * accesses that are not. Registration is rare and may be slow.
 */
#include <devices/device.h>

#include <stdlib.h>
#include <string.h>

/* What a page of ports without a device looks up: row 0 everywhere. */
static const uint8_t unserved_page[DEVICE_PORT_PAGE];

status_t device_bus_init(struct device_bus *bus)
{
	memset(bus, 0, sizeof(*bus));
	bus->ports = calloc(1, sizeof(*bus->ports));
	if (!bus->ports)
		return STATUS_NO_MEMORY;
	/* Bytes only: a wide access that grazes a served range is split and finds it. */
	bus->ports[0] = (struct port_range){.count = DEVICE_PORTS, .max_size = 1};
	bus->port_count = 1;
	for (size_t page = 0; page < ARRAY_SIZE(bus->port_pages); page++)
		bus->port_pages[page] = unserved_page;
	return STATUS_OK;
}

void device_bus_destroy(struct device_bus *bus)
{
	for (size_t page = 0; page < ARRAY_SIZE(bus->port_pages); page++)
		if (bus->port_pages[page] != unserved_page)
			free((void *)bus->port_pages[page]);
	free(bus->ports);
	free(bus->mmio);
	memset(bus, 0, sizeof(*bus));
}

void device_bus_attach(struct device_bus *bus, struct device *dev)
{
	struct device **link = &bus->devices;

	while (*link)
		link = &(*link)->next;
	dev->next = NULL;
	*link = dev;
}

void device_bus_reset(struct device_bus *bus)
{
	for (struct device *dev = bus->devices; dev; dev = dev->next)
		if (dev->ops->reset)
			dev->ops->reset(dev);
}

/* ------------------------------------------------------------- registration */

static status_t port_page_populate(struct device_bus *bus, size_t page)
{
	uint8_t *rows;

	if (bus->port_pages[page] != unserved_page)
		return STATUS_OK;
	rows = calloc(1, DEVICE_PORT_PAGE);
	if (!rows)
		return STATUS_NO_MEMORY;
	bus->port_pages[page] = rows;
	return STATUS_OK;
}

static uint8_t port_row(const struct device_bus *bus, uint32_t port)
{
	return bus->port_pages[port / DEVICE_PORT_PAGE][port % DEVICE_PORT_PAGE];
}

status_t device_bus_add_ports(struct device_bus *bus, struct device *dev, uint32_t base,
			      uint32_t count, uint32_t first_offset, uint32_t max_size)
{
	struct port_range *ports;
	status_t status;

	if (count == 0 || !range_within(base, count, DEVICE_PORTS))
		return STATUS_INVALID_ARGUMENT;
	if (max_size != 1 && max_size != 2 && max_size != 4)
		return STATUS_INVALID_ARGUMENT;
	if (bus->port_count == DEVICE_MAX_PORT_RANGES)
		return STATUS_TOO_LARGE;
	for (uint32_t port = base; port < base + count; port++)
		if (port_row(bus, port) != 0)
			return STATUS_OVERLAP;
	for (uint32_t page = base / DEVICE_PORT_PAGE; page <= (base + count - 1) / DEVICE_PORT_PAGE;
	     page++) {
		status = port_page_populate(bus, page);
		if (status != STATUS_OK)
			return status;
	}
	ports = realloc(bus->ports, (bus->port_count + 1) * sizeof(*ports));
	if (!ports)
		return STATUS_NO_MEMORY;
	bus->ports = ports;
	ports[bus->port_count] = (struct port_range){dev, base, count, first_offset, max_size};
	for (uint32_t port = base; port < base + count; port++) {
		uint8_t *rows = (uint8_t *)bus->port_pages[port / DEVICE_PORT_PAGE];

		rows[port % DEVICE_PORT_PAGE] = (uint8_t)bus->port_count;
	}
	bus->port_count++;
	return STATUS_OK;
}

status_t device_bus_add_mmio(struct device_bus *bus, struct device *dev, gpa_t base, uint64_t size,
			     uint64_t first_offset, uint32_t max_size)
{
	struct mmio_range *mmio;
	uint32_t at = 0;

	if (size == 0 || !range_within(base, size, UINT64_MAX))
		return STATUS_INVALID_ARGUMENT;
	if (max_size != 1 && max_size != 2 && max_size != 4 && max_size != 8)
		return STATUS_INVALID_ARGUMENT;
	for (uint32_t i = 0; i < bus->mmio_count; i++) {
		if (range_overlaps(base, size, bus->mmio[i].base, bus->mmio[i].size))
			return STATUS_OVERLAP;
		if (bus->mmio[i].base < base)
			at = i + 1;
	}
	mmio = realloc(bus->mmio, (bus->mmio_count + 1) * sizeof(*mmio));
	if (!mmio)
		return STATUS_NO_MEMORY;
	bus->mmio = mmio;
	memmove(&mmio[at + 1], &mmio[at], (bus->mmio_count - at) * sizeof(*mmio));
	mmio[at] = (struct mmio_range){dev, base, size, first_offset, max_size};
	bus->mmio_count++;
	return STATUS_OK;
}

/* ------------------------------------------------------------------- access */

/*
 * How much of an access of @size bytes at @offset the range can serve at once: the largest
 * naturally aligned power of two that fits. Never 0.
 */
static unsigned int piece_size(uint64_t offset, uint64_t range_size, uint32_t max_size,
			       unsigned int size)
{
	unsigned int piece = max_size;

	while (piece > 1 && (piece > size || (offset & (piece - 1)) || offset + piece > range_size))
		piece /= 2;
	return piece;
}

static bool port_serves_whole(const struct port_range *range, uint32_t offset, unsigned int size)
{
	return size <= range->max_size && !(offset & (size - 1)) && offset + size <= range->count;
}

static uint32_t port_read_piece(const struct port_range *range, uint32_t offset, unsigned int size)
{
	uint32_t ones = (uint32_t)device_size_mask(size);

	if (!range->dev || !range->dev->ops->io_read)
		return ones;
	return ones & range->dev->ops->io_read(range->dev, range->first_offset + offset, size);
}

static void port_write_piece(const struct port_range *range, uint32_t offset, unsigned int size,
			     uint32_t value)
{
	if (!range->dev || !range->dev->ops->io_write)
		return;
	range->dev->ops->io_write(range->dev, range->first_offset + offset, size,
				  value & (uint32_t)device_size_mask(size));
}

/* The slow way: piece by piece, each to whoever serves its first port. */
static __attribute__((noinline)) uint32_t port_read_split(struct device_bus *bus, uint16_t port,
							  unsigned int size)
{
	uint32_t value = 0;

	for (unsigned int done = 0, piece; done < size; done += piece, port += piece) {
		const struct port_range *range = &bus->ports[port_row(bus, port)];

		piece = piece_size(port - range->base, range->count, range->max_size, size - done);
		value |= port_read_piece(range, port - range->base, piece) << (8 * done);
	}
	return value;
}

static __attribute__((noinline)) void port_write_split(struct device_bus *bus, uint16_t port,
						       unsigned int size, uint32_t value)
{
	for (unsigned int done = 0, piece; done < size; done += piece, port += piece) {
		const struct port_range *range = &bus->ports[port_row(bus, port)];

		piece = piece_size(port - range->base, range->count, range->max_size, size - done);
		port_write_piece(range, port - range->base, piece, value >> (8 * done));
	}
}

uint32_t device_port_read(struct device_bus *bus, uint16_t port, unsigned int size)
{
	const struct port_range *range = &bus->ports[port_row(bus, port)];

	if (unlikely(!port_serves_whole(range, port - range->base, size)))
		return port_read_split(bus, port, size);
	return port_read_piece(range, port - range->base, size);
}

void device_port_write(struct device_bus *bus, uint16_t port, unsigned int size, uint32_t value)
{
	const struct port_range *range = &bus->ports[port_row(bus, port)];

	if (unlikely(!port_serves_whole(range, port - range->base, size)))
		port_write_split(bus, port, size, value);
	else
		port_write_piece(range, port - range->base, size, value);
}

/* The range that holds @gpa, or NULL. */
static const struct mmio_range *mmio_find(struct device_bus *bus, gpa_t gpa)
{
	uint32_t low = 0, high = bus->mmio_count;

	if (bus->mmio_last < high &&
	    gpa - bus->mmio[bus->mmio_last].base < bus->mmio[bus->mmio_last].size)
		return &bus->mmio[bus->mmio_last];
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (gpa < bus->mmio[middle].base) {
			high = middle;
		} else if (gpa - bus->mmio[middle].base >= bus->mmio[middle].size) {
			low = middle + 1;
		} else {
			bus->mmio_last = middle;
			return &bus->mmio[middle];
		}
	}
	return NULL;
}

bool device_mmio_served(struct device_bus *bus, gpa_t gpa)
{
	return mmio_find(bus, gpa) != NULL;
}

static bool mmio_serves_whole(const struct mmio_range *range, gpa_t gpa, unsigned int size)
{
	uint64_t offset = gpa - range->base;

	return size <= range->max_size && !(size & (size - 1)) && !(offset & (size - 1)) &&
	       offset + size <= range->size;
}

static uint64_t mmio_read_piece(const struct mmio_range *range, gpa_t gpa, unsigned int size)
{
	struct device *dev = range->dev;

	if (!dev->ops->mmio_read)
		return device_size_mask(size);
	return device_size_mask(size) &
	       dev->ops->mmio_read(dev, range->first_offset + gpa - range->base, size);
}

static void mmio_write_piece(const struct mmio_range *range, gpa_t gpa, unsigned int size,
			     uint64_t value)
{
	struct device *dev = range->dev;

	if (dev->ops->mmio_write)
		dev->ops->mmio_write(dev, range->first_offset + gpa - range->base, size,
				     value & device_size_mask(size));
}

static unsigned int mmio_piece_size(const struct mmio_range *range, gpa_t gpa, unsigned int size)
{
	if (!range)
		return 1;
	return piece_size(gpa - range->base, range->size, range->max_size, size);
}

static __attribute__((noinline)) uint64_t mmio_read_split(struct device_bus *bus, gpa_t gpa,
							  unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int done = 0, piece; done < size; done += piece, gpa += piece) {
		const struct mmio_range *range = mmio_find(bus, gpa);

		piece = mmio_piece_size(range, gpa, size - done);
		value |= (range ? mmio_read_piece(range, gpa, piece) : 0xff) << (8 * done);
	}
	return value;
}

static __attribute__((noinline)) void mmio_write_split(struct device_bus *bus, gpa_t gpa,
						       unsigned int size, uint64_t value)
{
	for (unsigned int done = 0, piece; done < size; done += piece, gpa += piece) {
		const struct mmio_range *range = mmio_find(bus, gpa);

		piece = mmio_piece_size(range, gpa, size - done);
		if (range)
			mmio_write_piece(range, gpa, piece, value >> (8 * done));
	}
}

uint64_t device_mmio_read(struct device_bus *bus, gpa_t gpa, unsigned int size)
{
	const struct mmio_range *range = mmio_find(bus, gpa);

	if (unlikely(!range || !mmio_serves_whole(range, gpa, size)))
		return mmio_read_split(bus, gpa, size);
	return mmio_read_piece(range, gpa, size);
}

void device_mmio_write(struct device_bus *bus, gpa_t gpa, unsigned int size, uint64_t value)
{
	const struct mmio_range *range = mmio_find(bus, gpa);

	if (unlikely(!range || !mmio_serves_whole(range, gpa, size)))
		mmio_write_split(bus, gpa, size, value);
	else
		mmio_write_piece(range, gpa, size, value);
}

bool device_mmio_try_read(struct device_bus *bus, gpa_t gpa, unsigned int size, uint64_t *value)
{
	const struct mmio_range *range = mmio_find(bus, gpa);

	if (unlikely(!range))
		return false;
	*value = likely(mmio_serves_whole(range, gpa, size)) ? mmio_read_piece(range, gpa, size)
							     : mmio_read_split(bus, gpa, size);
	return true;
}

bool device_mmio_try_write(struct device_bus *bus, gpa_t gpa, unsigned int size, uint64_t value)
{
	const struct mmio_range *range = mmio_find(bus, gpa);

	if (unlikely(!range))
		return false;
	if (likely(mmio_serves_whole(range, gpa, size)))
		mmio_write_piece(range, gpa, size, value);
	else
		mmio_write_split(bus, gpa, size, value);
	return true;
}
