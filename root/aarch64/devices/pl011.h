/* SPDX-License-Identifier: MIT */
/*
 * A serial port: Arm's PL011 UART (DDI 0183), over the console. Output is collected and offered to the console
 * after UART_FLUSH_NS, or when there is much of it; input waits until the guest takes it.
 *
 * Deviations: sending takes no time, so the transmit interrupt comes back at once, unless the console takes no
 * more. Baud rate and line format are kept and mean nothing. There are no parity, framing or break errors, no
 * DMA and no modem: CTS, DSR and DCD are on.
 */
#ifndef DEVICES_PL011_H
#define DEVICES_PL011_H

#include <devices/byte_ring.h>
#include <devices/device.h>
#include <devices/primecell.h>

#define PL011_FIFO_SIZE 32u	   /* r1p5 */
#define UART_FLUSH_NS	2000000ull /* how long a byte may wait for company */

struct pl011 {
	struct device dev;
	struct device_env *env;
	struct device_timer flush_timer;   /* offer the output to the console */
	struct device_timer receive_timer; /* received, and not taken for a while */
	struct byte_ring output, input;
	unsigned int line, console;

	uint32_t integer_divisor, fractional_divisor, line_control, control;
	uint32_t fifo_levels, mask, raw; /* IFLS, IMSC, RIS */
	uint32_t dma;
	uint8_t errors; /* RSR */
	uint8_t fifo[PL011_FIFO_SIZE];
	uint8_t fifo_head, fifo_count;
	bool irq;
};

/* Prepares it as after a reset and what firmware does then, and puts it on the bus. console: for console_write(). Bus statuses. */
status_t pl011_init(struct pl011 *uart, struct device_env *env, struct device_bus *bus,
		    const struct primecell_config *config, unsigned int console);
/* Bytes typed at the console. Answers how many were taken; offer the rest again later. */
size_t pl011_input(struct pl011 *uart, const uint8_t *bytes, size_t count);
/* Offers all waiting output to the console now. */
void pl011_flush(struct pl011 *uart);

#endif
