/* SPDX-License-Identifier: MIT */
/* <arch/msr.h> of x86-64, without the instruction that only a kernel may use. */
#ifndef MODEL_MSR_H
#define MODEL_MSR_H

#define msr_write msr_write_instruction
#include_next <arch/msr.h>
#undef msr_write

void msr_write(uint32_t msr, uint64_t value);

#endif
