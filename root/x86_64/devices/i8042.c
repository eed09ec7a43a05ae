/* SPDX-License-Identifier: MIT */
/*
 * The 8042 without devices. A byte for the keyboard or the mouse is answered as by a line on
 * which nobody is: 0xfe with the timeout bit, so that a driver gives up at once instead of
 * waiting. Commands are those of the IBM PS/2 technical reference, and the pulse commands
 * 0xf0-0xff, whose bit 0 is the processor's reset line.
 */
#include <devices/device_state.h>
#include <devices/i8042.h>

#include <string.h>

enum { OFFSET_DATA = 0, OFFSET_COMMAND = 1, OFFSET_PORT_A = 2 };

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_SYSTEM	   0x04
#define STATUS_COMMAND	   0x08 /* the last byte went to 0x64 */
#define STATUS_UNLOCKED	   0x10
#define STATUS_TIMEOUT	   0x40

#define CONTROL_KEYBOARD_IRQ 0x01
#define CONTROL_SYSTEM	     0x04
#define CONTROL_KEYBOARD_OFF 0x10
#define CONTROL_MOUSE_OFF    0x20

enum kbc_command {
	KBC_READ_CONTROL = 0x20,
	KBC_WRITE_CONTROL = 0x60,
	KBC_MOUSE_OFF = 0xa7,
	KBC_MOUSE_ON = 0xa8,
	KBC_MOUSE_TEST = 0xa9,
	KBC_SELF_TEST = 0xaa,
	KBC_KEYBOARD_TEST = 0xab,
	KBC_KEYBOARD_OFF = 0xad,
	KBC_KEYBOARD_ON = 0xae,
	KBC_READ_OUTPUT_PORT = 0xd0,
	KBC_WRITE_OUTPUT_PORT = 0xd1,
	KBC_KEYBOARD_LOOP = 0xd2,
	KBC_MOUSE_LOOP = 0xd3,
	KBC_MOUSE_WRITE = 0xd4,
	KBC_PULSE = 0xf0, /* to 0xff */
};

#define SELF_TEST_PASSED     0x55
#define TEST_CLOCK_STUCK_LOW 0x01 /* what the line test finds on an empty connector */
#define TEST_PASSED	     0x00
#define ANSWER_RESEND	     0xfe
#define OUTPUT_PORT_RUN	     0x01 /* not reset */
#define OUTPUT_PORT_RESET    0xcf
#define PORT_A_RESET	     0x01
#define PORT_A_A20	     0x02

static void kbc_answer(struct i8042 *kbc, uint8_t byte, uint8_t status)
{
	kbc->output = byte;
	kbc->status = (kbc->status & ~STATUS_TIMEOUT) | STATUS_OUTPUT_FULL | status;
	device_irq_set(kbc->env, kbc->gsi, kbc->control & CONTROL_KEYBOARD_IRQ);
}

static void output_port_write(struct i8042 *kbc, uint8_t value)
{
	kbc->output_port = value;
	if (!(value & OUTPUT_PORT_RUN))
		kbc->env->ops->power(kbc->env, DEVICE_POWER_RESET, 0);
}

static void command_write(struct i8042 *kbc, uint8_t command)
{
	kbc->status |= STATUS_COMMAND;
	kbc->command = 0;
	if (command >= KBC_PULSE) {
		if (!(command & OUTPUT_PORT_RUN))
			kbc->env->ops->power(kbc->env, DEVICE_POWER_RESET, 0);
		return;
	}
	switch ((enum kbc_command)command) {
	case KBC_READ_CONTROL: kbc_answer(kbc, kbc->control, 0); break;
	case KBC_MOUSE_OFF: kbc->control |= CONTROL_MOUSE_OFF; break;
	case KBC_MOUSE_ON: kbc->control &= ~CONTROL_MOUSE_OFF; break;
	case KBC_MOUSE_TEST: kbc_answer(kbc, TEST_CLOCK_STUCK_LOW, 0); break;
	case KBC_SELF_TEST: kbc_answer(kbc, SELF_TEST_PASSED, 0); break;
	case KBC_KEYBOARD_TEST: kbc_answer(kbc, TEST_PASSED, 0); break;
	case KBC_KEYBOARD_OFF: kbc->control |= CONTROL_KEYBOARD_OFF; break;
	case KBC_KEYBOARD_ON: kbc->control &= ~CONTROL_KEYBOARD_OFF; break;
	case KBC_READ_OUTPUT_PORT: kbc_answer(kbc, kbc->output_port, 0); break;
	case KBC_WRITE_CONTROL:
	case KBC_WRITE_OUTPUT_PORT:
	case KBC_KEYBOARD_LOOP:
	case KBC_MOUSE_LOOP:
	case KBC_MOUSE_WRITE: kbc->command = command; break;
	default: break;
	}
}

