/* SPDX-License-Identifier: MIT */
/*
 * The HPET: one counter that is guest time, and comparators that are turned into deadlines.
 * Registers are 64 bits wide; a 32-bit access is a read or a merge of one half.
 */
#include <devices/device_state.h>
#include <devices/hpet.h>

#include <string.h>

#define REG_CAPABILITIES 0x000u
#define REG_CONFIG	 0x010u
#define REG_STATUS	 0x020u
#define REG_COUNTER	 0x0f0u
#define REG_TIMERS	 0x100u
#define TIMER_STRIDE	 0x20u
#define TIMER_CONFIG	 0x00u
#define TIMER_COMPARATOR 0x08u
#define TIMER_MESSAGE	 0x10u

#define TICK_FEMTOSECONDS (HPET_TICK_NS * 1000000ull)
#define CAPABILITIES                                                         \
	(TICK_FEMTOSECONDS << 32 | 0x8086ull << 16 | BIT(13) /* 64 bits */ | \
	 (HPET_TIMERS - 1) << 8 | 0x01 /* revision */)

#define CONFIG_ENABLE 0x1u

#define TIMER_LEVEL	  BIT(1)
#define TIMER_ENABLE	  BIT(2)
#define TIMER_PERIODIC	  BIT(3)
#define TIMER_VALUE_SET	  BIT(6)
#define TIMER_32BIT	  BIT(8)
#define TIMER_ROUTE_SHIFT 9
#define TIMER_ROUTE	  (0x1full << TIMER_ROUTE_SHIFT)
#define TIMER_MESSAGES	  BIT(14)
#define TIMER_WRITABLE                                                                 \
	(TIMER_LEVEL | TIMER_ENABLE | TIMER_PERIODIC | TIMER_VALUE_SET | TIMER_32BIT | \
	 TIMER_ROUTE | TIMER_MESSAGES)
/* Periodic, 64 bits, messages; and the lines it can drive. */
#define TIMER_CAPABILITIES (BIT(4) | BIT(5) | BIT(15) | (uint64_t)HPET_ROUTES << 32)

static bool hpet_runs(const struct hpet *hpet)
{
	return hpet->config & CONFIG_ENABLE;
}

static uint64_t counter_now(struct hpet *hpet)
{
	if (!hpet_runs(hpet))
		return hpet->counter;
	return hpet->counter + (device_now(hpet->env) - hpet->start_ns) / HPET_TICK_NS;
}

static unsigned int timer_index(const struct hpet_timer *t)
{
	return (unsigned int)(t - t->hpet->timers);
}

static uint64_t timer_mask(const struct hpet_timer *t)
{
	return t->config & TIMER_32BIT ? MASK(32) : UINT64_MAX;
}

static void timer_line_set(struct hpet_timer *t, bool level)
{
	unsigned int gsi = (t->config & TIMER_ROUTE) >> TIMER_ROUTE_SHIFT;

	if (HPET_ROUTES & BIT(gsi))
		device_irq_set(t->hpet->env, gsi, level);
}

static void timer_fire(struct hpet_timer *t)
{
	struct hpet *hpet = t->hpet;

	if (t->config & TIMER_LEVEL)
		hpet->status |= (uint32_t)BIT(timer_index(t));
	if (t->config & TIMER_MESSAGES) {
		hpet->env->ops->msi_send(hpet->env, t->message >> 32, (uint32_t)t->message);
		return;
	}
	timer_line_set(t, true);
	if (!(t->config & TIMER_LEVEL))
		timer_line_set(t, false);
}

/* A level stays until the guest has seen it. */
static bool timer_makes_up(const struct hpet_timer *t)
{
	return (t->config & TIMER_PERIODIC) && !(t->config & TIMER_LEVEL) &&
	       t->period > HPET_MIN_PERIOD_NS / HPET_TICK_NS && t->period < BIT(32);
}

/* Compute the deadline of the next match. A match is the counter's arriving at the value. */
static void timer_arm(struct hpet_timer *t, uint64_t earliest_ns)
{
	struct hpet *hpet = t->hpet;
	uint64_t now = counter_now(hpet), distance, ns;

	distance = (t->comparator - now) & timer_mask(t);
	if (distance == 0)
		distance = t->config & TIMER_32BIT ? BIT(32) : UINT64_MAX;
	/* Decades away, in particular what lies behind a 64-bit counter. */
	if (!hpet_runs(hpet) || !(t->config & TIMER_ENABLE) || distance > BIT(58)) {
		device_timer_cancel(hpet->env, &t->timer);
		return;
	}
	ns = hpet->start_ns + (now - hpet->counter + distance) * HPET_TICK_NS;
	if (timer_makes_up(t))
		ns = device_ticks_next(&t->missed, ns, device_now(hpet->env),
				       t->period * HPET_TICK_NS);
	device_timer_arm(hpet->env, &t->timer, MAX(ns, earliest_ns));
}

