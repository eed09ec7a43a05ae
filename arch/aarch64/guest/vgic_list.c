/* SPDX-License-Identifier: MIT */
/*
 * From the interrupts' words to list registers and back (IHI 0069, chapter 6).
 *
 * Listing looks at all that is bound to the VP. If that is more than fits, active interrupts come first, since their
 * end is found there, but for one list register that the most urgent pending one gets; within both the order is
 * that of priority. What does not fit is taken up when the guest exits for it:
 *
 *   pending, and its group is enabled	     no list register is pending, or a group is disabled
 *   pending, and the guest has its group off  the group is enabled
 *   active				       all registers of the CPU interface trap (vgic_interface.c), so that an
 *					       end is that of the INTID which was written
 *
 * An interrupt whose input is high asks for an exit at its end, to look whether it still is.
 */
#include "vgic_model.h"

static bool owned(const struct vgic_cpu *cpu, uint32_t intid, uint64_t irq)
{
	return intid < VGIC_PRIVATE || (irq & IRQ_OWNER) == irq_owned_by(cpu);
}

static bool leads_here(const struct vgic_cpu *cpu, uint32_t intid, uint64_t irq)
{
	return intid < VGIC_PRIVATE || (irq & IRQ_ANY) ||
	       (uint32_t)(irq >> IRQ_ROUTE_SHIFT) == cpu->affinity;
}

/* ---- back ---- */

static void lr_fold(struct vgic_cpu *cpu, uint64_t lr)
{
	_Atomic uint64_t *word = irq_word(cpu->vgic, cpu, LR_INTID(lr));
	uint64_t before = irq_get(word);
	uint64_t after;

	do {
		after = before & ~(uint64_t)IRQ_LISTED_ALL;
		if ((lr & LR_PENDING) && (before & IRQ_LR_PENDING))
			after |= IRQ_LATCH;
		if ((lr & LR_ACTIVE) && !(before & IRQ_LR_INACTIVE))
			after |= IRQ_ACTIVE;
		/* The processor has deactivated the host's interrupt, which has not come again. */
		if ((lr & LR_HW) && !(lr & (LR_PENDING | LR_ACTIVE)) && !(before & IRQ_RAISED))
			after &= ~(uint64_t)IRQ_LINE;
		if (!(after & IRQ_ACTIVE))
			after &= ~IRQ_OWNER;
	} while (!irq_replace(word, &before, after));
	/* Its route was changed meanwhile. */
	if (unlikely(!(after & IRQ_ACTIVE) && !leads_here(cpu, LR_INTID(lr), after)))
		vgic_changed(cpu->vgic, cpu, LR_INTID(lr));
}

/* Calls for each interrupt in `bound`; those for which it is false leave. */
static void bound_each(struct vgic_cpu *cpu,
		       bool (*function)(struct vgic_cpu *cpu, uint32_t intid, void *argument),
		       void *argument)
{
	uint32_t words = cpu->bound_words;

	for (; words; words &= words - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(words);
		uint64_t bits = cpu->bound[i];

		for (; bits; bits &= bits - 1) {
			uint32_t bit = (uint32_t)__builtin_ctzll(bits);

			if (!function(cpu, i * 64 + bit, argument))
				cpu->bound[i] &= ~BIT(bit);
		}
		if (!cpu->bound[i])
			cpu->bound_words &= ~(uint32_t)BIT(i);
	}
}

void vgic_fold(struct vgic_cpu *cpu)
{
	if (!vgic_is_resident(cpu))
		return;
	for (; cpu->used; cpu->used &= cpu->used - 1)
		lr_fold(cpu, cpu->interface.lr[__builtin_ctz(cpu->used)]);
	cpu->interface.hcr = 0;
	atomic_fetch_or(&cpu->posted_words, VGIC_LIST);
	atomic_fetch_add(&cpu->folds, 1);
	atomic_store(&cpu->resident, false);
}

/* ---- what there is to list ---- */

/* The first of each kind, the most urgent first, and how many there are. */
struct choice {
	uint32_t count;
	uint32_t key[VGIC_LR_MAX];
};

#define KEY_GROUP_OFF	  BIT(24) /* the guest has it disabled at the CPU interface */
#define KEY_INTID(key)	  ((key)&0xffff)
#define KEY_PRIORITY(key) ((key) >> 16 & 0xff)

struct choices {
	struct choice active;
	struct choice pending;
	uint32_t off[2]; /* by group: pending ones with KEY_GROUP_OFF */
	uint32_t on;	 /* pending ones without */
};

static void choose(struct choice *choice, uint32_t key, uint32_t limit)
{
	uint32_t i = MIN(choice->count, limit);

	choice->count++;
	if (i == limit && key > choice->key[i - 1])
		return;
	if (i == limit)
		i--;
	for (; i > 0 && choice->key[i - 1] > key; i--)
		choice->key[i] = choice->key[i - 1];
	choice->key[i] = key;
}

