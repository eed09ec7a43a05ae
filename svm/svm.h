/* SPDX-License-Identifier: MIT */
/*
 * What the files of the SVM backend share.
 *
 *   svm.c    probing, what is kept for each CPU, ASIDs
 *   vp.c     the VMCB of a VP: making, entering, injecting
 *   exit.c   from exit codes to the neutral struct vp_exit
 *   debug.c  debug registers, steps
 *   state.c  registers in and out of the VMCB
 *   npt.c    the format of nested page tables
 */
#ifndef SVM_SVM_H
#define SVM_SVM_H

#include "vmcb.h"
#include <kernel/backend.h>
#include <kernel/cpu.h>

/* CPUID 8000000A EDX */
#define SVM_FEATURE_NPT		  BIT(0)
#define SVM_FEATURE_NRIP	  BIT(3)
#define SVM_FEATURE_TSC_RATIO	  BIT(4)
#define SVM_FEATURE_CLEAN	  BIT(5)
#define SVM_FEATURE_FLUSH_BY_ASID BIT(6)
#define SVM_FEATURE_DECODE	  BIT(7)
#define SVM_FEATURE_PAUSE_FILTER  BIT(10)
#define SVM_FEATURE_PAUSE_GAP	  BIT(12)
#define SVM_FEATURE_VGIF	  BIT(16)

/* For each CPU. The host's own VMLOAD/VMSAVE state and the processor's save area are pages. */
struct svm_cpu {
	hpa_t host_vmcb; /* what VMSAVE keeps of the host: FS, GS, TR, LDTR, syscall MSRs */
	void *host_save; /* VM_HSAVE_PA */
	uint64_t asid_generation; /* counted up when the ASIDs were used up */
	uint32_t next_asid;
};

#define EXCEPTION_DB   1u
#define EXCEPTION_AC   17u
#define EXCEPTION_MC   18u
/* Intercepted always: #AC and #DB can make delivery loop in microcode for ever; #MC is the host's. */
#define SVM_EXCEPTIONS ((uint32_t)(BIT(EXCEPTION_DB) | BIT(EXCEPTION_AC) | BIT(EXCEPTION_MC)))

#define CR8_UNKNOWN UINT8_MAX

/* DR7 */
#define DR7_ENABLED 0xffu
#define DR7_OFF	    0x400ull
#define DR6_RESET   0xffff0ff0ull

enum svm_step {
	SVM_STEP_NONE,
	SVM_STEP_WINDOW,   /* over one instruction, to a window */
	SVM_STEP_DEBUG,	   /* svm_step() */
	SVM_STEP_SOFTWARE, /* none, but RIP was moved */
};

enum svm_live {
	SVM_LIVE_DRS = BIT(0), /* DR0-3 of guest_debug_dr() */
	SVM_LIVE_TSC_RATIO = BIT(1),
};

/* For each VTL of a VP. */
struct svm_vp {
	struct vmcb *vmcb;
	hpa_t vmcb_hpa;
	struct svm_cpu *cpu; /* on which asid was drawn */
	uint64_t asid_generation;
	uint64_t tlb_generation; /* of the space, at the last entry */
	bool flush;		 /* stale guest-linear translations */
	bool illegal;		 /* VMRUN would refuse what was set */
	bool loaded;
	uint8_t live;	     /* enum svm_live: what of it is in the processor */
	uint64_t tsc_ratio;  /* for the MSR; 0: as of all others */
	bool dr_armed;	     /* and DR7: see svm/debug.c */
	uint8_t step;	     /* enum svm_step: this entry is one */
	uint8_t soft_length; /* by which RIP was moved to inject a software event */
	uint64_t step_dr6;   /* when it began: the guest's, whose bits stay until it clears them */
	bool window;	     /* V_IRQ is used to find an interrupt window */
	uint64_t cr4_mce_added; /* CR4.MCE, if it is clear for the guest */
	uint8_t cr8;		/* as the VMCB has it, or CR8_UNKNOWN */
	bool shadow_dropped;	/* VMRUN was seen not to load the interrupt shadow */
};

extern uint32_t svm_features;
extern hpa_t svm_iopm; /* all ports intercepted */
extern hpa_t svm_msrpm;

static inline struct svm_vp *svm_active(const struct vp *vp)
{
	return vp_active(vp)->backend;
}

static inline void vmcb_dirty(struct vmcb *vmcb, uint32_t bits)
{
	vmcb->clean &= ~bits;
}

