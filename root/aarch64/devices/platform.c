/* SPDX-License-Identifier: MIT */
#include <devices/platform.h>

#include <string.h>

#include <firmware/platform.h>

static status_t devices_init(struct platform *p, const struct platform_config *config)
{
	const struct primecell_config uart = {PLATFORM_UART_BASE, PLATFORM_UART_INTID};
	const struct primecell_config rtc = {PLATFORM_RTC_BASE, PLATFORM_RTC_INTID};
	const struct primecell_config gpio = {PLATFORM_GPIO_BASE, PLATFORM_GPIO_INTID};
	status_t status = pl011_init(&p->uart, p->env, &p->bus, &uart, PLATFORM_CONSOLE);

	if (status == STATUS_OK)
		status = pl031_init(&p->rtc, p->env, &p->bus, &rtc, config->epoch_seconds);
	if (status == STATUS_OK)
		status = pl061_init(&p->gpio, p->env, &p->bus, &gpio, PLATFORM_POWER_KEY_LINE);
	return status;
}

status_t platform_init(struct platform *p, struct device_env *env,
		       const struct platform_config *config)
{
	status_t status;

	memset(p, 0, sizeof(*p));
	p->env = env;
	status = device_bus_init(&p->bus);
	if (status != STATUS_OK)
		return status;
	status = devices_init(p, config);
	if (status != STATUS_OK)
		platform_destroy(p);
	return status;
}

void platform_destroy(struct platform *p)
{
	while (p->env->timers)
		device_timer_cancel(p->env, p->env->timers);
	device_bus_destroy(&p->bus);
}

void platform_reset(struct platform *p)
{
	device_bus_reset(&p->bus);
}

size_t platform_input(struct platform *p, const uint8_t *bytes, size_t count)
{
	return pl011_input(&p->uart, bytes, count);
}

bool platform_power_key(struct platform *p)
{
	return pl061_key_press(&p->gpio);
}

void platform_flush(struct platform *p)
{
	pl011_flush(&p->uart);
}
