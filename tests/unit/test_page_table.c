/* SPDX-License-Identifier: MIT */
/*
 * The radix walker against a plain array of pages: random changes, also with a heap that runs out
 * of memory at every possible place.
 */
#include "machine_memory.h"

#include "../../arch/aarch64/page_formats.h"
#include "../../vmx/vmx.h"
#include <kernel/page_table.h>

/* The model covers two windows of pages around places where tables change. */
#define MODEL_PAGES 4096u /* 16 MiB */
#define MODEL_HALF  (MODEL_PAGES / 2 * PAGE_SIZE)
#define MODEL_BASE  (GIB(1) - MODEL_HALF)
/* Where a table of five levels goes from one entry of its root to the next. */
#define MODEL_BASE5 (BIT(48) - MODEL_HALF)

struct model_page {
	bool mapped;
	hpa_t hpa;
	uint32_t flags;
};

#define MODEL_HPA (GIB(5) - MODEL_HALF) /* aligned as both are */

static struct model_page model[MODEL_PAGES];
static uint64_t model_base;
static struct page_table_format five_levels;
static struct heap heap;
static struct page_table table;

static int setup_format(const struct page_table_format *format, uint64_t base)
{
	fake_ram_init(MIB(32));
	test_heap_init(&heap, MIB(2), 4);
	memset(model, 0, sizeof(model));
	model_base = base;
	return page_table_init(&table, format, &heap) == STATUS_OK ? 0 : -1;
}

static int setup(void **state)
{
	(void)state;
	return setup_format(&host_page_table_format, MODEL_BASE);
}

static int setup_five(void **state)
{
	(void)state;
	five_levels = host_page_table_format;
	five_levels.levels = 5;
	return setup_format(&five_levels, MODEL_BASE5);
}

/* AArch64's; the kernel's own needs room for four levels, stage 2 has 39 bits. */
extern const struct page_table_format el2_format, stage2_format;

static int setup_el2(void **state)
{
	(void)state;
	return setup_format(&el2_format, MODEL_BASE);
}

static int setup_stage2(void **state)
{
	(void)state;
	return setup_format(&stage2_format, MODEL_BASE);
}

static int setup_ept(void **state)
{
	(void)state;
	five_levels = ept_format;
	five_levels.levels = EPT_MOST_LEVELS;
	return setup_format(&five_levels, MODEL_BASE5);
}

static int teardown(void **state)
{
	(void)state;
	page_table_destroy(&table);
	assert_int_equal(heap.pages_free, 4 * 509);
	assert_int_equal(table.table_pages, 0);
	fake_ram_destroy();
	return 0;
}

static void model_check(void)
{
	for (unsigned int i = 0; i < MODEL_PAGES; i++) {
		struct page_translation t;
		bool mapped = page_table_lookup(&table, model_base + i * PAGE_SIZE + 5, &t);

		assert_int_equal(mapped, model[i].mapped);
		if (mapped) {
			assert_int_equal(t.hpa, model[i].hpa + 5);
			assert_int_equal(t.flags, model[i].flags);
		}
	}
}

static bool model_overlaps(unsigned int first, unsigned int count)
{
	for (unsigned int i = first; i < first + count; i++)
		if (model[i].mapped)
			return true;
	return false;
}

static void random_map(unsigned int first, unsigned int count, uint32_t flags, uint64_t skew)
{
	hpa_t hpa = MODEL_HPA + (first + skew) * PAGE_SIZE;
	status_t status = page_table_map(&table, model_base + first * PAGE_SIZE, hpa,
					 count * PAGE_SIZE, flags);

	if (model_overlaps(first, count)) {
		assert_true(status == STATUS_OVERLAP || status == STATUS_NO_MEMORY);
		return;
	}
	if (status != STATUS_OK) {
		assert_int_equal(status, STATUS_NO_MEMORY);
		return;
	}
	for (unsigned int i = 0; i < count; i++)
		model[first + i] = (struct model_page){true, hpa + i * PAGE_SIZE, flags};
}

