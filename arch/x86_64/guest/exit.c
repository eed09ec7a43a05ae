/* SPDX-License-Identifier: MIT */
/*
 * What becomes of an exit: one table by kind, one handler a row. A handler that finishes the
 * instruction answers VP_CONTINUE; what the VMM has to do goes through its run page.
 */
#include "cpuid.h"
#include "debug.h"
#include "hv_call.h"
#include "npiep.h"
#include "outside.h"
#include "store_exit.h"
#include <arch/msr.h>
#include <kernel/cpu.h>
#include <kernel/doorbell.h>
#include <kernel/memory_map.h>
#include <kernel/overlay.h>
#include <kernel/reader.h>
#include <kernel/sched.h>
#include <trivet/hv/features.h>

#define CR8_MAX 15u

typedef enum vp_outcome exit_handler_t(struct vp *vp, struct vp_exit *exit);

static enum vp_outcome exit_none(struct vp *vp, struct vp_exit *exit)
{
	(void)vp;
	(void)exit;
	return VP_CONTINUE;
}

static enum vp_outcome exit_interrupt(struct vp *vp, struct vp_exit *exit)
{
	(void)vp;
	(void)exit;
	return VP_SWITCH;
}

static inline void cpuid_load(uint64_t *gpr, const uint32_t value[4])
{
	gpr[GPR_RAX] = value[0];
	gpr[GPR_RBX] = value[1];
	gpr[GPR_RCX] = value[2];
	gpr[GPR_RDX] = value[3];
}

/* Apart, so that the common answer needs no stack for it. Leaves of the Hyper-V interface that are the
 * VMM's are in no table, but for those that the VMM has put there. */
static __cold enum vp_outcome exit_cpuid_slow(struct vp *vp, uint64_t next_rip)
{
	uint64_t *gpr = vp->arch.gpr;
	uint32_t value[4];

	if (partition_has_user_hyperv(vp->partition) &&
	    (uint32_t)gpr[GPR_RAX] >> 16 == HV_CPUID_VENDOR >> 16)
		return run_page_cpuid(vp, next_rip);
	guest_cpuid_query(vp, (uint32_t)gpr[GPR_RAX], (uint32_t)gpr[GPR_RCX], value);
	cpuid_load(gpr, value);
	guest_instruction_done(vp, next_rip);
	return VP_CONTINUE;
}

static enum vp_outcome exit_cpuid(struct vp *vp, struct vp_exit *exit)
{
	const uint32_t *value = guest_cpuid_value(vp, (uint32_t)vp->arch.gpr[GPR_RAX]);

	if (unlikely(!value))
		return exit_cpuid_slow(vp, exit->next_rip);
	cpuid_load(vp->arch.gpr, value);
	guest_instruction_done(vp, exit->next_rip);
	return VP_CONTINUE;
}

static bool msr_is_the_vmms(const struct vp *vp, uint32_t msr)
{
	if (partition_has_user_hyperv(vp->partition) &&
	    msr - HV_MSR_FIRST <= HV_MSR_LAST - HV_MSR_FIRST)
		return true;
	return vp->partition->arch.user_apic && guest_msr_is_apic(msr);
}

/* Some are for a VMM that models what they control; some are written later. */
static __cold enum vp_outcome msr_refused(struct vp *vp, const struct vp_exit *exit, bool write)
{
	if (msr_is_the_vmms(vp, (uint32_t)vp->arch.gpr[GPR_RCX]))
		return run_page_msr(vp, write, exit->next_rip);
	if (guest_outside_waits(vp, exit->next_rip))
		return VP_CONTINUE;
	guest_fault_gp(vp);
	return VP_CONTINUE;
}

static enum vp_outcome exit_msr_read(struct vp *vp, struct vp_exit *exit)
{
	uint64_t *gpr = vp->arch.gpr, value;

	if (!guest_msr_read(vp, (uint32_t)gpr[GPR_RCX], &value))
		return msr_refused(vp, exit, false);
	gpr[GPR_RAX] = (uint32_t)value;
	gpr[GPR_RDX] = value >> 32;
	guest_instruction_done(vp, exit->next_rip);
	return VP_CONTINUE;
}

