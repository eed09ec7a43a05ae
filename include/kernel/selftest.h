/* SPDX-License-Identifier: MIT */
/*
 * Self tests: functions that are linked into the kernel and run on its command line's
 * `selftest[=pattern]` instead of the root task. A test is one SELFTEST(name) { ... } anywhere in
 * tests/self; it runs on the boot CPU with all CPUs up, and ends by CHECKs that hold.
 */
#ifndef KERNEL_SELFTEST_H
#define KERNEL_SELFTEST_H

#include <trivet/types.h>

enum selftest_outcome { SELFTEST_OK, SELFTEST_FAILED, SELFTEST_SKIPPED };

struct selftest {
	const char *name;
	/* *reason is words when the outcome is not OK */
	enum selftest_outcome (*run)(const char **reason);
};

/* The body returns by CHECK and SKIP, or runs through. */
#define SELFTEST(test_name)                                                                        \
	static enum selftest_outcome selftest_##test_name(const char **reason);                    \
	static void selftest_body_##test_name(enum selftest_outcome *outcome,                      \
					      const char **reason);                                \
	static const struct selftest selftest_entry_##test_name                                    \
		__attribute__((used, section(".selftests." #test_name))) = {#test_name,            \
									    selftest_##test_name}; \
	static enum selftest_outcome selftest_##test_name(const char **reason)                     \
	{                                                                                          \
		enum selftest_outcome outcome = SELFTEST_OK;                                       \
                                                                                                   \
		selftest_body_##test_name(&outcome, reason);                                       \
		return outcome;                                                                    \
	}                                                                                          \
	static void selftest_body_##test_name(__unused enum selftest_outcome *outcome,             \
					      __unused const char **reason)

/* In the body only (it has `outcome` and `reason`). */
#define CHECK(condition)                                                    \
	do {                                                                \
		if (!(condition)) {                                         \
			*outcome = SELFTEST_FAILED;                         \
			*reason = SELFTEST_PLACE(__LINE__) ": " #condition; \
			return;                                             \
		}                                                           \
	} while (0)
#define SKIP(words)                          \
	do {                                 \
		*outcome = SELFTEST_SKIPPED; \
		*reason = (words);           \
		return;                      \
	} while (0)
#define SELFTEST_PLACE(line)   SELFTEST_PLACE_1(line)
#define SELFTEST_PLACE_1(line) __FILE__ ":" #line

/* Runs the tests in whose names the pattern is found (* stands for any text) in the order of their
 * names, and ends the machine: 0, or 14 when one failed or none matched. */
__noreturn void selftest_run(const char *pattern);

#endif
