/* SPDX-License-Identifier: MIT */
/*
 * One radix walker for every page-table format: the host's own tables, the second-level tables
 * of a backend. A format says how an entry is built and read; the walker does mapping with the
 * largest page that fits, splitting and merging.
 *
 * The caller holds the lock of the tables and flushes translation caches afterwards. Other CPUs'
 * hardware may walk the tables at any time: entries are written whole, a table is filled before
 * it is linked, and is given back only after the caller has flushed (page_table_reap()). After
 * any call that may have split, merged or removed something, whatever its status, flush and reap.
 *
 * Errors of all three changes: MISALIGNED, INVALID_ADDRESS (outside the format's range),
 * NO_MEMORY. A size of 0 does nothing.
 */
#ifndef KERNEL_PAGE_TABLE_H
#define KERNEL_PAGE_TABLE_H

#include <kernel/memory.h>
#include <trivet/status.h>
#include <trivet/types.h>

enum page_flags {
	PAGE_READ = BIT(0),
	PAGE_WRITE = BIT(1),
	PAGE_EXECUTE = BIT(2),
	PAGE_USER = BIT(3),
	PAGE_UNCACHED = BIT(4),
	PAGE_GLOBAL = BIT(5),
};

#define PAGE_TABLE_LEVEL_BITS 9u

struct page_table_format {
	const char *name;
	uint8_t levels;	      /* of a whole table, at most 5; level 1 maps 4 KiB pages */
	uint8_t large_levels; /* bit n set: level n may hold a leaf (bit 1, 2, 3: 4K, 2M, 1G) */
	bool sign_extended;   /* addresses of the upper half have all higher bits set */
	/* Entries of 64 bits, 512 a table, 9 bits of address a level. An entry that is 0 maps
	 * nothing. An address stands in an entry as it is: leaf(a) | b == leaf(a | b). */
	uint64_t leaf_bit;     /* set in a leaf above level 1, clear in a table */
	uint64_t address_bits; /* of an entry: of a leaf, less what its page size leaves out */
	uint64_t (*leaf)(hpa_t hpa, unsigned int level, uint32_t flags);
	uint64_t (*table)(hpa_t hpa);
	bool (*present)(uint64_t entry);
	bool (*is_leaf)(uint64_t entry, unsigned int level);
	hpa_t (*address)(uint64_t entry, unsigned int level);
	uint32_t (*flags)(uint64_t entry, unsigned int level); /* enum page_flags of a leaf */
};

struct page_table {
	const struct page_table_format *format;
	struct heap *heap; /* pays for the tables */
	hpa_t root;
	void *unlinked;	      /* page list: tables that await page_table_reap() */
	uint64_t table_pages; /* counted for statistics, root included */
	bool keeps_edges; /* never merges, so what was mapped whole is unmapped without a split */
};

/* Of the addresses that a format translates. */
static inline unsigned int page_table_bits(const struct page_table_format *format)
{
	return PAGE_SHIFT + PAGE_TABLE_LEVEL_BITS * format->levels;
}

/* A table without a mapping; NO_MEMORY. */
status_t page_table_init(struct page_table *table, const struct page_table_format *format,
			 struct heap *heap) __must_check;
/* Gives back every table; what was mapped is not touched. */
void page_table_destroy(struct page_table *table);

/* Maps [va, va+size) to [hpa, ...): page aligned, inside the format's range, nothing mapped there
 * before (OVERLAP). On NO_MEMORY everything is as before. */
status_t page_table_map(struct page_table *table, uint64_t va, hpa_t hpa, uint64_t size,
			uint32_t flags) __must_check;
/* Removes what is mapped in the range, splitting large pages at its ends; holes are fine.
 * Only a split can fail, and then nothing is changed. */
status_t page_table_unmap(struct page_table *table, uint64_t va, uint64_t size) __must_check;
/* Changes the flags of what is mapped in the range; splits at its ends, merges where it can. */
status_t page_table_protect(struct page_table *table, uint64_t va, uint64_t size,
			    uint32_t flags) __must_check;

/* One small page shows this memory from now on, whatever was there before, without a moment in between
 * in which it shows nothing. Fails with nothing changed; never where it has shown a page before, of a
 * table that is not merged (keeps_edges). */
status_t page_table_replace(struct page_table *table, uint64_t va, hpa_t hpa,
			    uint32_t flags) __must_check;

/* Calls `leaf` for each leaf that maps something of the range, which is checked; nothing is changed. */
void page_table_each_leaf(struct page_table *table, uint64_t va, uint64_t size,
			  void (*leaf)(void *context, uint64_t va, uint64_t size, uint32_t flags),
			  void *context);

/* Maps and unmaps in pieces of about `budget` entries, for tables that are not merged (keeps_edges). A map tells
 * how many bytes it has mapped, also when it fails; whoever gives up takes those away. An unmap gives
 * the bytes that it has done with, from va on; nothing that is mapped may reach across either end of the
 * range, and it cannot fail. */
status_t page_table_map_part(struct page_table *table, uint64_t va, hpa_t hpa, uint64_t size,
			     uint32_t flags, uint64_t budget, uint64_t *done) __must_check;
uint64_t page_table_unmap_part(struct page_table *table, uint64_t va, uint64_t size,
			       uint64_t budget);

struct page_translation {
	hpa_t hpa;	    /* of the address asked for */
	uint64_t page_size; /* of the leaf */
	uint32_t flags;
};
/* False: nothing is mapped at va; then page_size is the size of the hole's entry. */
bool page_table_lookup(const struct page_table *table, uint64_t va, struct page_translation *out);

/* Where the memory at va stands, in few instructions and with no lock, for who may walk the tables as
 * hardware does: until the next flush, tables that he may see are not given back. NULL: nowhere. Not
 * for formats whose addresses are sign-extended. */
void *page_table_walk(const struct page_table *table, uint64_t va);

/* The tables that were unlinked so far, as a page list that the table forgets. Take it with the
 * table's lock held, flush every CPU, and give it to page_list_free(): so two CPUs that change the
 * same table never free what the other has not flushed yet. */
void *page_table_unlinked_take(struct page_table *table);
/* Both at once, for a table that nobody else changes, after every CPU has flushed. */
void page_table_reap(struct page_table *table);

#endif
