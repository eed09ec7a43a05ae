/* SPDX-License-Identifier: MIT */
/* A 16550 on a PCI card: class 07 00, programming interface 02 and up (PCI Code and ID Assignment 1.11, D.8). */
#ifndef ARCH_PCI_SERIAL_H
#define ARCH_PCI_SERIAL_H

#include <arch/machine.h>

/* The first one, by the order of buses that the firmware has numbered; without such a firmware it is given a
 * place for its registers. False: there is none that can be reached. It has no interrupt: what a pin of a PCI
 * device leads to may be another's as well, which nobody would serve. */
bool pci_serial_find(const struct machine_pci *pci, struct machine_uart *uart);

#endif
