/* SPDX-License-Identifier: MIT */
/*
 * A VP and its local APICs: does what the model (lapic.c) says has to be done. Messages go to the
 * bus, the next expiry to the timer queue of this CPU, and what may be deliverable is noted in
 * arch.work, which is looked at before the next entry.
 */
#include "apic_bus.h"
#include "apic_page.h"
#include "cpuid.h"

#include <kernel/arch.h>
#include <kernel/backend.h>

static_assert(LAPIC_TIMER_NEVER == TIMER_NEVER, "deadlines are passed on as they are");

static struct arch_vp_vtl *vtl_arch(struct vp *vp, uint32_t vtl)
{
	return &vp->vtl[vtl]->arch;
}

static void lapic_timer_interrupt(struct timer *timer)
{
	struct arch_vp_vtl *arch = container_of(timer, struct arch_vp_vtl, lapic_timer);

	vp_request(arch->vp, VP_REQUEST_TIMER);
}

static void timer_update(struct vp *vp, uint32_t vtl, uint64_t now)
{
	struct arch_vp_vtl *arch = vtl_arch(vp, vtl);
	uint64_t deadline = TIMER_NEVER;

	if (likely(!vp->partition->frozen_at))
		deadline = lapic_timer_deadline(&arch->lapic, now);
	if (deadline != TIMER_NEVER)
		timer_set(&arch->lapic_timer, deadline);
	else if (timer_is_set(&arch->lapic_timer))
		timer_cancel(&arch->lapic_timer);
}

/* Acts on all that an access had for effects. */
static void effects_apply(struct vp *vp, uint32_t vtl, struct lapic_effects *effects, uint64_t now)
{
	struct arch_vp_vtl *arch = vtl_arch(vp, vtl);
	uint32_t bits = effects->bits;

	if (bits & LAPIC_EFFECT_INTERRUPT)
		arch->work |= WORK_INTERRUPT;
	if (unlikely(arch->lapic.processor_delivers))
		arch->work |= WORK_ENTRY; /* to tell it what is requested and in service */
	if (bits & LAPIC_EFFECT_IPI) {
		effects->message.source = vp->index;
		/* What an IPI cannot do the guest finds out by nothing happening, as on a
		 * machine without SMM. */
		(void)apic_bus_send(vp->partition, vtl, &effects->message);
	}
	if (likely(!(bits & ~(LAPIC_EFFECT_INTERRUPT | LAPIC_EFFECT_IPI))))
		return;
	if (bits & LAPIC_EFFECT_EOI)
		arch->lapic.eoi_waiting = 0x100u | effects->eoi_vector;
	if (bits & LAPIC_EFFECT_TIMER)
		timer_update(vp, vtl, now);
	if (bits & LAPIC_EFFECT_NMI)
		arch->work |= WORK_NMI;
	if (bits & LAPIC_EFFECT_EXTINT) {
		arch->work &= ~(uint32_t)WORK_EXTINT;
		if (lapic_extint_pending(&arch->lapic))
			arch->work |= WORK_EXTINT;
	}
}

static __cold enum apic_place apic_place(struct vp *vp, uint32_t vtl)
{
	struct lapic *lapic = vp_lapic(vp, vtl);

	if (lapic_is_x2apic(lapic))
		return APIC_IN_MSRS;
	if (!lapic_is_enabled(lapic))
		return APIC_NOWHERE;
	return guest_apic_page_serves(vp, vtl) ? APIC_AT_PAGE : APIC_ELSEWHERE;
}

/* It was reset, or its mode or address is another. */
static __cold void apic_changed(struct vp *vp, uint32_t vtl)
{
	guest_apic_page_check(vp, vtl);
	if (backend->arch.apic_place_set)
		lapic_processor_delivers(vp_lapic(vp, vtl), backend->arch.apic_place_set(
								    vp, vtl, apic_place(vp, vtl)));
}

__cold void guest_lapic_auto_eoi_set(struct vp *vp, uint32_t vtl,
				     const uint32_t vectors[LAPIC_VECTOR_WORDS])
{
	if (lapic_auto_eoi_set(vp_lapic(vp, vtl), vectors))
		apic_changed(vp, vtl);
}

