/* SPDX-License-Identifier: MIT */
/*
 * The 8254. For each counter we keep when its count was loaded; "ticks since then" gives the
 * counting element and the output in every mode. The data sheet loads a count one clock
 * after it is written; here that clock is the one in which it is written.
 */
#include <devices/device_state.h>
#include <devices/pit8254.h>

#include <string.h>

#define PIT_OFFSET_CONTROL 3u
#define PIT_OFFSET_PORT_B  4u

#define CONTROL_BCD	    0x01
#define CONTROL_READ_BACK   3u /* in the counter field */
#define READ_BACK_NO_COUNT  0x20
#define READ_BACK_NO_STATUS 0x10
#define STATUS_OUTPUT	    0x80
#define STATUS_NULL_COUNT   0x40

#define ACCESS_LATCH 0
#define ACCESS_LOW   1
#define ACCESS_HIGH  2
#define ACCESS_BOTH  3

#define PORT_B_GATE2	0x01
#define PORT_B_WRITABLE 0x0f
#define PORT_B_REFRESH	0x10
#define PORT_B_OUTPUT2	0x20
#define REFRESH_NS	15085u /* DRAM refresh request, as counter 1 would make it */

enum pit_mode {
	MODE_TERMINAL_COUNT = 0,
	MODE_ONE_SHOT = 1,
	MODE_RATE = 2,
	MODE_SQUARE = 3,
	MODE_SOFTWARE_STROBE = 4,
	MODE_HARDWARE_STROBE = 5,
};

static uint64_t ticks_now(struct pit *pit)
{
	return device_scale(device_now(pit->env), PIT_CLOCK_HZ, (uint32_t)NS_PER_SEC);
}

/* The first nanosecond at which @ticks have passed. */
static uint64_t ticks_to_ns(uint64_t ticks)
{
	return device_scale(ticks, (uint32_t)NS_PER_SEC, PIT_CLOCK_HZ) + 1;
}

/* --------------------------------------------------------- one counter's state */

static bool mode_repeats(const struct pit_counter *c)
{
	return c->mode == MODE_RATE || c->mode == MODE_SQUARE;
}

static bool mode_needs_trigger(const struct pit_counter *c)
{
	return c->mode == MODE_ONE_SHOT || c->mode == MODE_HARDWARE_STROBE;
}

/* The gate's level holds the count, but in modes 1 and 5, where its rising edge starts it. */
static bool counter_runs(const struct pit_counter *c)
{
	return c->loaded && (mode_needs_trigger(c) ? c->triggered : c->gate);
}

static uint64_t counter_elapsed(const struct pit_counter *c, uint64_t now)
{
	return counter_runs(c) ? now - c->start : c->passed;
}

/* Mode 3: the output is high for the larger half. */
static uint32_t high_half(uint32_t count)
{
	return (count + 1) / 2;
}

/*
 * When a new count of modes 2 and 3 takes over: at the end of the period in which it was
 * written (@passed is how far that was); in mode 3 already after the half (@middle).
 */
static uint64_t takeover(const struct pit_counter *c, bool *middle)
{
	uint64_t phase = c->passed % c->count;

	*middle = c->mode == MODE_SQUARE && phase < high_half(c->count);
	return c->start + c->passed - phase + (*middle ? high_half(c->count) : c->count);
}

static void counter_settle(struct pit_counter *c, uint64_t now)
{
	uint64_t boundary;
	bool middle;

	if (!c->next_count || !mode_repeats(c) || !counter_runs(c))
		return;
	boundary = takeover(c, &middle);
	if (now - c->start < boundary - c->start)
		return;
	/* After the middle the low half comes next. */
	c->start = middle ? boundary - high_half(c->next_count) : boundary;
	c->count = c->next_count;
	c->next_count = 0;
	c->passed = 0;
}

