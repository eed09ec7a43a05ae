/* SPDX-License-Identifier: MIT */
/*
 * The radix walker.
 *
 *   root, level 4        level 3             level 2             level 1
 *   +-----------+      +-----------+      +-----------+      +-----------+
 *   | 512 GiB   |----->| 1 GiB     |----->| 2 MiB     |----->| 4 KiB     |--> page
 *   |    ...    |      |    ...    |--.   |    ...    |--.   |    ...    |
 *   +-----------+      +-----------+  |   +-----------+  |   +-----------+
 *                                     v                  v
 *                                  1 GiB page         2 MiB page        leaves
 *
 * Some formats have a level 5 before these. An entry is 0, a leaf, or a table of the next lower level. No table but the root is ever left
 * empty, so an entry that is not 0 means that something is mapped below it; and a table whose
 * leaves could be one larger leaf becomes one (merge), which a change of a part undoes (split). A
 * table that keeps its edges is not merged: a split needs memory, and so can fail.
 *
 * Each change first makes all that may fail: a map that runs out of tables takes back what it
 * did, an unmap or protect splits the pages at its two ends before it changes anything.
 */
#include <kernel/arch.h>
#include <kernel/page_table.h>

#define ENTRIES	    512u
#define LEAST_LARGE 2

/* One change on its way through the tree. */
struct walk {
	struct page_table *table;
	uint32_t flags;
	hpa_t hpa;	 /* map: of the next address */
	uint64_t done;	 /* map: first address that is not mapped yet */
	uint64_t budget; /* map, clear: entries that may still be looked at, about */
};

#define NO_LIMIT UINT64_MAX

static unsigned int level_shift(unsigned int level)
{
	return PAGE_SHIFT + PAGE_TABLE_LEVEL_BITS * (level - 1);
}

static uint64_t level_size(unsigned int level)
{
	return BIT(level_shift(level));
}

static uint64_t *entry_of(uint64_t *entries, unsigned int level, uint64_t va)
{
	return &entries[va >> level_shift(level) & (ENTRIES - 1)];
}

/* Other CPUs' walkers read entries at any time: each is written whole, after what it points to. Where an
 * entry that maps something goes on to map it otherwise, the architecture may want more:
 * arch_table_entry_replace(). */
static void entry_set(uint64_t *entry, uint64_t value)
{
	atomic_store_explicit((_Atomic uint64_t *)entry, value, memory_order_release);
}

static uint64_t *table_below(const struct page_table_format *format, uint64_t entry,
			     unsigned int level)
{
	return hpa_to_kva(format->address(entry, level));
}

static uint64_t *table_alloc(struct page_table *table)
{
	uint64_t *entries = page_alloc(table->heap, 0);

	if (entries != NULL)
		table->table_pages++;
	return entries;
}

static void table_unlink(struct page_table *table, uint64_t *entries)
{
	table->table_pages--;
	page_list_push(&table->unlinked, entries);
}

static __attribute__((noinline)) bool entries_are_empty(const uint64_t *entry, const uint64_t *end)
{
	uint64_t all = 0;

#pragma GCC unroll 4
	for (; entry < end; entry++)
		all |= *entry;
	return all == 0;
}

static bool level_has_leaves(const struct page_table_format *format, unsigned int level)
{
	return (format->large_levels & BIT(level)) != 0;
}

static bool entry_is_table(const struct page_table_format *format, uint64_t entry,
			   unsigned int level)
{
	return entry != 0 && level >= LEAST_LARGE && !format->is_leaf(entry, level);
}

/* Unlinks a table of that level and all tables below it. */
static __cold void tree_unlink(struct page_table *table, uint64_t *entries, unsigned int level)
{
	const struct page_table_format *format = table->format;
	uint64_t next_leaf = 0, step = level_size(level);

	for (unsigned int i = 0; level >= LEAST_LARGE && i < ENTRIES; i++) {
		uint64_t entry = entries[i];

		/* What differs from a leaf before it by the address alone is a leaf too. */
		if (entry == 0)
			continue;
		if (entry == next_leaf || !entry_is_table(format, entry, level))
			next_leaf = entry + step;
		else
			tree_unlink(table, table_below(format, entry, level), level - 1);
	}
	table_unlink(table, entries);
}

