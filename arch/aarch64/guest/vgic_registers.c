/* SPDX-License-Identifier: MIT */
/*
 * The registers of distributor and redistributors (IHI 0069, 12.9 to 12.11). Those that have a field for each
 * interrupt stand in one table, of GICD for SPIs and of GICR's SGI_base for SGIs and PPIs alike; fields of
 * interrupts that are not there are reserved.
 *
 * Reserved, so zero and not written: with affinity routing GICD_ITARGETSR, GICD_SGIR, the pending bits of SGIs by
 * source, and in GICD all fields of SGIs and PPIs; with one security state GICD_IGRPMODR, GICD_NSACR and the
 * secure registers of messages; without LPIs all of theirs.
 */
#include "vgic_model.h"

/* ---- fields of interrupts ---- */

struct block {
	uint16_t first; /* offset */
	uint8_t bits;	/* of a field: 1, 2 or 8 */
	/* Reading asks for what list registers have, and writing takes effect there before it is done. */
	bool recalls_read, recalls_write;
	bool ones; /* only fields that are written as 1 do something */
	uint32_t (*get)(uint64_t irq);
	uint64_t (*put)(const struct vgic *vgic, uint64_t irq, uint32_t field);
};

static uint32_t group_get(uint64_t irq)
{
	return irq_group(irq);
}

static uint64_t group_put(const struct vgic *vgic, uint64_t irq, uint32_t field)
{
	(void)vgic;
	return field ? irq | IRQ_GROUP1 : irq & ~(uint64_t)IRQ_GROUP1;
}

static uint32_t enabled_get(uint64_t irq)
{
	return irq & IRQ_ENABLED ? 1 : 0;
}

static uint64_t enabled_set(const struct vgic *vgic, uint64_t irq, uint32_t field)
{
	(void)vgic, (void)field;
	return irq | IRQ_ENABLED;
}

static uint64_t enabled_clear(const struct vgic *vgic, uint64_t irq, uint32_t field)
{
	(void)vgic, (void)field;
	return irq & ~(uint64_t)IRQ_ENABLED;
}

static uint32_t pending_get(uint64_t irq)
{
	return irq_pending(irq);
}

static uint64_t pending_set(const struct vgic *vgic, uint64_t irq, uint32_t field)
{
	(void)vgic, (void)field;
	return irq | IRQ_LATCH;
}

static uint64_t pending_clear(const struct vgic *vgic, uint64_t irq, uint32_t field)
{
	(void)vgic, (void)field;
	return irq_pending_cleared(irq);
}

static uint32_t active_get(uint64_t irq)
{
	return irq_active(irq);
}

static uint64_t active_set(const struct vgic *vgic, uint64_t irq, uint32_t field)
{
	(void)vgic, (void)field;
	return irq | IRQ_ACTIVE;
}

static uint64_t active_clear(const struct vgic *vgic, uint64_t irq, uint32_t field)
{
	(void)vgic, (void)field;
	return irq_active_cleared(irq);
}

static uint32_t priority_get(uint64_t irq)
{
	return irq_priority(irq);
}

static uint64_t priority_put(const struct vgic *vgic, uint64_t irq, uint32_t field)
{
	return (irq & ~IRQ_PRIORITY) | (uint64_t)(field & priority_mask(vgic))
					       << IRQ_PRIORITY_SHIFT;
}

static uint32_t config_get(uint64_t irq)
{
	return irq & IRQ_EDGE ? 2 : 0;
}

static uint64_t config_put(const struct vgic *vgic, uint64_t irq, uint32_t field)
{
	(void)vgic;
	return field & 2 ? irq | IRQ_EDGE : irq & ~(uint64_t)IRQ_EDGE;
}

enum { CLEAR_PENDING = 4 };

static const struct block blocks[] = {
	/* first, bits, recalls_read, recalls_write, ones */
	{0x0080, 1, false, true, false, group_get, group_put},
	{0x0100, 1, false, false, true, enabled_get, enabled_set},
	{0x0180, 1, false, true, true, enabled_get, enabled_clear},
	{0x0200, 1, true, false, true, pending_get, pending_set},
	[CLEAR_PENDING] = {0x0280, 1, true, true, true, pending_get, pending_clear},
	{0x0300, 1, true, false, true, active_get, active_set},
	{0x0380, 1, true, true, true, active_get, active_clear},
	{0x0400, 8, false, false, false, priority_get, priority_put},
	{0x0c00, 2, false, false, false, config_get, config_put},
};

