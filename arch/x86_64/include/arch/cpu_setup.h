/* SPDX-License-Identifier: MIT */
/* Making a CPU ready to run the kernel: its area, descriptor tables, control registers. */
#ifndef ARCH_CPU_SETUP_H
#define ARCH_CPU_SETUP_H

#include <arch/layout.h>
#include <trivet/status.h>
#include <trivet/types.h>

struct cpu;

static inline bool cpu_page_present(uint32_t page)
{
	return page < CPU_AREA_PAGES && (CPU_PAGES_PRESENT >> page & 1);
}

/* The virtual address of a CPU's area. */
struct cpu *cpu_area(uint32_t index);
/* Fills struct cpu's machine part; the area is mapped and zero. */
void cpu_prepare(struct cpu *cpu, uint32_t index);
/* On the CPU itself: descriptor tables, features, traps. */
void cpu_load(struct cpu *cpu);
/* Whether SMAP guards the kernel: then a copy to or from ring 3 opens it. */
extern bool cpu_has_smap;

#endif
