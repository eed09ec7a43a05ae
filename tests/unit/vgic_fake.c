/* SPDX-License-Identifier: MIT */
/* See vgic_fake.h. */
#include "vgic_fake.h"

#include <stdlib.h>
#include <string.h>
#include <vgic_model.h>

struct fake_gic fake;

static uint32_t index_of(const struct vgic_cpu *cpu)
{
	return (uint32_t)(cpu - fake.cpu);
}

static void notify(struct vgic_cpu *cpu)
{
	fake.processor[index_of(cpu)].notified = true;
}

static void refresh(struct vgic_cpu *cpu, uint32_t folds)
{
	struct fake_processor *p = &fake.processor[index_of(cpu)];

	/* It was told before, and has not come to it. */
	if (!p->notified || folds != cpu->folds || !vgic_is_resident(cpu))
		abort();
	p->refreshes++;
	fake_sync(index_of(cpu));
}

static void end(struct vgic_cpu *cpu, uint32_t intid)
{
	fake.processor[index_of(cpu)].deactivated = cpu->physical[intid];
}

static const struct vgic_ops ops = {.notify = notify, .refresh = refresh, .end = end};

void fake_gic_make(uint32_t vps, uint32_t spis, uint8_t lrs)
{
	struct vgic_config config = {
		.ops = &ops,
		.spi = fake.spi,
		.cpus = fake.cpus,
		.spi_count = spis,
		.cpu_count = vps,
		.host = {.lr_count = lrs,
			 .priority_bits = 5,
			 .preemption_bits = 5,
			 .traps_dir = true,
			 .range_selector = true,
			 .icc_ctlr = 0x400},
	};
	uint32_t i;

	memset((void *)&fake, 0, sizeof(fake));
	vgic_create(&fake.vgic, &config);
	for (i = 0; i < vps; i++) {
		vgic_cpu_create(&fake.cpu[i], &fake.vgic, i, i / 16 << 8 | i % 16);
		fake.processor[i].r.vmcr = fake.cpu[i].interface.vmcr;
	}
}

void fake_gic_ready(void)
{
	uint32_t i;

	vgic_distributor_write(&fake.vgic, GICD_CTLR, 4, 3);
	for (i = 0; i < fake.vgic.cpu_count; i++) {
		vgic_redistributor_write(&fake.cpu[i], GICR_WAKER, 4, 0);
		fake_vmcr_set(i, 0, VMCR_GROUPS | 0xffu << VMCR_PMR_SHIFT);
		fake_enter(i);
	}
}

/* ---- the hypervisor ---- */

void fake_sync(uint32_t vp)
{
	struct vgic_cpu *cpu = &fake.cpu[vp];
	struct vgic_interface *r = &fake.processor[vp].r;
	uint32_t i;

	cpu->interface.vmcr = r->vmcr;
	memcpy(cpu->interface.ap, r->ap, sizeof(r->ap));
	if (!vgic_is_resident(cpu))
		return;
	for (i = 0; i < VGIC_LR_MAX; i++) {
		if (cpu->used & BIT(i))
			cpu->interface.lr[i] = r->lr[i];
	}
	cpu->interface.hcr = r->hcr;
	vgic_fold(cpu);
}

void fake_enter(uint32_t vp)
{
	struct vgic_cpu *cpu = &fake.cpu[vp];
	struct vgic_interface *r = &fake.processor[vp].r;
	uint32_t i;

	fake.processor[vp].notified = false;
	if (!vgic_has_work(cpu))
		return;
	fake_sync(vp);
	vgic_list(cpu);
	for (i = 0; i < VGIC_LR_MAX; i++)
		r->lr[i] = cpu->used & BIT(i) ? cpu->interface.lr[i] : 0;
	r->hcr = cpu->interface.hcr;
}

/* The guest's access to a register that traps. */
static uint64_t trapped(uint32_t vp, enum vgic_icc reg, bool write, uint64_t value)
{
	struct vgic_cpu *cpu = &fake.cpu[vp];
	struct vgic_interface *r = &fake.processor[vp].r;

	fake_sync(vp);
	if (!(write ? vgic_icc_write(cpu, reg, value) : vgic_icc_read(cpu, reg, &value)))
		abort();
	r->vmcr = cpu->interface.vmcr;
	memcpy(r->ap, cpu->interface.ap, sizeof(r->ap));
	fake_enter(vp);
	fake_maintain(vp);
	return value;
}

