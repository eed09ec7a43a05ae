/* SPDX-License-Identifier: MIT */
/* Guests of two VPs: the test runs VP 0, a thread of the kernel's own runs VP 1 on the last CPU. */
#ifndef TESTS_SELF_SECOND_H
#define TESTS_SELF_SECOND_H

#include "guest.h"
#include <kernel/string.h>

/* Where VP 1 starts, in real mode, by a start-up message of vector 0x20. */
#define SECOND_CODE 0x20000u
#define second_code_set(guest, name)                     \
	memcpy((guest)->ram + SECOND_CODE, guest_##name, \
	       (size_t)(guest_##name##_end - guest_##name))

extern struct vp *second_vp;

/* Runs VP 1 from here on, side by side with the caller, until the VMM, that is the test, has to act. */
bool second_run(void);
/* It comes to that soon, by an OUT of the value. */
bool second_says(uint32_t value);
/* It halts soon. */
bool second_is_blocked(void);
/* For cpu_call() on the last CPU: nothing of the VP stays there. */
void second_leave(void *vp);

/* Gives the function a guest. False: it failed, or (*why) cannot run here. */
bool two_vps(bool (*function)(struct test_guest *g), const char **why);

#define SECOND_TEST(function)                                         \
	do {                                                          \
		uint64_t before = kernel_heap.pages_free;             \
		const char *why;                                      \
		bool ok = two_vps(function, &why);                    \
                                                                      \
		if (why)                                              \
			SKIP(why);                                    \
		CHECK(ok);                                            \
		CHECK(kernel_heap.pages_free + 1 >=                   \
		      before); /* the task's table, the first time */ \
	} while (0)

#endif
