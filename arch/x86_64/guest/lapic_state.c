/* SPDX-License-Identifier: MIT */
/*
 * Saving and loading a local APIC: its page of registers, from whose current count the timer goes on, and
 * what a page cannot hold.
 */
#include "lapic_model.h"
#include <arch/guest_tsc.h>

#include <kernel/string.h>

#define RELAXED memory_order_relaxed

static void page_put(uint8_t *page, uint32_t offset, uint32_t value)
{
	__builtin_memcpy(page + offset, &value, sizeof(value));
}

static uint32_t page_get(const uint8_t *page, uint32_t offset)
{
	uint32_t value;

	__builtin_memcpy(&value, page + offset, sizeof(value));
	return value;
}

static uint32_t get(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, RELAXED);
}

static void put(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, RELAXED);
}

static uint32_t id_register(struct lapic *lapic, uint64_t base)
{
	return base & APIC_BASE_X2APIC ? get(&lapic->id) : get(&lapic->id) << 24;
}

static void page_save(struct lapic *lapic, uint64_t now, uint8_t *page)
{
	unsigned int offset;

	lapic_priority_sync(lapic);
	lapic_highest_request(lapic); /* what is posted, too */
	for (offset = 0; offset < LAPIC_PAGE_SIZE; offset += 16)
		page_put(page, offset, lapic_page_get(lapic, offset));
	page_put(page, LAPIC_CURRENT_COUNT, lapic_timer_count(lapic, now));
	page_put(page, LAPIC_ICR_HIGH, lapic_page_get(lapic, lapic_icr_high_offset(lapic)));
}

static bool page_valid(struct lapic *lapic, uint64_t base, const uint8_t *page)
{
	uint32_t svr = 0xff | SVR_ENABLE | (lapic->eoi_suppression ? SVR_NO_EOI : 0);
	unsigned int i;

	if (page_get(page, LAPIC_ID) != id_register(lapic, base))
		return false;
	if ((page_get(page, LAPIC_TPR) & ~0xffu) || (page_get(page, LAPIC_SVR) & ~svr) ||
	    (page_get(page, LAPIC_DIVIDE) & ~DIVIDE_WRITABLE) ||
	    (page_get(page, LAPIC_ICR) & ~ICR_WRITABLE))
		return false;
	if (page_get(page, LAPIC_CURRENT_COUNT) > page_get(page, LAPIC_INITIAL_COUNT))
		return false;
	for (i = 0; i < LAPIC_LVT_COUNT; i++) {
		uint32_t known = lapic_lvt_writable[i];

		if (known & LVT_LEVEL)
			known |= LVT_REMOTE_IRR;
		if (page_get(page, LAPIC_TIMER + 16 * i) & ~known)
			return false;
	}
	/* Vectors 0 to 15 are never accepted. */
	return !((page_get(page, LAPIC_ISR) | page_get(page, LAPIC_IRR)) & 0xffff);
}

static void page_load(struct lapic *lapic, uint64_t now, const uint8_t *page)
{
	uint32_t count = page_get(page, LAPIC_CURRENT_COUNT);
	unsigned int i;

	lapic_assist_end(lapic);
	for (i = 0; i < LAPIC_VECTOR_WORDS; i++) {
		lapic_page_put(lapic, LAPIC_ISR + 16 * i, page_get(page, LAPIC_ISR + 16 * i));
		lapic_page_put(lapic, LAPIC_TMR + 16 * i, page_get(page, LAPIC_TMR + 16 * i));
		lapic_page_put(lapic, LAPIC_IRR + 16 * i, page_get(page, LAPIC_IRR + 16 * i));
		lapic_page_put(lapic, LAPIC_POSTED + 4 * i, 0);
		lapic_page_put(lapic, LAPIC_POSTED_LEVELS + 4 * i, 0);
	}
	put(&lapic->posted_words, 0);
	lapic_processor_delivers(lapic, lapic->processor_delivers);
	lapic_page_put(lapic, LAPIC_TPR, page_get(page, LAPIC_TPR));
	if (!lapic_is_x2apic(lapic)) /* in x2APIC mode it follows from the id */
		put(&lapic->ldr, page_get(page, LAPIC_LDR) & 0xff000000);
	put(&lapic->dfr, page_get(page, LAPIC_DFR) | 0x0fffffff);
	put(&lapic->svr, page_get(page, LAPIC_SVR));
	put(&lapic->esr_next, 0);
	lapic->esr = page_get(page, LAPIC_ESR);
	lapic->icr = page_get(page, LAPIC_ICR);
	lapic_page_put(lapic, lapic_icr_high_offset(lapic),
		       page_get(page, LAPIC_ICR_HIGH) &
			       (lapic_is_x2apic(lapic) ? UINT32_MAX : 0xff000000));
	for (i = 0; i < LAPIC_LVT_COUNT; i++)
		put(&lapic->lvt[i], page_get(page, LAPIC_TIMER + 16 * i) |
					    (get(&lapic->svr) & SVR_ENABLE ? 0 : LVT_MASKED));
	lapic->divide = page_get(page, LAPIC_DIVIDE);
	lapic->tsc_deadline = 0;
	lapic->counting = false;
	lapic_timer_start(lapic, page_get(page, LAPIC_INITIAL_COUNT), now);
	lapic->counting = lapic->counting && count != 0;
	lapic->first = count;
	lapic_show(lapic);
	lapic_priority_update(lapic);
}