static bool counter_output(const struct pit_counter *c, uint64_t now)
{
	uint64_t elapsed = counter_elapsed(c, now);

	switch ((enum pit_mode)c->mode) {
	case MODE_TERMINAL_COUNT: return c->loaded && elapsed >= c->count;
	case MODE_ONE_SHOT: return !counter_runs(c) || elapsed >= c->count;
	case MODE_RATE: return !counter_runs(c) || elapsed % c->count != c->count - 1;
	case MODE_SQUARE: return !counter_runs(c) || elapsed % c->count < high_half(c->count);
	default: return !counter_runs(c) || elapsed != c->count;
	}
}

static uint16_t to_bcd(uint32_t value)
{
	return (uint16_t)(value / 1000 % 10 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 |
			  value % 10);
}

static uint32_t from_bcd(uint16_t bcd)
{
	return (bcd >> 12) * 1000u + (bcd >> 8 & 0xf) * 100u + (bcd >> 4 & 0xf) * 10u + (bcd & 0xf);
}

/* The counting element as the guest reads it. */
static uint16_t counter_value(const struct pit_counter *c, uint64_t now)
{
	uint64_t elapsed = counter_elapsed(c, now);
	uint32_t modulus = c->bcd ? 10000 : 0x10000;
	uint32_t value;

	if (c->mode == MODE_RATE) {
		value = c->count - (uint32_t)(elapsed % c->count);
	} else if (c->mode == MODE_SQUARE) {
		uint32_t phase = (uint32_t)(elapsed % c->count);

		if (phase >= high_half(c->count))
			phase -= high_half(c->count);
		value = (c->count & ~1u) - 2 * phase;
	} else {
		/* The element goes on past 0, from the top. */
		value = (uint32_t)((c->count + modulus - elapsed % modulus) % modulus);
	}
	value %= modulus;
	return c->bcd ? to_bcd(value) : (uint16_t)value;
}

static uint8_t counter_status(const struct pit_counter *c, uint64_t now)
{
	bool null_count = !c->loaded || c->write_high || c->next_count ||
			  (mode_needs_trigger(c) && !c->triggered);

	return (counter_output(c, now) ? STATUS_OUTPUT : 0) | (null_count ? STATUS_NULL_COUNT : 0) |
	       (uint8_t)(c->access << 4) | (uint8_t)(c->mode << 1) | (c->bcd ? CONTROL_BCD : 0);
}

/* ------------------------------------------------------------ what happens to it */

static void counter_hold(struct pit_counter *c, uint64_t now)
{
	c->passed = counter_elapsed(c, now);
}

static void counter_resume(struct pit_counter *c, uint64_t now)
{
	c->start = now - c->passed;
}

static void counter_restart(struct pit_counter *c, uint64_t now)
{
	if (c->next_count)
		c->count = c->next_count;
	c->next_count = 0;
	c->start = now;
	c->passed = 0;
}

/* A whole count was written. */
static void counter_load(struct pit_counter *c, uint16_t written, uint64_t now)
{
	uint32_t count = c->bcd ? from_bcd(written) : written;

	if (count == 0)
		count = c->bcd ? 10000 : 0x10000;
	counter_settle(c, now);
	if (c->loaded && (mode_repeats(c) || mode_needs_trigger(c))) {
		/* In use at the end of the period, or at the next trigger. */
		if (mode_repeats(c) && !c->next_count)
			c->passed = counter_elapsed(c, now);
		c->next_count = count;
		if (!counter_runs(c))
			counter_restart(c, now);
		return;
	}
	c->next_count = count;
	counter_restart(c, now);
	c->loaded = true;
}

static void counter_gate(struct pit_counter *c, bool gate, uint64_t now)
{
	bool rises = gate && !c->gate;

	if (gate == c->gate)
		return;
	counter_settle(c, now);
	if (!gate && !mode_needs_trigger(c))
		counter_hold(c, now);
	c->gate = gate;
	if (!rises || !c->loaded)
		return;
	if (mode_needs_trigger(c)) {
		c->triggered = true;
		counter_restart(c, now);
	} else if (mode_repeats(c)) {
		counter_restart(c, now);
	} else {
		counter_resume(c, now);
	}
}

