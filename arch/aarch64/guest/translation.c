/* SPDX-License-Identifier: MIT */
#include "translation.h"

#define SCTLR_M	     BIT(0)
#define ENTRY_VALID  BIT(0)
#define ENTRY_TABLE  BIT(1) /* or, at the last level, a page */
#define ADDRESS_MASK MASK(48)
#define LAST_LEVEL   3u

/* TCR_EL1 (D19.2.139), of one of the halves. */
struct half {
	uint64_t table;
	unsigned int size; /* bits of address that it translates */
	unsigned int page; /* bits of a page's offset */
};

/* TG0 and TG1 number the sizes differently; 0: reserved. */
static const uint8_t page_bits[2][4] = {{12, 16, 14, 0}, {0, 14, 12, 16}};

/* Which half an address belongs to is told by bit 55. False: it is in none, or that one is switched off. */
static bool half_find(const struct translation_regime *regime, uint64_t address, struct half *half)
{
	unsigned int upper = address >> 55 & 1, shift = upper * 16;
	uint64_t tcr = regime->tcr, top;
	bool disabled = tcr >> (upper ? 23 : 7) & 1, tags = tcr >> (37 + upper) & 1;

	half->size = 64 - (unsigned int)(tcr >> shift & 63);
	half->page = page_bits[upper][tcr >> (upper ? 30 : 14) & 3];
	half->table = (upper ? regime->ttbr1 : regime->ttbr0) & ADDRESS_MASK & ~1ull;
	if (disabled || !half->page || half->size > 48 || half->size <= half->page)
		return false;
	/* The bits above are those of the half, but a tag may stand in the highest eight. */
	top = tags ? (uint64_t)((int64_t)(address << 8) >> 8) : address;
	return top >> half->size == (upper ? ~0ull >> half->size : 0);
}

bool translation_walk(const struct translation_regime *regime, translation_read *read,
		      void *context, uint64_t address, struct translation *found)
{
	unsigned int level, width, low;
	struct half half;
	uint64_t entry;
	gpa_t table;

	*found = (struct translation){0};
	if (!(regime->sctlr & SCTLR_M)) {
		found->gpa = address;
		return address <= ADDRESS_MASK;
	}
	if (!half_find(regime, address, &half))
		return false;
	width = half.page - 3;
	/* Levels are counted so that the last one is 3. */
	level = LAST_LEVEL - (half.size - half.page - 1) / width;
	/* The first table has what is left of the address, and is aligned to its size (D8.2.5). */
	low = half.page + width * (LAST_LEVEL - level);
	table = ALIGN_DOWN(half.table, MAX(8 * BIT(half.size - low), 64ull));
	for (;; level++) {
		unsigned int high = MIN(half.size, half.page + width * (LAST_LEVEL + 1 - level));

		low = half.page + width * (LAST_LEVEL - level);
		found->at = table + (address >> low & MASK(high - low)) * 8;
		found->no_memory = !read(context, found->at, &entry);
		if (found->no_memory || !(entry & ENTRY_VALID))
			return false;
		if (level == LAST_LEVEL || !(entry & ENTRY_TABLE))
			break;
		found->tables |= entry;
		table = ALIGN_DOWN(entry & ADDRESS_MASK, BIT(half.page));
	}
	/* At the last level what is no page is reserved; blocks have sizes of their own (D8.3.1). */
	if (level == LAST_LEVEL ? !(entry & ENTRY_TABLE)
				: level == 0 || (half.page != 12 && level == 1))
		return false;
	found->entry = entry;
	found->gpa = ALIGN_DOWN(entry & ADDRESS_MASK, BIT(low)) | (address & MASK(low));
	return true;
}
