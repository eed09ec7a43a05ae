/* SPDX-License-Identifier: MIT */
/*
 * The GICv3 that guests see, as a pure model (Arm IHI 0069): distributor, redistributors, and what goes to
 * list registers and comes back. It touches no hardware and knows no VP; vgic_hw.h does the former, and struct
 * vgic_ops tells what the model wants of the latter.
 *
 * What a guest sees: one security state (GICD_CTLR.DS = 1), affinity routing always on, groups 0 and 1, SPIs
 * by line, by message (GICD_SETSPI_NSR) and by software; no LPIs, no ITS, no extended ranges.
 *
 * Who may call: the VP's own CPU, except for the functions that say "any CPU".
 *
 *   vgic.c            interrupts: made, changed, routed, posted; SGIs
 *   vgic_list.c       to list registers and back
 *   vgic_registers.c  GICD and GICR
 *   vgic_interface.c  ICC_* registers that trap
 *   vgic_state.c      saving and loading
 */
#ifndef GUEST_VGIC_H
#define GUEST_VGIC_H

#include <arch/guest_gic.h>

struct vgic_config {
	const struct vgic_ops *ops;
	_Atomic uint64_t *spi;		/* spi_count words */
	struct vgic_cpu *_Atomic *cpus; /* cpu_count pointers, all NULL */
	uint32_t spi_count;		/* up to VGIC_SPI_MAX; rounded by the guest's view to 32 */
	uint32_t cpu_count;
	/* Of the host, by ICH_VTR_EL2. */
	uint8_t lr_count;
	uint8_t priority_bits;	 /* 5 to 8 */
	uint8_t preemption_bits; /* 5 to 7 */
	bool traps_dir;
};

/* Makes one, as after reset. */
void vgic_create(struct vgic *vgic, const struct vgic_config *config);
/* All SPIs and the distributor; no VP runs. The VPs' own parts are reset by themselves, afterwards. */
void vgic_reset(struct vgic *vgic);
/* Makes a VP's part, as after reset, and lets the others find it. */
void vgic_cpu_create(struct vgic_cpu *cpu, struct vgic *vgic, uint32_t index, uint32_t affinity);
/* Of a VP that is not loaded. SPIs that it had are free for others. */
void vgic_cpu_reset(struct vgic_cpu *cpu);
/* The VP goes: nobody finds it any more. */
void vgic_cpu_remove(struct vgic_cpu *cpu);
/* The PPI is the host's interrupt `physical` of the CPU on which the VP runs (ICH_LR<n>_EL2.HW): when the guest
 * deactivates it, the host's is deactivated too, and its line counts as low until vgic_set_ppi() says else. */
void vgic_ppi_link(struct vgic_cpu *cpu, uint32_t intid, uint32_t physical);

/* ---- interrupts: any CPU ---- */

/* The input of an SPI. False: there is none of that number. */
bool vgic_set_spi(struct vgic *vgic, uint32_t intid, bool high);
/* It rises and falls. *merged: it was pending already. False: so too. */
bool vgic_pulse_spi(struct vgic *vgic, uint32_t intid, bool *merged);
/* The input of a PPI, 16 to 31. */
void vgic_set_ppi(struct vgic_cpu *cpu, uint32_t intid, bool high);

enum vgic_sgi_register { VGIC_SGI1R, VGIC_ASGI1R, VGIC_SGI0R };
/* A write of ICC_SGI1R_EL1, ICC_ASGI1R_EL1 or ICC_SGI0R_EL1 by the VP. */
void vgic_sgi_write(struct vgic_cpu *cpu, enum vgic_sgi_register sgi, uint64_t value);

/* ---- list registers ---- */

/* Something may have to be done before the next entry. */
static inline bool vgic_has_work(const struct vgic_cpu *cpu)
{
	return atomic_load_explicit(&((struct vgic_cpu *)(uintptr_t)cpu)->posted_words,
				    memory_order_acquire) != 0;
}
/* What `interface` has in its list registers, and its count of EOIs, goes back to the interrupts; the list
 * registers are empty then. The VP is no longer resident. */
void vgic_fold(struct vgic_cpu *cpu);
/* What is most urgent goes to the list registers of `interface`, which are empty; hcr tells of what the guest is to
 * exit. The VP is resident. */
void vgic_list(struct vgic_cpu *cpu);
/* Something would be signalled to the guest, by the interface's masks and priorities: WFI is over. Not
 * resident: fold first. */
bool vgic_is_signalled(struct vgic_cpu *cpu);

/* ---- GICD and GICR: an access of `self`, which is not resident: fold first ----
 *
 * size: 1, 2, 4 or 8. What the specification does not allow reads as 0 and is not written. */

uint64_t vgic_distributor_read(struct vgic_cpu *self, uint32_t offset, unsigned int size);
void vgic_distributor_write(struct vgic_cpu *self, uint32_t offset, unsigned int size,
			    uint64_t value);
/* offset: in the two frames of `cpu`. */
uint64_t vgic_redistributor_read(struct vgic_cpu *self, struct vgic_cpu *cpu, uint32_t offset,
				 unsigned int size);
void vgic_redistributor_write(struct vgic_cpu *self, struct vgic_cpu *cpu, uint32_t offset,
			      unsigned int size, uint64_t value);

/* ---- ICC_* that trap by ICH_HCR_EL2.TC or TDIR; not resident: fold first ---- */

enum vgic_icc { VGIC_ICC_CTLR, VGIC_ICC_DIR, VGIC_ICC_PMR, VGIC_ICC_RPR };
/* False: the register cannot be read, or not be written, so the instruction is undefined. */
bool vgic_icc_read(struct vgic_cpu *cpu, enum vgic_icc reg, uint64_t *value);
bool vgic_icc_write(struct vgic_cpu *cpu, enum vgic_icc reg, uint64_t value);

/* ---- what the files of the model share ---- */

static inline _Atomic uint64_t *vgic_irq(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid)
{
	return intid < VGIC_PRIVATE ? &cpu->irq[intid] : &vgic->spi[intid - VGIC_PRIVATE];
}

#endif
