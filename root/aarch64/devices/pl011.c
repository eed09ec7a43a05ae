/* SPDX-License-Identifier: MIT */
/* The PL011: update() follows every change and computes the interrupt line. */
#include <devices/device_state.h>
#include <devices/pl011.h>

#include <string.h>

/* DDI 0183 table 3-1 */
enum pl011_register {
	UART_DR = 0x000,
	UART_RSR = 0x004, /* ECR when written */
	UART_FR = 0x018,
	UART_ILPR = 0x020,
	UART_IBRD = 0x024,
	UART_FBRD = 0x028,
	UART_LCR_H = 0x02c,
	UART_CR = 0x030,
	UART_IFLS = 0x034,
	UART_IMSC = 0x038,
	UART_RIS = 0x03c,
	UART_MIS = 0x040,
	UART_ICR = 0x044,
	UART_DMACR = 0x048,
};

#define PART	 0x011u
#define REVISION 3u /* r1p5 */

#define ERROR_OVERRUN BIT(3)  /* of RSR */
#define DATA_OVERRUN  BIT(11) /* the same in DR */

#define FR_CTS	BIT(0)
#define FR_DSR	BIT(1)
#define FR_DCD	BIT(2)
#define FR_RXFE BIT(4)
#define FR_TXFF BIT(5)
#define FR_RXFF BIT(6)
#define FR_TXFE BIT(7)

#define LCR_H_FEN  BIT(4)
#define LCR_H_MASK 0xffu

/* As firmware hands it over: on, 8 bits, FIFOs. A generic UART of the SBSA, which ACPI makes of this one, is not
 * switched on by its driver. */
#define LCR_H_START (LCR_H_FEN | 3 * BIT(5))
#define CR_START    (CR_UARTEN | CR_TXE | CR_RXE)

#define CR_UARTEN BIT(0)
#define CR_LBE	  BIT(7)
#define CR_TXE	  BIT(8)
#define CR_RXE	  BIT(9)
#define CR_MASK	  0xff87u

#define IFLS_MASK	   0x3fu
#define IFLS_RESET	   0x12u /* half full, both */
#define IFLS_RECEIVE(ifls) ((ifls) >> 3 & 7)

/* Bits of IMSC, RIS, MIS, ICR */
#define INT_RECEIVE  BIT(4)
#define INT_TRANSMIT BIT(5)
#define INT_TIMEOUT  BIT(6)
#define INT_OVERRUN  BIT(10)
#define INT_MASK     0x7ffu

#define DMACR_MASK 0x7u

/* 32 bits of silence (2.8.4), at 115200 baud. */
#define TIMEOUT_NS 277778ull

/* ------------------------------------------------------------------ helpers */

static bool fifo_enabled(const struct pl011 *uart)
{
	return uart->line_control & LCR_H_FEN;
}

static unsigned int fifo_capacity(const struct pl011 *uart)
{
	return fifo_enabled(uart) ? PL011_FIFO_SIZE : 1;
}

static unsigned int fifo_trigger(const struct pl011 *uart)
{
	/* In eighths (3.3.9); what is reserved is as the last. */
	static const uint8_t eighths[8] = {1, 2, 4, 6, 7, 7, 7, 7};

	if (!fifo_enabled(uart))
		return 1;
	return eighths[IFLS_RECEIVE(uart->fifo_levels)] * PL011_FIFO_SIZE / 8;
}

static bool output_has_room(const struct pl011 *uart)
{
	return byte_ring_room(&uart->output) >= PL011_FIFO_SIZE;
}

static void update(struct pl011 *uart)
{
	bool irq = uart->raw & uart->mask;

	if (irq == uart->irq)
		return;
	uart->irq = irq;
	device_irq_set(uart->env, uart->line, irq);
}

/* ------------------------------------------------------------------- output */