/* The end of a level-triggered interrupt is told to the VMM, which has the I/O APIC. */
static inline enum vp_outcome eoi_tell(struct vp *vp)
{
	uint32_t vector;

	if (likely(!guest_lapic_eoi_take(vp, vp->active_vtl, &vector)))
		return VP_CONTINUE;
	vp->run->eoi.vector = vector;
	return run_page_return(vp, VP_RUN_EOI);
}

static enum vp_outcome exit_msr_write(struct vp *vp, struct vp_exit *exit)
{
	uint64_t *gpr = vp->arch.gpr;
	uint64_t value = (uint32_t)gpr[GPR_RAX] | gpr[GPR_RDX] << 32;

	if (!guest_msr_write(vp, (uint32_t)gpr[GPR_RCX], value))
		return msr_refused(vp, exit, true);
	guest_instruction_done(vp, exit->next_rip);
	return eoi_tell(vp);
}

/* A thread that a doorbell has woken may be more urgent than the VP, which is not told of it. */
static enum vp_outcome doorbell_rung(void)
{
	return cpu_is_wanted(this_cpu()) ? VP_SWITCH : VP_CONTINUE;
}

/* An OUT where one may be; the run page is filled in for the VMM. Apart, so that others need no stack for
 * it. */
static __attribute__((noinline)) enum vp_outcome port_doorbell(struct vp *vp,
							       const struct vp_exit *exit,
							       doorbell_chain_t *chain,
							       uint64_t key)
{
	uint64_t value = vp->arch.gpr[GPR_RAX] & MASK(8 * exit->port.size);

	guest_instruction_done(vp, exit->next_rip);
	if (!doorbell_write(chain, key, vp->active_vtl, exit->port.size, value))
		return run_page_return(vp, VP_RUN_PORT_IO);
	return doorbell_rung();
}

static enum vp_outcome exit_port(struct vp *vp, struct vp_exit *exit)
{
	struct vp_run_page *run = vp->run;
	struct arch_vp_vtl *a = vp_arch(vp);
	uint16_t port = exit->port.port;
	uint8_t size = exit->port.size;
	doorbell_chain_t *chain;
	uint64_t key;

	run->port.port = port;
	run->port.size = size;
	run->port.write = exit->port.write;
	if (!exit->port.write) {
		a->waiting = WAITING_PORT_IN;
		a->io_size = size;
		a->next_rip = exit->next_rip;
		return run_page_return(vp, VP_RUN_PORT_IO);
	}
	run->port.value = (uint32_t)(vp->arch.gpr[GPR_RAX] & MASK(8 * size));
	key = doorbell_key(DOORBELL_PORT, port);
	chain = doorbell_chain(vp->partition, key);
	if (unlikely(chain))
		return port_doorbell(vp, exit, chain, key);
	guest_instruction_done(vp, exit->next_rip);
	return run_page_return(vp, VP_RUN_PORT_IO);
}

static enum vp_outcome exit_port_string(struct vp *vp, struct vp_exit *exit)
{
	return run_page_emulate(vp, exit, EMULATE_PORT);
}

/* A store to where nothing is mapped, with no event on its way. */
static inline bool may_be_doorbell(const struct vp *vp, const struct vp_exit *exit)
{
	return exit->memory.access == MEMORY_WRITE && !(vp_arch(vp)->work & WORK_EVENT);
}

/* A store where a doorbell is. Of those that it is not, or which are no plain ones, the VMM is told,
 * as of each access. */
static __attribute__((noinline)) bool memory_doorbell(struct vp *vp, const struct vp_exit *exit,
						      doorbell_chain_t *chain, uint64_t key)
{
	const struct doorbell_entry *first;
	struct cpu *self = this_cpu();
	struct store store;
	bool rang;

	if (!may_be_doorbell(vp, exit))
		return false;
	read_begin(self);
	first = doorbell_first(chain, key);
	rang = first && guest_store_decode(vp, exit, &store) &&
	       doorbell_ring_from(first, vp->active_vtl, store.size, store.value);
	read_end(self);
	if (rang)
		guest_instruction_done(vp, vp_arch(vp)->rip + store.length);
	return rang;
}

