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

#define UNIT_NS	   100u
#define PERIOD_MIN 200u /* units: 20 us */
#define CATCH_UP   4u	/* so many periods late it skips them */

static void timer_interrupt_note(struct timer *timer)
{
	vp_request(container_of(timer, struct synic, timer)->vp, VP_REQUEST_STIMER);
}

/* ---- time ---- */

/* The first timestamp at which it is that reference time. */
static uint64_t deadline_of(const struct partition *partition, uint64_t time)
{
	uint64_t units = time - partition->time_offset, ns;

	if (time <= partition->time_offset)
		return 0;
	if (__builtin_mul_overflow(units, (uint64_t)UNIT_NS, &ns) ||
	    __builtin_add_overflow(ns, ns_from_ticks(partition->time_base), &ns))
		return TIMER_NEVER;
	ns = ticks_from_ns(ns);
	return ns == TIMER_NEVER ? ns : ns + 1; /* both conversions round down */
}

static uint64_t first_at(const struct synic *synic)
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

static void expire_due(struct synic *synic, uint64_t now)
{
	uint32_t n;

	for (n = 0; n < HV_STIMER_COUNT; n++)
		if (synic->stimer[n].at <= now)
			expire(synic, n, now);
}

/* ---- at the CPU ---- */

static void arm(struct synic *synic)
{
	const struct partition *partition = synic->vp->partition;
	uint64_t first = first_at(synic), deadline = TIMER_NEVER;

	if (first != STIMER_NEVER && likely(!partition->frozen_at))
		deadline = deadline_of(partition, first);
	if (deadline != TIMER_NEVER)
		timer_set(&synic->timer, deadline);
	else
		timer_cancel(&synic->timer);
}

static void expire_and_arm(struct synic *synic)
{
	uint64_t now = partition_reference_time(synic->vp->partition);

	if (first_at(synic) <= now)
		expire_due(synic, now);
	arm(synic);
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
			arm(vp->vtl[vtl]->synic);
}

__cold void stimer_cancel(struct vp *vp)
{
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT; vtl++)
		if (vp->vtl[vtl] && vp->vtl[vtl]->synic)
			timer_cancel(&vp->vtl[vtl]->synic->timer);
}

/* ---- registers ---- */

/* What the registers say by now. One in the past needs no timer. */
static void start(struct synic *synic, struct stimer *timer)
{
	uint64_t now = partition_reference_time(synic->vp->partition);

	timer->expiration = timer->at = STIMER_NEVER;
	if ((timer->config & HV_STIMER_ENABLED) && timer->count) {
		timer->expiration =
			timer->config & HV_STIMER_PERIODIC ? sum(now, timer->count) : timer->count;
		timer->at = timer->expiration;
		if (timer->at <= now)
			expire_due(synic, now);
	}
	arm(synic);
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
	timer_init(&synic->timer, timer_interrupt_note);
	registers_reset(synic);
}

__cold void stimer_reset(struct synic *synic)
{
	registers_reset(synic);
	timer_cancel(&synic->timer);
}
