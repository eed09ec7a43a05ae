/* SPDX-License-Identifier: MIT */
/*
 * The 8259A pair. Each chip is a priority resolver over three bytes (IRR, IMR, ISR); all
 * else is how they are written. After every change pic_update() carries the slave's output
 * to the master's input 2 and the master's to the processor.
 *
 * As the data sheet says, and unlike what is often modelled, a request must stay up until it
 * is acknowledged: if the line falls before, also in edge mode, the acknowledge is spurious.
 */
#include <devices/device_state.h>
#include <devices/pic8259.h>

#include <string.h>

/* Offsets on the bus: one range after the other. */
enum { PIC_OFFSET_MASTER = 0, PIC_OFFSET_SLAVE = 2, PIC_OFFSET_ELCR = 4 };

#define ICW1_SELECT 0x10 /* in a write to the even port: ICW1, not OCW2 or OCW3 */
#define ICW1_IC4    0x01
#define ICW1_SNGL   0x02
#define ICW1_LTIM   0x08
#define ICW2_BASE   0xf8
#define ICW4_AEOI   0x02
#define ICW4_SFNM   0x10
#define OCW3_SELECT 0x08
#define OCW3_RIS    0x01
#define OCW3_RR	    0x02
#define OCW3_POLL   0x04
#define OCW3_SMM    0x20
#define OCW3_ESMM   0x40

#define POLL_REQUEST 0x80
#define SPURIOUS     7
#define NO_REQUEST   (-1)

static bool line_is_level(const struct pic_chip *chip, unsigned int line)
{
	return chip->level_mode || (chip->elcr & BIT(line));
}

/* The input to serve next, or NO_REQUEST if there is none above what is in service. */
static int chip_request(const struct pic_chip *chip)
{
	uint8_t requests = chip->irr & ~chip->imr;
	uint8_t blocking = chip->special_mask ? chip->isr & ~chip->imr : chip->isr;

	if (!requests || chip->init_step != 0)
		return NO_REQUEST;
	for (unsigned int i = 1; i <= 8; i++) {
		unsigned int line = (chip->lowest + i) & 7;
		bool in_service = blocking & BIT(line);

		/* Special fully nested: the slave may interrupt its own earlier interrupt. */
		if ((requests & BIT(line)) &&
		    (!in_service || (chip->special_nested && line == PIC_CASCADE)))
			return (int)line;
		if (in_service)
			return NO_REQUEST;
	}
	return NO_REQUEST;
}

static void chip_line_set(struct pic_chip *chip, unsigned int line, bool level)
{
	uint8_t bit = (uint8_t)BIT(line);

	if (!level) {
		chip->lines &= ~bit;
		chip->irr &= ~bit;
		return;
	}
	if (!(chip->lines & bit) || line_is_level(chip, line))
		chip->irr |= bit;
	chip->lines |= bit;
}

static void chip_acknowledge(struct pic_chip *chip, unsigned int line)
{
	if (!line_is_level(chip, line))
		chip->irr &= ~BIT(line);
	if (!chip->auto_eoi)
		chip->isr |= BIT(line);
	else if (chip->rotate_on_auto_eoi)
		chip->lowest = (uint8_t)line;
}

static void pic_update(struct pic *pic)
{
	bool intr;

	chip_line_set(&pic->chip[0], PIC_CASCADE, chip_request(&pic->chip[1]) != NO_REQUEST);
	intr = chip_request(&pic->chip[0]) != NO_REQUEST;
	if (intr != pic->intr) {
		pic->intr = intr;
		pic->env->ops->intr_set(pic->env, intr);
	}
}

/* The acknowledge of one chip; a slave's output falls with it, so that it can rise again. */
static int pic_chip_acknowledge(struct pic *pic, struct pic_chip *chip)
{
	int line = chip_request(chip);

	if (line == NO_REQUEST)
		return NO_REQUEST;
	chip_acknowledge(chip, (unsigned int)line);
	if (chip == &pic->chip[1])
		chip_line_set(&pic->chip[0], PIC_CASCADE, false);
	return line;
}

uint8_t pic_acknowledge(struct pic *pic)
{
	struct pic_chip *chip = &pic->chip[0];
	int line = pic_chip_acknowledge(pic, chip);

	if (line == PIC_CASCADE) {
		chip = &pic->chip[1];
		line = pic_chip_acknowledge(pic, chip);
	}
	if (line == NO_REQUEST)
		line = SPURIOUS;
	pic_update(pic);
	return (uint8_t)(chip->vector_base + line);
}