static __attribute__((noinline)) enum vp_outcome known_doorbell(struct vp *vp,
								const struct vp_exit *exit)
{
	uint64_t key = doorbell_key(DOORBELL_GPA, exit->memory.gpa), value;
	const struct arch_vp_vtl *a = vp_arch(vp);
	doorbell_chain_t *chain = doorbell_chain(vp->partition, key);

	if (!chain || !guest_store_again(vp, exit, &value) ||
	    !doorbell_write(chain, key, vp->active_vtl, a->store->form.size, value))
		return VP_UNHANDLED;
	guest_instruction_done(vp, a->rip + a->store->form.length);
	return doorbell_rung();
}

/* The same store as the last time: the world switch need not be left for it. */
static enum vp_outcome quick_memory(struct vp *vp, struct vp_exit *exit)
{
	if (guest_store_is_known(vp) && may_be_doorbell(vp, exit))
		return known_doorbell(vp, exit);
	return VP_UNHANDLED;
}

/* A write to a page that may not be written. True: done with. To an overlay it is #GP (TLFS, "Establishing
 * the Hypercall Interface"). */
static bool write_refused(struct vp *vp, gpa_t gpa)
{
	struct gpa_space *space = vp_active(vp)->space;

	if (gpa_dirty_fault(space, gpa))
		return true;
	if (!gpa_overlay_refuses(space, gpa))
		return false;
	guest_fault_gp(vp);
	return true;
}

static enum vp_outcome exit_memory(struct vp *vp, struct vp_exit *exit)
{
	uint64_t key = doorbell_key(DOORBELL_GPA, exit->memory.gpa);
	doorbell_chain_t *chain = doorbell_chain(vp->partition, key);
	uint32_t access = exit->memory.access, flags = EMULATE_MEMORY;

	if (unlikely(chain) && memory_doorbell(vp, exit, chain, key))
		return doorbell_rung();
	if ((access & MEMORY_WRITE) && (access & MEMORY_MAPPED) &&
	    write_refused(vp, exit->memory.gpa))
		return VP_CONTINUE;
	if (access & MEMORY_WRITE)
		flags |= EMULATE_WRITE;
	if (access & MEMORY_FETCH)
		flags |= EMULATE_FETCH;
	if (access & MEMORY_WALK)
		flags |= EMULATE_WALK;
	if (access & MEMORY_MAPPED)
		flags |= EMULATE_MAPPED;
	/* The processor was delivering an event, which waits: no instruction is to be emulated. */
	if (vp_arch(vp)->work & WORK_EVENT)
		flags |= EMULATE_EVENT;
	return run_page_emulate(vp, exit, flags);
}

static enum vp_outcome exit_halt(struct vp *vp, struct vp_exit *exit)
{
	guest_instruction_done(vp, exit->next_rip);
	if (unlikely(vp->partition->arch.user_apic))
		return run_page_apic(vp, VP_RUN_HALT);
	vp_arch(vp)->activity = ACTIVITY_HALTED;
	return VP_CONTINUE;
}

/* False: the number is not of a register whose writes are watched. Long mode follows paging: SDM 3A
 * 10.8.5. */
static bool control_register_set(struct guest_state *state, uint8_t number, uint64_t value)
{
	switch (number) {
	case 0:
		state->cr0 = value | CR0_ET;
		state->efer &= ~EFER_LMA;
		if ((value & CR0_PG) && (state->efer & EFER_LME))
			state->efer |= EFER_LMA;
		return true;
	case 4: state->cr4 = value; return true;
	default: return false;
	}
}

/* The task priority, while it holds an interrupt off or where the processor does not see to it. */
static enum vp_outcome exit_cr8(struct vp *vp, struct vp_exit *exit)
{
	uint64_t *gpr = &vp->arch.gpr[exit->cr.gpr];

	if (exit->cr.write && *gpr > CR8_MAX) {
		guest_fault_gp(vp);
		return VP_CONTINUE;
	}
	if (exit->cr.write)
		guest_cr8_write(vp, (uint8_t)*gpr);
	else
		*gpr = vp_arch(vp)->cr8;
	guest_instruction_done(vp, exit->next_rip);
	return VP_CONTINUE;
}

