/* SPDX-License-Identifier: MIT */
/*
 * How often a message that a guest can cause is given: a few times, then not until LOG_LIMIT_NS have
 * passed since the first of them. What was left out is counted, so that the next one can say so.
 */
#ifndef LIB_LOG_LIMIT_H
#define LIB_LOG_LIMIT_H

#include <trivet/types.h>

#define LOG_LIMIT_COUNT 5u
#define LOG_LIMIT_NS	10000000000ull

/* Zeroed memory is one that has let nothing pass yet. */
struct log_limit {
	uint64_t since_ns; /* when the first of `count` came */
	uint32_t count;	   /* that passed since */
	uint32_t left_out;
};

/* The cause of a message has come, at `now_ns`. True: it may be given. */
bool log_limit_pass(struct log_limit *limit, uint64_t now_ns);

/* How many were left out since this was asked last. */
uint32_t log_limit_left_out(struct log_limit *limit);

#endif
