/* SPDX-License-Identifier: MIT */
/*
 * Registers of the CPU interface that trap (IHI 0069, 12.2): ICC_DIR_EL1, whose INTID may be in no list register of
 * this VP, with it, where the processor can't trap that alone, the others of both groups; and all of them while
 * more interrupts are active than there are list registers. Nothing is in those then: what they would do is done here.
 */
#include "vgic_model.h"

/* ICC_CTLR_EL1 */
#define ICC_CTLR_CBPR BIT(0)
#define ICC_CTLR_EOIM BIT(1)
#define INTID_MASK    0xffffffu

/* ---- ends ---- */

/* Of one that is active here, or, with EOImode 1, on whichever VP. The input of one that is a host's is looked at anew:
 * it comes again if it is still high. */
static void deactivate(struct vgic_cpu *cpu, uint32_t intid)
{
	_Atomic uint64_t *word = irq_word(cpu->vgic, cpu, intid);
	bool is_hosts = intid < VGIC_PRIVATE && cpu->physical[intid];
	uint64_t before = irq_get(word);
	uint64_t after;

	do {
		after = irq_active_cleared(before);
		if (is_hosts)
			after &= ~(uint64_t)IRQ_LINE;
	} while (!irq_replace(word, &before, after));
	if (is_hosts && irq_active(before))
		cpu->vgic->ops->end(cpu, intid);
	vgic_changed(cpu->vgic, cpu, intid);
}

/* Only with EOImode 1; otherwise it is ignored (12.2.8). */
static void dir_write(struct vgic_cpu *cpu, unsigned int unused, uint32_t value)
{
	uint32_t intid = value & INTID_MASK;

	(void)unused;
	if ((cpu->interface.vmcr & VMCR_EOIM) && intid < VGIC_PRIVATE + cpu->vgic->spi_count)
		deactivate(cpu, intid);
}

/* 4.8.5: the highest one that is active falls. False: none is, or it is of the other group. */
static bool priority_drop(struct vgic_cpu *cpu, unsigned int group)
{
	struct vgic_interface *interface = &cpu->interface;
	uint32_t i;

	for (i = 0; i < VGIC_AP_MAX; i++) {
		uint32_t all = interface->ap[0][i] | interface->ap[1][i];
		uint32_t lowest = all & (0 - all);

		if (!all)
			continue;
		if (!(interface->ap[group][i] & lowest))
			return false;
		interface->ap[group][i] &= ~lowest;
		return true;
	}
	return false;
}

static void eoir_write(struct vgic_cpu *cpu, unsigned int group, uint32_t value)
{
	uint32_t intid = value & INTID_MASK;
	struct vgic *vgic = cpu->vgic;
	uint64_t irq;

	if (intid >= VGIC_PRIVATE + vgic->spi_count || !priority_drop(cpu, group) ||
	    (cpu->interface.vmcr & VMCR_EOIM))
		return;
	irq = irq_get(irq_word(vgic, cpu, intid));
	if (!(irq & IRQ_ACTIVE) || irq_group(irq) != group)
		return;
	if (intid < VGIC_PRIVATE || (irq & IRQ_OWNER) == irq_owned_by(cpu))
		deactivate(cpu, intid);
}

/* ---- what comes ---- */

/* The most urgent, if it is of that group. */
static uint64_t hppir_read(struct vgic_cpu *cpu, unsigned int group)
{
	uint32_t intid = vgic_most_urgent(cpu);

	if (intid == VGIC_NO_INTID || irq_group(irq_get(irq_word(cpu->vgic, cpu, intid))) != group)
		return VGIC_NO_INTID;
	return intid;
}

static void priority_raise(struct vgic_cpu *cpu, uint64_t irq)
{
	unsigned int group = irq_group(irq);
	uint32_t level = vgic_group_priority(cpu, irq_priority(irq), group) >>
			 (8 - cpu->vgic->host.preemption_bits);

	cpu->interface.ap[group][level / 32] |= (uint32_t)BIT(level % 32);
}

static uint64_t iar_read(struct vgic_cpu *cpu, unsigned int group)
{
	uint32_t intid = (uint32_t)hppir_read(cpu, group);
	_Atomic uint64_t *word;
	uint64_t before, after;

	if (intid == VGIC_NO_INTID)
		return VGIC_NO_INTID;
	word = irq_word(cpu->vgic, cpu, intid);
	before = irq_get(word);
	do {
		/* Changed meanwhile: it is not the one that it was. */
		if (!irq_forwarded(cpu->vgic, before) || irq_active(before) ||
		    irq_group(before) != group || !vgic_preempts(cpu, before))
			return VGIC_NO_INTID;
		after = (before & ~(uint64_t)IRQ_LATCH) | IRQ_ACTIVE;
		if (intid >= VGIC_PRIVATE)
			after |= irq_owned_by(cpu);
	} while (!irq_replace(word, &before, after));
	priority_raise(cpu, before);
	return intid;
}

/* ---- fields of ICH_VMCR_EL2, and the active priorities ---- */

static void vmcr_write(struct vgic_cpu *cpu, uint32_t mask, uint32_t field)
{
	cpu->interface.vmcr = (cpu->interface.vmcr & ~mask) | (field & mask);
}

static uint64_t ctlr_read(struct vgic_cpu *cpu, unsigned int unused)
{
	uint32_t vmcr = cpu->interface.vmcr;

	(void)unused;
	return cpu->vgic->host.icc_ctlr | (vmcr & VMCR_CBPR ? ICC_CTLR_CBPR : 0) |
	       (vmcr & VMCR_EOIM ? ICC_CTLR_EOIM : 0);
}

