/* SPDX-License-Identifier: MIT */
/*
 * A GIC of three VPs under random accesses, inputs and messages, while the VPs take and end interrupts, exit, move
 * and go on. After each step: no interrupt is in two list registers, none that is to be told is forgotten, the most
 * urgent are listed, what is pending is so until it is taken or cleared, and what is active is what the guest has
 * acknowledged and not ended. In the end all is handled.
 *
 * A guest that changes active state by registers, or any register by chance, does not end what it has acknowledged
 * as it has to; of that one only the first two are known.
 */
#include "input.h"
#include "vgic_fake.h"
#include <string.h>
#include <vgic_model.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VPS   3u
#define SPIS  24u
#define TOTAL (VGIC_PRIVATE + SPIS)
#define DEPTH 40u
#define LINK  27u /* PPI of VP 0 that is the host's */

/* What a VP has acknowledged: first in the order of priorities, then, with EOImode 1, to be deactivated. */
static struct guest {
	bool split;
	uint32_t depth;
	uint32_t taken[DEPTH], group[DEPTH];
	bool active[TOTAL];
} guests[VPS];
static bool wild;

/* Pending by its latch before this step, which has taken or cleared it. SPIs are those of VP 0. */
static bool latched[VPS][TOTAL], excused[VPS][TOTAL];
static bool linked; /* the host's interrupt is active, and the guest has to be told */

static _Atomic uint64_t *word_of(uint32_t vp, uint32_t intid)
{
	return irq_word(&fake.vgic, &fake.cpu[vp], intid);
}

static uint32_t take32(struct input *input)
{
	uint32_t value = take8(input);

	value |= (uint32_t)take8(input) << 8;
	value |= (uint32_t)take8(input) << 16;
	return value | (uint32_t)take8(input) << 24;
}

/* ---- promises ---- */

/* Each list register in use has an interrupt that knows of it, and the other way round. */
static void check_lists(void)
{
	static uint32_t found[VPS][TOTAL];
	uint32_t vp, i;

	memset(found, 0, sizeof(found));
	for (vp = 0; vp < VPS; vp++) {
		struct vgic_cpu *cpu = &fake.cpu[vp];

		CHECK(vgic_is_resident(cpu) || !cpu->used);
		for (i = 0; i < VGIC_LR_MAX; i++) {
			uint32_t intid = LR_INTID(fake.processor[vp].r.lr[i]);

			if (!(cpu->used & BIT(i)))
				continue;
			CHECK(intid < TOTAL);
			found[intid < VGIC_PRIVATE ? vp : 0][intid]++;
			CHECK(*word_of(vp, intid) & IRQ_LISTED);
			CHECK(intid < VGIC_PRIVATE ||
			      (*word_of(vp, intid) & IRQ_OWNER) == irq_owned_by(cpu));
		}
	}
	for (vp = 0; vp < VPS; vp++) {
		for (i = vp ? VGIC_PRIVATE : 0; i < TOTAL; i++) {
			uint32_t owner = vp;

			if (i < VGIC_PRIVATE)
				CHECK(found[owner][i] == !!(*word_of(owner, i) & IRQ_LISTED));
			else if (vp == 0)
				CHECK(found[0][i] == !!(*word_of(0, i) & IRQ_LISTED));
		}
	}
}

static bool known_to(uint32_t vp, uint32_t intid)
{
	const struct vgic_cpu *cpu = &fake.cpu[vp];

	return (cpu->posted[intid / 64] | cpu->bound[intid / 64]) & BIT(intid % 64);
}

/* The VP that an SPI goes to; VPS: none, VPS + 1: any. */
static uint32_t route(uint64_t irq)
{
	uint32_t affinity = (uint32_t)(irq >> IRQ_ROUTE_SHIFT);

	return irq & IRQ_ANY ? VPS + 1 : MIN(affinity, VPS);
}

static void check_known(uint32_t vp, uint32_t intid)
{
	uint64_t irq = *word_of(vp, intid);
	uint32_t to = intid < VGIC_PRIVATE ? vp : route(irq);
	bool awake = !fake.cpu[0].asleep || !fake.cpu[1].asleep || !fake.cpu[2].asleep;

	if ((irq & IRQ_LISTED) || !irq_forwarded(&fake.vgic, irq) || irq_active(irq))
		return;
	if (to < VPS)
		CHECK(known_to(to, intid));
	else if (to > VPS && awake)
		CHECK(known_to(0, intid) || known_to(1, intid) || known_to(2, intid));
}

