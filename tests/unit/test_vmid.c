/* SPDX-License-Identifier: MIT */
/* VMIDs: drawn, kept, and used up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vmid.h"

void (*fake_relaxed)(void); /* of <arch/cpu.h>: nobody else holds the lock */

#define FIRST	1u
#define NUMBERS 255u /* of 8 bits, from FIRST */

static struct vmid_cpu cpus[2];
static struct guest_vmid guests[600];

static int setup(void **state)
{
	bool flush;

	(void)state;
	memset(cpus, 0, sizeof(cpus));
	memset(guests, 0, sizeof(guests));
	vmid_init(8, FIRST);
	vmid_cpu_add(&cpus[0]);
	vmid_cpu_add(&cpus[1]);
	/* Whatever the CPUs had before is dropped once. */
	assert_int_equal(vmid_get(&cpus[0], &guests[0], &flush), FIRST);
	assert_true(flush);
	assert_int_equal(vmid_get(&cpus[1], &guests[0], &flush), FIRST);
	assert_true(flush);
	return 0;
}

static void one_each(void **state)
{
	bool flush;

	(void)state;
	assert_int_equal(vmid_get(&cpus[0], &guests[1], &flush), FIRST + 1);
	assert_false(flush);
	assert_int_equal(vmid_get(&cpus[1], &guests[1], &flush), FIRST + 1);
	assert_int_equal(vmid_get(&cpus[0], &guests[0], &flush), FIRST);
	assert_int_equal(vmid_get(&cpus[0], &guests[0], &flush), FIRST);
	assert_false(flush);
}

/* What another CPU is at keeps its number over the end of a generation; all others draw anew, and each CPU drops
 * its translations before it runs any. */
static void used_up(void **state)
{
	unsigned int i;
	bool flush;

	(void)state;
	assert_int_equal(vmid_get(&cpus[1], &guests[7], &flush), FIRST + 1);
	for (i = 8; i < 8 + NUMBERS - 2; i++) {
		assert_int_equal(vmid_get(&cpus[0], &guests[i], &flush), FIRST + i - 6);
		assert_false(flush);
	}
	/* The last number is gone. CPU 0 was at the last guest, CPU 1 is at the guest 7. */
	assert_int_equal(vmid_get(&cpus[0], &guests[300], &flush), FIRST);
	assert_true(flush);
	assert_int_equal(vmid_get(&cpus[0], &guests[301], &flush), FIRST + 2); /* 1 is kept */
	assert_false(flush);
	assert_int_equal(vmid_get(&cpus[1], &guests[7], &flush), FIRST + 1);
	assert_true(flush);
	assert_int_equal(vmid_get(&cpus[1], &guests[7], &flush), FIRST + 1);
	assert_false(flush);
	/* One of the old generation has a number of the new one. */
	assert_int_equal(vmid_get(&cpus[0], &guests[0], &flush), FIRST + 3);
}

/* Over many generations no two guests that CPUs are at have the same. */
static void never_the_same(void **state)
{
	uint32_t a = 0, b;
	unsigned int i;
	bool flush;

	(void)state;
	for (i = 0; i < 5000; i++) {
		if (i % 97 == 0)
			a = vmid_get(&cpus[1], &guests[i % 11], &flush);
		b = vmid_get(&cpus[0], &guests[20 + i * 7 % 500], &flush);
		assert_in_range(b, FIRST, FIRST + NUMBERS - 1);
		assert_int_not_equal(a, b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_each, setup),
		cmocka_unit_test_setup(used_up, setup),
		cmocka_unit_test_setup(never_the_same, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
