/* SPDX-License-Identifier: MIT */
/*
 * The GIC's model on a processor: ICH_*_EL2 in and out (IHI 0069, 12.4). All of it on the VP's own CPU, with the
 * VP between vgic_load() and vgic_put(), where nothing else is said. List registers stay loaded over exits that
 * don't concern them: vgic_sync() takes them back for whoever wants to see the model.
 */
#ifndef GUEST_VGIC_HW_H
#define GUEST_VGIC_HW_H

#include "vgic.h"

/* What this CPU has. False: no GICv3 CPU interface for guests, or one with too few bits. */
bool vgic_hw_probe(struct vgic_host *host);
/* Once for each CPU. */
void vgic_hw_start(void);

/* The VP comes to this CPU, and leaves it. */
void vgic_load(struct vgic_cpu *cpu);
void vgic_put(struct vgic_cpu *cpu);
/* Before a call of the model that wants the VP not to be resident, and after a maintenance interrupt. Also of a
 * VP that is not loaded, for which there is nothing to do. */
void vgic_sync(struct vgic_cpu *cpu);
void vgic_enter_listing(struct vgic_cpu *cpu);
void vgic_enter_quiet(struct vgic_cpu *cpu);
/* Before each entry. */
static inline void vgic_enter(struct vgic_cpu *cpu)
{
	if (unlikely(vgic_has_work(cpu)))
		vgic_enter_listing(cpu);
	else if (cpu->quiet)
		vgic_enter_quiet(cpu);
}
/* Of a VP that has been entered or is going to: no interrupt is signalled, and again. */
void vgic_hold(bool hold, const struct vgic_cpu *cpu);
/* Something would be signalled: WFI is over. */
bool vgic_wakes(struct vgic_cpu *cpu);
/* ICC_CTLR, DIR, PMR, RPR_EL1, where they trap. False: undefined. */
bool vgic_icc_access(struct vgic_cpu *cpu, enum vgic_icc reg, bool write, uint64_t *value);

#endif
