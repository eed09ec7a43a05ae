/* SPDX-License-Identifier: MIT */
/*
 * APICs of the VMM's own. What the model says has to be done is done here: messages go to the other APICs
 * of the machine, ends of interrupts to the I/O APIC, the timer to the devices' timers; interrupts go to
 * the processor by way of the run page:
 *
 *	something is pending --VP_SET_WINDOW--> kernel --VP_RUN_INTERRUPT_WINDOW--> the highest one is
 *	taken out of IRR --VP_SET_INTERRUPT--> kernel
 *
 * The guest's CR8 is the task priority, and is the processor's: it is brought into the model when the
 * run page tells it, and compared with what waits by the kernel.
 */
#include <stdlib.h>
#include <string.h>
#include <firmware/topology.h>
#include <apic_message.h>
#include <lib/memory.h>
#include <vmm/interrupts.h>
#include <vmm/user_apic.h>

#define NS_HZ	     1000000000ull
#define ANY_PRIORITY 16u /* a window whatever CR8 is */
#define NO_APIC_PAGE 1u	 /* no page begins there */
#define VECTOR_FIRST 16u
#define LINT_INTR    0u

/* What came for the processor itself. */
enum pending {
	PENDING_NMI = BIT(0),
	PENDING_INIT = BIT(1),
	PENDING_STARTUP = BIT(2),
};

struct user_apic {
	struct lapic lapic;
	struct processor *processor;
	uint32_t pending;	/* enum pending */
	_Atomic bool attention; /* the VP's thread has to look */
	struct device_timer timer;
};

static uint64_t now_ns(struct machine *machine)
{
	return device_now(&machine->env);
}

/* The VP's thread looks before it runs the VP again; `self`: it is the one that calls. */
static void attend(struct user_apic *apic, bool self)
{
	if (!atomic_exchange(&apic->attention, true) && !self)
		(void)vp_request_yield(apic->processor->machine->partition, apic->processor->index);
}

/* ---- the bus ---- */

struct delivery {
	const struct apic_message *message;
	struct user_apic *sender; /* NULL: a device */
	bool merged;
};

static bool selected(struct user_apic *apic, const struct apic_message *message)
{
	uint32_t index = apic->processor->index;

	switch (message->shorthand) {
	case APIC_TO_SELF: return index == message->source;
	case APIC_TO_ALL: return lapic_is_enabled(&apic->lapic);
	case APIC_TO_OTHERS: return index != message->source && lapic_is_enabled(&apic->lapic);
	default: return lapic_matches(&apic->lapic, message);
	}
}

static void deliver(struct delivery *d, struct user_apic *apic)
{
	const struct apic_message *message = d->message;
	struct lapic *lapic = &apic->lapic;

	switch (message->delivery) {
	case APIC_FIXED:
	case APIC_LOWEST:
		d->merged |= lapic_is_pending(lapic, message->vector);
		(void)lapic_accept(lapic, message->vector, message->level);
		break;
	case APIC_NMI: apic->pending |= PENDING_NMI; break;
	case APIC_INIT: apic->pending = (apic->pending & ~PENDING_STARTUP) | PENDING_INIT; break;
	case APIC_SIPI:
		atomic_store(&lapic->sipi_vector, message->vector);
		apic->pending |= PENDING_STARTUP;
		break;
	case APIC_EXTINT: lapic_extint_accept(lapic); break;
	default: return;
	}
	attend(apic, apic == d->sender);
}

static struct user_apic *lowest(struct machine *machine, const struct apic_message *message)
{
	struct user_apic *best = NULL;

	for (uint32_t i = 0; i < machine->config->vps; i++) {
		struct user_apic *apic = machine->processors[i].arch.apic;

		if (selected(apic, message) &&
		    (!best || lapic_arbitration_priority(&apic->lapic) <
				      lapic_arbitration_priority(&best->lapic)))
			best = apic;
	}
	return best;
}

