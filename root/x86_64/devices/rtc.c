/* SPDX-License-Identifier: MIT */
/*
 * The clock does not tick: the time bytes are computed from guest time when they are read,
 * and the flags of register C are brought up to date when they are looked at. A timer runs
 * only for an interrupt that is enabled and not yet asked for.
 */
#include <devices/device_state.h>
#include <devices/rtc.h>
#include <devices/rtc_calendar.h>

#include <string.h>

#define RTC_OFFSET_INDEX 0u
#define INDEX_MASK	 0x7f

#define A_UPDATING    0x80
#define A_DIVIDER     0x70
#define A_DIVIDER_RUN 0x20 /* 32,768 Hz */
#define A_RATE	      0x0f
#define B_SET	      0x80
#define B_PERIODIC    0x40
#define B_ALARM	      0x20
#define B_UPDATE      0x10
#define B_SQUARE_WAVE 0x08
#define B_BINARY      0x04
#define B_24_HOURS    0x02
#define B_ENABLES     (B_PERIODIC | B_ALARM | B_UPDATE)
#define C_IRQ	      0x80 /* the flags have the places of their enables in B */
#define D_VALID	      0x80

#define HOUR_PM	       0x80
#define ALARM_WILDCARD 0xc0

/* The update cycle: UIP rises 244 us before it, and it takes 1984 us (at 32,768 Hz). */
#define UPDATE_NS	 ((244 + 1984) * 1000ull)
#define CRYSTAL_HZ	 32768u
#define RESTART_PHASE_NS (NS_PER_SEC / 2) /* first update after the divider starts */

/* ------------------------------------------------------------------ the time */

static int64_t seconds_at(const struct rtc *rtc, uint64_t ns)
{
	return rtc->base_seconds + (int64_t)((ns - rtc->base_ns) / NS_PER_SEC);
}

/* Guest time at which @seconds begins. */
static uint64_t second_start_ns(const struct rtc *rtc, int64_t seconds)
{
	return rtc->base_ns + (uint64_t)(seconds - rtc->base_seconds) * NS_PER_SEC;
}

static uint8_t byte_encode(const struct rtc *rtc, uint8_t value)
{
	return rtc->cmos[RTC_B] & B_BINARY ? value : (uint8_t)(value / 10 << 4 | value % 10);
}

static uint8_t byte_decode(const struct rtc *rtc, uint8_t byte)
{
	return rtc->cmos[RTC_B] & B_BINARY ? byte : (uint8_t)((byte >> 4) * 10 + (byte & 0xf));
}

static uint8_t hour_encode(const struct rtc *rtc, uint8_t hour)
{
	uint8_t hour12 = hour % 12 ? hour % 12 : 12;

	if (rtc->cmos[RTC_B] & B_24_HOURS)
		return byte_encode(rtc, hour);
	return byte_encode(rtc, hour12) | (hour >= 12 ? HOUR_PM : 0);
}

static uint8_t hour_decode(const struct rtc *rtc, uint8_t byte)
{
	if (rtc->cmos[RTC_B] & B_24_HOURS)
		return byte_decode(rtc, byte);
	return (uint8_t)(byte_decode(rtc, byte & ~HOUR_PM) % 12 + (byte & HOUR_PM ? 12 : 0));
}

/* Write the time at @ns into the bytes. The alarm bytes are the guest's. */
static void time_bytes_fill(struct rtc *rtc, uint64_t ns)
{
	struct calendar now;

	calendar_from_seconds(seconds_at(rtc, ns), &now);
	rtc->cmos[RTC_SECONDS] = byte_encode(rtc, now.second);
	rtc->cmos[RTC_MINUTES] = byte_encode(rtc, now.minute);
	rtc->cmos[RTC_HOURS] = hour_encode(rtc, now.hour);
	rtc->cmos[RTC_WEEKDAY] =
		byte_encode(rtc, (uint8_t)((now.weekday - 1 + rtc->weekday_offset) % 7 + 1));
	rtc->cmos[RTC_DAY] = byte_encode(rtc, now.day);
	rtc->cmos[RTC_MONTH] = byte_encode(rtc, now.month);
	rtc->cmos[RTC_YEAR] = byte_encode(rtc, (uint8_t)(now.year % 100));
	/* Not one of the chip's: a byte that the firmware keeps, always in BCD. */
	rtc->cmos[RTC_CENTURY] = (uint8_t)(now.year / 1000 << 4 | now.year / 100 % 10);
}

