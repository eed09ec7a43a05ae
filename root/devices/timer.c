/* SPDX-License-Identifier: MIT */
/*
 * The timers of one partition's devices: a list in the order of deadlines, which is short
 * (a device has one or two timers), so that the VMM needs to watch one deadline only.
 */
#include <devices/device.h>

#include <string.h>

void device_env_init(struct device_env *env, const struct device_env_ops *ops)
{
	memset(env, 0, sizeof(*env));
	env->ops = ops;
	env->deadline_ns = DEVICE_NEVER;
}

static void deadline_announce(struct device_env *env)
{
	uint64_t deadline_ns = env->timers ? env->timers->deadline_ns : DEVICE_NEVER;

	if (deadline_ns == env->deadline_ns)
		return;
	env->deadline_ns = deadline_ns;
	env->ops->deadline_changed(env, deadline_ns);
}

static void timer_unlink(struct device_env *env, struct device_timer *timer)
{
	if (timer->prev)
		timer->prev->next = timer->next;
	else
		env->timers = timer->next;
	if (timer->next)
		timer->next->prev = timer->prev;
	timer->prev = timer->next = NULL;
	timer->armed = false;
}

static void timer_link(struct device_env *env, struct device_timer *timer)
{
	struct device_timer *prev = NULL, *next = env->timers;

	while (next && next->deadline_ns <= timer->deadline_ns) {
		prev = next;
		next = next->next;
	}
	timer->prev = prev;
	timer->next = next;
	if (prev)
		prev->next = timer;
	else
		env->timers = timer;
	if (next)
		next->prev = timer;
	timer->armed = true;
}

void device_timer_arm(struct device_env *env, struct device_timer *timer, uint64_t deadline_ns)
{
	if (timer->armed)
		timer_unlink(env, timer);
	timer->deadline_ns = deadline_ns;
	if (deadline_ns != DEVICE_NEVER)
		timer_link(env, timer);
	deadline_announce(env);
}

void device_timer_cancel(struct device_env *env, struct device_timer *timer)
{
	if (!timer->armed)
		return;
	timer_unlink(env, timer);
	deadline_announce(env);
}

void device_timers_end(struct device_env *env)
{
	while (env->timers)
		timer_unlink(env, env->timers);
	deadline_announce(env);
}

uint64_t device_timers_run(struct device_env *env)
{
	uint64_t now = device_now(env);
	unsigned int due = 0;

	for (struct device_timer *timer = env->timers; timer && timer->deadline_ns <= now;
	     timer = timer->next)
		due++;
	/* A callback may cancel other timers that are due, so look again at each turn. */
	while (due-- && env->timers && env->timers->deadline_ns <= now) {
		struct device_timer *timer = env->timers;

		timer_unlink(env, timer);
		timer->expired(timer);
	}
	deadline_announce(env);
	return env->deadline_ns;
}

uint64_t device_scale(uint64_t value, uint32_t mul, uint32_t div)
{
	return value / div * mul + value % div * mul / div;
}

void device_ticks_sent(struct device_ticks *ticks, bool due, uint64_t skipped, bool lost)
{
	uint64_t missed = ticks->missed + MIN(skipped, DEVICE_TICKS_MISSED);

	if (due && lost)
		missed++;
	else if (!due && !lost && missed)
		missed--;
	ticks->missed = (uint32_t)MIN(missed, DEVICE_TICKS_MISSED);
	ticks->waiting = lost;
}

uint64_t device_ticks_next(const struct device_ticks *ticks, uint64_t next_ns, uint64_t now_ns,
			   uint64_t period_ns)
{
	if (!ticks->missed || (ticks->waiting && ticks->missed == DEVICE_TICKS_MISSED))
		return next_ns;
	period_ns /= ticks->waiting ? DEVICE_TICKS_TRIES : DEVICE_TICKS_PACE;
	return MIN(next_ns, now_ns + period_ns);
}
