/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's timer (SDM, "APIC Timer"). Nothing ticks: the count is computed from the time
 * since the timer was started, and an expiry is a point in time, exact to the rounding of one
 * host tick however long a periodic timer runs. Before a register changes what is to come, what
 * has already come is taken in under the old values.
 */
#include "lapic_model.h"
#include <arch/guest_tsc.h>

typedef unsigned __int128 wide_t;

static uint32_t timer_lvt(struct lapic *lapic)
{
	return atomic_load_explicit(&lapic->lvt[LAPIC_LVT_TIMER], memory_order_relaxed);
}

static uint32_t timer_mode(struct lapic *lapic)
{
	return timer_lvt(lapic) & LVT_TIMER_MODE;
}

/* Bits 3, 1 and 0: 000 is by 2, 110 by 128, 111 by 1. */
static unsigned int divide_shift(uint32_t divide)
{
	return (((divide & 3) | (divide >> 1 & 4)) + 1) & 7;
}

static uint64_t guest_tsc(const struct lapic *lapic, uint64_t now)
{
	return tsc_scaled(lapic->tsc_ratio, now) + lapic->tsc_offset;
}

/* Whole counts since start. */
static uint64_t counts_elapsed(const struct lapic *lapic, uint64_t now)
{
	uint64_t ticks = now > lapic->start ? now - lapic->start : 0;

	return (uint64_t)((wide_t)ticks * LAPIC_BUS_HZ / lapic->host_hz >>
			  divide_shift(lapic->divide));
}

/* The host timestamp at which `counts` are over, rounded up; saturates. */
static uint64_t counts_end(const struct lapic *lapic, uint64_t counts)
{
	wide_t bus = (wide_t)counts << divide_shift(lapic->divide);
	wide_t ticks = (bus * lapic->host_hz + LAPIC_BUS_HZ - 1) / LAPIC_BUS_HZ;

	if (ticks >= LAPIC_TIMER_NEVER - lapic->start)
		return LAPIC_TIMER_NEVER - 1;
	return lapic->start + (uint64_t)ticks;
}

uint32_t lapic_timer_count(struct lapic *lapic, uint64_t now)
{
	uint64_t elapsed;

	if (!lapic->counting)
		return 0;
	elapsed = counts_elapsed(lapic, now);
	if (elapsed < lapic->first)
		return lapic->first - (uint32_t)elapsed;
	if (timer_mode(lapic) != LVT_PERIODIC)
		return 0;
	return lapic->initial_count - (uint32_t)((elapsed - lapic->first) % lapic->initial_count);
}

/* Expiries of the counting modes that are due and not delivered; they count as delivered. */
static bool counting_take(struct lapic *lapic, uint64_t now)
{
	uint64_t elapsed = counts_elapsed(lapic, now);
	uint64_t due;

	if (elapsed < lapic->first)
		return false;
	if (timer_mode(lapic) != LVT_PERIODIC) {
		lapic->counting = false;
		return true;
	}
	due = (elapsed - lapic->first) / lapic->initial_count + 1;
	if (due <= lapic->expiries)
		return false;
	lapic->expiries = due;
	lapic->last_expiry = now;
	return true;
}

bool lapic_timer_expired(struct lapic *lapic, uint64_t now)
{
	bool expired = false;

	if (timer_mode(lapic) == LVT_DEADLINE) {
		if (lapic->tsc_deadline && guest_tsc(lapic, now) >= lapic->tsc_deadline) {
			lapic->tsc_deadline = 0;
			expired = true;
		}
	} else if (lapic->counting) {
		expired = counting_take(lapic, now);
	}
	return expired && lapic_lvt_deliver(lapic, LAPIC_LVT_TIMER);
}

uint64_t lapic_timer_deadline(struct lapic *lapic, uint64_t now)
{
	uint32_t lvt = timer_lvt(lapic);
	uint64_t guest = guest_tsc(lapic, now);
	uint64_t end, soonest, ticks;

	if (lvt & LVT_MASKED)
		return LAPIC_TIMER_NEVER; /* an expiry is found when somebody looks */
	if ((lvt & LVT_TIMER_MODE) == LVT_DEADLINE) {
		if (!lapic->tsc_deadline)
			return LAPIC_TIMER_NEVER;
		if (lapic->tsc_deadline <= guest)
			return now;
		ticks = tsc_unscaled(lapic->tsc_ratio, lapic->tsc_deadline - guest);
		if (ticks >= LAPIC_TIMER_NEVER - now)
			return LAPIC_TIMER_NEVER - 1;
		return now + ticks;
	}
	if (!lapic->counting)
		return LAPIC_TIMER_NEVER;
	end = counts_end(lapic, lapic->first + lapic->expiries * lapic->initial_count);
	if ((lvt & LVT_TIMER_MODE) != LVT_PERIODIC)
		return end;
	soonest = lapic->last_expiry +
		  (uint64_t)((wide_t)LAPIC_PERIOD_MIN_NS * lapic->host_hz / 1000000000u);
	return lapic->expiries ? MAX(end, soonest) : end;
}

void lapic_timer_start(struct lapic *lapic, uint32_t count, uint64_t now)
{
	lapic_timer_expired(lapic, now);
	lapic->initial_count = count;
	/* In deadline mode writes to the initial count are ignored by the timer. */
	lapic->counting = count != 0 && timer_mode(lapic) != LVT_DEADLINE;
	lapic->first = count;
	lapic->start = now;
	lapic->expiries = 0;
}

void lapic_timer_divide(struct lapic *lapic, uint32_t value, uint64_t now)
{
	lapic_timer_expired(lapic, now);
	if (lapic->counting) {
		/* The count goes on from where it is, at the new pace. */
		lapic->first = lapic_timer_count(lapic, now);
		lapic->start = now;
		lapic->expiries = 0;
	}
	lapic->divide = value & DIVIDE_WRITABLE;
}

void lapic_timer_lvt(struct lapic *lapic, uint32_t value, uint64_t now)
{
	uint32_t before;
	uint32_t mode = value & LVT_TIMER_MODE;

	lapic_timer_expired(lapic, now);
	before = timer_mode(lapic);
	if (before != mode && (before == LVT_DEADLINE || mode == LVT_DEADLINE)) {
		lapic->counting = false;
		lapic->tsc_deadline = 0;
	} else if (before != mode && lapic->counting) {
		lapic->first = lapic_timer_count(lapic, now);
		lapic->start = now;
		lapic->expiries = 0;
	}
	atomic_store_explicit(&lapic->lvt[LAPIC_LVT_TIMER], value, memory_order_relaxed);
}

uint64_t lapic_tsc_deadline_get(struct lapic *lapic, uint64_t now)
{
	if (timer_mode(lapic) != LVT_DEADLINE)
		return 0;
	lapic_timer_expired(lapic, now);
	return lapic->tsc_deadline;
}

void lapic_tsc_deadline_set(struct lapic *lapic, uint64_t value, uint64_t now)
{
	if (timer_mode(lapic) != LVT_DEADLINE || !lapic_is_enabled(lapic))
		return;
	lapic_timer_expired(lapic, now);
	lapic->tsc_deadline = value;
}
