/* SPDX-License-Identifier: MIT */
/*
 * The page that a VP shares with its VMM: filled in before vp_run returns, and taken over when the VMM runs the VP
 * again. It is the VMM's memory and may change at any time, so what is taken from it is copied first and checked
 * afterwards; it can then harm only the guest.
 */
#include "guest.h"
#include <kernel/memory_map.h>
#include <kernel/string.h>

enum vp_outcome run_page_return(struct vp *vp, enum vp_run_reason reason)
{
	struct vp_run_page *run = vp->run;

	run->reason = reason;
	run->vtl = vp->active_vtl;
	run->set = 0;
	return VP_TO_VMM;
}

/* Of a loaded VP. */
static void regs_fill(struct vp *vp)
{
	struct vp_run_regs *regs = &vp->run->regs;
	const struct arch_vp_vtl *a = vp_arch(vp);

	memcpy(regs->x, vp->arch.x, sizeof(regs->x));
	regs->sp_el0 = sysreg_read(sp_el0);
	regs->sp_el1 = sysreg_read(sp_el1);
	regs->pc = a->pc;
	regs->pstate = a->work & WORK_DEBUG ? a->pstate & ~PSTATE_SS : a->pstate;
	regs->sctlr_el1 = sysreg_read(sctlr_el1);
	regs->tcr_el1 = sysreg_read(tcr_el1);
	regs->ttbr0_el1 = sysreg_read(ttbr0_el1);
	regs->ttbr1_el1 = sysreg_read(ttbr1_el1);
	regs->mair_el1 = sysreg_read(mair_el1);
}

static void fault_keep(struct arch_vp_vtl *a, const struct vp_exit *exit)
{
	a->syndrome = exit->syndrome;
	a->fault = exit->far;
}

enum vp_outcome run_page_mmio(struct vp *vp, const struct vp_exit *exit)
{
	uint64_t syndrome = exit->syndrome, value = 0;
	unsigned int size = ABORT_SIZE(syndrome);
	bool write = syndrome & ABORT_WRITE;
	struct vp_run_page *run = vp->run;
	struct arch_vp_vtl *a = vp_arch(vp);

	if (write)
		value = guest_x(vp, ABORT_REGISTER(syndrome)) & (~0ull >> (64 - 8 * size));
	fault_keep(a, exit);
	a->waiting = write ? WAITING_MMIO_WRITE : WAITING_MMIO_READ;
	run->mmio.gpa = exit->gpa;
	run->mmio.value = value;
	run->mmio.size = (uint8_t)size;
	run->mmio.write = write;
	return run_page_return(vp, VP_RUN_MMIO);
}

#define PAR_FAILED  BIT(0)
#define PAR_ADDRESS (MASK(52) & ~MASK(PAGE_SHIFT))

/* By the guest's own tables, as the processor fetches. 0: there is no memory. */
static uint32_t instruction_read(struct vp *vp)
{
	const struct arch_vp_vtl *a = vp_arch(vp);
	uint64_t kept = sysreg_read(par_el1), par;
	uint32_t instruction;
	const char *page;

	if ((a->pstate & PSTATE_32) || (a->pc & 3))
		return 0;
	if ((a->pstate & PSTATE_MODE) == PSTATE_EL0)
		__asm__ volatile("at s1e0r, %0\n\tisb" : : "r"(a->pc) : "memory");
	else
		__asm__ volatile("at s1e1r, %0\n\tisb" : : "r"(a->pc) : "memory");
	par = sysreg_read(par_el1);
	sysreg_write(par_el1, kept);
	if ((par & PAR_FAILED) || (par & PAR_ADDRESS) >> vp->partition->physical_bits)
		return 0;
	page = gpa_walk(vp_active(vp)->space, (par & PAR_ADDRESS) | (a->pc & MASK(PAGE_SHIFT)));
	if (!page)
		return 0;
	memcpy(&instruction, page, sizeof(instruction));
	return instruction;
}

enum vp_outcome run_page_emulate(struct vp *vp, const struct vp_exit *exit, uint32_t flags)
{
	struct vp_run_page *run = vp->run;
	struct arch_vp_vtl *a = vp_arch(vp);

