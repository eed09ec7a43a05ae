/* SPDX-License-Identifier: MIT */
/* Beside no_hyperv.c, where there is no synic either. */
#include <hv_synic.h>

bool guest_stimer_write(struct vp *vp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	(void)vp;
	(void)vtl;
	(void)msr;
	(void)value;
	return false;
}
