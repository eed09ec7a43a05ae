/* SPDX-License-Identifier: MIT */
/* Beside no_hyperv.c, where there is no synic either. */
#include <kernel/hv_registers.h>

bool hv_stimer_write(struct vp *vp, uint32_t vtl, uint32_t place, uint64_t value)
{
	(void)vp;
	(void)vtl;
	(void)place;
	(void)value;
	return false;
}
