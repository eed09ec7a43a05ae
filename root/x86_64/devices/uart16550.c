/* SPDX-License-Identifier: MIT */
/*
 * The 16550A: eight registers, two FIFOs, four causes of interrupt in the order of their
 * priority. uart_update() follows every change and computes the interrupt line.
 */
#include <devices/device_state.h>
#include <devices/uart16550.h>

#include <string.h>

enum uart_register {
	UART_DATA = 0, /* RBR, THR; DLL with DLAB */
	UART_IER = 1,  /* DLM with DLAB */
	UART_IIR = 2,  /* read; FCR when written */
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
	UART_MSR = 6,
	UART_SCR = 7,
};

#define IER_RECEIVE  0x01
#define IER_TRANSMIT 0x02
#define IER_LINE     0x04
#define IER_MODEM    0x08
#define IER_MASK     0x0f

#define IIR_NONE     0x01
#define IIR_MODEM    0x00
#define IIR_TRANSMIT 0x02
#define IIR_RECEIVE  0x04
#define IIR_LINE     0x06
#define IIR_TIMEOUT  0x0c
#define IIR_FIFOS    0xc0

#define FCR_ENABLE	  0x01
#define FCR_CLEAR_RECEIVE 0x02
#define FCR_TRIGGER_SHIFT 6
#define FCR_KEPT	  0xc1

#define LCR_DLAB 0x80

#define MCR_DTR	     0x01
#define MCR_RTS	     0x02
#define MCR_OUT1     0x04
#define MCR_OUT2     0x08
#define MCR_LOOPBACK 0x10
#define MCR_MASK     0x1f

#define LSR_DATA_READY 0x01
#define LSR_OVERRUN    0x02
#define LSR_THRE       0x20
#define LSR_TEMT       0x40

#define MSR_DELTA_CTS	0x01
#define MSR_DELTA_DSR	0x02
#define MSR_TRAILING_RI 0x04
#define MSR_DELTA_DCD	0x08
#define MSR_CTS		0x10
#define MSR_DSR		0x20
#define MSR_RI		0x40
#define MSR_DCD		0x80
#define MSR_DELTAS	0x0f

#define UART_CLOCK_HZ	 1843200u
#define UART_CHAR_CLOCKS 160u /* 16 clocks a bit, 10 bits a character */
#define DEFAULT_DIVISOR	 12u  /* 9600 baud */
#define TIMEOUT_CHARS	 4u   /* of silence, PC16550D 8.4.1 */

/* ---------------------------------------------------------------- the rings */

static uint32_t ring_count(const struct uart_ring *ring)
{
	return ring->tail - ring->head;
}

static uint32_t ring_room(const struct uart_ring *ring)
{
	return UART_RING_SIZE - ring_count(ring);
}

static void ring_put(struct uart_ring *ring, uint8_t byte)
{
	ring->bytes[ring->tail++ % UART_RING_SIZE] = byte;
}

static uint8_t ring_take(struct uart_ring *ring)
{
	return ring->bytes[ring->head++ % UART_RING_SIZE];
}

/* ------------------------------------------------------------------ helpers */

static bool fifo_enabled(const struct uart *uart)
{
	return uart->fcr & FCR_ENABLE;
}

static unsigned int fifo_capacity(const struct uart *uart)
{
	return fifo_enabled(uart) ? UART_FIFO_SIZE : 1;
}

static unsigned int fifo_trigger(const struct uart *uart)
{
	static const uint8_t triggers[4] = {1, 4, 8, 14};

	return fifo_enabled(uart) ? triggers[uart->fcr >> FCR_TRIGGER_SHIFT] : 1;
}

static uint64_t char_time_ns(const struct uart *uart)
{
	uint32_t divisor = uart->divisor ? uart->divisor : 1;

	return device_scale(UART_CHAR_CLOCKS * divisor, (uint32_t)NS_PER_SEC, UART_CLOCK_HZ);
}

static bool output_has_room(const struct uart *uart)
{
	return ring_room(&uart->output) >= UART_FIFO_SIZE;
}

