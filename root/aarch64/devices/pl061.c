/* SPDX-License-Identifier: MIT */
#include <devices/device_state.h>
#include <devices/pl061.h>

#include <string.h>

/* DDI 0190 table 3-1. Of GPIODATA the address has a mask of bits, from bit 2 on. */
enum pl061_register {
	GPIO_DATA = 0x000,
	GPIO_DATA_END = 0x400,
	GPIO_DIR = 0x400,
	GPIO_IS = 0x404,
	GPIO_IBE = 0x408,
	GPIO_IEV = 0x40c,
	GPIO_IE = 0x410,
	GPIO_RIS = 0x414,
	GPIO_MIS = 0x418,
	GPIO_IC = 0x41c,
	GPIO_AFSEL = 0x420,
};

#define PART	 0x061u
#define REVISION 0u
#define KEY_NS	 100000000ull

static uint8_t lines(const struct pl061 *gpio)
{
	return (uint8_t)((gpio->data & gpio->direction) | (gpio->inputs & ~gpio->direction));
}

/* `before`: the lines, as they were before the change that this follows. */
static void update(struct pl061 *gpio, uint8_t before)
{
	uint8_t now = lines(gpio), changed = now ^ before;
	/* 3.2.3 to 3.2.5: rising or falling edges, or both. */
	uint8_t edges = changed & (gpio->both_edges | (uint8_t) ~(now ^ gpio->event));
	uint8_t levels = (uint8_t) ~(now ^ gpio->event);
	bool irq;

	gpio->raw = (uint8_t)((gpio->level & levels) | (~gpio->level & (gpio->raw | edges)));
	irq = gpio->raw & gpio->mask;
	if (irq == gpio->irq)
		return;
	gpio->irq = irq;
	device_irq_set(gpio->env, gpio->line, irq);
}

void pl061_input(struct pl061 *gpio, unsigned int n, bool level)
{
	uint8_t before = lines(gpio), bit = (uint8_t)BIT(n % PL061_LINES);

	gpio->inputs = level ? gpio->inputs | bit : (uint8_t)(gpio->inputs & ~bit);
	update(gpio, before);
}

bool pl061_key_press(struct pl061 *gpio)
{
	if (!(gpio->mask & BIT(gpio->key)))
		return false;
	pl061_input(gpio, gpio->key, true);
	device_timer_arm(gpio->env, &gpio->key_timer, device_now(gpio->env) + KEY_NS);
	return true;
}

static void key_expired(struct device_timer *timer)
{
	struct pl061 *gpio = container_of(timer, struct pl061, key_timer);

	pl061_input(gpio, gpio->key, false);
}

static uint64_t pl061_read(struct device *dev, uint64_t offset, unsigned int size)
{
	const struct pl061 *gpio = container_of(dev, struct pl061, dev);

	(void)size;
	if (offset >= PRIMECELL_ID)
		return primecell_id_read((uint32_t)offset, PART, REVISION);
	if (offset % 4)
		return 0;
	if (offset < GPIO_DATA_END)
		return lines(gpio) & offset >> 2;
	switch (offset) {
	case GPIO_DIR: return gpio->direction;
	case GPIO_IS: return gpio->level;
	case GPIO_IBE: return gpio->both_edges;
	case GPIO_IEV: return gpio->event;
	case GPIO_IE: return gpio->mask;
	case GPIO_RIS: return gpio->raw;
	case GPIO_MIS: return gpio->raw & gpio->mask;
	case GPIO_AFSEL: return gpio->alternate;
	default: return 0;
	}
}

static void data_write(struct pl061 *gpio, uint8_t mask, uint8_t value)
{
	mask &= gpio->direction;
	gpio->data = (uint8_t)((gpio->data & ~mask) | (value & mask));
}

static void pl061_write(struct device *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pl061 *gpio = container_of(dev, struct pl061, dev);
	uint8_t before = lines(gpio), byte = (uint8_t)value;

	(void)size;
	if (offset % 4)
		return;
	if (offset < GPIO_DATA_END)
		data_write(gpio, (uint8_t)(offset >> 2), byte);
	switch (offset) {
	case GPIO_DIR: gpio->direction = byte; break;
	case GPIO_IS: gpio->level = byte; break;
	case GPIO_IBE: gpio->both_edges = byte; break;
	case GPIO_IEV: gpio->event = byte; break;
	case GPIO_IE: gpio->mask = byte; break;
	case GPIO_IC: gpio->raw &= (uint8_t)~byte; break;
	case GPIO_AFSEL: gpio->alternate = byte; break;
	default: break;
	}
	update(gpio, before);
}

/* The key may be held down. */
static void pl061_reset(struct device *dev)
{
	struct pl061 *gpio = container_of(dev, struct pl061, dev);

	gpio->data = gpio->direction = 0;
	gpio->level = gpio->both_edges = gpio->event = gpio->mask = gpio->raw = 0;
	gpio->alternate = 0;
	update(gpio, lines(gpio));
}

static bool state_valid(const struct device *dev)
{
	const struct pl061 *gpio = container_of(dev, struct pl061, dev);

	return gpio->irq == ((gpio->raw & gpio->mask) != 0);
}

static const struct device_field fields[] = {
	DEVICE_FIELD(struct pl061, data, 0),	   DEVICE_FIELD(struct pl061, inputs, 0),
	DEVICE_FIELD(struct pl061, direction, 0),  DEVICE_FIELD(struct pl061, level, 0),
	DEVICE_FIELD(struct pl061, both_edges, 0), DEVICE_FIELD(struct pl061, event, 0),
	DEVICE_FIELD(struct pl061, mask, 0),	   DEVICE_FIELD(struct pl061, raw, 0),
	DEVICE_FIELD(struct pl061, alternate, 0),  DEVICE_FIELD(struct pl061, irq, 1),
	DEVICE_TIMER(struct pl061, key_timer),
};

static const struct device_state state = {
	.version = 1,
	.structure_size = sizeof(struct pl061),
	.fields = fields,
	.field_count = ARRAY_SIZE(fields),
	.valid = state_valid,
};

static const struct device_ops ops = {
	.mmio_read = pl061_read,
	.mmio_write = pl061_write,
	.reset = pl061_reset,
	.state = &state,
};

status_t pl061_init(struct pl061 *gpio, struct device_env *env, struct device_bus *bus,
		    const struct primecell_config *config, uint8_t key)
{
	memset(gpio, 0, sizeof(*gpio));
	gpio->dev = (struct device){.name = "pl061", .ops = &ops};
	gpio->env = env;
	gpio->line = config->line;
	gpio->key = key % PL061_LINES;
	gpio->key_timer.expired = key_expired;
	device_bus_attach(bus, &gpio->dev);
	return device_bus_add_mmio(bus, &gpio->dev, config->base, PRIMECELL_SIZE, 0, 4);
}
