/* SPDX-License-Identifier: MIT */
/*
 * Host paging: the x86-64 format for the walker of kernel/page_table.c, which serves the user
 * half, and the kernel's own half, which must exist before there is a heap to pay for tables and
 * is therefore filled here.
 */
#include <arch/cr.h>
#include <arch/paging.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/page_table.h>
#include <kernel/string.h>
#include <kernel/task.h>

/* Page-table entries, SDM 3A 4.5. */
#define PTE_PRESENT  BIT(0)
#define PTE_WRITE    BIT(1)
#define PTE_USER     BIT(2)
#define PTE_UNCACHED (BIT(3) | BIT(4)) /* PAT entry 3: UC */
#define PTE_LARGE    BIT(7)
#define PTE_GLOBAL   BIT(8)
#define PTE_NX	     BIT(63)
#define PTE_ADDRESS  0x000ffffffffff000ull

#define ROOT_LEVEL    4
#define ROOT_HALF     256 /* the first entry of the kernel's half */
#define TABLE_ENTRIES 512

/* In front of the heap: enough for the image, one CPU, and the direct map with pages of 1 GiB. */
#define EARLY_TABLES 32

uint64_t kernel_cr3;

static uint64_t early_tables[EARLY_TABLES][TABLE_ENTRIES] __aligned(4096);
static uint32_t early_used;
static hpa_t carved_next, carved_end;
static bool heap_ready;
static uint64_t device_next = DEVICE_MAP_BASE;

extern char __text_start[], __text_end[], __rodata_start[], __rodata_end[];
extern char __data_start[], __bss_end[];

/* ---- addresses ---- */

void *hpa_to_kva(hpa_t hpa)
{
	return (void *)(DIRECT_MAP_BASE + hpa);
}

hpa_t kva_to_hpa(const void *kva)
{
	uint64_t va = (uint64_t)kva;

	return va >= KERNEL_IMAGE_OFFSET ? va - KERNEL_IMAGE_OFFSET : va - DIRECT_MAP_BASE;
}

/* ---- the format ---- */

static uint64_t host_leaf(hpa_t hpa, unsigned int level, uint32_t flags)
{
	return hpa | PTE_PRESENT | (flags & PAGE_WRITE ? PTE_WRITE : 0) |
	       (flags & PAGE_USER ? PTE_USER : 0) | (flags & PAGE_UNCACHED ? PTE_UNCACHED : 0) |
	       (flags & PAGE_GLOBAL ? PTE_GLOBAL : 0) | (flags & PAGE_EXECUTE ? 0 : PTE_NX) |
	       (level > 1 ? PTE_LARGE : 0);
}

static uint64_t host_table(hpa_t hpa)
{
	return hpa | PTE_PRESENT | PTE_WRITE | PTE_USER;
}

static bool host_present(uint64_t entry)
{
	return entry & PTE_PRESENT;
}

static bool host_is_leaf(uint64_t entry, unsigned int level)
{
	return level == 1 || (entry & PTE_LARGE);
}

static hpa_t host_address(uint64_t entry, unsigned int level)
{
	/* Bit 12 of a large leaf is its PAT bit, which is never set here. */
	(void)level;
	return entry & PTE_ADDRESS;
}

static uint32_t host_flags(uint64_t entry, unsigned int level)
{
	(void)level;
	return PAGE_READ | (entry & PTE_WRITE ? PAGE_WRITE : 0) |
	       (entry & PTE_NX ? 0 : PAGE_EXECUTE) | (entry & PTE_USER ? PAGE_USER : 0) |
	       ((entry & PTE_UNCACHED) == PTE_UNCACHED ? PAGE_UNCACHED : 0) |
	       (entry & PTE_GLOBAL ? PAGE_GLOBAL : 0);
}

const struct page_table_format host_page_table_format = {
	.name = "x86-64",
	.levels = ROOT_LEVEL,
	/* The user half is 2 MiB pages and smaller: blocks leave the window one by one. */
	.large_levels = BIT(1) | BIT(2),
	.leaf_bit = PTE_LARGE,
	.address_bits = PTE_ADDRESS,
	.leaf = host_leaf,
	.table = host_table,
	.present = host_present,
	.is_leaf = host_is_leaf,
	.address = host_address,
	.flags = host_flags,
};