void pl011_flush(struct pl011 *uart)
{
	struct byte_ring *ring = &uart->output;

	/* Two runs at most: up to the end of the array, and from its start. */
	while (byte_ring_count(ring)) {
		uint32_t at = ring->head % BYTE_RING_SIZE;
		uint32_t run = MIN(byte_ring_count(ring), BYTE_RING_SIZE - at);
		size_t taken = uart->env->ops->console_write(uart->env, uart->console,
							     &ring->bytes[at], run);

		ring->head += (uint32_t)MIN(taken, run);
		if (taken < run)
			break;
	}
	if (!byte_ring_count(ring))
		device_timer_cancel(uart->env, &uart->flush_timer);
	else if (!uart->flush_timer.armed)
		device_timer_arm(uart->env, &uart->flush_timer,
				 device_now(uart->env) + UART_FLUSH_NS);
}

static void flush_expired(struct device_timer *timer)
{
	struct pl011 *uart = container_of(timer, struct pl011, flush_timer);
	bool was_full = !output_has_room(uart);

	pl011_flush(uart);
	if (was_full && output_has_room(uart))
		uart->raw |= INT_TRANSMIT;
	update(uart);
}

static void output_put(struct pl011 *uart, uint8_t byte)
{
	struct byte_ring *ring = &uart->output;

	if (!byte_ring_room(ring))
		pl011_flush(uart);
	if (!byte_ring_room(ring))
		return; /* the guest did not look at TXFF */
	if (!byte_ring_count(ring))
		device_timer_arm(uart->env, &uart->flush_timer,
				 device_now(uart->env) + UART_FLUSH_NS);
	byte_ring_put(ring, byte);
	if (byte_ring_count(ring) == BYTE_RING_SIZE / 2)
		pl011_flush(uart);
	/* The FIFO has emptied through its level. */
	if (output_has_room(uart))
		uart->raw |= INT_TRANSMIT;
	else
		uart->raw &= ~(uint32_t)INT_TRANSMIT;
}

/* -------------------------------------------------------------------- input */

static bool guest_listens(const struct pl011 *uart)
{
	return (uart->control & (CR_UARTEN | CR_RXE | CR_LBE)) == (CR_UARTEN | CR_RXE);
}

static void fifo_put(struct pl011 *uart, uint8_t byte)
{
	uart->fifo[(uart->fifo_head + uart->fifo_count) % PL011_FIFO_SIZE] = byte;
	uart->fifo_count++;
	if (uart->fifo_count >= fifo_trigger(uart))
		uart->raw |= INT_RECEIVE;
}

/* Bytes below the level ask for service after a while of silence. */
static void timeout_restart(struct pl011 *uart)
{
	if (uart->fifo_count)
		device_timer_arm(uart->env, &uart->receive_timer,
				 device_now(uart->env) + TIMEOUT_NS);
	else
		device_timer_cancel(uart->env, &uart->receive_timer);
}

/* Moves what the far side sends into the FIFO, as far as the guest takes it. */
static void receive_pump(struct pl011 *uart)
{
	bool moved = false;

	while (guest_listens(uart) && byte_ring_count(&uart->input) &&
	       uart->fifo_count < fifo_capacity(uart)) {
		fifo_put(uart, byte_ring_take(&uart->input));
		moved = true;
	}
	if (moved)
		timeout_restart(uart);
}

static void receive_expired(struct device_timer *timer)
{
	struct pl011 *uart = container_of(timer, struct pl011, receive_timer);

	if (uart->fifo_count)
		uart->raw |= INT_TIMEOUT;
	update(uart);
}

size_t pl011_input(struct pl011 *uart, const uint8_t *bytes, size_t count)
{
	size_t taken = MIN(count, byte_ring_room(&uart->input));

	for (size_t i = 0; i < taken; i++)
		byte_ring_put(&uart->input, bytes[i]);
	receive_pump(uart);
	update(uart);
	return taken;
}