/* The fields that an access of `size` bytes touches; NULL: it is none of a register with fields. */
static const struct block *block_find(uint32_t offset, unsigned int size, uint32_t *intid)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		const struct block *block = &blocks[i];
		uint32_t length = VGIC_WORDS * 64 * block->bits / 8;

		if (offset < block->first || offset - block->first >= length)
			continue;
		/* 12.1.3: words, and bytes of GICD_IPRIORITYR */
		if (offset % size || (size != 4 && (size != 1 || block->bits != 8)))
			return NULL;
		*intid = (offset - block->first) * 8 / block->bits;
		return block;
	}
	return NULL;
}

/* The frame of registers: a VP's has its SGIs and PPIs, the distributor's has the SPIs. */
static bool frame_has(const struct vgic *vgic, const struct vgic_cpu *cpu, uint32_t intid)
{
	if (cpu)
		return intid < VGIC_PRIVATE;
	return intid >= VGIC_PRIVATE && intid - VGIC_PRIVATE < vgic->spi_count;
}

static uint64_t block_read(struct vgic *vgic, struct vgic_cpu *cpu, const struct block *block,
			   uint32_t intid, unsigned int size)
{
	uint32_t fields = size * 8 / block->bits;
	uint64_t value = 0;
	uint32_t i;

	for (i = 0; i < fields; i++, intid++) {
		if (!frame_has(vgic, cpu, intid))
			continue;
		if (block->recalls_read)
			vgic_recall(vgic, cpu, intid);
		value |= (uint64_t)block->get(irq_get(irq_word(vgic, cpu, intid)))
			 << i * block->bits;
	}
	return value;
}

static void field_write(struct vgic *vgic, struct vgic_cpu *cpu, const struct block *block,
			uint32_t intid, uint32_t field)
{
	_Atomic uint64_t *word = irq_word(vgic, cpu, intid);
	uint64_t before = irq_get(word);
	uint64_t after;

	/* ICFGR0 is read-only: SGIs are edge-triggered. */
	if (block->bits == 2 && intid < VGIC_SGIS)
		return;
	do {
		after = block->put(vgic, before, field);
		if (after == before)
			return;
	} while (!irq_replace(word, &before, after));
	vgic_changed(vgic, cpu, intid);
	if (block->recalls_write)
		vgic_recall(vgic, cpu, intid);
}

static void block_write(struct vgic *vgic, struct vgic_cpu *cpu, const struct block *block,
			uint32_t intid, unsigned int size, uint64_t value)
{
	uint32_t fields = size * 8 / block->bits;
	uint32_t i;

	for (i = 0; i < fields; i++, intid++) {
		uint32_t field = value >> i * block->bits & MASK(block->bits);

		if (!frame_has(vgic, cpu, intid) || (block->ones && !field))
			continue;
		field_write(vgic, cpu, block, intid, field);
	}
}

/* ---- identification, in all frames (12.1.12) ---- */

#define IDS_FIRST 0xffd0u
#define IIDR	  ((uint32_t)'T' << 24) /* no JEP106 code */

/* PIDR4 to 7, PIDR0 to 3, CIDR0 to 3. PIDR2: GICv3. */
static const uint8_t ids[] = {0, 0, 0, 0, 0, 0, 0x30, 0, 0x0d, 0xf0, 0x05, 0xb1};

static uint32_t id_read(uint32_t offset)
{
	return offset < IDS_FIRST ? 0 : ids[(offset - IDS_FIRST) / 4];
}

/* ---- the distributor ---- */

enum distributor_register {
	GICD_CTLR = 0x0000,
	GICD_TYPER = 0x0004,
	GICD_IIDR = 0x0008,
	GICD_SETSPI_NSR = 0x0040,
	GICD_CLRSPI_NSR = 0x0048,
	GICD_IROUTER = 0x6000,
	GICD_IROUTER_END = GICD_IROUTER + VGIC_INTIDS * 8,
};

