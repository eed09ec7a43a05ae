/* SPDX-License-Identifier: MIT */
/*
 * Debug registers and a debugger's steps.
 *
 * VMRUN and #VMEXIT switch DR6 and DR7. DR0-3 follow when the guest first uses them, or when a debugger
 * has breakpoints; #VMEXIT has then switched DR7 off (15.6).
 *
 * In QEMU 7.2, MOV to DR7 alone arms breakpoints, and disarms them: VMRUN and #VMEXIT store the value. So
 * a debugger's are armed before the entry, where the kernel ignores those that it meets itself
 * (debug_ignore() in arch/x86_64/trap.c). QEMU is told by what it lacks.
 */
#include "svm.h"

#define DR7_TYPES	 0x11110000ull		       /* all four: data writes */
#define DR7_TYPE(dr7, i) ((dr7) >> (16 + 4 * (i)) & 3) /* 0: code */
#define DR7_LOCAL(i)	 BIT(2 * (i))
#define ALL_DRS		 0xffffu
#define EXCEPTION_BP	 3u

static inline void dr7_write(uint64_t value)
{
	__asm__ volatile("mov %0, %%dr7" : : "r"(value));
}

void svm_dr_load(const struct vp *vp)
{
	const uint64_t *dr = guest_debug_dr(&vp->arch, &vp_active(vp)->arch);

	__asm__ volatile("mov %0, %%dr0" : : "r"(dr[0]));
	__asm__ volatile("mov %0, %%dr1" : : "r"(dr[1]));
	__asm__ volatile("mov %0, %%dr2" : : "r"(dr[2]));
	__asm__ volatile("mov %0, %%dr3" : : "r"(dr[3]));
}

void svm_dr_save(struct vp *vp)
{
	if (guest_debug_owns(&vp_active(vp)->arch))
		return;
	__asm__ volatile("mov %%dr0, %0" : "=r"(vp->arch.dr[0]));
	__asm__ volatile("mov %%dr1, %0" : "=r"(vp->arch.dr[1]));
	__asm__ volatile("mov %%dr2, %0" : "=r"(vp->arch.dr[2]));
	__asm__ volatile("mov %%dr3, %0" : "=r"(vp->arch.dr[3]));
}

static void dr_intercept(struct svm_vp *s, bool on)
{
	s->vmcb->intercept_dr_read = on ? ALL_DRS : 0;
	s->vmcb->intercept_dr_write = on ? ALL_DRS : 0;
	vmcb_dirty(s->vmcb, VMCB_CLEAN_INTERCEPTS);
}

void svm_dr_take(struct vp *vp, struct svm_vp *s)
{
	bool owns = guest_debug_owns(&vp_active(vp)->arch);

	svm_dr_load(vp);
	s->live |= SVM_LIVE_DRS;
	s->dr_armed = owns && !(svm_features & SVM_FEATURE_NRIP);
	if (s->dr_armed)
		dr7_write(s->vmcb->dr7);
	dr_intercept(s, owns);
}

/*
 * QEMU 7.2 keeps the breakpoints that the guest has armed, for whoever runs next; a change of the types, forth and back, makes it forget them. It takes them
 * for breakpoints on code then, and dies of one on data; so another, on code at address 0, goes into
 * that one's place first. On a processor that does as the manual says this does nothing.
 */
static void dr7_forget(uint64_t dr7)
{
	uint64_t data = 0;
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (DR7_TYPE(dr7, i))
			data |= DR7_LOCAL(i);
	if (data) {
		__asm__ volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3"
				 :
				 : "r"(0ull));
		dr7_write(DR7_OFF | data);
	}
	dr7_write(DR7_OFF | DR7_TYPES);
	dr7_write(DR7_OFF);
}

static void dr_forget(struct svm_vp *s)
{
	if (s->dr_armed)
		dr7_write(DR7_OFF);
	else
		dr7_forget(s->vmcb->dr7);
	s->dr_armed = false;
	s->live &= (uint8_t)~SVM_LIVE_DRS;
}

void svm_dr_put(struct vp *vp, struct svm_vp *s)
{
	svm_dr_save(vp);
	dr_forget(s);
	dr_intercept(s, true);
}

uint32_t svm_exceptions(const struct vp_vtl *v)
{
	bool int3 = (v->arch.work & WORK_DEBUG) && (v->arch.debug.asked.flags & DEBUG_INT3);

	return SVM_EXCEPTIONS | (int3 ? (uint32_t)BIT(EXCEPTION_BP) : 0);
}

/* QEMU 7.2 takes INT3 for INT n where it looks for intercepts, and has none of #BP. */
bool svm_exits_by_intn(const struct vp_vtl *v)
{
	return !(svm_features & SVM_FEATURE_NRIP) && (svm_exceptions(v) & BIT(EXCEPTION_BP));
}

__cold void svm_debug_set(struct vp *vp, uint32_t vtl)
{
	const struct vp_vtl *v = vp->vtl[vtl];
	const struct guest_debug *d = &v->arch.debug;
	struct svm_vp *s = v->backend;
	struct vmcb *vmcb = s->vmcb;

	if (s->live & SVM_LIVE_DRS)
		dr_forget(s);
	if (v->arch.work & WORK_DEBUG) {
		vmcb->dr6 = d->guest_turn ? d->guest_dr6 : DR6_RESET;
		vmcb->dr7 = d->guest_turn ? d->guest_dr7 : d->dr7;
		vmcb_dirty(vmcb, VMCB_CLEAN_DR);
	}
	vmcb->intercept_exceptions = svm_exceptions(v);
	svm_intercept(vmcb, INTERCEPT_INTN, svm_exits_by_intn(v));
	dr_intercept(s, true);
	if (s->loaded && (d->guest_turn || (vmcb->dr7 & DR7_ENABLED)))
		svm_dr_take(vp, s);
}

/* As with NMIs (svm/vp.c), a kick of this CPU ends the entry behind what is injected. An exception that
 * cuts a software event short exits where RIP has to go back. */
__cold void svm_step(struct vp *vp, enum step_mode mode)
{
	struct svm_vp *s = svm_active(vp);

	s->step = SVM_STEP_DEBUG;
	if (mode == STEP_DELIVERY)
		arch_cpu_kick(this_cpu());
	if (mode == STEP_DELIVERY && !s->soft_length)
		return;
	s->vmcb->intercept_exceptions = UINT32_MAX;
	vmcb_dirty(s->vmcb, VMCB_CLEAN_INTERCEPTS);
}

__cold void svm_step_left(struct vp *vp, struct svm_vp *s)
{
	s->vmcb->intercept_exceptions = svm_exceptions(vp_active(vp));
	vmcb_dirty(s->vmcb, VMCB_CLEAN_INTERCEPTS);
	guest_step_left(vp);
}
