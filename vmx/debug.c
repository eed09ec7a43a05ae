/* SPDX-License-Identifier: MIT */
/*
 * Debug registers and a debugger's steps. VM entries and exits switch DR7; DR0-3 and DR6 follow when the
 * guest first uses them, or when a debugger has breakpoints.
 *
 * Steps are by RFLAGS.TF, as on SVM (guest/step.c). The monitor trap flag (SDM 3C 26.5.2) would show the
 * guest less yet, but Bochs 2.7 does not have it, though one of its processors says so: nothing could test it.
 */
#include "vmx.h"
#include <arch/cr.h>

#define EXCEPTION_BITS (BIT(1) | BIT(17) | BIT(18)) /* #DB, #AC, #MC: see svm/vp.c */
#define EXCEPTION_BP   3u

void vmx_dr_take(struct vp *vp, struct vmx_vp *s)
{
	const struct arch_vp_vtl *a = &vp_active(vp)->arch;
	const uint64_t *dr = guest_debug_dr(&vp->arch, a);

	__asm__ volatile("mov %0, %%dr0" : : "r"(dr[0]));
	__asm__ volatile("mov %0, %%dr1" : : "r"(dr[1]));
	__asm__ volatile("mov %0, %%dr2" : : "r"(dr[2]));
	__asm__ volatile("mov %0, %%dr3" : : "r"(dr[3]));
	__asm__ volatile("mov %0, %%dr6" : : "r"(s->dr6));
	s->dr_live = true;
	vmx_cpu_control(s, CPU_MOV_DR, guest_debug_owns(a));
}

void vmx_dr_save(struct vp *vp, struct vmx_vp *s)
{
	if (guest_debug_owns(&vp_active(vp)->arch))
		return;
	__asm__ volatile("mov %%dr0, %0" : "=r"(vp->arch.dr[0]));
	__asm__ volatile("mov %%dr1, %0" : "=r"(vp->arch.dr[1]));
	__asm__ volatile("mov %%dr2, %0" : "=r"(vp->arch.dr[2]));
	__asm__ volatile("mov %%dr3, %0" : "=r"(vp->arch.dr[3]));
	__asm__ volatile("mov %%dr6, %0" : "=r"(s->dr6));
}

void vmx_dr_put(struct vp *vp, struct vmx_vp *s)
{
	vmx_dr_save(vp, s);
	s->dr_live = false;
	vmx_cpu_control(s, CPU_MOV_DR, true);
}

uint32_t vmx_exceptions(const struct vp_vtl *v)
{
	bool int3 = (v->arch.work & WORK_DEBUG) && (v->arch.debug.asked.flags & DEBUG_INT3);

	return (uint32_t)EXCEPTION_BITS | (int3 ? (uint32_t)BIT(EXCEPTION_BP) : 0);
}

__cold void vmx_debug_set(struct vp *vp, uint32_t vtl)
{
	const struct vp_vtl *v = vp->vtl[vtl];
	const struct guest_debug *d = &v->arch.debug;
	struct vmx_vp *s = v->backend;

	vmx_use(s);
	s->dr_live = false;
	if (v->arch.work & WORK_DEBUG)
		vmcs_write(VMCS_GUEST_DR7, d->guest_turn ? d->guest_dr7 : d->dr7);
	if (d->guest_turn)
		s->dr6 = d->guest_dr6;
	vmcs_write(VMCS_EXCEPTION_BITMAP, vmx_exceptions(v));
	if (s->loaded && (d->guest_turn || (vmcs_read(VMCS_GUEST_DR7) & DR7_ENABLED)))
		vmx_dr_take(vp, s);
	else
		vmx_cpu_control(s, CPU_MOV_DR, true);
}

/* A preemption timer of 0 ends the entry behind what is injected (27.7.4); so does a kick of this CPU. */
__cold void vmx_step(struct vp *vp, enum step_mode mode)
{
	struct vmx_vp *s = vmx_active(vp);

	s->blocked |= BLOCKED_STEP;
	if (mode == STEP_INSTRUCTION)
		vmcs_write(VMCS_EXCEPTION_BITMAP, UINT32_MAX);
	else if (vmx_controls.pin & PIN_PREEMPTION_TIMER)
		vmcs_write(VMCS_PREEMPTION_TIMER, 0);
	else
		arch_cpu_kick(this_cpu());
}

/* Bochs 2.7 has TF's trap pending behind exits before the instruction, which is stepped over by then, or
 * has not been executed. */
__cold void vmx_step_left(struct vp *vp)
{
	struct vp_vtl *v = vp_active(vp);

	vmcs_write(VMCS_EXCEPTION_BITMAP, vmx_exceptions(v));
	guest_step_left(vp);
	if (!(v->arch.rflags & RFLAGS_TF))
		vmcs_write(VMCS_GUEST_PENDING_DEBUG,
			   vmcs_read(VMCS_GUEST_PENDING_DEBUG) & ~PENDING_DEBUG_BS);
}
