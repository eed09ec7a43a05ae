/* SPDX-License-Identifier: MIT */
/* What a kernel answers that has no synthetic interrupt controllers: who has them overrides it. */
#include <kernel/synic.h>

__attribute__((weak)) status_t synic_post_message(struct vp *vp, uint32_t vtl, uint32_t sint,
						  const struct hv_message *message)
{
	(void)vp;
	(void)vtl;
	(void)sint;
	(void)message;
	return STATUS_NOT_SUPPORTED;
}

__attribute__((weak)) status_t synic_signal_event(struct vp *vp, uint32_t vtl, uint32_t sint,
						  uint32_t flag, bool *was_set)
{
	(void)vp;
	(void)vtl;
	(void)sint;
	(void)flag;
	(void)was_set;
	return STATUS_NOT_SUPPORTED;
}

__attribute__((weak)) status_t synic_clear_event(struct vp *vp, uint32_t vtl, uint32_t sint,
						 uint32_t flag)
{
	(void)vp;
	(void)vtl;
	(void)sint;
	(void)flag;
	return STATUS_NOT_SUPPORTED;
}
