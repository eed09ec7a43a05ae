/* SPDX-License-Identifier: MIT */
/* Isolation types, from and to their Hyper-V numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <trivet/isolation.h>

static void test_types(void **state)
{
	static const struct {
		enum isolation_type type;
		uint32_t number;
		bool isolated, hardware;
	} rows[] = {
		{ISOLATION_NONE, 0, false, false},
		{ISOLATION_VBS, 1, true, false},
		{ISOLATION_SNP, 2, true, true},
		{ISOLATION_TDX, 3, true, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum isolation_type type = ISOLATION_TDX + 1;

		assert_int_equal(isolation_from_hv(rows[i].number, &type), STATUS_OK);
		assert_int_equal(type, rows[i].type);
		assert_int_equal(isolation_to_hv(type), rows[i].number);
		assert_int_equal(is_isolated(type), rows[i].isolated);
		assert_int_equal(is_hardware_isolated(type), rows[i].hardware);
	}
}

static void test_unknown_numbers(void **state)
{
	static const uint32_t numbers[] = {4, 5, 16, INT32_MAX, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		enum isolation_type type = ISOLATION_VBS;

		assert_int_equal(isolation_from_hv(numbers[i], &type), STATUS_INVALID_ARGUMENT);
		assert_int_equal(type, ISOLATION_VBS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_unknown_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