static void send(struct machine *machine, struct delivery *d)
{
	if (apic_message_is_idle(d->message))
		return;
	if (d->message->delivery == APIC_LOWEST) {
		struct user_apic *apic = lowest(machine, d->message);

		if (apic)
			deliver(d, apic);
		return;
	}
	for (uint32_t i = 0; i < machine->config->vps; i++) {
		struct user_apic *apic = machine->processors[i].arch.apic;

		if (selected(apic, d->message))
			deliver(d, apic);
	}
}

bool user_apic_message(struct machine *machine, uint64_t address, uint32_t data)
{
	struct apic_message message;
	struct delivery d = {.message = &message};

	if (apic_message_from_msi(address, data, &message) == STATUS_OK)
		send(machine, &d);
	return d.merged;
}

/* ---- what an access has for effects ---- */

static void timer_update(struct user_apic *apic)
{
	struct machine *machine = apic->processor->machine;
	uint64_t deadline = lapic_timer_deadline(&apic->lapic, now_ns(machine));

	if (deadline == LAPIC_TIMER_NEVER)
		device_timer_cancel(&machine->env, &apic->timer);
	else
		device_timer_arm(&machine->env, &apic->timer, deadline);
}

static void timer_expired(struct device_timer *timer)
{
	struct user_apic *apic = container_of(timer, struct user_apic, timer);

	if (lapic_timer_expired(&apic->lapic, now_ns(apic->processor->machine)))
		attend(apic, false);
	timer_update(apic);
}

static void effects_apply(struct user_apic *apic, struct lapic_effects *effects)
{
	struct machine *machine = apic->processor->machine;

	if (effects->bits & LAPIC_EFFECT_IPI) {
		struct delivery d = {.message = &effects->message, .sender = apic};

		effects->message.source = apic->processor->index;
		send(machine, &d);
	}
	if (effects->bits & LAPIC_EFFECT_EOI)
		platform_eoi(&machine->platform, effects->eoi_vector);
	if (effects->bits & LAPIC_EFFECT_TIMER)
		timer_update(apic);
	if (effects->bits & LAPIC_EFFECT_NMI)
		apic->pending |= PENDING_NMI;
	if (effects->bits & (LAPIC_EFFECT_INTERRUPT | LAPIC_EFFECT_NMI | LAPIC_EFFECT_EXTINT))
		attend(apic, true);
}

void user_apic_intr_set(struct machine *machine, bool level)
{
	struct user_apic *apic = machine->processors[0].arch.apic;
	uint32_t effects = lapic_set_lint(&apic->lapic, LINT_INTR, level);

	if (effects & LAPIC_EFFECT_NMI)
		apic->pending |= PENDING_NMI;
	if (effects)
		attend(apic, false);
}

/* ---- accesses ---- */

static void priority_in(struct user_apic *apic, uint8_t cr8)
{
	uint8_t tpr = lapic_tpr_get(&apic->lapic);

	if (tpr >> 4 != cr8)
		(void)lapic_tpr_set(&apic->lapic, (uint8_t)(cr8 << 4));
}

static void priority_out(struct user_apic *apic, uint8_t cr8)
{
	struct vp_run_page *page = apic->processor->page;
	uint8_t class = lapic_tpr_get(&apic->lapic) >> 4;

	if (class == cr8)
		return;
	page->interrupt.cr8 = class;
	page->set |= VP_SET_CR8;
}

uint32_t user_apic_read(struct processor *processor, uint32_t offset)
{
	struct machine *machine = processor->machine;
	struct user_apic *apic = processor->arch.apic;
	uint32_t value = UINT32_MAX;

	mutex_lock(&machine->lock);
	priority_in(apic, (uint8_t)processor->page->regs.cr8);
	(void)lapic_read(&apic->lapic, offset, now_ns(machine), &value);
	if (lapic_has_request(&apic->lapic)) /* an error's, of a register that is not there */
		attend(apic, true);
	mutex_unlock(&machine->lock);
	return value;
}

