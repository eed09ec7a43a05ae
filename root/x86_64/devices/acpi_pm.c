/* SPDX-License-Identifier: MIT */
/*
 * ACPI fixed hardware. Status bits are set by events and cleared by writing ones; the SCI is
 * up while any of them has its enable bit set. The PM timer is guest time in other units.
 */
#include <devices/device_state.h>
#include <devices/acpi_pm.h>

#include <string.h>

/* The registers by byte: PM1 block first, then GPE0 behind ACPI_PM_GPE0. */
enum pm_byte {
	PM_STATUS = 0x00,
	PM_ENABLE = 0x02,
	PM_CONTROL = 0x04,
	PM_TIMER = 0x08,
	PM_GPE_STATUS = ACPI_PM_GPE0,
	PM_GPE_ENABLE = ACPI_PM_GPE0 + 2,
};

#define PM1_TIMER	 0x0001
#define PM1_GLOBAL	 0x0020
#define PM1_POWER_BUTTON 0x0100
#define PM1_SLEEP_BUTTON 0x0200
#define PM1_RTC		 0x0400
#define PM1_PCIE_WAKE	 0x4000
#define PM1_ENABLE_BITS \
	(PM1_TIMER | PM1_GLOBAL | PM1_POWER_BUTTON | PM1_SLEEP_BUTTON | PM1_RTC | PM1_PCIE_WAKE)

#define CONTROL_SCI_ENABLE  0x0001
#define CONTROL_KEPT	    0x1c02 /* BM_RLD and SLP_TYP */
#define CONTROL_SLEEP_SHIFT 10
#define CONTROL_SLEEP	    0x2000 /* SLP_EN reads 0 */

static uint64_t timer_ticks(struct acpi_pm *pm)
{
	return device_scale(device_now(pm->env), ACPI_PM_TIMER_HZ, (uint32_t)NS_PER_SEC);
}

/* TMR_STS is set whenever the top bit of the timer changes, in either direction. */
static void timer_settle(struct acpi_pm *pm)
{
	uint64_t carry = timer_ticks(pm) >> (pm->timer_bits - 1);

	if (carry != pm->carry_seen)
		pm->status |= PM1_TIMER;
	pm->carry_seen = carry;
}

/* Follow every change: status, the SCI line, the timer. */
static void pm_update(struct acpi_pm *pm)
{
	uint64_t deadline_ns = DEVICE_NEVER;

	timer_settle(pm);
	device_irq_set(pm->env, pm->gsi,
		       (pm->status & pm->enable) || (pm->gpe_status & pm->gpe_enable));
	if ((pm->enable & PM1_TIMER) && !(pm->status & PM1_TIMER))
		deadline_ns = device_scale((pm->carry_seen + 1) << (pm->timer_bits - 1),
					   (uint32_t)NS_PER_SEC, ACPI_PM_TIMER_HZ) +
			      1;
	device_timer_arm(pm->env, &pm->timer, deadline_ns);
}

static void pm_expired(struct device_timer *timer)
{
	pm_update(container_of(timer, struct acpi_pm, timer));
}

void acpi_pm_power_button(struct acpi_pm *pm)
{
	pm->status |= PM1_POWER_BUTTON;
	pm_update(pm);
}

void acpi_pm_gpe_raise(struct acpi_pm *pm, unsigned int gpe)
{
	if (gpe >= ACPI_PM_GPES)
		return;
	pm->gpe_status |= (uint16_t)BIT(gpe);
	pm_update(pm);
}

static uint32_t pm_register(struct acpi_pm *pm, uint32_t offset)
{
	switch ((enum pm_byte)(offset & ~3u)) {
	case PM_STATUS: return pm->status | (uint32_t)pm->enable << 16;
	case PM_CONTROL: return pm->control | CONTROL_SCI_ENABLE;
	case PM_TIMER: return (uint32_t)(timer_ticks(pm) & MASK(pm->timer_bits));
	default: return pm->gpe_status | (uint32_t)pm->gpe_enable << 16;
	}
}

/* The timer is the register that guests read most: it needs no bookkeeping. */
static uint32_t pm_io_read(struct device *dev, uint32_t offset, unsigned int size)
{
	struct acpi_pm *pm = container_of(dev, struct acpi_pm, dev);

	(void)size;
	if (offset < PM_TIMER)
		timer_settle(pm);
	return pm_register(pm, offset) >> 8 * (offset & 3);
}

