/* SPDX-License-Identifier: MIT */
/*
 * Two translations. EL2's own (stage 1, TTBR0_EL2) has the kernel alone; it is made before memory_init() and
 * only grows, by entries that nobody has used. All else is stage 2: a task's address space, and a guest's. EL0
 * of a task has no stage 1 (HCR_EL2.TGE and DC), so what stage 2 takes for intermediate addresses are the
 * task's. A VMID tells whose a translation is: 0 is the tasks', others are guests'.
 */
#ifndef ARCH_PAGING_H
#define ARCH_PAGING_H

#include <kernel/page_table.h>
#include <trivet/status.h>

struct machine;

#define VMID_TASKS    0u
#define VTTBR_VMID(v) ((uint64_t)(v) << 48)

/* The formats, for the walker. Stage 2 has three levels: 39 bits. A guest's has pages up to 1 GiB, a task's is
 * host_page_table_format, up to 2 MiB. */
extern const struct page_table_format el2_format;
extern const struct page_table_format stage2_format;

/* VTCR_EL2 for all tables of stage 2. VMIDs have 16 bits where the processor has them. */
uint64_t stage2_vtcr(void);
uint32_t stage2_vmid_bits(void);

/* TTBR0_EL2 of the kernel's tables. */
extern uint64_t kernel_ttbr;

/* Where the image was loaded; before anything else here. */
void paging_image_set(hpa_t base);
/* Builds the direct map of the RAM and the image's mapping by section. Called with the boot tables loaded.
 * NO_MEMORY. */
status_t paging_init(const struct machine *machine) __must_check;
/* From now on tables come from the kernel heap. */
void paging_use_heap(void);

/* One page of a CPU's area. */
status_t cpu_area_map(uint32_t index, uint32_t page, hpa_t hpa) __must_check;

/* Device registers, for ever; NULL: no memory or no such address. */
volatile void *device_map(hpa_t base, uint64_t size);

/* What this CPU has written at [start, start + size) can be read past the caches. */
void cache_clean(const void *start, size_t size);

#endif
