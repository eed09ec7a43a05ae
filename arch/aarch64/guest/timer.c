/* SPDX-License-Identifier: MIT */
/*
 * The guest's timers, in counts of its own counter: CNTPCT_EL0 less the partition's offset, so that time can stand
 * still.
 *
 * The virtual timer's registers are the processor's while the VP is loaded. Its interrupt exits as the host's, and
 * becomes the guest's: active at the host's redistributor, where the guest's own end of it ends it (ICH_LR<n>_EL2.HW),
 * so that a guest which has not served the timer by then gets it again. While the VP is not loaded a timer of the
 * kernel's stands in, if the VP sleeps.
 *
 * The physical timer traps, and is a timer of the kernel's.
 */
#include "guest.h"
#include "vgic_hw.h"
#include <arch/gic.h>
#include <kernel/cpu.h>

#define TIMER_WRITABLE (TIMER_ENABLE | TIMER_MASK)

static uint64_t offset_of(const struct vp *vp)
{
	return vp->partition->arch.counter_offset;
}

uint64_t guest_counter(const struct vp *vp)
{
	return partition_timestamp(vp->partition) - offset_of(vp);
}

static bool is_enabled(const struct guest_timer *timer)
{
	return (timer->control & TIMER_WRITABLE) == TIMER_ENABLE;
}

static bool is_due(const struct vp *vp, const struct guest_timer *timer)
{
	return is_enabled(timer) && guest_counter(vp) >= timer->compare;
}

/* As a timestamp of the host, which may have counted less than the guest's counter says; TIMER_NEVER. */
static uint64_t deadline_of(const struct vp *vp, const struct guest_timer *timer)
{
	uint64_t now = partition_timestamp(vp->partition), count = now - offset_of(vp), wait;

	if (!is_enabled(timer) || vp->partition->frozen_at)
		return TIMER_NEVER;
	if (timer->compare <= count)
		return now;
	wait = timer->compare - count;
	/* Beyond what the counter reaches. */
	return wait > TIMER_NEVER - now ? TIMER_NEVER : now + wait;
}

/* ---- the kernel's timer ---- */

static void expired(struct timer *timer)
{
	struct arch_vp_vtl *a = container_of(timer, struct arch_vp_vtl, timer);

	vp_request(a->vp, VP_REQUEST_TIMER);
}

static void arm(struct arch_vp_vtl *a, uint64_t deadline)
{
	if (deadline != TIMER_NEVER)
		timer_set(&a->timer, deadline);
	else if (timer_is_set(&a->timer))
		timer_cancel(&a->timer);
}

/* What has expired already needs none. */
static uint64_t physical_deadline(struct vp *vp, struct arch_vp_vtl *a)
{
	return is_due(vp, &a->physical_timer) ? TIMER_NEVER : deadline_of(vp, &a->physical_timer);
}

static void physical_look(struct vp *vp, struct arch_vp_vtl *a)
{
	vgic_set_ppi(&a->gic, PPI_PHYSICAL, is_due(vp, &a->physical_timer));
	arm(a, physical_deadline(vp, a));
}

/* ---- the virtual timer's interrupt ---- */

#define GICR_SGI_FRAME	0x10000u
#define GICR_ISACTIVER0 0x300u
#define GICR_ICACTIVER0 0x380u

static volatile uint32_t *host_register(uint32_t offset)
{
	return (volatile uint32_t *)((volatile char *)this_cpu()->arch.redistributor +
				     GICR_SGI_FRAME + offset);
}

static bool host_is_active(void)
{
	return *host_register(GICR_ISACTIVER0) & BIT(PPI_VIRTUAL);
}

static void host_active_set(bool active)
{
	*host_register(active ? GICR_ISACTIVER0 : GICR_ICACTIVER0) = (uint32_t)BIT(PPI_VIRTUAL);
	__asm__ volatile("dsb sy" : : : "memory");
}

/* The guest has it, and has not ended it: the host's is active as long. */
static bool is_guests(const struct arch_vp_vtl *a)
{
	uint64_t irq = atomic_load(&((struct arch_vp_vtl *)(uintptr_t)a)->gic.irq[PPI_VIRTUAL]);

	return irq & (IRQ_LINE | IRQ_ACTIVE);
}

bool guest_timer_interrupt(struct vp *vp)
{
	uint64_t control = sysreg_read(cntv_ctl_el0);
	struct arch_vp_vtl *a = vp_arch(vp);

	if ((control & (TIMER_WRITABLE | TIMER_STATUS)) != (TIMER_ENABLE | TIMER_STATUS))
		return false;
	/* It has it already, unless it has ended it since. */
	if (a->virtual_held && host_is_active())
		return false;
	host_active_set(true);
	a->virtual_held = true;
	vgic_set_ppi(&a->gic, PPI_VIRTUAL, true);
	return true;
}

