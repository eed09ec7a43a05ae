/* SPDX-License-Identifier: MIT */
/* HV_X64_MSR_NPIEP_CONFIG: see npiep.c. */
#ifndef GUEST_NPIEP_H
#define GUEST_NPIEP_H

#include "guest.h"
#include <trivet/hv/features.h>

/* The bits that the register may have; 0: the partition has no such register. */
static inline uint64_t guest_npiep_allowed(const struct partition *partition)
{
	return partition->hv && (partition->hv->features & HV_FEATURE_NPIEP) ? HV_NPIEP_ALL : 0;
}

/* Of the bits that are allowed. By the VP's CPU. */
static inline void guest_npiep_set(struct vp *vp, uint32_t vtl, uint64_t value)
{
	struct arch_vp_vtl *a = &vp->vtl[vtl]->arch;

	if (likely(a->npiep == value))
		return;
	a->npiep = (uint8_t)value;
	backend->arch.tables_watch(vp, vtl, a->npiep);
}

/* VP_EXIT_TABLE */
enum vp_outcome guest_npiep_exit(struct vp *vp, struct vp_exit *exit);

#endif
