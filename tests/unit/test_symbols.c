/* SPDX-License-Identifier: MIT */
/*
 * The table of function names: what lies before, at, within and behind its entries, and tables
 * that are cut short.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <kernel/symbols.h>

/* What the linker defines in the kernel: here, code of which nothing is known. */
const char __text_start[1], __text_end[1], __symbols_start[1], __symbols_end[1];

static const struct {
	uint16_t count;
	uint16_t steps[3];
	char names[15];
} table = {3, {0x10, 0x10, 0x60}, "one\0second\0end"};

static const char *find(uint32_t distance, uint32_t *offset)
{
	return symbol_table_find(&table, sizeof(table), distance, offset);
}

static void test_finds_the_function_around_an_address(void **state)
{
	uint32_t offset = 0;

	(void)state;
	assert_string_equal(find(0x10, &offset), "one");
	assert_int_equal(offset, 0);
	assert_string_equal(find(0x1f, &offset), "one");
	assert_int_equal(offset, 0xf);
	assert_string_equal(find(0x20, NULL), "second");
	assert_string_equal(find(0x7f, NULL), "second");
	assert_string_equal(find(0xffffffff, &offset), "end");
	assert_int_equal(offset, 0xffffff7f);
}

static void test_before_the_first_there_is_none(void **state)
{
	(void)state;
	assert_null(find(0, NULL));
	assert_null(find(0xf, NULL));
}

static void test_a_short_table_gives_none(void **state)
{
	(void)state;
	for (size_t size = 0; size < offsetof(__typeof__(table), names); size++)
		assert_null(symbol_table_find(&table, size, 0x20, NULL));
	assert_null(symbol_table_find(&table, offsetof(__typeof__(table), names), 0x20, NULL));
}

static void test_outside_the_kernel_there_is_none(void **state)
{
	uint64_t offset;

	(void)state;
	assert_null(symbol_find(0, &offset));
	assert_null(symbol_find(UINT64_MAX, &offset));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_the_function_around_an_address),
		cmocka_unit_test(test_before_the_first_there_is_none),
		cmocka_unit_test(test_a_short_table_gives_none),
		cmocka_unit_test(test_outside_the_kernel_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