#define TYPER_MBIS   BIT(16)
#define TYPER_IDBITS (9u << 19) /* 10 bits: what SPIs need */
#define TYPER_A3V    BIT(24)
#define TYPER_RSS    BIT(26)
#define ICC_CTLR_A3V BIT(15)

#define IROUTER_ANY BIT(31)
#define IROUTER_AFFINITY(route) \
	((uint32_t)((route)&0xffffff) | (uint32_t)((route) >> 8 & 0xff000000))
#define IROUTER_OF(affinity) (((affinity)&0xffffff) | (uint64_t)((affinity)&0xff000000) << 8)

uint64_t irq_route_get(uint64_t irq)
{
	return IROUTER_OF(irq >> IRQ_ROUTE_SHIFT) | (irq & IRQ_ANY ? IROUTER_ANY : 0);
}

uint64_t irq_route_set(uint64_t irq, uint64_t route)
{
	irq &= ~(IRQ_ROUTE | IRQ_ANY);
	return irq | (uint64_t)IROUTER_AFFINITY(route) << IRQ_ROUTE_SHIFT |
	       (route & IROUTER_ANY ? IRQ_ANY : 0);
}

static uint32_t typer(const struct vgic *vgic)
{
	uint32_t lines = (VGIC_PRIVATE + vgic->spi_count + 31) / 32 - 1;

	return lines | TYPER_MBIS | TYPER_IDBITS |
	       (vgic->host.icc_ctlr & ICC_CTLR_A3V ? TYPER_A3V : 0) |
	       (vgic->host.range_selector ? TYPER_RSS : 0);
}

/* 64 bits, or a half of them. */
static bool router_find(const struct vgic *vgic, uint32_t offset, unsigned int size,
			uint32_t *intid)
{
	if (offset < GICD_IROUTER || offset >= GICD_IROUTER_END || size < 4 || offset % size)
		return false;
	*intid = (offset - GICD_IROUTER) / 8;
	return frame_has(vgic, NULL, *intid);
}

static uint64_t router_read(struct vgic *vgic, uint32_t intid, uint32_t offset, unsigned int size)
{
	uint64_t route = irq_route_get(irq_get(irq_word(vgic, NULL, intid)));

	return size == 8 ? route : (uint32_t)(route >> offset % 8 * 8);
}

static void router_write(struct vgic *vgic, uint32_t intid, uint32_t offset, unsigned int size,
			 uint64_t value)
{
	_Atomic uint64_t *word = irq_word(vgic, NULL, intid);
	uint64_t mask = (size == 8 ? UINT64_MAX : UINT32_MAX) << offset % 8 * 8;
	uint64_t before = irq_get(word);
	uint64_t after;

	value <<= offset % 8 * 8;
	do {
		uint64_t route = irq_route_get(before);

		after = irq_route_set(before, (route & ~mask) | (value & mask));
	} while (!irq_replace(word, &before, after));
	vgic_changed(vgic, NULL, intid);
}

static void ctlr_write(struct vgic *vgic, uint32_t value)
{
	uint32_t before = atomic_exchange(&vgic->ctlr, value & CTLR_GROUPS);

	if (before != (value & CTLR_GROUPS))
		vgic_all_changed(vgic);
}

/* 12.9.33: an edge, or a level that a second message takes back. */
static void message(struct vgic *vgic, uint32_t intid, bool set)
{
	_Atomic uint64_t *word = frame_has(vgic, NULL, intid) ? irq_word(vgic, NULL, intid) : NULL;
	bool merged;

	if (!word)
		return;
	if (!(irq_get(word) & IRQ_EDGE))
		vgic_set_spi(vgic, intid, set);
	else if (set)
		vgic_pulse_spi(vgic, intid, &merged);
	else
		field_write(vgic, NULL, &blocks[CLEAR_PENDING], intid, 1);
}