/* The VP has it, or it is nobody's and goes to this one. */
static bool routed(const struct vgic_cpu *cpu, uint32_t intid, uint64_t irq)
{
	return irq & IRQ_OWNER ? owned(cpu, intid, irq) : leads_here(cpu, intid, irq);
}

static bool look(struct vgic_cpu *cpu, uint32_t intid, void *argument)
{
	struct choices *choices = argument;
	struct vgic *vgic = cpu->vgic;
	uint64_t irq = irq_get(irq_word(vgic, cpu, intid));
	uint32_t key = irq_priority(irq) << 16 | intid;
	unsigned int group = irq_group(irq);

	if (!irq_wanted(vgic, irq) || !routed(cpu, intid, irq))
		return false;
	if (irq & IRQ_ACTIVE) {
		choose(&choices->active, key, vgic->host.lr_count);
		return true;
	}
	/* IHI 0069, 12.11, GICR_WAKER: nothing is forwarded. It stays bound until the guest wakes it. */
	if (unlikely(atomic_load(&cpu->asleep)))
		return true;
	if (cpu->interface.vmcr & VMCR_GROUP(group)) {
		choices->on++;
	} else {
		choices->off[group]++;
		key |= KEY_GROUP_OFF;
	}
	choose(&choices->pending, key, vgic->host.lr_count);
	return true;
}

static void take_posted(struct vgic_cpu *cpu)
{
	uint32_t words = atomic_exchange(&cpu->posted_words, 0) & (uint32_t)MASK(VGIC_WORDS);

	cpu->bound_words |= words;
	for (; words; words &= words - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(words);

		cpu->bound[i] |= atomic_exchange(&cpu->posted[i], 0);
	}
}

static void look_at_all(struct vgic_cpu *cpu, struct choices *choices)
{
	choices->active.count = choices->pending.count = 0;
	choices->on = choices->off[0] = choices->off[1] = 0;
	take_posted(cpu);
	if (cpu->bound_words)
		bound_each(cpu, look, choices);
}

/* ---- to list registers ---- */

/* full: others wait for a list register. */
static uint64_t lr_make(const struct vgic_cpu *cpu, uint32_t intid, uint64_t irq, bool full)
{
	uint64_t lr = intid | (uint64_t)irq_priority(irq) << LR_PRIORITY_SHIFT;
	uint16_t physical = intid < VGIC_PRIVATE ? cpu->physical[intid] : 0;
	bool line = (irq & (IRQ_LINE | IRQ_EDGE)) == IRQ_LINE;

	if (irq & IRQ_GROUP1)
		lr |= LR_GROUP1;
	if (irq & IRQ_ACTIVE)
		lr |= LR_ACTIVE;
	/* "If HW is 1, pending and active is not a valid state": the host's comes again. */
	if (unlikely(physical != 0)) {
		lr |= LR_HW | (uint64_t)physical << LR_PHYSICAL_SHIFT;
		return irq & IRQ_ACTIVE ? lr : lr | LR_PENDING;
	}
	if (line)
		lr |= LR_EOI;
	if (!(irq & IRQ_ACTIVE))
		return lr | LR_PENDING;
	/* One that is high becomes pending when it is looked at, at its end. */
	if (!(irq & IRQ_LATCH) || !irq_forwarded(cpu->vgic, irq))
		return lr;
	/* So does one that goes elsewhere then, or whose turn may be after those that wait. */
	return lr | (!full && leads_here(cpu, intid, irq) ? LR_PENDING : LR_EOI);
}

/* What the word is while the list register has it. */
static uint64_t listed(const struct vgic_cpu *cpu, uint32_t intid, uint64_t irq, uint64_t lr)
{
	uint64_t after = (irq & ~(uint64_t)IRQ_ACTIVE) | IRQ_LISTED;

	if (lr & LR_ACTIVE)
		after |= IRQ_LR_ACTIVE;
	if ((lr & LR_PENDING) && (irq & IRQ_LATCH))
		after = (after & ~(uint64_t)IRQ_LATCH) | IRQ_LR_PENDING;
	return intid < VGIC_PRIVATE ? after : (after & ~IRQ_OWNER) | irq_owned_by(cpu);
}

static void lr_fill(struct vgic_cpu *cpu, uint32_t n, uint32_t intid, bool full)
{
	_Atomic uint64_t *word = irq_word(cpu->vgic, cpu, intid);
	uint64_t irq = irq_get(word);
	uint64_t lr;

	do {
		/* Changed meanwhile: whoever did so has posted it. */
		if (!irq_wanted(cpu->vgic, irq) || !routed(cpu, intid, irq))
			return;
		lr = lr_make(cpu, intid, irq, full);
	} while (!irq_replace(word, &irq, listed(cpu, intid, irq, lr)));
	cpu->interface.lr[n] = lr;
	cpu->used |= (uint32_t)BIT(n);
}

