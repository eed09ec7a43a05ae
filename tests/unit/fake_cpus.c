/* SPDX-License-Identifier: MIT */
/*
 * The list of CPUs, for tests that link the fake machine without kernel/cpu.c.
 */
#include <kernel/cpu.h>

struct cpu **cpus;
uint32_t cpu_count;
