/* SPDX-License-Identifier: MIT */
/*
 * 16550s (PC16550D data sheet), for the console and for a second line of the root task's: output is polled, so that it works from anywhere; input comes
 * by interrupt. A line that isn't there, or stops taking bytes, costs time once and no more.
 */
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/io.h>
#include <arch/paging.h>
#include <arch/serial.h>
#include <kernel/arch.h>
#include <kernel/boot.h>
#include <kernel/console.h>
#include <kernel/lock.h>
#include <kernel/string.h>
#include <kernel/timer.h>

enum uart_register {
	UART_DATA = 0, /* divisor's low byte while LCR_DIVISOR */
	UART_IER = 1,  /* divisor's high byte */
	UART_FCR = 2,
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
	UART_SCRATCH = 7,
};

#define IER_RECEIVED 0x01
#define FCR_ON_CLEAR 0x07 /* FIFOs on and empty, interrupt at one byte */
#define LCR_8N1	     0x03
#define LCR_DIVISOR  0x80
#define MCR_DTR_RTS  0x03
#define MCR_OUT2     0x08      /* lets the interrupt through */
#define DRAIN_LIMIT  10000000u /* turns, a few seconds at the most */
#define LSR_RECEIVED 0x01
#define LSR_EMPTY    0x20
#define LSR_IDLE     0x40   /* the shift register is empty as well */
#define UART_CLOCK   115200 /* bits a second at divisor 1 */

#define COM1	       0x3f8
#define PORT_LIMIT     0x10000u
#define REGISTERS_SIZE 32
#define WRITE_POLLS    100000 /* some 100 ms: a byte takes under 10 ms at 1200 baud */
#define READ_LIMIT     256    /* bytes taken at once: a line that never ends must */
#define POLL_NS	       10000000ull

static const struct {
	uint16_t port;
	uint8_t irq;
} com_ports[] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

static struct uart {
	bool present;
	uint16_t port;		  /* when registers is NULL */
	volatile void *registers; /* in memory */
	uint8_t stride;		  /* bytes from one register to the next */
} uarts[SERIAL_LINES];
static struct uart *const console = &uarts[LINE_CONSOLE];
static struct uart *const second = &uarts[LINE_SECOND];

static struct timer poll_timer;

/* A line is opened on any CPU: the I/O APICs' registers, and whether the timer is set. */
/* The lines' interrupts may go to two CPUs, and each looks at both lines: bytes stay in their order. */
static struct spinlock input_lock;

static uint8_t uart_read(const struct uart *uart, enum uart_register reg)
{
	return uart->registers ? mmio_read8(uart->registers, reg * uart->stride)
			       : port_read8((uint16_t)(uart->port + reg));
}

static void uart_write(const struct uart *uart, enum uart_register reg, uint8_t value)
{
	if (uart->registers)
		mmio_write8(uart->registers, reg * uart->stride, value);
	else
		port_write8((uint16_t)(uart->port + reg), value);
}

static void uart_setup(struct uart *uart, uint32_t baud)
{
	uint32_t divisor = baud && baud <= UART_CLOCK ? UART_CLOCK / baud : 0;

	uart_write(uart, UART_SCRATCH, 0x5a);
	uart->present = uart_read(uart, UART_SCRATCH) == 0x5a;
	if (!uart->present)
		return;
	uart_write(uart, UART_IER, 0);
	if (divisor) {
		uart_write(uart, UART_LCR, LCR_8N1 | LCR_DIVISOR);
		uart_write(uart, UART_DATA, (uint8_t)divisor);
		uart_write(uart, UART_IER, (uint8_t)(divisor >> 8));
	}
	uart_write(uart, UART_LCR, LCR_8N1);
	uart_write(uart, UART_FCR, FCR_ON_CLEAR);
	uart_write(uart, UART_MCR, MCR_DTR_RTS | MCR_OUT2);
}

/* A number as in C, ended by a comma or the end; false: something else. */
static bool number_parse(const char **text, uint64_t *value)
{
	const char *at = *text;
	uint32_t base = at[0] == '0' && (at[1] | 0x20) == 'x' ? 16 : 10;
	const char *start = base == 16 ? at += 2 : at;

	*value = 0;
	for (; *at && *at != ','; at++) {
		char c = *at | 0x20;
		uint32_t digit = *at >= '0' && *at <= '9' ? (uint32_t)(*at - '0')
				 : c >= 'a' && c <= 'f'	  ? (uint32_t)(c - 'a') + 10
							  : 16;

		if (digit >= base || *value > UINT64_MAX / 32)
			return false;
		*value = *value * base + digit;
	}
	*text = *at ? at + 1 : at;
	return at > start;
}

static bool uart_at(struct uart *uart, bool memory, uint64_t address, uint8_t stride, uint32_t baud)
{
	uart->present = false;
	uart->registers = NULL;
	if (memory) {
		uart->registers = device_map(address, REGISTERS_SIZE);
		uart->stride = stride;
		if (!uart->registers)
			return false;
	} else {
		if (!range_within(address, UART_SCRATCH + 1, PORT_LIMIT))
			return false;
		uart->port = (uint16_t)address;
	}
	uart_setup(uart, baud);
	return uart->present;
}

