/* SPDX-License-Identifier: MIT */
/*
 * The VMCB of a VP: what is intercepted, the way in and out, injection and windows.
 *
 * From load to put the CPU runs with GIF 0 and IF 1: interrupts and NMIs of the host stay pending
 * and make the next VMRUN exit at once (APM 15.13.1, 15.17), so that nothing set before the entry
 * can be missed. FS, GS, TR, LDTR and the syscall MSRs are then the guest's; the kernel does not
 * use them, as it finds its CPU by the stack pointer.
 */
#include "svm.h"
#include <arch/cr.h>
#include <arch/guest_tsc.h>
#include <arch/msr.h>
#include <kernel/memory_map.h>
#include <kernel/memory.h>
#include <kernel/string.h>

#define ALL_DRS 0xffffu

#define MSR_TSC_RATIO	   0xc0000104u
#define TSC_RATIO_FRACTION 32u
#define TSC_RATIO_ONE	   BIT(TSC_RATIO_FRACTION)

/* So many PAUSEs make an exit, that are no more cycles apart if the processor counts those (15.14.4). */
#define PAUSE_COUNT 3000u
#define PAUSE_GAP   128u

static const uint8_t intercepts[] = {
	INTERCEPT_INTR,	       INTERCEPT_NMI,	   INTERCEPT_SMI,
	INTERCEPT_INIT,	       INTERCEPT_RDPMC,	   INTERCEPT_CPUID,
	INTERCEPT_RSM,	       INTERCEPT_INVD,	   INTERCEPT_HLT,
	INTERCEPT_INVLPGA,     INTERCEPT_IOIO,	   INTERCEPT_MSR,
	INTERCEPT_FERR_FREEZE, INTERCEPT_SHUTDOWN, INTERCEPT_VMRUN,
	INTERCEPT_VMMCALL,     INTERCEPT_VMLOAD,   INTERCEPT_VMSAVE,
	INTERCEPT_STGI,	       INTERCEPT_CLGI,	   INTERCEPT_SKINIT,
	INTERCEPT_WBINVD,      INTERCEPT_MONITOR,  INTERCEPT_MWAIT,
	INTERCEPT_MWAIT_ARMED, INTERCEPT_XSETBV,   INTERCEPT_RDPRU,
	INTERCEPT_INVLPGB,     INTERCEPT_MCOMMIT,  INTERCEPT_INVLPGB_ILLEGAL,
	INTERCEPT_TLBSYNC,     INTERCEPT_CR0_SEL,  INTERCEPT_ICEBP,
};

static void vmcb_init(struct vp *vp, uint32_t vtl, struct vmcb *vmcb)
{
	uint32_t shown = vp->partition->arch.instructions;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(intercepts); i++)
		svm_intercept(vmcb, intercepts[i], true);
	/* What CPUID does not show, where there is an intercept for it. */
	svm_intercept(vmcb, INTERCEPT_RDTSCP, !(shown & INSTRUCTION_RDTSCP));
	svm_intercept(vmcb, INTERCEPT_INVPCID, !(shown & INSTRUCTION_INVPCID));
	if (svm_features & SVM_FEATURE_PAUSE_FILTER) {
		svm_intercept(vmcb, INTERCEPT_PAUSE, true);
		vmcb->pause_count = PAUSE_COUNT;
		if (svm_features & SVM_FEATURE_PAUSE_GAP)
			vmcb->pause_threshold = PAUSE_GAP;
	}
	/* CR4 decides which features the guest has, so its writes are checked. Those of CR0 are too,
	 * since QEMU 7.2 takes each value, and VMRUN then does not. */
	vmcb->intercept_cr_write = BIT(4);
	vmcb->intercept_dr_read = ALL_DRS;
	vmcb->intercept_dr_write = ALL_DRS;
	vmcb->intercept_exceptions = SVM_EXCEPTIONS;
	vmcb->iopm_base = svm_iopm;
	vmcb->msrpm_base = svm_msrpm;
	vmcb->vintr = VINTR_MASKING;
	if (svm_features & SVM_FEATURE_VGIF)
		vmcb->vintr |= VINTR_GIF_ENABLE | VINTR_GIF;
	vmcb->nested_control = BIT(0);
	vmcb->nested_cr3 = vp->vtl[vtl]->space->table.root;
	vmcb->efer = EFER_SVME;
}