static void counter_latch(struct pit_counter *c, uint64_t now)
{
	if (c->count_latched)
		return;
	c->latched = counter_value(c, now);
	c->count_latched = true;
}

static void counter_control(struct pit_counter *c, uint8_t control)
{
	uint8_t mode = control >> 1 & 7;

	c->mode = mode > MODE_HARDWARE_STROBE ? mode & 3 : mode; /* 6 and 7 are 2 and 3 */
	c->access = control >> 4 & 3;
	c->bcd = control & CONTROL_BCD;
	c->loaded = c->triggered = false;
	c->next_count = 0;
	c->passed = 0;
	c->write_high = c->read_high = false;
	c->count_latched = c->status_latched = false;
}

static void counter_write(struct pit_counter *c, uint8_t byte, uint64_t now)
{
	if (c->access == ACCESS_BOTH && !c->write_high) {
		/* In mode 0 the first byte stops the count; in the others it goes on. */
		c->low_byte = byte;
		if (c->mode == MODE_TERMINAL_COUNT)
			c->loaded = false;
		c->write_high = true;
		return;
	}
	c->write_high = false;
	if (c->access == ACCESS_BOTH)
		counter_load(c, (uint16_t)(byte << 8 | c->low_byte), now);
	else
		counter_load(c, c->access == ACCESS_HIGH ? (uint16_t)(byte << 8) : byte, now);
}

static uint8_t counter_read(struct pit_counter *c, uint64_t now)
{
	uint16_t value;
	bool high;

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	value = c->count_latched ? c->latched : counter_value(c, now);
	high = c->access == ACCESS_HIGH || (c->access == ACCESS_BOTH && c->read_high);
	if (c->access == ACCESS_BOTH)
		c->read_high = !c->read_high;
	if (!c->read_high)
		c->count_latched = false;
	return high ? value >> 8 : value & 0xff;
}

/* ------------------------------------------------------------------ the chip */

/*
 * The tick of the next rising edge of counter 0's output after @now, or DEVICE_NEVER. Its
 * gate is wired to 1, so modes 1 and 5 never start.
 */
static uint64_t next_rise(const struct pit_counter *c, uint64_t now)
{
	uint64_t elapsed;
	bool middle;

	if (!counter_runs(c) || mode_needs_trigger(c))
		return DEVICE_NEVER;
	elapsed = now - c->start;
	if (mode_repeats(c) && c->next_count) {
		uint64_t boundary = takeover(c, &middle);

		return middle ? boundary + c->next_count / 2 : boundary;
	}
	if (mode_repeats(c))
		return c->start + (elapsed / c->count + 1) * c->count;
	if (c->mode == MODE_TERMINAL_COUNT)
		return elapsed < c->count ? c->start + c->count : DEVICE_NEVER;
	return elapsed <= c->count ? c->start + c->count + 1 : DEVICE_NEVER;
}

/*
 * When to look again. A period that is shorter than we are willing to serve is served at
 * multiples of itself; a change of period is looked at when it takes place.
 */
static void pit_arm(struct pit *pit, uint64_t now)
{
	const struct pit_counter *c = &pit->counter[0];
	uint64_t rise = next_rise(c, now);
	uint64_t earliest = device_now(pit->env) + PIT_MIN_PERIOD_NS;

	pit->due = rise;
	if (rise == DEVICE_NEVER)
		device_timer_cancel(pit->env, &pit->timer);
	else if (mode_repeats(c))
		device_timer_arm(pit->env, &pit->timer,
				 MAX(earliest, device_ticks_next(&pit->missed, ticks_to_ns(rise),
								 device_now(pit->env),
								 ticks_to_ns(c->count))));
	else
		device_timer_arm(pit->env, &pit->timer, ticks_to_ns(rise));
}

