/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of the GICv3 that guests see: their words, where they go, and who is told.
 *
 * What is promised: an interrupt that is active, or that a VP is to be told of, has its bit set in `posted` of
 * that VP, or in `bound`, or is in one of its list registers. Whoever changes a word first changes it and then
 * posts; whoever lists first takes what was posted and then reads the word.
 *
 * An SPI belongs to a VP while it is listed or active, and to nobody otherwise. So a VP that does not run has no
 * hold on an SPI that is pending.
 */
#include "vgic_model.h"

#include <kernel/string.h>

#define AFFINITY_0(affinity) ((affinity)&0xff)
#define AFFINITY_1(affinity) ((affinity) >> 8 & 0xff)
#define CLUSTER		     16u /* VPs with one Aff1, as a list of targets of an SGI reaches them */

/* ---- routing ---- */

static bool has_affinity(const struct vgic_cpu *cpu, uint32_t affinity)
{
	return cpu && cpu->affinity == affinity;
}

static struct vgic_cpu *find(struct vgic *vgic, uint32_t affinity)
{
	uint32_t guess = AFFINITY_1(affinity) * CLUSTER + AFFINITY_0(affinity);
	struct vgic_cpu *cpu;
	uint32_t i;

	if (guess < vgic->cpu_count) {
		cpu = atomic_load(&vgic->cpus[guess]);
		if (likely(has_affinity(cpu, affinity)))
			return cpu;
	}
	for (i = 0; i < vgic->cpu_count; i++) {
		cpu = atomic_load(&vgic->cpus[i]);
		if (has_affinity(cpu, affinity))
			return cpu;
	}
	return NULL;
}

/* 1 of N: the next VP whose redistributor is awake. */
static struct vgic_cpu *find_any(struct vgic *vgic)
{
	uint32_t turn = atomic_fetch_add_explicit(&vgic->turn, 1, memory_order_relaxed);
	uint32_t i;

	for (i = 0; i < vgic->cpu_count; i++) {
		struct vgic_cpu *cpu = atomic_load(&vgic->cpus[(turn + i) % vgic->cpu_count]);

		if (cpu && !atomic_load(&cpu->asleep))
			return cpu;
	}
	return NULL;
}

/* Who has to look at an SPI. */
static struct vgic_cpu *target(struct vgic *vgic, uint64_t irq)
{
	if (irq & IRQ_OWNER)
		return irq_owner(vgic, irq);
	if (!irq_wanted(vgic, irq))
		return NULL;
	if (irq & IRQ_ANY)
		return find_any(vgic);
	return find(vgic, (uint32_t)(irq >> IRQ_ROUTE_SHIFT));
}

/* ---- posting ---- */

void vgic_post(struct vgic_cpu *cpu, uint32_t intid)
{
	atomic_fetch_or(&cpu->posted[intid / 64], BIT(intid % 64));
	atomic_fetch_or(&cpu->posted_words, (uint32_t)BIT(intid / 64));
}

void vgic_changed(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid)
{
	uint64_t irq = irq_get(irq_word(vgic, cpu, intid));

	if (intid >= VGIC_PRIVATE)
		cpu = target(vgic, irq);
	else if (!(irq & IRQ_LISTED) && !irq_wanted(vgic, irq))
		cpu = NULL;
	if (!cpu)
		return;
	vgic_post(cpu, intid);
	vgic->ops->notify(cpu);
}

/* The VP is told, and is waited for if its list registers are loaded. */
static void recall(struct vgic_cpu *cpu)
{
	uint32_t folds =
		atomic_load(&cpu->folds); /* first: it may have folded by the time it is told */

	atomic_fetch_or(&cpu->posted_words, VGIC_LIST);
	cpu->vgic->ops->notify(cpu);
	if (vgic_is_resident(cpu))
		cpu->vgic->ops->refresh(cpu, folds);
}

void vgic_recall(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid)
{
	uint64_t irq = irq_get(irq_word(vgic, cpu, intid));

	if (!(irq & IRQ_LISTED))
		return;
	if (intid >= VGIC_PRIVATE)
		cpu = irq_owner(vgic, irq);
	if (cpu)
		recall(cpu);
}

static void private_changed(struct vgic_cpu *cpu)
{
	uint32_t i;

	for (i = 0; i < VGIC_PRIVATE; i++)
		vgic_changed(cpu->vgic, cpu, i);
	if (vgic_is_resident(cpu))
		recall(cpu);
}

