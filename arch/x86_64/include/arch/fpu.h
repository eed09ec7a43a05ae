/* SPDX-License-Identifier: MIT */
/*
 * The floating-point and vector registers, switched lazily: they keep the state of cpu.fpu_owner
 * until somebody else wants them. While CR0.TS is set, ring 3's first use traps (#NM) and takes
 * them. Threads and VPs hold their state in the same structure.
 *
 * The area has XSAVE's standard form with every component of host_xcr0 (SDM 1 13.4), or FXSAVE's
 * form on a processor without XSAVE (host_xcr0 is then 3, xsave_area_size 512).
 */
#ifndef ARCH_FPU_H
#define ARCH_FPU_H

#include <trivet/types.h>

#define FPU_AREA_ALIGN 64

struct fpu_state {
	void *area;    /* xsave_area_size bytes, aligned to 64 */
	uint64_t xcr0; /* in force while this state is in the registers */
};

/* What this kernel may switch: of the processor's components those up to AVX-512. */
extern uint64_t host_xcr0;
extern uint32_t xsave_area_size;
extern bool xsave_present;

/* Finds out what the processor has; once, on the boot CPU, before the first cpu_load(). */
void fpu_detect(void);
/* The XCR0 of a state, also when it is in this CPU's registers and a guest changed it there: not
 * every processor model lets XSETBV be intercepted (QEMU 7.2). */
uint64_t fpu_xcr0(struct fpu_state *state);
/* Writes the state of a processor after reset into `area` (zeroed memory). */
void fpu_state_init(struct fpu_state *state, void *area);
/* Puts `next` into this CPU's registers, its XCR0 too, saving their owner; clears CR0.TS. */
void fpu_take(struct fpu_state *next);
/* Saves the state to its area if it is in this CPU's registers, which belong to nobody then. To be
 * called on the CPU that used it, before the area is read, written, freed or goes elsewhere. */
void fpu_release(struct fpu_state *state);
/* The 16 bytes of XMM register 0-15 in the area, from where they reach the registers again; what
 * fpu_release() says goes for it too. */
void *fpu_xmm(struct fpu_state *state, unsigned int number);
/* The bits of MXCSR that this processor takes; to load others is #GP. */
uint32_t fpu_mxcsr_mask(void);
/* Sets CR0.TS unless `state` is the owner of the registers: next use traps. state may be NULL. */
void fpu_guard(const struct fpu_state *state);

#endif
