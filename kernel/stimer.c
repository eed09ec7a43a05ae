/* SPDX-License-Identifier: MIT */
/*
 * Synthetic timers (TLFS, "Synthetic Timers"). Each has the reference time at which it is to be seen to; the
 * first of a VP's is armed at the CPU that the VP is bound to, whether it runs or not. Only that CPU comes
 * here.
 *
 * A periodic timer whose signals come late has its period shortened until it has caught up, or, when
 * it is lazy or too late, loses those that it missed. However short its period, a guest cannot fill its CPU
 * with it.
 */
#include <kernel/synic.h>

#define UNITS_PER_SECOND 10000000u
#define ROUNDING_SHIFT	 29   /* hz >> this: at least the ticks of a nanosecond */
#define PERIOD_MIN	 200u /* units: 20 us */
#define CATCH_UP	 4u   /* so many periods late it skips them */
#define FAR_AWAY	 BIT(62)

/* What each setting of a timer runs through: a call would cost as much as what it does. */
#define FAST static inline __attribute__((always_inline))

static void timer_interrupt_note(struct timer *timer)
{
	vp_request(container_of(timer, struct synic, timer)->vp, VP_REQUEST_STIMER);
}

/* ---- time ---- */

/* Timestamps in a unit: whole ones, and 2^-64ths; and those in a nanosecond, and two. */
static uint64_t unit_whole, unit_fraction, rounding;

/* A timestamp at which it is that reference time, to a few nanoseconds: never sooner, though time is told by
 * differences of numbers that are rounded down. TIMER_NEVER: not in this life, or before it began. */
FAST uint64_t deadline_of(const struct partition *partition, uint64_t time)
{
	uint64_t units = time - partition->time_offset, ticks;
	uint64_t rest = (uint64_t)((unsigned __int128)units * unit_fraction >> 64) +
			partition->time_base + rounding;

	if (unlikely(__builtin_mul_overflow(units, unit_whole, &ticks) ||
		     __builtin_add_overflow(ticks, rest, &ticks)))
		return TIMER_NEVER;
	return ticks;
}

FAST uint64_t first_at(const struct synic *synic)
{
	uint64_t first = STIMER_NEVER;
	unsigned int n;

	for (n = 0; n < HV_STIMER_COUNT; n++)
		first = MIN(first, synic->stimer[n].at);
	return first;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return b < STIMER_NEVER - 1 - a ? a + b : STIMER_NEVER - 1;
}

/* ---- expiry ---- */

/* True: this time it is signalled. */
static bool period_end(struct stimer *timer, uint64_t now)
{
	uint64_t late = now - timer->expiration, count = timer->count;
	uint64_t periods = late / count, pause = PERIOD_MIN;
	bool lazy = timer->config & HV_STIMER_LAZY;

	if (lazy || periods > CATCH_UP)
		timer->expiration += periods * count;
	timer->expiration = timer->at = sum(timer->expiration, count);
	/* Too near to the next one, it is left out; not of those that always come late. */
	if (lazy && count >= 2 * PERIOD_MIN && late % count >= count - count / 4)
		return false;
	if (!lazy)
		pause = MAX(pause, count / 2);
	timer->at = MAX(timer->at, sum(now, pause));
	return true;
}

static void expire(struct synic *synic, uint32_t n, uint64_t now)
{
	struct stimer *timer = &synic->stimer[n];
	uint64_t due = timer->expiration;

	if (timer->config & HV_STIMER_PERIODIC) {
		if (!period_end(timer, now))
			return;
	} else {
		timer->config &= ~HV_STIMER_ENABLED;
		timer->expiration = timer->at = STIMER_NEVER;
	}
	if (timer->config & HV_STIMER_DIRECT)
		arch_synic_interrupt_self(synic->vp, synic->vtl,
					  (uint8_t)(timer->config >> HV_STIMER_VECTOR_SHIFT));
	else
		synic_timer_expired(synic, n, due);
}

static __attribute__((noinline)) void expire_due(struct synic *synic)
{
	uint64_t now = partition_reference_time(synic->vp->partition);
	uint32_t n;

	for (n = 0; n < HV_STIMER_COUNT; n++)
		if (synic->stimer[n].at <= now)
			expire(synic, n, now);
}

/* ---- at the CPU ---- */

