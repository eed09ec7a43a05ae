/* SPDX-License-Identifier: MIT */
/* Messages between the local APICs of a partition, and from devices to them. Any CPU may send. */
#ifndef GUEST_APIC_BUS_H
#define GUEST_APIC_BUS_H

#include "lapic.h"

/* Finds the destinations and delivers: IRR and VP_REQUEST_INTERRUPT, or the request bit of NMI,
 * INIT, SIPI, EXTINT. An INIT level de-assert does nothing. No destination is not an error.
 * NOT_SUPPORTED: SMI; INVALID_ARGUMENT: a reserved delivery mode, or a lowest-priority or fixed
 * vector under 16 (the targets note it in ESR). */
status_t apic_bus_send(struct partition *partition, uint32_t vtl,
		       const struct apic_message *message);
/* An MSI (SDM, "Message Signalled Interrupts"): address 0xfeexxxxx, whose bits 11:5 extend the
 * destination id to 15 bits. INVALID_ADDRESS: not such an address; otherwise as apic_bus_send.
 * INVALID_VTL: not enabled. *merged: an earlier one of the vector is still pending at a target. */
status_t apic_bus_msi(struct partition *partition, uint32_t vtl, uint64_t address, uint32_t data,
		      bool *merged);

#endif