static void pit_expired(struct device_timer *timer)
{
	struct pit *pit = container_of(timer, struct pit, timer);
	const struct pit_counter *c = &pit->counter[0];
	uint32_t lost = pit->env->lost_edges;
	uint64_t now = ticks_now(pit), skipped = 0;
	bool due = now >= pit->due;

	counter_settle(&pit->counter[0], now);
	device_irq_set(pit->env, pit->gsi, false);
	device_irq_set(pit->env, pit->gsi, true);
	if (mode_repeats(c) && ticks_to_ns(c->count) > PIT_MIN_PERIOD_NS) {
		if (due)
			skipped = (now - pit->due) / c->count;
		device_ticks_sent(&pit->missed, due, skipped, pit->env->lost_edges != lost);
	}
	pit_arm(pit, now);
}

/* Counter 0 was written: its line follows at once, its edges later. */
static void pit_reprogrammed(struct pit *pit, uint64_t now)
{
	const struct pit_counter *c = &pit->counter[0];

	pit->missed = (struct device_ticks){0};
	if (!mode_repeats(c) || !c->loaded)
		device_irq_set(pit->env, pit->gsi, counter_output(c, now));
	pit_arm(pit, now);
}

static void pit_read_back(struct pit *pit, uint8_t command, uint64_t now)
{
	for (unsigned int i = 0; i < PIT_COUNTERS; i++) {
		struct pit_counter *c = &pit->counter[i];

		if (!(command & (2u << i)))
			continue;
		counter_settle(c, now);
		if (!(command & READ_BACK_NO_COUNT))
			counter_latch(c, now);
		if (!(command & READ_BACK_NO_STATUS) && !c->status_latched) {
			c->status = counter_status(c, now);
			c->status_latched = true;
		}
	}
}

static void control_write(struct pit *pit, uint8_t control, uint64_t now)
{
	unsigned int select = control >> 6;

	if (select == CONTROL_READ_BACK) {
		pit_read_back(pit, control, now);
		return;
	}
	counter_settle(&pit->counter[select], now);
	if ((control >> 4 & 3) == ACCESS_LATCH) {
		counter_latch(&pit->counter[select], now);
		return;
	}
	counter_control(&pit->counter[select], control);
	if (select == 0)
		pit_reprogrammed(pit, now);
}

bool pit_output(struct pit *pit, unsigned int counter)
{
	uint64_t now = ticks_now(pit);

	counter_settle(&pit->counter[counter], now);
	return counter_output(&pit->counter[counter], now);
}

static uint8_t port_b_read(struct pit *pit)
{
	uint8_t value = pit->port_b;

	if (device_now(pit->env) / REFRESH_NS & 1)
		value |= PORT_B_REFRESH;
	if (pit_output(pit, 2))
		value |= PORT_B_OUTPUT2;
	return value;
}

static uint32_t pit_io_read(struct device *dev, uint32_t offset, unsigned int size)
{
	struct pit *pit = container_of(dev, struct pit, dev);
	uint64_t now = ticks_now(pit);

	(void)size;
	if (offset == PIT_OFFSET_PORT_B)
		return port_b_read(pit);
	if (offset == PIT_OFFSET_CONTROL)
		return 0xff; /* write only */
	counter_settle(&pit->counter[offset], now);
	return counter_read(&pit->counter[offset], now);
}

static void pit_io_write(struct device *dev, uint32_t offset, unsigned int size, uint32_t value)
{
	struct pit *pit = container_of(dev, struct pit, dev);
	uint64_t now = ticks_now(pit);

	(void)size;
	if (offset == PIT_OFFSET_PORT_B) {
		pit->port_b = value & PORT_B_WRITABLE;
		counter_gate(&pit->counter[2], value & PORT_B_GATE2, now);
	} else if (offset == PIT_OFFSET_CONTROL) {
		control_write(pit, (uint8_t)value, now);
	} else {
		counter_write(&pit->counter[offset], (uint8_t)value, now);
		if (offset == 0)
			pit_reprogrammed(pit, now);
	}
}

