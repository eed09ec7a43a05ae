/* SPDX-License-Identifier: MIT */
/*
 * A GIC of some VPs, each on a processor whose virtual CPU interface does as IHI 0069 says (4.8, 6, 12.4): it
 * acknowledges, drops priorities, deactivates, counts, and asks for maintenance.
 */
#ifndef VGIC_FAKE_H
#define VGIC_FAKE_H

#include <vgic.h>

#define FAKE_VPS 20u

struct fake_processor {
	struct vgic_interface r; /* what the processor has */
	bool notified;		 /* and has not entered since */
	uint32_t refreshes;
	uint32_t
		deactivated; /* the last of the host's interrupts that it has deactivated; 0: none */
};

struct fake_gic {
	struct vgic vgic;
	struct vgic_cpu cpu[FAKE_VPS];
	struct fake_processor processor[FAKE_VPS];
	_Atomic uint64_t spi[VGIC_SPI_MAX];
	struct vgic_cpu *_Atomic cpus[FAKE_VPS];
};
extern struct fake_gic fake;

/* VPs with Aff0 of their index up to 15, then Aff1. 5 bits of priority. */
void fake_gic_make(uint32_t vps, uint32_t spis, uint8_t lrs);
/* Awake, both groups on, at distributor and CPU interface, all priorities let through. */
void fake_gic_ready(void);

/* As arch/aarch64/guest/vgic_hw.c does it. */
void fake_sync(uint32_t vp);
void fake_enter(uint32_t vp);
void fake_put(uint32_t vp);
/* Exits for maintenance as long as it is asked for. */
void fake_maintain(uint32_t vp);

/* ---- the guest's accesses ---- */

/* ICC_IAR<group>_EL1: VGIC_NO_INTID for none. */
uint32_t fake_acknowledge(uint32_t vp, unsigned int group);
/* ICC_EOIR<group>_EL1 */
void fake_eoi(uint32_t vp, unsigned int group, uint32_t intid);
/* ICC_DIR_EL1; traps where it is to. */
void fake_dir(uint32_t vp, uint32_t intid);
/* A bit by group: IRQ (1) or FIQ (0) is signalled. */
uint32_t fake_signalled(uint32_t vp);
/* ICH_MISR_EL2 */
uint32_t fake_maintenance(uint32_t vp);
void fake_vmcr_set(uint32_t vp, uint32_t clear, uint32_t set);

/* GICD and GICR of 32 bits, after an exit. */
uint32_t fake_gicd_read(uint32_t offset);
void fake_gicd_write(uint32_t offset, uint32_t value);
uint32_t fake_gicr_read(uint32_t vp, uint32_t offset);
void fake_gicr_write(uint32_t vp, uint32_t offset, uint32_t value);

/* The list registers that hold the interrupt, of the VP's processor: their number; *lr: the last. */
uint32_t fake_listed(uint32_t vp, uint32_t intid, uint64_t *lr);

#define GICD_CTLR      0x0000u
#define GIC_IGROUPR    0x0080u
#define GIC_ISENABLER  0x0100u
#define GIC_ICENABLER  0x0180u
#define GIC_ISPENDR    0x0200u
#define GIC_ICPENDR    0x0280u
#define GIC_ISACTIVER  0x0300u
#define GIC_ICACTIVER  0x0380u
#define GIC_IPRIORITYR 0x0400u
#define GIC_ICFGR      0x0c00u
#define GICD_IROUTER   0x6000u
#define GICR_WAKER     0x0014u
#define GICR_SGI       0x10000u

#endif
