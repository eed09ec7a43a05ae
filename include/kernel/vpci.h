/* SPDX-License-Identifier: MIT */
/*
 * VPCI devices: the interrupts of a device that the VMM models, of which the guest says by
 * HvCallRetargetDeviceInterrupt where they go. The device itself, and its configuration space, are the
 * VMM's. A message is an address and data that mean nothing but this interrupt of this device.
 */
#ifndef KERNEL_VPCI_H
#define KERNEL_VPCI_H

#include <kernel/lock.h>
#include <kernel/vp_set.h>
#include <trivet/abi.h>

#define VPCI_DEVICES_MAX 1024u /* of a partition */

struct object;
struct partition;
struct vpci_device;

/* Of a partition with the Hyper-V interface. */
struct vpci_bus {
	struct spinlock lock; /* the list, and all messages of the devices on it */
	struct vpci_device *devices;
	uint32_t count;
};

/* Where an interrupt goes. */
struct vpci_target {
	uint32_t vector;
	bool multicast; /* to all of the set, and not to one of it */
	struct vp_set set;
};

/* The device keeps the partition alive, which pays for it. INVALID_VTL; NOT_SUPPORTED: the partition has no
 * Hyper-V interface; WRONG_STATE: no local APICs in the kernel; ALREADY_EXISTS: the VTL has one with that
 * id; TOO_LARGE, NO_MEMORY. */
status_t vpci_device_create(struct partition *partition, uint64_t vtl, uint64_t id,
			    struct object **device) __must_check;
/* Messages of consecutive data for so many interrupts (1 to VPCI_VECTORS_MAX), all with that target, whose
 * vector goes up by 1 with each. INVALID_ARGUMENT: the count, a vector, a set without a VP; TOO_LARGE: the
 * device has VPCI_MESSAGES_MAX; NO_MEMORY. */
status_t vpci_register(struct object *device, uint64_t count, const struct vpci_target *target,
		       struct hv_msi_entry *message) __must_check;
/* All interrupts that were registered with this message. NOT_FOUND. */
status_t vpci_unregister(struct object *device, uint64_t address, uint64_t data);
/* The interrupt goes where it is to go; any CPU. NOT_FOUND. */
status_t vpci_signal(struct object *device, uint64_t address, uint64_t data);
/* By the guest. WRONG_TYPE: there is no such device; NOT_FOUND: it has no such message; INVALID_ARGUMENT. */
status_t vpci_retarget(struct partition *partition, uint32_t vtl, uint64_t id,
		       const struct hv_msi_entry *message, const struct vpci_target *target);

#endif
