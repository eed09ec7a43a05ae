/* SPDX-License-Identifier: MIT */
/*
 * What bare-metal test kernels find on QEMU when it is started for them:
 *
 * - pc-testdev: a 4-byte latch at ports 0xe0-0xe3 (all sizes) and again at 0xe8-0xeb (wider
 *   accesses split into bytes); 0xe4, which drops a page from the host's page tables, and
 *   where we have nothing to do; 64 KiB of memory that is a device at 0xff000000; and the
 *   level of interrupt line n at port 0x2000 + n.
 * - isa-debug-exit: a write to 0xf4-0xf7 ends the machine with that status.
 * - the debug console: bytes written to 0x402 are output; it reads 0xe9. (Port 0xe9 itself,
 *   where it sits on other machines, belongs to the latch.)
 */
#ifndef DEVICES_QEMU_TEST_H
#define DEVICES_QEMU_TEST_H

#include <devices/device.h>

#define TESTDEV_LATCH_PORT	0xe0u
#define TESTDEV_FLUSH_PORT	0xe4u
#define TESTDEV_BYTE_LATCH_PORT 0xe8u
#define TESTDEV_IRQ_PORT	0x2000u
#define TESTDEV_IRQS		24u
#define TESTDEV_MEMORY_BASE	0xff000000ull
#define TESTDEV_MEMORY_SIZE	KIB(64)
#define DEBUG_EXIT_PORT		0xf4u
#define DEBUG_CONSOLE_PORT	0x402u
#define DEBUG_CONSOLE_SIGN	0xe9u
#define DEBUG_CONSOLE_LINE	128u

struct testdev {
	struct device dev;
	struct device_env *env;
	uint32_t latch;
	uint32_t lines;	 /* interrupt lines that the guest has raised here */
	uint8_t *memory; /* TESTDEV_MEMORY_SIZE bytes */
};

/* The value written goes to power(DEVICE_POWER_EXIT) as it is; QEMU's own exit status would
 * be value * 2 + 1. */
struct debug_exit {
	struct device dev;
	struct device_env *env;
};

/* Bytes are handed over by the line, or when the buffer is full. */
struct debug_console {
	struct device dev;
	struct device_env *env;
	unsigned int console;
	uint8_t line[DEBUG_CONSOLE_LINE];
	uint32_t count;
};

/* NO_MEMORY, or the statuses of the bus. */
status_t testdev_init(struct testdev *testdev, struct device_env *env, struct device_bus *bus);
/* Give the memory back. */
void testdev_destroy(struct testdev *testdev);

status_t debug_exit_init(struct debug_exit *exit, struct device_env *env, struct device_bus *bus);

status_t debug_console_init(struct debug_console *con, struct device_env *env,
			    struct device_bus *bus, unsigned int console);
/* Hand over what waits; bytes that the console does not take are lost. */
void debug_console_flush(struct debug_console *con);

#endif
