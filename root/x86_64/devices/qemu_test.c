/* SPDX-License-Identifier: MIT */
/* The test devices of QEMU's PC: a latch, memory that traps, interrupt lines, an end. */
#include <devices/device_state.h>
#include <devices/qemu_test.h>

#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------- pc-testdev */

/* Offsets on the bus: the latch from 0 under both of its addresses, the lines far away. */
#define OFFSET_FLUSH 0x10u
#define OFFSET_IRQ   0x100u

static uint32_t testdev_io_read(struct device *dev, uint32_t offset, unsigned int size)
{
	const struct testdev *testdev = container_of(dev, struct testdev, dev);

	(void)size;
	if (offset >= sizeof(testdev->latch))
		return 0; /* the page flush and the lines cannot be read */
	return testdev->latch >> 8 * offset;
}

static void testdev_line_set(struct testdev *testdev, unsigned int line, bool level)
{
	uint32_t bit = (uint32_t)BIT(line);

	testdev->lines = level ? testdev->lines | bit : testdev->lines & ~bit;
	device_irq_set(testdev->env, line, level);
}

static void testdev_io_write(struct device *dev, uint32_t offset, unsigned int size, uint32_t value)
{
	struct testdev *testdev = container_of(dev, struct testdev, dev);
	uint32_t written = (uint32_t)device_size_mask(size);

	if (offset >= OFFSET_IRQ)
		testdev_line_set(testdev, offset - OFFSET_IRQ, value != 0);
	else if (offset < sizeof(testdev->latch))
		testdev->latch = (testdev->latch & ~(written << 8 * offset)) | value << 8 * offset;
}

static uint64_t testdev_mmio_read(struct device *dev, uint64_t offset, unsigned int size)
{
	struct testdev *testdev = container_of(dev, struct testdev, dev);
	uint64_t value = 0;

	memcpy(&value, &testdev->memory[offset], size);
	return value;
}

static void testdev_mmio_write(struct device *dev, uint64_t offset, unsigned int size,
			       uint64_t value)
{
	struct testdev *testdev = container_of(dev, struct testdev, dev);

	memcpy(&testdev->memory[offset], &value, size);
}

static void testdev_reset(struct device *dev)
{
	struct testdev *testdev = container_of(dev, struct testdev, dev);

	testdev->latch = 0;
	for (unsigned int line = 0; line < TESTDEV_IRQS; line++)
		if (testdev->lines & BIT(line))
			testdev_line_set(testdev, line, false);
	memset(testdev->memory, 0, TESTDEV_MEMORY_SIZE);
}

static const struct device_field testdev_fields[] = {
	DEVICE_FIELD(struct testdev, latch, 0),
	DEVICE_BITS(struct testdev, lines, MASK(TESTDEV_IRQS)),
	DEVICE_POINTED(struct testdev, memory, TESTDEV_MEMORY_SIZE),
};

static const struct device_state testdev_state = {
	.version = 1,
	.structure_size = sizeof(struct testdev),
	.fields = testdev_fields,
	.field_count = ARRAY_SIZE(testdev_fields),
};

static const struct device_ops testdev_ops = {
	.io_read = testdev_io_read,
	.io_write = testdev_io_write,
	.mmio_read = testdev_mmio_read,
	.mmio_write = testdev_mmio_write,
	.reset = testdev_reset,
	.state = &testdev_state,
};