void guest_timer_end(struct vp *vp)
{
	if (vp_arch(vp)->virtual_held)
		host_active_set(false);
}

void guest_timers_load(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	sysreg_write(cntvoff_el2, offset_of(vp));
	sysreg_write(cntv_cval_el0, a->virtual_timer.compare);
	sysreg_write(cntv_ctl_el0, a->virtual_timer.control);
	a->virtual_held = is_guests(a);
	if (unlikely(a->virtual_held))
		host_active_set(true);
}

/* The VP's list registers have been read. */
void guest_timers_put(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	a->virtual_timer.control = sysreg_read(cntv_ctl_el0) & TIMER_WRITABLE;
	a->virtual_timer.compare = sysreg_read(cntv_cval_el0);
	sysreg_write(cntv_ctl_el0, 0);
	if (unlikely(a->virtual_held)) {
		isb(); /* it is low before it may come again */
		host_active_set(false);
	}
	a->virtual_held = false;
}

/* ---- what the VP asks of them ---- */

static void virtual_fetch(struct vp *vp, struct arch_vp_vtl *a)
{
	if (atomic_load(&vp->cpu) != this_cpu())
		return;
	a->virtual_timer.control = sysreg_read(cntv_ctl_el0) & TIMER_WRITABLE;
	a->virtual_timer.compare = sysreg_read(cntv_cval_el0);
}

/* A virtual timer that has expired while the VP is loaded interrupts by itself, unless the VP sleeps. */
void guest_timers_fire(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	physical_look(vp, a);
	virtual_fetch(vp, a);
	if (a->activity != ACTIVITY_HALTED || !is_due(vp, &a->virtual_timer) || is_guests(a))
		return;
	if (atomic_load(&vp->cpu) == this_cpu()) {
		host_active_set(true);
		a->virtual_held = true;
	}
	vgic_set_ppi(&a->gic, PPI_VIRTUAL, true);
}

void guest_timers_sleep(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	uint64_t deadline = physical_deadline(vp, a);

	if (!is_guests(a))
		deadline = MIN(deadline, deadline_of(vp, &a->virtual_timer));
	arm(a, deadline);
}

uint64_t guest_physical_read(struct vp *vp, unsigned int op2)
{
	const struct guest_timer *timer = &vp_arch(vp)->physical_timer;

	switch (op2) {
	case 0: return (uint32_t)(timer->compare - guest_counter(vp));
	case 1:
		return timer->control |
		       ((timer->control & TIMER_ENABLE) && guest_counter(vp) >= timer->compare
				? TIMER_STATUS
				: 0);
	default: return timer->compare;
	}
}

void guest_physical_write(struct vp *vp, unsigned int op2, uint64_t value)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	struct guest_timer *timer = &a->physical_timer;

	switch (op2) {
	case 0: timer->compare = guest_counter(vp) + (uint64_t)(int64_t)(int32_t)value; break;
	case 1: timer->control = value & TIMER_WRITABLE; break;
	default: timer->compare = value; break;
	}
	physical_look(vp, a);
}

/* ---- making, moving ---- */

__cold void guest_timers_create(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *a = vtl_arch(vp, vtl);

	timer_init(&a->timer, expired);
	a->vp = vp;
	vgic_ppi_link(&a->gic, PPI_VIRTUAL, PPI_VIRTUAL);
}

__cold void guest_timers_reset(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *a = vtl_arch(vp, vtl);

	a->virtual_timer = a->physical_timer = (struct guest_timer){0};
	a->virtual_held = false;
	vgic_set_ppi(&a->gic, PPI_VIRTUAL, false);
	vgic_set_ppi(&a->gic, PPI_PHYSICAL, false);
	if (timer_is_set(&a->timer))
		timer_cancel(&a->timer);
}

__cold void guest_timers_changed(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *a = vtl_arch(vp, vtl);

	vgic_set_ppi(&a->gic, PPI_PHYSICAL, is_due(vp, &a->physical_timer));
	vp_request(vp, VP_REQUEST_TIMER);
}

__cold void guest_timers_bind(struct vp *vp)
{
	guest_timers_sleep(vp);
}

__cold void guest_timers_unbind(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	if (timer_is_set(&a->timer))
		timer_cancel(&a->timer);
}
