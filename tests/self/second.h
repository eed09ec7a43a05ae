/* SPDX-License-Identifier: MIT */
/*
 * Guests of two VPs on two CPUs: the test runs VP 0, second_thread.h's thread VP 1.
 */
#ifndef TESTS_SELF_SECOND_H
#define TESTS_SELF_SECOND_H

#include "guest.h"
#include "second_thread.h"
#include <kernel/string.h>

/* Where VP 1 starts, in real mode, by a start-up message of vector 0x20. */
#define SECOND_CODE 0x20000u
#define second_code_set(guest, name)                     \
	memcpy((guest)->ram + SECOND_CODE, guest_##name, \
	       (size_t)(guest_##name##_end - guest_##name))

/* It has come back, within PATIENCE_MS, by an OUT of `value`. */
bool second_says(uint32_t value);
bool second_is_blocked(void);

/* Makes a guest of two VPs for the function. False: it failed, or (*why) it cannot be tried here. */
bool second_test(bool (*function)(struct test_guest *g), const char **why);
/* The same with flags of enum proto_partition_flags. */
bool second_test_flags(bool (*function)(struct test_guest *g), uint32_t flags, const char **why);

#define SECOND_TEST(function)                             \
	do {                                              \
		uint64_t before = kernel_heap.pages_free; \
		const char *why;                          \
		bool ok = second_test(function, &why);    \
                                                          \
		if (why)                                  \
			SKIP(why);                        \
		CHECK(ok);                                \
		CHECK(second_memory_is_back(before));     \
	} while (0)

#endif
