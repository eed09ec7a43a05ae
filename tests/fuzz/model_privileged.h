/* SPDX-License-Identifier: MIT */
/*
 * Included before all else in the sources of fuzz_model: the instructions of <arch/msr.h> and
 * <arch/cr.h> that only a kernel may use go to the fuzzer.
 */
#ifndef MODEL_PRIVILEGED_H
#define MODEL_PRIVILEGED_H

#define msr_write  msr_write_instruction
#define xcr0_write xcr0_write_instruction
#include <arch/cr.h>
#include <arch/msr.h>
#undef msr_write
#undef xcr0_write

void msr_write(uint32_t msr, uint64_t value);
void xcr0_write(uint64_t value);

#endif
