/* SPDX-License-Identifier: MIT */
/* Time: how fast the counter runs, and waiting by it. */
#ifndef ARCH_CLOCK_H
#define ARCH_CLOCK_H

#include <arch/machine.h>

/* False: nobody says how fast the counter runs. */
bool clock_init(const struct machine *machine);
/* Sets up this CPU's timer. */
void clock_cpu_init(void);
/* Busy waiting; after clock_init. */
void clock_wait_us(uint64_t us);

#endif
