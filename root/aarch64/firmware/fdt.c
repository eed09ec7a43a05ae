/* SPDX-License-Identifier: MIT */
/* Nodes and properties as the bindings of Linux's Documentation/devicetree name them. */
#include <firmware/fdt.h>

#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include <firmware/platform.h>
#include <firmware/uefi.h>

enum { PHANDLE_GIC = 1, PHANDLE_CLOCK, PHANDLE_GPIO };

/* Cells of interrupts (arm,gic-v3.yaml), and of a GPIO. */
#define GIC_SPI	    0u
#define GIC_PPI	    1u
#define LEVEL_HIGH  4u
#define ACTIVE_HIGH 0u
#define INTID_SPI   32u
#define INTID_PPI   16u

#define CLOCK_HZ	     24000000u
#define KEY_POWER	     116u /* Linux's input-event-codes.h */
#define NAME_SIZE	     32u
#define SECURE_BOOT_DISABLED 2u /* Linux's enum efi_secureboot_mode */

/* The first error stays; what follows then does nothing. */
struct tree {
	void *fdt;
	int error;
};

static void note(struct tree *t, int error)
{
	if (!t->error)
		t->error = error;
}

static void node_begin(struct tree *t, const char *name)
{
	note(t, fdt_begin_node(t->fdt, name));
}

static void device_begin(struct tree *t, const char *name, gpa_t address)
{
	char full[NAME_SIZE];

	snprintf(full, sizeof(full), "%s@%llx", name, (unsigned long long)address);
	node_begin(t, full);
}

static void node_end(struct tree *t)
{
	note(t, fdt_end_node(t->fdt));
}

static void text(struct tree *t, const char *name, const char *value)
{
	note(t, fdt_property_string(t->fdt, name, value));
}

/* Two strings, each with its NUL. */
static void texts(struct tree *t, const char *name, const char *first, const char *second)
{
	char both[2 * NAME_SIZE];
	size_t length = strlen(first) + 1;

	memcpy(both, first, length);
	memcpy(both + length, second, strlen(second) + 1);
	note(t, fdt_property(t->fdt, name, both, (int)(length + strlen(second) + 1)));
}

static void flag(struct tree *t, const char *name)
{
	note(t, fdt_property(t->fdt, name, NULL, 0));
}

static void cell(struct tree *t, const char *name, uint32_t value)
{
	note(t, fdt_property_u32(t->fdt, name, value));
}

static void cells(struct tree *t, const char *name, const uint32_t *values, size_t count)
{
	uint32_t big[16];

	for (size_t i = 0; i < count; i++)
		big[i] = cpu_to_fdt32(values[i]);
	note(t, fdt_property(t->fdt, name, big, (int)(count * sizeof(big[0]))));
}

static void wide(struct tree *t, const char *name, uint64_t value)
{
	note(t, fdt_property_u64(t->fdt, name, value));
}

static void registers(struct tree *t, gpa_t base, uint64_t size)
{
	const uint32_t values[] = {(uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32),
				   (uint32_t)size};

	cells(t, "reg", values, ARRAY_SIZE(values));
}

static void interrupt(struct tree *t, uint32_t intid)
{
	const uint32_t values[] = {GIC_SPI, intid - INTID_SPI, LEVEL_HIGH};

	cells(t, "interrupts", values, ARRAY_SIZE(values));
}

/* ---- nodes ---- */

static void chosen(struct tree *t, const struct fdt_config *config)
{
	char path[NAME_SIZE];

	node_begin(t, "chosen");
	text(t, "bootargs", config->cmdline);
	if (config->initrd_size) {
		wide(t, "linux,initrd-start", config->initrd);
		wide(t, "linux,initrd-end", config->initrd + config->initrd_size);
	}
	if (config->uefi_system_table) {
		wide(t, "linux,uefi-system-table", config->uefi_system_table);
		wide(t, "linux,uefi-mmap-start", config->uefi_memory_map);
		cell(t, "linux,uefi-mmap-size", config->uefi_memory_map_size);
		cell(t, "linux,uefi-mmap-desc-size", UEFI_DESCRIPTOR_SIZE);
		cell(t, "linux,uefi-mmap-desc-ver", UEFI_DESCRIPTOR_VERSION);
		/* Debian's kernel wants it, too. */
		cell(t, "linux,uefi-secure-boot", SECURE_BOOT_DISABLED);
	}
	if (!config->stub) {
		snprintf(path, sizeof(path), "/pl011@%llx", PLATFORM_UART_BASE);
		text(t, "stdout-path", path);
	}
	node_end(t);
}

static void memory(struct tree *t, const struct fdt_config *config)
{
	device_begin(t, "memory", config->memory_base);
	text(t, "device_type", "memory");
	registers(t, config->memory_base, config->memory_size);
	node_end(t);
}

static void cpus(struct tree *t, uint32_t count)
{
	node_begin(t, "cpus");
	cell(t, "#address-cells", 1);
	cell(t, "#size-cells", 0);
	for (uint32_t vp = 0; vp < count && !t->error; vp++) {
		device_begin(t, "cpu", platform_mpidr(vp));
		text(t, "device_type", "cpu");
		text(t, "compatible", "arm,armv8");
		cell(t, "reg", (uint32_t)platform_mpidr(vp));
		text(t, "enable-method", "psci");
		node_end(t);
	}
	node_end(t);
	node_begin(t, "psci");
	texts(t, "compatible", "arm,psci-1.0", "arm,psci-0.2");
	text(t, "method", "hvc");
	node_end(t);
}

