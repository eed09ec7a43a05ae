/* SPDX-License-Identifier: MIT */
/* What self tests that measure have in common. */
#ifndef TESTS_SELF_AARCH64_BENCH_H
#define TESTS_SELF_AARCH64_BENCH_H

#include <trivet/types.h>

#define BENCH_ROUNDS 1000u

/* One line for scripts/bench: the ticks of so many rounds, as instructions. limit: 0 for none. */
void bench_report(const char *name, uint64_t ticks, uint32_t limit);

#endif