	fault_keep(a, exit);
	a->waiting = WAITING_EMULATE;
	run->emulate.gpa = exit->gpa;
	run->emulate.flags = flags;
	run->emulate.gva = exit->syndrome & ABORT_FAR_INVALID ? GVA_NONE : exit->far;
	run->emulate.syndrome = exit->syndrome;
	run->emulate.instruction = flags & EMULATE_FETCH ? 0 : instruction_read(vp);
	regs_fill(vp);
	return run_page_return(vp, VP_RUN_EMULATE);
}

__cold enum vp_outcome run_page_debug(struct vp *vp, enum vp_run_reason reason, uint32_t index)
{
	regs_fill(vp);
	vp->run->breakpoint.index = reason == VP_RUN_HW_BREAK ? index : 0;
	vp_arch(vp)->waiting = reason == VP_RUN_INT3 ? WAITING_BREAK : WAITING_DEBUG;
	return run_page_return(vp, reason);
}

__cold enum vp_outcome run_page_failed(struct vp *vp, uint64_t code)
{
	regs_fill(vp);
	vp->run->failed.code = code;
	return run_page_return(vp, VP_RUN_FAILED);
}

__cold enum vp_outcome run_page_reset(struct vp *vp, uint64_t type, uint64_t cookie)
{
	vp->run->reset.type = type;
	vp->run->reset.cookie = cookie;
	return run_page_return(vp, VP_RUN_SYSTEM_RESET);
}

/* ---- answers ---- */

/* Only a BRK has the syndrome of one. */
static bool event_is_known(uint32_t type, uint8_t waiting)
{
	return type == VP_EVENT_UNDEFINED || type == VP_EVENT_ABORT ||
	       (type == VP_EVENT_BREAK && waiting == WAITING_BREAK);
}

/* True: the answer is an exception. */
static bool event_take(struct vp *vp, struct arch_vp_vtl *a, uint8_t waiting, uint32_t set)
{
	uint32_t type = *(volatile uint32_t *)&vp->run->event.type;

	if (!(set & VP_SET_EVENT) || !event_is_known(type, waiting))
		return false;
	a->event = (uint8_t)type;
	a->work |= WORK_EVENT;
	return true;
}

static void gprs_take(struct vp *vp, struct arch_vp_vtl *a)
{
	struct vp_run_regs regs;

	memcpy(&regs, &vp->run->regs, sizeof(regs));
	__asm__ volatile("" : "+m"(regs)); /* what is checked is the copy */
	memcpy(vp->arch.x, regs.x, sizeof(regs.x));
	el1_release(vp);
	a->sp_el0 = regs.sp_el0;
	a->sp_el1 = regs.sp_el1;
	a->pc = regs.pc;
	if (guest_pstate_valid(vp->partition, regs.pstate))
		a->pstate = regs.pstate;
}

static void mmio_finish(struct vp *vp, struct arch_vp_vtl *a, uint8_t waiting)
{
	uint64_t value = *(volatile uint64_t *)&vp->run->mmio.value;

	if (waiting == WAITING_MMIO_READ)
		guest_x_set(vp, ABORT_REGISTER(a->syndrome), syndrome_extend(a->syndrome, value));
	guest_instruction_done(vp);
}

void arch_vp_resume(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	uint8_t waiting = a->waiting;
	uint32_t set;

	if (waiting == WAITING_NONE)
		return;
	a->waiting = WAITING_NONE;
	set = *(volatile uint32_t *)&vp->run->set;
	if (unlikely(set && event_take(vp, a, waiting, set)))
		return;
	if (waiting < WAITING_EMULATE)
		mmio_finish(vp, a, waiting);
	else if (set & VP_SET_GPRS)
		gprs_take(vp, a);
}

/* There are intercept messages of arm in the Hyper-V interface, which the kernel does not do for such guests. */
status_t arch_vp_intercept(struct vp *vp, struct hv_message *message)
{
	(void)vp;
	(void)message;
	return STATUS_NOT_SUPPORTED;
}