/* Replaces a leaf by a table of smaller ones that says the same. */
static __cold status_t entry_split(struct page_table *table, uint64_t *entry, unsigned int level)
{
	const struct page_table_format *format = table->format;
	uint64_t *entries = table_alloc(table);
	uint64_t leaf;

	if (entries == NULL)
		return STATUS_NO_MEMORY;
	leaf = format->leaf(format->address(*entry, level), level - 1,
			    format->flags(*entry, level));
	for (unsigned int i = 0; i < ENTRIES; i++, leaf += level_size(level - 1))
		entries[i] = leaf;
	arch_table_entry_replace(entry, format->table(kva_to_hpa(entries)));
	return STATUS_OK;
}

/* Replaces a table by one leaf if that says the same. Accessed and dirty bits are forgotten. */
static __cold void entry_merge(struct page_table *table, uint64_t *entry, unsigned int level)
{
	const struct page_table_format *format = table->format;
	uint64_t *entries;
	uint32_t flags;
	hpa_t hpa;

	if (table->keeps_edges || !level_has_leaves(format, level) || *entry == 0 ||
	    format->is_leaf(*entry, level))
		return;
	entries = table_below(format, *entry, level);
	if (entries[0] == 0 || !format->is_leaf(entries[0], level - 1))
		return;
	hpa = format->address(entries[0], level - 1);
	flags = format->flags(entries[0], level - 1);
	if (!IS_ALIGNED(hpa, level_size(level)))
		return;
	for (unsigned int i = 1; i < ENTRIES; i++)
		if (entries[i] == 0 || !format->is_leaf(entries[i], level - 1) ||
		    format->address(entries[i], level - 1) != hpa + i * level_size(level - 1) ||
		    format->flags(entries[i], level - 1) != flags)
			return;
	arch_table_entry_replace(entry, format->leaf(hpa, level, flags));
	table_unlink(table, entries);
}

/* Merges what can be merged on the path to va. */
static __cold void path_merge(struct page_table *table, uint64_t *entries, unsigned int level,
			      uint64_t va)
{
	uint64_t *entry = entry_of(entries, level, va);

	if (level < LEAST_LARGE || *entry == 0 || table->format->is_leaf(*entry, level))
		return;
	path_merge(table, table_below(table->format, *entry, level), level - 1, va);
	entry_merge(table, entry, level);
}

/* Splits leaves until none reaches across va. */
static __cold status_t path_split(struct page_table *table, uint64_t va)
{
	uint64_t *entries = hpa_to_kva(table->root);

	for (unsigned int level = table->format->levels; level >= LEAST_LARGE; level--) {
		uint64_t *entry = entry_of(entries, level, va);

		if (IS_ALIGNED(va, level_size(level)) || *entry == 0)
			return STATUS_OK;
		if (table->format->is_leaf(*entry, level) &&
		    entry_split(table, entry, level) != STATUS_OK)
			return STATUS_NO_MEMORY;
		entries = table_below(table->format, *entry, level);
	}
	return STATUS_OK;
}

/* Where the entry that covers va ends, or the range if that is first. */
static uint64_t entry_end(uint64_t va, uint64_t end, unsigned int level)
{
	uint64_t size = level_size(level), left = size - (va & (size - 1));

	return end - va < left ? end : va + left;
}

/* ---- map ---- */

/* Leaves of this level for as much of the range, which ends in this table, as they fit. */
static status_t leaves_set(struct walk *walk, uint64_t *entries, unsigned int level, uint64_t va,
			   uint64_t end)
{
	uint64_t *entry = entry_of(entries, level, va), *first = entry, *stop;
	uint64_t count = MIN((end - va) >> level_shift(level), walk->budget);
	uint64_t leaf = walk->table->format->leaf(walk->hpa, level, walk->flags);
	uint64_t step = level_size(level);

#pragma GCC unroll 4
	for (stop = entry + count; entry < stop; entry++, leaf += step) {
		if (unlikely(*entry != 0))
			break;
		entry_set(entry, leaf);
	}
	count = (uint64_t)(entry - first);
	walk->hpa += count * step;
	walk->done += count * step;
	walk->budget -= count;
	return entry == stop ? STATUS_OK : STATUS_OVERLAP;
}

