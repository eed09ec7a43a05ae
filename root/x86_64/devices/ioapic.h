/* SPDX-License-Identifier: MIT */
/*
 * An I/O APIC with 24 inputs, version 0x20, which has the EOI register (Intel 82093AA data
 * sheet, 290566; ICH9 data sheet, 13.5, for version 0x20). Interrupts leave as messages.
 *
 * An input is "asserted" or not: the polarity bit is kept for the guest but changes nothing,
 * since lines here have no electrical level. The message bus is never busy: delivery status
 * reads 0.
 */
#ifndef DEVICES_IOAPIC_H
#define DEVICES_IOAPIC_H

#include <devices/device.h>

#define IOAPIC_BASE    0xfec00000ull
#define IOAPIC_SIZE    0x1000ull
#define IOAPIC_PINS    24u
#define IOAPIC_VERSION 0x20u

/* The message that an input sends: SDM 3A, "Message Signalled Interrupts". */
struct ioapic_route {
	uint64_t address;
	uint32_t data;
	bool valid; /* there is one: the input is not masked */
};

struct ioapic {
	struct device dev;
	struct device_env *env;
	uint64_t entry[IOAPIC_PINS];		/* redirection table, as the guest reads it */
	struct ioapic_route route[IOAPIC_PINS]; /* what that comes to */
	uint32_t lines;				/* inputs asserted */
	uint8_t select;				/* IOREGSEL */
	uint8_t id;
};

/* Prepare @ioapic in the state after reset, and put it on the bus at @base. Bus statuses. */
status_t ioapic_init(struct ioapic *ioapic, struct device_env *env, struct device_bus *bus,
		     gpa_t base);

/*
 * The two halves beneath the table: which message an input sends (NULL: none), and sending it. The
 * guest's writes to the table set the routes of their inputs; what else sets one counts until then.
 * False: @pin (0..23) has no route, or is no input.
 */
void ioapic_set_route(struct ioapic *ioapic, unsigned int pin, const struct ioapic_route *route);
bool ioapic_assert(struct ioapic *ioapic, unsigned int pin);

/* Input @pin (0..23; others are ignored) is asserted or not. */
void ioapic_line_set(struct ioapic *ioapic, unsigned int pin, bool level);

/*
 * A local APIC broadcasts the EOI of @vector, or the guest wrote it to the EOI register:
 * clears remote IRR of the entries with that vector and delivers again what still asks.
 */
void ioapic_eoi(struct ioapic *ioapic, uint8_t vector);

#endif