void fake_put(uint32_t vp)
{
	fake_sync(vp);
	memset(fake.processor[vp].r.lr, 0, sizeof(fake.processor[vp].r.lr));
	fake.processor[vp].r.hcr = 0;
}

void fake_maintain(uint32_t vp)
{
	uint32_t rounds;

	for (rounds = 0; fake_maintenance(vp); rounds++) {
		if (rounds == 3)
			abort(); /* an exit that leads to an exit and so on */
		fake_sync(vp);
		fake_enter(vp);
	}
}

/* ---- the virtual CPU interface ---- */

static uint32_t running(const struct vgic_interface *r)
{
	uint32_t active = r->ap[0][0] | r->ap[1][0];

	return active ? (uint32_t)__builtin_ctz(active) * 8 : 0xff;
}

static unsigned int lr_group(uint64_t lr)
{
	return lr & LR_GROUP1 ? 1 : 0;
}

static uint32_t lr_priority(uint64_t lr)
{
	return lr >> LR_PRIORITY_SHIFT & 0xff;
}

/* Only what was entered runs in the guest. */
static struct vgic_interface *guest(uint32_t vp)
{
	if (!vgic_is_resident(&fake.cpu[vp]))
		fake_enter(vp);
	return &fake.processor[vp].r;
}

/* The highest priority among those that are pending and not active, of groups that are on; -1: none. */
static int highest(const struct vgic_interface *r)
{
	int best = -1;
	int i;

	for (i = 0; i < (int)fake.vgic.host.lr_count; i++) {
		uint64_t lr = r->lr[i];

		if ((lr & (LR_PENDING | LR_ACTIVE)) != LR_PENDING ||
		    !(r->vmcr & VMCR_GROUP(lr_group(lr))))
			continue;
		if (best < 0 || lr_priority(lr) < lr_priority(r->lr[best]))
			best = i;
	}
	return best;
}

static bool can_preempt(const struct vgic_interface *r, uint64_t lr)
{
	uint32_t bpr = r->vmcr >> VMCR_BPR0_SHIFT & 7;

	if (lr_priority(lr) >= r->vmcr >> VMCR_PMR_SHIFT)
		return false;
	if (lr_group(lr) == 1 && !(r->vmcr & VMCR_CBPR))
		bpr = MAX(r->vmcr >> VMCR_BPR1_SHIFT & 7, 3u) - 1;
	bpr = MAX(bpr, 2u);
	return (lr_priority(lr) & ~(uint32_t)MASK(bpr + 1)) < running(r);
}

uint32_t fake_signalled(uint32_t vp)
{
	const struct vgic_interface *r = guest(vp);
	int i = r->hcr & HCR_EN ? highest(r) : -1;

	return i >= 0 && can_preempt(r, r->lr[i]) ? 1u << lr_group(r->lr[i]) : 0;
}

uint32_t fake_acknowledge(uint32_t vp, unsigned int group)
{
	struct vgic_interface *r = guest(vp);
	uint32_t intid;
	uint64_t *lr;

	if (r->hcr & (group ? HCR_TALL1 : HCR_TALL0))
		return (uint32_t)trapped(vp, group ? VGIC_ICC_IAR1 : VGIC_ICC_IAR0, false, 0);
	if (!(fake_signalled(vp) & BIT(group)))
		return VGIC_NO_INTID;
	lr = &r->lr[highest(r)];
	*lr = (*lr & ~LR_PENDING) | LR_ACTIVE;
	r->ap[group][0] |= 1u << lr_priority(*lr) / 8;
	intid = LR_INTID(*lr);
	fake_maintain(vp);
	return intid;
}

static void lr_deactivate(uint32_t vp, uint64_t *lr)
{
	*lr &= ~LR_ACTIVE;
	if (*lr & LR_HW)
		fake.processor[vp].deactivated = *lr >> LR_PHYSICAL_SHIFT & 0x3ff;
}