static status_t range_map(struct walk *walk, uint64_t *entries, unsigned int level, uint64_t end)
{
	const struct page_table_format *format = walk->table->format;

	while (walk->done < end && walk->budget != 0) {
		uint64_t *entry = entry_of(entries, level, walk->done), *below;
		uint64_t from = walk->done, part = entry_end(from, end, level);
		status_t status;

		if (level_has_leaves(format, level) && part - walk->done == level_size(level) &&
		    IS_ALIGNED(walk->hpa, level_size(level))) {
			status = leaves_set(walk, entries, level, walk->done, end);
			if (status != STATUS_OK)
				return status;
			continue;
		}
		if (*entry != 0 && format->is_leaf(*entry, level))
			return STATUS_OVERLAP;
		below = *entry != 0 ? table_below(format, *entry, level) : table_alloc(walk->table);
		if (below == NULL)
			return STATUS_NO_MEMORY;
		status = range_map(walk, below, level - 1, part);
		/* A new table is linked when it is filled, so that walkers see all of it. */
		if (*entry == 0 && walk->done != from)
			entry_set(entry, format->table(kva_to_hpa(below)));
		else if (*entry == 0)
			table_unlink(walk->table, below);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

/* ---- unmap, protect ---- */

/* Clears leaves that follow each other with the addresses that they map, as most do, up to `end`. */
static uint64_t leaves_clear(struct walk *walk, uint64_t *entry, unsigned int level, uint64_t va,
			     uint64_t end)
{
	uint64_t count = MIN((end - va) >> level_shift(level), walk->budget);
	uint64_t leaf = *entry, step = level_size(level), *first = entry, *stop;

#pragma GCC unroll 4
	for (stop = entry + count; entry < stop; entry++, leaf += step) {
		if (unlikely(*entry != leaf))
			break;
		entry_set(entry, 0);
	}
	count = (uint64_t)(entry - first);
	walk->budget -= count;
	return va + count * step;
}

/* Of a table in which [va, end) has been cleared; the entries at both ends may have kept a part. */
static bool rest_is_empty(uint64_t *entries, unsigned int level, uint64_t va, uint64_t end)
{
	return entries_are_empty(entries, entry_of(entries, level, va) + 1) &&
	       entries_are_empty(entry_of(entries, level, end - 1), entries + ENTRIES);
}

/* Clears from va on, until `end`, or until the budget is used up: where it stopped. Nothing that is
 * mapped reaches across either end of the range. */
static uint64_t range_clear(struct walk *walk, uint64_t *entries, unsigned int level, uint64_t va,
			    uint64_t end)
{
	const struct page_table_format *format = walk->table->format;

	while (va < end && walk->budget != 0) {
		uint64_t *entry = entry_of(entries, level, va), *below, stop;
		uint64_t part = entry_end(va, end, level), old = *entry;

		if (old == 0) {
			walk->budget--;
			va = part;
			continue;
		}
		if (!entry_is_table(format, old, level)) {
			va = leaves_clear(walk, entry, level, va, end);
			continue;
		}
		below = table_below(format, old, level);
		stop = range_clear(walk, below, level - 1, va, part);
		if (stop != part)
			return stop;
		if (rest_is_empty(below, level - 1, va, part)) {
			entry_set(entry, 0);
			table_unlink(walk->table, below);
		}
		va = part;
	}
	return va;
}

typedef void leaf_function_t(void *context, uint64_t va, uint64_t size, uint32_t flags);

/* Calls a function for each leaf, or without one gives all leaves the walk's flags. */
static __cold void range_visit(struct walk *walk, uint64_t *entries, unsigned int level,
			       uint64_t va, uint64_t end, leaf_function_t *function, void *context)
{
	const struct page_table_format *format = walk->table->format;
	uint64_t *entry = entry_of(entries, level, va), size = level_size(level);

	for (; va < end; entry++) {
		uint64_t part = entry_end(va, end, level), old = *entry;

		if (entry_is_table(format, old, level)) {
			range_visit(walk, table_below(format, old, level), level - 1, va, part,
				    function, context);
			if (function == NULL)
				entry_merge(walk->table, entry, level);
		} else if (old != 0 && function != NULL) {
			function(context, ALIGN_DOWN(va, size), size, format->flags(old, level));
		} else if (old != 0) {
			entry_set(entry,
				  format->leaf(format->address(old, level), level, walk->flags));
		}
		va = part;
	}
}

/* ---- the interface ---- */

/* Checks a range and brings a sign-extended address down to the bits that are walked. */
static status_t range_decode(const struct page_table *table, uint64_t *va, uint64_t size)
{
	unsigned int bits = page_table_bits(table->format);

	if (!IS_ALIGNED(*va | size, PAGE_SIZE))
		return STATUS_MISALIGNED;
	if (table->format->sign_extended) {
		uint64_t half = BIT(bits - 1);

		if (*va >= half && *va < 0 - half)
			return STATUS_INVALID_ADDRESS;
		if (!range_within(*va & (half - 1), size, half))
			return STATUS_INVALID_ADDRESS;
		*va &= MASK(bits);
	}
	return range_within(*va, size, BIT(bits)) ? STATUS_OK : STATUS_INVALID_ADDRESS;
}

__cold status_t page_table_init(struct page_table *table, const struct page_table_format *format,
				struct heap *heap)
{
	uint64_t *root = page_alloc(heap, 0);

	if (root == NULL)
		return STATUS_NO_MEMORY;
	*table = (struct page_table){
		.format = format, .heap = heap, .root = kva_to_hpa(root), .table_pages = 1};
	return STATUS_OK;
}

__cold void page_table_destroy(struct page_table *table)
{
	tree_unlink(table, hpa_to_kva(table->root), table->format->levels);
	page_table_reap(table);
	table->root = 0;
}

status_t page_table_map_part(struct page_table *table, uint64_t va, hpa_t hpa, uint64_t size,
			     uint32_t flags, uint64_t budget, uint64_t *done)
{
	struct walk walk = {.table = table, .flags = flags, .hpa = hpa, .budget = budget};
	status_t status = range_decode(table, &va, size);

	*done = 0;
	if (status != STATUS_OK)
		return status;
	if (!IS_ALIGNED(hpa, PAGE_SIZE))
		return STATUS_MISALIGNED;
	walk.done = va;
	status = range_map(&walk, hpa_to_kva(table->root), table->format->levels, va + size);
	*done = walk.done - va;
	return status;
}

uint64_t page_table_unmap_part(struct page_table *table, uint64_t va, uint64_t size,
			       uint64_t budget)
{
	struct walk walk = {.table = table, .budget = budget};

	if (range_decode(table, &va, size) != STATUS_OK)
		return size; /* there can be nothing */
	return range_clear(&walk, hpa_to_kva(table->root), table->format->levels, va, va + size) -
	       va;
}

status_t page_table_map(struct page_table *table, uint64_t va, hpa_t hpa, uint64_t size,
			uint32_t flags)
{
	uint64_t *root = hpa_to_kva(table->root), done;
	unsigned int levels = table->format->levels;
	status_t status = page_table_map_part(table, va, hpa, size, flags, NO_LIMIT, &done);

	if (status != STATUS_OK) {
		(void)page_table_unmap_part(table, va, done, NO_LIMIT);
		return status;
	}
	if (table->keeps_edges || size == 0)
		return STATUS_OK;
	path_merge(table, root, levels, va);
	path_merge(table, root, levels, va + size - 1);
	return STATUS_OK;
}

/* The start of unmap and protect: what can fail. */
static __cold status_t range_isolate(struct page_table *table, uint64_t *va, uint64_t size)
{
	uint64_t *root = hpa_to_kva(table->root);
	status_t status = range_decode(table, va, size);

	if (status != STATUS_OK || size == 0)
		return status;
	if (path_split(table, *va) == STATUS_OK && path_split(table, *va + size) == STATUS_OK)
		return STATUS_OK;
	path_merge(table, root, table->format->levels, *va);
	path_merge(table, root, table->format->levels, *va + size - 1);
	return STATUS_NO_MEMORY;
}

__cold status_t page_table_unmap(struct page_table *table, uint64_t va, uint64_t size)
{
	struct walk walk = {.table = table, .budget = NO_LIMIT};
	status_t status = range_isolate(table, &va, size);

	if (status == STATUS_OK)
		(void)range_clear(&walk, hpa_to_kva(table->root), table->format->levels, va,
				  va + size);
	return status;
}

__cold status_t page_table_protect(struct page_table *table, uint64_t va, uint64_t size,
				   uint32_t flags)
{
	struct walk walk = {.table = table, .flags = flags};
	status_t status = range_isolate(table, &va, size);

	if (status == STATUS_OK && size != 0)
		range_visit(&walk, hpa_to_kva(table->root), table->format->levels, va, va + size,
			    NULL, NULL);
	return status;
}

__cold status_t page_table_replace(struct page_table *table, uint64_t va, hpa_t hpa, uint32_t flags)
{
	const struct page_table_format *format = table->format;
	uint64_t *entries = hpa_to_kva(table->root), *entry, page = va;
	status_t status = range_isolate(table, &page, PAGE_SIZE);
	unsigned int level = format->levels;

	if (status != STATUS_OK)
		return status;
	entry = entry_of(entries, level, page);
	for (; level > 1 && *entry != 0; entry = entry_of(entries, level, page)) {
		entries = table_below(format, *entry, level);
		level--;
	}
	if (level > 1)
		return page_table_map(table, va, hpa, PAGE_SIZE, flags);
	arch_table_entry_replace(entry, format->leaf(hpa, 1, flags));
	return STATUS_OK;
}

__cold void page_table_each_leaf(struct page_table *table, uint64_t va, uint64_t size,
				 void (*leaf)(void *context, uint64_t va, uint64_t size,
					      uint32_t flags),
				 void *context)
{
	struct walk walk = {.table = table};

	if (range_decode(table, &va, size) == STATUS_OK)
		range_visit(&walk, hpa_to_kva(table->root), table->format->levels, va, va + size,
			    leaf, context);
}

bool page_table_lookup(const struct page_table *table, uint64_t va, struct page_translation *out)
{
	const struct page_table_format *format = table->format;
	uint64_t page = ALIGN_DOWN(va, PAGE_SIZE), *entries = hpa_to_kva(table->root);

	*out = (struct page_translation){.page_size = PAGE_SIZE};
	if (range_decode(table, &page, PAGE_SIZE) != STATUS_OK)
		return false;
	for (unsigned int level = format->levels;; level--) {
		uint64_t entry = *entry_of(entries, level, page);

		out->page_size = level_size(level);
		if (entry == 0)
			return false;
		if (format->is_leaf(entry, level)) {
			out->hpa = format->address(entry, level) | (va & (level_size(level) - 1));
			out->flags = format->flags(entry, level);
			return true;
		}
		entries = table_below(format, entry, level);
	}
}

void *page_table_walk(const struct page_table *table, uint64_t va)
{
	const struct page_table_format *format = table->format;
	uint64_t address_bits = format->address_bits, leaf_bit = format->leaf_bit, entry;
	unsigned int shift = level_shift(format->levels);
	char *memory = hpa_to_kva(0); /* the direct map is one piece */
	hpa_t at = table->root;

	if (va >> shift >= ENTRIES)
		return NULL;
	for (;;) {
		_Atomic uint64_t *entries = (_Atomic uint64_t *)(memory + at);

		entry = atomic_load_explicit(&entries[va >> shift & (ENTRIES - 1)],
					     memory_order_acquire);
		if (entry == 0)
			return NULL;
		at = entry & address_bits;
		if (shift == PAGE_SHIFT || (entry & leaf_bit))
			return memory + (at & ~MASK(shift)) + (va & MASK(shift));
		shift -= PAGE_TABLE_LEVEL_BITS;
	}
}

void *page_table_unlinked_take(struct page_table *table)
{
	void *list = table->unlinked;

	table->unlinked = NULL;
	return list;
}

void page_table_reap(struct page_table *table)
{
	page_list_free(table->heap, page_table_unlinked_take(table));
}