static bool lr_eligible(const struct vgic_interface *r, uint64_t lr)
{
	return (lr & (LR_PENDING | LR_ACTIVE)) == LR_PENDING &&
	       (r->vmcr & VMCR_GROUP(lr & LR_GROUP1 ? 1 : 0));
}

/* What waits for a list register is no more urgent than what is pending in one. */
static void check_urgent(uint32_t vp)
{
	const struct vgic_interface *r = &fake.processor[vp].r;
	struct vgic_cpu *cpu = &fake.cpu[vp];
	uint32_t best = UINT32_MAX, i;

	if (!vgic_is_resident(cpu) || vgic_has_work(cpu) || cpu->asleep || fake_maintenance(vp))
		return;
	for (i = 0; i < VGIC_LR_MAX; i++) {
		if ((cpu->used & BIT(i)) && lr_eligible(r, r->lr[i]))
			best = MIN(best, (uint32_t)(r->lr[i] >> LR_PRIORITY_SHIFT & 0xff));
	}
	for (i = 0; i < TOTAL; i++) {
		uint64_t irq = *word_of(vp, i);

		if ((irq & (IRQ_LISTED | IRQ_OWNER)) || !known_to(vp, i) || irq_active(irq) ||
		    !irq_forwarded(&fake.vgic, irq) || !(r->vmcr & VMCR_GROUP(irq_group(irq))))
			continue;
		/* It goes elsewhere now, and this VP does not know yet. */
		if (i >= VGIC_PRIVATE && route(irq) != vp)
			continue;
		CHECK(best <= irq_priority(irq));
	}
}

static bool is_active(uint32_t vp, uint32_t intid)
{
	uint64_t irq = *word_of(vp, intid), lr;

	if (intid >= VGIC_PRIVATE && (irq & IRQ_OWNER) != irq_owned_by(&fake.cpu[vp]))
		return false;
	if (!(irq & IRQ_LISTED))
		return irq & IRQ_ACTIVE;
	return fake_listed(vp, intid, &lr) && (lr & LR_ACTIVE) && !(irq & IRQ_LR_INACTIVE);
}

static void check_active(uint32_t vp)
{
	uint32_t i;

	for (i = 0; i < TOTAL; i++)
		CHECK(guests[vp].active[i] == is_active(vp, i));
}

/* The latch is in the word or in the list register that has it. */
static bool is_latched(uint32_t vp, uint32_t intid)
{
	uint64_t irq = *word_of(vp, intid), lr = 0;
	uint32_t owner = vp;

	if (irq & IRQ_LATCH)
		return true;
	if (!(irq & IRQ_LR_PENDING))
		return false;
	if (intid >= VGIC_PRIVATE)
		owner = ((irq & IRQ_OWNER) >> IRQ_OWNER_SHIFT) - 1;
	return fake_listed(owner, intid, &lr) && (lr & LR_PENDING);
}

static void check_latches(uint32_t vp)
{
	uint32_t i;

	for (i = 0; i < (vp ? VGIC_PRIVATE : TOTAL); i++) {
		bool now = is_latched(vp, i);

		CHECK(now || !latched[vp][i] || excused[vp][i]);
		latched[vp][i] = now;
		excused[vp][i] = false;
	}
}

/* What is listed as pending without a latch has its input high. */
static void check_withdrawn(uint32_t vp)
{
	const struct vgic_interface *r = &fake.processor[vp].r;
	struct vgic_cpu *cpu = &fake.cpu[vp];
	uint32_t i;

	if (!vgic_is_resident(cpu) || vgic_has_work(cpu))
		return;
	for (i = 0; i < VGIC_LR_MAX; i++) {
		if ((cpu->used & BIT(i)) && (r->lr[i] & LR_PENDING))
			CHECK(irq_pending(*word_of(vp, LR_INTID(r->lr[i]))));
	}
}

static void check(void)
{
	uint32_t vp, i;

	check_lists();
	for (vp = 0; vp < VPS; vp++) {
		for (i = 0; i < TOTAL; i++)
			check_known(vp, i);
		if (wild)
			continue;
		check_urgent(vp);
		check_active(vp);
		check_latches(vp);
		check_withdrawn(vp);
	}
	if (linked)
		CHECK(*word_of(0, LINK) & IRQ_LINE);
}

