/* SPDX-License-Identifier: MIT */
/* What the files of this folder share: the end of interrupts that devices have raised, and hyperv-testdev. */
#ifndef VMM_INTERRUPTS_H
#define VMM_INTERRUPTS_H

#include <trivet/types.h>

struct processor;

/* The guest ended a level-triggered vector: the I/O APIC's line may ask again. */
void processor_interrupt_ended(struct processor *processor, uint8_t vector);

/* vmm/hyperv_test.c */
extern const struct hyperv_test_host machine_hyperv_test;

#endif
