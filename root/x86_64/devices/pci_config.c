/* SPDX-License-Identifier: MIT */
/*
 * Two registers in one place: only a 4-byte access at 0xcf8 reaches the address register,
 * and only a 1-byte access at 0xcf9 reaches the reset control.
 */
#include <devices/device_state.h>
#include <devices/pci_config.h>

#include <string.h>

#define OFFSET_ADDRESS 0u
#define OFFSET_DATA    4u
#define OFFSET_RESET   (PCI_RESET_PORT - PCI_CONFIG_PORT)

#define ADDRESS_WRITABLE 0x80fffffcu /* the others are reserved and read 0 */
#define ADDRESS_ENABLE	 0x80000000u
#define ADDRESS_FUNCTION 0x00ffff00u /* bus, device, function */
#define ADDRESS_REGISTER 0x000000fcu
#define RESET_SYSTEM	 0x02 /* hard, not only the processor */
#define RESET_GO	 0x04 /* its rising edge resets */
#define RESET_FULL	 0x08
#define RESET_WRITABLE	 (RESET_SYSTEM | RESET_GO | RESET_FULL)

/* PCI 3.0, 6.1: the header's first four words; all others of the host bridge are 0. */
static const uint32_t host_bridge[] = {
	0x0d578086, /* a host bridge that guests know as a virtual machine's */
	0x00000000, /* decodes nothing, masters nothing */
	0x06000000, /* class: bridge, host */
	0x00000000, /* header type 0, one function */
};

static uint32_t data_read(const struct pci_config *pci, uint32_t offset, unsigned int size)
{
	uint32_t word = (pci->address & ADDRESS_REGISTER) / 4, value = 0;

	/* Bus 0, device 0, function 0. */
	if (!(pci->address & ADDRESS_ENABLE) || (pci->address & ADDRESS_FUNCTION))
		return 0xffffffff;
	if (word < ARRAY_SIZE(host_bridge))
		value = host_bridge[word];
	return (uint32_t)(value >> 8 * (offset % 4) & device_size_mask(size));
}

static uint32_t pci_io_read(struct device *dev, uint32_t offset, unsigned int size)
{
	struct pci_config *pci = container_of(dev, struct pci_config, dev);

	if (offset == OFFSET_ADDRESS && size == 4)
		return pci->address;
	if (offset == OFFSET_RESET && size == 1)
		return pci->reset_control;
	if (offset >= OFFSET_DATA)
		return data_read(pci, offset, size);
	return 0xffffffff;
}

static void reset_write(struct pci_config *pci, uint8_t value)
{
	bool go = (value & RESET_GO) && !(pci->reset_control & RESET_GO);

	pci->reset_control = value & RESET_WRITABLE;
	if (go)
		pci->env->ops->power(pci->env, DEVICE_POWER_RESET, 0);
}

static void pci_io_write(struct device *dev, uint32_t offset, unsigned int size, uint32_t value)
{
	struct pci_config *pci = container_of(dev, struct pci_config, dev);

	if (offset == OFFSET_ADDRESS && size == 4)
		pci->address = value & ADDRESS_WRITABLE;
	else if (offset == OFFSET_RESET && size == 1)
		reset_write(pci, (uint8_t)value);
}

static void pci_reset(struct device *dev)
{
	struct pci_config *pci = container_of(dev, struct pci_config, dev);

	pci->address = 0;
	pci->reset_control = 0;
}

/* ---- state ---- */

static const struct device_field pci_fields[] = {
	DEVICE_BITS(struct pci_config, address, ADDRESS_WRITABLE),
	DEVICE_BITS(struct pci_config, reset_control, RESET_WRITABLE),
};

static const struct device_state pci_state = {
	.version = 1,
	.structure_size = sizeof(struct pci_config),
	.fields = pci_fields,
	.field_count = ARRAY_SIZE(pci_fields),
};

static const struct device_ops pci_ops = {
	.io_read = pci_io_read,
	.io_write = pci_io_write,
	.reset = pci_reset,
	.state = &pci_state,
};

status_t pci_config_init(struct pci_config *pci, struct device_env *env, struct device_bus *bus)
{
	memset(pci, 0, sizeof(*pci));
	pci->dev = (struct device){.name = "pci-config", .ops = &pci_ops};
	pci->env = env;
	device_bus_attach(bus, &pci->dev);
	return device_bus_add_ports(bus, &pci->dev, PCI_CONFIG_PORT, 8, 0, 4);
}
