/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's heart: which interrupts are requested and in service, which may be delivered,
 * the inputs LINT0 and LINT1, errors, the states after power-on and INIT, and whether a message
 * on the bus is for this APIC. Registers are in lapic_registers.c, the timer in lapic_timer.c.
 *
 * Acceptance may happen on any CPU while the VP runs on its own. TMR and levels_changed are written
 * before the vector is posted, and that before the summary; the VP's CPU takes them in the other order,
 * so it never sees a request whose trigger mode is not there yet, and never loses one.
 */
#include "lapic_model.h"

#include <kernel/string.h>

#define RELAXED	      memory_order_relaxed
#define ASSIST_NO_EOI 1u

static uint32_t get(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, RELAXED);
}

static void put(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, RELAXED);
}

static int highest_bit(uint32_t word)
{
	return 31 - __builtin_clz(word);
}

/* ---- requests ---- */

static uint32_t vector_bit(uint8_t vector)
{
	return (uint32_t)BIT(vector % 32);
}

/* The word of ISR, TMR or IRR that has a vector. */
static _Atomic uint32_t *vector_word(struct lapic *lapic, uint32_t base, uint8_t vector)
{
	return lapic_word(lapic, base + 16u * (vector / 32));
}

/* By bit of the summary: the words of edges, then those of levels. */
static _Atomic uint32_t *posted_word(struct lapic *lapic, unsigned int summary)
{
	uint32_t base = summary < LAPIC_VECTOR_WORDS ? LAPIC_POSTED : LAPIC_POSTED_LEVELS;

	return lapic_word(lapic, base + 4 * (summary % LAPIC_VECTOR_WORDS));
}

static void level_note(struct lapic *lapic, uint8_t vector, bool level)
{
	_Atomic uint32_t *tmr = vector_word(lapic, LAPIC_TMR, vector);
	uint32_t bit = vector_bit(vector);

	if (level) {
		atomic_fetch_or_explicit(tmr, bit, RELAXED);
		/* Even if the bit was set: by another CPU, which may not have come here yet. */
		atomic_store_explicit(&lapic->levels_changed, true, memory_order_release);
	} else if (get(tmr) & bit) {
		atomic_fetch_and_explicit(tmr, ~bit, RELAXED);
	}
}

bool lapic_accept(struct lapic *lapic, uint8_t vector, bool level)
{
	unsigned int summary = vector / 32 + (level ? LAPIC_VECTOR_WORDS : 0);
	uint32_t bit = vector_bit(vector);
	uint32_t before;

	if (vector < 16) {
		lapic_error_note(lapic, LAPIC_ERROR_RECEIVE_VECTOR);
		return false;
	}
	if (!lapic_is_enabled(lapic) || !(get(&lapic->svr) & SVR_ENABLE))
		return false;
	level_note(lapic, vector, level);
	before = atomic_fetch_or_explicit(posted_word(lapic, summary), bit, memory_order_release);
	atomic_fetch_or_explicit(&lapic->posted_words, (uint32_t)BIT(summary),
				 memory_order_release);
	return !(before & bit);
}

bool lapic_is_pending(struct lapic *lapic, uint8_t vector)
{
	unsigned int word = vector / 32;

	return (get(posted_word(lapic, word)) | get(posted_word(lapic, word + LAPIC_VECTOR_WORDS)) |
		get(vector_word(lapic, LAPIC_IRR, vector))) &
	       vector_bit(vector);
}

/* What was posted becomes requests. The summary goes first: who posts meanwhile sets it again. */
static void posted_take(struct lapic *lapic)
{
	uint32_t words = atomic_exchange_explicit(&lapic->posted_words, 0, memory_order_acq_rel);

	lapic->irr_words |= (words | words >> LAPIC_VECTOR_WORDS) & MASK(LAPIC_VECTOR_WORDS);
	lapic->service_changed = true;
	if (words >> LAPIC_VECTOR_WORDS)
		lapic_lint0_show(lapic);    /* remote IRR */
	for (; words; words &= words - 1) { /* each turn takes one bit out */
		unsigned int summary = (unsigned int)__builtin_ctz(words);
		_Atomic uint32_t *irr =
			lapic_word(lapic, LAPIC_IRR + 16 * (summary % LAPIC_VECTOR_WORDS));

		put(irr, get(irr) | atomic_exchange_explicit(posted_word(lapic, summary), 0,
							     memory_order_acq_rel));
	}
}

