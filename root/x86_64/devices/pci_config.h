/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration mechanism 1 (PCI 3.0, 3.2.2.3.2) and the reset control register that shares
 * its ports: 0xcf8-0xcfb address, 0xcfc-0xcff data, 0xcf9 reset (PIIX3 data sheet, 290550). The
 * one function on the bus is the host bridge at 00:00.0, by which systems know that there is a
 * bus at all; its header is read only. All others read as ones, "no such device". The FADT's
 * reset register is 0xcf9 with value PCI_RESET_VALUE.
 */
#ifndef DEVICES_PCI_CONFIG_H
#define DEVICES_PCI_CONFIG_H

#include <devices/device.h>

#define PCI_CONFIG_PORT 0xcf8u
#define PCI_RESET_PORT	0xcf9u
#define PCI_RESET_VALUE 0x06u

struct pci_config {
	struct device dev;
	struct device_env *env;
	uint32_t address;
	uint8_t reset_control;
};

/* Prepare @pci and put it on the bus. Bus statuses. */
status_t pci_config_init(struct pci_config *pci, struct device_env *env, struct device_bus *bus);

#endif