static void random_change(uint64_t *seed)
{
	static const uint32_t flags[] = {PAGE_READ, PAGE_READ | PAGE_WRITE,
					 PAGE_READ | PAGE_USER | PAGE_EXECUTE};
	unsigned int unit = test_random(seed) % 2 ? 512 : 1 + test_random(seed) % 64;
	unsigned int first = test_random(seed) % (MODEL_PAGES / unit) * unit;
	unsigned int most = MIN(MODEL_PAGES - first, unit * 3);
	unsigned int count = 1 + test_random(seed) % most;
	uint32_t flag = flags[test_random(seed) % 3];

	if (unit == 512 && count >= 512)
		count = count / 512 * 512;
	switch (test_random(seed) % 4) {
	case 0:
	case 1: random_map(first, count, flag, test_random(seed) % 4 == 0); break;
	case 2:
		if (page_table_unmap(&table, model_base + first * PAGE_SIZE, count * PAGE_SIZE) ==
		    STATUS_OK)
			memset(&model[first], 0, count * sizeof(model[0]));
		break;
	case 3:
		if (page_table_protect(&table, model_base + first * PAGE_SIZE, count * PAGE_SIZE,
				       flag) == STATUS_OK)
			for (unsigned int i = first; i < first + count; i++)
				model[i].flags = flag;
		break;
	}
}

static void test_random_changes(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (unsigned int round = 0; round < 3000; round++) {
		random_change(&seed);
		page_table_reap(&table);
		if (round % 10 == 0)
			model_check();
	}
	assert_int_equal(page_table_unmap(&table, model_base, MODEL_PAGES * PAGE_SIZE), STATUS_OK);
	page_table_reap(&table);
	assert_int_equal(table.table_pages, 1);
	assert_int_equal(heap.pages_free, 4 * 509 - 1);
}

/* Leaves `count` free pages; the others are taken in a list. */
static void *pages_hoard(unsigned int count)
{
	void *list = NULL, *page;

	while (heap.pages_free > count && (page = page_alloc(&heap, 0)) != NULL)
		page_list_push(&list, page);
	return list;
}

static void test_no_memory(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (unsigned int round = 0; round < 2000; round++) {
		uint64_t tables = table.table_pages;
		void *list = pages_hoard(test_random(&seed) % 5);

		random_change(&seed);
		page_table_reap(&table);
		page_list_free(&heap, list);
		if (round % 10 == 0)
			model_check();
		assert_int_equal(heap.pages_free, 4 * 509 - table.table_pages);
		assert_true(table.table_pages <= tables + 4);
	}
}

static void test_large_pages(void **state)
{
	struct page_translation t;

	(void)state;
	assert_int_equal(page_table_map(&table, GIB(3), GIB(5), GIB(2), PAGE_READ), STATUS_OK);
	assert_int_equal(table.table_pages, 2);
	assert_true(page_table_lookup(&table, GIB(4) + 123, &t));
	assert_int_equal(t.page_size, GIB(1));
	assert_int_equal(t.hpa, GIB(6) + 123);
	/* A hole in the middle splits down to 4 KiB; filling it merges all the way back. */
	assert_int_equal(page_table_unmap(&table, GIB(4) + MIB(2), PAGE_SIZE), STATUS_OK);
	assert_int_equal(table.table_pages, 4);
	assert_false(page_table_lookup(&table, GIB(4) + MIB(2) + 7, &t));
	assert_int_equal(t.page_size, PAGE_SIZE);
	assert_int_equal(
		page_table_map(&table, GIB(4) + MIB(2), GIB(6) + MIB(2), PAGE_SIZE, PAGE_READ),
		STATUS_OK);
	page_table_reap(&table);
	assert_int_equal(table.table_pages, 2);
	assert_true(page_table_lookup(&table, GIB(4), &t));
	assert_int_equal(t.page_size, GIB(1));
	/* So does a protection that goes and comes. */
	assert_int_equal(page_table_protect(&table, GIB(4) + KIB(8), KIB(8), 0), STATUS_OK);
	assert_int_equal(table.table_pages, 4);
	assert_int_equal(page_table_protect(&table, GIB(4), MIB(2), PAGE_READ), STATUS_OK);
	page_table_reap(&table);
	assert_int_equal(table.table_pages, 2);
	/* A physical address that is not aligned gets smaller pages. */
	assert_int_equal(page_table_map(&table, GIB(8), MIB(2), GIB(1), PAGE_READ), STATUS_OK);
	assert_true(page_table_lookup(&table, GIB(8), &t));
	assert_int_equal(t.page_size, MIB(2));
	/* Unmapping whole tables gives them back. */
	assert_int_equal(page_table_unmap(&table, 0, GIB(512)), STATUS_OK);
	page_table_reap(&table);
	assert_int_equal(table.table_pages, 1);
}

