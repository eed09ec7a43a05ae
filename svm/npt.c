/* SPDX-License-Identifier: MIT */
/*
 * Nested page tables (APM 15.25.3): the long-mode format, walked as user accesses, so that every
 * entry has the user bit. What is mapped can be read; there is no execute-only. They have as many
 * levels as the host's own tables at VMRUN, and this host's have four.
 */
#include "svm.h"

#define NPT_PRESENT BIT(0)
#define NPT_WRITE   BIT(1)
#define NPT_USER    BIT(2)
#define NPT_PCD	    BIT(4)
#define NPT_LARGE   BIT(7)
#define NPT_NX	    BIT(63)
#define NPT_ADDRESS 0x000ffffffffff000ull

static uint64_t npt_leaf(hpa_t hpa, unsigned int level, uint32_t flags)
{
	uint64_t entry = hpa | NPT_PRESENT | NPT_USER;

	if (flags & PAGE_WRITE)
		entry |= NPT_WRITE;
	if (!(flags & PAGE_EXECUTE))
		entry |= NPT_NX;
	if (flags & PAGE_UNCACHED)
		entry |= NPT_PCD;
	if (level > 1)
		entry |= NPT_LARGE;
	return entry;
}

static uint64_t npt_table(hpa_t hpa)
{
	return hpa | NPT_PRESENT | NPT_USER | NPT_WRITE;
}

static bool npt_present(uint64_t entry)
{
	return entry & NPT_PRESENT;
}

static bool npt_is_leaf(uint64_t entry, unsigned int level)
{
	return level == 1 || (entry & NPT_LARGE);
}

static hpa_t npt_address(uint64_t entry, unsigned int level)
{
	hpa_t hpa = entry & NPT_ADDRESS;

	return npt_is_leaf(entry, level) ? hpa & ~MASK(PAGE_SHIFT + 9 * (level - 1)) : hpa;
}

static uint32_t npt_flags(uint64_t entry, unsigned int level)
{
	uint32_t flags = PAGE_READ | PAGE_USER;

	(void)level;
	if (entry & NPT_WRITE)
		flags |= PAGE_WRITE;
	if (!(entry & NPT_NX))
		flags |= PAGE_EXECUTE;
	if (entry & NPT_PCD)
		flags |= PAGE_UNCACHED;
	return flags;
}

struct page_table_format npt_format = {
	.name = "npt",
	.levels = 4,
	.large_levels = BIT(1) | BIT(2) | BIT(3),
	.leaf_bit = NPT_LARGE,
	.address_bits = NPT_ADDRESS,
	.leaf = npt_leaf,
	.table = npt_table,
	.present = npt_present,
	.is_leaf = npt_is_leaf,
	.address = npt_address,
	.flags = npt_flags,
};