int lapic_highest_request(struct lapic *lapic)
{
	uint32_t words;

	if (atomic_load_explicit(&lapic->posted_words, memory_order_acquire))
		posted_take(lapic);
	/* A processor that delivers also takes bits out, and by self-IPIs puts some in. */
	words = lapic->processor_delivers ? MASK(LAPIC_VECTOR_WORDS) : lapic->irr_words;
	while (words) { /* ends: each turn clears a bit of it */
		unsigned int word = (unsigned int)highest_bit(words);
		uint32_t bits = lapic_page_get(lapic, LAPIC_IRR + 16 * word);

		if (bits)
			return (int)word * 32 + highest_bit(bits);
		words &= ~(uint32_t)BIT(word);
		lapic->irr_words &= ~(uint32_t)BIT(word);
	}
	return -1;
}

int lapic_pending_vector_slow(struct lapic *lapic)
{
	int vector = lapic_highest_request(lapic);

	if (vector < 0 || ((uint32_t)vector & 0xf0) <= (lapic_page_get(lapic, LAPIC_PPR) & 0xf0))
		return -1;
	/* By software alone it may be off (SDM, "Local APIC State After It Has Been Software
	 * Disabled": what is in IRR stays and must be served). */
	return lapic_is_enabled(lapic) ? vector : -1;
}

int lapic_highest_service(struct lapic *lapic)
{
	int word;

	for (word = LAPIC_VECTOR_WORDS - 1; word >= 0; word--) {
		uint32_t bits = lapic_page_get(lapic, LAPIC_ISR + 16u * (unsigned int)word);

		if (bits)
			return word * 32 + highest_bit(bits);
	}
	return -1;
}

/* SDM, "Processor Priority Register" */
static uint32_t priority(struct lapic *lapic, uint8_t tpr)
{
	int service = lapic_highest_service(lapic);
	uint32_t class = service < 0 ? 0 : (uint32_t)service & 0xf0;

	return (tpr & 0xf0) >= class ? tpr : class;
}

void lapic_priority_update(struct lapic *lapic)
{
	uint8_t tpr = lapic_tpr_get(lapic);

	lapic->ppr_tpr = tpr | lapic->unsettled;
	lapic_page_put(lapic, LAPIC_PPR, priority(lapic, tpr));
}

static void service_end(struct lapic *lapic, uint8_t vector)
{
	_Atomic uint32_t *isr = vector_word(lapic, LAPIC_ISR, vector);

	put(isr, get(isr) & ~vector_bit(vector));
	lapic->service_changed = true;
}

static void highest_end(struct lapic *lapic)
{
	int vector = lapic_highest_service(lapic);

	if (vector >= 0)
		service_end(lapic, (uint8_t)vector);
}

/* ---- interrupts that end without an EOI: of these, devices need not hear ---- */

void lapic_priority_settle(struct lapic *lapic)
{
	if (lapic->unsettled && !(get(lapic->eoi_assist) & ASSIST_NO_EOI)) {
		lapic->unsettled = 0;
		highest_end(lapic);
	}
	lapic_priority_update(lapic);
}

void lapic_assist_end(struct lapic *lapic)
{
	if (!lapic->unsettled)
		return;
	lapic->unsettled = 0;
	if (!(atomic_fetch_and(lapic->eoi_assist, ~ASSIST_NO_EOI) & ASSIST_NO_EOI))
		highest_end(lapic);
	lapic_priority_update(lapic);
}

static void assist_forget(struct lapic *lapic)
{
	lapic->unsettled = 0;
	if (lapic->eoi_assist)
		atomic_fetch_and(lapic->eoi_assist, ~ASSIST_NO_EOI);
}

