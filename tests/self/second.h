/* SPDX-License-Identifier: MIT */
/*
 * Guests of two VPs on two CPUs: the test runs VP 0, a thread of the kernel's own runs VP 1 on the last CPU
 * as the system call does: it blocks while the VP is halted, and is woken by vp_request().
 */
#ifndef TESTS_SELF_SECOND_H
#define TESTS_SELF_SECOND_H

#include "guest.h"
#include <kernel/string.h>

#define PATIENCE_MS 5000u
/* Where VP 1 starts, in real mode, by a start-up message of vector 0x20. */
#define SECOND_CODE 0x20000u
#define second_code_set(guest, name)                     \
	memcpy((guest)->ram + SECOND_CODE, guest_##name, \
	       (size_t)(guest_##name##_end - guest_##name))

/* That runs on the last CPU; a test may put another one here while none runs there. */
extern struct vp *second_vp;

/* Its VMM has to act. */
extern _Atomic bool second_stopped;

/* Once, before anything else; false: out of memory. */
bool second_task_init(void);
/* The same as second_run() with a continuation of the test's own. */
struct thread;
bool second_run_by(void (*begin)(struct thread *thread));
/* Runs it there from here on, side by side with the caller, until its VMM has to act. */
bool second_run(void);
/* It has come back, within PATIENCE_MS. */
bool second_is_over(void);
/* And it was an OUT of `value`. */
bool second_says(uint32_t value);
bool second_is_blocked(void);
/* It leaves that CPU; it does not run. */
void second_unbind(void);

/* Makes a guest of two VPs for the function. False: it failed, or (*why) it cannot be tried here. */
bool second_test(bool (*function)(struct test_guest *g), const char **why);
/* The same with flags of enum proto_partition_flags. */
bool second_test_flags(bool (*function)(struct test_guest *g), uint32_t flags, const char **why);

/* All but the task's table, the first time. The thread that ran the VP ends a little after its VP's stop. */
bool second_memory_is_back(uint64_t pages_before);

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