static void ctlr_write(struct vgic_cpu *cpu, unsigned int unused, uint32_t value)
{
	(void)unused;
	vmcr_write(cpu, VMCR_CBPR | VMCR_EOIM,
		   (value & ICC_CTLR_CBPR ? VMCR_CBPR : 0) |
			   (value & ICC_CTLR_EOIM ? VMCR_EOIM : 0));
}

static uint64_t pmr_read(struct vgic_cpu *cpu, unsigned int unused)
{
	(void)unused;
	return cpu->interface.vmcr >> VMCR_PMR_SHIFT;
}

static void pmr_write(struct vgic_cpu *cpu, unsigned int unused, uint32_t value)
{
	(void)unused;
	vmcr_write(cpu, 0xffu << VMCR_PMR_SHIFT,
		   (value & priority_mask(cpu->vgic)) << VMCR_PMR_SHIFT);
}

static uint64_t rpr_read(struct vgic_cpu *cpu, unsigned int unused)
{
	(void)unused;
	return vgic_running_priority(cpu);
}

static uint64_t bpr_read(struct vgic_cpu *cpu, unsigned int group)
{
	return vgic_binary_point(cpu, group);
}

/* 12.2.6: that of group 1 is not written while the other stands for it. */
static void bpr_write(struct vgic_cpu *cpu, unsigned int group, uint32_t value)
{
	uint32_t shift = group ? VMCR_BPR1_SHIFT : VMCR_BPR0_SHIFT;
	uint32_t minimum = 7u - cpu->vgic->host.preemption_bits + group;

	if (group == 0 || !(cpu->interface.vmcr & VMCR_CBPR))
		vmcr_write(cpu, 7u << shift, MAX(value & 7, minimum) << shift);
}

static uint64_t igrpen_read(struct vgic_cpu *cpu, unsigned int group)
{
	return cpu->interface.vmcr >> group & 1;
}

static void igrpen_write(struct vgic_cpu *cpu, unsigned int group, uint32_t value)
{
	vmcr_write(cpu, VMCR_GROUP(group), value & 1 ? VMCR_GROUP(group) : 0);
}

static uint64_t ap_read(struct vgic_cpu *cpu, unsigned int n)
{
	return cpu->interface.ap[n / VGIC_AP_MAX][n % VGIC_AP_MAX];
}

static void ap_write(struct vgic_cpu *cpu, unsigned int n, uint32_t value)
{
	cpu->interface.ap[n / VGIC_AP_MAX][n % VGIC_AP_MAX] = value;
}

/* ---- all of them ---- */

static const struct {
	uint64_t (*read)(struct vgic_cpu *cpu, unsigned int which);
	void (*write)(struct vgic_cpu *cpu, unsigned int which, uint32_t value);
	unsigned int which; /* its group; of active priorities the number in both groups */
} registers[] = {
	[VGIC_ICC_CTLR] = {ctlr_read, ctlr_write, 0},
	[VGIC_ICC_DIR] = {NULL, dir_write, 0},
	[VGIC_ICC_PMR] = {pmr_read, pmr_write, 0},
	[VGIC_ICC_RPR] = {rpr_read, NULL, 0},
	[VGIC_ICC_IAR0] = {iar_read, NULL, 0},
	[VGIC_ICC_IAR1] = {iar_read, NULL, 1},
	[VGIC_ICC_EOIR0] = {NULL, eoir_write, 0},
	[VGIC_ICC_EOIR1] = {NULL, eoir_write, 1},
	[VGIC_ICC_HPPIR0] = {hppir_read, NULL, 0},
	[VGIC_ICC_HPPIR1] = {hppir_read, NULL, 1},
	[VGIC_ICC_BPR0] = {bpr_read, bpr_write, 0},
	[VGIC_ICC_BPR1] = {bpr_read, bpr_write, 1},
	[VGIC_ICC_IGRPEN0] = {igrpen_read, igrpen_write, 0},
	[VGIC_ICC_IGRPEN1] = {igrpen_read, igrpen_write, 1},
	[VGIC_ICC_AP0R0] = {ap_read, ap_write, 0},
	[VGIC_ICC_AP0R1] = {ap_read, ap_write, 1},
	[VGIC_ICC_AP0R2] = {ap_read, ap_write, 2},
	[VGIC_ICC_AP0R3] = {ap_read, ap_write, 3},
	[VGIC_ICC_AP1R0] = {ap_read, ap_write, VGIC_AP_MAX},
	[VGIC_ICC_AP1R1] = {ap_read, ap_write, VGIC_AP_MAX + 1},
	[VGIC_ICC_AP1R2] = {ap_read, ap_write, VGIC_AP_MAX + 2},
	[VGIC_ICC_AP1R3] = {ap_read, ap_write, VGIC_AP_MAX + 3},
};

/* How many active priorities there are depends on the bits that preempt. */
static bool is_there(const struct vgic_cpu *cpu, enum vgic_icc reg)
{
	return reg < VGIC_ICC_AP0R0 || registers[reg].which % VGIC_AP_MAX < ap_count(cpu->vgic);
}

bool vgic_icc_read(struct vgic_cpu *cpu, enum vgic_icc reg, uint64_t *value)
{
	if (!registers[reg].read || !is_there(cpu, reg))
		return false;
	*value = registers[reg].read(cpu, registers[reg].which);
	return true;
}

bool vgic_icc_write(struct vgic_cpu *cpu, enum vgic_icc reg, uint64_t value)
{
	if (!registers[reg].write || !is_there(cpu, reg))
		return false;
	registers[reg].write(cpu, registers[reg].which, (uint32_t)value);
	return true;
}
