/* SPDX-License-Identifier: MIT */
/*
 * The end of the machine: ACPI's S5 to switch it off (ACPI 6.4, 4.8.3.2 and 7.4.2), the FADT's
 * reset register, the chipset's, the keyboard controller's or a triple fault to restart it. An
 * emulator's exit device, if the command line names its port, is told the code first.
 */
#include <arch/acpi.h>
#include <arch/clock.h>
#include <arch/cr.h>
#include <arch/io.h>
#include <arch/paging.h>
#include <arch/power.h>
#include <arch/serial.h>
#include <kernel/arch.h>
#include <kernel/boot.h>
#include <kernel/console.h>

#define CONTROL_SCI_ENABLE   BIT(0)
#define CONTROL_SLEEP_TYPE   (7u << 10)
#define CONTROL_SLEEP_ENABLE (1u << 13)
#define ENABLE_WAITS	     300 /* of 10 ms, as other systems wait */
#define RESET_CONTROL	     0xcf9
#define RESET_HARD	     0x06
#define KEYBOARD_COMMAND     0x64
#define KEYBOARD_PULSE_RESET 0xfe
#define RESET_WAIT_US	     50000

static struct acpi_fadt power;
static bool can_sleep;
static uint8_t sleep_type[2];
static volatile void *reset_memory;
uint8_t cmos_century;

void power_init(const struct acpi_fadt *fadt)
{
	struct acpi_table dsdt = acpi_table_at(fadt->dsdt, "DSDT");

	power = *fadt;
	cmos_century = fadt->century < 0x80 ? fadt->century : 0;
	can_sleep = fadt->pm1a_control.address && fadt->pm1a_control.space == ACPI_SPACE_PORT &&
		    dsdt_find_s5(&dsdt, sleep_type);
	if (!can_sleep)
		log_warn("acpi: no way to switch the machine off");
	if (fadt->reset.address && fadt->reset.space == ACPI_SPACE_MEMORY)
		reset_memory = device_map(fadt->reset.address, 1);
}

static void control_sleep(const struct acpi_register *control, uint8_t type)
{
	if (!control->address || control->space != ACPI_SPACE_PORT)
		return;
	uint16_t port = (uint16_t)control->address;
	uint32_t value = port_read16(port) & ~(CONTROL_SLEEP_TYPE | CONTROL_SLEEP_ENABLE);

	value |= (uint32_t)(type & 7) << 10;
	port_write16(port, (uint16_t)value);
	port_write16(port, (uint16_t)(value | CONTROL_SLEEP_ENABLE));
}

/* The firmware may have the machine in legacy mode, in which nobody listens. */
static void acpi_mode_enter(void)
{
	uint16_t port = (uint16_t)power.pm1a_control.address;

	if (!power.smi_command || !power.acpi_enable || port_read16(port) & CONTROL_SCI_ENABLE)
		return;
	port_write8(power.smi_command, power.acpi_enable);
	for (uint32_t i = 0; i < ENABLE_WAITS && !(port_read16(port) & CONTROL_SCI_ENABLE); i++)
		clock_wait_us(10000);
}

static void power_off(void)
{
	if (!can_sleep)
		return;
	acpi_mode_enter();
	control_sleep(&power.pm1a_control, sleep_type[0]);
	control_sleep(&power.pm1b_control, sleep_type[1]);
	clock_wait_us(1000000);
}

static void restart_machine(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed nothing = {0, 0};

	if (reset_memory)
		mmio_write8(reset_memory, 0, power.reset_value);
	else if (power.reset.address && power.reset.space == ACPI_SPACE_PORT)
		port_write8((uint16_t)power.reset.address, power.reset_value);
	clock_wait_us(RESET_WAIT_US);
	port_write8(RESET_CONTROL, RESET_HARD);
	clock_wait_us(RESET_WAIT_US);
	port_write8(KEYBOARD_COMMAND, KEYBOARD_PULSE_RESET);
	clock_wait_us(RESET_WAIT_US);
	/* Without a table the breakpoint is a double fault, and that a triple one. */
	__asm__ volatile("lidt %0; int3" : : "m"(nothing));
}

__noreturn void arch_system_end(bool restart, uint8_t code)
{
	uint64_t port;

	interrupts_disable();
	arch_cpus_stop();
	serial_drain();
	if (boot_option_size("debugexit", &port) && port < 0x10000)
		port_write32((uint16_t)port, code);
	if (restart)
		restart_machine();
	else
		power_off();
	for (;;)
		__asm__ volatile("hlt");
}