/* The cause of highest priority (PC16550D table 5), without the FIFO bits. */
static uint8_t interrupt_cause(const struct uart *uart)
{
	if ((uart->ier & IER_LINE) && uart->lsr_errors)
		return IIR_LINE;
	if (uart->ier & IER_RECEIVE) {
		if (uart->fifo_count >= fifo_trigger(uart))
			return IIR_RECEIVE;
		if (uart->timed_out)
			return IIR_TIMEOUT;
	}
	if ((uart->ier & IER_TRANSMIT) && uart->thre_interrupt)
		return IIR_TRANSMIT;
	if ((uart->ier & IER_MODEM) && (uart->msr & MSR_DELTAS))
		return IIR_MODEM;
	return IIR_NONE;
}

static void uart_update(struct uart *uart)
{
	bool irq = interrupt_cause(uart) != IIR_NONE;

	if (irq == uart->irq)
		return;
	uart->irq = irq;
	device_irq_set(uart->env, uart->gsi, irq);
}

/* ------------------------------------------------------------------- output */

/* What was written is out, if there is room for more: THRE rises. */
static void transmit_settle(struct uart *uart)
{
	if (!uart->sending || !output_has_room(uart))
		return;
	uart->sending = false;
	uart->thre_interrupt = true;
}

void uart_flush(struct uart *uart)
{
	struct uart_ring *ring = &uart->output;

	/* Two runs at most: up to the end of the array, and from its start. */
	while (ring_count(ring)) {
		uint32_t at = ring->head % UART_RING_SIZE;
		uint32_t run = MIN(ring_count(ring), UART_RING_SIZE - at);
		size_t taken = uart->env->ops->console_write(uart->env, uart->console,
							     &ring->bytes[at], run);

		ring->head += (uint32_t)MIN(taken, run);
		if (taken < run)
			break;
	}
	if (!ring_count(ring))
		device_timer_cancel(uart->env, &uart->flush_timer);
	else if (!uart->flush_timer.armed)
		device_timer_arm(uart->env, &uart->flush_timer,
				 device_now(uart->env) + UART_FLUSH_NS);
}

static void flush_expired(struct device_timer *timer)
{
	struct uart *uart = container_of(timer, struct uart, flush_timer);
	bool was_full = !output_has_room(uart);

	uart_flush(uart);
	if (was_full) {
		transmit_settle(uart);
		uart_update(uart);
	}
}

static void sent_expired(struct device_timer *timer)
{
	struct uart *uart = container_of(timer, struct uart, sent_timer);

	transmit_settle(uart);
	uart_update(uart);
}

static void output_put(struct uart *uart, uint8_t byte)
{
	struct uart_ring *ring = &uart->output;

	if (!ring_room(ring))
		uart_flush(uart);
	if (!ring_room(ring))
		return; /* the guest did not look at THRE */
	if (!ring_count(ring))
		device_timer_arm(uart->env, &uart->flush_timer,
				 device_now(uart->env) + UART_FLUSH_NS);
	ring_put(ring, byte);
	if (ring_count(ring) == UART_RING_SIZE / 2)
		uart_flush(uart);
}

/* -------------------------------------------------------------------- input */

static void fifo_put(struct uart *uart, uint8_t byte)
{
	uart->fifo[(uart->fifo_head + uart->fifo_count) % UART_FIFO_SIZE] = byte;
	uart->fifo_count++;
}

static bool guest_listens(const struct uart *uart)
{
	return !(uart->mcr & MCR_LOOPBACK) && !uart->paused &&
	       ((uart->mcr & MCR_RTS) || (uart->ier & IER_RECEIVE));
}

/* Bytes below the trigger level ask for service after a while of silence. */
static void timeout_restart(struct uart *uart)
{
	if (uart->paused)
		return;
	uart->timed_out = false;
	if (fifo_enabled(uart) && uart->fifo_count)
		device_timer_arm(uart->env, &uart->receive_timer,
				 device_now(uart->env) + TIMEOUT_CHARS * char_time_ns(uart));
	else
		device_timer_cancel(uart->env, &uart->receive_timer);
}

/* Move what the far side sends into the FIFO, as far as the guest takes it. */
static void receive_pump(struct uart *uart)
{
	bool moved = false;

	while (guest_listens(uart) && ring_count(&uart->input) &&
	       uart->fifo_count < fifo_capacity(uart)) {
		fifo_put(uart, ring_take(&uart->input));
		moved = true;
	}
	if (moved)
		timeout_restart(uart);
}

