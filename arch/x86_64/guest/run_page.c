/* SPDX-License-Identifier: MIT */
/*
 * The page that a VP shares with its VMM: filled in before vp_run returns, and taken over when the
 * VMM runs the VP again. The page is the VMM's memory and may change at any time, so what is taken
 * from it is copied first and checked afterwards; it can then harm only the guest.
 */
#include "debug.h"
#include <kernel/string.h>

#define RFLAGS_WRITABLE 0x003f7fd5ull /* SDM 1 3.4.3; bit 1 is fixed */
#define PIC_NO_VECTOR	0x100u

static const struct vp_run_page *volatile_page(const struct vp *vp)
{
	__asm__ volatile("" : : : "memory"); /* the VMM's writes are to be seen, once each */
	return vp->run;
}

enum vp_outcome run_page_return(struct vp *vp, enum vp_run_reason reason)
{
	vp->run->reason = reason;
	vp->run->vtl = vp->active_vtl;
	vp->run->set = 0;
	return VP_TO_VMM;
}

static void regs_fill(struct vp *vp)
{
	struct vp_run_regs *regs = &vp->run->regs;
	struct arch_vp_vtl *a = vp_arch(vp);
	struct guest_state state;

	backend->arch.state_get(vp, vp->active_vtl, STATE_SEGMENTS | STATE_CONTROL, &state);
	memcpy(regs->gpr, vp->arch.gpr, sizeof(regs->gpr));
	regs->rip = a->rip;
	regs->rflags = a->rflags;
	memcpy(regs->segment, state.segment, sizeof(regs->segment));
	regs->cr0 = state.cr0;
	regs->cr2 = vp->arch.cr2;
	regs->cr3 = state.cr3;
	regs->cr4 = state.cr4;
	regs->cr8 = a->cr8;
	regs->efer = state.efer;
}

enum vp_outcome run_page_emulate(struct vp *vp, const struct vp_exit *exit, uint32_t flags)
{
	struct vp_run_page *run = vp->run;

	run->emulate.gpa = flags & EMULATE_MEMORY ? exit->memory.gpa : 0;
	run->emulate.gva = flags & EMULATE_MEMORY ? exit->memory.gva : GVA_NONE;
	run->emulate.flags = flags;
	run->emulate.forbidden = vp_arch(vp)->npiep;
	run->emulate.byte_count = exit->byte_count;
	if (exit->byte_count)
		memcpy(run->emulate.bytes, exit->bytes, sizeof(exit->bytes));
	regs_fill(vp);
	vp_arch(vp)->waiting = WAITING_EMULATE;
	return run_page_return(vp, VP_RUN_EMULATE);
}

enum vp_outcome run_page_apic(struct vp *vp, enum vp_run_reason reason)
{
	vp->run->interrupt.cr8 = vp_arch(vp)->cr8;
	return run_page_return(vp, reason);
}

__cold enum vp_outcome run_page_msr(struct vp *vp, bool write, uint64_t next_rip)
{
	const uint64_t *gpr = vp->arch.gpr;
	struct vp_run_page *run = vp->run;
	struct arch_vp_vtl *a = vp_arch(vp);

	run->msr.index = (uint32_t)gpr[GPR_RCX];
	run->msr.write = write;
	run->msr.fault = false;
	run->msr.value = write ? (uint32_t)gpr[GPR_RAX] | gpr[GPR_RDX] << 32 : 0;
	a->waiting = write ? WAITING_MSR_WRITE : WAITING_MSR_READ;
	a->next_rip = next_rip;
	return run_page_apic(vp, VP_RUN_MSR);
}

__cold enum vp_outcome run_page_cpuid(struct vp *vp, uint64_t next_rip)
{
	struct vp_run_page *run = vp->run;
	struct arch_vp_vtl *a = vp_arch(vp);

	run->cpuid.function = (uint32_t)vp->arch.gpr[GPR_RAX];
	run->cpuid.index = (uint32_t)vp->arch.gpr[GPR_RCX];
	memset(run->cpuid.value, 0, sizeof(run->cpuid.value));
	a->waiting = WAITING_CPUID;
	a->next_rip = next_rip;
	return run_page_return(vp, VP_RUN_CPUID);
}

