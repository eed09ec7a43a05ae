/* SPDX-License-Identifier: MIT */
/*
 * Measurements that the root task makes when the kernel's command line has the word `bench`; they
 * do nothing without it. They print lines of the form `bench: NAME: NUMBER UNIT (limit NUMBER)`.
 */
#ifndef ROOT_BENCH_H
#define ROOT_BENCH_H

#include <bench_stamp.h>
#include <trivet/abi.h>

/* Before the first machine starts: system calls and mappings, which need 1 GiB for a moment. */
void bench_start(void);
/* When all is over: what memory the kernel and the partitions use. */
void bench_end(void);

/* ---- for the files that measure ---- */

/* One line: what has passed since the stamp `from`, for each of the rounds. limit: 0 for none. */
void bench_report(const char *name, uint64_t from, uint64_t rounds, uint64_t limit);

/* ---- bench_vp.c of the architecture ---- */

/* What only it measures; ends with NULL. */
extern void (*const bench_more[])(void);
/* A partition of no special kind, of one VP. */
extern const struct proto_partition_config bench_proto;
/* What a guest can ring, without the event; ends with one of no length. */
extern const struct doorbell_config bench_doorbells[];

#endif