void pic_line_set(struct pic *pic, unsigned int line, bool level)
{
	struct pic_chip *chip = &pic->chip[line / 8 % 2];

	if (line >= PIC_LINES || line == PIC_CASCADE)
		return;
	/* An edge that was not acknowledged is taken back. */
	if (!level && (chip->irr & ~chip->imr & BIT(line % 8)) && !line_is_level(chip, line % 8))
		pic->env->lost_edges++;
	chip_line_set(chip, line % 8, level);
	pic_update(pic);
}

/* ------------------------------------------------------------ command words */

static void chip_initialise(struct pic_chip *chip, uint8_t icw1)
{
	chip->level_mode = icw1 & ICW1_LTIM;
	chip->single = icw1 & ICW1_SNGL;
	chip->needs_icw4 = icw1 & ICW1_IC4;
	chip->imr = 0;
	chip->isr = 0;
	chip->lowest = 7;
	/* The edge sense is reset: an input must fall and rise to ask again. */
	chip->irr = chip->level_mode ? chip->lines : chip->lines & chip->elcr;
	chip->auto_eoi = chip->rotate_on_auto_eoi = false;
	chip->special_mask = chip->special_nested = false;
	chip->read_isr = chip->poll = false;
	chip->init_step = 2;
}

static void chip_icw_write(struct pic_chip *chip, uint8_t value)
{
	switch (chip->init_step) {
	case 2:
		chip->vector_base = value & ICW2_BASE;
		if (!chip->single)
			chip->init_step = 3;
		else
			chip->init_step = chip->needs_icw4 ? 4 : 0;
		break;
	case 3: /* The wiring of the cascade is the PC's, whatever is written. */
		chip->init_step = chip->needs_icw4 ? 4 : 0;
		break;
	default:
		chip->auto_eoi = value & ICW4_AEOI;
		chip->special_nested = value & ICW4_SFNM;
		chip->init_step = 0;
		break;
	}
}

/* The input in service of highest priority, or NO_REQUEST. */
static int chip_in_service(const struct pic_chip *chip)
{
	/* "An IS bit masked by an IMR bit will not be cleared by a nonspecific EOI." */
	uint8_t isr = chip->special_mask ? chip->isr & ~chip->imr : chip->isr;

	for (unsigned int i = 1; i <= 8; i++) {
		unsigned int line = (chip->lowest + i) & 7;

		if (isr & BIT(line))
			return (int)line;
	}
	return NO_REQUEST;
}

static void chip_ocw2_write(struct pic_chip *chip, uint8_t value)
{
	bool rotate = value & 0x80, specific = value & 0x40, eoi = value & 0x20;
	int line = specific ? value & 7 : chip_in_service(chip);

	if (!eoi && !specific) {
		chip->rotate_on_auto_eoi = rotate;
		return;
	}
	if (line == NO_REQUEST)
		return;
	if (eoi)
		chip->isr &= ~BIT(line);
	if (rotate)
		chip->lowest = (uint8_t)line;
}

static void chip_ocw3_write(struct pic_chip *chip, uint8_t value)
{
	if (value & OCW3_ESMM)
		chip->special_mask = value & OCW3_SMM;
	if (value & OCW3_POLL)
		chip->poll = true;
	else if (value & OCW3_RR)
		chip->read_isr = value & OCW3_RIS;
}

static void chip_write(struct pic_chip *chip, unsigned int a0, uint8_t value)
{
	if (a0 && chip->init_step != 0)
		chip_icw_write(chip, value);
	else if (a0)
		chip->imr = value;
	else if (value & ICW1_SELECT)
		chip_initialise(chip, value);
	else if (value & OCW3_SELECT)
		chip_ocw3_write(chip, value);
	else
		chip_ocw2_write(chip, value);
}

static uint8_t chip_read(struct pic *pic, struct pic_chip *chip, unsigned int a0)
{
	if (chip->poll) {
		int line = pic_chip_acknowledge(pic, chip);

		chip->poll = false;
		return line == NO_REQUEST ? 0 : (uint8_t)(POLL_REQUEST | line);
	}
	if (a0)
		return chip->imr;
	return chip->read_isr ? chip->isr : chip->irr;
}

/* ---------------------------------------------------------------- the ports */

static uint32_t pic_io_read(struct device *dev, uint32_t offset, unsigned int size)
{
	struct pic *pic = container_of(dev, struct pic, dev);
	uint8_t value;

	(void)size;
	if (offset >= PIC_OFFSET_ELCR)
		return pic->chip[offset - PIC_OFFSET_ELCR].elcr;
	value = chip_read(pic, &pic->chip[offset / PIC_OFFSET_SLAVE], offset & 1);
	pic_update(pic);
	return value;
}