void vgic_all_changed(struct vgic *vgic)
{
	uint32_t i;

	for (i = 0; i < vgic->spi_count; i++)
		vgic_changed(vgic, NULL, VGIC_PRIVATE + i);
	for (i = 0; i < vgic->cpu_count; i++) {
		struct vgic_cpu *cpu = atomic_load(&vgic->cpus[i]);

		if (cpu)
			private_changed(cpu);
	}
}

/* ---- what software takes away ---- */

/* A list register gives its latch back only if IRQ_LR_PENDING is set. */
uint64_t irq_pending_cleared(uint64_t irq)
{
	return irq & ~(uint64_t)(IRQ_LATCH | IRQ_LR_PENDING);
}

uint64_t irq_active_cleared(uint64_t irq)
{
	irq &= ~(uint64_t)(IRQ_ACTIVE | IRQ_LR_ACTIVE);
	return irq & IRQ_LISTED ? irq | IRQ_LR_INACTIVE : irq & ~IRQ_OWNER;
}

/* ---- inputs ---- */

/* False: nothing has changed. */
static bool line_set(_Atomic uint64_t *word, bool high, uint64_t *after)
{
	uint64_t before = irq_get(word);

	do {
		if (!high) {
			*after = before & ~(uint64_t)(IRQ_LINE | IRQ_RAISED);
		} else {
			*after = before | IRQ_LINE | (before & IRQ_LISTED ? IRQ_RAISED : 0);
			if ((before & (IRQ_LINE | IRQ_EDGE)) == IRQ_EDGE)
				*after |= IRQ_LATCH;
		}
		if (*after == before)
			return false;
	} while (!irq_replace(word, &before, *after));
	return true;
}

static void input_set(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid, bool high)
{
	uint64_t irq;

	if (!line_set(irq_word(vgic, cpu, intid), high, &irq))
		return;
	if (high) {
		vgic_changed(vgic, cpu, intid);
		return;
	}
	/* One that has not been acknowledged goes, and one that has need not tell of its end, but neither
	 * is worth an exit: the VMM's or the guest's own access that did this is one mostly. */
	if (intid >= VGIC_PRIVATE)
		cpu = irq_owner(vgic, irq);
	if ((irq & IRQ_LISTED) && !(irq & IRQ_EDGE) && cpu)
		vgic_post(cpu, intid);
}

static bool is_spi(const struct vgic *vgic, uint32_t intid)
{
	return intid >= VGIC_PRIVATE && intid - VGIC_PRIVATE < vgic->spi_count;
}

bool vgic_set_spi(struct vgic *vgic, uint32_t intid, bool high)
{
	if (!is_spi(vgic, intid))
		return false;
	input_set(vgic, NULL, intid, high);
	return true;
}

bool vgic_pulse_spi(struct vgic *vgic, uint32_t intid, bool *merged)
{
	uint64_t before;

	if (!is_spi(vgic, intid))
		return false;
	before = atomic_fetch_or(irq_word(vgic, NULL, intid), IRQ_LATCH);
	*merged = before & IRQ_LATCH;
	if (!*merged)
		vgic_changed(vgic, NULL, intid);
	return true;
}

void vgic_set_ppi(struct vgic_cpu *cpu, uint32_t intid, bool high)
{
	input_set(cpu->vgic, cpu, intid, high);
}

void vgic_pulse_ppi(struct vgic_cpu *cpu, uint32_t intid)
{
	if (!(atomic_fetch_or(&cpu->irq[intid], IRQ_LATCH) & IRQ_LATCH))
		vgic_changed(cpu->vgic, cpu, intid);
}

__cold void vgic_ppi_link(struct vgic_cpu *cpu, uint32_t intid, uint16_t physical)
{
	cpu->physical[intid] = physical;
}

/* ---- SGIs (IHI 0069, 12.2, ICC_SGI1R_EL1) ---- */

#define SGI_TARGETS(value) ((uint32_t)(value)&0xffff)
#define SGI_AFFINITY(value)                                                              \
	((uint32_t)((value) >> 24 & 0xff000000) | (uint32_t)((value) >> 16 & 0xff0000) | \
	 (uint32_t)((value) >> 8 & 0xff00))
#define SGI_INTID(value) ((uint32_t)((value) >> 24) & 0xf)
#define SGI_RANGE(value) ((uint32_t)((value) >> 44) & 0xf)
#define SGI_OTHERS	 BIT(40) /* IRM */

