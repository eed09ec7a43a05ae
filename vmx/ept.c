/* SPDX-License-Identifier: MIT */
/*
 * Extended page tables (SDM 3C, 29.3.2), of four levels, or five where probing finds that guests
 * have addresses for them. Memory is write-back and the guest's PAT may weaken it;
 * device memory would be uncached.
 */
#include "vmx.h"

#define EPT_READ       BIT(0)
#define EPT_WRITABLE   BIT(1)
#define EPT_EXECUTABLE BIT(2)
#define EPT_ACCESS     (EPT_READ | EPT_WRITABLE | EPT_EXECUTABLE)
#define EPT_TYPE_WB    (6ull << 3)
#define EPT_TYPE_MASK  (7ull << 3)
#define EPT_LARGE      BIT(7)
#define EPT_ADDRESS    0x000ffffffffff000ull

static uint64_t ept_leaf(hpa_t hpa, unsigned int level, uint32_t flags)
{
	uint64_t entry = hpa | EPT_READ;

	if (flags & PAGE_WRITE)
		entry |= EPT_WRITABLE;
	if (flags & PAGE_EXECUTE)
		entry |= EPT_EXECUTABLE;
	if (!(flags & PAGE_UNCACHED))
		entry |= EPT_TYPE_WB;
	if (level > 1)
		entry |= EPT_LARGE;
	return entry;
}

static uint64_t ept_table(hpa_t hpa)
{
	return hpa | EPT_ACCESS;
}

static bool ept_present(uint64_t entry)
{
	return entry & EPT_ACCESS;
}

static bool ept_is_leaf(uint64_t entry, unsigned int level)
{
	return level == 1 || (entry & EPT_LARGE);
}

static hpa_t ept_address(uint64_t entry, unsigned int level)
{
	hpa_t hpa = entry & EPT_ADDRESS;

	return ept_is_leaf(entry, level) ? hpa & ~MASK(PAGE_SHIFT + 9 * (level - 1)) : hpa;
}

static uint32_t ept_flags(uint64_t entry, unsigned int level)
{
	uint32_t flags = PAGE_READ | PAGE_USER;

	(void)level;
	if (entry & EPT_WRITABLE)
		flags |= PAGE_WRITE;
	if (entry & EPT_EXECUTABLE)
		flags |= PAGE_EXECUTE;
	if ((entry & EPT_TYPE_MASK) != EPT_TYPE_WB)
		flags |= PAGE_UNCACHED;
	return flags;
}

struct page_table_format ept_format = {
	.name = "ept",
	.levels = EPT_USUAL_LEVELS,
	.large_levels = BIT(1) | BIT(2) | BIT(3),
	.leaf_bit = EPT_LARGE,
	.address_bits = EPT_ADDRESS,
	.leaf = ept_leaf,
	.table = ept_table,
	.present = ept_present,
	.is_leaf = ept_is_leaf,
	.address = ept_address,
	.flags = ept_flags,
};