/* Two mappings that would make one large page: each is unmapped without memory for a split. */
static void test_keeps_edges(void **state)
{
	void *page, *pages = NULL;
	struct page_translation t;

	(void)state;
	table.keeps_edges = true;
	assert_int_equal(page_table_map(&table, 0, MIB(2), MIB(1), PAGE_READ), STATUS_OK);
	assert_int_equal(page_table_map(&table, MIB(1), MIB(3), MIB(1), PAGE_READ), STATUS_OK);
	assert_true(page_table_lookup(&table, MIB(1), &t));
	assert_int_equal(t.page_size, PAGE_SIZE);
	while ((page = page_alloc(&heap, 0)) != NULL)
		page_list_push(&pages, page);
	assert_int_equal(page_table_unmap(&table, 0, MIB(1)), STATUS_OK);
	assert_false(page_table_lookup(&table, MIB(1) - 1, &t));
	assert_true(page_table_lookup(&table, MIB(1), &t));
	page_list_free(&heap, pages);
}

static void test_arguments(void **state)
{
	struct page_translation t;

	(void)state;
	assert_int_equal(page_table_map(&table, 1, 0, PAGE_SIZE, 0), STATUS_MISALIGNED);
	assert_int_equal(page_table_map(&table, 0, 1, PAGE_SIZE, 0), STATUS_MISALIGNED);
	assert_int_equal(page_table_map(&table, 0, 0, 1, 0), STATUS_MISALIGNED);
	assert_int_equal(page_table_map(&table, 0, 0, 0, 0), STATUS_OK);
	assert_int_equal(page_table_map(&table, BIT(48), 0, PAGE_SIZE, 0), STATUS_INVALID_ADDRESS);
	assert_int_equal(page_table_unmap(&table, BIT(48) - PAGE_SIZE, 2 * PAGE_SIZE),
			 STATUS_INVALID_ADDRESS);
	assert_int_equal(page_table_unmap(&table, ~PAGE_SIZE + 1, PAGE_SIZE),
			 STATUS_INVALID_ADDRESS);
	assert_int_equal(page_table_protect(&table, 0, ~PAGE_SIZE + 1, 0), STATUS_INVALID_ADDRESS);
	assert_false(page_table_lookup(&table, UINT64_MAX, &t));
	assert_int_equal(page_table_map(&table, BIT(48) - PAGE_SIZE, 0, PAGE_SIZE, PAGE_READ),
			 STATUS_OK);
	assert_int_equal(page_table_unmap(&table, 0, BIT(48)), STATUS_OK);
	page_table_reap(&table);
}

