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
#include <trivet/gic_state.h>

struct vgic_config {
	const struct vgic_ops *ops;
	_Atomic uint64_t *spi;		/* spi_count words */
	struct vgic_cpu *_Atomic *cpus; /* cpu_count pointers, all NULL */
	uint32_t spi_count;		/* up to VGIC_SPI_MAX; GICD_TYPER counts them by 32 */
	uint32_t cpu_count;		/* up to VGIC_VP_MAX */
	struct vgic_host host;
};

/* Makes one, as after reset. */
void vgic_create(struct vgic *vgic, const struct vgic_config *config);
/* The distributor and all SPIs but the levels of their inputs; no VP runs, and each has its own reset afterwards. */
void vgic_reset(struct vgic *vgic);
/* Makes a VP's part, as after reset, and lets the others find it. */
void vgic_cpu_create(struct vgic_cpu *cpu, struct vgic *vgic, uint32_t index, uint32_t affinity);
/* Redistributor and CPU interface of a VP that is not resident. */
void vgic_cpu_reset(struct vgic_cpu *cpu);
/* The CPU interface alone, as when a VP is turned off and on. */
void vgic_interface_reset(struct vgic_cpu *cpu);
/* The VP goes: nobody finds it any more. */
void vgic_cpu_remove(struct vgic_cpu *cpu);
/*
 * The PPI is the host's interrupt `physical` of the CPU on which the VP runs (ICH_LR<n>_EL2.HW): when the guest
 * deactivates it, the processor deactivates the host's. Its line is then low, until vgic_set_ppi() raises it again,
 * which is to be done whenever the host's interrupt is acknowledged; that stays active until then. 0: no longer.
 */
void vgic_ppi_link(struct vgic_cpu *cpu, uint32_t intid, uint16_t physical);

/* ---- interrupts: any CPU ---- */

/* The input of an SPI. False: there is none of that number. */
bool vgic_set_spi(struct vgic *vgic, uint32_t intid, bool high);
/* A message: it is pending, whatever its input. *merged: it was already. False: so too. */
bool vgic_pulse_spi(struct vgic *vgic, uint32_t intid, bool *merged);
/* The input of a PPI, 16 to 31. */
void vgic_set_ppi(struct vgic_cpu *cpu, uint32_t intid, bool high);
/* A PPI is pending, whatever its input. */
void vgic_pulse_ppi(struct vgic_cpu *cpu, uint32_t intid);

enum vgic_sgi_register { VGIC_SGI1R, VGIC_ASGI1R, VGIC_SGI0R };
/* A write of ICC_SGI1R_EL1, ICC_ASGI1R_EL1 or ICC_SGI0R_EL1 by the VP. */
void vgic_sgi_write(struct vgic_cpu *cpu, enum vgic_sgi_register reg, uint64_t value);

/* ---- list registers ---- */

/* vgic_list() has to be called before the next entry. */
static inline bool vgic_has_work(const struct vgic_cpu *cpu)
{
	return atomic_load_explicit(&((struct vgic_cpu *)(uintptr_t)cpu)->posted_words,
				    memory_order_acquire) != 0;
}
static inline bool vgic_is_resident(const struct vgic_cpu *cpu)
{
	return atomic_load(&((struct vgic_cpu *)(uintptr_t)cpu)->resident);
}
/* What `interface` has in the list registers that are `used` goes back to the interrupts; the list registers are free
 * then, and the VP is no longer resident. It has work. */
void vgic_fold(struct vgic_cpu *cpu);
/* The most urgent interrupts go to list registers, by the VMCR of `interface`; its HCR then tells of what the
 * guest is to exit. The VP was not resident, and is then. */
void vgic_list(struct vgic_cpu *cpu);
/* Something would be signalled to the guest, by the masks and priorities of `interface`: WFI is over. The VP is
 * not resident. */
bool vgic_is_signalled(struct vgic_cpu *cpu);

/* ---- GICD and GICR, any CPU; a VP that accesses them is not resident ----
 *
 * size: 1, 2, 4 or 8. What the specification does not allow reads as 0 and is not written. */

uint64_t vgic_distributor_read(struct vgic *vgic, uint32_t offset, unsigned int size);
void vgic_distributor_write(struct vgic *vgic, uint32_t offset, unsigned int size, uint64_t value);
/* The offset is that in the VP's two frames. */
uint64_t vgic_redistributor_read(struct vgic_cpu *cpu, uint32_t offset, unsigned int size);
void vgic_redistributor_write(struct vgic_cpu *cpu, uint32_t offset, unsigned int size,
			      uint64_t value);

/* ---- ICC_*_EL1 that trap by ICH_HCR_EL2.TC, TALL0, TALL1 or TDIR; not resident ---- */

enum vgic_icc {
	VGIC_ICC_CTLR,
	VGIC_ICC_DIR,
	VGIC_ICC_PMR,
	VGIC_ICC_RPR,
	VGIC_ICC_IAR0,
	VGIC_ICC_IAR1,
	VGIC_ICC_EOIR0,
	VGIC_ICC_EOIR1,
	VGIC_ICC_HPPIR0,
	VGIC_ICC_HPPIR1,
	VGIC_ICC_BPR0,
	VGIC_ICC_BPR1,
	VGIC_ICC_IGRPEN0,
	VGIC_ICC_IGRPEN1,
	VGIC_ICC_AP0R0,
	VGIC_ICC_AP0R1,
	VGIC_ICC_AP0R2,
	VGIC_ICC_AP0R3,
	VGIC_ICC_AP1R0,
	VGIC_ICC_AP1R1,
	VGIC_ICC_AP1R2,
	VGIC_ICC_AP1R3,
};
/* False: it cannot be read, or not be written: the instruction is undefined. */
bool vgic_icc_read(struct vgic_cpu *cpu, enum vgic_icc reg, uint64_t *value);
bool vgic_icc_write(struct vgic_cpu *cpu, enum vgic_icc reg, uint64_t value);

/* ---- state: of VPs that are not resident ---- */

/* Into a structure of zeros, with room for spi_count of them. */
void vgic_state_get(struct vgic *vgic, struct partition_state_gic *state);
bool vgic_state_valid(const struct vgic *vgic, const struct partition_state_gic *state);
/* Of one that is valid; all VPs are there, and no one runs. */
void vgic_state_set(struct vgic *vgic, const struct partition_state_gic *state);
void vgic_cpu_state_get(struct vgic_cpu *cpu, struct vp_state_gic *state);
/* As after reset. */
void vgic_cpu_state_reset(struct vgic_cpu *cpu, struct vp_state_gic *state);
bool vgic_cpu_state_valid(const struct vgic_cpu *cpu, const struct vp_state_gic *state);
void vgic_cpu_state_set(struct vgic_cpu *cpu, const struct vp_state_gic *state);

#endif