/* ---- steps ---- */

static void acknowledge(uint32_t vp, unsigned int group)
{
	struct guest *guest = &guests[vp];
	uint32_t intid;

	if (guest->depth == DEPTH)
		return;
	intid = fake_acknowledge(vp, group);
	if (intid == VGIC_NO_INTID)
		return;
	CHECK(intid < TOTAL);
	guest->taken[guest->depth] = intid;
	guest->group[guest->depth++] = group;
	guest->active[intid] = true;
	excused[intid < VGIC_PRIVATE ? vp : 0][intid] = true;
}

/* The processor deactivates the host's interrupt by the list register. */
static void link_check(uint32_t vp)
{
	if (vp != 0 || !fake.processor[0].deactivated)
		return;
	fake.processor[0].deactivated = 0;
	linked = false;
}

static void end(uint32_t vp)
{
	struct guest *guest = &guests[vp];
	uint32_t intid;

	if (!guest->depth)
		return;
	intid = guest->taken[--guest->depth];
	if (!guest->split)
		guest->active[intid] = false;
	fake_eoi(vp, guest->group[guest->depth], intid);
	link_check(vp);
}

/* One that is more urgent than what runs, most likely, and is taken. */
static void nest(uint32_t vp, uint8_t n)
{
	uint32_t intid = n % VGIC_SGIS;
	uint32_t depth = guests[vp].depth;

	if (guests[vp].active[intid])
		return;
	vgic_redistributor_write(&fake.cpu[vp], GICR_SGI + GIC_IPRIORITYR + intid, 1,
				 depth < 24 ? 0xe8 - depth * 8 : 0);
	vgic_sgi_write(&fake.cpu[vp], VGIC_SGI1R, (uint64_t)intid << 24 | BIT(vp));
	fake_enter(vp);
	acknowledge(vp, 0);
	acknowledge(vp, 1);
}

/* Of one that is ended, by a VP with EOImode 1. */
static void deactivate(uint32_t by, uint32_t vp, uint32_t intid)
{
	struct guest *guest = &guests[vp];
	uint32_t i;

	if (!guest->active[intid] || !guest->split || !guests[by].split ||
	    (by != vp && intid < VGIC_PRIVATE))
		return;
	for (i = 0; i < guest->depth; i++) {
		if (guest->taken[i] == intid)
			return;
	}
	guest->active[intid] = false;
	fake_dir(by, intid);
	link_check(by);
}

static void deactivate_some(uint32_t by, uint32_t vp, uint8_t n)
{
	uint32_t i;

	for (i = 0; i < TOTAL && !guests[vp].active[(n + i) % TOTAL]; i++)
		;
	deactivate(by, vp, (n + i) % TOTAL);
}

static void mask(uint32_t vp, uint32_t value)
{
	uint32_t known = VMCR_GROUPS | 0xf8u << VMCR_PMR_SHIFT;

	fake_vmcr_set(vp, known, value & known);
}

static uint32_t register_pick(struct input *input)
{
	static const uint16_t first[] = {
		GIC_IGROUPR,   GIC_ISENABLER, GIC_ICENABLER,  GIC_ISPENDR, GIC_ICPENDR,
		GIC_ISACTIVER, GIC_ICACTIVER, GIC_IPRIORITYR, GIC_ICFGR,
	};
	uint8_t byte = take8(input);
	uint32_t offset = first[byte % ARRAY_SIZE(first)];

	if (!wild && (offset == GIC_ISACTIVER || offset == GIC_ICACTIVER))
		offset = GIC_ISENABLER;
	return offset + take8(input) % 24 * 4;
}

static bool any_active(void)
{
	uint32_t vp, i, count = 0;

	for (vp = 0; vp < VPS; vp++) {
		for (i = 0; i < TOTAL; i++)
			count += guests[vp].active[i];
	}
	return count;
}

static void write_some(struct input *input, uint32_t vp)
{
	uint32_t offset = register_pick(input);
	uint32_t value = take32(input);

	/* A group that changes while it is active would be ended by the wrong register, a priority out of turn. */
	if (!wild && ((offset >= GIC_IGROUPR && offset < GIC_ISENABLER) ||
		      (offset >= GIC_IPRIORITYR && offset < GIC_ICFGR && any_active())))
		return;
	if (offset >= GIC_ICPENDR && offset < GIC_ISACTIVER)
		memset(excused, true, sizeof(excused));
	if (take8(input) & 1)
		fake_gicd_write(offset, value);
	else
		fake_gicr_write(vp, GICR_SGI + offset, value);
}