static void test_sign_extended(void **state)
{
	struct page_table_format format = host_page_table_format;
	struct page_translation t;

	(void)state;
	format.sign_extended = true;
	table.format = &format;
	assert_int_equal(page_table_map(&table, BIT(47), 0, PAGE_SIZE, PAGE_READ),
			 STATUS_INVALID_ADDRESS);
	assert_int_equal(page_table_map(&table, BIT(47) - PAGE_SIZE, 0, 2 * PAGE_SIZE, PAGE_READ),
			 STATUS_INVALID_ADDRESS);
	assert_int_equal(page_table_map(&table, ~PAGE_SIZE + 1, MIB(1), PAGE_SIZE, PAGE_READ),
			 STATUS_OK);
	assert_true(page_table_lookup(&table, UINT64_MAX, &t));
	assert_int_equal(t.hpa, MIB(1) + 0xfff);
	assert_false(page_table_lookup(&table, BIT(48) - 1, &t));
	assert_int_equal(page_table_unmap(&table, 0 - BIT(47), BIT(47)), STATUS_OK);
	page_table_reap(&table);
	assert_int_equal(table.table_pages, 1);
	table.format = &host_page_table_format;
}

/* Arm ARM D8.3: the descriptors, bit by bit. */
static void test_el2_entries(void **state)
{
	(void)state;
	/* a page; AF, inner shareable, AP[1], write-back */
	assert_int_equal(el2_format.leaf(0x123456789000, 1, PAGE_READ | PAGE_WRITE | PAGE_EXECUTE),
			 0x123456789743);
	/* a block that is only read: AP[2], XN */
	assert_int_equal(el2_format.leaf(0x40000000, 3, PAGE_READ), 0x00400000400007c1);
	/* device memory */
	assert_int_equal(el2_format.leaf(0x9000000, 1, PAGE_READ | PAGE_WRITE | PAGE_UNCACHED),
			 0x0040000009000447);
	assert_int_equal(el2_format.table(0x1000), 0x1003);
	assert_false(el2_format.present(0));
	assert_true(el2_format.is_leaf(0x701, 2));
	assert_false(el2_format.is_leaf(0x703, 2));
	assert_true(el2_format.is_leaf(0x703, 1));
}

static void test_stage2_entries(void **state)
{
	(void)state;
	/* AF, inner shareable, S2AP for both, MemAttr write-back */
	assert_int_equal(
		stage2_format.leaf(0x123456789000, 1, PAGE_READ | PAGE_WRITE | PAGE_EXECUTE),
		0x1234567897ff);
	assert_int_equal(stage2_format.leaf(0x40000000, 2, PAGE_READ), 0x004000004000077d);
	/* device, nGnRE */
	assert_int_equal(stage2_format.leaf(0x9000000, 1, PAGE_READ | PAGE_WRITE | PAGE_UNCACHED),
			 0x00400000090004c7);
	assert_int_equal(page_table_bits(&stage2_format), 39);
}

/* Every flag comes back, from leaves of every size. */
static void test_arm_flags(void **state)
{
	static const struct page_table_format *const formats[] = {&el2_format, &stage2_format};

	(void)state;
	for (uint32_t flags = 0; flags < 2 * PAGE_UNCACHED; flags++)
		for (unsigned int i = 0; i < 2 * 3; i++) {
			const struct page_table_format *format = formats[i % 2];
			uint64_t leaf = format->leaf(GIB(3), i / 2 + 1, flags | PAGE_READ);

			assert_int_equal(format->flags(leaf, i / 2 + 1), flags | PAGE_READ);
			assert_int_equal(format->address(leaf, i / 2 + 1), GIB(3));
			assert_true(format->is_leaf(leaf, i / 2 + 1));
			assert_true(leaf & format->leaf_bit);
		}
}