void user_apic_write(struct processor *processor, uint32_t offset, uint32_t value)
{
	const struct vp_run_page *page = processor->page;
	struct machine *machine = processor->machine;
	struct user_apic *apic = processor->arch.apic;
	struct lapic_effects effects;
	/* By an earlier access of the same instruction, or as it was. */
	uint8_t cr8 = (uint8_t)(page->set & VP_SET_CR8 ? page->interrupt.cr8 : page->regs.cr8);

	mutex_lock(&machine->lock);
	priority_in(apic, cr8);
	if (lapic_write(&apic->lapic, offset, value, now_ns(machine), &effects)) {
		priority_out(apic, cr8);
		effects_apply(apic, &effects);
	}
	mutex_unlock(&machine->lock);
}

static void page_place(struct user_apic *apic)
{
	uint64_t base = lapic_base_get(&apic->lapic);
	bool there = (base & APIC_BASE_ENABLE) && !(base & APIC_BASE_X2APIC);

	apic->processor->arch.apic_base = there ? base & APIC_BASE_ADDRESS : NO_APIC_PAGE;
}

static bool base_write(struct user_apic *apic, uint64_t value)
{
	struct lapic_effects effects = {.bits = 0};

	if (!lapic_base_set(&apic->lapic, value, &effects))
		return false;
	page_place(apic);
	effects_apply(apic, &effects);
	return true;
}

/* False: #GP. The timer has no deadline mode here, and CPUID shows none. */
static bool msr_access(struct user_apic *apic, struct vp_run_page *page)
{
	uint64_t now = now_ns(apic->processor->machine);
	uint32_t index = page->msr.index;
	struct lapic_effects effects;

	if (index == MSR_APIC_BASE && page->msr.write)
		return base_write(apic, page->msr.value);
	if (index == MSR_APIC_BASE) {
		page->msr.value = lapic_base_get(&apic->lapic);
		return true;
	}
	if (index == MSR_TSC_DEADLINE)
		return false;
	if (!page->msr.write)
		return lapic_msr_read(&apic->lapic, index, now, &page->msr.value);
	if (!lapic_msr_write(&apic->lapic, index, page->msr.value, now, &effects))
		return false;
	effects_apply(apic, &effects);
	return true;
}

static void serve_msr(struct user_apic *apic, struct vp_run_page *page)
{
	uint8_t cr8 = page->interrupt.cr8;

	priority_in(apic, cr8);
	page->msr.fault = !msr_access(apic, page);
	priority_out(apic, cr8);
}

/* ---- interrupts on their way to the processor ---- */

/* The class of what waits, whatever CR8 is; 0: nothing that an interrupt in service does not hold off. */
static uint8_t waiting_class(struct user_apic *apic)
{
	int request, service;

	if (lapic_extint_pending(&apic->lapic))
		return ANY_PRIORITY;
	request = lapic_highest_request(&apic->lapic);
	service = lapic_highest_service(&apic->lapic);
	if (request < (int)VECTOR_FIRST || request >> 4 <= (service < 0 ? 0 : service >> 4))
		return 0;
	return (uint8_t)(request >> 4);
}

static void serve_window(struct user_apic *apic, struct vp_run_page *page)
{
	struct machine *machine = apic->processor->machine;
	int vector = -1;

	priority_in(apic, page->interrupt.cr8);
	if (lapic_extint_pending(&apic->lapic)) {
		lapic_extint_taken(&apic->lapic);
		if (machine->platform.pic.intr)
			vector = platform_intr_acknowledge(&machine->platform);
	} else {
		vector = lapic_pending_vector(&apic->lapic);
		if (vector >= 0)
			lapic_acknowledge(&apic->lapic, (uint8_t)vector);
	}
	if (vector >= 0) {
		page->interrupt.vector = (uint8_t)vector;
		page->set |= VP_SET_INTERRUPT;
	}
	attend(apic, true); /* there may be more */
}

/* The kernel puts the VP to sleep: so whoever asks something of this thread reaches it. */
static void serve_halt(struct user_apic *apic, struct vp_run_page *page)
{
	(void)apic;
	page->set |= VP_SET_HALT;
}

