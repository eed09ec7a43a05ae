/* SPDX-License-Identifier: MIT */
/*
 * A fake machine with RAM and a kernel heap, for unit tests of what allocates. Includes cmocka.
 */
#ifndef TESTS_MACHINE_MEMORY_H
#define TESTS_MACHINE_MEMORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arch/fake.h>
#include <kernel/boot.h>
#include <kernel/memory.h>
#include <trivet/abi.h>

/* A heap of whole blocks, the first of which stands at `base` of the arena. */
static inline void test_heap_init(struct heap *heap, hpa_t base, unsigned int blocks)
{
	memset(heap, 0, sizeof(*heap));
	for (unsigned int i = 0; i < blocks; i++)
		heap_add_block(heap, base + i * LARGE_PAGE_SIZE);
}

/* A small generator, so that a failure repeats. */
static inline uint32_t test_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33);
}

#endif