/* A byte at 0x60: for the command that waits for it, or else for the keyboard. */
static void data_write(struct i8042 *kbc, uint8_t value)
{
	uint8_t command = kbc->command;

	kbc->status &= ~STATUS_COMMAND;
	kbc->command = 0;
	switch (command) {
	case KBC_WRITE_CONTROL:
		kbc->control = value;
		kbc->status = (kbc->status & ~STATUS_SYSTEM) |
			      (value & CONTROL_SYSTEM ? STATUS_SYSTEM : 0);
		break;
	case KBC_WRITE_OUTPUT_PORT: output_port_write(kbc, value); break;
	case KBC_KEYBOARD_LOOP:
	case KBC_MOUSE_LOOP: kbc_answer(kbc, value, 0); break; /* never "from the mouse" */
	default: kbc_answer(kbc, ANSWER_RESEND, STATUS_TIMEOUT); break;
	}
}

static uint8_t data_read(struct i8042 *kbc)
{
	kbc->status &= ~(STATUS_OUTPUT_FULL | STATUS_TIMEOUT);
	device_irq_set(kbc->env, kbc->gsi, false);
	return kbc->output;
}

/* Bit 0's rising edge resets; bit 1 is the other way to the A20 gate. */
static void port_a_write(struct i8042 *kbc, uint8_t value)
{
	bool reset = (value & PORT_A_RESET) && !(kbc->port_a & PORT_A_RESET);

	kbc->port_a = value & (PORT_A_RESET | PORT_A_A20);
	if (reset)
		kbc->env->ops->power(kbc->env, DEVICE_POWER_RESET, 0);
}

static uint32_t i8042_io_read(struct device *dev, uint32_t offset, unsigned int size)
{
	struct i8042 *kbc = container_of(dev, struct i8042, dev);

	(void)size;
	switch (offset) {
	case OFFSET_DATA: return data_read(kbc);
	case OFFSET_COMMAND: return kbc->status;
	default: return kbc->port_a;
	}
}

static void i8042_io_write(struct device *dev, uint32_t offset, unsigned int size, uint32_t value)
{
	struct i8042 *kbc = container_of(dev, struct i8042, dev);

	(void)size;
	switch (offset) {
	case OFFSET_DATA: data_write(kbc, (uint8_t)value); break;
	case OFFSET_COMMAND: command_write(kbc, (uint8_t)value); break;
	default: port_a_write(kbc, (uint8_t)value); break;
	}
}

static void i8042_reset(struct device *dev)
{
	struct i8042 *kbc = container_of(dev, struct i8042, dev);

	kbc->command = kbc->output = 0;
	kbc->control = CONTROL_SYSTEM | CONTROL_KEYBOARD_OFF | CONTROL_MOUSE_OFF;
	kbc->status = STATUS_SYSTEM | STATUS_UNLOCKED;
	kbc->output_port = OUTPUT_PORT_RESET;
	kbc->port_a = PORT_A_A20;
	device_irq_set(kbc->env, kbc->gsi, false);
}

/* ---- state ---- */

static const struct device_field i8042_fields[] = {
	DEVICE_FIELD(struct i8042, command, 0),	    DEVICE_FIELD(struct i8042, control, 0),
	DEVICE_FIELD(struct i8042, output_port, 0), DEVICE_FIELD(struct i8042, output, 0),
	DEVICE_FIELD(struct i8042, status, 0),	    DEVICE_FIELD(struct i8042, port_a, 0),
};

static const struct device_state i8042_state = {
	.version = 1,
	.structure_size = sizeof(struct i8042),
	.fields = i8042_fields,
	.field_count = ARRAY_SIZE(i8042_fields),
};

static const struct device_ops i8042_ops = {
	.io_read = i8042_io_read,
	.io_write = i8042_io_write,
	.reset = i8042_reset,
	.state = &i8042_state,
};

status_t i8042_init(struct i8042 *kbc, struct device_env *env, struct device_bus *bus,
		    unsigned int gsi)
{
	status_t status;

	memset(kbc, 0, sizeof(*kbc));
	kbc->dev = (struct device){.name = "i8042", .ops = &i8042_ops};
	kbc->env = env;
	kbc->gsi = gsi;
	i8042_reset(&kbc->dev);
	device_bus_attach(bus, &kbc->dev);
	status = device_bus_add_ports(bus, &kbc->dev, I8042_DATA_PORT, 1, OFFSET_DATA, 1);
	if (status == STATUS_OK)
		status = device_bus_add_ports(bus, &kbc->dev, I8042_COMMAND_PORT, 1, OFFSET_COMMAND,
					      1);
	if (status == STATUS_OK)
		status = device_bus_add_ports(bus, &kbc->dev, I8042_PORT_A, 1, OFFSET_PORT_A, 1);
	return status;
}