static uint32_t data_read(struct pl011 *uart)
{
	uint32_t value = uart->fifo[uart->fifo_head];

	/* An empty FIFO gives the last byte again. */
	if (!uart->fifo_count)
		return uart->fifo[(uart->fifo_head + PL011_FIFO_SIZE - 1) % PL011_FIFO_SIZE];
	uart->fifo_head = (uart->fifo_head + 1) % PL011_FIFO_SIZE;
	uart->fifo_count--;
	if (uart->errors & ERROR_OVERRUN)
		value |= DATA_OVERRUN;
	if (uart->fifo_count < fifo_trigger(uart))
		uart->raw &= ~(uint32_t)INT_RECEIVE;
	if (!uart->fifo_count)
		uart->raw &= ~(uint32_t)INT_TIMEOUT;
	receive_pump(uart);
	timeout_restart(uart);
	return value;
}

static void loopback_receive(struct pl011 *uart, uint8_t byte)
{
	if (uart->fifo_count < fifo_capacity(uart)) {
		fifo_put(uart, byte);
		timeout_restart(uart);
	} else {
		uart->errors |= ERROR_OVERRUN;
		uart->raw |= INT_OVERRUN;
	}
	uart->raw |= INT_TRANSMIT;
}

static void data_write(struct pl011 *uart, uint8_t byte)
{
	/* Also when it is off: some guests print before they switch it on. */
	if (uart->control & CR_LBE)
		loopback_receive(uart, byte);
	else
		output_put(uart, byte);
}

/* ---------------------------------------------------------------- registers */

static uint32_t flags_read(const struct pl011 *uart)
{
	uint32_t flags = FR_CTS | FR_DSR | FR_DCD;

	if (!uart->fifo_count)
		flags |= FR_RXFE;
	if (uart->fifo_count >= fifo_capacity(uart))
		flags |= FR_RXFF;
	return flags | (output_has_room(uart) ? FR_TXFE : FR_TXFF);
}

static uint64_t pl011_read(struct device *dev, uint64_t offset, unsigned int size)
{
	struct pl011 *uart = container_of(dev, struct pl011, dev);
	uint32_t value = 0;

	(void)size;
	if (offset >= PRIMECELL_ID)
		return primecell_id_read((uint32_t)offset, PART, REVISION);
	switch (offset & ~3ull) {
	case UART_DR:
		value = data_read(uart);
		update(uart);
		break;
	case UART_RSR: value = uart->errors; break;
	case UART_FR: value = flags_read(uart); break;
	case UART_IBRD: value = uart->integer_divisor; break;
	case UART_FBRD: value = uart->fractional_divisor; break;
	case UART_LCR_H: value = uart->line_control; break;
	case UART_CR: value = uart->control; break;
	case UART_IFLS: value = uart->fifo_levels; break;
	case UART_IMSC: value = uart->mask; break;
	case UART_RIS: value = uart->raw; break;
	case UART_MIS: value = uart->raw & uart->mask; break;
	case UART_DMACR: value = uart->dma; break;
	default: break;
	}
	return value >> 8 * (offset % 4);
}

/* FIFOs that are switched on or off are empty then. */
static void line_control_write(struct pl011 *uart, uint32_t value)
{
	if ((uart->line_control ^ value) & LCR_H_FEN) {
		uart->fifo_head = 0;
		uart->fifo_count = 0;
		uart->raw &= ~(uint32_t)(INT_RECEIVE | INT_TIMEOUT);
		timeout_restart(uart);
	}
	uart->line_control = value & LCR_H_MASK;
	receive_pump(uart);
}

static void register_write(struct pl011 *uart, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case UART_DR: data_write(uart, (uint8_t)value); break;
	case UART_RSR: uart->errors = 0; break;
	case UART_IBRD: uart->integer_divisor = value & 0xffff; break;
	case UART_FBRD: uart->fractional_divisor = value & 0x3f; break;
	case UART_LCR_H: line_control_write(uart, value); break;
	case UART_CR:
		uart->control = value & CR_MASK;
		receive_pump(uart);
		break;
	case UART_IFLS: uart->fifo_levels = value & IFLS_MASK; break;
	case UART_IMSC: uart->mask = value & INT_MASK; break;
	case UART_ICR: uart->raw &= ~value; break;
	case UART_DMACR: uart->dma = value & DMACR_MASK; break;
	default: break;
	}
}