static void sleep_enter(struct acpi_pm *pm)
{
	unsigned int type = pm->control >> CONTROL_SLEEP_SHIFT & 7;

	if (type == ACPI_PM_SLEEP_S5)
		pm->env->ops->power(pm->env, DEVICE_POWER_OFF, 0);
	else if (type == ACPI_PM_SLEEP_S4)
		pm->env->ops->power(pm->env, DEVICE_POWER_HIBERNATE, 0);
}

/* Put @byte into half @offset & 1 of a register. */
static uint16_t byte_merge(uint16_t old, uint32_t offset, uint8_t byte)
{
	unsigned int shift = 8 * (offset & 1);

	return (uint16_t)((old & ~(0xff << shift)) | byte << shift);
}

static void pm_byte_write(struct acpi_pm *pm, uint32_t offset, uint8_t byte)
{
	uint16_t clear = byte_merge(0, offset, byte);

	switch ((enum pm_byte)(offset & ~1u)) {
	case PM_STATUS: pm->status &= (uint16_t)~clear; break;
	case PM_ENABLE: pm->enable = byte_merge(pm->enable, offset, byte) & PM1_ENABLE_BITS; break;
	case PM_CONTROL:
		pm->control = byte_merge(pm->control, offset, byte) & CONTROL_KEPT;
		if (clear & CONTROL_SLEEP)
			sleep_enter(pm);
		break;
	case PM_GPE_STATUS: pm->gpe_status &= (uint16_t)~clear; break;
	case PM_GPE_ENABLE: pm->gpe_enable = byte_merge(pm->gpe_enable, offset, byte); break;
	default: break; /* the timer cannot be written */
	}
}

static void pm_io_write(struct device *dev, uint32_t offset, unsigned int size, uint32_t value)
{
	struct acpi_pm *pm = container_of(dev, struct acpi_pm, dev);

	timer_settle(pm);
	for (unsigned int i = 0; i < size; i++)
		pm_byte_write(pm, offset + i, (uint8_t)(value >> 8 * i));
	pm_update(pm);
}

static void pm_reset(struct device *dev)
{
	struct acpi_pm *pm = container_of(dev, struct acpi_pm, dev);

	pm->status = pm->enable = pm->control = 0;
	pm->gpe_status = pm->gpe_enable = 0;
	pm->carry_seen = timer_ticks(pm) >> (pm->timer_bits - 1);
	pm_update(pm);
}

/* ---- state ---- */

static const struct device_field pm_fields[] = {
	DEVICE_TIMER(struct acpi_pm, timer),	     DEVICE_FIELD(struct acpi_pm, status, 0),
	DEVICE_FIELD(struct acpi_pm, enable, 0),     DEVICE_FIELD(struct acpi_pm, control, 0),
	DEVICE_FIELD(struct acpi_pm, gpe_status, 0), DEVICE_FIELD(struct acpi_pm, gpe_enable, 0),
	DEVICE_FIELD(struct acpi_pm, carry_seen, 0),
};

static const struct device_state pm_state = {
	.version = 1,
	.structure_size = sizeof(struct acpi_pm),
	.fields = pm_fields,
	.field_count = ARRAY_SIZE(pm_fields),
};

static const struct device_ops pm_ops = {
	.io_read = pm_io_read,
	.io_write = pm_io_write,
	.reset = pm_reset,
	.state = &pm_state,
};

status_t acpi_pm_init(struct acpi_pm *pm, struct device_env *env, struct device_bus *bus,
		      const struct acpi_pm_config *config)
{
	status_t status;

	memset(pm, 0, sizeof(*pm));
	pm->dev = (struct device){.name = "acpi-pm", .ops = &pm_ops};
	pm->env = env;
	pm->gsi = config->gsi;
	pm->timer_bits = config->timer_32bit ? 32 : 24;
	pm->timer.expired = pm_expired;
	pm_reset(&pm->dev);
	device_bus_attach(bus, &pm->dev);
	status = device_bus_add_ports(bus, &pm->dev, config->port, ACPI_PM_PM1_PORTS, 0, 4);
	if (status == STATUS_OK)
		status = device_bus_add_ports(bus, &pm->dev, config->port + ACPI_PM_GPE0,
					      ACPI_PM_GPE0_PORTS, ACPI_PM_GPE0, 4);
	return status;
}
