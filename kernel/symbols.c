/* SPDX-License-Identifier: MIT */
/*
 * From an address to a function's name: a walk along the functions, then one along their names.
 * Walking costs a little time and saves an index, which nobody misses in a panic.
 */
#include <kernel/symbols.h>

/* linker.ld */
extern const char __text_start[], __text_end[];
extern const char __symbols_start[], __symbols_end[];

const char *symbol_table_find(const void *table, size_t size, uint32_t distance, uint32_t *offset)
{
	const uint16_t *words = table, *steps = words + 1;
	const char *name, *end = (const char *)table + size;
	uint32_t count, index, start = 0;

	if (size < sizeof(*words))
		return NULL;
	count = words[0];
	if (count > size / sizeof(*words) - 1)
		return NULL;
	for (index = 0; index < count && steps[index] <= distance - start; index++)
		start += steps[index];
	if (index == 0)
		return NULL;
	if (offset)
		*offset = distance - start;
	name = (const char *)(steps + count);
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
