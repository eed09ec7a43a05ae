/* SPDX-License-Identifier: MIT */
/*
 * The walker with this machine's own format.
 */
#include <kernel/arch.h>
#include <kernel/page_table.h>
#include <kernel/selftest.h>

#define BASE GIB(4)

SELFTEST(page_table_large_pages)
{
	/* Down to the table of 2 MiB pages. */
	uint64_t free = kernel_heap.pages_free, tables = host_page_table_format.levels - 1u;
	struct page_table table;
	struct page_translation t;

	CHECK(page_table_init(&table, &host_page_table_format, &kernel_heap) == STATUS_OK);
	/* One 2 MiB page off, so that 1 GiB pages don't fit. */
	CHECK(page_table_map(&table, BASE, MIB(2), GIB(1), PAGE_READ | PAGE_WRITE) == STATUS_OK);
	CHECK(table.table_pages == tables);
	CHECK(page_table_lookup(&table, BASE + MIB(5), &t));
	CHECK(t.hpa == MIB(7) && t.page_size == LARGE_PAGE_SIZE);
	CHECK(t.flags == (PAGE_READ | PAGE_WRITE));
	CHECK(page_table_map(&table, BASE + MIB(8), 0, PAGE_SIZE, PAGE_READ) == STATUS_OVERLAP);
	CHECK(page_table_protect(&table, BASE + PAGE_SIZE, PAGE_SIZE, PAGE_READ) == STATUS_OK);
	CHECK(table.table_pages == tables + 1);
	CHECK(page_table_lookup(&table, BASE + PAGE_SIZE, &t) && t.flags == PAGE_READ);
	CHECK(page_table_protect(&table, BASE, MIB(2), PAGE_READ | PAGE_WRITE) == STATUS_OK);
	CHECK(table.table_pages == tables);
	CHECK(page_table_unmap(&table, BASE, GIB(1)) == STATUS_OK);
	CHECK(table.table_pages == 1);
	page_table_destroy(&table);
	CHECK(kernel_heap.pages_free == free);
}

SELFTEST(page_table_flags)
{
	static const uint32_t flags[] = {
		PAGE_READ,
		PAGE_READ | PAGE_WRITE,
		PAGE_READ | PAGE_EXECUTE,
		PAGE_READ | PAGE_USER,
		PAGE_READ | PAGE_WRITE | PAGE_UNCACHED,
	};
	struct page_table table;
	struct page_translation t;

	CHECK(page_table_init(&table, &host_page_table_format, &kernel_heap) == STATUS_OK);
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		CHECK(page_table_map(&table, BASE, MIB(4), MIB(2) + PAGE_SIZE, flags[i]) ==
		      STATUS_OK);
		CHECK(page_table_lookup(&table, BASE, &t) && t.flags == flags[i]);
		CHECK(page_table_lookup(&table, BASE + MIB(2), &t) && t.flags == flags[i]);
		CHECK(page_table_unmap(&table, BASE, MIB(2) + PAGE_SIZE) == STATUS_OK);
		page_table_reap(&table);
	}
	page_table_destroy(&table);
}
