/* SPDX-License-Identifier: MIT */
/* The rare ways of the loop that runs a VP, and what other threads ask of it. */
#include <lib/run.h>

void vp_control_init(struct vp_control *control, handle_t partition, uint32_t index)
{
	control->partition = partition;
	control->index = index;
	atomic_store(&control->halt, VP_HALT_STOP);
	atomic_store(&control->asked, 0);
}

/* Whoever sets the first bit has vp_run() cut short; what is asked until the loop looks is found there
 * with it, without another call. */
static bool ask(struct vp_control *control, uint32_t bit)
{
	uint32_t before = atomic_fetch_or(&control->asked, bit);

	if (!before)
		(void)vp_request_yield(control->partition, control->index);
	return !(before & bit);
}

bool vp_ask_stop(struct vp_control *control)
{
	return ask(control, VP_ASKED_STOP);
}

bool vp_ask_cancel(struct vp_control *control)
{
	return ask(control, VP_ASKED_CANCEL);
}

void vp_cancel_take_back(struct vp_control *control)
{
	atomic_fetch_and(&control->asked, ~(uint32_t)VP_ASKED_CANCEL);
}

bool vp_ask_yield(struct vp_control *control)
{
	return ask(control, VP_ASKED_YIELD);
}

bool vp_ask_halt(struct vp_control *control, enum vp_halt_reason reason)
{
	uint32_t none = VP_HALT_STOP;

	if (!atomic_compare_exchange_strong(&control->halt, &none, reason))
		return false;
	return ask(control, VP_ASKED_HALT);
}

bool vp_asked_take(struct vp_control *control, struct vp_halt *halt)
{
	uint32_t asked = atomic_fetch_and(&control->asked, VP_ASKED_STOP);

	*halt = (struct vp_halt){.reason = VP_HALT_STOP};
	/* What the guest has done comes first: a stop is often what follows from it, and stays. */
	if (asked & VP_ASKED_HALT) {
		halt->reason = atomic_exchange(&control->halt, VP_HALT_STOP);
		return true;
	}
	if (asked & VP_ASKED_STOP)
		return true;
	if (asked & VP_ASKED_CANCEL) {
		halt->reason = VP_HALT_CANCEL;
		return true;
	}
	if (asked & VP_ASKED_YIELD)
		thread_yield();
	return false;
}

static bool run_failed(const struct vp_run_ops *ops, void *context, status_t status,
		       struct vp_halt *halt)
{
	if (status == STATUS_NO_MEMORY)
		status = ops->no_memory(context);
	if (status == STATUS_OK)
		return false;
	*halt = (struct vp_halt){.reason = VP_HALT_FAILED, .status = status};
	return true;
}

static bool halted(const struct vp_run_page *page, enum vp_halt_reason reason, struct vp_halt *halt)
{
	*halt = (struct vp_halt){.reason = reason, .vtl = page->vtl};
	if (reason == VP_HALT_HW_BREAK)
		halt->breakpoint = page->breakpoint.index;
	return true;
}

bool vp_run_serve(struct vp_control *control, const struct vp_run_page *page,
		  const struct vp_run_ops *ops, void *context, status_t status,
		  struct vp_halt *halt)
{
	if (status != STATUS_OK)
		return run_failed(ops, context, status, halt);
	switch (page->reason) {
	case VP_RUN_ACCESS: ops->access(context); return false;
	case VP_RUN_NONE: return false;
	case VP_RUN_YIELD:
		if (vp_asked_take(control, halt))
			return true;
		break;
	case VP_RUN_TRIPLE_FAULT: return halted(page, VP_HALT_TRIPLE_FAULT, halt);
	case VP_RUN_SINGLE_STEP: return halted(page, VP_HALT_SINGLE_STEP, halt);
	case VP_RUN_HW_BREAK: return halted(page, VP_HALT_HW_BREAK, halt);
	case VP_RUN_INT3: return halted(page, VP_HALT_INT3, halt);
	case VP_RUN_FAILED: return halted(page, VP_HALT_FAILED, halt);
	default: break;
	}
	return !ops->serve(context, page->reason) && halted(page, VP_HALT_FAILED, halt);
}