/* The clock goes on from what the bytes say, @phase_ns into that second. */
static void time_bytes_take(struct rtc *rtc, uint64_t ns, uint64_t phase_ns)
{
	uint8_t century = rtc->cmos[RTC_CENTURY];
	struct calendar set = {
		.year = ((century >> 4) * 10 + (century & 0xf)) * 100 +
			byte_decode(rtc, rtc->cmos[RTC_YEAR]) % 100,
		.month = byte_decode(rtc, rtc->cmos[RTC_MONTH]),
		.day = byte_decode(rtc, rtc->cmos[RTC_DAY]),
		.hour = hour_decode(rtc, rtc->cmos[RTC_HOURS]),
		.minute = byte_decode(rtc, rtc->cmos[RTC_MINUTES]),
		.second = byte_decode(rtc, rtc->cmos[RTC_SECONDS]),
	};
	uint8_t weekday = byte_decode(rtc, rtc->cmos[RTC_WEEKDAY]);
	struct calendar real;

	rtc->base_seconds = calendar_to_seconds(&set);
	/* May lie before time 0; differences are what counts. */
	rtc->base_ns = ns - phase_ns;
	rtc->flags_ns = ns;
	calendar_from_seconds(rtc->base_seconds, &real);
	rtc->weekday_offset = (uint8_t)((weekday + 14 - real.weekday) % 7);
}

int64_t rtc_seconds(struct rtc *rtc)
{
	if (rtc->stopped)
		time_bytes_take(rtc, device_now(rtc->env), 0);
	return seconds_at(rtc, device_now(rtc->env));
}

static bool clock_should_stop(const struct rtc *rtc)
{
	return (rtc->cmos[RTC_B] & B_SET) || (rtc->cmos[RTC_A] & A_DIVIDER) != A_DIVIDER_RUN;
}

/* ----------------------------------------------------------------- the flags */

/* Periodic rates in crystal cycles; 0: off. Rates 1 and 2 are those of 8 and 9. */
static uint32_t periodic_cycles(const struct rtc *rtc)
{
	uint8_t rate = rtc->cmos[RTC_A] & A_RATE;

	if (rate == 0)
		return 0;
	return 1u << (rate <= 2 ? rate + 6 : rate - 1);
}

static uint64_t crystal_cycles(const struct rtc *rtc, uint64_t ns)
{
	return device_scale(ns - rtc->base_ns, CRYSTAL_HZ, (uint32_t)NS_PER_SEC);
}

static bool alarm_byte_matches(uint8_t alarm, uint8_t byte)
{
	return (alarm & ALARM_WILDCARD) == ALARM_WILDCARD || alarm == byte;
}

/*
 * The first second after @seconds at which the alarm matches, looking one day ahead; 0 if
 * there is none. A field that does not match skips to its next value, so the search takes at
 * most 24 + 60 + 60 steps.
 */
static int64_t alarm_next(const struct rtc *rtc, int64_t seconds)
{
	int64_t at = seconds + 1;

	while (at <= seconds + SECONDS_PER_DAY) {
		struct calendar now;

		calendar_from_seconds(at, &now);
		if (!alarm_byte_matches(rtc->cmos[RTC_HOURS_ALARM], hour_encode(rtc, now.hour)))
			at += 3600 - (now.minute * 60 + now.second);
		else if (!alarm_byte_matches(rtc->cmos[RTC_MINUTES_ALARM],
					     byte_encode(rtc, now.minute)))
			at += 60 - now.second;
		else if (!alarm_byte_matches(rtc->cmos[RTC_SECONDS_ALARM],
					     byte_encode(rtc, now.second)))
			at++;
		else
			return at;
	}
	return 0;
}

