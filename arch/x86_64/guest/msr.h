/* SPDX-License-Identifier: MIT */
/*
 * MSRs of a guest: one table, a row a register or range, each allowed, emulated, or refused. A
 * number that has no row is refused.
 */
#ifndef GUEST_MSR_H
#define GUEST_MSR_H

#include <kernel/processor.h>

/* Linear addresses have 48 bits. */
static inline bool guest_address_is_canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

/* RDMSR and WRMSR of the active VTL, on the VP's own CPU. False: #GP(0); nothing has changed. */
bool guest_msr_read(struct vp *vp, uint32_t msr, uint64_t *value);
/* May set arch.work, send IPIs, arm timers. An EOI for the VMM: guest_lapic_eoi_take(). */
bool guest_msr_write(struct vp *vp, uint32_t msr, uint64_t value);

/* It is the local APIC's, which a VMM may model: IA32_APIC_BASE, IA32_TSC_DEADLINE, x2APIC. */
bool guest_msr_is_apic(uint32_t msr);

#endif
