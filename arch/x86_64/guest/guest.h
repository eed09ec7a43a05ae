/* SPDX-License-Identifier: MIT */
/*
 * What the files of the guest's x86 processor share.
 *
 *   processor.c  making, reset, INIT, SIPI; coming to a CPU and leaving it
 *   exit.c       one handler for each kind of exit
 *   event.c      exceptions and interrupts on their way to the guest
 *   registers.c  registers by name, checked
 *   run_page.c   what the VMM is told, and its answers
 *   debug.c      what the VMM does as a debugger; step.c
 *   outside.c    what is finished when the VP is off its CPU
 *   hv_*.c       the Hyper-V interface: CPUID, MSRs
 *   npiep.c      what of it forbids programs a few instructions
 *   translate.c  the walk of the guest's page tables with their rights, for a hypercall
 *   linear.c     the walk of the guest's page tables, for what is looked at of its instructions
 *   tsc.c        the TSC, at its rate or another
 *   cpuid*.c msr.c lapic*.c apic_bus.c mtrr.c
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "cpuid.h"
#include "lapic.h"
#include "msr.h"
#include "mtrr.h"
#include "tsc.h"
#include <arch/cr.h>
#include <kernel/backend.h>
#include <kernel/partition_arch.h>
#include <trivet/state.h>

enum exception {
	EXCEPTION_DE = 0,
	EXCEPTION_DB = 1,
	EXCEPTION_BP = 3,
	EXCEPTION_OF = 4,
	EXCEPTION_BR = 5,
	EXCEPTION_UD = 6,
	EXCEPTION_NM = 7,
	EXCEPTION_DF = 8,
	EXCEPTION_TS = 10,
	EXCEPTION_NP = 11,
	EXCEPTION_SS = 12,
	EXCEPTION_GP = 13,
	EXCEPTION_PF = 14,
	EXCEPTION_MF = 16,
	EXCEPTION_AC = 17,
	EXCEPTION_XM = 19,
};

#define DR6_RESET 0xffff0ff0ull
#define DR7_RESET 0x400ull
#define DR6_BS	  BIT(14)
#define DR7_GD	  BIT(13)

static inline struct arch_vp_vtl *vp_arch(const struct vp *vp)
{
	return &vp_active(vp)->arch;
}

/* ---- event.c ---- */

/* Has the guest take an exception at its next entry. A second one before the first was delivered
 * makes a double fault, a third a shutdown (SDM 3A 6.15, "Interrupt 8"). */
void guest_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error);
/* arch_vp_vtl.event, with WORK_EVENT, goes into the next entry. */
void guest_event_deliver(struct vp *vp);
static inline void guest_fault_ud(struct vp *vp)
{
	guest_exception(vp, EXCEPTION_UD, false, 0);
}
static inline void guest_fault_gp(struct vp *vp)
{
	guest_exception(vp, EXCEPTION_GP, true, 0);
}
/* The rest of guest_instruction_done() when RF or TF is set: RF ends, TF traps. */
void guest_debug_flags_done(struct vp *vp);
/* The instruction is done: RIP goes on, shadow and RF end, TF traps. */
static inline void guest_instruction_done(struct vp *vp, uint64_t next_rip)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	a->rip = next_rip;
	a->shadow = 0;
	if (unlikely(a->rflags & (RFLAGS_TF | RFLAGS_RF)))
		guest_debug_flags_done(vp);
}

/* ---- processor.c ---- */

void guest_init(struct vp *vp);			/* INIT */
void guest_sipi(struct vp *vp, uint8_t vector); /* start-up */
/* What reset and INIT have in common, of what a backend keeps; CR0 with its cache bits. */
void guest_state_reset(struct guest_state *state, uint64_t cache_bits);
uint64_t guest_signature(const struct vp *vp); /* RDX at reset */
#define GUEST_RESET_RIP 0xfff0u

/* ---- registers.c ---- */

/* The elements of a saved state that hold registers are parts of it: struct vp_state_registers (from
 * gpr to state.efer), vp_state_msrs (state.star to sysenter_eip), vp_state_debug (state.dr6 to dr), ... */
struct guest_registers {
	uint64_t gpr[16];
	uint64_t rip, rflags, cr2;
	struct guest_state state;
	uint64_t dr[4];
	uint64_t xcr0, xss, tsc_aux, spec_ctrl, npiep;
	struct guest_mtrr mtrr;
	uint64_t apic_base;
	uint64_t tsc, tsc_read; /* as it was read, to see whether it has been changed */
	struct vp_state_activity activity;
	uint16_t pending_read; /* activity.pending: others may add to it meanwhile */
};

void guest_registers_get(struct vp *vp, uint32_t vtl, struct guest_registers *r);
/* As after reset (SDM 3A table 10-1, APM 2 table 14-1). */
void guest_registers_reset(struct vp *vp, uint32_t vtl, struct guest_registers *r);
/* They are in the one form that guest_registers_get() gives. */
bool guest_registers_normal(const struct guest_registers *r);
bool guest_registers_valid(const struct vp *vp, const struct guest_registers *r);
/* Of those that are valid; the APIC's base is left alone. */
void guest_registers_apply(struct vp *vp, uint32_t vtl, const struct guest_registers *r);
/* INVALID_REGISTER_VALUE: no processor of this partition can be in that state; nothing changed. */
status_t guest_registers_set(struct vp *vp, uint32_t vtl, const struct guest_registers *r);
/* What a MOV to a control register does to STATE_CONTROL, which was `old`. False: #GP instead, and
 * nothing changed. Processors of both makers load the top entries of PAE paging then, and check them
 * (SDM 3A 4.4.1). That SVM looks at them in the walk only, when paging is nested (APM 15.25.10), holds
 * for the writes that do not exit. */
bool guest_control_write(struct vp *vp, const struct guest_state *old,
			 const struct guest_state *state);
bool guest_xcr0_valid(const struct vp *vp, uint64_t xcr0);
/* ---- run_page.c ---- */

enum vp_outcome run_page_return(struct vp *vp, enum vp_run_reason reason);
enum vp_outcome run_page_emulate(struct vp *vp, const struct vp_exit *exit, uint32_t flags);
/* For a VMM that models the APIC: CR8 with it. */
enum vp_outcome run_page_apic(struct vp *vp, enum vp_run_reason reason);
enum vp_outcome run_page_msr(struct vp *vp, bool write, uint64_t next_rip);
/* For a VMM that does the Hyper-V interface; of any partition. */
enum vp_outcome run_page_cpuid(struct vp *vp, uint64_t next_rip);
enum vp_outcome run_page_hypercall(struct vp *vp, uint64_t next_rip);
/* VP_RUN_SINGLE_STEP, HW_BREAK of `index`, INT3. */
enum vp_outcome run_page_debug(struct vp *vp, enum vp_run_reason reason, uint32_t index);
enum vp_outcome run_page_shutdown(struct vp *vp, enum vp_run_reason reason, uint64_t code);

#endif
