/* SPDX-License-Identifier: MIT */
/*
 * Page-table entries with a granule of 4 KiB (Arm ARM D8.3). Bits 1:0 are 3 for a table and for a page, 1 for
 * a block of a higher level; so what tells a block from a table in one bit is the access flag, which is set
 * in all leaves: it is ignored in tables, and is clear there.
 *
 *	63      54 53      47        12 11 10  9 8  7 6  5     2 1 0
 *	stage 1: XN        | address  |    AF  SH   AP   -  Attr  type
 *	stage 2: XN[1:0]   | address  |    AF  SH   S2AP MemAttr  type
 */
#include "page_formats.h"

#include <arch/paging.h>
#include <kernel/arch.h>

#define ENTRY_BLOCK   1ull
#define ENTRY_TABLE   3ull
#define ENTRY_TYPE    3ull
#define ENTRY_AF      PAGE_ENTRY_LEAF
#define ENTRY_INNER   (3 * BIT(8)) /* shareable */
#define ENTRY_ADDRESS PAGE_ENTRY_ADDRESS
#define ENTRY_XN      BIT(54)
#define ENTRY_USER    BIT(55) /* software's: nothing says so to the processor */

/* Stage 1 of EL2, with one privilege: AP[1] is RES1. */
#define EL2_DEVICE    BIT(2) /* MAIR_EL2's attributes 1 */
#define EL2_AP1	      BIT(6)
#define EL2_READ_ONLY BIT(7)

#define S2_NORMAL (15 * BIT(2)) /* write-back, inner and outer */
#define S2_DEVICE BIT(2)	/* nGnRE */
#define S2_READ	  BIT(6)
#define S2_WRITE  BIT(7)

static uint64_t leaf_type(unsigned int level)
{
	return level == 1 ? ENTRY_TABLE : ENTRY_BLOCK;
}

uint64_t page_entry_table(hpa_t hpa)
{
	return hpa | ENTRY_TABLE;
}

bool page_entry_present(uint64_t entry)
{
	return entry & ENTRY_BLOCK;
}

bool page_entry_is_leaf(uint64_t entry, unsigned int level)
{
	return level == 1 || (entry & ENTRY_TYPE) == ENTRY_BLOCK;
}

hpa_t page_entry_address(uint64_t entry, unsigned int level)
{
	(void)level;
	return entry & ENTRY_ADDRESS;
}

static uint64_t el2_leaf(hpa_t hpa, unsigned int level, uint32_t flags)
{
	return hpa | leaf_type(level) | ENTRY_AF | EL2_AP1 |
	       (flags & PAGE_UNCACHED ? EL2_DEVICE : ENTRY_INNER) |
	       (flags & PAGE_USER ? ENTRY_USER : 0) | (flags & PAGE_WRITE ? 0 : EL2_READ_ONLY) |
	       (flags & PAGE_EXECUTE ? 0 : ENTRY_XN);
}

static uint32_t el2_flags(uint64_t entry, unsigned int level)
{
	(void)level;
	return PAGE_READ | (entry & ENTRY_USER ? PAGE_USER : 0) |
	       (entry & EL2_READ_ONLY ? 0 : PAGE_WRITE) | (entry & ENTRY_XN ? 0 : PAGE_EXECUTE) |
	       (entry & EL2_DEVICE ? PAGE_UNCACHED : 0);
}

/* What may be reached at all may be by EL0, PAGE_USER or not: stage 1, where there is one, tells users apart. */
uint64_t stage2_leaf(hpa_t hpa, unsigned int level, uint32_t flags)
{
	return hpa | leaf_type(level) | ENTRY_AF |
	       (flags & PAGE_UNCACHED ? S2_DEVICE : S2_NORMAL | ENTRY_INNER) |
	       (flags & PAGE_USER ? ENTRY_USER : 0) | (flags & PAGE_READ ? S2_READ : 0) |
	       (flags & PAGE_WRITE ? S2_WRITE : 0) | (flags & PAGE_EXECUTE ? 0 : ENTRY_XN);
}

uint32_t stage2_flags(uint64_t entry, unsigned int level)
{
	(void)level;
	return (entry & ENTRY_USER ? PAGE_USER : 0) | (entry & S2_READ ? PAGE_READ : 0) |
	       (entry & S2_WRITE ? PAGE_WRITE : 0) | (entry & ENTRY_XN ? 0 : PAGE_EXECUTE) |
	       ((entry & S2_NORMAL) == S2_DEVICE ? PAGE_UNCACHED : 0);
}

const struct page_table_format el2_format = {
	.name = "EL2",
	.levels = 4,
	.large_levels = BIT(1) | BIT(2) | BIT(3),
	PAGE_ENTRY_FORMAT,
	.leaf = el2_leaf,
	.flags = el2_flags,
};

const struct page_table_format stage2_format = {
	.name = "stage 2",
	.large_levels = BIT(1) | BIT(2) | BIT(3),
	STAGE2_FORMAT,
};