/* Set the flags for all that happened until @now. */
static void flags_settle(struct rtc *rtc, uint64_t now)
{
	uint32_t cycles = periodic_cycles(rtc);
	int64_t before, after;
	uint8_t *flags = &rtc->cmos[RTC_C];

	if (rtc->stopped || now <= rtc->flags_ns)
		return;
	before = seconds_at(rtc, rtc->flags_ns);
	after = seconds_at(rtc, now);
	if (after != before) {
		int64_t alarm = *flags & B_ALARM ? 0 : alarm_next(rtc, before);

		*flags |= B_UPDATE;
		if (alarm != 0 && alarm <= after)
			*flags |= B_ALARM;
	}
	if (cycles &&
	    crystal_cycles(rtc, now) / cycles != crystal_cycles(rtc, rtc->flags_ns) / cycles)
		*flags |= B_PERIODIC;
	rtc->flags_ns = now;
}

/* When the next interrupt that is enabled will happen. */
static uint64_t next_event_ns(const struct rtc *rtc, uint64_t now)
{
	uint8_t enables = rtc->cmos[RTC_B] & B_ENABLES;
	uint32_t cycles = periodic_cycles(rtc);
	uint64_t next = DEVICE_NEVER;

	if (rtc->stopped)
		return DEVICE_NEVER;
	if (enables & B_UPDATE)
		next = second_start_ns(rtc, seconds_at(rtc, now) + 1);
	if ((enables & B_ALARM)) {
		int64_t alarm = alarm_next(rtc, seconds_at(rtc, now));

		if (alarm != 0)
			next = MIN(next, second_start_ns(rtc, alarm));
	}
	if ((enables & B_PERIODIC) && cycles) {
		uint64_t edge = (crystal_cycles(rtc, now) / cycles + 1) * cycles;

		next = MIN(next,
			   rtc->base_ns + device_scale(edge, (uint32_t)NS_PER_SEC, CRYSTAL_HZ) + 1);
	}
	return next;
}

/* Follow every change: flags, the interrupt line, the timer. */
static void rtc_update(struct rtc *rtc)
{
	uint64_t now = device_now(rtc->env);
	bool irq;

	flags_settle(rtc, now);
	irq = rtc->cmos[RTC_C] & rtc->cmos[RTC_B] & B_ENABLES;
	rtc->cmos[RTC_C] = (rtc->cmos[RTC_C] & B_ENABLES) | (irq ? C_IRQ : 0);
	device_irq_set(rtc->env, rtc->gsi, irq);
	device_timer_arm(rtc->env, &rtc->timer, irq ? DEVICE_NEVER : next_event_ns(rtc, now));
}

static void rtc_expired(struct device_timer *timer)
{
	rtc_update(container_of(timer, struct rtc, timer));
}

/* ------------------------------------------------------------- the registers */

static bool index_is_time(uint8_t index)
{
	if (index == RTC_SECONDS_ALARM || index == RTC_MINUTES_ALARM || index == RTC_HOURS_ALARM)
		return false;
	return index < RTC_TIME_BYTES || index == RTC_CENTURY;
}

static uint8_t register_a_read(const struct rtc *rtc, uint64_t now)
{
	uint64_t phase = (now - rtc->base_ns) % NS_PER_SEC;
	bool updating = !rtc->stopped && phase >= NS_PER_SEC - UPDATE_NS;

	return rtc->cmos[RTC_A] | (updating ? A_UPDATING : 0);
}

static uint8_t register_c_read(struct rtc *rtc)
{
	uint8_t flags;

	rtc_update(rtc);
	flags = rtc->cmos[RTC_C];
	rtc->cmos[RTC_C] = 0;
	/* Nothing was enabled and nothing was set: no line or timer changes. */
	if (flags)
		rtc_update(rtc);
	return flags;
}

