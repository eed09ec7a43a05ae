/* SPDX-License-Identifier: MIT */
/*
 * From an address to a function's name: a walk along the functions, then one along their names, each of
 * which begins as the one before. Walking costs a little time and saves an index and the letters, which
 * nobody misses in a panic.
 */
#include <kernel/symbols.h>

/* linker.ld */
extern const char __text_start[], __text_end[];
extern const char __symbols_start[], __symbols_end[];

#define PAIR_FIRST 0x80u
#define PAIRS_SIZE 256u
#define DEPTH	   16u /* of pairs within pairs */

/* Puts what a byte stands for behind the name. */
static uint32_t byte_put(char name[SYMBOL_NAME_SIZE], uint32_t length, uint8_t byte,
			 const uint8_t *pairs)
{
	uint8_t stack[DEPTH] = {byte};
	uint32_t depth = 1;

	while (depth) { /* ends: a pair is of bytes below its own, or is left out */
		byte = stack[--depth];
		if (byte < PAIR_FIRST) {
			if (length < SYMBOL_NAME_SIZE - 1)
				name[length++] = (char)byte;
			continue;
		}
		const uint8_t *pair = pairs + 2 * (byte - PAIR_FIRST);

		if (pair[0] < byte && pair[1] < byte && depth + 2 <= DEPTH) {
			stack[depth++] = pair[1];
			stack[depth++] = pair[0];
		}
	}
	return length;
}

/* The names up to number `index`, each over the one before. False: the table ends before. */
static bool name_read(const uint8_t *pairs, const uint8_t *end, uint32_t index,
		      char name[SYMBOL_NAME_SIZE])
{
	const uint8_t *at = pairs + PAIRS_SIZE;
	uint32_t length = 0;

	if (pairs > end - PAIRS_SIZE)
		return false;

	do {
		if (at >= end || !*at || *at >= SYMBOL_NAME_FIRST)
			return false;
		length = MIN(length, *at - 1u);
		at++;
		while (at < end && *at >= SYMBOL_NAME_FIRST)
			length = byte_put(name, length, *at++, pairs);
	} while (index--);
	name[length] = '\0';
	return true;
}

bool symbol_table_find(const void *table, size_t size, uint32_t distance,
		       char name[SYMBOL_NAME_SIZE], uint32_t *offset)
{
	const uint16_t *words = table, *steps = words + 1;
	uint32_t count, index, start = 0;

	if (size < sizeof(*words))
		return false;
	count = words[0];
	if (count > size / sizeof(*words) - 1)
		return false;
	for (index = 0; index < count && steps[index] <= distance - start; index++)
		start += steps[index];
	if (index == 0)
		return false;
	*offset = distance - start;
	return name_read((const uint8_t *)(steps + count), (const uint8_t *)table + size, index - 1,
			 name);
}

bool symbol_find(uint64_t address, char name[SYMBOL_NAME_SIZE], uint32_t *offset)
{
	uint64_t start = (uint64_t)__text_start;

	if (address < start || address >= (uint64_t)__text_end)
		return false;
	return symbol_table_find(__symbols_start, (size_t)(__symbols_end - __symbols_start),
				 (uint32_t)(address - start), name, offset);
}