/* Bring the comparator of a periodic timer past the counter, if it is not (a tick was made up for).
 * @lost: the guest had not taken the last tick. */
static void timer_advance(struct hpet_timer *t, bool lost)
{
	uint64_t behind = (counter_now(t->hpet) - t->comparator) & timer_mask(t);
	bool due = behind <= timer_mask(t) / 2;

	if (timer_makes_up(t))
		device_ticks_sent(&t->missed, due, due ? behind / t->period : 0, lost);
	else
		due = true;
	if (due)
		t->comparator += (behind / t->period + 1) * t->period;
	t->comparator &= timer_mask(t);
}

static void hpet_expired(struct device_timer *timer)
{
	struct hpet_timer *t = container_of(timer, struct hpet_timer, timer);

	uint32_t lost = t->hpet->env->lost_edges;

	timer_fire(t);
	if ((t->config & TIMER_PERIODIC) && t->period)
		timer_advance(t, t->hpet->env->lost_edges != lost);
	timer_arm(t, device_now(t->hpet->env) + HPET_MIN_PERIOD_NS);
}

/* ------------------------------------------------------------ the registers */

static uint64_t timer_register(const struct hpet_timer *t, uint32_t reg)
{
	switch (reg) {
	case TIMER_CONFIG: return t->config | TIMER_CAPABILITIES;
	case TIMER_COMPARATOR: return t->comparator;
	case TIMER_MESSAGE: return t->message;
	default: return 0;
	}
}

static struct hpet_timer *timer_at(struct hpet *hpet, uint32_t reg)
{
	uint32_t index = (reg - REG_TIMERS) / TIMER_STRIDE;

	return reg >= REG_TIMERS && index < HPET_TIMERS ? &hpet->timers[index] : NULL;
}

static uint64_t register_read(struct hpet *hpet, uint32_t reg)
{
	struct hpet_timer *t = timer_at(hpet, reg);

	if (t)
		return timer_register(t, reg % TIMER_STRIDE);
	switch (reg) {
	case REG_CAPABILITIES: return CAPABILITIES;
	case REG_CONFIG: return hpet->config;
	case REG_STATUS: return hpet->status;
	case REG_COUNTER: return counter_now(hpet);
	default: return 0;
	}
}

static void config_write(struct hpet *hpet, uint64_t value)
{
	bool was = hpet_runs(hpet), runs = value & CONFIG_ENABLE;

	if (was && !runs)
		hpet->counter = counter_now(hpet);
	if (!was && runs)
		hpet->start_ns = device_now(hpet->env);
	hpet->config = value & CONFIG_ENABLE;
	for (unsigned int i = 0; i < HPET_TIMERS; i++)
		timer_arm(&hpet->timers[i], 0);
}

static void status_write(struct hpet *hpet, uint32_t clear)
{
	for (unsigned int i = 0; i < HPET_TIMERS; i++) {
		if (!(clear & hpet->status & BIT(i)))
			continue;
		hpet->status &= ~(uint32_t)BIT(i);
		timer_line_set(&hpet->timers[i], false);
	}
}

static void timer_config_write(struct hpet_timer *t, uint64_t value)
{
	/* A line that is up stays with the route that it had. */
	status_write(t->hpet, (uint32_t)BIT(timer_index(t)));
	t->config = value & TIMER_WRITABLE;
	t->missed = (struct device_ticks){0};
	if (t->config & TIMER_32BIT) {
		t->comparator &= MASK(32);
		t->period &= MASK(32);
	}
	timer_arm(t, 0);
}

/*
 * One-shot: the value to match. Periodic: the period; and the value to match as well if
 * VAL_SET says so, which counts once.
 */
static void comparator_write(struct hpet_timer *t, uint64_t value)
{
	value &= timer_mask(t);
	if (t->config & TIMER_PERIODIC)
		t->period = value;
	if (!(t->config & TIMER_PERIODIC) || (t->config & TIMER_VALUE_SET))
		t->comparator = value;
	t->config &= ~TIMER_VALUE_SET;
	t->missed = (struct device_ticks){0};
	timer_arm(t, 0);
}