static void receive_expired(struct device_timer *timer)
{
	struct uart *uart = container_of(timer, struct uart, receive_timer);

	if (uart->paused) {
		uart->paused = false;
		receive_pump(uart);
	} else {
		uart->timed_out = uart->fifo_count != 0;
	}
	uart_update(uart);
}

size_t uart_input(struct uart *uart, const uint8_t *bytes, size_t count)
{
	/* Keep room for what a FIFO reset gives back. */
	uint32_t room = ring_room(&uart->input);
	size_t taken = room > UART_FIFO_SIZE ? MIN(count, room - UART_FIFO_SIZE) : 0;

	for (size_t i = 0; i < taken; i++)
		ring_put(&uart->input, bytes[i]);
	receive_pump(uart);
	uart_update(uart);
	return taken;
}

static uint8_t receive_read(struct uart *uart)
{
	uint8_t byte = uart->fifo[uart->fifo_head];

	/* An empty FIFO gives the last byte again. */
	if (!uart->fifo_count)
		return uart->fifo[(uart->fifo_head + UART_FIFO_SIZE - 1) % UART_FIFO_SIZE];
	uart->fifo_head = (uart->fifo_head + 1) % UART_FIFO_SIZE;
	uart->fifo_count--;
	timeout_restart(uart);
	receive_pump(uart);
	return byte;
}

/*
 * Empty the FIFO; its bytes go back to the far side, which starts again a character time
 * later, so that the guest finds the FIFO empty as it expects.
 */
static void receive_clear(struct uart *uart)
{
	bool from_far_side = !(uart->mcr & MCR_LOOPBACK);
	uint8_t returned = 0;

	while (uart->fifo_count) {
		uart->fifo_count--;
		if (from_far_side && ring_room(&uart->input)) {
			uart->input.bytes[--uart->input.head % UART_RING_SIZE] =
				uart->fifo[(uart->fifo_head + uart->fifo_count) % UART_FIFO_SIZE];
			returned++;
		}
	}
	uart->timed_out = false;
	device_timer_cancel(uart->env, &uart->receive_timer);
	uart->paused = returned != 0;
	if (uart->paused)
		device_timer_arm(uart->env, &uart->receive_timer,
				 device_now(uart->env) + char_time_ns(uart));
}

static void loopback_receive(struct uart *uart, uint8_t byte)
{
	if (uart->fifo_count < fifo_capacity(uart)) {
		fifo_put(uart, byte);
	} else {
		uart->lsr_errors |= LSR_OVERRUN;
		/* Without FIFO the new byte replaces the old one; with it, it is lost. */
		if (!fifo_enabled(uart))
			uart->fifo[uart->fifo_head] = byte;
	}
	timeout_restart(uart);
}

/* ------------------------------------------------------------ the registers */

static void transmit_write(struct uart *uart, uint8_t byte)
{
	if (uart->mcr & MCR_LOOPBACK)
		loopback_receive(uart, byte);
	else
		output_put(uart, byte);
	uart->sending = true;
	uart->thre_interrupt = false;
	if (!(uart->ier & IER_TRANSMIT) && !(uart->mcr & MCR_LOOPBACK))
		return; /* a polling guest: nothing that can interrupt has changed */
	if ((uart->ier & IER_TRANSMIT) && !uart->sent_timer.armed)
		device_timer_arm(uart->env, &uart->sent_timer,
				 device_now(uart->env) + char_time_ns(uart));
	uart_update(uart);
}

static void ier_write(struct uart *uart, uint8_t value)
{
	uint8_t set = value & ~uart->ier;

	uart->ier = value & IER_MASK;
	if (set & IER_TRANSMIT) {
		transmit_settle(uart);
		uart->thre_interrupt = !uart->sending;
	}
	receive_pump(uart);
}

