/* SPDX-License-Identifier: MIT */
/* System calls of VPCI devices. */
#include <kernel/arch.h>
#include <kernel/partition.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/vpci.h>

struct syscall_result sys_vpci_device_create(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct object *device;
	handle_t handle = HANDLE_NONE;
	status_t status = syscall_built_partition(thread, a[0], RIGHT_WRITE, &partition);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = vpci_device_create(partition, a[1], a[2], &device);
	if (status == STATUS_OK) {
		status = handle_create(&thread->task->handles, device, RIGHTS_ALL, &handle);
		object_put(device);
	}
	partition_put(partition);
	return (struct syscall_result){status, handle};
}

static status_t target_decode(const struct vpci_interrupt *input, struct vpci_target *target)
{
	const struct hv_vp_set *set = (const struct hv_vp_set *)&input->format;

	if (input->flags & ~(uint32_t)VPCI_MULTICAST)
		return STATUS_INVALID_ARGUMENT;
	target->vector = input->vector;
	target->multicast = input->flags & VPCI_MULTICAST;
	return vp_set_decode(set, vp_set_banks(set), &target->set) ? STATUS_OK
								   : STATUS_INVALID_ARGUMENT;
}

struct syscall_result sys_vpci_register_interrupt(struct thread *thread, const uint64_t a[6])
{
	struct vpci_interrupt input;
	struct hv_msi_entry message = {0};
	struct vpci_target target;
	struct object *device;
	status_t status = user_copy_in(&input, a[2], sizeof(input));

	if (status == STATUS_OK)
		status = syscall_object(thread, a[0], OBJECT_VPCI_DEVICE, RIGHT_WRITE, &device);
	if (status != STATUS_OK)
		return syscall_status(status);
	status = target_decode(&input, &target);
	if (status == STATUS_OK)
		status = vpci_register(device, a[1], &target, &message);
	object_put(device);
	return (struct syscall_result){status, message.address | (uint64_t)message.data << 32};
}

/* What both calls about a message do. */
static struct syscall_result message_call(struct thread *thread, const uint64_t a[6],
					  status_t (*function)(struct object *device,
							       uint64_t address, uint64_t data))
{
	struct object *device;
	status_t status = syscall_object(thread, a[0], OBJECT_VPCI_DEVICE, RIGHT_WRITE, &device);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = function(device, a[1], a[2]);
	object_put(device);
	return syscall_status(status);
}

struct syscall_result sys_vpci_unregister_interrupt(struct thread *thread, const uint64_t a[6])
{
	return message_call(thread, a, vpci_unregister);
}

struct syscall_result sys_vpci_signal_msi(struct thread *thread, const uint64_t a[6])
{
	return message_call(thread, a, vpci_signal);
}