__cold void lapic_assist_set(struct lapic *lapic, _Atomic uint32_t *word)
{
	lapic_assist_end(lapic);
	lapic->eoi_assist = word;
	assist_forget(lapic);
	lapic->synthetic = lapic->auto_eoi || word;
}

/* The rest of lapic_acknowledge(). A level-triggered one has an EOI always, and so has one behind which others
 * wait; what was allowed of one that is nested in by now is so no more. */
static __attribute__((noinline)) void acknowledge_synthetic(struct lapic *lapic, uint8_t vector)
{
	bool level = get(vector_word(lapic, LAPIC_TMR, vector)) & vector_bit(vector);

	if ((lapic->auto_eoi_vectors[vector / 32] & vector_bit(vector)) && !level) {
		service_end(lapic, vector);
		lapic_priority_update(lapic);
		return;
	}
	if (!lapic->eoi_assist)
		return;
	assist_forget(lapic);
	if (!level && !lapic->processor_delivers && lapic_highest_request(lapic) < 0) {
		atomic_fetch_or(lapic->eoi_assist, ASSIST_NO_EOI);
		lapic->unsettled = LAPIC_UNSETTLED;
	}
	lapic_priority_update(lapic);
}

void lapic_acknowledge(struct lapic *lapic, uint8_t vector)
{
	_Atomic uint32_t *irr = vector_word(lapic, LAPIC_IRR, vector);
	_Atomic uint32_t *isr = vector_word(lapic, LAPIC_ISR, vector);

	put(irr, get(irr) & ~vector_bit(vector));
	if (!get(irr))
		lapic->irr_words &= ~(uint32_t)BIT(vector / 32);
	put(isr, get(isr) | vector_bit(vector));
	lapic->service_changed = true;
	/* It had the highest priority of all, so its class is PPR's now. */
	lapic_page_put(lapic, LAPIC_PPR, vector & 0xf0);
	if (unlikely(lapic->synthetic))
		acknowledge_synthetic(lapic, vector);
}

__cold bool lapic_auto_eoi_set(struct lapic *lapic, const uint32_t vectors[LAPIC_VECTOR_WORDS])
{
	bool before = lapic->auto_eoi;
	unsigned int i;

	lapic->auto_eoi = false;
	for (i = 0; i < LAPIC_VECTOR_WORDS; i++) {
		lapic->auto_eoi_vectors[i] = vectors[i];
		lapic->auto_eoi |= vectors[i] != 0;
	}
	lapic->synthetic = lapic->auto_eoi || lapic->eoi_assist;
	return lapic->auto_eoi != before;
}

bool lapic_tpr_set(struct lapic *lapic, uint8_t tpr)
{
	lapic_page_put(lapic, LAPIC_TPR, tpr);
	lapic_priority_update(lapic);
	return lapic_has_request(lapic);
}

void lapic_processor_delivers(struct lapic *lapic, bool on)
{
	lapic_assist_end(lapic);
	lapic->processor_delivers = on;
	lapic->irr_words = MASK(LAPIC_VECTOR_WORDS);
	lapic->service_changed = true;
	atomic_store_explicit(&lapic->levels_changed, true, RELAXED);
}

uint8_t lapic_service_vector(struct lapic *lapic)
{
	int vector = lapic_highest_service(lapic);

	return vector < 0 ? 0 : (uint8_t)vector;
}

uint8_t lapic_request_vector(struct lapic *lapic)
{
	int vector = lapic_highest_request(lapic);

	return vector < 0 ? 0 : (uint8_t)vector;
}

/* The LINT entry that a level-triggered vector came through may send the next one. */
static void lint_end(struct lapic *lapic, uint8_t vector)
{
	unsigned int n;

	for (n = 0; n < 2; n++) {
		_Atomic uint32_t *lvt = &lapic->lvt[LAPIC_LVT_LINT0 + n];
		uint32_t value = get(lvt);

		if (!(value & LVT_REMOTE_IRR) || (value & LVT_VECTOR) != vector)
			continue;
		atomic_fetch_and_explicit(lvt, ~LVT_REMOTE_IRR, memory_order_acq_rel);
		lapic_page_put(lapic, LAPIC_TIMER + 16u * (LAPIC_LVT_LINT0 + n),
			       value & ~LVT_REMOTE_IRR);
		if (get(&lapic->lint) & BIT(n))
			lapic_lvt_deliver(lapic, LAPIC_LVT_LINT0 + n);
	}
}

