/* SPDX-License-Identifier: MIT */
/* The wiring between interrupt lines and the interrupt controllers' inputs. */
#include <devices/device_state.h>
#include <devices/irq_router.h>

static const struct device_field router_fields[] = {
	DEVICE_BITS(struct irq_router, levels, MASK(IRQ_GSIS)),
};

static const struct device_state router_state = {
	.version = 1,
	.structure_size = sizeof(struct irq_router),
	.fields = router_fields,
	.field_count = ARRAY_SIZE(router_fields),
};

static const struct device_ops router_ops = {
	.state = &router_state,
};

void irq_router_init(struct irq_router *router, struct pic *pic, struct ioapic *ioapic)
{
	*router = (struct irq_router){
		.dev = {.name = "irq-router", .ops = &router_ops},
		.pic = pic,
		.ioapic = ioapic,
	};
}

void irq_router_set(struct irq_router *router, unsigned int gsi, bool level)
{
	unsigned int pin = gsi == IRQ_TIMER ? IRQ_TIMER_PIN : gsi;
	uint32_t bit, pin_sources;

	if (gsi >= IRQ_GSIS)
		return;
	bit = (uint32_t)BIT(gsi);
	if (!(router->levels & bit) == !level)
		return;
	router->levels ^= bit;
	pic_line_set(router->pic, gsi, level);

	/* GSI 0 and GSI 2 meet at one pin. */
	pin_sources = pin == IRQ_TIMER_PIN ? BIT(IRQ_TIMER) | BIT(IRQ_TIMER_PIN) : bit;
	ioapic_line_set(router->ioapic, pin, router->levels & pin_sources);
}
