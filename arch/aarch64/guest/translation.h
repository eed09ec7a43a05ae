/* SPDX-License-Identifier: MIT */
/*
 * The walk of a guest's own translation tables (Arm ARM D8, VMSAv8-64, stage 1 of EL1&0): no rights are checked and
 * nothing is changed. Pages of 4, 16 and 64 KiB, addresses of up to 48 bits. Pure, and of the root task too, which looks
 * at guests.
 */
#ifndef GUEST_TRANSLATION_H
#define GUEST_TRANSLATION_H

#include <trivet/types.h>

struct translation_regime {
	uint64_t sctlr, tcr, ttbr0, ttbr1;
};

/* Reads a table's entry; false: there is no memory. */
typedef bool translation_read(void *context, gpa_t gpa, uint64_t *entry);

struct translation {
	gpa_t gpa;
	/* The entry that gave it, and where it stands; 0 without tables. */
	uint64_t entry;
	gpa_t at;
	uint64_t tables; /* the entries above it, in one: their limits add up */
	bool no_memory;	 /* of an address without a translation: a table is not there */
};

/* False: the address has no translation. */
bool translation_walk(const struct translation_regime *regime, translation_read *read,
		      void *context, uint64_t address, struct translation *found);

#endif
