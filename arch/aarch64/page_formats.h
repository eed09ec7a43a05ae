/* SPDX-License-Identifier: MIT */
/* What the formats of page tables have in common, for who defines another one. */
#ifndef AARCH64_PAGE_FORMATS_H
#define AARCH64_PAGE_FORMATS_H

#include <kernel/page_table.h>

#define PAGE_ENTRY_LEAF	   BIT(10) /* the access flag */
#define PAGE_ENTRY_ADDRESS 0x0000fffffffff000ull

uint64_t page_entry_table(hpa_t hpa);
bool page_entry_present(uint64_t entry);
bool page_entry_is_leaf(uint64_t entry, unsigned int level);
hpa_t page_entry_address(uint64_t entry, unsigned int level);
uint64_t stage2_leaf(hpa_t hpa, unsigned int level, uint32_t flags);
uint32_t stage2_flags(uint64_t entry, unsigned int level);

#define PAGE_ENTRY_FORMAT                                                                        \
	.leaf_bit = PAGE_ENTRY_LEAF, .address_bits = PAGE_ENTRY_ADDRESS,                         \
	.table = page_entry_table, .present = page_entry_present, .is_leaf = page_entry_is_leaf, \
	.address = page_entry_address
#define STAGE2_FORMAT .levels = 3, PAGE_ENTRY_FORMAT, .leaf = stage2_leaf, .flags = stage2_flags

#endif