uint64_t vgic_distributor_read(struct vgic *vgic, uint32_t offset, unsigned int size)
{
	const struct block *block;
	uint32_t intid;

	block = block_find(offset, size, &intid);
	if (block)
		return block_read(vgic, NULL, block, intid, size);
	if (router_find(vgic, offset, size, &intid))
		return router_read(vgic, intid, offset, size);
	if (size != 4 || offset % 4)
		return 0;
	switch (offset) {
	case GICD_CTLR: return atomic_load(&vgic->ctlr) | CTLR_ARE | CTLR_DS;
	case GICD_TYPER: return typer(vgic);
	case GICD_IIDR: return IIDR;
	default: return id_read(offset);
	}
}

void vgic_distributor_write(struct vgic *vgic, uint32_t offset, unsigned int size, uint64_t value)
{
	const struct block *block;
	uint32_t intid;

	block = block_find(offset, size, &intid);
	if (block) {
		block_write(vgic, NULL, block, intid, size, value);
		return;
	}
	if (router_find(vgic, offset, size, &intid)) {
		router_write(vgic, intid, offset, size, value);
		return;
	}
	if (offset % size)
		return;
	/* Messages may be of 16 bits. */
	if ((offset == GICD_SETSPI_NSR || offset == GICD_CLRSPI_NSR) && (size == 2 || size == 4))
		message(vgic, value & 0x3ff, offset == GICD_SETSPI_NSR);
	else if (offset == GICD_CTLR && size == 4)
		ctlr_write(vgic, (uint32_t)value);
}

/* ---- redistributors ---- */

#define SGI_BASE 0x10000u

enum redistributor_register {
	GICR_IIDR = 0x0004,
	GICR_TYPER = 0x0008,
	GICR_WAKER = 0x0014,
};

#define TYPER_LAST	      BIT(4)
#define TYPER_NUMBER_SHIFT    8
#define TYPER_AFFINITY_SHIFT  32
#define WAKER_SLEEP	      BIT(1)
#define WAKER_CHILDREN_ASLEEP BIT(2)

static uint64_t redistributor_typer(const struct vgic_cpu *cpu)
{
	bool last = cpu->index == cpu->vgic->cpu_count - 1;

	return (uint64_t)cpu->affinity << TYPER_AFFINITY_SHIFT |
	       (uint64_t)(cpu->index & 0xffff) << TYPER_NUMBER_SHIFT | (last ? TYPER_LAST : 0);
}

static void waker_write(struct vgic_cpu *cpu, uint32_t value)
{
	bool asleep = value & WAKER_SLEEP;

	if (atomic_exchange(&cpu->asleep, asleep) == asleep)
		return;
	atomic_fetch_or(&cpu->posted_words, VGIC_LIST);
	cpu->vgic->ops->notify(cpu);
	/* What waited for somebody to be awake. */
	if (!asleep)
		vgic_all_changed(cpu->vgic);
}

uint64_t vgic_redistributor_read(struct vgic_cpu *cpu, uint32_t offset, unsigned int size)
{
	const struct block *block;
	uint32_t intid;
	uint64_t wide;

	if (offset >= SGI_BASE) {
		block = block_find(offset - SGI_BASE, size, &intid);
		if (block)
			return block_read(cpu->vgic, cpu, block, intid, size);
		return size == 4 && offset % 4 == 0 ? id_read(offset - SGI_BASE) : 0;
	}
	if (size < 4 || offset % size)
		return 0;
	if ((offset & ~4u) == GICR_TYPER) {
		wide = redistributor_typer(cpu);
		return size == 8 ? wide : (uint32_t)(wide >> offset % 8 * 8);
	}
	if (size != 4)
		return 0;
	switch (offset) {
	case GICR_IIDR: return IIDR;
	case GICR_WAKER: return atomic_load(&cpu->asleep) ? WAKER_SLEEP | WAKER_CHILDREN_ASLEEP : 0;
	default: return id_read(offset);
	}
}

void vgic_redistributor_write(struct vgic_cpu *cpu, uint32_t offset, unsigned int size,
			      uint64_t value)
{
	const struct block *block;
	uint32_t intid;

	if (offset >= SGI_BASE) {
		block = block_find(offset - SGI_BASE, size, &intid);
		if (block)
			block_write(cpu->vgic, cpu, block, intid, size, value);
	} else if (offset == GICR_WAKER && size == 4) {
		waker_write(cpu, (uint32_t)value);
	}
}
