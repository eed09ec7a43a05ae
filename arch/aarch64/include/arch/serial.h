/* SPDX-License-Identifier: MIT */
/* The host's serial lines: each a PL011 or a 16550, as the device tree, ACPI or PCI has it. */
#ifndef ARCH_SERIAL_H
#define ARCH_SERIAL_H

#include <arch/machine.h>

/* The console is there from now on, with its registers mapped at `registers`; again when they move. */
void serial_init(const struct machine_uart *uart, volatile void *registers);
/* There is a second line, for arch_line_open(). */
void serial_second(const struct machine_uart *uart, volatile void *registers);
/* The console's input: by interrupt, or looked for every 10 ms if it has none. */
void serial_start(void);
/* Waits, not for ever, until the last byte written has left the line: before the power goes. */
void serial_drain(void);
/* It is that of a line. */
bool serial_has_interrupt(uint32_t interrupt);
/* Takes what has come. */
void serial_interrupt(void);
/* Words where nothing is up yet, with the MMU off: to a console that is at its physical address. */
void serial_write_early(const struct machine_uart *uart, const char *words);

#endif
