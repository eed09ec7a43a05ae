/* SPDX-License-Identifier: MIT */
/*
 * The bus between the local APICs of a partition. A message to one physical id, and a logical one
 * between x2APICs, finds its VPs by index; the other ways of addressing ask every VP.
 *
 * A VP is told after its APIC was changed; vp_request() orders the two.
 */
#include "apic_bus.h"
#include "apic_message.h"
#include "cpuid.h"
#include <kernel/backend.h>
#include <kernel/hypercall.h>

/* Where the search for a lowest-priority destination begins: equals take turns. Which partition
 * moves it does not matter. */
static _Atomic uint32_t arbitration;

struct delivery {
	struct partition *partition;
	uint32_t vtl;
	const struct apic_message *message;
	bool merged; /* with one that is still pending somewhere */
};

static struct lapic *target_lapic(struct vp *vp, uint32_t vtl)
{
	return vp && vp->vtl[vtl] ? vp_lapic(vp, vtl) : NULL;
}

/* An interrupt arrives. An error it notes may raise one as well. */
static void deliver_interrupt(struct delivery *d, struct vp *vp, struct lapic *lapic)
{
	uint8_t vector = d->message->vector;

	d->merged |= lapic_is_pending(lapic, vector);
	if (!lapic_accept(lapic, vector, d->message->level) && vector >= 16)
		return;
	/* Of a level-triggered one the processor has to know that its end exits. */
	if ((backend_assists & ASSIST_POSTED) && !d->message->level)
		vp_notify(vp);
	else
		vp_request(vp, VP_REQUEST_INTERRUPT);
}

/* The message arrives at one APIC. */
static void deliver(struct delivery *d, struct vp *vp, struct lapic *lapic)
{
	const struct apic_message *message = d->message;

	switch (message->delivery) {
	case APIC_FIXED:
	case APIC_LOWEST: deliver_interrupt(d, vp, lapic); break;
	case APIC_NMI: vp_request(vp, VP_REQUEST_NMI); break;
	case APIC_INIT: guest_init_request(vp); break;
	case APIC_SIPI:
		atomic_store_explicit(&lapic->sipi_vector, message->vector, memory_order_release);
		vp_request(vp, VP_REQUEST_SIPI);
		break;
	case APIC_EXTINT:
		lapic_extint_accept(lapic);
		vp_request(vp, VP_REQUEST_EXTINT);
		break;
	default: break; /* apic_bus_send refused it */
	}
}

static bool selected(const struct delivery *d, struct lapic *lapic, uint32_t index)
{
	switch (d->message->shorthand) {
	case APIC_TO_SELF: return index == d->message->source;
	case APIC_TO_ALL: return lapic_is_enabled(lapic);
	case APIC_TO_OTHERS: return index != d->message->source && lapic_is_enabled(lapic);
	default: return lapic_matches(lapic, d->message);
	}
}

static void deliver_to(struct delivery *d, uint32_t index)
{
	struct vp *vp = partition_vp(d->partition, index);
	struct lapic *lapic = target_lapic(vp, d->vtl);

	if (lapic && selected(d, lapic, index))
		deliver(d, vp, lapic);
}

static void deliver_to_id(struct delivery *d, uint32_t id)
{
	uint32_t index;

	if (guest_apic_index(&d->partition->config, id, &index))
		deliver_to(d, index);
}

static void deliver_to_lowest(struct delivery *d)
{
	uint32_t count = d->partition->vp_count;
	uint32_t start = atomic_fetch_add_explicit(&arbitration, 1, memory_order_relaxed);
	uint32_t best = UINT32_MAX;
	struct vp *chosen = NULL;
	uint32_t n;

	for (n = 0; n < count; n++) {
		uint32_t index = (uint32_t)(((uint64_t)start + n) % count);
		struct vp *vp = partition_vp(d->partition, index);
		struct lapic *lapic = target_lapic(vp, d->vtl);
		uint32_t priority;

		if (!lapic || !selected(d, lapic, index))
			continue;
		priority = lapic_arbitration_priority(lapic);
		if (!chosen || priority < best) {
			chosen = vp;
			best = priority;
		}
	}
	if (chosen)
		deliver(d, chosen, vp_lapic(chosen, d->vtl));
}

/* Physical, one id. In xAPIC mode only the low 8 bits of an id count, so ids over 255 in that
 * mode would not be found here: there are none, such VPs can only be reached as x2APICs. */
static bool is_unicast(const struct apic_message *message)
{
	return message->shorthand == APIC_TO_DESTINATION && !message->logical &&
	       message->destination != APIC_BROADCAST;
}

static bool is_x2apic_cluster(const struct apic_message *message)
{
	return message->shorthand == APIC_TO_DESTINATION && message->logical && message->wide &&
	       message->destination > 0xff && message->destination != APIC_BROADCAST;
}

static void deliver_all(struct delivery *d)
{
	const struct apic_message *message = d->message;
	uint32_t index;

	if (is_unicast(message)) {
		deliver_to_id(d, message->destination);
	} else if (message->delivery == APIC_LOWEST) {
		deliver_to_lowest(d);
	} else if (message->shorthand == APIC_TO_SELF) {
		deliver_to(d, message->source);
	} else if (is_x2apic_cluster(message)) {
		uint32_t set = message->destination & 0xffff;

		for (; set; set &= set - 1) /* each turn takes one bit out */
			deliver_to_id(d, message->destination >> 16 << 4 |
						 (uint32_t)__builtin_ctz(set));
	} else {
		for (index = 0; index < d->partition->vp_count; index++)
			deliver_to(d, index);
	}
}

static status_t send(struct delivery *d)
{
	const struct apic_message *message = d->message;

	if (message->delivery == APIC_SMI)
		return STATUS_NOT_SUPPORTED;
	if (message->delivery == 3 || message->delivery > APIC_EXTINT)
		return STATUS_INVALID_ARGUMENT;
	if (apic_message_is_idle(message))
		return STATUS_OK;
	deliver_all(d);
	if (message->delivery <= APIC_LOWEST && message->vector < 16)
		return STATUS_INVALID_ARGUMENT;
	return STATUS_OK;
}

status_t apic_bus_send(struct partition *partition, uint32_t vtl,
		       const struct apic_message *message)
{
	struct delivery d = {partition, vtl, message, false};

	return send(&d);
}

/* ---- interrupts by the index of a VP ---- */

void arch_vp_interrupt(struct vp *vp, uint32_t vtl, uint32_t vector)
{
	const struct apic_message message = {.vector = (uint8_t)vector};
	struct delivery d = {vp->partition, vtl, &message, false};

	deliver_interrupt(&d, vp, vp_lapic(vp, vtl));
}

/* ---- message-signalled interrupts ---- */

status_t apic_bus_msi(struct partition *partition, uint32_t vtl, uint64_t address, uint32_t data,
		      bool *merged)
{
	struct apic_message message;
	struct delivery d = {partition, vtl, &message, false};
	status_t status;

	*merged = false;
	if (vtl >= VTL_COUNT || !partition_space(partition, vtl))
		return STATUS_INVALID_VTL;
	status = apic_message_from_msi(address, data, &message);
	if (status != STATUS_OK)
		return status;
	status = send(&d);
	*merged = d.merged;
	return status;
}