/* The answer is as that to an instruction that was emulated. */
__cold enum vp_outcome run_page_hypercall(struct vp *vp, uint64_t next_rip)
{
	vp->run->hypercall.next_rip = next_rip;
	regs_fill(vp);
	vp_arch(vp)->waiting = WAITING_EMULATE;
	return run_page_return(vp, VP_RUN_HYPERCALL);
}

__cold enum vp_outcome run_page_debug(struct vp *vp, enum vp_run_reason reason, uint32_t index)
{
	regs_fill(vp);
	vp->run->breakpoint.index = reason == VP_RUN_HW_BREAK ? index : 0;
	vp_arch(vp)->waiting = WAITING_DEBUG;
	return run_page_return(vp, reason);
}

__cold enum vp_outcome run_page_shutdown(struct vp *vp, enum vp_run_reason reason, uint64_t code)
{
	vp_arch(vp)->activity = ACTIVITY_SHUTDOWN;
	regs_fill(vp);
	vp->run->failed.code = code;
	return run_page_return(vp, reason);
}

/* ---- answers ---- */

/* IN: 8 and 16 bits keep the rest of RAX, 32 bits clear the upper half. */
static void port_in_finish(struct vp *vp, struct arch_vp_vtl *a, uint32_t value)
{
	uint64_t *rax = &vp->arch.gpr[GPR_RAX];
	uint64_t mask = MASK(8 * a->io_size);

	if (a->io_size == 4)
		*rax = value;
	else
		*rax = (*rax & ~mask) | (value & mask);
	guest_instruction_done(vp, a->next_rip);
}

/* False: no processor can be in that state; the guest gets the #GP that it would have got from the
 * instruction, whose other effects are not taken over. */
static bool control_set(struct vp *vp, const struct vp_run_regs *regs)
{
	struct guest_state state, old;

	backend->arch.state_get(vp, vp->active_vtl, STATE_CONTROL, &old);
	state = old;
	state.cr0 = regs->cr0;
	state.cr3 = regs->cr3;
	state.cr4 = regs->cr4;
	state.cr8 = regs->cr8;
	state.efer = regs->efer;
	if (!guest_control_write(vp, &old, &state))
		return false;
	vp->arch.cr2 = regs->cr2;
	if (lapic_has_request(&vp_arch(vp)->lapic))
		vp_arch(vp)->work |= WORK_INTERRUPT; /* CR8 may have been lowered */
	return true;
}

static void gprs_set(struct vp *vp, struct arch_vp_vtl *a, const struct vp_run_regs *regs)
{
	memcpy(vp->arch.gpr, regs->gpr, sizeof(vp->arch.gpr));
	a->rip = regs->rip;
	a->rflags = (regs->rflags & RFLAGS_WRITABLE) | RFLAGS_FIXED;
	a->shadow = 0;
	if (unlikely(a->work & WORK_DEBUG))
		guest_debug_instruction_done(vp);
}

static void event_take(struct vp *vp)
{
	__typeof__(vp->run->event) event = vp->run->event;

	__asm__ volatile("" : "+m"(event)); /* what is checked is the copy */
	if (event.vector < 32)
		guest_exception(vp, event.vector, event.has_error, event.error);
}

static void answer_take(struct vp *vp, struct arch_vp_vtl *a, uint32_t set)
{
	const struct vp_run_regs *regs = &vp->run->regs;

	if ((set & VP_SET_CRS) && !control_set(vp, regs)) {
		guest_fault_gp(vp);
		return;
	}
	if (set & VP_SET_GPRS)
		gprs_set(vp, a, regs);
	if (set & VP_SET_SHADOW)
		a->shadow = 1;
	if (set & VP_SET_EVENT)
		event_take(vp);
}

