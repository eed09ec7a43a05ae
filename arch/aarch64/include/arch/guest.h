/* SPDX-License-Identifier: MIT */
/*
 * The AArch64 processor that a guest sees: what a partition, a VP and a VTL of a VP keep. X0 to X30 and the
 * SIMD registers are shared by the VTLs of a VP, the rest is a VTL's own.
 */
#ifndef ARCH_GUEST_H
#define ARCH_GUEST_H

#include <arch/fpu.h>
#include <arch/guest_gic.h>
#include <kernel/timer.h>
#include <trivet/abi.h>
#include <trivet/state.h>

struct vp;

#define ARCH_HAS_PORTS 0
#define ARCH_HAS_APICS 0

/* Of hypercalls: sizes of HV_INITIAL_VP_CONTEXT, of HV_PROCESSOR_HW_ID, and of what is translated Ex; flags of
 * translations; vectors of IPIs, which are INTIDs of SGIs and PPIs. */
#define ARCH_HV_CONTEXT_SIZE	    72u
#define ARCH_HV_PROCESSOR_ID_SIZE   8u
#define ARCH_HV_TRANSLATION_EX_SIZE 16u
#define ARCH_HV_TRANSLATE_KNOWN	    (MASK(10) & ~BIT(3))
#define ARCH_HV_IPI_FIRST	    0u
#define ARCH_HV_IPI_LAST	    31u

#define ARCH_PARTITION_STATE PARTITION_STATE_GIC

struct arch_vp {
	uint64_t x[31]; /* first: assembly */
	struct fpu_state fpu;
	uint64_t call_pc; /* of WORK_HYPERCALL: the instruction */
	bool call_smccc;  /* so too: it is a call of SMCCC's */
};

/* What a VTL of a VP waits with; all zero in the common case, tested as one word. */
enum vp_work {
	WORK_EVENT = BIT(0), /* the VMM's answer was an exception: `event` */
	WORK_ENTRY = BIT(1), /* the next entry looks at list registers and translations */
	WORK_DEBUG = BIT(3), /* `debugger` asks for something: stays while it does */
	WORK_CLEAN = BIT(2), /* memory is to be cleaned to where a guest without caches reads it */
	WORK_HYPERCALL = BIT(4), /* a hypercall is to be made when no CPU has the VP */
};

/* Those of enum vp_exit_kind that vp_exit_take() handles at once. */
#define ARCH_QUICK_EXITS                                                            \
	(BIT(VP_EXIT_HYPERCALL) | BIT(VP_EXIT_SMC) | BIT(VP_EXIT_SYSTEM_REGISTER) | \
	 BIT(VP_EXIT_INTERRUPT) | BIT(VP_EXIT_MEMORY))

enum vp_activity {
	ACTIVITY_RUNNING,
	ACTIVITY_HALTED,      /* in WFI */
	ACTIVITY_WAIT_FOR_ON, /* for PSCI CPU_ON */
};

/* What a run page's answer belongs to. */
enum vp_waiting {
	WAITING_NONE,
	WAITING_MMIO_READ,
	WAITING_MMIO_WRITE,
	WAITING_EMULATE,
	WAITING_DEBUG,
	WAITING_BREAK, /* so too, of VP_RUN_INT3 */
};

/* A timer of the guest: its registers, in counts of its own counter. */
struct guest_timer {
	uint64_t control; /* CNTx_CTL_EL0: ENABLE, IMASK */
	uint64_t compare; /* CNTx_CVAL_EL0 */
};

/* PSCI: how another VP turns this one on. STARTING: `entry` and `context` are being written. */
enum psci_power { PSCI_ON, PSCI_OFF, PSCI_STARTING, PSCI_ON_PENDING };

/* What the VMM, as a debugger, has asked for (guest/debug.c). In use while WORK_DEBUG is set. */
struct guest_debug {
	struct vp_debug_state asked;
	uint64_t broke_at; /* where it was told of last */
	uint8_t hit;	   /* what is to be told when the step has ended: an index + 1 */
	bool told;	   /* the VMM has been told since the last entry */
	bool passing;	   /* an instruction is stepped over, without breakpoints */
	bool holds;	   /* interrupts wait */
};

struct arch_vp_vtl {
	uint64_t pc, pstate; /* first: assembly */
	uint32_t work;	     /* enum vp_work */
	uint32_t activity;   /* enum vp_activity */
	uint8_t waiting;     /* enum vp_waiting */
	uint8_t event;	     /* of WORK_EVENT: enum vp_run_event */
	bool traps_caches;   /* HCR_EL2.TVM: until the guest has its caches on */
	bool set_way;	     /* it has cleaned caches by set and way, since SCTLR_EL1 was written */
	bool virtual_held; /* the virtual timer's interrupt is the guest's: active at the host's GIC */
	uint64_t cleaned;  /* of WORK_CLEAN: the guest physical address that it has come to */
	uint64_t syndrome; /* ESR_EL2 of the exit that waits */
	uint64_t fault;	   /* FAR_EL2, so too */
	uint64_t sp_el0, sp_el1;
	struct vp_state_system system; /* while no CPU has them: guest/world.h */
	struct vp_state_pauth pauth;
	struct vp_state_debug debug; /* the guest's own */
	struct guest_debug debugger;
	struct guest_timer virtual_timer, physical_timer;
	struct timer
		timer; /* for the first of them, while the VP sleeps; for the physical one always */
	struct vgic_cpu gic;
	_Atomic uint32_t power;	 /* enum psci_power */
	uint64_t entry, context; /* of PSCI_ON_PENDING */
	struct vp *vp;
};

/* VMIDs: a generation above the number; 0: none. */
struct guest_vmid {
	_Atomic uint64_t value;
};

struct arch_partition {
	uint64_t counter_offset; /* a guest's counter = CNTPCT_EL0 - this */
	struct guest_vmid vmid;
	uint32_t *last_vp;  /* by CPU: the index + 1 of the VP that it ran last; 0: none */
	uint32_t cpu_count; /* of last_vp */
	uint64_t *ids;	    /* ID registers as the guest sees them: guest/ids.h */
	struct vgic gic;
	struct vgic_cpu *_Atomic *gic_cpus;
	_Atomic uint64_t *spis;
};

#endif
