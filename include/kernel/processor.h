/* SPDX-License-Identifier: MIT */
/*
 * A virtual processor: what is stored once, what is stored per VTL, and how it is run.
 *
 * A VP is bound to one thread; only that thread's CPU touches the VP, except for `requests`,
 * which any CPU may set with vp_request(), and the parts of the local APIC that are atomic.
 */
#ifndef KERNEL_PROCESSOR_H
#define KERNEL_PROCESSOR_H

#include <arch/exit.h>
#include <kernel/hyperv.h>
#include <kernel/object.h>
#include <kernel/partition.h>
#include <trivet/abi.h>
#include <trivet/exits.h>

struct thread;
struct cpu;
struct synic;

/* Why the guest was left. */
#define VP_EXIT_ENUM(name, words) VP_EXIT_##name,
enum vp_exit_kind { VP_EXIT_TABLE(VP_EXIT_ENUM) VP_EXIT_KINDS };
#undef VP_EXIT_ENUM
static_assert((int)VP_EXIT_KINDS <= VP_STATS_EXITS, "struct vp_stats has a place for each");

/* What other CPUs ask of a VP; the architecture has more from VP_REQUEST_ARCH up. */
enum vp_request {
	VP_REQUEST_YIELD = BIT(0),     /* return to the VMM soon */
	VP_REQUEST_INTERRUPT = BIT(1), /* the interrupt controller has something new */
	VP_REQUEST_TIMER = BIT(2),
	VP_REQUEST_NOTIFIED = BIT(3), /* as INTERRUPT, by vp_notify() */
	VP_REQUEST_FLUSH = BIT(4),    /* drop the guest's own translations */
	VP_REQUEST_STIMER = BIT(5),   /* a synthetic timer may be due */
	VP_REQUEST_TSC = BIT(6),      /* the rate of the partition's TSC is another */
	VP_REQUEST_ARCH = BIT(8),
};

enum vp_run_state { VP_STOPPED, VP_RUNNING, VP_READY, VP_BLOCKED };

struct vp_vtl {
	struct arch_vp_vtl arch;
	struct gpa_space *space;
	void *backend;			/* the backend's own */
	struct hv_page_register assist; /* the VP assist page */
	struct synic *synic;		/* NULL: it has none */
};

struct vp {
	struct arch_vp arch;  /* what the VTLs share; first: assembly knows its offsets */
	struct object object; /* alive while bound */
	_Atomic bool bound;
	struct partition *partition;
	uint32_t index;
	uint32_t active_vtl;
	_Atomic uint32_t requests;  /* enum vp_request */
	_Atomic uint32_t run_state; /* enum vp_run_state */
	struct thread *thread;	    /* that it is bound to; changes under wake_lock */
	struct spinlock wake_lock;  /* held from BLOCKED to READY until the thread has its wake */
	struct cpu *_Atomic cpu;    /* on which it is loaded */
	_Atomic uint64_t tlb_seen;  /* generation of the space at the last entry */
	struct vp_run_page *run;    /* the VMM's page, NULL: driven by the kernel itself */
	hpa_t run_hpa;		    /* pinned */
	uint64_t loaded_at;	    /* time stamp, while it is loaded */
	struct vp_stats *stats;
	struct vp_vtl *vtl[VTL_COUNT];
	/* What vp_exit_take() does with an exit; others than usual while the VP is profiled. */
	uint64_t quick_exits;	    /* bits by kind: those that it handles by itself */
	uint32_t other_exits;	    /* enum vp_outcome: what it says of the others */
	struct vp_profile *profile; /* NULL: it never was */
	struct vp_exit exit;	    /* the last one */
};

static inline struct vp_vtl *vp_active(const struct vp *vp)
{
	return vp->vtl[vp->active_vtl];
}

