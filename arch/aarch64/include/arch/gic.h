/* SPDX-License-Identifier: MIT */
/* The host's interrupt controller: a GICv3 with system registers (Arm IHI 0069). All interrupts are of group 1. */
#ifndef ARCH_GIC_H
#define ARCH_GIC_H

#include <arch/machine.h>
#include <trivet/status.h>

struct cpu;

#define GIC_SPURIOUS	  1020u /* from here to the last of these: nothing waits */
#define GIC_SPECIAL_LAST  1023u
#define GIC_FIRST_SPI	  32u
#define GIC_LIMIT	  1020u
#define GIC_PPI_TIMER_EL2 26u /* the numbers that SBSA asks for */

/* On the boot CPU: maps the registers, switches all off that the firmware left on. NOT_FOUND: the processor
 * has no system registers for it, NO_MEMORY. */
status_t gic_init(const struct machine_gic *gic) __must_check;
/* On each CPU: its redistributor and its interface. NOT_FOUND: it has no redistributor. */
status_t gic_cpu_init(void) __must_check;

/* A private interrupt (16 to 31) of this CPU is let through or not. */
void gic_private_enable(uint32_t interrupt, bool on);
/* A shared one goes to this CPU, level-triggered. False: there is no such interrupt. */
bool gic_route(uint32_t interrupt);
/* Takes interrupts that wait at this CPU, and handles them. */
void gic_take(void);
/* The same of a kick alone. False: it is something else that waits first, or nothing. */
bool gic_take_kick(void);

/* To one CPU: SGI_KICK, SGI_STOP. */
void gic_send(const struct cpu *cpu, uint32_t sgi);

#endif
