/* SPDX-License-Identifier: MIT */
/*
 * Running a VP until it halts. vp_run() comes back for each thing that the VMM has to do; this is the
 * loop around it, which ends for the reasons of enum vp_halt_reason alone.
 *
 * Any thread may ask something of the loop: to stop for good, to come back so that the VP can be run
 * elsewhere, to let other threads have the CPU, to halt for what the guest has done to its machine. What
 * was asked stands in one word. Who sets its first bit has the kernel cut vp_run() short, and
 * the loop looks at the word then, and only then: an access to a device costs nothing for it.
 */
#ifndef LIB_RUN_H
#define LIB_RUN_H

#include <stdatomic.h>
#include <lib/model.h>
#include <lib/processor.h>

enum vp_halt_reason {
	VP_HALT_STOP,	/* vp_ask_stop() */
	VP_HALT_CANCEL, /* vp_ask_cancel(): run it again, perhaps bound to another thread */
	VP_HALT_POWER_OFF,
	VP_HALT_RESET,
	VP_HALT_HIBERNATE,
	VP_HALT_TRIPLE_FAULT, /* vtl */
	VP_HALT_SINGLE_STEP,  /* vtl */
	VP_HALT_HW_BREAK,     /* vtl, breakpoint */
	VP_HALT_INT3,	      /* vtl */
	VP_HALT_FAILED,	      /* status, or the run page's failed.code; or the VMM can't go on */
};

struct vp_halt {
	enum vp_halt_reason reason;
	uint32_t vtl;	     /* that was active */
	uint32_t breakpoint; /* its index */
	status_t status;     /* of vp_run(), if that is what failed; else OK */
};

/* By which other threads reach the loop of one VP. */
struct vp_control {
	handle_t partition;
	uint32_t index;
	_Atomic uint32_t asked; /* enum vp_asked */
	_Atomic uint32_t halt;	/* of VP_ASKED_HALT: enum vp_halt_reason */
};

enum vp_asked {
	VP_ASKED_STOP = BIT(0), /* stays */
	VP_ASKED_HALT = BIT(1),
	VP_ASKED_CANCEL = BIT(2),
	VP_ASKED_YIELD = BIT(3),
};

/* What the VMM does for a VP; `context` is its own. Called on the VP's thread. */
struct vp_run_ops {
	/* VP_RUN_ACCESS: an access to a device that the processor has decoded, of <lib/processor.h>. */
	void (*access)(void *context);
	/* Each other reason that is no halt: the run page tells; VP_RUN_YIELD, too, when what was asked of
	 * the loop is done. False: the guest can't go on. */
	bool (*serve)(void *context, uint32_t reason);
	/* The account of the partition is empty. OK: there is more in it now. */
	status_t (*no_memory)(void *context);
};

/* Nobody has asked anything yet. Before any of the functions below is called. */
void vp_control_init(struct vp_control *control, handle_t partition, uint32_t index);

/*
 * Any thread, at any time, whether the VP runs or not. True: nobody had asked for it before; a second
 * stop changes nothing. The loop ends, or for a yield goes on, within the time that docs/abi.md names
 * for vp_request_yield.
 */
bool vp_ask_stop(struct vp_control *control);
bool vp_ask_cancel(struct vp_control *control);
/* The loop halts for no cancel that has been asked for and that it has not seen. On the VP's thread. */
void vp_cancel_take_back(struct vp_control *control);
/* The loop gives way once to other threads of its CPU and priority. */
bool vp_ask_yield(struct vp_control *control);
/* The loop halts for a reason that came from a device: the first one counts. */
bool vp_ask_halt(struct vp_control *control, enum vp_halt_reason reason);

static inline bool vp_is_stopping(const struct vp_control *control)
{
	return atomic_load(&((struct vp_control *)(uintptr_t)control)->asked) & VP_ASKED_STOP;
}

/* ---- the loop ---- */

/* Acts on what was asked. True: the loop ends. */
bool vp_asked_take(struct vp_control *control, struct vp_halt *halt);
/* vp_run() came back with all but VP_RUN_ACCESS. True: the loop ends. */
bool vp_run_serve(struct vp_control *control, const struct vp_run_page *page,
		  const struct vp_run_ops *ops, void *context, status_t status,
		  struct vp_halt *halt);

/* Runs a VP that is bound to this thread. Always inline, and with it ops->access(), if the compiler can
 * see that: this is the shortest way through here. */
static inline __attribute__((always_inline)) void vp_run_until(handle_t vp,
							       const struct vp_run_page *page,
							       struct vp_control *control,
							       const struct vp_run_ops *ops,
							       void *context, struct vp_halt *halt)
{
	status_t status;

	if (vp_asked_take(control, halt))
		return;
	for (;;) {
		status = vp_run(vp);
		if (likely(status == STATUS_OK && page->reason == VP_RUN_ACCESS))
			ops->access(context);
		else if (vp_run_serve(control, page, ops, context, status, halt))
			return;
	}
}

#endif
