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

/* ---- bench_vp.c ---- */

/* A VP that runs on another CPU. */
void bench_vps(void);

/* ---- bench_guest.c of the architecture ---- */

/* A partition of no special kind, of one VP. */
extern const struct proto_partition_config bench_proto;
/* What a guest can ring, without the event; ends with one of no length. */
extern const struct doorbell_config bench_doorbells[];

/* A guest that spins, and how it is interrupted: as partition_request_msi() takes it. */
extern const struct bench_message {
	uint64_t address;
	uint32_t data;
} bench_message;
/* In its memory: two counts, of the beginnings of its handler (and one when it is ready), and of its ends. */
#define BENCH_COUNT	 0x800u
#define BENCH_GUEST_SIZE KIB(64)
/* Puts it into its memory, which is from 0 on, and all zero. */
void bench_guest_load(uint8_t *memory);
/* Its registers, by the thread to which the VP is bound. */
status_t bench_guest_start(handle_t vp);

#endif