void lapic_eoi_finish(struct lapic *lapic, uint8_t vector, struct lapic_effects *effects)
{
	if (unlikely(get(vector_word(lapic, LAPIC_TMR, vector)) & vector_bit(vector))) {
		if (!(get(&lapic->svr) & SVR_NO_EOI)) {
			effects->bits |= LAPIC_EFFECT_EOI;
			effects->eoi_vector = vector;
		}
		lint_end(lapic, vector);
	}
	if (lapic_has_request(lapic))
		effects->bits |= LAPIC_EFFECT_INTERRUPT;
}

void lapic_eoi(struct lapic *lapic, struct lapic_effects *effects)
{
	int vector = lapic_highest_service(lapic);

	if (vector < 0)
		return;
	if (unlikely(lapic->unsettled)) /* an EOI by other means: that was the word's */
		assist_forget(lapic);
	service_end(lapic, (uint8_t)vector);
	lapic_priority_update(lapic);
	lapic_eoi_finish(lapic, (uint8_t)vector, effects);
}

/* ---- the local vector table ---- */

const uint32_t lapic_lvt_writable[LAPIC_LVT_COUNT] = {
	[LAPIC_LVT_TIMER] = LVT_VECTOR | LVT_MASKED | LVT_TIMER_MODE,
	[LAPIC_LVT_THERMAL] = LVT_VECTOR | LVT_DELIVERY | LVT_MASKED,
	[LAPIC_LVT_PERFORMANCE] = LVT_VECTOR | LVT_DELIVERY | LVT_MASKED,
	[LAPIC_LVT_LINT0] = LVT_VECTOR | LVT_DELIVERY | 0x2000 | LVT_LEVEL | LVT_MASKED,
	[LAPIC_LVT_LINT1] = LVT_VECTOR | LVT_DELIVERY | 0x2000 | LVT_LEVEL | LVT_MASKED,
	[LAPIC_LVT_ERROR] = LVT_VECTOR | LVT_MASKED,
};

static uint32_t lvt_fixed(struct lapic *lapic, enum lapic_lvt entry, uint32_t value)
{
	/* Only LINT0 can be level-triggered: "LINT1 is always edge sensitive" (SDM, LVT). */
	bool level = entry == LAPIC_LVT_LINT0 && (value & LVT_LEVEL);

	if (level &&
	    (atomic_fetch_or_explicit(&lapic->lvt[entry], LVT_REMOTE_IRR, memory_order_acq_rel) &
	     LVT_REMOTE_IRR))
		return 0;
	/* A vector that is none may have raised the error entry's. */
	if (lapic_accept(lapic, (uint8_t)value, level) || (value & LVT_VECTOR) < 16)
		return LAPIC_EFFECT_INTERRUPT;
	return 0;
}

uint32_t lapic_lvt_deliver(struct lapic *lapic, enum lapic_lvt entry)
{
	uint32_t value = get(&lapic->lvt[entry]);

	if ((value & LVT_MASKED) || !lapic_is_enabled(lapic))
		return 0;
	switch ((value & LVT_DELIVERY) >> 8) {
	case APIC_FIXED: return lvt_fixed(lapic, entry, value);
	case APIC_NMI: return LAPIC_EFFECT_NMI;
	case APIC_EXTINT: return LAPIC_EFFECT_EXTINT;
	default: return 0; /* SMI, INIT and reserved modes: there is no such machine */
	}
}

uint32_t lapic_set_lint(struct lapic *lapic, unsigned int n, bool high)
{
	uint32_t bit = (uint32_t)BIT(n);
	uint32_t before;

	if (!high) {
		atomic_fetch_and_explicit(&lapic->lint, ~bit, memory_order_acq_rel);
		return 0;
	}
	before = atomic_fetch_or_explicit(&lapic->lint, bit, memory_order_acq_rel);
	if (before & bit)
		return 0;
	/* Without an APIC the inputs are the processor's INTR and NMI. */
	if (!lapic_is_enabled(lapic))
		return n == 0 ? LAPIC_EFFECT_EXTINT : LAPIC_EFFECT_NMI;
	return lapic_lvt_deliver(lapic, LAPIC_LVT_LINT0 + n);
}

