/* SPDX-License-Identifier: MIT */
/*
 * The kernel's half of every address space: one set of tables below the upper 256 entries of each
 * root table. It is made before memory_init() and only grows afterwards, and only by entries that
 * nobody has used, so no CPU ever has to flush for it.
 */
#ifndef ARCH_PAGING_H
#define ARCH_PAGING_H

#include <arch/multiboot2.h>
#include <trivet/status.h>

/* CR3 of the kernel's own tables, without a user half. */
extern uint64_t kernel_cr3;

/* Builds the direct map of the RAM and the image's mapping by section, and takes what that needs
 * from the map if it is much. Called with the boot tables loaded. NO_MEMORY. */
status_t paging_init(struct multiboot2 *map) __must_check;
/* From now on tables come from the kernel heap. */
void paging_use_heap(void);

/* One page of a CPU's area. */
status_t cpu_area_map(uint32_t index, uint32_t page, hpa_t hpa) __must_check;

/* Device registers, uncached, for ever; NULL: no memory or no such address. */
volatile void *device_map(hpa_t base, uint64_t size);
/* Memory of the firmware that may stand outside RAM, read-only, in the direct map; NULL: it is not
 * in the reach of the direct map, or no memory. */
const void *acpi_map(hpa_t base, uint64_t size);

#endif
