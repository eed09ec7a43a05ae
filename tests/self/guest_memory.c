/* SPDX-License-Identifier: MIT */
/* Guest memory: ranges, translations that must not outlive them, and what a partition gives back. */
#include "guest.h"
#include <kernel/arch.h>
#include <kernel/memory.h>
#include <kernel/string.h>

GUEST_CODE_DECLARE(remap);
GUEST_CODE_DECLARE(peek);

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

#define LARGE_GPA  GIB(1)
#define LARGE_PTES (BIT(0) | BIT(1) | BIT(2) | BIT(7))

/* The guest's tables show it the second GiB as they do the first, by the fourth of their pages. */
static void second_gib_show(struct test_guest *g)
{
	uint64_t *pdpt = (uint64_t *)(g->ram + GUEST_PAGE_TABLES + PAGE_SIZE);
	uint64_t *directory = pdpt + 1024;
	unsigned int i;

	pdpt[1] = (GUEST_PAGE_TABLES + 3 * PAGE_SIZE) | (LARGE_PTES & ~BIT(7));
	for (i = 0; i < 512; i++)
		directory[i] = (LARGE_GPA + i * LARGE_PAGE_SIZE) | LARGE_PTES;
}

static bool reads(struct test_guest *g, gpa_t gpa, uint32_t value)
{
	g->vp->arch.gpr[GPR_RBX] = gpa;
	return guest_says(g, value);
}

static bool misses(struct test_guest *g, gpa_t gpa)
{
	g->vp->arch.gpr[GPR_RBX] = gpa;
	return guest_run(g) == VP_RUN_EMULATE && g->run->emulate.gpa == gpa;
}

static bool is_one_page(struct gpa_space *space, uint64_t size)
{
	struct page_translation t;

	return page_table_lookup(&space->table, LARGE_GPA, &t) && t.page_size == size;
}

/* A mapping by one large page that `word` is in: its parts don't go, it goes whole, and what lies
 * beside it stays. */
static bool large_page(struct test_guest *g, uint32_t *word, uint64_t size)
{
	struct gpa_space *space = partition_space(g->partition, 0);
	hpa_t base = ALIGN_DOWN(kva_to_hpa(word), size);
	gpa_t gpa = LARGE_GPA + (kva_to_hpa(word) - base);
	gpa_t beside = LARGE_GPA - LARGE_PAGE_SIZE;

	if (gpa_map(space, LARGE_GPA, base, size, 0) != STATUS_OK || !is_one_page(space, size))
		return false;
	if (gpa_map(space, beside, ALIGN_DOWN(kva_to_hpa(word), LARGE_PAGE_SIZE), LARGE_PAGE_SIZE,
		    0) != STATUS_OK)
		return false;
	beside += kva_to_hpa(word) & MASK(LARGE_PAGE_SHIFT);
	if (!reads(g, gpa, *word) || !reads(g, beside, *word))
		return false;
	if (gpa_unmap(space, LARGE_GPA, size / 2) != STATUS_INVALID_ARGUMENT ||
	    gpa_unmap(space, LARGE_GPA + size / 2, PAGE_SIZE) != STATUS_INVALID_ARGUMENT)
		return false;
	if (!is_one_page(space, size) || !reads(g, gpa, *word))
		return false;
	if (gpa_unmap(space, LARGE_GPA, size) != STATUS_OK || !misses(g, gpa))
		return false;
	return reads(g, beside, *word) &&
	       gpa_unmap(space, ALIGN_DOWN(beside, LARGE_PAGE_SIZE), LARGE_PAGE_SIZE) ==
		       STATUS_OK &&
	       misses(g, beside);
}

SELFTEST(memory_large_pages)
{
	uint8_t levels = backend ? backend->gpa_format->large_levels : 0;
	struct test_guest g;
	uint32_t *word;
	bool ok;

	GUEST_SETUP(&g);
	word = page_alloc(&kernel_heap, 0);
	GUEST_CHECK(&g, word);
	*word = 0x5eed;
	guest_start(&g, peek);
	second_gib_show(&g);
	ok = large_page(&g, word, LARGE_PAGE_SIZE);
	ok = ok && (!(levels & BIT(3)) || large_page(&g, word, GIB(1)));
	guest_destroy(&g);
	page_free(&kernel_heap, word, 0);
	CHECK(ok);
}