static void fcr_write(struct uart *uart, uint8_t value)
{
	/* A change of the enable bit empties the FIFOs; without it no other bit counts. */
	if (((value ^ uart->fcr) & FCR_ENABLE) ||
	    (value & (FCR_ENABLE | FCR_CLEAR_RECEIVE)) == (FCR_ENABLE | FCR_CLEAR_RECEIVE))
		receive_clear(uart);
	uart->fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
	receive_pump(uart);
}

/* The modem lines as they are: a connected far side, or our own outputs in loopback. */
static uint8_t modem_lines(const struct uart *uart)
{
	if (!(uart->mcr & MCR_LOOPBACK))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (uart->mcr & MCR_RTS ? MSR_CTS : 0) | (uart->mcr & MCR_DTR ? MSR_DSR : 0) |
	       (uart->mcr & MCR_OUT1 ? MSR_RI : 0) | (uart->mcr & MCR_OUT2 ? MSR_DCD : 0);
}

static void mcr_write(struct uart *uart, uint8_t value)
{
	uint8_t lines, changed;

	uart->mcr = value & MCR_MASK;
	lines = modem_lines(uart);
	changed = lines ^ (uart->msr & (uint8_t)~MSR_DELTAS);
	uart->msr = lines | (uart->msr & MSR_DELTAS);
	if (changed & MSR_CTS)
		uart->msr |= MSR_DELTA_CTS;
	if (changed & MSR_DSR)
		uart->msr |= MSR_DELTA_DSR;
	if (changed & MSR_DCD)
		uart->msr |= MSR_DELTA_DCD;
	if ((changed & MSR_RI) && !(lines & MSR_RI))
		uart->msr |= MSR_TRAILING_RI;
	receive_pump(uart);
}

static uint8_t iir_read(struct uart *uart)
{
	uint8_t cause;

	transmit_settle(uart);
	cause = interrupt_cause(uart);
	if (cause == IIR_TRANSMIT)
		uart->thre_interrupt = false;
	uart_update(uart);
	return cause | (fifo_enabled(uart) ? IIR_FIFOS : 0);
}

static uint8_t lsr_read(struct uart *uart)
{
	uint8_t lsr = uart->lsr_errors;
	bool changed = uart->sending || lsr;

	if (uart->sending && !output_has_room(uart))
		uart_flush(uart);
	transmit_settle(uart);
	if (uart->fifo_count)
		lsr |= LSR_DATA_READY;
	if (!uart->sending)
		lsr |= LSR_THRE | LSR_TEMT;
	uart->lsr_errors = 0;
	if (changed)
		uart_update(uart);
	return lsr;
}

static uint8_t data_read(struct uart *uart)
{
	uint8_t value = receive_read(uart);

	uart_update(uart);
	return value;
}

static uint8_t msr_read(struct uart *uart)
{
	uint8_t value = uart->msr;

	uart->msr &= (uint8_t)~MSR_DELTAS;
	uart_update(uart);
	return value;
}

static uint32_t uart_io_read(struct device *dev, uint32_t offset, unsigned int size)
{
	struct uart *uart = container_of(dev, struct uart, dev);
	bool dlab = uart->lcr & LCR_DLAB;

	(void)size;
	switch ((enum uart_register)offset) {
	case UART_DATA: return dlab ? uart->divisor & 0xff : data_read(uart);
	case UART_IER: return dlab ? uart->divisor >> 8 : uart->ier;
	case UART_IIR: return iir_read(uart);
	case UART_LCR: return uart->lcr;
	case UART_MCR: return uart->mcr;
	case UART_LSR: return lsr_read(uart);
	case UART_MSR: return msr_read(uart);
	default: return uart->scr;
	}
}

static void uart_io_write(struct device *dev, uint32_t offset, unsigned int size, uint32_t value)
{
	struct uart *uart = container_of(dev, struct uart, dev);
	bool dlab = uart->lcr & LCR_DLAB;
	uint8_t byte = (uint8_t)value;

	(void)size;
	switch ((enum uart_register)offset) {
	case UART_DATA:
		if (!dlab) {
			transmit_write(uart, byte);
			return;
		}
		uart->divisor = (uart->divisor & 0xff00) | byte;
		return;
	case UART_IER:
		if (dlab)
			uart->divisor = (uint16_t)((uart->divisor & 0xff) | byte << 8);
		else
			ier_write(uart, byte);
		break;
	case UART_IIR: fcr_write(uart, byte); break;
	case UART_LCR: uart->lcr = byte; return;
	case UART_MCR: mcr_write(uart, byte); break;
	case UART_SCR: uart->scr = byte; return;
	default: return; /* LSR and MSR: writing is for factory tests */
	}
	uart_update(uart);
}