/* ---- made, reset ---- */

__cold void guest_lapic_create(struct vp *vp, uint32_t vtl)
{
	const struct partition *partition = vp->partition;
	struct arch_vp_vtl *arch = vtl_arch(vp, vtl);
	struct lapic_config config = {
		.page = arch->lapic.page,
		.id = guest_apic_id(&partition->config, vp->index),
		.boot_processor = vp->index == 0,
		.x2apic_allowed = partition->config.apic_mode != APIC_MODE_XAPIC,
		.x2apic_at_reset = partition->config.apic_mode == APIC_MODE_X2APIC_ENABLED,
		.physical_bits = partition->physical_bits,
		.host_hz = timestamp_hz,
	};

	arch->vp = vp;
	timer_init(&arch->lapic_timer, lapic_timer_interrupt);
	lapic_create(&arch->lapic, &config);
	arch->lapic.tsc_offset = partition->arch.tsc_offset;
}

__cold void guest_lapic_reset(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *arch = vtl_arch(vp, vtl);

	lapic_reset(&arch->lapic);
	if (vp->partition->arch.user_apic)
		atomic_store(&arch->lapic.base, 0);
	apic_changed(vp, vtl);
	guest_apic_page_restore(vp->partition);
	if (timer_is_set(&arch->lapic_timer))
		timer_cancel(&arch->lapic_timer);
}

__cold void guest_lapic_init_reset(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *arch = vtl_arch(vp, vtl);

	lapic_init_reset(&arch->lapic);
	apic_changed(vp, vtl);
	if (timer_is_set(&arch->lapic_timer))
		timer_cancel(&arch->lapic_timer);
}

/* ---- accesses ---- */

/* The guest's CR8 is TPR bits 7:4 and changes without an exit: it is brought into the model before
 * an access and taken from it afterwards. */
void guest_tpr_sync(struct vp *vp)
{
	struct arch_vp_vtl *arch = &vp_active(vp)->arch;

	if (unlikely(lapic_tpr_get(&arch->lapic) >> 4 != arch->cr8))
		lapic_tpr_set(&arch->lapic, (uint8_t)(arch->cr8 << 4));
	lapic_priority_sync(&arch->lapic);
}

static void cr8_from_tpr(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *arch = vtl_arch(vp, vtl);
	uint8_t class = lapic_tpr_get(&arch->lapic) >> 4;

	if (arch->cr8 == class)
		return;
	arch->cr8 = class;
	arch->work |= WORK_ENTRY;
}

void guest_cr8_write(struct vp *vp, uint8_t value)
{
	struct arch_vp_vtl *arch = &vp_active(vp)->arch;

	if (lapic_tpr_set(&arch->lapic, (uint8_t)(value << 4)))
		arch->work |= WORK_INTERRUPT;
	cr8_from_tpr(vp, vp->active_vtl);
}

bool guest_lapic_read(struct vp *vp, uint32_t vtl, uint32_t offset, uint32_t *value)
{
	struct lapic *lapic = vp_lapic(vp, vtl);

	guest_tpr_sync(vp);
	if (!lapic_read(lapic, offset, partition_timestamp(vp->partition), value))
		return false;
	if (lapic_has_request(lapic)) /* of the error entry, maybe */
		vtl_arch(vp, vtl)->work |= WORK_INTERRUPT;
	return true;
}

bool guest_lapic_write(struct vp *vp, uint32_t vtl, uint32_t offset, uint32_t value)
{
	struct lapic_effects effects;
	uint64_t now = partition_timestamp(vp->partition);

	guest_tpr_sync(vp);
	if (!lapic_write(vp_lapic(vp, vtl), offset, value, now, &effects))
		return false;
	cr8_from_tpr(vp, vtl);
	effects_apply(vp, vtl, &effects, now);
	return true;
}

void guest_lapic_page_written(struct vp *vp, uint32_t offset)
{
	uint32_t vtl = vp->active_vtl;

	guest_lapic_write(vp, vtl, offset, lapic_page_get(vp_lapic(vp, vtl), offset));
}

