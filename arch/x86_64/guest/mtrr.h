/* SPDX-License-Identifier: MIT */
/* The memory type range registers: reset, and access by MSR number with the checks of the SDM. */
#ifndef GUEST_MTRR_H
#define GUEST_MTRR_H

#include <arch/guest_mtrr.h>

/* Power-on state: all disabled. INIT keeps them. */
void guest_mtrr_reset(struct guest_mtrr *mtrr);
/* msr: IA32_MTRRCAP, PHYSBASE/PHYSMASK 0 to 7, the fixed ranges, DEF_TYPE. False: #GP.
 * physical_bits: the guest's physical address width; address bits above it are reserved. */
bool guest_mtrr_read(const struct guest_mtrr *mtrr, uint32_t msr, uint64_t *value);
bool guest_mtrr_write(struct guest_mtrr *mtrr, uint32_t physical_bits, uint32_t msr,
		      uint64_t value);
/* Whether all of them can hold what is there. */
bool guest_mtrr_valid(const struct guest_mtrr *mtrr, uint32_t physical_bits);
/* A memory type that an MTRR can hold: UC, WC, WT, WP, WB. */
bool mtrr_type_valid(uint8_t type);
/* Every byte of a PAT value is a memory type that the PAT can hold (SDM, "IA32_PAT MSR"). */
bool pat_valid(uint64_t pat);
/* The PAT after power-on (SDM, "Programming the PAT"). */
#define PAT_RESET 0x0007040600070406ull

#endif