/* The chip has no reset input; idle counters in mode 0 are as good as any. */
static void pit_reset(struct device *dev)
{
	struct pit *pit = container_of(dev, struct pit, dev);

	device_timer_cancel(pit->env, &pit->timer);
	pit->missed = (struct device_ticks){0};
	for (unsigned int i = 0; i < PIT_COUNTERS; i++)
		pit->counter[i] = (struct pit_counter){
			.count = 0x10000, .access = ACCESS_BOTH, .gate = i != 2};
	pit->port_b = 0;
	device_irq_set(pit->env, pit->gsi, false);
}

/* ---- state ---- */

static_assert(PIT_COUNTERS == 3, "each has its fields");
#define PIT_BOOL(n, member) DEVICE_FIELD(struct pit, counter[n].member, 1)
#define PIT_COUNTER_FIELDS(n)                                                                \
	DEVICE_FIELD(struct pit, counter[n].count, 0x10000),                                 \
		DEVICE_FIELD(struct pit, counter[n].next_count, 0x10000),                    \
		DEVICE_FIELD(struct pit, counter[n].start, 0),                               \
		DEVICE_FIELD(struct pit, counter[n].passed, 0),                              \
		DEVICE_FIELD(struct pit, counter[n].latched, 0),                             \
		DEVICE_FIELD(struct pit, counter[n].mode, MODE_HARDWARE_STROBE),             \
		DEVICE_FIELD(struct pit, counter[n].access, ACCESS_BOTH),                    \
		DEVICE_FIELD(struct pit, counter[n].low_byte, 0),                            \
		DEVICE_FIELD(struct pit, counter[n].status, 0), PIT_BOOL(n, bcd),            \
		PIT_BOOL(n, gate), PIT_BOOL(n, loaded), PIT_BOOL(n, triggered),              \
		PIT_BOOL(n, write_high), PIT_BOOL(n, read_high), PIT_BOOL(n, count_latched), \
		PIT_BOOL(n, status_latched)

/* A count is divided by once it is loaded; one that takes over is one. */
static bool pit_valid(const struct device *dev)
{
	const struct pit *pit = container_of(dev, const struct pit, dev);

	for (unsigned int i = 0; i < PIT_COUNTERS; i++)
		if ((pit->counter[i].loaded && !pit->counter[i].count) ||
		    pit->counter[i].access == ACCESS_LATCH)
			return false;
	return true;
}

static const struct device_field pit_fields[] = {
	DEVICE_TIMER(struct pit, timer),
	DEVICE_TICKS(struct pit, missed),
	DEVICE_FIELD(struct pit, due, 0),
	PIT_COUNTER_FIELDS(0),
	PIT_COUNTER_FIELDS(1),
	PIT_COUNTER_FIELDS(2),
	DEVICE_BITS(struct pit, port_b, PORT_B_WRITABLE),
};

static const struct device_state pit_state = {
	.version = 1,
	.structure_size = sizeof(struct pit),
	.fields = pit_fields,
	.field_count = ARRAY_SIZE(pit_fields),
	.valid = pit_valid,
};

static const struct device_ops pit_ops = {
	.io_read = pit_io_read,
	.io_write = pit_io_write,
	.reset = pit_reset,
	.state = &pit_state,
};

status_t pit_init(struct pit *pit, struct device_env *env, struct device_bus *bus, unsigned int gsi)
{
	status_t status;

	memset(pit, 0, sizeof(*pit));
	pit->dev = (struct device){.name = "pit", .ops = &pit_ops};
	pit->env = env;
	pit->gsi = gsi;
	pit->timer.expired = pit_expired;
	pit_reset(&pit->dev);
	device_bus_attach(bus, &pit->dev);
	status = device_bus_add_ports(bus, &pit->dev, PIT_PORT, 4, 0, 1);
	if (status == STATUS_OK)
		status = device_bus_add_ports(bus, &pit->dev, PIT_PORT_B, 1, PIT_OFFSET_PORT_B, 1);
	return status;
}