__cold status_t svm_vp_create(struct vp *vp, uint32_t vtl)
{
	struct heap *heap = vp->partition->heap;
	struct svm_vp *s = heap_alloc(heap, sizeof(*s));

	if (!s)
		return STATUS_NO_MEMORY;
	s->vmcb = page_alloc(heap, 0);
	if (!s->vmcb) {
		heap_free(heap, s, sizeof(*s));
		return STATUS_NO_MEMORY;
	}
	s->vmcb_hpa = kva_to_hpa(s->vmcb);
	vp->vtl[vtl]->backend = s;
	vmcb_init(vp, vtl, s->vmcb);
	return STATUS_OK;
}

__cold void svm_vp_destroy(struct vp *vp, uint32_t vtl)
{
	struct heap *heap = vp->partition->heap;
	struct svm_vp *s = vp->vtl[vtl]->backend;

	if (!s)
		return;
	page_free(heap, s->vmcb, 0);
	heap_free(heap, s, sizeof(*s));
	vp->vtl[vtl]->backend = NULL;
}

/* A VMCB is memory; a CPU that meets it again drops what it may have cached (svm_asid_assign). */
void svm_unbind(struct vp *vp)
{
	svm_active(vp)->cpu = NULL;
}

/* ---- the rate of the TSC (15.30.5) ---- */

static __cold void tsc_ratio_load(struct svm_vp *s)
{
	msr_write(MSR_TSC_RATIO, s->tsc_ratio ? s->tsc_ratio : TSC_RATIO_ONE);
	s->live &= (uint8_t)~SVM_LIVE_TSC_RATIO;
	if (s->tsc_ratio)
		s->live |= SVM_LIVE_TSC_RATIO;
}

/* RDTSCP exits, too, where CPUID does not show it. The MSR is the CPU's: a VP that needs it looks at each load as if
 * it had come from another CPU. */
__cold void svm_tsc_set(struct vp *vp, uint32_t vtl)
{
	struct svm_vp *s = vp->vtl[vtl]->backend;
	bool shown = vp->partition->arch.instructions & INSTRUCTION_RDTSCP;

	svm_intercept(s->vmcb, INTERCEPT_RDTSC, vp->arch.tsc_exits);
	svm_intercept(s->vmcb, INTERCEPT_RDTSCP, vp->arch.tsc_exits || !shown);
	if (!(svm_features & SVM_FEATURE_TSC_RATIO))
		return;
	s->tsc_ratio = vp->arch.tsc_ratio >> (TSC_RATIO_SHIFT - TSC_RATIO_FRACTION);
	s->cpu = NULL;
	s->flush = true;
	if (s->loaded)
		tsc_ratio_load(s);
}

static __cold void new_cpu(struct svm_vp *s)
{
	s->flush = true; /* its ASID was another CPU's */
	if (s->tsc_ratio)
		tsc_ratio_load(s);
}

static __cold void live_put(struct vp *vp, struct svm_vp *s)
{
	if (s->live & SVM_LIVE_DRS)
		svm_dr_put(vp, s);
	if (!(s->live & SVM_LIVE_TSC_RATIO))
		return;
	msr_write(MSR_TSC_RATIO, TSC_RATIO_ONE);
	s->live &= (uint8_t)~SVM_LIVE_TSC_RATIO;
}

void svm_load(struct vp *vp)
{
	struct svm_cpu *c = this_cpu()->backend;
	struct svm_vp *s = svm_active(vp);

	__asm__ volatile("clgi; sti" : : : "memory");
	svm_vmsave(c->host_vmcb);
	svm_vmload(s->vmcb_hpa);
	s->loaded = true;
	if (unlikely(s->cpu != c))
		new_cpu(s);
	if (s->vmcb->cr2 != vp->arch.cr2) {
		s->vmcb->cr2 = vp->arch.cr2;
		vmcb_dirty(s->vmcb, VMCB_CLEAN_CR2);
	}
	if (s->vmcb->dr7 & DR7_ENABLED)
		svm_dr_take(vp, s);
	/* Injection has seen to it, unless the state was set. */
	if (unlikely(vp_active(vp)->arch.nmi_masked))
		svm_intercept(s->vmcb, INTERCEPT_IRET, true);
}

void svm_put(struct vp *vp)
{
	struct svm_cpu *c = this_cpu()->backend;
	struct svm_vp *s = svm_active(vp);

	if (s->live)
		live_put(vp, s);
	vp->arch.cr2 = s->vmcb->cr2;
	s->loaded = false;
	svm_vmsave(s->vmcb_hpa);
	svm_vmload(c->host_vmcb);
	__asm__ volatile("cli; stgi" : : : "memory");
}

