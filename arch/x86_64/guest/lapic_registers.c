/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's registers: one pair of functions reads and writes them by offset, for the
 * page of xAPIC mode and for the MSRs of x2APIC mode. What the two modes do not share stands in
 * their entry functions: which registers exist, reserved bits, the width of ICR.
 */
#include "lapic_model.h"

#define RELAXED memory_order_relaxed

/* How a register may be used, by offset / 16 (SDM, "Local APIC Register Address Map" and
 * "x2APIC Register Address Space"). */
enum register_use {
	X_READ = BIT(0), /* exists in the page */
	X_WRITE = BIT(1),
	X2_READ = BIT(2), /* exists as an MSR */
	X2_WRITE = BIT(3),
	READ_ONLY = X_READ | X2_READ,
	READ_WRITE = X_READ | X_WRITE | X2_READ | X2_WRITE,
};

#define REGISTER_COUNT 64u
#define VERSION	       0x14u

static const uint8_t register_use[REGISTER_COUNT] = {
	[LAPIC_ID / 16] = READ_ONLY | X_WRITE, /* the write is ignored */
	[LAPIC_VERSION / 16] = READ_ONLY | X_WRITE,
	[LAPIC_TPR / 16] = READ_WRITE,
	[LAPIC_APR / 16] = X_READ,
	[LAPIC_PPR / 16] = READ_ONLY,
	[LAPIC_EOI / 16] = X_READ | X_WRITE | X2_WRITE,
	[LAPIC_RRD / 16] = X_READ,
	[LAPIC_LDR / 16] = READ_ONLY | X_WRITE,
	[LAPIC_DFR / 16] = X_READ | X_WRITE,
	[LAPIC_SVR / 16] = READ_WRITE,
	[LAPIC_ISR / 16 ... LAPIC_ISR / 16 + 7] = READ_ONLY,
	[LAPIC_TMR / 16 ... LAPIC_TMR / 16 + 7] = READ_ONLY,
	[LAPIC_IRR / 16 ... LAPIC_IRR / 16 + 7] = READ_ONLY,
	[LAPIC_ESR / 16] = READ_WRITE,
	[LAPIC_ICR / 16] = READ_WRITE,
	[LAPIC_ICR_HIGH / 16] = X_READ | X_WRITE,
	[LAPIC_TIMER / 16 ... LAPIC_ERROR / 16] = READ_WRITE,
	[LAPIC_INITIAL_COUNT / 16] = READ_WRITE,
	[LAPIC_CURRENT_COUNT / 16] = READ_ONLY,
	[LAPIC_DIVIDE / 16] = READ_WRITE,
	[LAPIC_SELF_IPI / 16] = X2_WRITE,
};

static uint32_t get(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, RELAXED);
}

static void put(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, RELAXED);
}

void lapic_show(struct lapic *lapic)
{
	bool wide = lapic_is_x2apic(lapic);
	uint32_t id = get(&lapic->id);
	unsigned int i;

	lapic_page_put(lapic, LAPIC_ID, wide ? id : id << 24);
	lapic_page_put(lapic, LAPIC_VERSION,
		       VERSION | (LAPIC_LVT_COUNT - 1) << 16 |
			       (lapic->eoi_suppression ? VERSION_NO_EOI : 0));
	lapic_page_put(lapic, LAPIC_TPR, lapic_tpr_get(lapic));
	lapic_page_put(lapic, LAPIC_EOI, 0);
	lapic_page_put(lapic, LAPIC_LDR, get(&lapic->ldr));
	lapic_page_put(lapic, LAPIC_DFR, get(&lapic->dfr));
	lapic_page_put(lapic, LAPIC_SVR, get(&lapic->svr));
	lapic_page_put(lapic, LAPIC_ESR, lapic->esr);
	lapic_page_put(lapic, LAPIC_ICR, lapic->icr);
	for (i = 0; i < LAPIC_LVT_COUNT; i++)
		lapic_page_put(lapic, LAPIC_TIMER + 16 * i, get(&lapic->lvt[i]));
	lapic_page_put(lapic, LAPIC_INITIAL_COUNT, lapic->initial_count);
	lapic_page_put(lapic, LAPIC_DIVIDE, lapic->divide);
}