/* CR4, CR8, and CR0 where a backend must keep bits of it. Without the processor's help the VMM
 * decodes. */
static enum vp_outcome exit_cr(struct vp *vp, struct vp_exit *exit)
{
	struct guest_state state, old;

	if (exit->cr.decoded && exit->cr.number == 8)
		return exit_cr8(vp, exit);
	backend->arch.state_get(vp, vp->active_vtl, STATE_CONTROL, &old);
	state = old;
	if (!exit->cr.decoded || !exit->cr.write ||
	    !control_register_set(&state, exit->cr.number, vp->arch.gpr[exit->cr.gpr]))
		return run_page_emulate(vp, exit, EMULATE_CR);
	if (!guest_control_write(vp, &old, &state)) {
		guest_fault_gp(vp);
		return VP_CONTINUE;
	}
	vp_arch(vp)->work |= WORK_INTERRUPT;
	guest_instruction_done(vp, exit->next_rip);
	return VP_CONTINUE;
}

/* The one instruction finished here that SVM may intercept before it looks at the privilege
 * level. */
static enum vp_outcome exit_xsetbv(struct vp *vp, struct vp_exit *exit)
{
	uint64_t *gpr = vp->arch.gpr;
	uint64_t value = (uint32_t)gpr[GPR_RAX] | gpr[GPR_RDX] << 32;
	struct guest_state state;

	backend->arch.state_get(vp, vp->active_vtl, STATE_SEGMENTS, &state);
	if ((state.segment[SEGMENT_SS].attributes & HV_SEGMENT_DPL_MASK) ||
	    (uint32_t)gpr[GPR_RCX] != 0 || !guest_xcr0_valid(vp, value)) {
		guest_fault_gp(vp);
		return VP_CONTINUE;
	}
	vp->arch.fpu.xcr0 = value;
	this_cpu()->arch.xcr0 = value;
	xcr0_write(value);
	guest_instruction_done(vp, exit->next_rip);
	return VP_CONTINUE;
}

/* INVD and WBINVD: guest memory is coherent, and no device of the machine's is the guest's. */
static enum vp_outcome exit_skip(struct vp *vp, struct vp_exit *exit)
{
	guest_instruction_done(vp, exit->next_rip);
	return VP_CONTINUE;
}

/* The guest spins, maybe for a lock whose holder is a VP that waits for this CPU. */
static enum vp_outcome exit_pause(struct vp *vp, struct vp_exit *exit)
{
	guest_instruction_done(vp, exit->next_rip);
	return sched_yield() ? VP_SWITCH : VP_CONTINUE;
}

/* Of an EOI the processor has done the first half, of a write to the page that it came there. */
static enum vp_outcome exit_eoi(struct vp *vp, struct vp_exit *exit)
{
	guest_lapic_eoi_virtualized(vp, exit->vector);
	return eoi_tell(vp);
}

static enum vp_outcome exit_apic_write(struct vp *vp, struct vp_exit *exit)
{
	guest_lapic_page_written(vp, exit->offset);
	return eoi_tell(vp);
}

static enum vp_outcome exit_window(struct vp *vp, struct vp_exit *exit)
{
	(void)exit;
	vp_arch(vp)->work |= WORK_INTERRUPT;
	return VP_CONTINUE;
}

/* An exception on the way to its own handler exits before the guest has run an instruction, and so
 * before a host interrupt could: without a look at those in between it would go on for ever. */
static enum vp_outcome exit_exception(struct vp *vp, struct vp_exit *exit)
{
	if (unlikely(vp_arch(vp)->work & WORK_DEBUG) && guest_debug_exception(vp, exit))
		return VP_CONTINUE;
	guest_exception(vp, exit->event.vector, exit->event.has_error, exit->event.error);
	return VP_SWITCH;
}

/* Without a debugger the backend has given the guest its registers, and kept nothing for here. */
static enum vp_outcome exit_dr(struct vp *vp, struct vp_exit *exit)
{
	guest_debug_access(vp, exit);
	return VP_CONTINUE;
}

