/* SPDX-License-Identifier: MIT */
/*
 * Messages of devices, as the bus between the APICs carries them (SDM 3A, "Message Signalled
 * Interrupts"). Inline: this is on the way of each interrupt of a device.
 */
#ifndef GUEST_APIC_MESSAGE_H
#define GUEST_APIC_MESSAGE_H

#include "lapic_model.h"

#define MSI_ADDRESS_BASE     0xfee00000u
#define MSI_ADDRESS_MASK     0xfff00000u
#define MSI_LOGICAL	     BIT(2)
#define MSI_REDIRECTION_HINT BIT(3)
#define MSI_LEVEL	     BIT(15)
#define MSI_ASSERT	     BIT(14)

/* The message that a device's write to `address` is. INVALID_ADDRESS: it is none. */
static inline status_t apic_message_from_msi(uint64_t address, uint32_t data,
					     struct apic_message *message)
{
	uint32_t low = address >> 12 & 0xff;
	uint32_t high = address >> 5 & 0x7f;

	if ((address & ~(uint64_t)UINT32_MAX) || (address & MSI_ADDRESS_MASK) != MSI_ADDRESS_BASE)
		return STATUS_INVALID_ADDRESS;
	*message = (struct apic_message){.source = APIC_NO_SOURCE};
	message->destination = high << 8 | low;
	if (low == 0xff && high == 0)
		message->destination = APIC_BROADCAST;
	message->vector = (uint8_t)data;
	message->delivery = data >> 8 & 7;
	message->logical = address & MSI_LOGICAL;
	message->wide = high != 0;
	message->level = data & MSI_LEVEL;
	message->asserted = !message->level || (data & MSI_ASSERT);
	/* With the hint, "the interrupt is sent to one of the processors" of a logical set. */
	if ((address & MSI_REDIRECTION_HINT) && message->logical && message->delivery == APIC_FIXED)
		message->delivery = APIC_LOWEST;
	return STATUS_OK;
}

/* Nothing comes of it: a level that goes away, or the de-assert of the first Pentiums' arbitration ids
 * (SDM, "INIT Level De-assert"). */
static inline bool apic_message_is_idle(const struct apic_message *message)
{
	if (!message->level || message->asserted)
		return false;
	return message->delivery == APIC_INIT || message->source == APIC_NO_SOURCE;
}

#endif
