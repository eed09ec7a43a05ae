/* SPDX-License-Identifier: MIT */
/*
 * Registers of the CPU interface that trap: ICC_DIR_EL1, whose INTID may be in no list register of this VP, and,
 * where the processor can't trap that alone, those that trap with it by ICH_HCR_EL2.TC.
 */
#include "vgic_model.h"

/* ICC_CTLR_EL1 */
#define ICC_CTLR_CBPR BIT(0)
#define ICC_CTLR_EOIM BIT(1)

static uint64_t ctlr_read(const struct vgic_cpu *cpu)
{
	uint32_t vmcr = cpu->interface.vmcr;

	return cpu->vgic->host.icc_ctlr | (vmcr & VMCR_CBPR ? ICC_CTLR_CBPR : 0) |
	       (vmcr & VMCR_EOIM ? ICC_CTLR_EOIM : 0);
}

static void ctlr_write(struct vgic_cpu *cpu, uint64_t value)
{
	uint32_t vmcr = cpu->interface.vmcr & ~(uint32_t)(VMCR_CBPR | VMCR_EOIM);

	cpu->interface.vmcr = vmcr | (value & ICC_CTLR_CBPR ? VMCR_CBPR : 0) |
			      (value & ICC_CTLR_EOIM ? VMCR_EOIM : 0);
}

static void pmr_write(struct vgic_cpu *cpu, uint64_t value)
{
	uint32_t priority = value & priority_mask(cpu->vgic);

	cpu->interface.vmcr &= (uint32_t)MASK(VMCR_PMR_SHIFT);
	cpu->interface.vmcr |= priority << VMCR_PMR_SHIFT;
}

/* Deactivates, on whichever VP the interrupt is active. Only with EOImode 1; "otherwise ... treated as a write to an
 * unimplemented register" or ignored (12.2.8, ICC_DIR_EL1). */
static void dir_write(struct vgic_cpu *cpu, uint32_t intid)
{
	struct vgic *vgic = cpu->vgic;
	_Atomic uint64_t *word;
	uint64_t before;

	if (!(cpu->interface.vmcr & VMCR_EOIM) || intid >= VGIC_PRIVATE + vgic->spi_count)
		return;
	word = irq_word(vgic, cpu, intid);
	before = irq_get(word);
	while (!irq_replace(word, &before, irq_active_cleared(before)))
		; /* ends: the others change it once for each thing that they do */
	vgic_changed(vgic, cpu, intid);
}

bool vgic_icc_read(struct vgic_cpu *cpu, enum vgic_icc reg, uint64_t *value)
{
	switch (reg) {
	case VGIC_ICC_CTLR: *value = ctlr_read(cpu); return true;
	case VGIC_ICC_PMR: *value = cpu->interface.vmcr >> VMCR_PMR_SHIFT; return true;
	case VGIC_ICC_RPR: *value = vgic_running_priority(cpu); return true;
	default: return false;
	}
}

bool vgic_icc_write(struct vgic_cpu *cpu, enum vgic_icc reg, uint64_t value)
{
	switch (reg) {
	case VGIC_ICC_CTLR: ctlr_write(cpu, value); return true;
	case VGIC_ICC_PMR: pmr_write(cpu, value); return true;
	case VGIC_ICC_DIR: dir_write(cpu, value & 0xffffff); return true;
	default: return false;
	}
}
