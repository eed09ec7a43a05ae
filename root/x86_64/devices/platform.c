/* SPDX-License-Identifier: MIT */
/* The PC: one call for each device, in the order in which they are reset. */
#include <devices/platform.h>

#include <string.h>

static status_t interrupts_init(struct platform *p)
{
	status_t status = pic_init(&p->pic, p->env, &p->bus);

	irq_router_init(&p->router, &p->pic, &p->ioapic);
	device_bus_attach(&p->bus, &p->router.dev);
	if (status == STATUS_OK)
		status = ioapic_init(&p->ioapic, p->env, &p->bus, IOAPIC_BASE);
	return status;
}

static status_t clocks_init(struct platform *p, const struct platform_config *config)
{
	const struct rtc_config rtc = {
		.epoch_seconds = config->epoch_seconds,
		.memory_below_4g = config->memory_below_4g,
		.memory_above_4g = config->memory_above_4g,
	};
	status_t status = pit_init(&p->pit, p->env, &p->bus, IRQ_TIMER);

	if (status == STATUS_OK)
		status = rtc_init(&p->rtc, p->env, &p->bus, RTC_GSI, &rtc);
	if (status == STATUS_OK && config->hpet)
		status = hpet_init(&p->hpet, p->env, &p->bus, HPET_BASE);
	return status;
}

static status_t chipset_init(struct platform *p)
{
	const struct acpi_pm_config pm = {
		.port = ACPI_PM_PORT, .gsi = ACPI_PM_SCI, .timer_32bit = true};
	const struct uart_config com1 = {.port = PLATFORM_COM1_PORT,
					 .gsi = PLATFORM_COM1_GSI,
					 .console = PLATFORM_COM1_CONSOLE};
	status_t status = acpi_pm_init(&p->pm, p->env, &p->bus, &pm);

	if (status == STATUS_OK)
		status = pci_config_init(&p->pci, p->env, &p->bus);
	if (status == STATUS_OK)
		status = i8042_init(&p->kbc, p->env, &p->bus, I8042_GSI);
	if (status == STATUS_OK)
		status = uart_init(&p->com1, p->env, &p->bus, &com1);
	return status;
}

static status_t qemu_init(struct platform *p, const struct platform_config *config)
{
	const struct fw_cfg_config fw_cfg = {
		.ram_size = config->memory_below_4g + config->memory_above_4g,
		.vp_count = config->vp_count,
	};
	status_t status = fw_cfg_init(&p->fw_cfg, p->env, &p->bus, &fw_cfg);

	if (status == STATUS_OK)
		status = testdev_init(&p->testdev, p->env, &p->bus);
	if (status == STATUS_OK)
		status = debug_exit_init(&p->debug_exit, p->env, &p->bus);
	if (status == STATUS_OK)
		status = debug_console_init(&p->debug_console, p->env, &p->bus,
					    PLATFORM_DEBUG_CONSOLE);
	if (status == STATUS_OK && config->hyperv_test)
		status = hyperv_test_init(&p->hyperv_test, p->env, &p->bus, config->hyperv_test);
	return status;
}

status_t platform_init(struct platform *p, struct device_env *env,
		       const struct platform_config *config)
{
	status_t status;

	memset(p, 0, sizeof(*p));
	p->env = env;
	p->qemu_compat = config->qemu_compat;
	status = device_bus_init(&p->bus);
	if (status != STATUS_OK)
		return status;
	status = interrupts_init(p);
	if (status == STATUS_OK)
		status = clocks_init(p, config);
	if (status == STATUS_OK)
		status = chipset_init(p);
	if (status == STATUS_OK && config->qemu_compat)
		status = qemu_init(p, config);
	if (status != STATUS_OK)
		platform_destroy(p);
	return status;
}

void platform_destroy(struct platform *p)
{
	while (p->env->timers)
		device_timer_cancel(p->env, p->env->timers);
	hyperv_test_destroy(&p->hyperv_test);
	fw_cfg_destroy(&p->fw_cfg);
	testdev_destroy(&p->testdev);
	device_bus_destroy(&p->bus);
}

void platform_reset(struct platform *p)
{
	device_bus_reset(&p->bus);
}

void platform_irq_set(struct platform *p, unsigned int gsi, bool level)
{
	irq_router_set(&p->router, gsi, level);
}

void platform_eoi(struct platform *p, uint8_t vector)
{
	ioapic_eoi(&p->ioapic, vector);
}

uint8_t platform_intr_acknowledge(struct platform *p)
{
	return pic_acknowledge(&p->pic);
}

size_t platform_input(struct platform *p, const uint8_t *bytes, size_t count)
{
	return uart_input(&p->com1, bytes, count);
}

void platform_flush(struct platform *p)
{
	uart_flush(&p->com1);
	if (p->qemu_compat)
		debug_console_flush(&p->debug_console);
}
