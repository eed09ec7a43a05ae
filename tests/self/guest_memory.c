/* SPDX-License-Identifier: MIT */
/* Guest memory: ranges, translations that must not outlive them, and what a partition gives back. */
#include "guest.h"
#include <kernel/arch.h>
#include <kernel/memory.h>
#include <kernel/string.h>

GUEST_CODE_DECLARE(remap);

#define REMAP_GPA 0x400000u

SELFTEST(memory_partition_gives_all_back)
{
	uint64_t before = kernel_heap.pages_free;
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_destroy(&g);
	CHECK(kernel_heap.pages_free == before);
}

SELFTEST(memory_no_stale_translation)
{
	struct test_guest g;
	struct gpa_space *space;
	uint32_t *first, *second;
	bool ok;

	GUEST_SETUP(&g);
	space = partition_space(g.partition, 0);
	first = page_alloc(&kernel_heap, 0);
	second = page_alloc(&kernel_heap, 0);
	GUEST_CHECK(&g, first && second);
	*first = 0x1111;
	*second = 0x2222;
	guest_start(&g, remap);
	ok = gpa_map(space, REMAP_GPA, kva_to_hpa(first), PAGE_SIZE, 0) == STATUS_OK;
	ok = ok && guest_says(&g, 0x1111);
	ok = ok && gpa_unmap(space, REMAP_GPA, PAGE_SIZE) == STATUS_OK;
	ok = ok && gpa_map(space, REMAP_GPA, kva_to_hpa(second), PAGE_SIZE, 0) == STATUS_OK;
	ok = ok && guest_says(&g, 0x2222);
	guest_destroy(&g);
	page_free(&kernel_heap, first, 0);
	page_free(&kernel_heap, second, 0);
	CHECK(ok);
}

SELFTEST(memory_map_refuses)
{
	struct test_guest g;
	struct gpa_space *space;
	hpa_t hpa;

	GUEST_SETUP(&g);
	space = partition_space(g.partition, 0);
	hpa = kva_to_hpa(g.ram);
	GUEST_CHECK(&g, gpa_map(space, 0, hpa, PAGE_SIZE, 0) == STATUS_OVERLAP);
	GUEST_CHECK(&g, gpa_map(space, 0x800, hpa, PAGE_SIZE, 0) == STATUS_MISALIGNED);
	GUEST_CHECK(&g, gpa_map(space, GUEST_RAM, hpa, 0, 0) == STATUS_INVALID_ARGUMENT);
	GUEST_CHECK(&g,
		    gpa_map(space, 0ull - PAGE_SIZE, hpa, PAGE_SIZE, 0) == STATUS_INVALID_ADDRESS);
	GUEST_CHECK(&g, gpa_unmap(space, PAGE_SIZE, PAGE_SIZE) == STATUS_INVALID_ARGUMENT);
	GUEST_CHECK(&g, gpa_unmap(space, GUEST_RAM, GUEST_RAM) == STATUS_OK);
	GUEST_CHECK(&g, gpa_unmap(space, 0, 2 * GUEST_RAM) == STATUS_OK);
	GUEST_CHECK(&g, !gpa_is_mapped(space, 0));
	guest_destroy(&g);
}