/* SDM, "Arbitration Priority Register" of the processors that have one. */
static uint32_t apr_read(struct lapic *lapic)
{
	int request = lapic_highest_request(lapic);
	int service = lapic_highest_service(lapic);
	uint32_t tpr = lapic_tpr_get(lapic);
	uint32_t r = request < 0 ? 0 : (uint32_t)request & 0xf0;
	uint32_t s = service < 0 ? 0 : (uint32_t)service & 0xf0;

	if ((tpr & 0xf0) >= r && (tpr & 0xf0) > s)
		return tpr;
	return MAX(MAX(tpr & 0xf0, r), s);
}

/* The page, after what changes without an access. */
static uint32_t register_read(struct lapic *lapic, uint32_t offset, uint64_t now)
{
	switch (offset) {
	case LAPIC_APR: return apr_read(lapic);
	case LAPIC_PPR: lapic_priority_sync(lapic); break;
	case LAPIC_IRR ... LAPIC_IRR + 0x70: lapic_highest_request(lapic); break;
	case LAPIC_TIMER + 16 * LAPIC_LVT_LINT0: lapic_lint0_show(lapic); break;
	case LAPIC_CURRENT_COUNT: return lapic_timer_count(lapic, now);
	default: break;
	}
	return lapic_page_get(lapic, offset);
}

static void svr_write(struct lapic *lapic, uint32_t value, struct lapic_effects *effects)
{
	unsigned int i;

	value &= 0xff | SVR_ENABLE | (lapic->eoi_suppression ? SVR_NO_EOI : 0);
	put(&lapic->svr, value);
	lapic_page_put(lapic, LAPIC_SVR, value);
	if (value & SVR_ENABLE)
		return;
	/* SDM, "Local APIC State After It Has Been Software Disabled" */
	for (i = 0; i < LAPIC_LVT_COUNT; i++)
		atomic_fetch_or_explicit(&lapic->lvt[i], LVT_MASKED, memory_order_relaxed);
	lapic_show(lapic);
	effects->bits |= LAPIC_EFFECT_TIMER | LAPIC_EFFECT_EXTINT;
}

/* Remote IRR is the acceptors' bit, other CPUs set it at any time; it goes when the entry is no
 * longer a fixed, level-triggered one. */
static void lint_write(struct lapic *lapic, unsigned int n, uint32_t value)
{
	_Atomic uint32_t *lvt = &lapic->lvt[LAPIC_LVT_LINT0 + n];
	uint32_t before = get(lvt);
	uint32_t keep = value & LVT_LEVEL && !(value & LVT_DELIVERY) ? LVT_REMOTE_IRR : 0;

	while (!atomic_compare_exchange_weak(lvt, &before, value | (before & keep)))
		; /* ends: the other side changes it once per interrupt */
}

static void lvt_write(struct lapic *lapic, uint32_t offset, uint32_t value, uint64_t now,
		      struct lapic_effects *effects)
{
	unsigned int entry = (offset - LAPIC_TIMER) / 16;
	uint32_t before = get(&lapic->lvt[entry]);

	value &= lapic_lvt_writable[entry];
	if (!(get(&lapic->svr) & SVR_ENABLE))
		value |= LVT_MASKED;
	if (entry == LAPIC_LVT_TIMER) {
		lapic_timer_lvt(lapic, value, now);
		lapic_page_put(lapic, offset, value);
		effects->bits |= LAPIC_EFFECT_TIMER | LAPIC_EFFECT_INTERRUPT;
		return;
	}
	if (entry != LAPIC_LVT_LINT0 && entry != LAPIC_LVT_LINT1) {
		put(&lapic->lvt[entry], value);
		lapic_page_put(lapic, offset, value);
		return;
	}
	lint_write(lapic, entry - LAPIC_LVT_LINT0, value);
	lapic_page_put(lapic, offset, get(&lapic->lvt[entry]));
	if (entry != LAPIC_LVT_LINT0)
		return;
	/* What depends on the level of the input, not on its edge, is looked at again. */
	if ((value & LVT_DELIVERY) >> 8 == APIC_EXTINT ||
	    (before & LVT_DELIVERY) >> 8 == APIC_EXTINT)
		effects->bits |= LAPIC_EFFECT_EXTINT;
	else if ((get(&lapic->lint) & BIT(0)) && (value & LVT_LEVEL))
		effects->bits |= lapic_lvt_deliver(lapic, LAPIC_LVT_LINT0);
}