/* What vp_run() came back with. From VP_SWITCH up, the VP goes on after a look at the host. */
enum vp_outcome {
	VP_ENTER,	  /* only inside: the exit is done with and nothing waits; 0 for assembly */
	VP_CONTINUE,	  /* only inside: go on */
	VP_UNHANDLED,	  /* only inside: the exit is yet to be handled */
	VP_PROFILED,	  /* only inside: the same, of a VP that is profiled */
	VP_TO_VMM,	  /* the run page tells */
	VP_BLOCK,	  /* halted, nothing pending */
	VP_SWITCH,	  /* a host interrupt waits, or the CPU is wanted by another thread */
	VP_MACHINE_CHECK, /* only inside: the host's handler must run, with its own state loaded */
	VP_UNLOAD,	  /* only inside: arch_vp_unloaded() has to do something */
};

status_t vp_create(struct partition *partition, uint32_t index, struct vp **vp) __must_check;
void vp_destroy(struct vp *vp);
status_t vp_reset(struct vp *vp);

/* Runs the VP on this CPU until the VMM must act, it blocks, or the CPU is wanted. */
enum vp_outcome vp_run(struct vp *vp);
/* Asks something of a VP: any CPU, any time while the partition lives. */
void vp_request(struct vp *vp, uint32_t bits);
/* Of an interrupt that the processor may deliver by itself: a CPU in the guest is told each time, and
 * need not exit. */
void vp_notify(struct vp *vp);
/* Takes the VP's state off this CPU. Called by vp_run and before the VP is touched otherwise. */
void vp_put(struct vp *vp);

/* Runs the function where the VP's state may be touched: between two runs on the CPU that it is bound
 * to, or here if it is bound to none, and not bound meanwhile. The function takes no lock but that of a guest's address space. BUSY: its
 * binding changed too often. No lock may be held. */
status_t vp_call(struct vp *vp, void (*function)(struct vp *vp, void *argument),
		 void *argument) __must_check;

/* What exits cost (kernel/profile.c). */
struct vp_profile {
	struct inspect_profile times;
	uint64_t left_at; /* the end of the last handler */
	uint32_t kind;	  /* of that exit */
	bool to_vmm;	  /* which the VMM got */
};
/* On: counts from 0. NO_MEMORY, BUSY. */
status_t vp_profile_set(struct vp *vp, bool on) __must_check;
/* arch_vp_handle_exit(), timed. */
enum vp_outcome vp_profile_exit(struct vp *vp);

/* Is there something to do before the next entry? */
static inline bool vp_has_work(const struct vp *vp, const struct vp_vtl *v)
{
	return atomic_load(&((struct vp *)(uintptr_t)vp)->requests) | v->arch.work |
	       v->arch.activity;
}

/* ---- the guest half of the architecture (arch/<arch>/guest) ---- */

status_t arch_partition_create(struct partition *partition);
status_t arch_partition_build(struct partition *partition, const struct cpuid_leaf *leaves,
			      uint32_t leaf_count);
void arch_partition_destroy(struct partition *partition);
/* What the VPs share, as after build; no VP runs. It may fail, and is repeated then. */
status_t arch_partition_reset(struct partition *partition);
status_t arch_vp_create(struct vp *vp);
void arch_vp_destroy(struct vp *vp);
void arch_vp_reset(struct vp *vp); /* power-on state */
/* Brings shared state (FPU, timers) to this CPU / takes it away. */
void arch_vp_load(struct vp *vp);
void arch_vp_put(struct vp *vp);
/* Takes over the VMM's answers from the run page at the start of a run. */
void arch_vp_resume(struct vp *vp);
/* Takes in what other CPUs asked for, but the yield, as the next entry would; after the VMM's answer. VP
 * stopped, own CPU. */
void arch_vp_flush_requests(struct vp *vp);
/* Before each entry: requests, injection. VP_CONTINUE: enter. */
enum vp_outcome arch_vp_prepare(struct vp *vp);
/* vp->exit. */
enum vp_outcome arch_vp_handle_exit(struct vp *vp);
/* The same of ARCH_QUICK_EXITS, for vp_exit_take(). VP_UNHANDLED: not quickly. */
enum vp_outcome arch_vp_quick_exit(struct vp *vp);
/* Runs the host's machine-check handler, for one that came as an exit. No VP is loaded. */
void arch_machine_check(void);
/* What the VP asked for by VP_UNLOAD: it waits for other CPUs. No VP is loaded. */
void arch_vp_unloaded(struct vp *vp);

#endif
