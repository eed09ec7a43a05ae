/* SPDX-License-Identifier: MIT */
/* The elements of an AArch64 VP's state, beside those of <trivet/state.h>, which includes this. */
#ifndef TRIVET_AARCH64_STATE_H
#define TRIVET_AARCH64_STATE_H

#include <trivet/gic_state.h>
#include <trivet/types.h>

/* In the header of a state. */
#define STATE_ARCHITECTURE STATE_AARCH64

/* X(name, number) */
#define VP_STATE_TABLE(X)                                          \
	X(REGISTERS, 1)		  /* struct vp_state_registers */  \
	X(ACTIVITY, 2)		  /* struct vp_state_activity */   \
	X(SYSTEM, 3)		  /* struct vp_state_system */     \
	X(SIMD, 4)		  /* struct vp_state_simd */       \
	X(GIC, 5)		  /* struct vp_state_gic */        \
	X(TIMERS, 6)		  /* struct vp_state_arm_timers */ \
	X(DEBUG, 7)		  /* struct vp_state_debug */      \
	X(PAUTH, 8)		  /* struct vp_state_pauth */      \
	X(SYNIC_MSRS, 16)	  /* struct vp_state_synic */      \
	X(SYNIC_MESSAGE_PAGE, 17) /* a page */                     \
	X(SYNIC_EVENT_PAGE, 18)	  /* a page */                     \
	X(SYNIC_QUEUES, 19)	  /* struct vp_state_queues */     \
	X(SYNIC_TIMERS, 20)	  /* struct vp_state_timers */     \
	X(ASSIST, 22)		  /* struct vp_state_assist */

struct vp_state_registers {
	uint64_t x[31];
	uint64_t sp_el0, sp_el1;
	uint64_t pc;
	uint64_t pstate; /* as SPSR_EL2 has it */
};

enum vp_state_activity_kind {
	VP_RUNNING_ACTIVE = 0,
	VP_HALTED = 1,	     /* in WFI */
	VP_WAITS_FOR_ON = 2, /* for PSCI CPU_ON */
};

struct vp_state_activity {
	uint32_t activity; /* enum vp_state_activity_kind */
	uint32_t reserved;
};

/* By the names of the registers, in the order of their encodings but for those of EL0. */
struct vp_state_system {
	uint64_t sctlr_el1, actlr_el1, cpacr_el1;
	uint64_t ttbr0_el1, ttbr1_el1, tcr_el1;
	uint64_t spsr_el1, elr_el1;
	uint64_t afsr0_el1, afsr1_el1, esr_el1;
	uint64_t far_el1, par_el1;
	uint64_t mair_el1, amair_el1;
	uint64_t vbar_el1, contextidr_el1, tpidr_el1;
	uint64_t cntkctl_el1, csselr_el1;
	uint64_t tpidr_el0, tpidrro_el0;
};

struct vp_state_simd {
	uint64_t q[32][2]; /* the low half first */
	uint64_t fpcr, fpsr;
};

/* The counter of the VP, and the partition's reference time then; compare values are of that counter. */
struct vp_state_arm_timers {
	uint64_t counter;
	uint64_t reference_time;
	uint64_t virtual_control, virtual_compare;
	uint64_t physical_control, physical_compare;
};

struct vp_state_debug {
	uint64_t mdscr_el1;
	struct {
		uint64_t value, control;
	} breakpoint[16], watchpoint[16]; /* those that the processor has not are 0 */
};

/* Keys of pointer authentication, the low half first: IA, IB, DA, DB, GA. */
struct vp_state_pauth {
	uint64_t key[5][2];
};

#endif