/* True: the option says where the console is, or that there is none. */
static bool option_apply(const char *option)
{
	static const char mmio[] = "mmio:";
	bool memory = strncmp(option, mmio, sizeof(mmio) - 1) == 0;
	uint64_t address, baud = UART_CLOCK;

	if (strcmp(option, "none") == 0)
		return true;
	option += memory ? sizeof(mmio) - 1 : 0;
	if (!number_parse(&option, &address) || (*option && !number_parse(&option, &baud)) ||
	    *option || baud > UART_CLOCK)
		return false;
	return uart_at(console, memory, address, 1, (uint32_t)baud);
}

void serial_init(void)
{
	char option[48];

	if (boot_option("console") && boot_option_copy("console", option, sizeof(option)) &&
	    option_apply(option))
		return;
	uart_at(console, false, COM1, 1, UART_CLOCK);
	if (boot_option("console"))
		log_warn("console= is PORT[,BAUD], mmio:ADDRESS[,BAUD] or none, and a 16550 there");
}

/* ---- input ---- */

static void uart_take(enum serial_line line)
{
	const struct uart *uart = &uarts[line];

	for (uint32_t i = 0; uart->present && i < READ_LIMIT; i++) {
		if (!(uart_read(uart, UART_LSR) & LSR_RECEIVED))
			return;
		line_input(line, uart_read(uart, UART_DATA));
	}
}

void serial_interrupt(void)
{
	spin_lock(&input_lock);
	uart_take(LINE_CONSOLE);
	uart_take(LINE_SECOND);
	spin_unlock(&input_lock);
}

static void poll_expired(struct timer *timer)
{
	serial_interrupt();
	timer_set(timer, timestamp_read() + timestamp_hz / (1000000000ull / POLL_NS));
}

static bool irq_route(const struct uart *uart, const struct acpi_serial *spcr)
{
	if (spcr)
		return spcr->has_irq &&
		       ioapic_route_gsi(spcr->gsi, VECTOR_CONSOLE, false, false) == STATUS_OK;
	for (uint32_t i = 0; !uart->registers && i < ARRAY_SIZE(com_ports); i++)
		if (com_ports[i].port == uart->port)
			return ioapic_route_isa(com_ports[i].irq, VECTOR_CONSOLE) == STATUS_OK;
	return false;
}

/* The firmware's console, unless it is a COM port: that one has its own interrupt rules. */
static bool spcr_use(struct acpi_serial *spcr)
{
	struct acpi_table table = acpi_find("SPCR");
	struct uart before = *console;
	bool memory;

	if (boot_option("console") || !spcr_decode(&table, spcr))
		return false;
	memory = spcr->base.space == ACPI_SPACE_MEMORY;
	if (!memory && console->present && spcr->base.address == console->port)
		return false;
	if (uart_at(console, memory, spcr->base.address, spcr->base.bits == 32 ? 4 : 1, spcr->baud))
		return true;
	*console = before;
	log_warn("acpi: no 16550 at 0x%llx, where SPCR has the console",
		 (unsigned long long)spcr->base.address);
	return false;
}

static void input_begin(const struct uart *uart, const struct acpi_serial *spcr)
{
	static bool polled;

	if (irq_route(uart, spcr)) {
		uart_write(uart, UART_IER, IER_RECEIVED);
		return;
	}
	if (polled)
		return; /* for both */
	polled = true;
	log_info("serial line: no interrupt, polled every %llu ms", POLL_NS / 1000000);
	timer_init(&poll_timer, poll_expired);
	poll_expired(&poll_timer);
}

void serial_start(void)
{
	struct acpi_serial spcr;
	bool from_spcr = spcr_use(&spcr);

	if (console->present)
		input_begin(console, from_spcr ? &spcr : NULL);
}

status_t arch_line_open(uint32_t com)
{
	uint16_t port;
	bool found;

	if (com - 1 >= ARRAY_SIZE(com_ports))
		return STATUS_NOT_FOUND;
	port = com_ports[com - 1].port;
	if (console->present && !console->registers && console->port == port)
		return STATUS_BUSY;
	if (second->present && second->port == port)
		return STATUS_OK;
	spin_lock(&input_lock); /* who reads input looks at no line that is half set up */
	found = uart_at(second, false, port, 1, UART_CLOCK);
	spin_unlock(&input_lock);
	if (!found)
		return STATUS_NOT_FOUND;
	input_begin(second, NULL);
	return STATUS_OK;
}

/* ---- output ---- */

static void byte_write(struct uart *uart, uint8_t byte)
{
	for (uint32_t i = 0; !(uart_read(uart, UART_LSR) & LSR_EMPTY); i++) {
		if (i == WRITE_POLLS) {
			uart->present = false;
			return;
		}
		cpu_relax();
	}
	uart_write(uart, UART_DATA, byte);
}

static void bytes_write(struct uart *uart, const char *bytes, size_t size)
{
	for (size_t i = 0; uart->present && i < size; i++)
		byte_write(uart, (uint8_t)bytes[i]);
}

void arch_console_write(const char *bytes, size_t size)
{
	bytes_write(console, bytes, size);
}

void arch_line_write(const char *bytes, size_t size)
{
	bytes_write(second, bytes, size);
}

void serial_drain(void)
{
	for (uint32_t i = 0; console->present && i < DRAIN_LIMIT; i++) {
		if (uart_read(console, UART_LSR) & LSR_IDLE)
			return;
		cpu_relax();
	}
}
