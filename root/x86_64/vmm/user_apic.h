/* SPDX-License-Identifier: MIT */
/*
 * The local APICs of a machine whose partition has none of the kernel's (`user_apic = on`): the kernel's own
 * model of one (arch/x86_64/guest/lapic*.c), linked into the root task, one for each VP.
 *
 * All of a machine's APICs, and the bus between them, are under the machine's lock. Who brings something
 * to one marks it, and the VP's thread, which alone talks to the kernel about its VP, looks before the VP runs again.
 */
#ifndef VMM_USER_APIC_H
#define VMM_USER_APIC_H

#include <vmm/machine.h>

/* For each of the machine's processors, in its power-on state. NO_MEMORY. */
status_t user_apics_create(struct machine *machine) __must_check;
void user_apics_destroy(struct machine *machine);
/* Power-on state; no VP has a thread. The machine's lock is held, as for the next two. */
void user_apics_reset(struct machine *machine);
/* A message of a device. True: it was merged with one that is still pending. */
bool user_apic_message(struct machine *machine, uint64_t address, uint32_t data);
/* INTR of the 8259 pair, at LINT0 of VP 0. */
void user_apic_intr_set(struct machine *machine, bool level);

/* ---- on the VP's thread, without the lock ---- */

/* Before the VP runs: asks the kernel, by the run page, for what the APIC has for it. */
void user_apic_prepare(struct processor *processor);
/* VP_RUN_MSR, VP_RUN_HALT, VP_RUN_INTERRUPT_WINDOW. False: another reason. */
bool user_apic_serve(struct processor *processor, uint32_t reason);
/* The page of xAPIC mode, in VP_RUN_EMULATE. */
uint32_t user_apic_read(struct processor *processor, uint32_t offset);
void user_apic_write(struct processor *processor, uint32_t offset, uint32_t value);

#endif