void arch_space_init(struct address_space *space)
{
	uint64_t *root = hpa_to_kva(space->table.root);
	const uint64_t *kernel_root = hpa_to_kva(kernel_cr3);

	memcpy(root + ROOT_HALF, kernel_root + ROOT_HALF, ROOT_HALF * sizeof(*root));
}

void arch_tlb_flush(uint64_t va, uint64_t size)
{
	/* One page: INVLPG also drops a large page that the address lies in. */
	if (size && size <= PAGE_SIZE)
		__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
	else
		cr3_write(cr3_read()); /* keeps global pages, which are the kernel's */
}

/* ---- the kernel's half ---- */

/* Gives the table's address in the direct map; the boot tables cover that below 4 GiB. */
static uint64_t *table_alloc(void)
{
	if (early_used < EARLY_TABLES)
		return hpa_to_kva(kva_to_hpa(early_tables[early_used++]));
	if (carved_next < carved_end) {
		uint64_t *table = hpa_to_kva(carved_next);

		carved_next += PAGE_SIZE;
		memset(table, 0, PAGE_SIZE);
		return table;
	}
	return heap_ready ? page_alloc(&kernel_heap, 0) : NULL;
}

void paging_use_heap(void)
{
	heap_ready = true;
}

static bool large_page_1g(void)
{
	return cpuid_get(0x80000001, 0).edx & BIT(26);
}

/* The largest page that both addresses and the size allow. */
static unsigned int leaf_level(uint64_t va, hpa_t hpa, uint64_t size)
{
	if (IS_ALIGNED(va | hpa, GIB(1)) && size >= GIB(1) && large_page_1g())
		return 3;
	return IS_ALIGNED(va | hpa, LARGE_PAGE_SIZE) && size >= LARGE_PAGE_SIZE ? 2 : 1;
}

/* Maps one page of `level`; what is mapped there already stays. */
static status_t leaf_set(uint64_t va, hpa_t hpa, unsigned int level, uint32_t flags)
{
	uint64_t *table = hpa_to_kva(kernel_cr3);

	for (unsigned int at = ROOT_LEVEL;; at--) {
		uint64_t *entry = &table[va >> (PAGE_SHIFT + 9 * (at - 1)) & (TABLE_ENTRIES - 1)];

		if (at == level) {
			if (!(*entry & PTE_PRESENT))
				*entry = host_leaf(hpa, level, flags | PAGE_GLOBAL);
			return STATUS_OK;
		}
		if (!(*entry & PTE_PRESENT)) {
			uint64_t *below = table_alloc();

			if (!below)
				return STATUS_NO_MEMORY;
			*entry = kva_to_hpa(below) | PTE_PRESENT | PTE_WRITE;
		} else if (host_is_leaf(*entry, at)) {
			return STATUS_OK;
		}
		table = hpa_to_kva(*entry & PTE_ADDRESS);
	}
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
	return STATUS_OK;
}