static uint8_t cmos_read(struct rtc *rtc)
{
	uint64_t now = device_now(rtc->env);

	if (rtc->index == RTC_A)
		return register_a_read(rtc, now);
	if (rtc->index == RTC_C)
		return register_c_read(rtc);
	if (rtc->index == RTC_D)
		return D_VALID;
	if (index_is_time(rtc->index) && !rtc->stopped)
		time_bytes_fill(rtc, now);
	return rtc->cmos[rtc->index];
}

static void control_write(struct rtc *rtc, uint8_t index, uint8_t value)
{
	uint64_t now = device_now(rtc->env);
	bool divider_was_held = (rtc->cmos[RTC_A] & A_DIVIDER) != A_DIVIDER_RUN;

	flags_settle(rtc, now);
	/* The bytes are frozen in the old format, and taken in the one that then holds. */
	if (!rtc->stopped)
		time_bytes_fill(rtc, now);
	if (index == RTC_A) {
		rtc->cmos[RTC_A] = value & ~A_UPDATING;
	} else {
		rtc->cmos[RTC_B] = value & B_SET ? value & ~B_UPDATE : value;
	}
	if (rtc->stopped && !clock_should_stop(rtc))
		time_bytes_take(rtc, now, divider_was_held ? RESTART_PHASE_NS : 0);
	rtc->stopped = clock_should_stop(rtc);
	rtc_update(rtc);
}

static void time_write(struct rtc *rtc, uint8_t value)
{
	uint64_t now = device_now(rtc->env);

	if (rtc->stopped) {
		rtc->cmos[rtc->index] = value;
		return;
	}
	/* Without SET the running clock takes the byte and keeps its place in the second. */
	flags_settle(rtc, now);
	time_bytes_fill(rtc, now);
	rtc->cmos[rtc->index] = value;
	time_bytes_take(rtc, now, (now - rtc->base_ns) % NS_PER_SEC);
	rtc_update(rtc);
}

static void cmos_write(struct rtc *rtc, uint8_t value)
{
	switch (rtc->index) {
	case RTC_A:
	case RTC_B: control_write(rtc, rtc->index, value); return;
	case RTC_C:
	case RTC_D: return; /* read only */
	default: break;
	}
	if (index_is_time(rtc->index)) {
		time_write(rtc, value);
		return;
	}
	if (rtc->index < RTC_TIME_BYTES)
		flags_settle(rtc, device_now(rtc->env)); /* an alarm byte */
	rtc->cmos[rtc->index] = value;
	if (rtc->index < RTC_TIME_BYTES)
		rtc_update(rtc);
}

/* Port 0x70 is write only, as on the PC. */
static uint32_t rtc_io_read(struct device *dev, uint32_t offset, unsigned int size)
{
	struct rtc *rtc = container_of(dev, struct rtc, dev);

	(void)size;
	return offset == RTC_OFFSET_INDEX ? 0xff : cmos_read(rtc);
}

static void rtc_io_write(struct device *dev, uint32_t offset, unsigned int size, uint32_t value)
{
	struct rtc *rtc = container_of(dev, struct rtc, dev);

	(void)size;
	if (offset == RTC_OFFSET_INDEX)
		rtc->index = value & INDEX_MASK;
	else
		cmos_write(rtc, (uint8_t)value);
}

/* RESET# clears enables and flags; the clock is on battery and goes on. */
static void rtc_reset(struct device *dev)
{
	struct rtc *rtc = container_of(dev, struct rtc, dev);

	rtc->index = 0;
	rtc->cmos[RTC_B] &= ~(B_ENABLES | B_SQUARE_WAVE);
	rtc->cmos[RTC_C] = 0;
	rtc->flags_ns = device_now(rtc->env);
	rtc_update(rtc);
}

/* ---- state ---- */

