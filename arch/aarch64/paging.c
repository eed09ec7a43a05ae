/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own translation, which must exist before there is a heap to pay for tables and is therefore
 * filled here; and the registers of stage 2.
 */
#include "page_formats.h"

#include <arch/machine.h>
#include <arch/paging.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/string.h>
#include <kernel/task.h>

#define ROOT_LEVEL    4
#define TABLE_ENTRIES 512
/* In front of the heap: the image, one CPU, a console, and what a memory map needs that is not much in pieces. */
#define EARLY_TABLES  64

/* VTCR_EL2: 39 bits from level 1 on, walks are cached and inner shareable. */
#define VTCR_T0SZ  (64 - 39)
#define VTCR_LEVEL (1 * BIT(6)) /* SL0: level 1 */
#define VTCR_CACHE (BIT(8) | BIT(10) | 3 * BIT(12))
#define VTCR_PS	   16
#define VTCR_VS	   BIT(19)
#define VTCR_RES1  BIT(31)
#define PARANGE_48 5u
#define VMID16	   2u /* ID_AA64MMFR1_EL1.VMIDBits */

uint64_t kernel_ttbr;

static uint64_t early_tables[EARLY_TABLES][TABLE_ENTRIES] __aligned(4096);
static uint32_t early_used;
static bool heap_ready;
static hpa_t image_base;
static uint64_t device_next = DEVICE_MAP_BASE;

extern char __boot_start[], __boot_end[], __text_start[], __text_end[], __rodata_start[],
	__rodata_end[];
extern char __data_start[], __bss_end[];

/* ---- addresses ---- */

void paging_image_set(hpa_t base)
{
	image_base = base;
}

hpa_t kva_to_hpa(const void *kva)
{
	uint64_t va = (uint64_t)kva;

	return va >= KERNEL_IMAGE_BASE ? va - KERNEL_IMAGE_BASE + image_base : va - DIRECT_MAP_BASE;
}

/* ---- stage 2 ---- */

const struct page_table_format host_page_table_format = {
	.name = "stage 2 of a task",
	/* 2 MiB pages and smaller: blocks leave the window one by one. */
	.large_levels = BIT(1) | BIT(2),
	STAGE2_FORMAT,
};

uint32_t stage2_vmid_bits(void)
{
	return (sysreg_read(id_aa64mmfr1_el1) >> 4 & 0xf) == VMID16 ? 16 : 8;
}

uint64_t stage2_vtcr(void)
{
	uint64_t range = sysreg_read(id_aa64mmfr0_el1) & 0xf;

	return VTCR_RES1 | VTCR_T0SZ | VTCR_LEVEL | VTCR_CACHE |
	       MIN(range, (uint64_t)PARANGE_48) << VTCR_PS |
	       (stage2_vmid_bits() == 16 ? VTCR_VS : 0);
}

/* The kernel is in nobody's space but its own. */
void arch_space_init(struct address_space *space)
{
	(void)space;
}

/* Whatever VTTBR_EL2 holds just now: a guest's may be loaded. */
void arch_tlb_flush(uint64_t va, uint64_t size)
{
	(void)va;
	(void)size;
	__asm__ volatile("dsb ishst\n\t"
			 "tlbi alle1\n\t"
			 "dsb nsh\n\t"
			 "isb"
			 :
			 :
			 : "memory");
}

/* ---- the kernel's own ---- */

/* Where a table stands that may be older than the direct map. */
static uint64_t *table_at(hpa_t hpa)
{
	hpa_t early = kva_to_hpa(early_tables);

	if (hpa - early < sizeof(early_tables))
		return (uint64_t *)((char *)early_tables + (hpa - early));
	return hpa_to_kva(hpa);
}

static uint64_t *table_alloc(void)
{
	if (early_used < EARLY_TABLES)
		return early_tables[early_used++];
	return heap_ready ? page_alloc(&kernel_heap, 0) : NULL;
}

void paging_use_heap(void)
{
	heap_ready = true;
}

/* The largest page that both addresses and the size allow. */
static unsigned int leaf_level(uint64_t va, hpa_t hpa, uint64_t size)
{
	if (IS_ALIGNED(va | hpa, GIB(1)) && size >= GIB(1))
		return 3;
	return IS_ALIGNED(va | hpa, LARGE_PAGE_SIZE) && size >= LARGE_PAGE_SIZE ? 2 : 1;
}