static void prepare(struct user_apic *apic, struct vp_run_page *page)
{
	uint8_t class;

	if (apic->pending & PENDING_INIT) {
		lapic_init_reset(&apic->lapic);
		page_place(apic);
		device_timer_cancel(&apic->processor->machine->env, &apic->timer);
		page->set |= VP_SET_INIT;
	}
	/* One that is about to take an interrupt waits for no start-up, but behind an INIT. */
	if ((apic->pending & PENDING_STARTUP) &&
	    (page->set & (VP_SET_INTERRUPT | VP_SET_INIT)) != VP_SET_INTERRUPT) {
		page->interrupt.vector = (uint8_t)atomic_load(&apic->lapic.sipi_vector);
		page->set |= VP_SET_STARTUP;
	}
	if (apic->pending & PENDING_NMI)
		page->set |= VP_SET_NMI;
	apic->pending = 0;
	class = waiting_class(apic);
	if (!class)
		return;
	page->interrupt.window = class;
	page->set |= VP_SET_WINDOW;
}

void user_apic_prepare(struct processor *processor)
{
	struct machine *machine = processor->machine;
	struct user_apic *apic = processor->arch.apic;

	if (!atomic_load(&apic->attention))
		return;
	mutex_lock(&machine->lock);
	atomic_store(&apic->attention, false);
	prepare(apic, processor->page);
	mutex_unlock(&machine->lock);
}

bool user_apic_serve(struct processor *processor, uint32_t reason)
{
	static void (*const handlers[])(struct user_apic * apic, struct vp_run_page * page) = {
		[VP_RUN_MSR] = serve_msr,
		[VP_RUN_HALT] = serve_halt,
		[VP_RUN_INTERRUPT_WINDOW] = serve_window,
	};
	struct machine *machine = processor->machine;

	if (reason >= ARRAY_SIZE(handlers) || !handlers[reason])
		return false;
	mutex_lock(&machine->lock);
	handlers[reason](processor->arch.apic, processor->page);
	mutex_unlock(&machine->lock);
	return true;
}

/* ---- made, reset ---- */

static status_t apic_create(struct processor *processor, uint32_t id)
{
	const struct machine *machine = processor->machine;
	struct lapic_config config = {
		.id = id,
		.boot_processor = processor->index == 0,
		.x2apic_allowed = machine->config->apic != CONFIG_APIC_XAPIC,
		.x2apic_at_reset = machine->config->apic == CONFIG_APIC_X2APIC_ON,
		.physical_bits = machine->physical_bits,
		.host_hz = NS_HZ,
	};
	struct user_apic *apic = calloc(1, sizeof(*apic));

	if (!apic)
		return STATUS_NO_MEMORY;
	processor->arch.apic = apic;
	config.page = memory_allocate(PAGE_SIZE, PAGE_SIZE);
	if (!config.page)
		return STATUS_NO_MEMORY;
	memset((void *)config.page, 0, PAGE_SIZE);
	apic->processor = processor;
	apic->timer.expired = timer_expired;
	lapic_create(&apic->lapic, &config);
	return STATUS_OK;
}

status_t user_apics_create(struct machine *machine)
{
	uint32_t count = machine->config->vps;
	uint32_t *ids = calloc(count, sizeof(*ids));
	status_t status = ids ? STATUS_OK : STATUS_NO_MEMORY;

	if (ids)
		topology_apic_ids(count, machine->config->threads, machine->config->cores, ids);
	for (uint32_t i = 0; i < count && status == STATUS_OK; i++)
		status = apic_create(&machine->processors[i], ids[i]);
	free(ids);
	return status;
}

void user_apics_destroy(struct machine *machine)
{
	for (uint32_t i = 0; i < machine->config->vps; i++) {
		struct user_apic *apic = machine->processors[i].arch.apic;

		if (apic && apic->lapic.page)
			memory_free((void *)apic->lapic.page, PAGE_SIZE);
		free(apic);
		machine->processors[i].arch.apic = NULL;
	}
}

void user_apics_reset(struct machine *machine)
{
	for (uint32_t i = 0; i < machine->config->vps; i++) {
		struct user_apic *apic = machine->processors[i].arch.apic;

		device_timer_cancel(&machine->env, &apic->timer);
		lapic_reset(&apic->lapic);
		page_place(apic);
		apic->pending = 0;
		atomic_store(&apic->attention, false);
	}
}