static void elcr_write(struct pic_chip *chip, uint8_t value)
{
	chip->elcr = value & chip->elcr_mask;
	chip->irr |= chip->lines & chip->elcr;
}

static void pic_io_write(struct device *dev, uint32_t offset, unsigned int size, uint32_t value)
{
	struct pic *pic = container_of(dev, struct pic, dev);

	(void)size;
	if (offset >= PIC_OFFSET_ELCR)
		elcr_write(&pic->chip[offset - PIC_OFFSET_ELCR], (uint8_t)value);
	else
		chip_write(&pic->chip[offset / PIC_OFFSET_SLAVE], offset & 1, (uint8_t)value);
	pic_update(pic);
}

/*
 * The chips have no reset input. This is how a PC's firmware leaves them: vectors of real
 * mode, all inputs masked. The lines keep the level that their devices drive.
 */
static void pic_reset(struct device *dev)
{
	static const uint8_t vector_base[2] = {0x08, 0x70};
	/* The timer, the keyboard, the cascade, the clock and the FPU are always edge. */
	static const uint8_t elcr_mask[2] = {0xf8, 0xde};
	struct pic *pic = container_of(dev, struct pic, dev);

	for (unsigned int i = 0; i < 2; i++)
		pic->chip[i] = (struct pic_chip){
			.lines = pic->chip[i].lines,
			.elcr_mask = elcr_mask[i],
			.vector_base = vector_base[i],
			.imr = 0xff,
			.lowest = 7,
		};
	pic_update(pic);
}

/* ---- state ---- */

#define PIC_BOOL(n, member) DEVICE_FIELD(struct pic, chip[n].member, 1)
#define PIC_CHIP_FIELDS(n)                                                                  \
	DEVICE_FIELD(struct pic, chip[n].irr, 0), DEVICE_FIELD(struct pic, chip[n].imr, 0), \
		DEVICE_FIELD(struct pic, chip[n].isr, 0),                                   \
		DEVICE_FIELD(struct pic, chip[n].lines, 0),                                 \
		DEVICE_FIELD(struct pic, chip[n].elcr, 0),                                  \
		DEVICE_FIELD(struct pic, chip[n].vector_base, 0),                           \
		DEVICE_FIELD(struct pic, chip[n].lowest, 7),                                \
		DEVICE_FIELD(struct pic, chip[n].init_step, 4), PIC_BOOL(n, needs_icw4),    \
		PIC_BOOL(n, single), PIC_BOOL(n, level_mode), PIC_BOOL(n, auto_eoi),        \
		PIC_BOOL(n, rotate_on_auto_eoi), PIC_BOOL(n, special_mask),                 \
		PIC_BOOL(n, special_nested), PIC_BOOL(n, read_isr), PIC_BOOL(n, poll)

static bool pic_valid(const struct device *dev)
{
	const struct pic *pic = container_of(dev, const struct pic, dev);

	for (unsigned int i = 0; i < 2; i++)
		if ((pic->chip[i].elcr & ~pic->chip[i].elcr_mask) || pic->chip[i].init_step == 1)
			return false;
	return true;
}

static const struct device_field pic_fields[] = {
	PIC_CHIP_FIELDS(0),
	PIC_CHIP_FIELDS(1),
	DEVICE_FIELD(struct pic, intr, 1),
};

static const struct device_state pic_state = {
	.version = 1,
	.structure_size = sizeof(struct pic),
	.fields = pic_fields,
	.field_count = ARRAY_SIZE(pic_fields),
	.valid = pic_valid,
};

static const struct device_ops pic_ops = {
	.io_read = pic_io_read,
	.io_write = pic_io_write,
	.reset = pic_reset,
	.state = &pic_state,
};

status_t pic_init(struct pic *pic, struct device_env *env, struct device_bus *bus)
{
	status_t status;

	memset(pic, 0, sizeof(*pic));
	pic->dev = (struct device){.name = "pic", .ops = &pic_ops};
	pic->env = env;
	pic_reset(&pic->dev);
	device_bus_attach(bus, &pic->dev);
	status = device_bus_add_ports(bus, &pic->dev, PIC_MASTER_PORT, 2, PIC_OFFSET_MASTER, 1);
	if (status == STATUS_OK)
		status = device_bus_add_ports(bus, &pic->dev, PIC_SLAVE_PORT, 2, PIC_OFFSET_SLAVE,
					      1);
	if (status == STATUS_OK)
		status = device_bus_add_ports(bus, &pic->dev, PIC_ELCR_PORT, 2, PIC_OFFSET_ELCR, 1);
	return status;
}
