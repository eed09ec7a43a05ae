/* SPDX-License-Identifier: MIT */
/* Beside no_hyperv.c, where there is no synic either. */
#include <kernel/hv_registers.h>

status_t hv_stimer_set(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value)
{
	(void)vp;
	(void)vtl;
	(void)name;
	(void)value;
	return STATUS_INVALID_REGISTER_VALUE;
}
