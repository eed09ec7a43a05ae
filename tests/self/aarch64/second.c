/* SPDX-License-Identifier: MIT */
/* See second.h. */
#include "second.h"
#include <kernel/cpu.h>

bool second_start(struct test_guest *guest)
{
	second_vp = partition_vp(guest->partition, 1);
	return second_task_init() && second_run();
}

bool second_stop(void)
{
	vp_request(second_vp, VP_REQUEST_YIELD);
	if (!second_is_over())
		return false;
	second_unbind();
	second_vp->thread = NULL;
	return true;
}