/* What walks without a lock sees what the walker has set. */
static void test_stage2_walk(void **state)
{
	(void)state;
	assert_int_equal(
		page_table_map(&table, GIB(2), GIB(1), GIB(1) + MIB(2) + PAGE_SIZE, PAGE_READ),
		STATUS_OK);
	assert_ptr_equal(page_table_walk(&table, GIB(2) + 5), (char *)hpa_to_kva(0) + GIB(1) + 5);
	assert_ptr_equal(page_table_walk(&table, GIB(3) + MIB(1)),
			 (char *)hpa_to_kva(0) + GIB(2) + MIB(1));
	assert_ptr_equal(page_table_walk(&table, GIB(3) + MIB(2) + 0xff8),
			 (char *)hpa_to_kva(0) + GIB(2) + MIB(2) + 0xff8);
	assert_null(page_table_walk(&table, GIB(2) - 1));
	assert_null(page_table_walk(&table, BIT(39)));
	assert_int_equal(page_table_unmap(&table, 0, BIT(39)), STATUS_OK);
	page_table_reap(&table);
}

/* Five levels translate 57 bits, of which a physical address has 52. */
static void test_five_levels(void **state)
{
	const uint64_t top = BIT(52);
	struct page_translation t;

	(void)state;
	assert_int_equal(page_table_bits(&five_levels), 57);
	assert_int_equal(page_table_map(&table, top - GIB(1), GIB(4), GIB(2), PAGE_READ),
			 STATUS_OK);
	/* The root, and levels 4 and 3 of both halves. */
	assert_int_equal(table.table_pages, 5);
	assert_true(page_table_lookup(&table, top + 123, &t));
	assert_int_equal(t.page_size, GIB(1));
	assert_int_equal(t.hpa, GIB(5) + 123);
	assert_false(page_table_lookup(&table, GIB(1) - 1, &t));
	assert_int_equal(t.page_size, BIT(48));
	/* A hole at the edge splits down to 4 KiB; filling it merges all the way back. */
	assert_int_equal(page_table_unmap(&table, top - PAGE_SIZE, PAGE_SIZE), STATUS_OK);
	assert_int_equal(table.table_pages, 7);
	assert_false(page_table_lookup(&table, top - 1, &t));
	assert_true(page_table_lookup(&table, top, &t));
	assert_int_equal(
		page_table_map(&table, top - PAGE_SIZE, GIB(5) - PAGE_SIZE, PAGE_SIZE, PAGE_READ),
		STATUS_OK);
	page_table_reap(&table);
	assert_int_equal(table.table_pages, 5);
	assert_int_equal(page_table_unmap(&table, top, GIB(1)), STATUS_OK);
	page_table_reap(&table);
	assert_int_equal(table.table_pages, 3);
	assert_int_equal(page_table_map(&table, BIT(57), 0, PAGE_SIZE, PAGE_READ),
			 STATUS_INVALID_ADDRESS);
	assert_int_equal(page_table_map(&table, BIT(57) - PAGE_SIZE, 0, PAGE_SIZE, PAGE_READ),
			 STATUS_OK);
	assert_int_equal(page_table_unmap(&table, 0, BIT(57)), STATUS_OK);
	page_table_reap(&table);
	assert_int_equal(table.table_pages, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_large_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keeps_edges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sign_extended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		{"test_random_changes_five_levels", test_random_changes, setup_five, teardown,
		 NULL},
		{"test_no_memory_five_levels", test_no_memory, setup_five, teardown, NULL},
		cmocka_unit_test_setup_teardown(test_five_levels, setup_five, teardown),
		cmocka_unit_test(test_el2_entries),
		cmocka_unit_test(test_stage2_entries),
		cmocka_unit_test(test_arm_flags),
		cmocka_unit_test_setup_teardown(test_stage2_walk, setup_stage2, teardown),
		{"test_random_changes_el2", test_random_changes, setup_el2, teardown, NULL},
		{"test_random_changes_stage2", test_random_changes, setup_stage2, teardown, NULL},
		{"test_no_memory_stage2", test_no_memory, setup_stage2, teardown, NULL},
		{"test_five_levels_ept", test_five_levels, setup_ept, teardown, NULL},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