/* Translations that changed, or that the VP must not use. False: the guest can't be entered. */
static __cold bool translations_refresh(struct svm_vp *s, uint64_t generation)
{
	if (s->illegal)
		return false;
	s->tlb_generation = generation;
	svm_asid_assign(s);
	return true;
}

/* What the shared code may have changed since the last exit. */
static void changes_write(const struct vp *vp, const struct vp_vtl *v, struct svm_vp *s)
{
	struct vmcb *vmcb = s->vmcb;

	svm_resume_write(vp, v, vmcb);
	vmcb->rsp = vp->arch.gpr[GPR_RSP];
	if (unlikely(vmcb->tsc_offset != vp->arch.tsc_offset)) {
		vmcb->tsc_offset = vp->arch.tsc_offset;
		vmcb_dirty(vmcb, VMCB_CLEAN_INTERCEPTS);
	}
	if (unlikely(s->cr8 != v->arch.cr8)) {
		s->cr8 = v->arch.cr8;
		vmcb->vintr = (vmcb->vintr & ~VINTR_TPR_MASK) | v->arch.cr8;
		vmcb_dirty(vmcb, VMCB_CLEAN_TPR);
	}
}

enum vp_outcome svm_enter(struct vp *vp)
{
	struct vp_vtl *v = vp_active(vp);
	struct svm_vp *s = v->backend;
	struct svm_cpu *c = this_cpu()->backend;
	uint64_t generation = atomic_load(&v->space->tlb_generation);

	if (unlikely(s->asid_generation != c->asid_generation || s->flush ||
		     s->tlb_generation != generation) &&
	    !translations_refresh(s, generation)) {
		svm_entry_refused(vp, s, &vp->exit);
		return vp_exit_take(vp, v);
	}
	atomic_store_explicit(&vp->tlb_seen, generation, memory_order_release);
	changes_write(vp, v, s);
	return svm_world_switch(vp, s->vmcb_hpa);
}

bool svm_in_kernel_64(const struct vp *vp)
{
	const struct vmcb *vmcb = svm_active(vp)->vmcb;

	return !vmcb->cpl && (vmcb->cs.attributes & VMCB_SEGMENT_L) && (vmcb->efer & EFER_LMA);
}

bool svm_can_take(struct vp *vp, enum vp_window window)
{
	struct vp_vtl *v = vp_active(vp);
	struct svm_vp *s = v->backend;

	if (v->arch.shadow || (s->vmcb->event_inject & VMCB_EVENT_VALID))
		return false;
	if (window == WINDOW_NMI)
		return !v->arch.nmi_masked;
	return v->arch.rflags & RFLAGS_IF;
}

/* The RIP that a software event pushes: NextRIP where there is one (15.20), or the guest's, which has to
 * go back if the delivery is cut short (svm/exit.c). */
static __cold void software_rip_set(struct vp_vtl *v, struct svm_vp *s, uint8_t length)
{
	s->vmcb->next_rip = v->arch.rip + length;
	if (svm_features & SVM_FEATURE_NRIP)
		return;
	v->arch.rip += length;
	s->soft_length = length;
	s->step = SVM_STEP_SOFTWARE;
}

void svm_inject(struct vp *vp, const struct vp_event *event)
{
	static const uint8_t types[] = {
		[EVENT_INTERRUPT] = VMCB_EVENT_INTERRUPT,
		[EVENT_NMI] = VMCB_EVENT_NMI,
		[EVENT_EXCEPTION] = VMCB_EVENT_EXCEPTION,
		[EVENT_SOFTWARE] = VMCB_EVENT_SOFTWARE,
		[EVENT_SOFTWARE_EXCEPTION] = VMCB_EVENT_SOFTWARE,
	};
	struct vp_vtl *v = vp_active(vp);
	struct svm_vp *s = v->backend;
	uint64_t inject = VMCB_EVENT_VALID | ((uint64_t)types[event->type] << 8) | event->vector;

	if (event->has_error)
		inject |= VMCB_EVENT_ERROR_VALID | (uint64_t)event->error << 32;
	s->vmcb->event_inject = inject;
	if (unlikely(event->type >= EVENT_SOFTWARE))
		software_rip_set(v, s, event->length);
	if (event->type == EVENT_NMI) {
		v->arch.nmi_masked = true;
		svm_intercept(s->vmcb, INTERCEPT_IRET, true);
	}
}

static void cr8_watch(struct svm_vp *s, bool on)
{
	if (on)
		s->vmcb->intercept_cr_write |= BIT(8);
	else
		s->vmcb->intercept_cr_write &= (uint16_t)~BIT(8);
	vmcb_dirty(s->vmcb, VMCB_CLEAN_INTERCEPTS);
}

