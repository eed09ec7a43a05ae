/* SPDX-License-Identifier: MIT */
/* The local APIC of each CPU and the I/O APICs (SDM 3A chapter 10; 82093AA). */
#ifndef ARCH_APIC_H
#define ARCH_APIC_H

#include <trivet/status.h>
#include <trivet/types.h>

/* On the boot CPU: where the registers are; x2APIC mode is taken when the processor has it. */
status_t apic_init(hpa_t registers);
/* On each CPU: switches its APIC on, all sources masked. */
void apic_cpu_init(void);
uint32_t apic_id(void);
bool apic_is_x2apic(void);

void apic_eoi(void);
/* An interrupt with that vector has been accepted and not ended. */
bool apic_in_service(uint32_t vector);
/* Counts and clears the APIC's own errors. */
void apic_error(void);

void apic_send_interrupt(uint32_t target, uint32_t vector);
void apic_send_init(uint32_t target);
void apic_send_startup(uint32_t target, uint32_t page);
void apic_send_nmi(uint32_t target);

/* The timer: a TSC deadline, or counting down once at 1/16 of the bus clock. */
void apic_timer_mode(bool deadline);
void apic_timer_count(uint32_t count);
uint32_t apic_timer_left(void);

/* Finds the I/O APICs and masks all their pins, and the two 8259s. */
void ioapic_init(void);
/* Sends a global interrupt, or an ISA one by the firmware's overrides, to this CPU. */
status_t ioapic_route_gsi(uint32_t gsi, uint32_t vector, bool level, bool active_low);
status_t ioapic_route_isa(uint32_t irq, uint32_t vector);

#endif