static uint64_t deadline_first(const struct synic *synic)
{
	const struct partition *partition = synic->vp->partition;
	uint64_t first = first_at(synic);

	if (first == STIMER_NEVER || partition->frozen_at)
		return TIMER_NEVER;
	return first > partition->time_offset ? deadline_of(partition, first) : 0;
}

static void arm(struct synic *synic, uint64_t deadline)
{
	if (deadline != TIMER_NEVER)
		timer_set(&synic->timer, deadline);
	else
		timer_cancel(&synic->timer);
}

/* Those that are due need no timer. */
static __attribute__((noinline)) void expire_and_arm(struct synic *synic)
{
	if (deadline_first(synic) <= timestamp_read())
		expire_due(synic);
	arm(synic, deadline_first(synic));
}

void stimer_fire(struct vp *vp)
{
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT; vtl++)
		if (vp->vtl[vtl] && vp->vtl[vtl]->synic)
			expire_and_arm(vp->vtl[vtl]->synic);
}

void stimer_update(struct vp *vp)
{
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT; vtl++)
		if (vp->vtl[vtl] && vp->vtl[vtl]->synic)
			arm(vp->vtl[vtl]->synic, deadline_first(vp->vtl[vtl]->synic));
}

__cold void stimer_cancel(struct vp *vp)
{
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT; vtl++)
		if (vp->vtl[vtl] && vp->vtl[vtl]->synic)
			timer_cancel(&vp->vtl[vtl]->synic->timer);
}

/* ---- registers ---- */

static __attribute__((noinline)) uint64_t period_first(const struct synic *synic,
						       const struct stimer *timer)
{
	return sum(partition_reference_time(synic->vp->partition), timer->count);
}

/* As expire_and_arm(), and in the common case, in which there is something to arm and nothing is due, by as
 * few instructions as can be. */
FAST void start(struct synic *synic, struct stimer *timer)
{
	uint64_t expiration = STIMER_NEVER, deadline;

	if ((timer->config & HV_STIMER_ENABLED) && timer->count)
		expiration = timer->config & HV_STIMER_PERIODIC ? period_first(synic, timer)
								: timer->count;
	timer->expiration = timer->at = expiration;
	deadline = deadline_of(synic->vp->partition, first_at(synic));
	/* TIMER_NEVER is far away, and so is what has passed. */
	if (likely(deadline - timestamp_read() < FAR_AWAY))
		timer_set(&synic->timer, deadline);
	else
		expire_and_arm(synic);
}

static void config_take(struct stimer *timer, uint64_t config)
{
	timer->config = stimer_can_run(config) ? config : config & ~HV_STIMER_ENABLED;
}

void stimer_config_set(struct vp *vp, uint32_t vtl, uint32_t n, uint64_t value)
{
	struct synic *synic = vp_synic(vp, vtl);

	config_take(&synic->stimer[n], value);
	start(synic, &synic->stimer[n]);
}

void stimer_count_set(struct vp *vp, uint32_t vtl, uint32_t n, uint64_t value)
{
	struct synic *synic = vp_synic(vp, vtl);
	struct stimer *timer = &synic->stimer[n];

	timer->count = value;
	if (!value)
		timer->config &= ~HV_STIMER_ENABLED;
	else if (timer->config & HV_STIMER_AUTO_ENABLE)
		config_take(timer, timer->config | HV_STIMER_ENABLED);
	start(synic, timer);
}

/* ---- made, reset ---- */

static void registers_reset(struct synic *synic)
{
	unsigned int n;

	for (n = 0; n < HV_STIMER_COUNT; n++)
		synic->stimer[n] = (struct stimer){.expiration = STIMER_NEVER, .at = STIMER_NEVER};
}

__cold void stimer_create(struct synic *synic)
{
	rounding = (timestamp_hz >> ROUNDING_SHIFT) + 2;
	unit_whole = timestamp_hz / UNITS_PER_SECOND;
	unit_fraction = (uint64_t)(((unsigned __int128)(timestamp_hz % UNITS_PER_SECOND) << 64) /
				   UNITS_PER_SECOND);
	timer_init(&synic->timer, timer_interrupt_note);
	registers_reset(synic);
}

__cold void stimer_reset(struct synic *synic)
{
	registers_reset(synic);
	timer_cancel(&synic->timer);
}