static inline void svm_intercept(struct vmcb *vmcb, enum vmcb_intercept which, bool on)
{
	uint32_t bit = 1u << (which & 31);

	if (on)
		vmcb->intercept[which / 32] |= bit;
	else
		vmcb->intercept[which / 32] &= ~bit;
	vmcb_dirty(vmcb, VMCB_CLEAN_INTERCEPTS);
}

static inline void svm_vmsave(hpa_t vmcb)
{
	__asm__ volatile("vmsave %0" : : "a"(vmcb) : "memory");
}

static inline void svm_vmload(hpa_t vmcb)
{
	__asm__ volatile("vmload %0" : : "a"(vmcb) : "memory");
}

/* svm/enter.S: enters the guest until svm_exit() answers other than VP_ENTER. */
enum vp_outcome svm_run(struct vp *vp, hpa_t vmcb);
enum vp_outcome svm_run_guarded(struct vp *vp, hpa_t vmcb);
/* The one that this machine uses. */
extern enum vp_outcome (*svm_world_switch)(struct vp *vp, hpa_t vmcb);

/* Draws a new ASID, so that the VP starts with no translations. */
void svm_asid_assign(struct svm_vp *s);

/* svm/vp.c */
status_t svm_vp_create(struct vp *vp, uint32_t vtl);
void svm_vp_destroy(struct vp *vp, uint32_t vtl);
void svm_unbind(struct vp *vp);
void svm_load(struct vp *vp);
void svm_put(struct vp *vp);
enum vp_outcome svm_enter(struct vp *vp);
bool svm_in_kernel_64(const struct vp *vp);
bool svm_can_take(struct vp *vp, enum vp_window window);
void svm_tsc_set(struct vp *vp, uint32_t vtl);
void svm_inject(struct vp *vp, const struct vp_event *event);
void svm_window_request(struct vp *vp, enum vp_window window);
void svm_window_close(struct svm_vp *s);
void svm_tables_watch(struct vp *vp, uint32_t vtl, uint32_t stores);
/* Ends the step of svm_window_request(); the entry is over, and v holds what it left. */
void svm_step_stop(struct vp_vtl *v, struct svm_vp *s);
/* Where the guest goes on: all that an exit may change after which it is entered again at once. */
static inline void svm_resume_write(const struct vp *vp, const struct vp_vtl *v, struct vmcb *vmcb)
{
	vmcb->rip = v->arch.rip;
	vmcb->rflags = v->arch.rflags;
	vmcb->rax = vp->arch.gpr[GPR_RAX];
	vmcb->interrupt_shadow = v->arch.shadow;
}
/* CR8 as the guest has left it. */
static inline void svm_cr8_take(struct vp_vtl *v, struct svm_vp *s)
{
	uint8_t cr8 = s->vmcb->vintr & VINTR_TPR_MASK;

	if (s->cr8 != cr8)
		s->cr8 = v->arch.cr8 = cr8;
}

/* svm/debug.c */
/* Brings DR0-3 to the processor; the guest's are not intercepted then. */
void svm_dr_take(struct vp *vp, struct svm_vp *s);
/* And away from it. */
void svm_dr_put(struct vp *vp, struct svm_vp *s);
/* DR0-3 between the VP and the processor, where svm_dr_take() brought them. */
void svm_dr_load(const struct vp *vp);
void svm_dr_save(struct vp *vp);
void svm_debug_set(struct vp *vp, uint32_t vtl);
void svm_step(struct vp *vp, enum step_mode mode);
/* The entry that svm_step() was for is over, and vp->exit says how. */
void svm_step_left(struct vp *vp, struct svm_vp *s);
/* The exceptions that exit, but in steps. */
uint32_t svm_exceptions(const struct vp_vtl *v);
/* INT n exits, too: INT3 would not otherwise. */
bool svm_exits_by_intn(const struct vp_vtl *v);

/* svm/exit.c */
/* For svm_run(), after each exit. */
enum vp_outcome svm_exit(struct vp *vp);
/* VMEXIT_INVALID, after which the VMCB need not hold the guest's state. False: the guest did run, and
 * what the VMCB says is to be decoded. */
bool svm_entry_refused(struct vp *vp, struct svm_vp *s, struct vp_exit *exit);

/* svm/state.c */
struct guest_addressing svm_addressing_64(struct vp *vp);
void svm_state_get(struct vp *vp, uint32_t vtl, uint32_t groups, struct guest_state *state);
void svm_state_set(struct vp *vp, uint32_t vtl, uint32_t groups, const struct guest_state *state);

extern struct page_table_format npt_format; /* probing takes what this CPU lacks out of it */

#endif
