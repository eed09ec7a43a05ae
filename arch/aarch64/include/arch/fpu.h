/* SPDX-License-Identifier: MIT */
/*
 * The FP and SIMD registers, switched lazily: they keep the state of cpu.fpu_owner until somebody else wants them.
 * While CPTR_EL2.TFP is set, EL0's and EL1's use traps. Threads and VPs hold their state in the same
 * structure. There is no state of SVE or SME: neither can be used.
 */
#ifndef ARCH_FPU_H
#define ARCH_FPU_H

#include <trivet/types.h>

struct fpu_state {
	uint8_t v[32][16]; /* first: assembly */
	uint64_t fpsr, fpcr;
} __aligned(16);

/* Puts `next` into this CPU's registers, saving their owner's; nothing of FP traps then. */
void fpu_take(struct fpu_state *next);
/* Saves the state if it is in this CPU's registers, which belong to nobody then. To be called on the CPU that
 * used it, before it is read, written, freed or goes elsewhere. */
void fpu_release(struct fpu_state *state);
/* Has FP trap unless `state` is the owner of the registers. state may be NULL. */
void fpu_guard(const struct fpu_state *state);

#endif
