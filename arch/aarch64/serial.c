/* SPDX-License-Identifier: MIT */
/*
 * The console: an Arm PL011 (DDI 0183) or a 16550 with registers in memory. Output is polled, so that it works from
 * anywhere; input comes by interrupt. Speed and format are as the firmware has set them. A line that stops
 * taking bytes costs time once and no more.
 */
#include <arch/gic.h>
#include <arch/io.h>
#include <arch/paging.h>
#include <arch/serial.h>
#include <kernel/arch.h>
#include <kernel/boot.h>
#include <kernel/console.h>
#include <kernel/lock.h>
#include <kernel/string.h>
#include <kernel/timer.h>

enum pl011_register {
	PL011_DATA = 0x00,
	PL011_FLAGS = 0x18,
	PL011_CONTROL = 0x30,
	PL011_MASK = 0x38,
	PL011_CLEAR = 0x44,
};

#define FLAG_BUSY	   BIT(3)
#define FLAG_RECEIVE_EMPTY BIT(4)
#define FLAG_SEND_FULL	   BIT(5)
#define CONTROL_ON	   0x301u /* the line, sending, receiving */
#define INTERRUPT_RECEIVED BIT(4)
#define INTERRUPT_TIMEOUT  BIT(6) /* bytes wait, but too few for the other */
#define INTERRUPTS_ALL	   0x7ffu

enum uart_register { UART_DATA = 0, UART_IER = 1, UART_LSR = 5 };

#define IER_RECEIVED 0x01u
#define LSR_RECEIVED BIT(0)
#define LSR_EMPTY    BIT(5)
#define LSR_IDLE     BIT(6)

#define DRAIN_LIMIT 10000000u /* turns, a few seconds at the most */
#define WRITE_POLLS 1000000   /* some 100 ms: a byte takes under 10 ms at 1200 baud */
#define READ_LIMIT  256	      /* bytes taken at once: a line that never ends must */
#define POLL_NS	    10000000ull

struct line {
	const struct machine_uart *uart;
	volatile void *registers; /* NULL: there is none */
};

static struct machine_uart console_uart;
static struct line console;
static struct timer poll_timer;
static struct spinlock input_lock; /* bytes stay in their order */

static uint32_t uart_read(const struct line *line, uint32_t reg)
{
	const struct machine_uart *uart = line->uart;

	if (uart->kind == UART_PL011)
		return mmio_read32(line->registers, reg);
	return uart->width == 4 ? mmio_read32(line->registers, reg << uart->shift)
				: mmio_read8(line->registers, reg << uart->shift);
}

static void uart_write(const struct line *line, uint32_t reg, uint32_t value)
{
	const struct machine_uart *uart = line->uart;

	if (uart->kind == UART_PL011 || uart->width == 4)
		mmio_write32(line->registers, uart->kind == UART_PL011 ? reg : reg << uart->shift,
			     value);
	else
		mmio_write8(line->registers, reg << uart->shift, (uint8_t)value);
}

static bool can_send(const struct line *line)
{
	if (line->uart->kind == UART_PL011)
		return !(uart_read(line, PL011_FLAGS) & FLAG_SEND_FULL);
	return uart_read(line, UART_LSR) & LSR_EMPTY;
}

/* False: it takes no bytes any more. */
static bool byte_write(const struct line *line, uint8_t byte)
{
	for (uint32_t i = 0; !can_send(line); i++) {
		if (i == WRITE_POLLS)
			return false;
		cpu_relax();
	}
	uart_write(line,
		   line->uart->kind == UART_PL011 ? (uint32_t)PL011_DATA : (uint32_t)UART_DATA,
		   byte);
	return true;
}

void serial_write_early(const struct machine_uart *uart, const char *words)
{
	struct line line = {uart, (volatile void *)uart->registers.base};

	while (*words && byte_write(&line, (uint8_t)*words))
		words++;
}

void serial_init(const struct machine_uart *uart, volatile void *registers)
{
	console_uart = *uart;
	console.uart = &console_uart;
	console.registers = registers;
	if (uart->kind == UART_PL011)
		uart_write(&console, PL011_CONTROL, CONTROL_ON);
}

void arch_console_write(const char *bytes, size_t size)
{
	for (size_t i = 0; console.registers && i < size; i++)
		if (!byte_write(&console, (uint8_t)bytes[i]))
			console.registers = NULL;
}

/* The console is the only line. */
status_t arch_line_open(uint32_t com)
{
	return com == 1 && console.registers ? STATUS_BUSY : STATUS_NOT_FOUND;
}

void arch_line_write(const char *bytes, size_t size)
{
	(void)bytes;
	(void)size;
}

void serial_drain(void)
{
	for (uint32_t i = 0; console.registers && i < DRAIN_LIMIT; i++) {
		if (console.uart->kind == UART_PL011
			    ? !(uart_read(&console, PL011_FLAGS) & FLAG_BUSY)
			    : uart_read(&console, UART_LSR) & LSR_IDLE)
			return;
		cpu_relax();
	}
}

/* ---- input ---- */

static bool has_received(const struct line *line)
{
	if (line->uart->kind == UART_PL011)
		return !(uart_read(line, PL011_FLAGS) & FLAG_RECEIVE_EMPTY);
	return uart_read(line, UART_LSR) & LSR_RECEIVED;
}

void serial_interrupt(void)
{
	spin_lock(&input_lock);
	for (uint32_t i = 0; console.registers && i < READ_LIMIT && has_received(&console); i++)
		line_input(LINE_CONSOLE, (uint8_t)uart_read(&console, 0)); /* the data of either */
	spin_unlock(&input_lock);
}

uint32_t serial_interrupt_number(void)
{
	return console.registers ? console_uart.interrupt : 0;
}

static void poll_expired(struct timer *timer)
{
	serial_interrupt();
	timer_set(timer, timestamp_read() + timestamp_hz / (1000000000ull / POLL_NS));
}

static void input_begin(void)
{
	if (!console_uart.interrupt || !gic_route(console_uart.interrupt)) {
		log_info("serial line: no interrupt, polled every %llu ms", POLL_NS / 1000000);
		timer_init(&poll_timer, poll_expired);
		poll_expired(&poll_timer);
		return;
	}
	if (console_uart.kind == UART_PL011) {
		uart_write(&console, PL011_CLEAR, INTERRUPTS_ALL);
		uart_write(&console, PL011_MASK, INTERRUPT_RECEIVED | INTERRUPT_TIMEOUT);
	} else {
		uart_write(&console, UART_IER, IER_RECEIVED);
	}
}

void serial_start(void)
{
	if (console.registers)
		input_begin();
}