/* The calendar's years, and all that can be added to them. */
static bool rtc_valid(const struct device *dev)
{
	const struct rtc *rtc = container_of(dev, const struct rtc, dev);

	return rtc->base_seconds < (int64_t)BIT(40) && rtc->base_seconds > -(int64_t)BIT(40);
}

static const struct device_field rtc_fields[] = {
	DEVICE_TIMER(struct rtc, timer),
	DEVICE_BITS(struct rtc, index, INDEX_MASK),
	DEVICE_ARRAY(struct rtc, cmos, 0),
	DEVICE_FIELD(struct rtc, stopped, 1),
	DEVICE_FIELD(struct rtc, base_ns, 0),
	DEVICE_FIELD(struct rtc, base_seconds, 0),
	DEVICE_FIELD(struct rtc, weekday_offset, 6),
	DEVICE_FIELD(struct rtc, flags_ns, 0),
};

static const struct device_state rtc_state = {
	.version = 1,
	.structure_size = sizeof(struct rtc),
	.fields = rtc_fields,
	.field_count = ARRAY_SIZE(rtc_fields),
	.valid = rtc_valid,
};

static const struct device_ops rtc_ops = {
	.io_read = rtc_io_read,
	.io_write = rtc_io_write,
	.reset = rtc_reset,
	.state = &rtc_state,
};

/* ---------------------------------------------------------------- the firmware's bytes */

static void cmos_store(struct rtc *rtc, uint8_t index, unsigned int bytes, uint64_t value)
{
	for (unsigned int i = 0; i < bytes; i++)
		rtc->cmos[index + i] = (uint8_t)(value >> 8 * i);
}

static void cmos_firmware_fill(struct rtc *rtc, const struct rtc_config *config)
{
	uint64_t low = config->memory_below_4g;
	uint64_t extended = low > MIB(1) ? (low - MIB(1)) >> 10 : 0;
	uint64_t above_16m = low > MIB(16) ? (low - MIB(16)) >> 16 : 0;
	uint16_t sum = 0;

	rtc->cmos[RTC_EQUIPMENT] = 0x02; /* an FPU; no floppy, no display */
	cmos_store(rtc, RTC_BASE_MEMORY, 2, 640);
	cmos_store(rtc, RTC_EXTENDED_MEMORY, 2, MIN(extended, 0xffff));
	cmos_store(rtc, RTC_EXTENDED_MEMORY2, 2, MIN(extended, 0xffff));
	cmos_store(rtc, RTC_MEMORY_16M, 2, MIN(above_16m, 0xffff));
	cmos_store(rtc, RTC_MEMORY_4G, 3, MIN(config->memory_above_4g >> 16, 0xffffff));
	for (unsigned int i = 0x10; i < RTC_CHECKSUM; i++)
		sum += rtc->cmos[i];
	rtc->cmos[RTC_CHECKSUM] = (uint8_t)(sum >> 8);
	rtc->cmos[RTC_CHECKSUM + 1] = (uint8_t)sum;
}

status_t rtc_init(struct rtc *rtc, struct device_env *env, struct device_bus *bus, unsigned int gsi,
		  const struct rtc_config *config)
{
	memset(rtc, 0, sizeof(*rtc));
	rtc->dev = (struct device){.name = "rtc", .ops = &rtc_ops};
	rtc->env = env;
	rtc->gsi = gsi;
	rtc->timer.expired = rtc_expired;
	rtc->base_ns = device_now(env);
	rtc->base_seconds = config->epoch_seconds;
	rtc->cmos[RTC_A] = A_DIVIDER_RUN | 6; /* 1024 Hz, as firmware leaves it */
	rtc->cmos[RTC_B] = B_24_HOURS;
	cmos_firmware_fill(rtc, config);
	rtc_reset(&rtc->dev);
	device_bus_attach(bus, &rtc->dev);
	return device_bus_add_ports(bus, &rtc->dev, RTC_PORT, 2, RTC_OFFSET_INDEX, 1);
}
