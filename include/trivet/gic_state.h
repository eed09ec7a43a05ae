/* SPDX-License-Identifier: MIT */
/*
 * The saved state of a GICv3 (Arm IHI 0069): an element of a partition, with the distributor and the SPIs, and one
 * of each VP, with the redistributor and the CPU interface. docs/state.md is the reference in prose.
 */
#ifndef TRIVET_GIC_STATE_H
#define TRIVET_GIC_STATE_H

#include <trivet/types.h>

enum gic_state_flags {
	GIC_IRQ_ENABLED = BIT(0),
	GIC_IRQ_LATCH = BIT(1), /* pending by an edge or by software */
	GIC_IRQ_LINE = BIT(2),	/* its input is high */
	GIC_IRQ_ACTIVE = BIT(3),
	GIC_IRQ_EDGE = BIT(4), /* edge-triggered; of an SGI always */
	GIC_IRQ_GROUP1 = BIT(5),
};

struct gic_state_irq {
	uint8_t flags; /* enum gic_state_flags */
	uint8_t priority;
	uint16_t
		owner; /* of an active SPI: 1 + index of the VP that acknowledged it; 0: none did */
	uint32_t reserved;
	uint64_t route; /* of an SPI: GICD_IROUTER */
};
static_assert(sizeof(struct gic_state_irq) == 16, "ABI");

struct partition_state_gic {
	uint32_t ctlr; /* GICD_CTLR */
	uint32_t spi_count;
	struct gic_state_irq spi[]; /* from INTID 32 */
};
static_assert(sizeof(struct partition_state_gic) == 8, "ABI");

#define GIC_STATE_PRIVATE 32u

struct vp_state_gic {
	uint32_t waker;	   /* GICR_WAKER */
	uint32_t vmcr;	   /* ICC_PMR, BPR, IGRPEN and CTLR_EL1, as ICH_VMCR_EL2 has them */
	uint32_t ap[2][4]; /* ICC_AP0R<n>_EL1, ICC_AP1R<n>_EL1 */
	struct gic_state_irq irq[GIC_STATE_PRIVATE];
};
static_assert(sizeof(struct vp_state_gic) == 40 + 16 * GIC_STATE_PRIVATE, "ABI");

#endif
