/* SPDX-License-Identifier: MIT */
/* The synic's MSRs, for the table in hv_msr.c: a partition with the privilege has a synic for each VTL. */
#ifndef GUEST_HV_SYNIC_H
#define GUEST_HV_SYNIC_H

#include <kernel/synic.h>

bool guest_synic_read(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value);
bool guest_synic_write(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value);
bool guest_stimer_read(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t *value);
bool guest_stimer_write(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value);

/* Which page SIEFP or SIMP places. */
static inline enum synic_page guest_synic_page(uint32_t msr)
{
	return msr == HV_MSR_SIMP ? SYNIC_MESSAGES_PAGE : SYNIC_EVENTS;
}

#endif