/* Input that has not reached the FIFO yet stays with the far side, output with the console. */
static void uart_reset(struct device *dev)
{
	struct uart *uart = container_of(dev, struct uart, dev);

	device_timer_cancel(uart->env, &uart->sent_timer);
	device_timer_cancel(uart->env, &uart->receive_timer);
	uart_flush(uart);
	uart->ier = uart->fcr = uart->lcr = uart->mcr = uart->scr = 0;
	uart->lsr_errors = 0;
	uart->divisor = DEFAULT_DIVISOR;
	uart->fifo_head = uart->fifo_count = 0;
	uart->sending = uart->thre_interrupt = uart->timed_out = uart->paused = false;
	uart->msr = modem_lines(uart);
	uart_update(uart);
}

/* ---- state ---- */

static bool uart_valid(const struct device *dev)
{
	const struct uart *uart = container_of(dev, const struct uart, dev);

	return ring_count(&uart->output) <= UART_RING_SIZE &&
	       ring_count(&uart->input) <= UART_RING_SIZE;
}

static const struct device_field uart_fields[] = {
	DEVICE_TIMER(struct uart, sent_timer),
	DEVICE_TIMER(struct uart, flush_timer),
	DEVICE_TIMER(struct uart, receive_timer),
	DEVICE_ARRAY(struct uart, output.bytes, 0),
	DEVICE_FIELD(struct uart, output.head, 0),
	DEVICE_FIELD(struct uart, output.tail, 0),
	DEVICE_ARRAY(struct uart, input.bytes, 0),
	DEVICE_FIELD(struct uart, input.head, 0),
	DEVICE_FIELD(struct uart, input.tail, 0),
	DEVICE_BITS(struct uart, ier, IER_MASK),
	DEVICE_FIELD(struct uart, fcr, 0),
	DEVICE_FIELD(struct uart, lcr, 0),
	DEVICE_BITS(struct uart, mcr, MCR_MASK),
	DEVICE_FIELD(struct uart, msr, 0),
	DEVICE_FIELD(struct uart, scr, 0),
	DEVICE_FIELD(struct uart, lsr_errors, 0),
	DEVICE_FIELD(struct uart, divisor, 0),
	DEVICE_ARRAY(struct uart, fifo, 0),
	DEVICE_FIELD(struct uart, fifo_head, UART_FIFO_SIZE - 1),
	DEVICE_FIELD(struct uart, fifo_count, UART_FIFO_SIZE),
	DEVICE_FIELD(struct uart, sending, 1),
	DEVICE_FIELD(struct uart, thre_interrupt, 1),
	DEVICE_FIELD(struct uart, timed_out, 1),
	DEVICE_FIELD(struct uart, paused, 1),
	DEVICE_FIELD(struct uart, irq, 1),
};

static const struct device_state uart_state = {
	.version = 1,
	.structure_size = sizeof(struct uart),
	.fields = uart_fields,
	.field_count = ARRAY_SIZE(uart_fields),
	.valid = uart_valid,
};

static const struct device_ops uart_ops = {
	.io_read = uart_io_read,
	.io_write = uart_io_write,
	.reset = uart_reset,
	.state = &uart_state,
};

status_t uart_init(struct uart *uart, struct device_env *env, struct device_bus *bus,
		   const struct uart_config *config)
{
	memset(uart, 0, sizeof(*uart));
	uart->dev = (struct device){.name = "uart", .ops = &uart_ops};
	uart->env = env;
	uart->gsi = config->gsi;
	uart->console = config->console;
	uart->sent_timer.expired = sent_expired;
	uart->flush_timer.expired = flush_expired;
	uart->receive_timer.expired = receive_expired;
	uart_reset(&uart->dev);
	device_bus_attach(bus, &uart->dev);
	return device_bus_add_ports(bus, &uart->dev, config->port, UART_PORTS, 0, 1);
}
