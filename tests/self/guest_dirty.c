/* SPDX-License-Identifier: MIT */
/* Which pages a guest has written: by large pages and by small ones, and by the kernel on its behalf. */
#include "guest.h"
#include <kernel/arch.h>
#include <kernel/string.h>

GUEST_CODE_DECLARE(scribble);

#define LARGE	  MIB(4) /* where a large page of the host's is shown; it is not written as a whole */
#define PAGES	  (LARGE_PAGE_SIZE / PAGE_SIZE)
#define RAM_PAGES (GUEST_RAM / PAGE_SIZE)

static uint64_t bits[PAGES / 64];

static bool is_dirty(uint64_t page)
{
	return bits[page / 64] & BIT(page % 64);
}

static uint64_t dirty_read(struct gpa_space *space, gpa_t gpa, uint64_t size, bool clear)
{
	uint64_t count = 0;
	unsigned int i;

	memset(bits, 0, sizeof(bits));
	if (gpa_dirty_get(space, gpa, size, clear, bits) != STATUS_OK)
		return UINT64_MAX;
	for (i = 0; i < ARRAY_SIZE(bits); i++)
		count += (uint64_t)__builtin_popcountll(bits[i]);
	return count;
}

/* The guest writes at two places, and reads at a third. */
static bool scribbles(struct test_guest *g, gpa_t first, gpa_t second, gpa_t read)
{
	g->vp->arch.gpr[GPR_RBX] = first;
	g->vp->arch.gpr[GPR_R12] = second;
	g->vp->arch.gpr[GPR_R13] = read;
	return guest_says(g, 1);
}

/* Besides what the guest means to write: its page tables, in which the processor may, or does always. */
static bool only(uint64_t first, uint64_t second)
{
	uint64_t page;

	for (page = 0; page < RAM_PAGES; page++) {
		bool tables = page >= GUEST_PAGE_TABLES / PAGE_SIZE &&
			      page < GUEST_PAGE_TABLES / PAGE_SIZE + 4;

		if (!tables && is_dirty(page) != (page == first || page == second))
			return false;
	}
	return true;
}

static bool small_pages(struct test_guest *g)
{
	struct gpa_space *space = partition_space(g->partition, 0);
	uint64_t word = 5;

	guest_start(g, scribble);
	if (!scribbles(g, 0x20000, 0x30000, 0x40000) || dirty_read(space, 0, GUEST_RAM, false) != 0)
		return false; /* nothing is tracked yet */
	if (gpa_dirty_start(space, 0, GUEST_RAM / 2) != STATUS_INVALID_ARGUMENT ||
	    gpa_dirty_start(space, 0, GUEST_RAM) != STATUS_OK)
		return false;
	if (dirty_read(space, 0, GUEST_RAM, true) != 0)
		return false;
	if (!scribbles(g, 0x20ff8, 0x30000, 0x40000) || !dirty_read(space, 0, GUEST_RAM, true) ||
	    !only(0x20, 0x30))
		return false;
	/* What was clean again is found again, though the processor knew the page as one to write. */
	if (!scribbles(g, 0x20000, 0x50000, 0x30000) || !dirty_read(space, 0, GUEST_RAM, false) ||
	    !only(0x20, 0x50) || !dirty_read(space, 0, GUEST_RAM, true) || !only(0x20, 0x50))
		return false;
	if (gpa_write(space, 0x60ffc, &word, sizeof(word)) != STATUS_OK ||
	    gpa_dirty_mark(space, 0x70000, PAGE_SIZE) != STATUS_OK)
		return false;
	if (dirty_read(space, 0x60000, 0x11000, true) != 3 || !is_dirty(0) || !is_dirty(1) ||
	    !is_dirty(0x10))
		return false;
	if (gpa_dirty_stop(space, 0, GUEST_RAM) != STATUS_OK ||
	    !scribbles(g, 0x20000, 0x50000, 0x30000))
		return false;
	return dirty_read(space, 0, GUEST_RAM, true) == 0 && *(uint64_t *)(g->ram + 0x20000) == 3;
}

/* Two pages that the test owns, seen in a large one; the rest of that is not touched. */
static bool large_page(struct test_guest *g)
{
	struct gpa_space *space = partition_space(g->partition, 0);
	uint64_t *own = page_alloc(&kernel_heap, 1), first, second;
	hpa_t base = ALIGN_DOWN(kva_to_hpa(own), LARGE_PAGE_SIZE);
	struct page_translation t;
	bool ok;

	first = (kva_to_hpa(own) - base) >> PAGE_SHIFT;
	second = first + 1;
	guest_start(g, scribble);
	ok = gpa_map(space, LARGE, base, LARGE_PAGE_SIZE, GPA_WRITABLE) == STATUS_OK &&
	     gpa_dirty_start(space, LARGE, LARGE_PAGE_SIZE) == STATUS_OK;
	ok = ok && page_table_lookup(&space->table, LARGE, &t) && t.page_size == LARGE_PAGE_SIZE;
	ok = ok && scribbles(g, LARGE + first * PAGE_SIZE, LARGE + second * PAGE_SIZE, LARGE);
	ok = ok && dirty_read(space, LARGE, LARGE_PAGE_SIZE, true) == 2 && is_dirty(first) &&
	     is_dirty(second);
	ok = ok && scribbles(g, LARGE + second * PAGE_SIZE, 0x20000, LARGE);
	ok = ok && dirty_read(space, LARGE, LARGE_PAGE_SIZE, true) == 1 && is_dirty(second);
	ok = ok && own[0] == 1 && own[PAGE_SIZE / 8] == 2;
	ok = ok && gpa_unmap(space, LARGE, LARGE_PAGE_SIZE) == STATUS_OK;
	page_free(&kernel_heap, own, 1);
	return ok;
}

#define DIRTY_TEST(function)                              \
	do {                                              \
		uint64_t before = kernel_heap.pages_free; \
		struct test_guest g;                      \
		bool ok;                                  \
                                                          \
		GUEST_SETUP(&g);                          \
		ok = function(&g);                        \
		guest_destroy(&g);                        \
		CHECK(ok);                                \
		CHECK(kernel_heap.pages_free == before);  \
	} while (0)

SELFTEST(dirty_small_pages)
{
	DIRTY_TEST(small_pages);
}

SELFTEST(dirty_large_page)
{
	DIRTY_TEST(large_page);
}
