/* SPDX-License-Identifier: MIT */
/* <arch/cr.h> of x86-64, without the instruction that only a kernel may use. */
#ifndef MODEL_CR_H
#define MODEL_CR_H

#define xcr0_write xcr0_write_instruction
#include_next <arch/cr.h>
#undef xcr0_write

void xcr0_write(uint64_t value);

#endif
