/* SPDX-License-Identifier: MIT */
/*
 * From a global system interrupt to the two interrupt controllers of a PC. GSI n drives
 * input n of the 8259 pair (n < 16) and pin n of the I/O APIC; the timer, GSI 0, drives pin
 * 2, as the MADT's interrupt source override has to say. Pin 0 is not connected.
 */
#ifndef DEVICES_IRQ_ROUTER_H
#define DEVICES_IRQ_ROUTER_H

#include <devices/ioapic.h>
#include <devices/pic8259.h>

#define IRQ_GSIS      24u /* as many as the I/O APIC has pins */
#define IRQ_TIMER     0u
#define IRQ_TIMER_PIN 2u

struct irq_router {
	struct device dev; /* for its state alone */
	struct pic *pic;
	struct ioapic *ioapic;
	uint32_t levels; /* of the GSIs */
};

void irq_router_init(struct irq_router *router, struct pic *pic, struct ioapic *ioapic);

/* GSI @gsi goes to @level. What stays as it is costs nothing; GSIs past 23 are ignored. */
void irq_router_set(struct irq_router *router, unsigned int gsi, bool level);

#endif