/* What would show the guest its TF, or take one from its stack. IRET: see svm_step_stop(). */
static void step_intercept(const struct vp_vtl *v, struct svm_vp *s, bool on)
{
	s->vmcb->intercept_exceptions = on ? UINT32_MAX : svm_exceptions(v);
	svm_intercept(s->vmcb, INTERCEPT_PUSHF, on);
	svm_intercept(s->vmcb, INTERCEPT_POPF, on);
	svm_intercept(s->vmcb, INTERCEPT_INTN, on || svm_exits_by_intn(v));
}

/* Steps over one instruction with TF, which the guest doesn't get to see: what would push it ends
 * the step instead (exit.c). SYSCALL right behind MOV SS would, but no intercept is for it. False:
 * the guest steps itself. */
static bool step_over(struct vp_vtl *v, struct svm_vp *s)
{
	if (v->arch.rflags & RFLAGS_TF)
		return false;
	s->step = SVM_STEP_WINDOW;
	s->step_dr6 = s->vmcb->dr6;
	v->arch.rflags |= RFLAGS_TF;
	step_intercept(v, s, true);
	svm_intercept(s->vmcb, INTERCEPT_IRET, true);
	return true;
}

void svm_step_stop(struct vp_vtl *v, struct svm_vp *s)
{
	s->step = SVM_STEP_NONE;
	v->arch.rflags &= ~RFLAGS_TF;
	step_intercept(v, s, false);
	svm_intercept(s->vmcb, INTERCEPT_IRET, v->arch.nmi_masked);
}

/*
 * A virtual interrupt is made pending, which exits as soon as the guest could take it (15.21.4).
 * CR8 is watched meanwhile: its write can close the window, and QEMU 7.2 ends with an assertion
 * when CR8 is written while V_IRQ is set. Where the processor has been seen to drop the interrupt
 * shadow at VMRUN, its instruction is stepped over first: HLT behind STI would sleep for ever.
 */
static void interrupt_window(struct vp_vtl *v, struct svm_vp *s)
{
	if (v->arch.shadow && s->shadow_dropped && step_over(v, s))
		return;
	if (s->window)
		return;
	s->window = true;
	s->vmcb->vintr |= VINTR_IRQ | VINTR_IGNORE_TPR;
	vmcb_dirty(s->vmcb, VMCB_CLEAN_TPR);
	svm_intercept(s->vmcb, INTERCEPT_VINTR, true);
	cr8_watch(s, true);
}

void svm_window_close(struct svm_vp *s)
{
	s->window = false;
	s->vmcb->vintr &= ~(VINTR_IRQ | VINTR_IGNORE_TPR);
	vmcb_dirty(s->vmcb, VMCB_CLEAN_TPR);
	svm_intercept(s->vmcb, INTERCEPT_VINTR, false);
	cr8_watch(s, false);
}

/*
 * There is no NMI window. While NMIs are masked, the IRET intercept tells the end (it is on since
 * the injection). Behind another event that is injected, a kick of this CPU ends the entry as soon
 * as the event is delivered: TF would be on the guest's stack then. The interrupt shadow of one
 * instruction is stepped over.
 */
static void nmi_window(struct vp_vtl *v, struct svm_vp *s)
{
	if (v->arch.nmi_masked)
		return;
	if (s->vmcb->event_inject & VMCB_EVENT_VALID) {
		arch_cpu_kick(this_cpu());
		return;
	}
	step_over(v, s);
}

__cold void svm_tables_watch(struct vp *vp, uint32_t vtl, uint32_t stores)
{
	struct svm_vp *s = vp->vtl[vtl]->backend;

	svm_intercept(s->vmcb, INTERCEPT_GDTR_READ, stores & HV_NPIEP_SGDT);
	svm_intercept(s->vmcb, INTERCEPT_IDTR_READ, stores & HV_NPIEP_SIDT);
	svm_intercept(s->vmcb, INTERCEPT_LDTR_READ, stores & HV_NPIEP_SLDT);
	svm_intercept(s->vmcb, INTERCEPT_TR_READ, stores & HV_NPIEP_STR);
}

void svm_window_request(struct vp *vp, enum vp_window window)
{
	struct svm_vp *s = svm_active(vp);

	switch (window) {
	case WINDOW_INTERRUPT: interrupt_window(vp_active(vp), s); break;
	case WINDOW_PRIORITY: cr8_watch(s, true); break;
	case WINDOW_NMI: nmi_window(vp_active(vp), s); break;
	}
}
