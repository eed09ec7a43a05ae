/* SPDX-License-Identifier: MIT */
#include <devices/device_state.h>
#include <devices/pl031.h>

#include <string.h>

/* DDI 0224 table 3-1 */
enum pl031_register {
	RTC_DR = 0x00,
	RTC_MR = 0x04,
	RTC_LR = 0x08,
	RTC_CR = 0x0c,
	RTC_IMSC = 0x10,
	RTC_RIS = 0x14,
	RTC_MIS = 0x18,
	RTC_ICR = 0x1c,
};

#define PART	   0x031u
#define REVISION   0u
#define CR_RUNNING 1u

static uint32_t seconds_now(const struct pl031 *rtc)
{
	return rtc->at_base + (uint32_t)((device_now(rtc->env) - rtc->base_ns) / NS_PER_SEC);
}

static void update(struct pl031 *rtc)
{
	bool irq = rtc->raw & rtc->mask;

	if (irq == rtc->irq)
		return;
	rtc->irq = irq;
	device_irq_set(rtc->env, rtc->line, irq);
}

/* Until it shows what is to be matched next: within 2^32 seconds. */
static void alarm_set(struct pl031 *rtc)
{
	uint32_t seconds = rtc->match - seconds_now(rtc);
	uint64_t whole = (device_now(rtc->env) - rtc->base_ns) / NS_PER_SEC;

	if (!seconds) {
		device_timer_cancel(rtc->env, &rtc->alarm);
		rtc->raw = 1;
		return;
	}
	device_timer_arm(rtc->env, &rtc->alarm, rtc->base_ns + (whole + seconds) * NS_PER_SEC);
}

static void alarm_expired(struct device_timer *timer)
{
	struct pl031 *rtc = container_of(timer, struct pl031, alarm);

	rtc->raw = 1;
	update(rtc);
}

static void time_set(struct pl031 *rtc, uint32_t seconds)
{
	rtc->load = seconds;
	rtc->at_base = seconds;
	rtc->base_ns = device_now(rtc->env);
	alarm_set(rtc);
}

static uint64_t pl031_read(struct device *dev, uint64_t offset, unsigned int size)
{
	struct pl031 *rtc = container_of(dev, struct pl031, dev);
	uint32_t value = 0;

	(void)size;
	if (offset >= PRIMECELL_ID)
		return primecell_id_read((uint32_t)offset, PART, REVISION);
	switch (offset & ~3ull) {
	case RTC_DR: value = seconds_now(rtc); break;
	case RTC_MR: value = rtc->match; break;
	case RTC_LR: value = rtc->load; break;
	case RTC_CR: value = CR_RUNNING; break;
	case RTC_IMSC: value = rtc->mask; break;
	case RTC_RIS: value = rtc->raw; break;
	case RTC_MIS: value = rtc->raw & rtc->mask; break;
	default: break;
	}
	return value >> 8 * (offset % 4);
}

/* Registers are written whole. */
static void pl031_write(struct device *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pl031 *rtc = container_of(dev, struct pl031, dev);

	if (size != 4)
		return;
	switch (offset) {
	case RTC_MR:
		rtc->match = (uint32_t)value;
		alarm_set(rtc);
		break;
	case RTC_LR: time_set(rtc, (uint32_t)value); break;
	case RTC_IMSC: rtc->mask = value & 1; break;
	case RTC_ICR: rtc->raw &= ~(uint32_t)value; break;
	default: return;
	}
	update(rtc);
}

/* The clock goes on. */
static void pl031_reset(struct device *dev)
{
	struct pl031 *rtc = container_of(dev, struct pl031, dev);

	device_timer_cancel(rtc->env, &rtc->alarm);
	rtc->load = rtc->match = 0;
	rtc->mask = rtc->raw = 0;
	update(rtc);
}

/* The first second may have begun before guest time did. */
static bool state_valid(const struct device *dev)
{
	const struct pl031 *rtc = container_of(dev, struct pl031, dev);

	return rtc->base_ns <= INT64_MAX && rtc->irq == ((rtc->raw & rtc->mask) != 0);
}

static const struct device_field fields[] = {
	DEVICE_FIELD(struct pl031, at_base, 0), DEVICE_FIELD(struct pl031, base_ns, 0),
	DEVICE_FIELD(struct pl031, load, 0),	DEVICE_FIELD(struct pl031, match, 0),
	DEVICE_BITS(struct pl031, mask, 1),	DEVICE_BITS(struct pl031, raw, 1),
	DEVICE_FIELD(struct pl031, irq, 1),	DEVICE_TIMER(struct pl031, alarm),
};

static const struct device_state state = {
	.version = 1,
	.structure_size = sizeof(struct pl031),
	.fields = fields,
	.field_count = ARRAY_SIZE(fields),
	.valid = state_valid,
};

static const struct device_ops ops = {
	.mmio_read = pl031_read,
	.mmio_write = pl031_write,
	.reset = pl031_reset,
	.state = &state,
};

status_t pl031_init(struct pl031 *rtc, struct device_env *env, struct device_bus *bus,
		    const struct primecell_config *config, int64_t epoch_seconds)
{
	memset(rtc, 0, sizeof(*rtc));
	rtc->dev = (struct device){.name = "pl031", .ops = &ops};
	rtc->env = env;
	rtc->line = config->line;
	rtc->alarm.expired = alarm_expired;
	rtc->at_base = (uint32_t)epoch_seconds;
	rtc->base_ns = device_now(env);
	pl031_reset(&rtc->dev);
	device_bus_attach(bus, &rtc->dev);
	return device_bus_add_mmio(bus, &rtc->dev, config->base, PRIMECELL_SIZE, 0, 4);
}
