/* SPDX-License-Identifier: MIT */
/*
 * From an address to a function's name: a binary search among the distances, then a walk along
 * the names. The walk costs a little time and saves an index, which nobody misses in a panic.
 */
#include <kernel/symbols.h>

/* linker.ld */
extern const char __text_start[], __text_end[];
extern const char __symbols_start[], __symbols_end[];

/* How many of the distances are at or below the one asked for. */
static uint32_t count_below(const uint32_t *distances, uint32_t count, uint32_t distance)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (distances[middle] <= distance)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const char *symbol_table_find(const void *table, size_t size, uint32_t distance, uint32_t *offset)
{
	const uint32_t *words = table;
	const char *name, *end = (const char *)table + size;
	uint32_t count, index;

	if (size < sizeof(*words))
		return NULL;
	count = words[0];
	if (count > size / sizeof(*words) - 1)
		return NULL;
	index = count_below(words + 1, count, distance);
	if (index == 0)
		return NULL;
	if (offset)
		*offset = distance - words[index];
	name = (const char *)(words + 1 + count);
	while (--index) {
		while (name < end && *name)
			name++;
		name++;
	}
	return name < end ? name : NULL;
}

const char *symbol_find(uint64_t address, uint64_t *offset)
{
	uint64_t start = (uint64_t)__text_start;
	uint32_t distance;
	const char *name;

	if (address < start || address >= (uint64_t)__text_end)
		return NULL;
	name = symbol_table_find(__symbols_start, (size_t)(__symbols_end - __symbols_start),
				 (uint32_t)(address - start), &distance);
	if (name && offset)
		*offset = distance;
	return name;
}