/* ---- the whole ---- */

#define STATE_LINTS  0x3u
#define STATE_EXTINT 0x4u
#define ERRORS	     (LAPIC_ERROR_SEND_VECTOR | LAPIC_ERROR_RECEIVE_VECTOR | LAPIC_ERROR_REGISTER)

void lapic_state_get(struct lapic *lapic, uint64_t now, struct vp_state_apic *state)
{
	uint32_t lint = get(&lapic->lint);

	/* What is due is requested; the rest of the timer's time is in the current count. */
	lapic_timer_expired(lapic, now);
	state->base = lapic_base_get(lapic);
	state->tsc_deadline = lapic->tsc_deadline;
	state->lint = (lint & STATE_LINTS) | (lint & LINT_EXTINT_MESSAGE ? STATE_EXTINT : 0);
	state->errors = get(&lapic->esr_next);
	state->eoi = lapic->eoi_waiting;
	page_save(lapic, now, state->page);
}

void lapic_state_reset(struct lapic *lapic, struct vp_state_apic *state)
{
	uint64_t base = lapic_base_reset(lapic);
	unsigned int i;

	state->base = base;
	page_put(state->page, LAPIC_ID, id_register(lapic, base));
	page_put(state->page, LAPIC_VERSION, lapic_page_get(lapic, LAPIC_VERSION));
	if (base & APIC_BASE_X2APIC)
		page_put(state->page, LAPIC_LDR, lapic_logical_id(get(&lapic->id)));
	page_put(state->page, LAPIC_DFR, UINT32_MAX);
	page_put(state->page, LAPIC_SVR, 0xff);
	for (i = 0; i < LAPIC_LVT_COUNT; i++)
		page_put(state->page, LAPIC_TIMER + 16 * i, LVT_MASKED);
}

bool lapic_state_valid(struct lapic *lapic, const struct vp_state_apic *state)
{
	uint32_t eoi = state->eoi & ~0x100u;

	if (!lapic_base_valid(lapic, state->base) || !page_valid(lapic, state->base, state->page))
		return false;
	if ((state->lint & ~(STATE_LINTS | STATE_EXTINT)) || (state->errors & ~(uint32_t)ERRORS) ||
	    state->reserved)
		return false;
	if (state->eoi && (eoi == state->eoi || eoi < 16 || eoi > UINT8_MAX))
		return false;
	return !state->tsc_deadline ||
	       (page_get(state->page, LAPIC_TIMER) & LVT_TIMER_MODE) == LVT_DEADLINE;
}

void lapic_state_set(struct lapic *lapic, uint64_t now, const struct vp_state_apic *state,
		     struct lapic_effects *effects)
{
	atomic_store_explicit(&lapic->base, state->base, RELAXED);
	if (lapic_is_x2apic(lapic))
		put(&lapic->ldr, lapic_logical_id(get(&lapic->id)));
	put(&lapic->lint,
	    (state->lint & STATE_LINTS) | (state->lint & STATE_EXTINT ? LINT_EXTINT_MESSAGE : 0));
	page_load(lapic, now, state->page);
	put(&lapic->esr_next, state->errors);
	lapic->eoi_waiting = state->eoi;
	lapic->tsc_deadline = state->tsc_deadline;
	effects->bits = LAPIC_EFFECT_INTERRUPT | LAPIC_EFFECT_TIMER | LAPIC_EFFECT_EXTINT;
}

void lapic_time_skip(struct lapic *lapic, uint64_t ticks)
{
	lapic->tsc_offset -= tsc_scaled(lapic->tsc_ratio, ticks);
	lapic->start += ticks;
	lapic->last_expiry += ticks;
}
