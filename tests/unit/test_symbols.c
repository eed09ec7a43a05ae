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
	uint8_t pairs[128][2];
	char names[16];
} table = {
	3,
	{0x10, 0x10, 0x60},
	{{'o', 'n'}, {0x80, 'e'}, {0x82, 'x'} /* none: it would be of itself */},
	"\1\x81_more\4part\1x\x82",
};

static char found[SYMBOL_NAME_SIZE];

static const char *find(uint32_t distance, uint32_t *offset)
{
	uint32_t nowhere;

	return symbol_table_find(&table, sizeof(table), distance, found, offset ? offset : &nowhere)
		       ? found
		       : NULL;
}

static void test_finds_the_function_around_an_address(void **state)
{
	uint32_t offset = 0;

	(void)state;
	assert_string_equal(find(0x10, &offset), "one_more");
	assert_int_equal(offset, 0);
	assert_string_equal(find(0x1f, &offset), "one_more");
	assert_int_equal(offset, 0xf);
	assert_string_equal(find(0x20, NULL), "onepart");
	assert_string_equal(find(0x7f, NULL), "onepart");
	assert_string_equal(find(0xffffffff, &offset), "x");
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
	uint32_t offset;

	(void)state;
	for (size_t size = 0; size <= offsetof(__typeof__(table), names) + 7; size++)
		assert_false(symbol_table_find(&table, size, 0x20, found, &offset));
}

static void test_a_long_name_is_cut(void **state)
{
	struct {
		uint16_t count, steps[2];
		uint8_t pairs[256];
		char names[102];
	} long_table = {2, {0, 1}, {0}, ""};
	uint32_t offset;

	(void)state;
	memset(long_table.names, 'a', sizeof(long_table.names));
	long_table.names[0] = 1;
	assert_true(symbol_table_find(&long_table, sizeof(long_table), 0, found, &offset));
	assert_int_equal(strlen(found), SYMBOL_NAME_SIZE - 1);
	assert_false(symbol_table_find(&long_table, sizeof(long_table), 1, found, &offset));
}

static void test_outside_the_kernel_there_is_none(void **state)
{
	uint32_t offset;

	(void)state;
	assert_false(symbol_find(0, found, &offset));
	assert_false(symbol_find(UINT64_MAX, found, &offset));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_the_function_around_an_address),
		cmocka_unit_test(test_before_the_first_there_is_none),
		cmocka_unit_test(test_a_short_table_gives_none),
		cmocka_unit_test(test_a_long_name_is_cut),
		cmocka_unit_test(test_outside_the_kernel_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
