/* SPDX-License-Identifier: MIT */
/* <arch/msr.h> of x86-64, without the instructions that only a kernel may use. */
#ifndef MODEL_MSR_H
#define MODEL_MSR_H

#define msr_read  msr_read_instruction
#define msr_write msr_write_instruction
#include_next <arch/msr.h>
#undef msr_read
#undef msr_write

uint64_t msr_read(uint32_t msr);
void msr_write(uint32_t msr, uint64_t value);

#endif
