/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of VPCI devices as C calls, one for each system call: of a device that this task models, and of
 * which the guest says itself where its interrupts go. docs/abi.md says more about each call.
 */
#ifndef LIB_VPCI_H
#define LIB_VPCI_H

#include <trivet/abi.h>
#include <trivet/hv/hypercall.h>

/* A device, by the number that the guest calls it in HvCallRetargetDeviceInterrupt. Closing the handle ends it.
 * ALREADY_EXISTS: the VTL has one with that id. */
status_t vpci_device_create(handle_t partition, uint32_t vtl, uint64_t id, handle_t *device);
/* Makes 1 to VPCI_VECTORS_MAX interrupts that go where `interrupt` says, with vectors that follow one
 * another, until the guest retargets them. *message: what the device sends for the first one; the
 * others have its data + 1, and so on. */
status_t vpci_register_interrupt(handle_t device, uint32_t vector_count,
				 const struct vpci_interrupt *interrupt,
				 struct hv_msi_entry *message);
/* All that were registered with that message. NOT_FOUND. */
status_t vpci_unregister_interrupt(handle_t device, const struct hv_msi_entry *message);
/* The device has written data to address. NOT_FOUND: it has no such interrupt. Any thread. */
status_t vpci_signal_msi(handle_t device, uint64_t address, uint32_t data);

#endif
