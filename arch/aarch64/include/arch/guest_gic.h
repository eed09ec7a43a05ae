/* SPDX-License-Identifier: MIT */
/*
 * What the GICv3 of a partition's VTL keeps (Arm IHI 0069): the distributor with its SPIs, and for each VP
 * its redistributor with SGIs and PPIs and its CPU interface. arch/aarch64/guest/vgic.h has the functions.
 *
 * All of an interrupt is one 64-bit word, which any CPU changes by compare and exchange, so there are no
 * locks. Whoever made an interrupt worth a look sets its bit in `posted` of the VP that it goes to; that VP's
 * CPU alone moves what is to be delivered to list registers, and back.
 */
#ifndef ARCH_GUEST_GIC_H
#define ARCH_GUEST_GIC_H

#include <stdatomic.h>
#include <trivet/types.h>

#define VGIC_SGIS     16u
#define VGIC_PRIVATE  32u   /* SGIs and PPIs */
#define VGIC_INTIDS   1020u /* those above are special */
#define VGIC_SPI_MAX  (VGIC_INTIDS - VGIC_PRIVATE)
#define VGIC_WORDS    16u /* of 64 bits, a bit for each INTID */
#define VGIC_LR_MAX   16u
#define VGIC_AP_MAX   4u /* active priority registers of a group */
#define VGIC_VP_MAX   4094u
#define VGIC_NO_INTID 1023u

/* GICD and GICR as a guest finds them in memory. */
#define VGIC_DISTRIBUTOR_SIZE	0x10000u
#define VGIC_REDISTRIBUTOR_SIZE 0x20000u /* RD_base and SGI_base of a VP */

/* The word of an interrupt. */
enum vgic_irq_bits {
	IRQ_ENABLED = BIT(0),
	IRQ_LATCH = BIT(1),  /* pending by an edge or by software, until it is acknowledged */
	IRQ_LINE = BIT(2),   /* the level of its input */
	IRQ_ACTIVE = BIT(3), /* if it is listed too: made so by software meanwhile */
	IRQ_EDGE = BIT(4),   /* edge-triggered */
	IRQ_GROUP1 = BIT(5),
	IRQ_ANY = BIT(6),	 /* of an SPI: routed to any VP, 1 of N */
	IRQ_LISTED = BIT(7),	 /* in a list register of its owner, which is resident */
	IRQ_LR_PENDING = BIT(8), /* with its latch, which counts unless it was acknowledged there */
	IRQ_LR_ACTIVE = BIT(9),	 /* it was active when it was listed */
	IRQ_LR_INACTIVE = BIT(10), /* that it is active there counts no longer */
	IRQ_RAISED = BIT(11),	   /* its input was raised while it was listed */
};
#define IRQ_LISTED_ALL	   (IRQ_LISTED | IRQ_LR_PENDING | IRQ_LR_ACTIVE | IRQ_LR_INACTIVE | IRQ_RAISED)
#define IRQ_OWNER_SHIFT	   12u /* of an SPI that is listed or active: 1 + index of the VP */
#define IRQ_OWNER	   (MASK(12) << IRQ_OWNER_SHIFT)
#define IRQ_PRIORITY_SHIFT 24u
#define IRQ_PRIORITY	   (MASK(8) << IRQ_PRIORITY_SHIFT)
#define IRQ_ROUTE_SHIFT	   32u /* of an SPI: the affinity of GICD_IROUTER, Aff3 on top */
#define IRQ_ROUTE	   (MASK(32) << IRQ_ROUTE_SHIFT)

/* The CPU interface's registers for virtual interrupts, as ICH_*_EL2 have them. */
struct vgic_interface {
	uint64_t lr[VGIC_LR_MAX];
	uint32_t hcr;
	uint32_t vmcr;
	uint32_t ap[2][VGIC_AP_MAX]; /* by group */
};

struct vgic;

struct vgic_cpu {
	/* Bit n: word n of `posted` may have a bit set. The top bit: look at what is bound. 0 is the common case. */
	_Atomic uint32_t posted_words;
	uint32_t used;	 /* bit n: list register n of `interface` holds something */
	uint32_t loaded; /* the same of the processor's, while the VP is on one */
	/* The list registers are loaded, or may be: they say more than memory. */
	_Atomic bool resident;
	_Atomic bool asleep;	/* GICR_WAKER.ProcessorSleep */
	bool quiet;		/* put with nothing listed: what was listed last is still right */
	_Atomic uint32_t folds; /* counts up when they are read back */
	uint32_t index;		/* of the VP */
	uint32_t affinity;	/* Aff3 on top */
	uint32_t bound_words;	/* as posted_words */
	struct vgic *vgic;
	struct vgic_interface interface;
	_Atomic uint64_t posted[VGIC_WORDS]; /* any CPU */
	uint64_t bound[VGIC_WORDS]; /* those that this VP has taken on: active or to be delivered */
	_Atomic uint64_t irq[VGIC_PRIVATE];
	uint16_t physical[VGIC_PRIVATE]; /* of a PPI that is a host's: its INTID there; 0: none */
};

/* What the model asks of those who use it. */
struct vgic_ops {
	/* On any CPU: something is posted for the VP. It has to fold and list anew soon. */
	void (*notify)(struct vgic_cpu *cpu);
	/* On any CPU, after notify(): comes back when the VP's `folds` are others than these, or it is not
	 * resident. Two VPs that wait for each other so are not resident themselves: they don't wait long. */
	void (*refresh)(struct vgic_cpu *cpu, uint32_t folds);
	/* On the VP's CPU: the host's interrupt behind a PPI is to be deactivated, see vgic_ppi_link(). */
	void (*end)(struct vgic_cpu *cpu, uint32_t intid);
};

/* What the CPU interface of the host is like, by ICH_VTR_EL2 and ICC_CTLR_EL1. */
struct vgic_host {
	uint8_t lr_count;	 /* up to VGIC_LR_MAX */
	uint8_t priority_bits;	 /* 5 to 8 */
	uint8_t preemption_bits; /* 5 to 7 */
	bool traps_dir;		 /* ICH_HCR_EL2.TDIR works */
	bool range_selector;	 /* Aff0 over 15 */
	uint32_t
		icc_ctlr; /* ICC_CTLR_EL1 as a guest reads it, without the bits that it can write */
};

struct vgic {
	const struct vgic_ops *ops;
	_Atomic uint64_t *spi;		/* words by INTID - VGIC_PRIVATE */
	struct vgic_cpu *_Atomic *cpus; /* by VP index; NULL: not there yet */
	uint32_t spi_count;
	uint32_t cpu_count;
	_Atomic uint32_t ctlr; /* GICD_CTLR: the groups' enables */
	_Atomic uint32_t turn; /* where the next search for any VP begins */
	struct vgic_host host;
};

#endif
