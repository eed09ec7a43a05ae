/* SPDX-License-Identifier: MIT */
/* MTRRs and PAT: what a processor takes and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <mtrr.h>

static struct guest_mtrr mtrr;

static bool wr(uint32_t msr, uint64_t value)
{
	return guest_mtrr_write(&mtrr, 40, msr, value);
}

static uint64_t rd(uint32_t msr)
{
	uint64_t value = 0;

	assert_true(guest_mtrr_read(&mtrr, msr, &value));
	return value;
}

static void test_registers(void **state)
{
	static const uint16_t fixed[] = {0x250, 0x258, 0x259, 0x268, 0x26f};
	uint64_t value;
	size_t i;

	(void)state;
	guest_mtrr_reset(&mtrr);
	assert_int_equal(rd(0xfe), 0x508);
	assert_false(wr(0xfe, 0x508));
	assert_true(wr(0x2ff, 0xc06));
	assert_int_equal(rd(0x2ff), 0xc06);
	assert_false(wr(0x2ff, 0xc02) || wr(0x2ff, 0x1000) || wr(0x2ff, 0x100));
	for (i = 0; i < ARRAY_SIZE(fixed); i++) {
		assert_true(wr(fixed[i], 0x0605040100060606ull));
		assert_int_equal(rd(fixed[i]), 0x0605040100060606ull);
		assert_false(wr(fixed[i], 0x0705040100060606ull));
		assert_false(wr(fixed[i], 2));
	}
	for (i = 0; i < MTRR_VARIABLE_COUNT; i++) {
		assert_true(wr((uint32_t)(0x200 + 2 * i), 0xff80000000ull + 6));
		assert_true(wr((uint32_t)(0x201 + 2 * i), 0xff80000800ull));
		assert_int_equal(rd((uint32_t)(0x200 + 2 * i)), 0xff80000006ull);
		assert_int_equal(rd((uint32_t)(0x201 + 2 * i)), 0xff80000800ull);
	}
	assert_false(wr(0x200, BIT(40) | 6) || wr(0x201, BIT(40)) || wr(0x200, 0x103));
	assert_false(wr(0x201, 0x400) || wr(0x200, 7));
	assert_false(wr(0x210, 0) || wr(0x251, 0) || guest_mtrr_read(&mtrr, 0x210, &value));
}

static void test_pat(void **state)
{
	(void)state;
	assert_true(pat_valid(PAT_RESET) && pat_valid(0x0706050401000000ull));
	assert_false(pat_valid(2) || pat_valid(3ull << 56) || pat_valid(0x800));
	assert_false(mtrr_type_valid(7) || mtrr_type_valid(255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_pat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