status_t testdev_init(struct testdev *testdev, struct device_env *env, struct device_bus *bus)
{
	static const struct {
		uint16_t port, count, offset, max_size;
	} ranges[] = {
		{TESTDEV_LATCH_PORT, 4, 0, 4},
		{TESTDEV_BYTE_LATCH_PORT, 4, 0, 1},
		{TESTDEV_FLUSH_PORT, 4, OFFSET_FLUSH, 4},
		{TESTDEV_IRQ_PORT, TESTDEV_IRQS, OFFSET_IRQ, 1},
	};
	status_t status = STATUS_OK;

	memset(testdev, 0, sizeof(*testdev));
	testdev->dev = (struct device){.name = "pc-testdev", .ops = &testdev_ops};
	testdev->env = env;
	testdev->memory = calloc(1, TESTDEV_MEMORY_SIZE);
	if (!testdev->memory)
		return STATUS_NO_MEMORY;
	device_bus_attach(bus, &testdev->dev);
	for (size_t i = 0; i < ARRAY_SIZE(ranges) && status == STATUS_OK; i++)
		status = device_bus_add_ports(bus, &testdev->dev, ranges[i].port, ranges[i].count,
					      ranges[i].offset, ranges[i].max_size);
	if (status == STATUS_OK)
		status = device_bus_add_mmio(bus, &testdev->dev, TESTDEV_MEMORY_BASE,
					     TESTDEV_MEMORY_SIZE, 0, 8);
	return status;
}

void testdev_destroy(struct testdev *testdev)
{
	free(testdev->memory);
	testdev->memory = NULL;
}

/* ---------------------------------------------------------- isa-debug-exit */

static uint32_t debug_exit_read(struct device *dev, uint32_t offset, unsigned int size)
{
	(void)dev, (void)offset, (void)size;
	return 0;
}

static void debug_exit_write(struct device *dev, uint32_t offset, unsigned int size, uint32_t value)
{
	struct debug_exit *exit = container_of(dev, struct debug_exit, dev);

	(void)offset, (void)size;
	exit->env->ops->power(exit->env, DEVICE_POWER_EXIT, value);
}

static const struct device_ops debug_exit_ops = {
	.io_read = debug_exit_read,
	.io_write = debug_exit_write,
};

status_t debug_exit_init(struct debug_exit *exit, struct device_env *env, struct device_bus *bus)
{
	exit->dev = (struct device){.name = "debug-exit", .ops = &debug_exit_ops};
	exit->env = env;
	device_bus_attach(bus, &exit->dev);
	return device_bus_add_ports(bus, &exit->dev, DEBUG_EXIT_PORT, 4, 0, 4);
}

/* ------------------------------------------------------- the debug console */

void debug_console_flush(struct debug_console *con)
{
	if (con->count)
		(void)con->env->ops->console_write(con->env, con->console, con->line, con->count);
	con->count = 0;
}

static uint32_t debug_console_read(struct device *dev, uint32_t offset, unsigned int size)
{
	(void)dev, (void)offset, (void)size;
	return DEBUG_CONSOLE_SIGN;
}

static void debug_console_write(struct device *dev, uint32_t offset, unsigned int size,
				uint32_t value)
{
	struct debug_console *con = container_of(dev, struct debug_console, dev);

	(void)offset, (void)size;
	con->line[con->count++] = (uint8_t)value;
	if (value == '\n' || con->count == sizeof(con->line))
		debug_console_flush(con);
}

static void debug_console_reset(struct device *dev)
{
	debug_console_flush(container_of(dev, struct debug_console, dev));
}

static const struct device_field debug_console_fields[] = {
	DEVICE_ARRAY(struct debug_console, line, 0),
	DEVICE_FIELD(struct debug_console, count, DEBUG_CONSOLE_LINE - 1),
};

static const struct device_state debug_console_state = {
	.version = 1,
	.structure_size = sizeof(struct debug_console),
	.fields = debug_console_fields,
	.field_count = ARRAY_SIZE(debug_console_fields),
};

static const struct device_ops debug_console_ops = {
	.io_read = debug_console_read,
	.io_write = debug_console_write,
	.reset = debug_console_reset,
	.state = &debug_console_state,
};

status_t debug_console_init(struct debug_console *con, struct device_env *env,
			    struct device_bus *bus, unsigned int console)
{
	memset(con, 0, sizeof(*con));
	con->dev = (struct device){.name = "debug-console", .ops = &debug_console_ops};
	con->env = env;
	con->console = console;
	device_bus_attach(bus, &con->dev);
	return device_bus_add_ports(bus, &con->dev, DEBUG_CONSOLE_PORT, 1, 0, 1);
}
