/* SPDX-License-Identifier: MIT */
/*
 * A virtual processor: what is stored once, what is stored per VTL, and how it is run.
 *
 * A VP is bound to one thread; only that thread's CPU touches the VP, except for `requests`,
 * which any CPU may set with vp_request(), and the parts of the local APIC that are atomic.
 */
#ifndef KERNEL_PROCESSOR_H
#define KERNEL_PROCESSOR_H

#include <kernel/object.h>
#include <kernel/partition.h>
#include <trivet/abi.h>

struct thread;
struct cpu;

/* Why the guest was left, in words that no backend owns. The order is ABI (struct vp_stats). */
#define VP_EXIT_TABLE(X)                                                                \
	X(NONE, "none")		  /* the backend has dealt with it */                   \
	X(INTERRUPT, "interrupt") /* a host interrupt or NMI waits */                   \
	X(CPUID, "cpuid")                                                               \
	X(MSR_READ, "msr read")                                                         \
	X(MSR_WRITE, "msr write")                                                       \
	X(PORT, "port")                                                                 \
	X(MEMORY, "memory")                                                             \
	X(HALT, "halt")                                                                 \
	X(HYPERCALL, "hypercall")                                                       \
	X(CR, "control register")                                                       \
	X(DR, "debug register")                                                         \
	X(XSETBV, "xsetbv")                                                             \
	X(CACHE, "cache") /* INVD, WBINVD */                                            \
	X(INTERRUPT_WINDOW, "interrupt window")                                         \
	X(NMI_WINDOW, "nmi window")                                                     \
	X(EXCEPTION, "exception") /* an intercepted exception: exit.event */            \
	X(UNDEFINED, "undefined") /* an instruction that the guest does not have */     \
	X(PROTECTED, "protected") /* an instruction that answers #GP here */            \
	X(SHUTDOWN, "shutdown")	  /* triple fault */                                    \
	X(FAILED, "failed")	  /* the processor refused the state: exit.code */      \
	X(PAUSE, "pause")	  /* after many in a row */                             \
	X(TPR, "tpr")                                                                   \
	X(EOI, "eoi")			  /* done by the processor: exit.vector */      \
	X(APIC_ACCESS, "apic access")	  /* that it can't do by itself: exit.memory */ \
	X(MACHINE_CHECK, "machine check") /* of the host, while the guest ran */        \
	X(APIC_WRITE, "apic write")	  /* to the APIC's page: exit.offset */         \
	X(PORT_STRING, "string port")	  /* INS and OUTS, repeated or not */

#define VP_EXIT_ENUM(name, words) VP_EXIT_##name,
enum vp_exit_kind { VP_EXIT_TABLE(VP_EXIT_ENUM) VP_EXIT_KINDS };
#undef VP_EXIT_ENUM
static_assert((int)VP_EXIT_KINDS <= VP_STATS_EXITS, "struct vp_stats has a place for each");

struct vp_exit {
	uint32_t kind;	    /* enum vp_exit_kind */
	uint8_t byte_count; /* instruction bytes that the processor gave */
	uint8_t bytes[15];
	uint64_t next_rip; /* of the instruction that exited, where it is one */
	union {
		struct {
			gpa_t gpa;
			uint64_t gva; /* GVA_NONE: not known */
			bool write, fetch, walk, present;
		} memory;
		struct {
			uint16_t port;
			uint8_t size;
			bool write;
		} port;
		struct {
			uint8_t number;
			bool write;
			bool decoded; /* gpr is known */
			uint8_t gpr;
		} cr;
		struct {
			uint8_t vector;
			bool has_error;
			uint32_t error;
		} event;
		uint8_t vector;
		uint32_t offset;
		uint64_t code;
	};
};

/* What other CPUs ask of a VP; the architecture has more from VP_REQUEST_ARCH up. */
enum vp_request {
	VP_REQUEST_YIELD = BIT(0),     /* return to the VMM soon */
	VP_REQUEST_INTERRUPT = BIT(1), /* the interrupt controller has something new */
	VP_REQUEST_TIMER = BIT(2),
	VP_REQUEST_ARCH = BIT(8),
};

enum vp_run_state { VP_STOPPED, VP_RUNNING, VP_READY, VP_BLOCKED };

struct vp_vtl {
	struct arch_vp_vtl arch;
	struct gpa_space *space;
	void *backend; /* the backend's own */
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
	struct vp_exit exit; /* the last one */
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
/* The same for VP_REQUEST_INTERRUPT, of one that the processor may deliver by itself: a CPU in the
 * guest is told each time, and need not exit. */
void vp_notify(struct vp *vp);
/* Takes the VP's state off this CPU. Called by vp_run and before the VP is touched otherwise. */
void vp_put(struct vp *vp);

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
status_t arch_vp_create(struct vp *vp);
void arch_vp_destroy(struct vp *vp);
void arch_vp_reset(struct vp *vp); /* power-on state */
/* Brings shared state (FPU, timers) to this CPU / takes it away. */
void arch_vp_load(struct vp *vp);
void arch_vp_put(struct vp *vp);
/* Takes over the VMM's answers from the run page at the start of a run. */
void arch_vp_resume(struct vp *vp);
/* Before each entry: requests, injection. VP_CONTINUE: enter. */
enum vp_outcome arch_vp_prepare(struct vp *vp);
/* vp->exit. */
enum vp_outcome arch_vp_handle_exit(struct vp *vp);
/* Runs the host's machine-check handler, for one that came as an exit. No VP is loaded. */
void arch_machine_check(void);
/* What the VP asked for by VP_UNLOAD: it waits for other CPUs. No VP is loaded. */
void arch_vp_unloaded(struct vp *vp);

#endif