/* The host's affair, not the guest's: vp_run() sees to it once the guest's state is put away. */
static enum vp_outcome exit_machine_check(struct vp *vp, struct vp_exit *exit)
{
	(void)vp;
	(void)exit;
	return VP_MACHINE_CHECK;
}

static enum vp_outcome exit_undefined(struct vp *vp, struct vp_exit *exit)
{
	(void)exit;
	guest_fault_ud(vp);
	return VP_CONTINUE;
}

static enum vp_outcome exit_hypercall(struct vp *vp, struct vp_exit *exit)
{
	if (unlikely(partition_has_user_hyperv(vp->partition)))
		return run_page_hypercall(vp, exit->next_rip);
	return guest_hypercall(vp, exit->next_rip, false);
}

static enum vp_outcome exit_protected(struct vp *vp, struct vp_exit *exit)
{
	(void)exit;
	guest_fault_gp(vp);
	return VP_CONTINUE;
}

static enum vp_outcome exit_shutdown(struct vp *vp, struct vp_exit *exit)
{
	(void)exit;
	return run_page_shutdown(vp, VP_RUN_TRIPLE_FAULT, 0);
}

static enum vp_outcome exit_failed(struct vp *vp, struct vp_exit *exit)
{
	return run_page_shutdown(vp, VP_RUN_FAILED, exit->code);
}

static exit_handler_t *const handlers[VP_EXIT_KINDS] = {
	[VP_EXIT_NONE] = exit_none,
	[VP_EXIT_INTERRUPT] = exit_interrupt,
	[VP_EXIT_CPUID] = exit_cpuid,
	[VP_EXIT_MSR_READ] = exit_msr_read,
	[VP_EXIT_MSR_WRITE] = exit_msr_write,
	[VP_EXIT_PORT] = exit_port,
	[VP_EXIT_PORT_STRING] = exit_port_string,
	[VP_EXIT_MEMORY] = exit_memory,
	[VP_EXIT_HALT] = exit_halt,
	[VP_EXIT_HYPERCALL] = exit_hypercall,
	[VP_EXIT_CR] = exit_cr,
	[VP_EXIT_DR] = exit_dr,
	[VP_EXIT_XSETBV] = exit_xsetbv,
	[VP_EXIT_CACHE] = exit_skip,
	[VP_EXIT_INTERRUPT_WINDOW] = exit_window,
	[VP_EXIT_NMI_WINDOW] = exit_none,
	[VP_EXIT_EXCEPTION] = exit_exception,
	[VP_EXIT_UNDEFINED] = exit_undefined,
	[VP_EXIT_PROTECTED] = exit_protected,
	[VP_EXIT_SHUTDOWN] = exit_shutdown,
	[VP_EXIT_FAILED] = exit_failed,
	[VP_EXIT_PAUSE] = exit_pause,
	[VP_EXIT_TPR] = exit_window,
	[VP_EXIT_EOI] = exit_eoi,
	[VP_EXIT_APIC_ACCESS] = exit_memory,
	[VP_EXIT_MACHINE_CHECK] = exit_machine_check,
	[VP_EXIT_APIC_WRITE] = exit_apic_write,
	[VP_EXIT_TABLE] = guest_npiep_exit,
	[VP_EXIT_TSC] = guest_tsc_exit,
};

enum vp_outcome arch_vp_handle_exit(struct vp *vp)
{
	return handlers[vp->exit.kind](vp, &vp->exit);
}

/* Most are as quick as that. */
static exit_handler_t *const quick_handlers[VP_EXIT_KINDS] = {
	[VP_EXIT_CPUID] = exit_cpuid,	      [VP_EXIT_MSR_READ] = exit_msr_read,
	[VP_EXIT_MSR_WRITE] = exit_msr_write, [VP_EXIT_CACHE] = exit_skip,
	[VP_EXIT_PAUSE] = exit_pause,	      [VP_EXIT_HYPERCALL] = guest_hypercall_quick,
	[VP_EXIT_MEMORY] = quick_memory,      [VP_EXIT_TSC] = guest_tsc_exit,
};

enum vp_outcome arch_vp_quick_exit(struct vp *vp)
{
	return quick_handlers[vp->exit.kind](vp, &vp->exit);
}