/* ICC_SGI1R_EL1 reaches SGIs of both groups, the others those of group 0. */
static void sgi_send(struct vgic_cpu *cpu, uint32_t intid, enum vgic_sgi_register reg)
{
	struct vgic *vgic = cpu->vgic;
	uint64_t before = irq_get(&cpu->irq[intid]);

	if (reg != VGIC_SGI1R && (before & IRQ_GROUP1))
		return;
	before = atomic_fetch_or(&cpu->irq[intid], IRQ_LATCH);
	if (before & IRQ_LATCH)
		return;
	if (!(before & IRQ_LISTED) && !irq_wanted(vgic, before | IRQ_LATCH))
		return;
	vgic_post(cpu, intid);
	vgic->ops->notify(cpu);
}

static void sgi_to_others(struct vgic_cpu *self, uint32_t intid, enum vgic_sgi_register reg)
{
	struct vgic *vgic = self->vgic;
	uint32_t i;

	for (i = 0; i < vgic->cpu_count; i++) {
		struct vgic_cpu *cpu = atomic_load(&vgic->cpus[i]);

		if (cpu && cpu != self)
			sgi_send(cpu, intid, reg);
	}
}

void vgic_sgi_write(struct vgic_cpu *cpu, enum vgic_sgi_register reg, uint64_t value)
{
	struct vgic *vgic = cpu->vgic;
	uint32_t targets = SGI_TARGETS(value);
	uint32_t first = SGI_AFFINITY(value) | SGI_RANGE(value) * CLUSTER;

	if (value & SGI_OTHERS) {
		sgi_to_others(cpu, SGI_INTID(value), reg);
		return;
	}
	for (; targets; targets &= targets - 1) {
		struct vgic_cpu *to = find(vgic, first | (uint32_t)__builtin_ctz(targets));

		if (to)
			sgi_send(to, SGI_INTID(value), reg);
	}
}

/* ---- made, reset ---- */

uint64_t irq_reset_value(uint32_t intid)
{
	return intid < VGIC_SGIS ? IRQ_EDGE : 0;
}

static __cold void word_reset(_Atomic uint64_t *word, uint32_t intid)
{
	uint64_t before = irq_get(word);

	while (!irq_replace(word, &before, (before & IRQ_LINE) | irq_reset_value(intid)))
		; /* ends: only inputs change meanwhile */
}

__cold void vgic_reset(struct vgic *vgic)
{
	uint32_t i;

	atomic_store(&vgic->ctlr, 0);
	for (i = 0; i < vgic->spi_count; i++)
		word_reset(&vgic->spi[i], VGIC_PRIVATE + i);
}

__cold void vgic_create(struct vgic *vgic, const struct vgic_config *config)
{
	memset(vgic, 0, sizeof(*vgic));
	vgic->ops = config->ops;
	vgic->spi = config->spi;
	vgic->cpus = config->cpus;
	vgic->spi_count = MIN(config->spi_count, VGIC_SPI_MAX);
	vgic->cpu_count = MIN(config->cpu_count, VGIC_VP_MAX);
	vgic->host = config->host;
	vgic_reset(vgic);
}

__cold void vgic_interface_reset(struct vgic_cpu *cpu)
{
	memset(&cpu->interface, 0, sizeof(cpu->interface));
	cpu->interface.vmcr = VMCR_FIQ_EN; /* as it is with system registers alone */
	cpu->used = 0;
}

__cold void vgic_cpu_reset(struct vgic_cpu *cpu)
{
	uint32_t i;

	vgic_interface_reset(cpu);
	atomic_store(&cpu->asleep, true);
	for (i = 0; i < VGIC_PRIVATE; i++)
		word_reset(&cpu->irq[i], i);
	/* What was bound is looked at again: SPIs may have gone elsewhere. */
	atomic_fetch_or(&cpu->posted_words, VGIC_LIST);
}

__cold void vgic_cpu_create(struct vgic_cpu *cpu, struct vgic *vgic, uint32_t index,
			    uint32_t affinity)
{
	memset(cpu, 0, sizeof(*cpu));
	cpu->vgic = vgic;
	cpu->index = index;
	cpu->affinity = affinity;
	vgic_cpu_reset(cpu);
	atomic_store(&vgic->cpus[index], cpu);
	/* What waited for a VP of its affinity. */
	vgic_all_changed(vgic);
}

__cold void vgic_cpu_remove(struct vgic_cpu *cpu)
{
	if (cpu->vgic)
		atomic_store(&cpu->vgic->cpus[cpu->index], NULL);
}
