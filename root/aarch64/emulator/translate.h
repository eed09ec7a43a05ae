/* SPDX-License-Identifier: MIT */
/*
 * The walk of a guest's own translation tables (Arm ARM D8, VMSAv8-64, stage 1 of EL1&0), for who looks at a guest: no
 * rights are checked and nothing is changed. Pages of 4, 16 and 64 KiB, addresses of up to 48 bits.
 */
#ifndef EMULATOR_TRANSLATE_H
#define EMULATOR_TRANSLATE_H

#include <trivet/types.h>

struct translation_regime {
	uint64_t sctlr, tcr, ttbr0, ttbr1;
};

/* Reads a table's entry; false: there is no memory. */
typedef bool translation_read(void *context, gpa_t gpa, uint64_t *entry);

/* False: the address has no translation. */
bool translation_walk(const struct translation_regime *regime, translation_read *read,
		      void *context, uint64_t address, gpa_t *gpa);

#endif
