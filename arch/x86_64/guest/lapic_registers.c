/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's registers: one pair of functions reads and writes them by offset, for the
 * page of xAPIC mode and for the MSRs of x2APIC mode. What the two modes do not share stands in
 * their entry functions: which registers exist, reserved bits, the width of ICR.
 */
#include "lapic.h"

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

static uint32_t version_read(const struct lapic *lapic)
{
	return 0x14 | (LAPIC_LVT_COUNT - 1) << 16 | (lapic->eoi_suppression ? VERSION_NO_EOI : 0);
}

/* SDM, "Arbitration Priority Register" of the processors that have one. */
static uint32_t apr_read(struct lapic *lapic)
{
	int request = lapic_highest_request(lapic);
	int service = lapic_highest_service(lapic);
	uint32_t tpr = get(&lapic->tpr);
	uint32_t r = request < 0 ? 0 : (uint32_t)request & 0xf0;
	uint32_t s = service < 0 ? 0 : (uint32_t)service & 0xf0;

	if ((tpr & 0xf0) >= r && (tpr & 0xf0) > s)
		return tpr;
	return MAX(MAX(tpr & 0xf0, r), s);
}

/* The register as either mode has it, except ID and ICR_HIGH. */
static uint32_t register_read(struct lapic *lapic, uint32_t offset, uint64_t now)
{
	unsigned int n = offset / 16 & 7;

	switch (offset) {
	case LAPIC_VERSION: return version_read(lapic);
	case LAPIC_TPR: return get(&lapic->tpr);
	case LAPIC_APR: return apr_read(lapic);
	case LAPIC_PPR: return get(&lapic->ppr);
	case LAPIC_LDR: return get(&lapic->ldr);
	case LAPIC_DFR: return get(&lapic->dfr);
	case LAPIC_SVR: return get(&lapic->svr);
	case LAPIC_ISR ... LAPIC_ISR + 0x70: return lapic->isr[n];
	case LAPIC_TMR ... LAPIC_TMR + 0x70: return get(&lapic->tmr[n]);
	case LAPIC_IRR ... LAPIC_IRR + 0x70: return get(&lapic->irr[n]);
	case LAPIC_ESR: return lapic->esr;
	case LAPIC_ICR: return lapic->icr;
	case LAPIC_TIMER ... LAPIC_ERROR: return get(&lapic->lvt[(offset - LAPIC_TIMER) / 16]);
	case LAPIC_INITIAL_COUNT: return lapic->initial_count;
	case LAPIC_CURRENT_COUNT: return lapic_timer_count(lapic, now);
	case LAPIC_DIVIDE: return lapic->divide;
	default: return 0; /* EOI, RRD */
	}
}

static void svr_write(struct lapic *lapic, uint32_t value, struct lapic_effects *effects)
{
	unsigned int i;

	value &= 0xff | SVR_ENABLE | (lapic->eoi_suppression ? SVR_NO_EOI : 0);
	put(&lapic->svr, value);
	if (value & SVR_ENABLE)
		return;
	/* SDM, "Local APIC State After It Has Been Software Disabled" */
	for (i = 0; i < LAPIC_LVT_COUNT; i++)
		atomic_fetch_or_explicit(&lapic->lvt[i], LVT_MASKED, memory_order_relaxed);
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
		effects->bits |= LAPIC_EFFECT_TIMER | LAPIC_EFFECT_INTERRUPT;
		return;
	}
	if (entry != LAPIC_LVT_LINT0 && entry != LAPIC_LVT_LINT1) {
		put(&lapic->lvt[entry], value);
		return;
	}
	lint_write(lapic, entry - LAPIC_LVT_LINT0, value);
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

/* icr and icr_high are written: what goes out. */
static void icr_send(struct lapic *lapic, struct lapic_effects *effects)
{
	uint32_t icr = lapic->icr;
	bool wide = lapic_is_x2apic(lapic);
	struct apic_message *message = &effects->message;
	uint32_t destination = wide ? lapic->icr_high : lapic->icr_high >> 24;

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
	case LAPIC_EOI: lapic_eoi(lapic, effects); break;
	case LAPIC_LDR: put(&lapic->ldr, value & 0xff000000); break;
	case LAPIC_DFR: put(&lapic->dfr, value | 0x0fffffff); break;
	case LAPIC_SVR: svr_write(lapic, value, effects); break;
	case LAPIC_ESR: lapic->esr = atomic_exchange_explicit(&lapic->esr_next, 0, RELAXED); break;
	case LAPIC_ICR:
		lapic->icr = value & ICR_WRITABLE;
		icr_send(lapic, effects);
		break;
	case LAPIC_ICR_HIGH: lapic->icr_high = value & 0xff000000; break;
	case LAPIC_TIMER ... LAPIC_ERROR: lvt_write(lapic, offset, value, now, effects); break;
	case LAPIC_INITIAL_COUNT:
		lapic_timer_start(lapic, value, now);
		effects->bits |= LAPIC_EFFECT_TIMER | LAPIC_EFFECT_INTERRUPT;
		break;
	case LAPIC_DIVIDE:
		lapic_timer_divide(lapic, value, now);
		effects->bits |= LAPIC_EFFECT_TIMER | LAPIC_EFFECT_INTERRUPT;
		break;
	case LAPIC_SELF_IPI: self_ipi(lapic, (uint8_t)value, effects); break;
	default: break; /* ID, VERSION: the write is ignored */
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
	uint32_t result;

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
	if (base == LAPIC_ID)
		result = get(&lapic->id) << 24;
	else if (base == LAPIC_ICR_HIGH)
		result = lapic->icr_high;
	else
		result = register_read(lapic, base, now);
	*value = result >> offset % 4 * 8;
	return true;
}

bool lapic_write(struct lapic *lapic, uint32_t offset, uint32_t value, uint64_t now,
		 struct lapic_effects *effects)
{
	effects->bits = 0;
	if (!lapic_is_enabled(lapic) || lapic_is_x2apic(lapic))
		return false;
	if (offset % 16)
		return true;
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
	if (offset == LAPIC_ID)
		*value = get(&lapic->id);
	else if (offset == LAPIC_ICR)
		*value = (uint64_t)lapic->icr_high << 32 | lapic->icr;
	else
		*value = register_read(lapic, offset, now);
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
		lapic->icr_high = (uint32_t)(value >> 32);
	register_write(lapic, offset, (uint32_t)value, now, effects);
	return true;
}