static void access_any(struct input *input, uint32_t vp)
{
	uint32_t offset = take32(input) % VGIC_REDISTRIBUTOR_SIZE;
	unsigned int bytes = 1u << take8(input) % 4;
	uint64_t value = take32(input) * 0x100000001ull;

	vgic_redistributor_read(&fake.cpu[vp], offset, bytes);
	vgic_distributor_read(&fake.vgic, offset % VGIC_DISTRIBUTOR_SIZE, bytes);
	if (!wild)
		return;
	vgic_redistributor_write(&fake.cpu[vp], offset, bytes, value);
	vgic_distributor_write(&fake.vgic, offset % VGIC_DISTRIBUTOR_SIZE, bytes, value);
}

/* What the model says of WFI is what the processor signals. */
static void check_signalled(uint32_t vp)
{
	bool signalled;

	fake_sync(vp);
	signalled = vgic_is_signalled(&fake.cpu[vp]);
	fake_enter(vp);
	CHECK(signalled == (fake_signalled(vp) != 0));
}

/* Saved and loaded, it is the same, and saves the same. */
static void save_and_load(void)
{
	static union {
		struct partition_state_gic gic;
		uint8_t room[sizeof(struct partition_state_gic) +
			     SPIS * sizeof(struct gic_state_irq)];
	} saved, again;
	struct vp_state_gic vps[VPS], vp_again;
	uint32_t vp;

	memset(&saved, 0, sizeof(saved));
	memset(&again, 0, sizeof(again));
	memset(vps, 0, sizeof(vps));
	for (vp = 0; vp < VPS; vp++)
		fake_put(vp);
	vgic_state_get(&fake.vgic, &saved.gic);
	for (vp = 0; vp < VPS; vp++) {
		vgic_cpu_state_get(&fake.cpu[vp], &vps[vp]);
		CHECK(vgic_cpu_state_valid(&fake.cpu[vp], &vps[vp]));
	}
	CHECK(vgic_state_valid(&fake.vgic, &saved.gic));
	vgic_state_set(&fake.vgic, &saved.gic);
	for (vp = 0; vp < VPS; vp++) {
		vgic_cpu_state_set(&fake.cpu[vp], &vps[vp]);
		memset(&vp_again, 0, sizeof(vp_again));
		vgic_cpu_state_get(&fake.cpu[vp], &vp_again);
		CHECK(memcmp(&vp_again, &vps[vp], sizeof(vp_again)) == 0);
	}
	vgic_state_get(&fake.vgic, &again.gic);
	CHECK(memcmp(&saved, &again, sizeof(saved)) == 0);
}

static void ppi_set(uint32_t vp, uint32_t intid, bool high)
{
	vgic_set_ppi(&fake.cpu[vp], intid, high);
	if (vp == 0 && intid == LINK)
		linked = high;
}

static void step(struct input *input)
{
	static const uint32_t routes[] = {0, 1, 2, 0x500, BIT(31)};
	uint8_t what = take8(input);
	uint32_t vp = take8(input) % VPS;
	uint8_t n = take8(input);

	switch (what % 23) {
	case 0:
	case 1: write_some(input, vp); break;
	case 2: access_any(input, vp); break;
	case 3: vgic_set_spi(&fake.vgic, VGIC_PRIVATE + (n >> 1) % SPIS, n & 1); break;
	case 4: ppi_set(vp, 16 + (n >> 1) % 16, n & 1); break;
	case 5: vgic_pulse_spi(&fake.vgic, VGIC_PRIVATE + n % SPIS, &(bool){false}); break;
	case 6:
	case 7:
		vgic_sgi_write(&fake.cpu[vp], n % 3,
			       (uint64_t)(n >> 4) << 24 | (what / 23 & 7) | (n & 8 ? BIT(40) : 0));
		break;
	case 8: fake_enter(vp); break;
	case 9: fake_put(vp); break;
	case 10:
	case 11:
	case 12: acknowledge(vp, n & 1); break;
	case 13: end(vp); break;
	case 14: deactivate_some(n % VPS, vp, n); break;
	case 15: mask(vp, take32(input)); break;
	case 19:
	case 20: nest(vp, n); break;
	case 22: ppi_set(0, LINK, true); break; /* the host's timer */
	case 21: fake_vmcr_set(vp, VMCR_GROUPS, n & VMCR_GROUPS); break;
	case 16: check_signalled(vp); break;
	case 17:
		if (n & 1)
			fake_gicr_write(vp, GICR_WAKER, n & 2);
		else if (n & 2)
			fake_gicd_write(GICD_CTLR, n >> 2);
		else if (n & 4)
			save_and_load();
		break;
	default:
		vgic_distributor_write(&fake.vgic, GICD_IROUTER + (VGIC_PRIVATE + n % SPIS) * 8, 8,
				       routes[what / 23 % ARRAY_SIZE(routes)]);
		break;
	}
}