void guest_lapic_eoi_virtualized(struct vp *vp, uint8_t vector)
{
	struct lapic_effects effects = {.bits = 0};
	uint32_t vtl = vp->active_vtl;

	lapic_eoi_finish(vp_lapic(vp, vtl), vector, &effects);
	effects_apply(vp, vtl, &effects, timestamp_read());
}

bool guest_lapic_msr_read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	guest_tpr_sync(vp);
	return lapic_msr_read(vp_lapic(vp, vp->active_vtl), msr, timestamp_read(), value);
}

bool guest_lapic_msr_write(struct vp *vp, uint32_t msr, uint64_t value)
{
	struct lapic_effects effects;
	uint64_t now = timestamp_read();

	guest_tpr_sync(vp);
	if (!lapic_msr_write(vp_lapic(vp, vp->active_vtl), msr, value, now, &effects))
		return false;
	cr8_from_tpr(vp, vp->active_vtl);
	effects_apply(vp, vp->active_vtl, &effects, now);
	return true;
}

__cold void guest_lapic_changed(struct vp *vp, uint32_t vtl, struct lapic_effects *effects)
{
	apic_changed(vp, vtl);
	cr8_from_tpr(vp, vtl);
	effects_apply(vp, vtl, effects, timestamp_read());
}

__cold bool guest_lapic_base_write(struct vp *vp, uint64_t value)
{
	struct lapic_effects effects = {.bits = 0};

	if (!lapic_base_set(vp_lapic(vp, vp->active_vtl), value, &effects))
		return false;
	guest_lapic_changed(vp, vp->active_vtl, &effects);
	return true;
}

void guest_lapic_tsc_deadline_write(struct vp *vp, uint64_t value)
{
	struct arch_vp_vtl *arch = &vp_active(vp)->arch;
	uint64_t now = timestamp_read();

	lapic_tsc_deadline_set(&arch->lapic, value, now);
	/* A deadline in the past needs no timer. */
	if (lapic_timer_expired(&arch->lapic, now) || lapic_has_request(&arch->lapic))
		arch->work |= WORK_INTERRUPT;
	timer_update(vp, vp->active_vtl, now);
}

static __cold void lint_effects_request(struct vp *vp, uint32_t bits)
{
	uint32_t requests = 0;

	if (bits & LAPIC_EFFECT_INTERRUPT)
		requests |= VP_REQUEST_INTERRUPT;
	if (bits & LAPIC_EFFECT_NMI)
		requests |= VP_REQUEST_NMI;
	if (bits & LAPIC_EFFECT_EXTINT)
		requests |= VP_REQUEST_EXTINT;
	/* A line that falls needs no kick: who takes an ExtINT looks at the line. */
	if (requests)
		vp_request(vp, requests);
}

void guest_lapic_set_lint(struct vp *vp, uint32_t vtl, unsigned int n, bool high)
{
	lint_effects_request(vp, lapic_set_lint(vp_lapic(vp, vtl), n, high));
}

void guest_lapic_pulse_lint(struct vp *vp, uint32_t vtl, unsigned int n)
{
	lint_effects_request(vp, lapic_pulse_lint(vp_lapic(vp, vtl), n));
}

/* ---- time ---- */

void guest_lapic_timer_update(struct vp *vp)
{
	uint64_t now = timestamp_read();
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT; vtl++)
		if (vp->vtl[vtl])
			timer_update(vp, vtl, now);
}

__cold void guest_lapic_timer_cancel(struct vp *vp)
{
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT; vtl++)
		if (vp->vtl[vtl] && timer_is_set(&vtl_arch(vp, vtl)->lapic_timer))
			timer_cancel(&vtl_arch(vp, vtl)->lapic_timer);
}

void guest_lapic_timer_fire(struct vp *vp)
{
	uint64_t now = partition_timestamp(vp->partition);
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT; vtl++) {
		if (!vp->vtl[vtl])
			continue;
		if (lapic_timer_expired(vp_lapic(vp, vtl), now))
			vtl_arch(vp, vtl)->work |= WORK_INTERRUPT;
		timer_update(vp, vtl, now);
	}
}
