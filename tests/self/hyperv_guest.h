/* SPDX-License-Identifier: MIT */
/* The guest that uses the Hyper-V interface as a test tells it (guest_hyperv.c). */
#ifndef TESTS_SELF_HYPERV_GUEST_H
#define TESTS_SELF_HYPERV_GUEST_H

#include "second.h"

/* Where its hypercall page goes, in a page of which all bytes are 0xa5; another such one; and what its calls
 * may use as parameters. */
#define HYPERV_PLACE  0x60000ull
#define HYPERV_OTHER  0x63000ull
#define HYPERV_INPUT  0x70000ull
#define HYPERV_OUTPUT 0x71000ull

/* It waits for the test. */
bool hyperv_guest_start(struct test_guest *g);
/* With a hypercall page. */
bool hyperv_guest_enable(struct test_guest *g);
/* The vector of the fault of a WRMSR, or 0. */
uint32_t hyperv_guest_writes(struct test_guest *g, uint32_t msr, uint64_t value);
uint32_t hyperv_guest_reads(struct test_guest *g, uint32_t msr, uint64_t *value);
/* The result of a hypercall. */
uint64_t hyperv_guest_calls(struct test_guest *g, uint64_t control, uint64_t input,
			    uint64_t output);
/* A test of a partition with one VP that has been started. */
void hyperv_guest_test(bool (*function)(struct test_guest *g), enum selftest_outcome *outcome,
		       const char **reason);

#endif