static status_t image_map(const char *start, const char *end, uint32_t flags)
{
	hpa_t base = kva_to_hpa(start);

	/* Page by page: pieces with different rights share their first 2 MiB. */
	for (uint64_t at = 0; at < (uint64_t)(end - start); at += PAGE_SIZE) {
		status_t status = leaf_set((uint64_t)start + at, base + at, 1, flags);

		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

/* How many tables the direct map may need: two at each end of a range, one for each GiB that has
 * no page of its size, one for each 512 GiB. */
static uint64_t tables_needed(const struct multiboot2 *map)
{
	uint64_t count = 16;

	for (uint32_t i = 0; i < map->memory_count; i++) {
		if (map->memory[i].kind != MEMORY_RAM)
			continue;
		count += 5 + map->memory[i].size / GIB(512);
		if (!large_page_1g())
			count += map->memory[i].size / GIB(1);
	}
	return count;
}

/* Takes the tables' pages from the end of a range of RAM that the boot tables reach. The loader
 * puts modules and its information low, right behind the kernel; the end of the largest range is
 * checked against both all the same. */
static status_t tables_carve(struct multiboot2 *map, uint64_t pages)
{
	uint64_t size = pages * PAGE_SIZE;

	for (uint32_t i = map->memory_count; i-- > 0;) {
		const struct memory_range *r = &map->memory[i];
		hpa_t end = r->base + r->size;
		status_t status;

		if (r->kind != MEMORY_RAM || r->size < size || end > GIB(4))
			continue;
		if (range_overlaps(end - size, size, map->bundle_base, map->bundle_size) ||
		    range_overlaps(end - size, size, boot_source.kernel_base,
				   boot_source.kernel_size))
			continue;
		status = memory_map_set(map, end - size, size, MEMORY_RESERVED);
		if (status != STATUS_OK)
			return status;
		carved_next = end - size;
		carved_end = end;
		return STATUS_OK;
	}
	return STATUS_NO_MEMORY;
}

static status_t direct_map(struct multiboot2 *map)
{
	for (uint32_t i = 0; i < map->memory_count; i++) {
		struct memory_range *r = &map->memory[i];
		status_t status;

		if (r->kind == MEMORY_RESERVED || r->base >= DIRECT_MAP_SIZE)
			continue;
		status = kernel_map(DIRECT_MAP_BASE + r->base, r->base,
				    MIN(r->size, DIRECT_MAP_SIZE - r->base),
				    r->kind == MEMORY_RAM ? PAGE_READ | PAGE_WRITE : PAGE_READ);
		if (status != STATUS_OK)
			return status;
	}
	return kernel_map(DIRECT_MAP_BASE + carved_next, carved_next, carved_end - carved_next,
			  PAGE_READ | PAGE_WRITE);
}

/* The three regions that may grow later have their first-level tables from the beginning, so that
 * every root table made after this shows the same. */
static status_t regions_prepare(void)
{
	static const uint64_t regions[] = {CPU_AREAS_BASE, DIRECT_MAP_BASE};
	uint64_t *root = hpa_to_kva(kernel_cr3);

	for (uint32_t i = 0; i < ARRAY_SIZE(regions); i++) {
		uint64_t *entry = &root[regions[i] >> 39 & (TABLE_ENTRIES - 1)];
		uint64_t *table = table_alloc();

		if (!table)
			return STATUS_NO_MEMORY;
		*entry = kva_to_hpa(table) | PTE_PRESENT | PTE_WRITE;
	}
	return STATUS_OK;
}

status_t paging_init(struct multiboot2 *map)
{
	uint64_t needed = tables_needed(map);
	status_t status = STATUS_OK;

	kernel_cr3 = kva_to_hpa(table_alloc());
	if (needed > EARLY_TABLES)
		status = tables_carve(map, needed);
	if (status == STATUS_OK)
		status = regions_prepare();
	if (status == STATUS_OK)
		status = direct_map(map);
	if (status == STATUS_OK)
		status = image_map(__text_start, __text_end, PAGE_READ | PAGE_EXECUTE);
	if (status == STATUS_OK)
		status = image_map(__rodata_start, __rodata_end, PAGE_READ);
	if (status == STATUS_OK)
		status = image_map(__data_start, __bss_end, PAGE_READ | PAGE_WRITE);
	return status;
}

status_t cpu_area_map(uint32_t index, uint32_t page, hpa_t hpa)
{
	uint64_t va = CPU_AREAS_BASE + (uint64_t)index * CPU_AREA_SIZE + page * PAGE_SIZE;

	if (va >= DEVICE_MAP_BASE)
		return STATUS_TOO_LARGE;
	return leaf_set(va, hpa, 1, PAGE_READ | PAGE_WRITE);
}

volatile void *device_map(hpa_t base, uint64_t size)
{
	hpa_t first = ALIGN_DOWN(base, PAGE_SIZE);
	uint64_t bytes, va = device_next;

	if (!range_within(base, size, BIT(52)))
		return NULL;
	bytes = ALIGN_UP(base + size, PAGE_SIZE) - first;
	if (!range_within(va - DEVICE_MAP_BASE, bytes, DEVICE_MAP_SIZE))
		return NULL;
	for (uint64_t at = 0; at < bytes; at += PAGE_SIZE)
		if (leaf_set(va + at, first + at, 1, PAGE_READ | PAGE_WRITE | PAGE_UNCACHED) !=
		    STATUS_OK)
			return NULL;
	device_next += bytes;
	return (volatile char *)va + (base - first);
}

const void *acpi_map(hpa_t base, uint64_t size)
{
	hpa_t first = ALIGN_DOWN(base, PAGE_SIZE);

	if (!size || !range_within(base, size, DIRECT_MAP_SIZE))
		return NULL;
	for (hpa_t at = first; at < base + size; at += PAGE_SIZE)
		if (leaf_set(DIRECT_MAP_BASE + at, at, 1, PAGE_READ) != STATUS_OK)
			return NULL;
	return hpa_to_kva(base);
}
