/* SPDX-License-Identifier: MIT */
/* The device models' registers, as they keep them: what is computed at an access is not here. */
#include <vmm/inspect.h>

#define DEVICE	  INSPECT_DEVICE
#define HEX	  INSPECT_HEX
#define YES_NO	  INSPECT_BOOLEAN
#define DIRECTORY INSPECT_DEVICE_DIRECTORY

static const struct inspect_row uart_rows[] = {
	DEVICE("control", HEX, uart.control),
	DEVICE("line_control", HEX, uart.line_control),
	DEVICE("integer_divisor", INSPECT_UNSIGNED, uart.integer_divisor),
	DEVICE("fractional_divisor", INSPECT_UNSIGNED, uart.fractional_divisor),
	DEVICE("fifo_levels", HEX, uart.fifo_levels),
	DEVICE("mask", HEX, uart.mask),
	DEVICE("raw", HEX, uart.raw),
	DEVICE("receive_fifo", INSPECT_UNSIGNED, uart.fifo_count),
	DEVICE("irq", YES_NO, uart.irq),
};
DIRECTORY(uart, "pl011", uart_rows);

static const struct inspect_row rtc_rows[] = {
	DEVICE("load", INSPECT_UNSIGNED, rtc.load),
	DEVICE("match", INSPECT_UNSIGNED, rtc.match),
	DEVICE("mask", HEX, rtc.mask),
	DEVICE("raw", HEX, rtc.raw),
};
DIRECTORY(rtc, "pl031", rtc_rows);

static const struct inspect_row gpio_rows[] = {
	DEVICE("data", HEX, gpio.data),
	DEVICE("inputs", HEX, gpio.inputs),
	DEVICE("direction", HEX, gpio.direction),
	DEVICE("level", HEX, gpio.level),
	DEVICE("both_edges", HEX, gpio.both_edges),
	DEVICE("event", HEX, gpio.event),
	DEVICE("mask", HEX, gpio.mask),
	DEVICE("raw", HEX, gpio.raw),
	DEVICE("irq", YES_NO, gpio.irq),
};
DIRECTORY(gpio, "pl061", gpio_rows);

static const struct inspect_directory *const devices[] = {&uart, &rtc, &gpio, NULL};
const struct inspect_directory inspect_devices = {.name = "devices", .children = devices};