static void self_ipi(struct lapic *lapic, uint8_t vector, struct lapic_effects *effects)
{
	if (vector < 16) {
		lapic_error_note(lapic, LAPIC_ERROR_SEND_VECTOR);
		effects->bits |= LAPIC_EFFECT_INTERRUPT;
	} else if (lapic_accept(lapic, vector, false)) {
		effects->bits |= LAPIC_EFFECT_INTERRUPT;
	}
}

/* Both halves of ICR are written: what goes out. */
static void icr_send(struct lapic *lapic, struct lapic_effects *effects)
{
	uint32_t icr = lapic->icr;
	bool wide = lapic_is_x2apic(lapic);
	struct apic_message *message = &effects->message;
	uint32_t destination = lapic_page_get(lapic, lapic_icr_high_offset(lapic));

	if (!wide)
		destination >>= 24;
	if (!wide && destination == 0xff)
		destination = APIC_BROADCAST;
	message->destination = destination;
	message->vector = (uint8_t)icr;
	message->delivery = icr >> 8 & 7;
	message->shorthand = icr >> 18 & 3;
	message->logical = icr & BIT(11);
	message->wide = wide;
	message->asserted = icr & BIT(14);
	/* "For all delivery modes other than INIT de-assert" IPIs are edge-triggered. */
	message->level = message->delivery == APIC_INIT && (icr & BIT(15));
	message->source = APIC_NO_SOURCE;
	if (message->delivery <= APIC_LOWEST && message->vector < 16) {
		lapic_error_note(lapic, LAPIC_ERROR_SEND_VECTOR);
		effects->bits |= LAPIC_EFFECT_INTERRUPT;
		return;
	}
	if (message->delivery == APIC_FIXED && message->shorthand == APIC_TO_SELF) {
		self_ipi(lapic, message->vector, effects);
		return;
	}
	effects->bits |= LAPIC_EFFECT_IPI;
}

static void register_write(struct lapic *lapic, uint32_t offset, uint32_t value, uint64_t now,
			   struct lapic_effects *effects)
{
	switch (offset) {
	case LAPIC_TPR:
		if (lapic_tpr_set(lapic, (uint8_t)value))
			effects->bits |= LAPIC_EFFECT_INTERRUPT;
		break;
	case LAPIC_EOI:
		lapic_page_put(lapic, LAPIC_EOI, 0);
		lapic_eoi(lapic, effects);
		break;
	case LAPIC_LDR:
		put(&lapic->ldr, value & 0xff000000);
		lapic_page_put(lapic, LAPIC_LDR, value & 0xff000000);
		break;
	case LAPIC_DFR:
		put(&lapic->dfr, value | 0x0fffffff);
		lapic_page_put(lapic, LAPIC_DFR, value | 0x0fffffff);
		break;
	case LAPIC_SVR: svr_write(lapic, value, effects); break;
	case LAPIC_ESR:
		lapic->esr = atomic_exchange_explicit(&lapic->esr_next, 0, RELAXED);
		lapic_page_put(lapic, LAPIC_ESR, lapic->esr);
		break;
	case LAPIC_ICR:
		lapic->icr = value & ICR_WRITABLE;
		lapic_page_put(lapic, LAPIC_ICR, lapic->icr);
		icr_send(lapic, effects);
		break;
	case LAPIC_ICR_HIGH: lapic_page_put(lapic, LAPIC_ICR_HIGH, value & 0xff000000); break;
	case LAPIC_TIMER ... LAPIC_ERROR: lvt_write(lapic, offset, value, now, effects); break;
	case LAPIC_INITIAL_COUNT:
		lapic_timer_start(lapic, value, now);
		lapic_page_put(lapic, LAPIC_INITIAL_COUNT, value);
		effects->bits |= LAPIC_EFFECT_TIMER | LAPIC_EFFECT_INTERRUPT;
		break;
	case LAPIC_DIVIDE:
		lapic_timer_divide(lapic, value, now);
		lapic_page_put(lapic, LAPIC_DIVIDE, lapic->divide);
		effects->bits |= LAPIC_EFFECT_TIMER | LAPIC_EFFECT_INTERRUPT;
		break;
	case LAPIC_SELF_IPI: self_ipi(lapic, (uint8_t)value, effects); break;
	default: /* ID, VERSION: the write is ignored, and undone if the page has it */
		lapic_show(lapic);
		break;
	}
}

