/* SPDX-License-Identifier: MIT */
/*
 * The devices of one partition, put together as a PC: what sits where, and what is wired to
 * what. This is the front door for the VMM, which gives an environment and gets a bus.
 *
 *     GSI  0 PIT    1 8042    4 COM1    8 RTC    9 SCI    2, 3, 5-7, 10-23 free
 *
 * The environment's irq_line_set() is to call platform_irq_set(). Every call is made under
 * the partition's lock.
 */
#ifndef DEVICES_PLATFORM_H
#define DEVICES_PLATFORM_H

#include <devices/acpi_pm.h>
#include <devices/device.h>
#include <devices/fw_cfg.h>
#include <devices/hpet.h>
#include <devices/hyperv_test.h>
#include <devices/i8042.h>
#include <devices/ioapic.h>
#include <devices/irq_router.h>
#include <devices/pci_config.h>
#include <devices/pic8259.h>
#include <devices/pit8254.h>
#include <devices/qemu_test.h>
#include <devices/rtc.h>
#include <devices/uart16550.h>

#define PLATFORM_COM1_PORT     0x3f8u
#define PLATFORM_COM1_GSI      4u
#define PLATFORM_COM1_CONSOLE  0u /* the console numbers of console_write() */
#define PLATFORM_DEBUG_CONSOLE 1u

struct platform_config {
	int64_t epoch_seconds;	  /* UTC now, since 1970 */
	uint64_t memory_below_4g; /* bytes of RAM */
	uint64_t memory_above_4g;
	uint16_t vp_count;
	bool hpet;
	bool qemu_compat; /* fw_cfg, pc-testdev, debug-exit, debug console */
	const struct hyperv_test_host
		*hyperv_test; /* with qemu_compat: hyperv-testdev; NULL: none */
};

struct platform {
	struct device_env *env;
	struct device_bus bus;
	struct irq_router router;
	struct pic pic;
	struct ioapic ioapic;
	struct pit pit;
	struct rtc rtc;
	struct acpi_pm pm;
	struct pci_config pci;
	struct i8042 kbc;
	struct uart com1;
	struct hpet hpet;
	struct fw_cfg fw_cfg;
	struct testdev testdev;
	struct debug_exit debug_exit;
	struct debug_console debug_console;
	struct hyperv_test hyperv_test;
	bool qemu_compat;
};

/*
 * Build the machine. @env must be initialised and must outlive the platform; its callbacks
 * may be called from here on. On failure (NO_MEMORY) nothing is left behind.
 */
status_t platform_init(struct platform *p, struct device_env *env,
		       const struct platform_config *config);

/* Cancel all timers and give the memory back. Flush the consoles first if they matter. */
void platform_destroy(struct platform *p);

/* All devices to the state after RESET#. */
void platform_reset(struct platform *p);

/* Interrupt line @gsi goes to @level. */
void platform_irq_set(struct platform *p, unsigned int gsi, bool level);

/* A local APIC broadcasts the EOI of a level-triggered @vector. */
void platform_eoi(struct platform *p, uint8_t vector);

/* The processor takes the interrupt that INTR announced: answers its vector. */
uint8_t platform_intr_acknowledge(struct platform *p);

/* Bytes for the console's serial port. Answers how many it took; offer the rest again later. */
size_t platform_input(struct platform *p, const uint8_t *bytes, size_t count);

/* Offer all waiting output to the consoles. */
void platform_flush(struct platform *p);

#endif