static void deactivate(uint32_t vp, uint32_t intid)
{
	struct vgic_interface *r = &fake.processor[vp].r;
	uint32_t i;

	for (i = 0; i < fake.vgic.host.lr_count; i++) {
		if ((r->lr[i] & LR_ACTIVE) && LR_INTID(r->lr[i]) == intid) {
			lr_deactivate(vp, &r->lr[i]);
			return;
		}
	}
	r->hcr += 1u << 27; /* EOIcount */
}

void fake_eoi(uint32_t vp, unsigned int group, uint32_t intid)
{
	struct vgic_interface *r = guest(vp);
	uint32_t all = r->ap[0][0] | r->ap[1][0];
	uint32_t lowest = all & (0 - all);

	if (r->hcr & (group ? HCR_TALL1 : HCR_TALL0)) {
		trapped(vp, group ? VGIC_ICC_EOIR1 : VGIC_ICC_EOIR0, true, intid);
		return;
	}
	/* One that drops no priority is not counted, nor does it deactivate. */
	if (!(r->ap[group][0] & lowest))
		return;
	r->ap[group][0] &= ~lowest;
	if (!(r->vmcr & VMCR_EOIM))
		deactivate(vp, intid);
	fake_maintain(vp);
}

void fake_dir(uint32_t vp, uint32_t intid)
{
	struct vgic_interface *r = guest(vp);

	if (r->hcr & (HCR_TC | HCR_TDIR)) {
		trapped(vp, VGIC_ICC_DIR, true, intid);
		return;
	}
	if (r->vmcr & VMCR_EOIM)
		deactivate(vp, intid);
	fake_maintain(vp);
}

uint32_t fake_maintenance(uint32_t vp)
{
	const struct vgic_interface *r = &fake.processor[vp].r;
	uint32_t cause = 0;
	bool pending = false;
	unsigned int i;

	for (i = 0; i < fake.vgic.host.lr_count; i++) {
		if (!(r->lr[i] & (LR_PENDING | LR_ACTIVE)) && (r->lr[i] & LR_EOI) &&
		    !(r->lr[i] & LR_HW))
			cause |= 1;
		if ((r->lr[i] & (LR_PENDING | LR_ACTIVE)) == LR_PENDING)
			pending = true;
	}
	if ((r->hcr & HCR_NPIE) && !pending)
		cause |= 8;
	for (i = 0; i < 2; i++) {
		if ((r->hcr & HCR_GROUP_EIE(i)) && (r->vmcr & VMCR_GROUP(i)))
			cause |= 16u << 2 * i;
		if ((r->hcr & HCR_GROUP_DIE(i)) && !(r->vmcr & VMCR_GROUP(i)))
			cause |= 32u << 2 * i;
	}
	return r->hcr & HCR_EN ? cause : 0;
}

void fake_vmcr_set(uint32_t vp, uint32_t clear, uint32_t set)
{
	struct vgic_interface *r = guest(vp);

	r->vmcr = (r->vmcr & ~clear) | set;
	fake_maintain(vp);
}

/* ---- registers in memory ---- */

uint32_t fake_gicd_read(uint32_t offset)
{
	return (uint32_t)vgic_distributor_read(&fake.vgic, offset, 4);
}

void fake_gicd_write(uint32_t offset, uint32_t value)
{
	vgic_distributor_write(&fake.vgic, offset, 4, value);
}

uint32_t fake_gicr_read(uint32_t vp, uint32_t offset)
{
	return (uint32_t)vgic_redistributor_read(&fake.cpu[vp], offset, 4);
}

void fake_gicr_write(uint32_t vp, uint32_t offset, uint32_t value)
{
	vgic_redistributor_write(&fake.cpu[vp], offset, 4, value);
}

uint32_t fake_listed(uint32_t vp, uint32_t intid, uint64_t *lr)
{
	const struct vgic_interface *r = guest(vp);
	uint32_t count = 0, i;

	for (i = 0; i < fake.vgic.host.lr_count; i++) {
		if (!(r->lr[i] & (LR_PENDING | LR_ACTIVE)) || LR_INTID(r->lr[i]) != intid)
			continue;
		count++;
		*lr = r->lr[i];
	}
	return count;
}