void lapic_extint_accept(struct lapic *lapic)
{
	atomic_fetch_or_explicit(&lapic->lint, LINT_EXTINT_MESSAGE, RELAXED);
}

void lapic_extint_taken(struct lapic *lapic)
{
	atomic_fetch_and_explicit(&lapic->lint, ~LINT_EXTINT_MESSAGE, RELAXED);
}

uint32_t lapic_pulse_lint(struct lapic *lapic, unsigned int n)
{
	uint32_t effects;

	if (get(&lapic->lint) & BIT(n))
		return 0; /* it cannot rise */
	effects = lapic_set_lint(lapic, n, true);
	if (effects & LAPIC_EFFECT_EXTINT)
		lapic_extint_accept(lapic);
	lapic_set_lint(lapic, n, false);
	return effects;
}

bool lapic_extint_pending(struct lapic *lapic)
{
	uint32_t value = get(&lapic->lvt[LAPIC_LVT_LINT0]);

	if (get(&lapic->lint) & LINT_EXTINT_MESSAGE)
		return true;
	if (!(get(&lapic->lint) & BIT(0)))
		return false;
	return !lapic_is_enabled(lapic) ||
	       (!(value & LVT_MASKED) && (value & LVT_DELIVERY) >> 8 == APIC_EXTINT);
}

void lapic_error_note(struct lapic *lapic, uint32_t error)
{
	uint32_t value = get(&lapic->lvt[LAPIC_LVT_ERROR]);
	uint32_t before = atomic_fetch_or_explicit(&lapic->esr_next, error, RELAXED);

	/* A bad vector in the error entry itself must not come back here. */
	if (!(before & error) && !(value & LVT_MASKED) && (value & LVT_VECTOR) >= 16)
		lapic_accept(lapic, (uint8_t)value, false);
}

/* ---- messages ---- */

static bool matches_physical(struct lapic *lapic, const struct apic_message *message)
{
	uint32_t id = get(&lapic->id);

	return message->destination == APIC_BROADCAST ||
	       message->destination == (lapic_is_x2apic(lapic) ? id : id & 0xff);
}

static bool matches_logical(struct lapic *lapic, const struct apic_message *message)
{
	uint32_t destination = message->destination;
	uint32_t ldr = get(&lapic->ldr);

	if (destination == APIC_BROADCAST)
		return true;
	if (lapic_is_x2apic(lapic))
		return destination >> 16 == ldr >> 16 && (destination & ldr & 0xffff);
	if (message->wide && destination > 0xff)
		return false;
	ldr >>= 24;
	if (get(&lapic->dfr) >> 28 == 0xf)
		return destination & ldr;
	return destination >> 4 == ldr >> 4 && (destination & ldr & 0xf);
}

bool lapic_matches(struct lapic *lapic, const struct apic_message *message)
{
	if (!lapic_is_enabled(lapic))
		return false;
	return message->logical ? matches_logical(lapic, message)
				: matches_physical(lapic, message);
}

uint32_t lapic_arbitration_priority(struct lapic *lapic)
{
	/* Who could not deliver it at all comes last. */
	if (!lapic_is_enabled(lapic) || !(get(&lapic->svr) & SVR_ENABLE))
		return UINT32_MAX;
	/* PPR itself may be of before the last write of TPR, which need not exit. */
	return priority(lapic, lapic_tpr_get(lapic));
}

/* ---- states ---- */