static void register_write(struct hpet *hpet, uint32_t reg, uint64_t value)
{
	struct hpet_timer *t = timer_at(hpet, reg);

	if (t && reg % TIMER_STRIDE == TIMER_CONFIG)
		timer_config_write(t, value);
	else if (t && reg % TIMER_STRIDE == TIMER_COMPARATOR)
		comparator_write(t, value);
	else if (t && reg % TIMER_STRIDE == TIMER_MESSAGE)
		t->message = value;
	else if (reg == REG_CONFIG)
		config_write(hpet, value);
	else if (reg == REG_STATUS)
		status_write(hpet, (uint32_t)value);
	else if (reg == REG_COUNTER && !hpet_runs(hpet))
		hpet->counter = value;
}

static uint64_t hpet_mmio_read(struct device *dev, uint64_t offset, unsigned int size)
{
	struct hpet *hpet = container_of(dev, struct hpet, dev);

	(void)size;
	return register_read(hpet, (uint32_t)(offset & ~7ull)) >> 8 * (offset & 7);
}

/* Narrower accesses than 32 bits are not allowed, and ignored. */
static void hpet_mmio_write(struct device *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct hpet *hpet = container_of(dev, struct hpet, dev);
	uint32_t reg = (uint32_t)(offset & ~7ull);
	unsigned int shift = 8 * (offset & 7);
	uint64_t written = device_size_mask(size) << shift, old = 0;

	if (size < 4)
		return;
	if (reg != REG_STATUS) /* of which the other half must not be cleared */
		old = register_read(hpet, reg);
	register_write(hpet, reg, (old & ~written) | value << shift);
}

static void hpet_reset(struct device *dev)
{
	struct hpet *hpet = container_of(dev, struct hpet, dev);

	status_write(hpet, UINT32_MAX);
	hpet->config = 0;
	hpet->counter = 0;
	for (unsigned int i = 0; i < HPET_TIMERS; i++) {
		struct hpet_timer *t = &hpet->timers[i];

		device_timer_cancel(hpet->env, &t->timer);
		t->config = 0;
		t->comparator = UINT64_MAX;
		t->period = 0;
		t->message = 0;
		t->missed = (struct device_ticks){0};
	}
}

/* ---- state ---- */

static_assert(HPET_TIMERS == 3, "each has its fields");
#define HPET_TIMER_FIELDS(n)                                                                     \
	DEVICE_TIMER(struct hpet, timers[n].timer), DEVICE_TICKS(struct hpet, timers[n].missed), \
		DEVICE_BITS(struct hpet, timers[n].config, TIMER_WRITABLE),                      \
		DEVICE_FIELD(struct hpet, timers[n].comparator, 0),                              \
		DEVICE_FIELD(struct hpet, timers[n].period, 0),                                  \
		DEVICE_FIELD(struct hpet, timers[n].message, 0)

static const struct device_field hpet_fields[] = {
	HPET_TIMER_FIELDS(0),
	HPET_TIMER_FIELDS(1),
	HPET_TIMER_FIELDS(2),
	DEVICE_BITS(struct hpet, config, CONFIG_ENABLE),
	DEVICE_FIELD(struct hpet, counter, 0),
	DEVICE_FIELD(struct hpet, start_ns, 0),
	DEVICE_BITS(struct hpet, status, MASK(HPET_TIMERS)),
};

static const struct device_state hpet_state = {
	.version = 1,
	.structure_size = sizeof(struct hpet),
	.fields = hpet_fields,
	.field_count = ARRAY_SIZE(hpet_fields),
};

static const struct device_ops hpet_ops = {
	.mmio_read = hpet_mmio_read,
	.mmio_write = hpet_mmio_write,
	.reset = hpet_reset,
	.state = &hpet_state,
};

status_t hpet_init(struct hpet *hpet, struct device_env *env, struct device_bus *bus, gpa_t base)
{
	memset(hpet, 0, sizeof(*hpet));
	hpet->dev = (struct device){.name = "hpet", .ops = &hpet_ops};
	hpet->env = env;
	for (unsigned int i = 0; i < HPET_TIMERS; i++) {
		hpet->timers[i].hpet = hpet;
		hpet->timers[i].timer.expired = hpet_expired;
	}
	hpet_reset(&hpet->dev);
	device_bus_attach(bus, &hpet->dev);
	return device_bus_add_mmio(bus, &hpet->dev, base, HPET_SIZE, 0, 8);
}
