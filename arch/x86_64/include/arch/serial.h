/* SPDX-License-Identifier: MIT */
/* The host's serial line: a 16550, at a port or in memory. */
#ifndef ARCH_SERIAL_H
#define ARCH_SERIAL_H

#include <trivet/types.h>

/* By `console=PORT[,BAUD]`, `console=mmio:ADDRESS[,BAUD]` or `console=none`; without it the first
 * COM port, if it is there. */
void serial_init(void);
/* After ACPI: the firmware's choice of a console (SPCR) if the command line made none; input by
 * interrupt, or looked for every 10 ms if the interrupt isn't known. */
void serial_start(void);
/* Waits, not for ever, until the last byte written has left the line: before the power goes. */
void serial_drain(void);
/* Takes what has come. */
void serial_interrupt(void);

#endif
