/* SPDX-License-Identifier: MIT */
/*
 * What lies where in guest RAM while a kernel is being loaded. Everything that a loader puts
 * there is claimed first: a claim lies in usable RAM of the memory map and overlaps no other.
 * So no loader needs its own checks against the others' things, the firmware's or each other.
 */
#ifndef LOADER_PLACEMENT_H
#define LOADER_PLACEMENT_H

#include <loader/loader.h>

struct placement_claim {
	gpa_t gpa;
	uint64_t size;
	const char *what; /* for messages; not copied */
};

struct placement {
	const struct load_request *request;
	struct load_error *error; /* where every function here reports */
	struct placement_claim *claims;
	size_t count, capacity;
};

/* Nothing is claimed yet. placement_close() frees what was allocated. */
void placement_open(struct placement *placement, const struct load_request *request,
		    struct load_error *error);
void placement_close(struct placement *placement);

/* Claims a fixed place. Size 0 is always granted. OUT_OF_RAM, OVERLAP or NO_MEMORY. */
enum load_result placement_claim(struct placement *placement, gpa_t gpa, uint64_t size,
				 const char *what) __must_check;

/* What a free place must look like. */
struct placement_wish {
	uint64_t size;	    /* bytes, > 0 */
	uint64_t alignment; /* a power of two */
	gpa_t lowest;	    /* first byte at or above this */
	gpa_t limit;	    /* last byte below this */
	bool high;	    /* the highest such place; otherwise the lowest */
	const char *what;
};

/* Finds a free place, claims it and puts it into *gpa. OUT_OF_RAM or NO_MEMORY. */
enum load_result placement_find(struct placement *placement, const struct placement_wish *wish,
				gpa_t *gpa) __must_check;

/*
 * Fills *error: the name of the kernel file, then the message in printf's manner. Answers
 * result, so that a check can end with `return load_fail(...)`.
 */
enum load_result load_fail(const struct load_request *request, struct load_error *error,
			   enum load_result result, const char *format, ...) __printf(4, 5);

#endif