static void timer(struct tree *t)
{
	const uint32_t interrupts[] = {
		GIC_PPI, PLATFORM_TIMER_SECURE - INTID_PPI,	LEVEL_HIGH,
		GIC_PPI, PLATFORM_TIMER_PHYSICAL - INTID_PPI,	LEVEL_HIGH,
		GIC_PPI, PLATFORM_TIMER_VIRTUAL - INTID_PPI,	LEVEL_HIGH,
		GIC_PPI, PLATFORM_TIMER_HYPERVISOR - INTID_PPI, LEVEL_HIGH,
	};

	node_begin(t, "timer");
	texts(t, "compatible", "arm,armv8-timer", "arm,armv7-timer");
	flag(t, "always-on");
	cells(t, "interrupts", interrupts, ARRAY_SIZE(interrupts));
	node_end(t);
}

static void interrupt_controller(struct tree *t, uint32_t vp_count)
{
	gpa_t redistributors = platform_gicr_base(vp_count);
	uint64_t size = vp_count * PLATFORM_GICR_SIZE;
	const uint32_t reg[] = {
		0, (uint32_t)PLATFORM_GICD_BASE, 0, (uint32_t)PLATFORM_GICD_SIZE,
		0, (uint32_t)redistributors,	 0, (uint32_t)size,
	};

	device_begin(t, "interrupt-controller", PLATFORM_GICD_BASE);
	text(t, "compatible", "arm,gic-v3");
	cell(t, "#interrupt-cells", 3);
	flag(t, "interrupt-controller");
	cells(t, "reg", reg, ARRAY_SIZE(reg));
	cell(t, "phandle", PHANDLE_GIC);
	node_end(t);
}

static void clock(struct tree *t)
{
	node_begin(t, "apb-pclk");
	text(t, "compatible", "fixed-clock");
	cell(t, "#clock-cells", 0);
	cell(t, "clock-frequency", CLOCK_HZ);
	text(t, "clock-output-names", "clk24mhz");
	cell(t, "phandle", PHANDLE_CLOCK);
	node_end(t);
}

/* Begins a PrimeCell's node, with the clock of its bus. */
static void primecell_begin(struct tree *t, const char *name, gpa_t base, uint32_t intid)
{
	char compatible[NAME_SIZE];

	snprintf(compatible, sizeof(compatible), "arm,%s", name);
	device_begin(t, name, base);
	texts(t, "compatible", compatible, "arm,primecell");
	registers(t, base, KIB(4));
	interrupt(t, intid);
}

static void serial_port(struct tree *t)
{
	const uint32_t clocks[] = {PHANDLE_CLOCK, PHANDLE_CLOCK};

	primecell_begin(t, "pl011", PLATFORM_UART_BASE, PLATFORM_UART_INTID);
	cells(t, "clocks", clocks, ARRAY_SIZE(clocks));
	texts(t, "clock-names", "uartclk", "apb_pclk");
	node_end(t);
}

static void real_time_clock(struct tree *t)
{
	primecell_begin(t, "pl031", PLATFORM_RTC_BASE, PLATFORM_RTC_INTID);
	cell(t, "clocks", PHANDLE_CLOCK);
	text(t, "clock-names", "apb_pclk");
	node_end(t);
}

static void power_key(struct tree *t)
{
	const uint32_t key[] = {PHANDLE_GPIO, PLATFORM_POWER_KEY_LINE, ACTIVE_HIGH};

	primecell_begin(t, "pl061", PLATFORM_GPIO_BASE, PLATFORM_GPIO_INTID);
	cell(t, "clocks", PHANDLE_CLOCK);
	text(t, "clock-names", "apb_pclk");
	flag(t, "gpio-controller");
	cell(t, "#gpio-cells", 2);
	cell(t, "phandle", PHANDLE_GPIO);
	node_end(t);

	node_begin(t, "gpio-keys");
	text(t, "compatible", "gpio-keys");
	node_begin(t, "poweroff");
	text(t, "label", "GPIO Key Poweroff");
	cell(t, "linux,code", KEY_POWER);
	cells(t, "gpios", key, ARRAY_SIZE(key));
	node_end(t);
	node_end(t);
}

static void devices(struct tree *t, const struct fdt_config *config)
{
	memory(t, config);
	cpus(t, config->vp_count);
	timer(t);
	interrupt_controller(t, config->vp_count);
	clock(t);
	serial_port(t);
	real_time_clock(t);
	power_key(t);
}

static void root(struct tree *t, const struct fdt_config *config)
{
	node_begin(t, "");
	cell(t, "#address-cells", 2);
	cell(t, "#size-cells", 2);
	if (!config->stub) {
		text(t, "compatible", "linux,dummy-virt");
		text(t, "model", "trivet");
		cell(t, "interrupt-parent", PHANDLE_GIC);
		devices(t, config);
	}
	chosen(t, config);
	node_end(t);
}

status_t fdt_build(const struct fdt_config *config, void *buffer, size_t size)
{
	struct tree t = {.fdt = buffer};

	if (config->vp_count == 0 || config->vp_count > PLATFORM_GICR_MANY)
		return STATUS_INVALID_ARGUMENT;
	if (size > INT32_MAX)
		return STATUS_TOO_LARGE;
	note(&t, fdt_create(buffer, (int)size));
	note(&t, fdt_finish_reservemap(buffer));
	root(&t, config);
	note(&t, fdt_finish(buffer));
	/* The calls are in order: what can fail is room. */
	return t.error ? STATUS_TOO_LARGE : STATUS_OK;
}
