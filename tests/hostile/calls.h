/* SPDX-License-Identifier: MIT */
/*
 * System calls at random: which call, and what each of its arguments is drawn from (the table of
 * shapes). Nothing here knows where a call goes to or where chance comes from: the root task that
 * calls the real kernel (random.c) and the fuzzer that calls a hosted one (tests/fuzz/fuzz_model.c)
 * say so, by the functions and the place below.
 *
 * Several callers, each on a thread of its own, share one handle table: each closes what the others
 * use.
 */
#ifndef HOSTILE_CALLS_H
#define HOSTILE_CALLS_H

#include <trivet/abi.h>

#define CALLER_WORDS 512u /* of a caller's buffer */
#define RECENT_MAX   64u
#define KEPT_MAX     4096u

/* One that calls. */
struct caller {
	uint64_t *buffer;   /* CALLER_WORDS words that calls read and write */
	uint64_t buffer_va; /* where the kernel finds them */
	uint64_t calls;	    /* so far */
	uint64_t vp;	    /* that it has bound last */
	uint32_t number;    /* the last */
	uint64_t a[6];
};

/* What there is to play with. */
struct call_place {
	uint8_t *arena; /* memory of the window, whole blocks of 2 MiB */
	uint64_t arena_va;
	uint64_t arena_size;	 /* the first quarter is never deposited */
	uint64_t thread_entry;	 /* of threads that end at once */
	uint32_t recent_handles; /* of each class, that are drawn from: up to RECENT_MAX */
	bool keeps_partitions;	 /* that have VPs: nobody else wakes those */
};

/* ---- given by who uses this ---- */

extern struct call_place call_place;

/* A number below the limit; of 64 bits, if that is 0. */
uint64_t draw_below(struct caller *caller, uint64_t limit);
/* Makes a call. */
status_t call_value(uint32_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
		    uint64_t a4, uint64_t a5, uint64_t *value);
uint64_t time_ns(void);

/* ---- calls.c ---- */

/* The same without the value. */
status_t call(uint32_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
	      uint64_t a5);

/* Makes one call, and notes the handle that comes of it. */
void call_one(struct caller *caller);
/* What chance does not bring together: a partition with memory at its reset vector and a VP that
 * is bound to this thread. Another caller may spoil each step. */
void call_partition_make(struct caller *caller);
/* What the calls read from memory: sometimes what they want, sometimes anything. */
void buffer_fill(struct caller *caller);
/* What guests find at the reset vector and at 0, in the part of the arena that is never deposited. */
void arena_fill(struct caller *caller);

/* The partitions whose VPs may have to be woken, by handles that nobody closes: numbers from 0, some
 * of which are none's and give HANDLE_NONE. */
uint64_t kept_partitions(void);
uint64_t kept_partition(uint64_t n);
/* All handles have been closed. */
void calls_forget(void);

#endif