static void pl011_write(struct device *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pl011 *uart = container_of(dev, struct pl011, dev);

	(void)size;
	/* Parts of a register, but the lowest, are written by nobody. */
	if (offset % 4 == 0)
		register_write(uart, offset, (uint32_t)value);
	update(uart);
}

static void pl011_reset(struct device *dev)
{
	struct pl011 *uart = container_of(dev, struct pl011, dev);

	pl011_flush(uart);
	device_timer_cancel(uart->env, &uart->receive_timer);
	uart->integer_divisor = uart->fractional_divisor = 0;
	uart->line_control = LCR_H_START;
	uart->control = CR_START;
	uart->fifo_levels = IFLS_RESET;
	uart->mask = uart->raw = 0;
	uart->dma = 0;
	uart->errors = 0;
	memset(uart->fifo, 0, sizeof(uart->fifo));
	uart->fifo_head = uart->fifo_count = 0;
	update(uart);
}

/* -------------------------------------------------------------------- state */

static bool state_valid(const struct device *dev)
{
	const struct pl011 *uart = container_of(dev, struct pl011, dev);

	return byte_ring_count(&uart->output) <= BYTE_RING_SIZE &&
	       byte_ring_count(&uart->input) <= BYTE_RING_SIZE &&
	       uart->irq == ((uart->raw & uart->mask) != 0);
}

static const struct device_field fields[] = {
	DEVICE_ARRAY(struct pl011, output.bytes, 0),
	DEVICE_FIELD(struct pl011, output.head, 0),
	DEVICE_FIELD(struct pl011, output.tail, 0),
	DEVICE_ARRAY(struct pl011, input.bytes, 0),
	DEVICE_FIELD(struct pl011, input.head, 0),
	DEVICE_FIELD(struct pl011, input.tail, 0),
	DEVICE_BITS(struct pl011, integer_divisor, 0xffff),
	DEVICE_BITS(struct pl011, fractional_divisor, 0x3f),
	DEVICE_BITS(struct pl011, line_control, LCR_H_MASK),
	DEVICE_BITS(struct pl011, control, CR_MASK),
	DEVICE_BITS(struct pl011, fifo_levels, IFLS_MASK),
	DEVICE_BITS(struct pl011, mask, INT_MASK),
	DEVICE_BITS(struct pl011, raw, INT_MASK),
	DEVICE_BITS(struct pl011, dma, DMACR_MASK),
	DEVICE_BITS(struct pl011, errors, ERROR_OVERRUN),
	DEVICE_ARRAY(struct pl011, fifo, 0),
	DEVICE_FIELD(struct pl011, fifo_head, PL011_FIFO_SIZE - 1),
	DEVICE_FIELD(struct pl011, fifo_count, PL011_FIFO_SIZE),
	DEVICE_FIELD(struct pl011, irq, 1),
	DEVICE_TIMER(struct pl011, flush_timer),
	DEVICE_TIMER(struct pl011, receive_timer),
};

static const struct device_state state = {
	.version = 1,
	.structure_size = sizeof(struct pl011),
	.fields = fields,
	.field_count = ARRAY_SIZE(fields),
	.valid = state_valid,
};

static const struct device_ops ops = {
	.mmio_read = pl011_read,
	.mmio_write = pl011_write,
	.reset = pl011_reset,
	.state = &state,
};

status_t pl011_init(struct pl011 *uart, struct device_env *env, struct device_bus *bus,
		    const struct primecell_config *config, unsigned int console)
{
	memset(uart, 0, sizeof(*uart));
	uart->dev = (struct device){.name = "pl011", .ops = &ops};
	uart->env = env;
	uart->line = config->line;
	uart->console = console;
	uart->flush_timer.expired = flush_expired;
	uart->receive_timer.expired = receive_expired;
	pl011_reset(&uart->dev);
	device_bus_attach(bus, &uart->dev);
	return device_bus_add_mmio(bus, &uart->dev, config->base, PRIMECELL_SIZE, 0, 4);
}
