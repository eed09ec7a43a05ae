/* SPDX-License-Identifier: MIT */
/* The list of memory ranges against a plain array of pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <arch/machine.h>

#define PAGES 200u

static struct memory_list list;
static uint32_t model[PAGES];

static int setup(void **state)
{
	(void)state;
	memset(&list, 0, sizeof(list));
	memset(model, 0, sizeof(model));
	return 0;
}

/* Sorted, nothing empty, no overlap, no neighbours that could be one; and it says what the model says. */
static void check(void)
{
	uint32_t page = 0;

	for (uint32_t i = 0; i < list.count; i++) {
		const struct memory_range *r = &list.range[i];

		assert_true(r->size && r->kind);
		for (; page < r->base / PAGE_SIZE; page++)
			assert_int_equal(model[page], 0);
		assert_int_equal(page, r->base / PAGE_SIZE);
		for (; page < (r->base + r->size) / PAGE_SIZE; page++)
			assert_int_equal(model[page], r->kind);
		if (i)
			assert_false(r[-1].kind == r->kind && r[-1].base + r[-1].size == r->base);
	}
	for (; page < PAGES; page++)
		assert_int_equal(model[page], 0);
}

static void set(uint32_t first, uint32_t count, uint32_t kind)
{
	if (memory_list_set(&list, first * PAGE_SIZE, count * PAGE_SIZE, kind) != STATUS_OK)
		return;
	for (uint32_t i = first; i < first + count; i++)
		model[i] = kind;
}

static void test_pieces(void **state)
{
	(void)state;
	set(10, 100, MEMORY_RAM);
	set(20, 10, MEMORY_RESERVED);
	check();
	assert_int_equal(list.count, 3);
	assert_true(memory_list_has(&list, 10 * PAGE_SIZE, 10 * PAGE_SIZE, MEMORY_RAM));
	assert_false(memory_list_has(&list, 10 * PAGE_SIZE, 11 * PAGE_SIZE, MEMORY_RAM));
	assert_false(memory_list_has(&list, 25 * PAGE_SIZE, PAGE_SIZE, MEMORY_RAM));
	assert_false(memory_list_has(&list, 5 * PAGE_SIZE, PAGE_SIZE, MEMORY_RAM));
	set(20, 10, MEMORY_RAM);
	assert_int_equal(list.count, 1);
	set(0, 20, MEMORY_ACPI);
	set(100, 20, 0);
	check();
	assert_int_equal(list.count, 2);
}

static void test_random(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (uint32_t round = 0; round < 20000; round++) {
		uint32_t first, count;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		first = (uint32_t)(seed >> 40) % PAGES;
		count = (uint32_t)(seed >> 33) % MIN(PAGES - first + 1, 30u);
		set(first, count, (uint32_t)(seed >> 60) % 4);
		check();
	}
}

static void test_full(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MEMORY_RANGE_MAX - 1; i++)
		assert_int_equal(memory_list_set(&list, i * 2 * PAGE_SIZE, PAGE_SIZE, MEMORY_RAM),
				 STATUS_OK);
	assert_int_equal(memory_list_set(&list, GIB(1), PAGE_SIZE, MEMORY_RAM), STATUS_TOO_LARGE);
	assert_int_equal(list.count, MEMORY_RANGE_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pieces, setup),
		cmocka_unit_test_setup(test_random, setup),
		cmocka_unit_test_setup(test_full, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