/* SDM, "Local APIC State After Power-Up or Reset". */
static void registers_reset(struct lapic *lapic)
{
	uint32_t id = get(&lapic->id);
	unsigned int i;

	put(&lapic->svr, 0xff); /* first: nothing more is accepted */
	assist_forget(lapic);
	for (i = 0; i < LAPIC_PAGE_USED; i += sizeof(uint32_t))
		lapic_page_put(lapic, i, 0);
	put(&lapic->posted_words, 0);
	lapic_extint_taken(lapic);
	lapic->irr_words = 0;
	lapic->ppr_tpr = 0;
	lapic->service_changed = true;
	put(&lapic->dfr, UINT32_MAX);
	put(&lapic->ldr, lapic_is_x2apic(lapic) ? lapic_logical_id(id) : 0);
	for (i = 0; i < LAPIC_LVT_COUNT; i++)
		put(&lapic->lvt[i], LVT_MASKED);
	put(&lapic->esr_next, 0);
	lapic->esr = 0;
	lapic->icr = 0;
	lapic->divide = 0;
	lapic->initial_count = 0;
	lapic->counting = false;
	lapic->first = 0;
	lapic->start = 0;
	lapic->expiries = 0;
	lapic->tsc_deadline = 0;
	lapic->eoi_waiting = 0;
	lapic_show(lapic);
}

uint64_t lapic_base_reset(const struct lapic *lapic)
{
	return LAPIC_DEFAULT_BASE | APIC_BASE_ENABLE | (lapic->boot_processor ? APIC_BASE_BSP : 0) |
	       (lapic->x2apic_at_reset ? APIC_BASE_X2APIC : 0);
}

__cold void lapic_reset(struct lapic *lapic)
{
	atomic_store_explicit(&lapic->base, lapic_base_reset(lapic), RELAXED);
	put(&lapic->sipi_vector, 0);
	registers_reset(lapic);
}

__cold void lapic_init_reset(struct lapic *lapic)
{
	registers_reset(lapic);
}

__cold void lapic_create(struct lapic *lapic, const struct lapic_config *config)
{
	memset(lapic, 0, sizeof(*lapic));
	lapic->page = config->page;
	put(&lapic->id, config->id);
	lapic->boot_processor = config->boot_processor;
	lapic->x2apic_allowed = config->x2apic_allowed || config->x2apic_at_reset;
	lapic->x2apic_at_reset = config->x2apic_at_reset;
	lapic->eoi_suppression = config->eoi_suppression;
	lapic->physical_bits = config->physical_bits;
	lapic->host_hz = config->host_hz;
	lapic_reset(lapic);
}

/* What each mode can be followed by (SDM, "x2APIC State Transitions"). */
static bool transition_legal(uint64_t from, uint64_t to)
{
	const uint64_t mode = APIC_BASE_ENABLE | APIC_BASE_X2APIC;

	from &= mode;
	to &= mode;
	if (from == mode)
		return to != APIC_BASE_ENABLE;
	return from != 0 || to != mode;
}

bool lapic_base_valid(const struct lapic *lapic, uint64_t value)
{
	uint64_t known = APIC_BASE_BSP | APIC_BASE_ENABLE |
			 (lapic->x2apic_allowed ? APIC_BASE_X2APIC : 0) |
			 (MASK(lapic->physical_bits) & ~MASK(12));

	return !(value & ~known) &&
	       (value & (APIC_BASE_ENABLE | APIC_BASE_X2APIC)) != APIC_BASE_X2APIC;
}

__cold bool lapic_base_set(struct lapic *lapic, uint64_t value, struct lapic_effects *effects)
{
	uint64_t before = lapic_base_get(lapic);
	uint32_t id = get(&lapic->id);

	if (!lapic_base_valid(lapic, value) || !transition_legal(before, value))
		return false;
	atomic_store_explicit(&lapic->base, value, RELAXED);
	if ((before ^ value) & APIC_BASE_ENABLE) {
		registers_reset(lapic); /* off and on again is as after power-on */
		effects->bits |= LAPIC_EFFECT_TIMER | LAPIC_EFFECT_EXTINT;
	} else if (!(before & APIC_BASE_X2APIC) && (value & APIC_BASE_X2APIC)) {
		put(&lapic->ldr, lapic_logical_id(id));
		lapic_page_put(lapic, LAPIC_ICR_HIGH, 0);
		lapic_show(lapic);
	}
	return true;
}