/* The exits that what has found no place needs. What ICC_DIR_EL1 deactivates may be another VP's, so that traps
 * always: the guest may change EOImode without an exit. */
static uint32_t hcr_make(const struct vgic_cpu *cpu, const struct choices *choices,
			 uint32_t actives, uint32_t pendings)
{
	uint32_t vmcr = cpu->interface.vmcr;
	uint32_t trap = cpu->vgic->host.traps_dir ? HCR_TDIR : HCR_TC;
	uint32_t hcr = HCR_EN | trap;
	unsigned int group;

	if (unlikely(choices->active.count > actives))
		hcr |= HCR_TALL0 | HCR_TALL1 | HCR_TC;
	if (likely(choices->pending.count <= pendings))
		return hcr;
	if (choices->on > pendings)
		hcr |= HCR_NPIE;
	for (group = 0; group < 2; group++) {
		if (vmcr & VMCR_GROUP(group))
			hcr |= choices->on > pendings ? HCR_GROUP_DIE(group) : 0;
		else if (choices->off[group])
			hcr |= HCR_GROUP_EIE(group);
	}
	return hcr;
}

void vgic_list(struct vgic_cpu *cpu)
{
	uint32_t lr_count = cpu->vgic->host.lr_count;
	struct choices choices;
	uint32_t actives, pendings, i;
	bool full;

	/* First: from now on, who wants to see the list registers waits for them. */
	atomic_store(&cpu->resident, true);
	look_at_all(cpu, &choices);
	actives = MIN(choices.active.count, choices.pending.count ? lr_count - 1 : lr_count);
	pendings = MIN(choices.pending.count, lr_count - actives);
	full = choices.pending.count > pendings;
	for (i = 0; i < actives; i++)
		lr_fill(cpu, i, KEY_INTID(choices.active.key[i]), full);
	for (i = 0; i < pendings; i++)
		lr_fill(cpu, actives + i, KEY_INTID(choices.pending.key[i]), full);
	cpu->interface.hcr = hcr_make(cpu, &choices, actives, pendings);
}

/* ---- is there something for the processor? ---- */

uint32_t vgic_binary_point(const struct vgic_cpu *cpu, unsigned int group)
{
	uint32_t vmcr = cpu->interface.vmcr;
	uint32_t minimum = 7u - cpu->vgic->host.preemption_bits;
	uint32_t first = MAX(vmcr >> VMCR_BPR0_SHIFT & 7, minimum);

	if (group == 0)
		return first;
	return vmcr & VMCR_CBPR ? MIN(first + 1, 7u)
				: MAX(vmcr >> VMCR_BPR1_SHIFT & 7, minimum + 1);
}

uint32_t vgic_group_priority(const struct vgic_cpu *cpu, uint32_t priority, unsigned int group)
{
	bool own = group == 1 && !(cpu->interface.vmcr & VMCR_CBPR);
	uint32_t point = own ? vgic_binary_point(cpu, 1) - 1 : vgic_binary_point(cpu, 0);

	return priority & ~(uint32_t)MASK(point + 1);
}

uint32_t vgic_running_priority(const struct vgic_cpu *cpu)
{
	uint32_t shift = 8u - cpu->vgic->host.preemption_bits;
	uint32_t i;

	for (i = 0; i < VGIC_AP_MAX; i++) {
		uint32_t active = cpu->interface.ap[0][i] | cpu->interface.ap[1][i];

		if (active)
			return (i * 32 + (uint32_t)__builtin_ctz(active)) << shift;
	}
	return PRIORITY_IDLE;
}

uint32_t vgic_most_urgent(struct vgic_cpu *cpu)
{
	struct choices choices;

	look_at_all(cpu, &choices);
	atomic_fetch_or(&cpu->posted_words, VGIC_LIST); /* that was no listing */
	return choices.on ? KEY_INTID(choices.pending.key[0]) : VGIC_NO_INTID;
}

bool vgic_preempts(const struct vgic_cpu *cpu, uint64_t irq)
{
	uint32_t priority = irq_priority(irq);

	return priority < cpu->interface.vmcr >> VMCR_PMR_SHIFT &&
	       vgic_group_priority(cpu, priority, irq_group(irq)) < vgic_running_priority(cpu);
}

bool vgic_is_signalled(struct vgic_cpu *cpu)
{
	uint32_t intid = vgic_most_urgent(cpu);

	return intid != VGIC_NO_INTID &&
	       vgic_preempts(cpu, irq_get(irq_word(cpu->vgic, cpu, intid)));
}
