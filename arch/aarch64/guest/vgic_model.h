/* SPDX-License-Identifier: MIT */
/* What the files of the GIC's model share. */
#ifndef GUEST_VGIC_MODEL_H
#define GUEST_VGIC_MODEL_H

#include "vgic.h"

#define VGIC_LIST BIT(31) /* in posted_words: look at what is bound, though nothing was posted */

/* GICD_CTLR, of one security state (IHI 0069, 12.9.4) */
#define CTLR_GROUP0 BIT(0)
#define CTLR_GROUP1 BIT(1)
#define CTLR_GROUPS (CTLR_GROUP0 | CTLR_GROUP1)
#define CTLR_ARE    BIT(4)
#define CTLR_DS	    BIT(6)

/* ICH_HCR_EL2 */
#define HCR_EN		 BIT(0)
#define HCR_NPIE	 BIT(3)		  /* no list register is pending */
#define HCR_GROUP_EIE(g) BIT(4 + 2 * (g)) /* the guest has enabled the group */
#define HCR_GROUP_DIE(g) BIT(5 + 2 * (g)) /* it has disabled it */
#define HCR_TC		 BIT(10)
#define HCR_TALL0	 BIT(11) /* the registers of group 0 */
#define HCR_TALL1	 BIT(12)
#define HCR_TDIR	 BIT(14)

/* ICH_LR<n>_EL2 */
#define LR_PHYSICAL_SHIFT 32
#define LR_EOI		  BIT(41)
#define LR_PRIORITY_SHIFT 48
#define LR_GROUP1	  BIT(60)
#define LR_HW		  BIT(61)
#define LR_PENDING	  BIT(62)
#define LR_ACTIVE	  BIT(63)
#define LR_INTID(lr)	  ((uint32_t)(lr))

/* ICH_VMCR_EL2 */
#define VMCR_GROUP(g)	BIT(g)
#define VMCR_GROUPS	(VMCR_GROUP(0) | VMCR_GROUP(1))
#define VMCR_FIQ_EN	BIT(3)
#define VMCR_CBPR	BIT(4)
#define VMCR_EOIM	BIT(9)
#define VMCR_BPR1_SHIFT 18
#define VMCR_BPR0_SHIFT 21
#define VMCR_PMR_SHIFT	24
#define VMCR_BPRS	(MASK(6) << VMCR_BPR1_SHIFT)
#define VMCR_KNOWN \
	(VMCR_GROUPS | VMCR_FIQ_EN | VMCR_CBPR | VMCR_EOIM | VMCR_BPRS | MASK(8) << VMCR_PMR_SHIFT)

#define PRIORITY_IDLE 0xffu /* of a processor that handles nothing */

static inline _Atomic uint64_t *irq_word(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid)
{
	return intid < VGIC_PRIVATE ? &cpu->irq[intid] : &vgic->spi[intid - VGIC_PRIVATE];
}

static inline uint64_t irq_get(_Atomic uint64_t *word)
{
	return atomic_load(word);
}

/* Stores what the word is to be in place of *before. False: it has changed, *before tells how. */
static inline bool irq_replace(_Atomic uint64_t *word, uint64_t *before, uint64_t after)
{
	return atomic_compare_exchange_weak(word, before, after);
}

static inline bool irq_pending(uint64_t irq)
{
	return (irq & (IRQ_LATCH | IRQ_LR_PENDING)) || (irq & (IRQ_LINE | IRQ_EDGE)) == IRQ_LINE;
}

static inline bool irq_active(uint64_t irq)
{
	return irq & (IRQ_ACTIVE | IRQ_LR_ACTIVE);
}

static inline unsigned int irq_group(uint64_t irq)
{
	return irq & IRQ_GROUP1 ? 1 : 0;
}

static inline uint32_t irq_priority(uint64_t irq)
{
	return (irq & IRQ_PRIORITY) >> IRQ_PRIORITY_SHIFT;
}

/* Pending, and the distributor lets it through. */
static inline bool irq_forwarded(struct vgic *vgic, uint64_t irq)
{
	uint32_t ctlr = atomic_load_explicit(&vgic->ctlr, memory_order_relaxed);

	return (irq & IRQ_ENABLED) && irq_pending(irq) && (ctlr & BIT(irq_group(irq)));
}

/* A VP's CPU interface has to know of it. */
static inline bool irq_wanted(struct vgic *vgic, uint64_t irq)
{
	return irq_active(irq) || irq_forwarded(vgic, irq);
}

/* The VP that has the SPI; NULL: none. */
static inline struct vgic_cpu *irq_owner(struct vgic *vgic, uint64_t irq)
{
	uint64_t owner = (irq & IRQ_OWNER) >> IRQ_OWNER_SHIFT;

	return owner && owner <= vgic->cpu_count ? atomic_load(&vgic->cpus[owner - 1]) : NULL;
}

static inline uint64_t irq_owned_by(const struct vgic_cpu *cpu)
{
	return (uint64_t)(cpu->index + 1) << IRQ_OWNER_SHIFT;
}

/* The bits of a priority that the host's list registers keep. */
static inline uint32_t priority_mask(const struct vgic *vgic)
{
	return 0xff & ~(uint32_t)MASK(8 - vgic->host.priority_bits);
}

static inline uint32_t ap_count(const struct vgic *vgic)
{
	return 1u << (vgic->host.preemption_bits - 5);
}

/* The reset value of a word, but for the level of its input. */
uint64_t irq_reset_value(uint32_t intid);
/* Sets the bits of the interrupt in `posted`. */
void vgic_post(struct vgic_cpu *cpu, uint32_t intid);
/* The interrupt was changed: the VP that has to look at it is told, if there is one. cpu: of an SGI or PPI. */
void vgic_changed(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid);
/* Has the VP whose list registers hold the interrupt, if there is one, fold them. */
void vgic_recall(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid);
/* What each VP is to be told was decided by other rules than now. */
void vgic_all_changed(struct vgic *vgic);
/* Pending no longer, by software. */
uint64_t irq_pending_cleared(uint64_t irq);
/* Active no longer, by software. */
uint64_t irq_active_cleared(uint64_t irq);
/* GICD_IROUTER. */
uint64_t irq_route_get(uint64_t irq);
uint64_t irq_route_set(uint64_t irq, uint64_t route);
/* Of a VP that is not resident: the most urgent one that is pending, of groups that the guest has enabled;
 * VGIC_NO_INTID. */
uint32_t vgic_most_urgent(struct vgic_cpu *cpu);
/* One that is pending may interrupt what the VP handles, by its priority. */
bool vgic_preempts(const struct vgic_cpu *cpu, uint64_t irq);
/* The bits of a priority that preempt (IHI 0069, 4.8, "Interrupt prioritization"). */
uint32_t vgic_group_priority(const struct vgic_cpu *cpu, uint32_t priority, unsigned int group);
/* The value of ICC_BPR<n>_EL1 by which that is so. */
uint32_t vgic_binary_point(const struct vgic_cpu *cpu, unsigned int group);
/* The priority at which the CPU interface runs (ICC_RPR_EL1). */
uint32_t vgic_running_priority(const struct vgic_cpu *cpu);

#endif