/* Maps one page of `level`; what is mapped there already stays. */
static status_t leaf_set(uint64_t va, hpa_t hpa, unsigned int level, uint32_t flags)
{
	uint64_t *table = table_at(kernel_ttbr);

	for (unsigned int at = ROOT_LEVEL;; at--) {
		uint64_t *entry = &table[va >> (PAGE_SHIFT + 9 * (at - 1)) & (TABLE_ENTRIES - 1)];

		if (at == level) {
			if (!el2_format.present(*entry))
				*entry = el2_format.leaf(hpa, level, flags);
			return STATUS_OK;
		}
		if (!el2_format.present(*entry)) {
			uint64_t *below = table_alloc();

			if (!below)
				return STATUS_NO_MEMORY;
			__atomic_store_n(entry, el2_format.table(kva_to_hpa(below)),
					 __ATOMIC_RELEASE);
		} else if (el2_format.is_leaf(*entry, at)) {
			return STATUS_OK;
		}
		table = table_at(el2_format.address(*entry, at));
	}
}

/* From here on the processor may walk what was set. */
static void leaves_done(void)
{
	__asm__ volatile("dsb ishst\n\tisb" : : : "memory");
}

static status_t kernel_map(uint64_t va, hpa_t hpa, uint64_t size, uint32_t flags)
{
	while (size) {
		unsigned int level = leaf_level(va, hpa, size);
		uint64_t step = PAGE_SIZE << (9 * (level - 1));
		status_t status = leaf_set(va, hpa, level, flags);

		if (status != STATUS_OK)
			return status;
		va += step;
		hpa += step;
		size -= step;
	}
	leaves_done();
	return STATUS_OK;
}

static status_t image_map(const char *start, const char *end, uint32_t flags)
{
	return kernel_map((uint64_t)start, kva_to_hpa(start),
			  ALIGN_UP((uint64_t)(end - start), PAGE_SIZE), flags);
}

static status_t direct_map(const struct memory_list *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct memory_range *r = &list->range[i];
		status_t status;

		if (r->kind == MEMORY_RESERVED || r->base >= DIRECT_MAP_SIZE)
			continue;
		status = kernel_map(DIRECT_MAP_BASE + r->base, r->base,
				    MIN(r->size, DIRECT_MAP_SIZE - r->base),
				    r->kind == MEMORY_RAM ? PAGE_READ | PAGE_WRITE : PAGE_READ);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

status_t paging_init(const struct machine *machine)
{
	status_t status;

	kernel_ttbr = kva_to_hpa(table_alloc());
	status = direct_map(&machine->memory);
	/* Where it lies: for the moment in which the MMU is switched on (entry.S). */
	if (status == STATUS_OK)
		status = kernel_map(image_base, image_base, PAGE_SIZE, PAGE_READ | PAGE_EXECUTE);
	if (status == STATUS_OK)
		status = image_map(__text_start, __text_end, PAGE_READ | PAGE_EXECUTE);
	if (status == STATUS_OK)
		status = image_map(__rodata_start, __rodata_end, PAGE_READ);
	if (status == STATUS_OK)
		status = image_map(__data_start, __bss_end, PAGE_READ | PAGE_WRITE);
	cache_clean(&kernel_ttbr, sizeof(kernel_ttbr));
	return status;
}

status_t cpu_area_map(uint32_t index, uint32_t page, hpa_t hpa)
{
	uint64_t va = CPU_AREAS_BASE + (uint64_t)index * CPU_AREA_SIZE + page * PAGE_SIZE;

	if (va >= DEVICE_MAP_BASE)
		return STATUS_TOO_LARGE;
	return kernel_map(va, hpa, PAGE_SIZE, PAGE_READ | PAGE_WRITE);
}

volatile void *device_map(hpa_t base, uint64_t size)
{
	hpa_t first = ALIGN_DOWN(base, PAGE_SIZE);
	uint64_t bytes, va;

	if (!size || !range_within(base, size, BIT(48)))
		return NULL;
	bytes = ALIGN_UP(base + size, PAGE_SIZE) - first;
	/* As it lies within 2 MiB, so that what is large needs no small pages. */
	va = ALIGN_UP(device_next, LARGE_PAGE_SIZE) + (first & MASK(LARGE_PAGE_SHIFT));
	if (!range_within(va - DEVICE_MAP_BASE, bytes, DEVICE_MAP_SIZE))
		return NULL;
	if (kernel_map(va, first, bytes, PAGE_READ | PAGE_WRITE | PAGE_UNCACHED) != STATUS_OK)
		return NULL;
	device_next = va + bytes;
	return (volatile char *)va + (base - first);
}

/* CTR_EL0.DminLine counts in words of four bytes. */
void cache_clean(const void *start, size_t size)
{
	uint64_t line = 4ull << (sysreg_read(ctr_el0) >> 16 & 0xf);

	for (uint64_t at = ALIGN_DOWN((uint64_t)start, line); at < (uint64_t)start + size;
	     at += line)
		__asm__ volatile("dc cvac, %0" : : "r"(at) : "memory");
	__asm__ volatile("dsb sy" : : : "memory");
}