/* ---- the end ---- */

static bool drain_step(uint32_t vp)
{
	struct guest *guest = &guests[vp];
	uint32_t before = guest->depth, i;

	fake_enter(vp);
	acknowledge(vp, 0);
	acknowledge(vp, 1);
	/* The device is content, and the host's timer too. */
	for (i = before; i < guest->depth; i++) {
		if (guest->taken[i] >= VGIC_PRIVATE)
			vgic_set_spi(&fake.vgic, guest->taken[i], false);
		else
			ppi_set(vp, guest->taken[i], false);
	}
	fake_enter(vp);
	if (guest->depth == 0)
		return false;
	end(vp);
	for (i = 0; i < TOTAL; i++)
		deactivate(vp, vp, i);
	return true;
}

static void drain(void)
{
	uint32_t vp, i, rounds = 0;
	bool busy = true;

	fake_gicd_write(GICD_CTLR, 3);
	for (vp = 0; vp < VPS; vp++) {
		fake_gicr_write(vp, GICR_WAKER, 0);
		mask(vp, UINT32_MAX);
		while (guests[vp].depth)
			end(vp);
		for (i = 0; i < TOTAL; i++)
			deactivate(vp, vp, i);
	}
	for (; busy; rounds++) {
		CHECK(rounds < 1000);
		busy = false;
		for (vp = 0; vp < VPS; vp++)
			busy |= drain_step(vp);
		check();
	}
	for (vp = 0; vp < VPS; vp++)
		fake_put(vp);
	for (vp = 0; vp < VPS; vp++) {
		for (i = 0; i < TOTAL; i++) {
			uint64_t irq = *word_of(vp, i);

			CHECK(!irq_active(irq));
			/* PMR lets all through but the lowest priority. */
			CHECK(!irq_forwarded(&fake.vgic, irq) || irq_priority(irq) >= 0xf8 ||
			      (i >= VGIC_PRIVATE && route(irq) == VPS));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t lrs[] = {2, 3, 4, 16};
	struct input input = {data, size};
	uint8_t mode = take8(&input);
	uint32_t vp, i;

	memset(guests, 0, sizeof(guests));
	memset(latched, 0, sizeof(latched));
	memset(excused, 0, sizeof(excused));
	linked = false;
	wild = mode & 1;
	fake_gic_make(VPS, SPIS, lrs[mode >> 1 & 3]);
	fake_gic_ready();
	vgic_ppi_link(&fake.cpu[0], LINK, 26);
	for (vp = 0; vp < VPS; vp++) {
		guests[vp].split = mode & 8 << vp;
		if (guests[vp].split)
			fake_vmcr_set(vp, 0, VMCR_EOIM);
		fake_gicr_write(vp, GICR_SGI + GIC_IGROUPR, 0xffff0f0f);
		fake_gicr_write(vp, GICR_SGI + GIC_ISENABLER, UINT32_MAX);
		for (i = 0; i < VGIC_PRIVATE; i += 4)
			fake_gicr_write(vp, GICR_SGI + GIC_IPRIORITYR + i,
					0x80a0c0a0 - i * 0x08080808u);
	}
	fake_gicd_write(GIC_IGROUPR + 4, 0xfffffff0);
	fake_gicd_write(GIC_ISENABLER + 4, UINT32_MAX);
	fake_gicd_write(GIC_ISENABLER + 8, UINT32_MAX);
	fake_gicd_write(GIC_ICFGR + 8, 0x0f0f0f0f);
	while (input.left) {
		step(&input);
		check();
	}
	if (!wild)
		drain();
	return 0;
}
