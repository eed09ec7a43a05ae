/* SPDX-License-Identifier: MIT */
/*
 * Saving and loading a local APIC as its page of registers. What a page cannot hold (host times,
 * the TSC deadline, the levels of LINT0 and LINT1) is not in it: the timer goes on from its
 * current count, and the devices set their lines again.
 */
#include "lapic_model.h"

#include <kernel/string.h>

#define RELAXED memory_order_relaxed

static void page_put(uint8_t *page, uint32_t offset, uint32_t value)
{
	memcpy(page + offset, &value, sizeof(value));
}

static uint32_t page_get(const uint8_t *page, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, page + offset, sizeof(value));
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

static uint32_t id_register(struct lapic *lapic)
{
	return lapic_is_x2apic(lapic) ? get(&lapic->id) : get(&lapic->id) << 24;
}

void lapic_save(struct lapic *lapic, uint64_t now, uint8_t page[LAPIC_PAGE_SIZE])
{
	unsigned int offset;

	memset(page, 0, LAPIC_PAGE_SIZE);
	lapic_priority_sync(lapic);
	lapic_highest_request(lapic); /* what is posted, too */
	for (offset = 0; offset < LAPIC_PAGE_SIZE; offset += 16)
		page_put(page, offset, lapic_page_get(lapic, offset));
	page_put(page, LAPIC_CURRENT_COUNT, lapic_timer_count(lapic, now));
	page_put(page, LAPIC_ICR_HIGH, lapic_page_get(lapic, lapic_icr_high_offset(lapic)));
}

static bool page_valid(struct lapic *lapic, const uint8_t *page)
{
	uint32_t svr = 0xff | SVR_ENABLE | (lapic->eoi_suppression ? SVR_NO_EOI : 0);
	unsigned int i;

	if (page_get(page, LAPIC_ID) != id_register(lapic))
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

bool lapic_load(struct lapic *lapic, uint64_t now, const uint8_t page[LAPIC_PAGE_SIZE],
		struct lapic_effects *effects)
{
	uint32_t count = page_get(page, LAPIC_CURRENT_COUNT);
	unsigned int i;

	effects->bits = 0;
	if (!page_valid(lapic, page))
		return false;
	for (i = 0; i < LAPIC_VECTOR_WORDS; i++) {
		lapic_page_put(lapic, LAPIC_ISR + 16 * i, page_get(page, LAPIC_ISR + 16 * i));
		lapic_page_put(lapic, LAPIC_TMR + 16 * i, page_get(page, LAPIC_TMR + 16 * i));
		lapic_page_put(lapic, LAPIC_IRR + 16 * i, page_get(page, LAPIC_IRR + 16 * i));
		lapic_page_put(lapic, LAPIC_POSTED + 4 * i, 0);
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
	effects->bits = LAPIC_EFFECT_INTERRUPT | LAPIC_EFFECT_TIMER | LAPIC_EFFECT_EXTINT;
	return true;
}