/* ---- the page ---- */

static bool page_register(uint32_t offset, enum register_use use)
{
	return offset / 16 < REGISTER_COUNT && (register_use[offset / 16] & use);
}

bool lapic_read(struct lapic *lapic, uint32_t offset, uint64_t now, uint32_t *value)
{
	uint32_t base = offset & ~15u;

	if (!lapic_is_enabled(lapic) || lapic_is_x2apic(lapic))
		return false;
	*value = 0;
	if (!page_register(offset, X_READ)) {
		lapic_error_note(lapic, LAPIC_ERROR_REGISTER);
		return true;
	}
	/* A register is the first four of its sixteen bytes (SDM: other accesses are undefined;
	 * here the rest reads 0, and a part of the four as memory would). */
	if (offset % 16 >= 4)
		return true;
	*value = register_read(lapic, base, now) >> offset % 4 * 8;
	return true;
}

bool lapic_write(struct lapic *lapic, uint32_t offset, uint32_t value, uint64_t now,
		 struct lapic_effects *effects)
{
	effects->bits = 0;
	if (!lapic_is_enabled(lapic) || lapic_is_x2apic(lapic))
		return false;
	/* Not a register's first byte: it takes nothing, though a processor may have put it there. */
	if (offset % 16) {
		lapic_show(lapic);
		return true;
	}
	if (page_register(offset, X_WRITE)) {
		register_write(lapic, offset, value, now, effects);
	} else if (!page_register(offset, X_READ)) {
		lapic_error_note(lapic, LAPIC_ERROR_REGISTER);
		effects->bits |= LAPIC_EFFECT_INTERRUPT;
	}
	return true;
}

/* ---- the MSRs ---- */

bool lapic_msr_read(struct lapic *lapic, uint32_t msr, uint64_t now, uint64_t *value)
{
	uint32_t offset = (msr - X2APIC_MSR_BASE) * 16;

	if (!lapic_is_x2apic(lapic) || !page_register(offset, X2_READ))
		return false;
	*value = register_read(lapic, offset, now);
	if (offset == LAPIC_ICR)
		*value |= (uint64_t)lapic_page_get(lapic, LAPIC_ICR + 4) << 32;
	return true;
}

/* The bits that are not reserved in x2APIC mode. */
static uint64_t msr_writable(const struct lapic *lapic, uint32_t offset)
{
	switch (offset) {
	case LAPIC_TPR:
	case LAPIC_SELF_IPI: return 0xff;
	case LAPIC_EOI:
	case LAPIC_ESR: return 0;
	case LAPIC_SVR: return 0xff | SVR_ENABLE | (lapic->eoi_suppression ? SVR_NO_EOI : 0);
	case LAPIC_ICR: return (uint64_t)UINT32_MAX << 32 | ICR_WRITABLE;
	case LAPIC_TIMER ... LAPIC_ERROR:
		/* Delivery status and remote IRR are read-only, not reserved. */
		return lapic_lvt_writable[(offset - LAPIC_TIMER) / 16] | BIT(12) | LVT_REMOTE_IRR;
	case LAPIC_DIVIDE: return DIVIDE_WRITABLE;
	default: return UINT32_MAX;
	}
}

bool lapic_msr_write(struct lapic *lapic, uint32_t msr, uint64_t value, uint64_t now,
		     struct lapic_effects *effects)
{
	uint32_t offset = (msr - X2APIC_MSR_BASE) * 16;

	effects->bits = 0;
	if (!lapic_is_x2apic(lapic) || !page_register(offset, X2_WRITE))
		return false;
	if (value & ~msr_writable(lapic, offset))
		return false;
	if (offset == LAPIC_ICR)
		lapic_page_put(lapic, LAPIC_ICR + 4, (uint32_t)(value >> 32));
	register_write(lapic, offset, (uint32_t)value, now, effects);
	return true;
}
