/* SPDX-License-Identifier: MIT */
/* One handler for each kind of exit. The VP is loaded. */
#include "guest.h"
#include "vgic_hw.h"
#include <arch/fpu.h>
#include <arch/gic.h>
#include <kernel/cpu.h>
#include <kernel/sched.h>

typedef enum vp_outcome exit_handler_t(struct vp *vp, struct vp_exit *exit);

static enum vp_outcome exit_again(struct vp *vp, struct vp_exit *exit)
{
	(void)vp;
	(void)exit;
	return VP_CONTINUE;
}

/* Another CPU wants something of this VP, which the next look at its requests finds, or that it enters anew (a
 * shootdown); or something of this CPU. */
static bool kick_is_vps(struct vp *vp)
{
	if (!gic_take_kick() || atomic_load(&this_cpu()->pending))
		return false;
	vp_arch(vp)->work |= WORK_ENTRY;
	return true;
}

/* The guest's own timer, its GIC's need of list registers, and kicks for it are the most common of the host's
 * interrupts, and need none of the host. What else waits is not taken here: it makes the next entry exit. */
static enum vp_outcome exit_interrupt(struct vp *vp, struct vp_exit *exit)
{
	(void)exit;
	return guest_timer_interrupt(vp) || guest_gic_interrupt(vp) || kick_is_vps(vp) ? VP_CONTINUE
										       : VP_SWITCH;
}

static enum vp_outcome exit_hypercall(struct vp *vp, struct vp_exit *exit)
{
	uint32_t immediate = SYNDROME_IMMEDIATE(exit->syndrome);

	if (likely(!immediate))
		return guest_call(vp);
	if (immediate == HV_CALL_IMMEDIATE && vp->partition->hv)
		return guest_hypercall(vp, false);
	vp_arch(vp)->pc -= 4; /* HVC is done when it exits; what is undefined is not */
	guest_undefined(vp);
	return VP_CONTINUE;
}

/* The return address of SMC that traps is the instruction itself, not what follows. */
static enum vp_outcome exit_smc(struct vp *vp, struct vp_exit *exit)
{
	if (unlikely(SYNDROME_IMMEDIATE(exit->syndrome))) {
		guest_undefined(vp);
		return VP_CONTINUE;
	}
	guest_instruction_done(vp);
	return guest_call(vp);
}

/* WFE gives way to other threads of this CPU; if there are none, it does not exit again until the VP is next loaded, as
 * it is when a thread comes. WFI waits, unless something is there already. */
static enum vp_outcome exit_wait(struct vp *vp, struct vp_exit *exit)
{
	guest_instruction_done(vp);
	if (SYNDROME_WFE(exit->syndrome)) {
		if (sched_yield())
			return VP_SWITCH;
		el2_wfe_allow();
		return VP_CONTINUE;
	}
	vp_arch(vp)->activity = ACTIVITY_HALTED;
	return VP_CONTINUE;
}

static enum vp_outcome exit_undefined(struct vp *vp, struct vp_exit *exit)
{
	(void)exit;
	guest_undefined(vp);
	return VP_CONTINUE;
}

/* Another's registers came to this CPU while the VP was loaded: nobody does that, so they are its own again. */
static enum vp_outcome exit_simd(struct vp *vp, struct vp_exit *exit)
{
	(void)exit;
	fpu_take(&vp->arch.fpu);
	return VP_CONTINUE;
}

static enum vp_outcome exit_machine_check(struct vp *vp, struct vp_exit *exit)
{
	(void)vp;
	(void)exit;
	return VP_MACHINE_CHECK;
}

static enum vp_outcome exit_failed(struct vp *vp, struct vp_exit *exit)
{
	return run_page_failed(vp, exit->syndrome);
}

static exit_handler_t *const handlers[VP_EXIT_KINDS] = {
	[VP_EXIT_NONE] = exit_again,
	[VP_EXIT_INTERRUPT] = exit_interrupt,
	[VP_EXIT_HYPERCALL] = exit_hypercall,
	[VP_EXIT_SMC] = exit_smc,
	[VP_EXIT_SYSTEM_REGISTER] = exit_system_register,
	[VP_EXIT_MEMORY] = exit_memory,
	[VP_EXIT_FETCH] = exit_fetch,
	[VP_EXIT_WAIT] = exit_wait,
	[VP_EXIT_SIMD] = exit_simd,
	[VP_EXIT_UNDEFINED] = exit_undefined,
	[VP_EXIT_DEBUG] = exit_debug,
	[VP_EXIT_MACHINE_CHECK] = exit_machine_check,
	[VP_EXIT_FAILED] = exit_failed,
};

enum vp_outcome arch_vp_handle_exit(struct vp *vp)
{
	return handlers[vp->exit.kind](vp, &vp->exit);
}

/* All registers are in the VP when it exits, so there is no difference but which kinds come here. */
enum vp_outcome arch_vp_quick_exit(struct vp *vp)
{
	return handlers[vp->exit.kind](vp, &vp->exit);
}
