/* SPDX-License-Identifier: MIT */
/* For tests of the guest's processor whose partitions have no Hyper-V interface. */
#include <hv_msr.h>
#include <outside.h>

bool guest_hv_msr_read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	(void)vp;
	(void)msr;
	(void)value;
	return false;
}

bool guest_hv_msr_write(struct vp *vp, uint32_t msr, uint64_t value)
{
	(void)vp;
	(void)msr;
	(void)value;
	return false;
}

void guest_outside_work(struct vp *vp)
{
	(void)vp;
}

void hv_time_changed(struct partition *partition)
{
	(void)partition;
}
