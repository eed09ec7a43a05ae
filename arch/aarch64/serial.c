/* SPDX-License-Identifier: MIT */
/*
 * The console and a second line of the root task's: each an Arm PL011 (DDI 0183) or a 16550 with registers in memory.
 * Output is polled, so that it works from anywhere; input comes by interrupt, if there is one. Speed and format are
 * as the firmware has set them, where the clock is not known. A line that stops taking bytes costs time once and no
 * more.
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

enum uart_register {
	UART_DATA = 0, /* divisor's low byte while LCR_DIVISOR */
	UART_IER = 1,  /* divisor's high byte */
	UART_FCR = 2,
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
};

#define IER_RECEIVED 0x01u
#define FCR_ON_CLEAR 0x07u /* FIFOs on and empty, interrupt at one byte */
#define LCR_8N1	     0x03u
#define LCR_DIVISOR  0x80u
#define MCR_ON	     0x0bu /* DTR, RTS, and OUT2, which lets the interrupt through */
#define LSR_RECEIVED BIT(0)
#define LSR_EMPTY    BIT(5)
#define LSR_IDLE     BIT(6)

#define DRAIN_LIMIT 10000000u /* turns, a few seconds at the most */
#define WRITE_POLLS 1000000   /* some 100 ms: a byte takes under 10 ms at 1200 baud */
#define READ_LIMIT  256	      /* bytes taken at once: a line that never ends must */

/* Input without an interrupt is looked for so often: what a person types, and what comes at 115,200 baud, of which a
 * 16550 keeps 1.4 ms. */
static const uint32_t poll_ms[SERIAL_LINES] = {[LINE_CONSOLE] = 10, [LINE_SECOND] = 1};

struct line {
	const struct machine_uart *uart;
	volatile void *registers; /* NULL: there is none */
};

static struct machine_uart uarts[SERIAL_LINES];
static struct line lines[SERIAL_LINES];
static struct line *const console = &lines[LINE_CONSOLE];
static struct line *const second = &lines[LINE_SECOND];
static bool second_is_open;
static struct timer poll_timers[SERIAL_LINES];
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

static void line_set(enum serial_line n, const struct machine_uart *uart, volatile void *registers)
{
	uarts[n] = *uart;
	lines[n].uart = &uarts[n];
	lines[n].registers = registers;
}

void serial_init(const struct machine_uart *uart, volatile void *registers)
{
	line_set(LINE_CONSOLE, uart, registers);
	if (uart->kind == UART_PL011)
		uart_write(console, PL011_CONTROL, CONTROL_ON);
}

void serial_second(const struct machine_uart *uart, volatile void *registers)
{
	line_set(LINE_SECOND, uart, registers);
}

void arch_console_write(const char *bytes, size_t size)
{
	for (size_t i = 0; console->registers && i < size; i++)
		if (!byte_write(console, (uint8_t)bytes[i]))
			console->registers = NULL;
}

void arch_line_write(const char *bytes, size_t size)
{
	for (size_t i = 0; second_is_open && i < size; i++)
		if (!byte_write(second, (uint8_t)bytes[i]))
			second_is_open = false;
}

void serial_drain(void)
{
	for (uint32_t i = 0; console->registers && i < DRAIN_LIMIT; i++) {
		if (console->uart->kind == UART_PL011
			    ? !(uart_read(console, PL011_FLAGS) & FLAG_BUSY)
			    : uart_read(console, UART_LSR) & LSR_IDLE)
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

static bool is_open(enum serial_line n)
{
	return n == LINE_CONSOLE ? console->registers != NULL : second_is_open;
}

static void line_take(enum serial_line n)
{
	for (uint32_t i = 0; is_open(n) && i < READ_LIMIT && has_received(&lines[n]); i++)
		line_input(n, (uint8_t)uart_read(&lines[n], 0)); /* the data of either */
}

void serial_interrupt(void)
{
	spin_lock(&input_lock);
	line_take(LINE_CONSOLE);
	line_take(LINE_SECOND);
	spin_unlock(&input_lock);
}

bool serial_has_interrupt(uint32_t interrupt)
{
	return (is_open(LINE_CONSOLE) && interrupt == console->uart->interrupt) ||
	       (is_open(LINE_SECOND) && interrupt == second->uart->interrupt);
}

static void poll_expired(struct timer *timer)
{
	serial_interrupt();
	timer_set(timer, timestamp_read() + timestamp_hz / 1000 * poll_ms[timer - poll_timers]);
}

/* What is polled once stays so. */
static void poll_begin(enum serial_line n)
{
	static bool polled[SERIAL_LINES];

	if (polled[n])
		return;
	polled[n] = true;
	log_info("serial line: no interrupt, polled every %u ms", poll_ms[n]);
	timer_init(&poll_timers[n], poll_expired);
	poll_expired(&poll_timers[n]);
}

static void input_begin(enum serial_line n)
{
	const struct line *line = &lines[n];

	if (!line->uart->interrupt || !gic_route(line->uart->interrupt)) {
		poll_begin(n);
		return;
	}
	if (line->uart->kind == UART_PL011) {
		uart_write(line, PL011_CLEAR, INTERRUPTS_ALL);
		uart_write(line, PL011_MASK, INTERRUPT_RECEIVED | INTERRUPT_TIMEOUT);
	} else {
		uart_write(line, UART_IER, IER_RECEIVED);
	}
}

void serial_start(void)
{
	if (console->registers)
		input_begin(LINE_CONSOLE);
}

/* ---- the second line ---- */

static void second_setup(void)
{
	uint16_t divisor = second->uart->divisor;

	if (second->uart->kind == UART_PL011) {
		uart_write(second, PL011_CONTROL, CONTROL_ON);
		return;
	}
	uart_write(second, UART_IER, 0);
	if (divisor) {
		uart_write(second, UART_LCR, LCR_8N1 | LCR_DIVISOR);
		uart_write(second, UART_DATA, divisor & 0xff);
		uart_write(second, UART_IER, divisor >> 8);
		uart_write(second, UART_LCR, LCR_8N1);
	}
	uart_write(second, UART_FCR, FCR_ON_CLEAR);
	uart_write(second, UART_MCR, MCR_ON);
}

/* Lines are counted as a PC's: the console is the first. */
status_t arch_line_open(uint32_t com)
{
	if (com == 1 && console->registers)
		return STATUS_BUSY;
	if (com != 2 || !second->registers)
		return STATUS_NOT_FOUND;
	if (second_is_open)
		return STATUS_OK;
	second_setup();
	spin_lock(&input_lock);
	second_is_open = true;
	spin_unlock(&input_lock);
	log_info("second serial line: %s at 0x%llx",
		 second->uart->kind == UART_PL011 ? "PL011" : "16550",
		 (unsigned long long)second->uart->registers.base);
	input_begin(LINE_SECOND);
	return STATUS_OK;
}
