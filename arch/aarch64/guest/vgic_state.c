/* SPDX-License-Identifier: MIT */
/*
 * Saving and loading a GIC. Nothing is in list registers then, so the interrupts' words are all; and list registers
 * are no part of a saved state, which another number of them may load.
 */
#include "vgic_model.h"

#include <kernel/string.h>

#define FLAGS ((uint64_t)MASK(6)) /* of a word, which a saved one has at the same places */

static_assert((int)GIC_IRQ_ENABLED == (int)IRQ_ENABLED && (int)GIC_IRQ_LATCH == (int)IRQ_LATCH &&
		      (int)GIC_IRQ_LINE == (int)IRQ_LINE &&
		      (int)GIC_IRQ_ACTIVE == (int)IRQ_ACTIVE &&
		      (int)GIC_IRQ_EDGE == (int)IRQ_EDGE && (int)GIC_IRQ_GROUP1 == (int)IRQ_GROUP1,
	      "flags are copied as they are");

#define WAKER_ASLEEP  (BIT(1) | BIT(2))
#define IROUTER_KNOWN (MASK(24) | BIT(31) | MASK(8) << 32)

/* An SPI may be in a list register of a VP that runs: then this is what was known of it last. */
static void irq_save(uint64_t irq, struct gic_state_irq *state)
{
	state->flags = irq & FLAGS;
	if (irq & IRQ_LR_PENDING)
		state->flags |= GIC_IRQ_LATCH;
	if (irq_active(irq)) {
		state->flags |= GIC_IRQ_ACTIVE;
		state->owner = (irq & IRQ_OWNER) >> IRQ_OWNER_SHIFT;
	}
	state->priority = (uint8_t)irq_priority(irq);
	state->route = irq_route_get(irq);
}

static uint64_t irq_load(const struct gic_state_irq *state)
{
	uint64_t irq = state->flags | (uint64_t)state->priority << IRQ_PRIORITY_SHIFT |
		       (uint64_t)state->owner << IRQ_OWNER_SHIFT;

	return irq_route_set(irq, state->route);
}

static bool irq_valid(const struct vgic *vgic, uint32_t intid, const struct gic_state_irq *state)
{
	uint8_t fixed = intid < VGIC_SGIS ? GIC_IRQ_EDGE : 0;

	if ((state->flags & ~FLAGS) || (state->flags & fixed) != fixed || state->reserved ||
	    (state->priority & ~priority_mask(vgic)))
		return false;
	if (intid < VGIC_PRIVATE)
		return !state->owner && !state->route;
	if (state->owner && (!(state->flags & GIC_IRQ_ACTIVE) || state->owner > vgic->cpu_count))
		return false;
	return !(state->route & ~IROUTER_KNOWN);
}

/* ---- the distributor ---- */

void vgic_state_get(struct vgic *vgic, struct partition_state_gic *state)
{
	uint32_t i;

	state->ctlr = atomic_load(&vgic->ctlr) | CTLR_ARE | CTLR_DS;
	state->spi_count = vgic->spi_count;
	for (i = 0; i < vgic->spi_count; i++)
		irq_save(irq_get(&vgic->spi[i]), &state->spi[i]);
}

bool vgic_state_valid(const struct vgic *vgic, const struct partition_state_gic *state)
{
	uint32_t i;

	if ((state->ctlr & ~(uint32_t)CTLR_GROUPS) != (CTLR_ARE | CTLR_DS) ||
	    state->spi_count != vgic->spi_count)
		return false;
	for (i = 0; i < vgic->spi_count; i++) {
		if (!irq_valid(vgic, VGIC_PRIVATE + i, &state->spi[i]))
			return false;
	}
	return true;
}

void vgic_state_set(struct vgic *vgic, const struct partition_state_gic *state)
{
	uint32_t i;

	atomic_store(&vgic->ctlr, state->ctlr & (uint32_t)CTLR_GROUPS);
	for (i = 0; i < vgic->spi_count; i++)
		atomic_store(&vgic->spi[i], irq_load(&state->spi[i]));
	vgic_all_changed(vgic);
}

/* ---- a VP ---- */

void vgic_cpu_state_get(struct vgic_cpu *cpu, struct vp_state_gic *state)
{
	uint32_t i;

	state->waker = atomic_load(&cpu->asleep) ? WAKER_ASLEEP : 0;
	state->vmcr = cpu->interface.vmcr;
	memcpy(state->ap, cpu->interface.ap, sizeof(state->ap));
	for (i = 0; i < VGIC_PRIVATE; i++)
		irq_save(irq_get(&cpu->irq[i]), &state->irq[i]);
}

void vgic_cpu_state_reset(struct vgic_cpu *cpu, struct vp_state_gic *state)
{
	uint32_t i;

	state->waker = WAKER_ASLEEP;
	state->vmcr = VMCR_FIQ_EN;
	/* As a reset, this does not change what the inputs are at. */
	for (i = 0; i < VGIC_PRIVATE; i++)
		irq_save((irq_get(&cpu->irq[i]) & IRQ_LINE) | irq_reset_value(i), &state->irq[i]);
}

static bool interface_valid(const struct vgic *vgic, const struct vp_state_gic *state)
{
	uint32_t group, i;

	if ((state->vmcr & ~(uint32_t)VMCR_KNOWN) || !(state->vmcr & VMCR_FIQ_EN))
		return false;
	for (group = 0; group < 2; group++) {
		for (i = ap_count(vgic); i < VGIC_AP_MAX; i++) {
			if (state->ap[group][i])
				return false;
		}
	}
	return true;
}

bool vgic_cpu_state_valid(const struct vgic_cpu *cpu, const struct vp_state_gic *state)
{
	uint32_t i;

	if ((state->waker && state->waker != WAKER_ASLEEP) || !interface_valid(cpu->vgic, state))
		return false;
	for (i = 0; i < VGIC_PRIVATE; i++) {
		if (!irq_valid(cpu->vgic, i, &state->irq[i]))
			return false;
	}
	return true;
}

void vgic_cpu_state_set(struct vgic_cpu *cpu, const struct vp_state_gic *state)
{
	uint32_t i;

	atomic_store(&cpu->asleep, state->waker != 0);
	cpu->interface.vmcr = state->vmcr;
	memcpy(cpu->interface.ap, state->ap, sizeof(state->ap));
	for (i = 0; i < VGIC_PRIVATE; i++)
		atomic_store(&cpu->irq[i], irq_load(&state->irq[i]));
	atomic_fetch_or(&cpu->posted_words, VGIC_LIST); /* by the new VMCR */
	vgic_all_changed(cpu->vgic);
}