static void msr_finish(struct vp *vp, struct arch_vp_vtl *a, bool write)
{
	uint64_t value = vp->run->msr.value;

	if (vp->run->msr.fault) {
		guest_fault_gp(vp);
		return;
	}
	if (!write) {
		vp->arch.gpr[GPR_RAX] = (uint32_t)value;
		vp->arch.gpr[GPR_RDX] = value >> 32;
	}
	guest_instruction_done(vp, a->next_rip);
}

static __cold void cpuid_finish(struct vp *vp, struct arch_vp_vtl *a)
{
	const volatile uint32_t *value = vp->run->cpuid.value;
	uint64_t *gpr = vp->arch.gpr;

	gpr[GPR_RAX] = value[0];
	gpr[GPR_RBX] = value[1];
	gpr[GPR_RCX] = value[2];
	gpr[GPR_RDX] = value[3];
	guest_instruction_done(vp, a->next_rip);
}

/* What a VMM that models the APIC wants of the processor. Requests are taken in before the entry, as
 * those of other CPUs. */
static __cold void apic_take(struct vp *vp, struct arch_vp_vtl *a, uint32_t set)
{
	__typeof__(vp->run->interrupt) interrupt = vp->run->interrupt;
	uint32_t requests = 0;

	__asm__ volatile("" : "+m"(interrupt)); /* what is checked is the copy */
	if (!vp->partition->arch.user_apic)
		return;
	if (set & VP_SET_CR8)
		guest_cr8_write(vp, interrupt.cr8 & 0xf);
	if (set & VP_SET_NMI)
		requests |= VP_REQUEST_NMI;
	if (set & VP_SET_INIT)
		guest_init_request(vp);
	if (set & VP_SET_STARTUP) {
		atomic_store(&a->lapic.sipi_vector, interrupt.vector);
		requests |= VP_REQUEST_SIPI;
	}
	if (requests)
		vp_request(vp, requests);
	if (set & VP_SET_INTERRUPT) {
		a->extint_vector = interrupt.vector;
		a->work |= WORK_PIC_ANSWER;
	}
	if (set & VP_SET_WINDOW) {
		a->window = interrupt.window;
		a->work |= WORK_WINDOW;
	}
	if ((set & VP_SET_HALT) && a->activity == ACTIVITY_RUNNING)
		a->activity = ACTIVITY_HALTED;
}

/* Apart, so that the common answers need no stack. */
static __attribute__((noinline)) void answer_rest(struct vp *vp, struct arch_vp_vtl *a,
						  uint8_t waiting, uint32_t set)
{
	uint32_t vector;

	switch (waiting) {
	case WAITING_PORT_IN: port_in_finish(vp, a, vp->run->port.value); break;
	case WAITING_PIC:
		vector = *(volatile uint32_t *)&vp->run->pic.vector;
		if (vector >= PIC_NO_VECTOR)
			break;
		a->extint_vector = (uint8_t)vector;
		a->work |= WORK_PIC_ANSWER;
		break;
	case WAITING_EMULATE:
		if (set)
			answer_take(vp, a, set);
		break;
	case WAITING_MSR_READ: msr_finish(vp, a, false); break;
	case WAITING_MSR_WRITE: msr_finish(vp, a, true); break;
	case WAITING_CPUID: cpuid_finish(vp, a); break;
	case WAITING_DEBUG:
		answer_take(vp, a, set);
		guest_debug_moved(vp, vp->active_vtl);
		break;
	default: break;
	}
	if (unlikely(set & VP_SET_APIC)) {
		vp->run->set =
			0; /* once: not by what looks at the VP before it runs, and again then */
		apic_take(vp, a, set);
	}
}

void arch_vp_resume(struct vp *vp)
{
	const struct vp_run_page *run = volatile_page(vp);
	struct arch_vp_vtl *a = vp_arch(vp);
	uint8_t waiting = a->waiting;
	uint32_t set = run->set;

	a->waiting = WAITING_NONE;
	if (unlikely(waiting > WAITING_PORT_IN || (set & VP_SET_APIC)))
		answer_rest(vp, a, waiting, set);
	else if (waiting == WAITING_PORT_IN)
		port_in_finish(vp, a, run->port.value);
}
