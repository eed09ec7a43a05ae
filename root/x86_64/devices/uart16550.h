/* SPDX-License-Identifier: MIT */
/*
 * A 16550A serial port (National PC16550D data sheet) whose far side is one of the VMM's
 * consoles. No byte is lost in either direction while the guest keeps to the protocol:
 *
 * - Output waits in a ring until the console takes it; THRE stays low while the ring has no
 *   room for a full transmit FIFO. Bytes are handed over in batches.
 * - Input waits in a ring until the guest listens (RTS, or the receive interrupt, is on) and
 *   the receive FIFO has room. What a FIFO reset throws away, the far side sends again.
 *
 * Deviations: sending takes no time, but THRE is only seen to rise when the guest looks
 * (LSR, IIR) or a character time later, so a burst costs one interrupt. OUT2 does not gate
 * the interrupt. There are no parity, framing or break conditions.
 */
#ifndef DEVICES_UART16550_H
#define DEVICES_UART16550_H

#include <devices/device.h>

#define UART_PORTS     8u
#define UART_FIFO_SIZE 16u
#define UART_RING_SIZE 1024u	  /* a power of two */
#define UART_FLUSH_NS  2000000ull /* how long a byte may wait for company */

/* A queue of bytes; head and tail run freely and are reduced when they index. */
struct uart_ring {
	uint8_t bytes[UART_RING_SIZE];
	uint32_t head; /* next to take */
	uint32_t tail; /* next to fill */
};

struct uart {
	struct device dev;
	struct device_env *env;
	struct device_timer sent_timer;	   /* a burst is sent: THRE rises */
	struct device_timer flush_timer;   /* offer the output to the console */
	struct device_timer receive_timer; /* character timeout; end of a pause of the sender */
	struct uart_ring output, input;
	unsigned int gsi, console;

	uint8_t ier, fcr, lcr, mcr, msr, scr;
	uint8_t lsr_errors; /* OE; the other LSR bits are computed */
	uint16_t divisor;
	uint8_t fifo[UART_FIFO_SIZE];
	uint8_t fifo_head, fifo_count;
	bool sending;	     /* THR was written and nobody has seen it empty yet */
	bool thre_interrupt; /* THRE asks for service */
	bool timed_out;	     /* character timeout asks for service */
	bool paused;	     /* the sender waits a character time after a FIFO reset */
	bool irq;
};

/* Where a serial port sits and what it is wired to. */
struct uart_config {
	uint16_t port;
	unsigned int gsi;
	unsigned int console; /* passed to console_write() */
};

/* Prepare @uart in the state after reset, and put it on the bus. Bus statuses. */
status_t uart_init(struct uart *uart, struct device_env *env, struct device_bus *bus,
		   const struct uart_config *config);

/* Bytes typed at the console. Answers how many were taken; offer the rest again later. */
size_t uart_input(struct uart *uart, const uint8_t *bytes, size_t count);

/* Offer all waiting output to the console now (the partition ends, a prompt appears). */
void uart_flush(struct uart *uart);

#endif
