/* SPDX-License-Identifier: MIT */
/* Sets of VPs: what a hypercall's header can say, and who is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <kernel/vp_set.h>

#define MANY 5000u

static struct {
	struct hv_vp_set set;
	uint64_t banks[HV_VP_SET_BANKS];
} input;

static uint32_t members(const struct vp_set *set, uint32_t count, uint32_t *last)
{
	uint32_t i, n = 0;

	for (i = vp_set_next(set, 0, count); i < count; i = vp_set_next(set, i + 1, count)) {
		*last = i;
		n++;
	}
	assert_int_equal(i, count);
	return n;
}

static void test_mask(void **state)
{
	const uint64_t mask = BIT(0) | BIT(5) | BIT(63);
	const struct vp_set set = vp_set_of_mask(&mask);
	uint32_t last;

	(void)state;
	assert_int_equal(vp_set_next(&set, 0, 64), 0);
	assert_int_equal(vp_set_next(&set, 1, 64), 5);
	assert_int_equal(vp_set_next(&set, 6, 64), 63);
	assert_int_equal(vp_set_next(&set, 6, 10), 10);
	assert_int_equal(vp_set_next(&set, 64, MANY), MANY);
	assert_int_equal(vp_set_next(&set, 0, 0), 0);
	assert_int_equal(members(&set, MANY, &last), 3);
	assert_int_equal(last, 63);
}

/* The example of the specification: { 0, 5, 130 }. */
static void test_sparse(void **state)
{
	struct vp_set set;
	uint32_t last;

	(void)state;
	input.set = (struct hv_vp_set){.format = HV_VP_SET_SPARSE, .valid_banks = 5};
	input.banks[0] = 0x21;
	input.banks[1] = 0x04;
	assert_true(vp_set_decode(&input.set, 2, &set));
	assert_int_equal(vp_set_next(&set, 0, 200), 0);
	assert_int_equal(vp_set_next(&set, 1, 200), 5);
	assert_int_equal(vp_set_next(&set, 6, 200), 130);
	assert_int_equal(members(&set, 200, &last), 3);
	assert_int_equal(members(&set, 130, &last), 2);
	/* no bank, and banks without anybody */
	input.set.valid_banks = 0;
	assert_true(vp_set_decode(&input.set, 0, &set));
	assert_int_equal(members(&set, MANY, &last), 0);
	input.set.valid_banks = BIT(63);
	input.banks[0] = 0;
	assert_true(vp_set_decode(&input.set, 1, &set));
	assert_int_equal(members(&set, MANY, &last), 0);
}

static void test_hundreds(void **state)
{
	struct vp_set set;
	uint32_t last = 0;

	(void)state;
	input.set = (struct hv_vp_set){.valid_banks = UINT64_MAX};
	memset(input.banks, 0xff, sizeof(input.banks));
	assert_true(vp_set_decode(&input.set, HV_VP_SET_BANKS, &set));
	assert_int_equal(members(&set, 700, &last), 700);
	/* beyond the banks is nobody */
	assert_int_equal(members(&set, MANY, &last), HV_VP_SET_VPS);
	assert_int_equal(last, HV_VP_SET_VPS - 1);
	memset(input.banks, 0, sizeof(input.banks));
	input.banks[10] = BIT(63);
	assert_int_equal(members(&set, 704, &last), 1);
	assert_int_equal(last, 703);
	assert_int_equal(members(&set, 703, &last), 0);
}

static void test_wrong(void **state)
{
	struct vp_set set;

	(void)state;
	input.set = (struct hv_vp_set){.valid_banks = 7};
	assert_false(vp_set_decode(&input.set, 0, &set));
	assert_false(vp_set_decode(&input.set, 2, &set));
	assert_false(vp_set_decode(&input.set, 4, &set));
	assert_true(vp_set_decode(&input.set, 3, &set));
	input.set.format = 2;
	assert_false(vp_set_decode(&input.set, 3, &set));
	input.set.format = UINT64_MAX;
	assert_false(vp_set_decode(&input.set, 3, &set));
}

static void test_all(void **state)
{
	struct vp_set set;
	uint32_t last;

	(void)state;
	input.set = (struct hv_vp_set){.format = HV_VP_SET_ALL, .valid_banks = 7};
	assert_true(vp_set_decode(&input.set, 0, &set));
	assert_int_equal(members(&set, MANY, &last), MANY);
	assert_int_equal(members(&set, 1, &last), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mask),	 cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_hundreds), cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
