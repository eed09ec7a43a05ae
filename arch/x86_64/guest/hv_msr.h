/* SPDX-License-Identifier: MIT */
/* MSRs of the Hyper-V interface, HV_MSR_FIRST to HV_MSR_LAST, of a partition that has it. */
#ifndef GUEST_HV_MSR_H
#define GUEST_HV_MSR_H

#include <kernel/processor.h>

/* As guest_msr_read() and guest_msr_write(). A write that is made outside answers false too, and asks for
 * that (outside.h). */
bool guest_hv_msr_read(struct vp *vp, uint32_t msr, uint64_t *value);
bool guest_hv_msr_write(struct vp *vp, uint32_t msr, uint64_t value);
/* Any write, by a VP that is loaded on no CPU. BUSY: again. INVALID_REGISTER: there is none that can be
 * written. Other failures: not that value, or not there. */
status_t guest_hv_msr_place(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value);

#endif
