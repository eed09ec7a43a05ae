/* SPDX-License-Identifier: MIT */
/* Making a CPU ready to run the kernel: its area, its control registers. */
#ifndef ARCH_CPU_SETUP_H
#define ARCH_CPU_SETUP_H

#include <arch/fdt.h>
#include <arch/layout.h>
#include <trivet/types.h>

struct cpu;

static inline bool cpu_page_present(uint32_t page)
{
	return page < CPU_AREA_PAGES && (CPU_PAGES_PRESENT >> page & 1);
}

/* The virtual address of a CPU's area. */
struct cpu *cpu_area(uint32_t index);
/* Fills struct cpu's machine part; the area is mapped and zero. */
void cpu_prepare(struct cpu *cpu, uint32_t index, uint64_t mpidr);
/* On the CPU itself: its registers, and traps. */
void cpu_load(struct cpu *cpu);
/* Where arch_cpus_start() finds the other CPUs; without this they are ACPI's. */
void cpus_describe(const struct fdt *fdt);

#endif
