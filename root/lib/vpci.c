/* SPDX-License-Identifier: MIT */
/* VPCI devices as C calls. As in model.c nothing is checked here. */
#include <lib/syscall.h>
#include <lib/vpci.h>

status_t vpci_device_create(handle_t partition, uint32_t vtl, uint64_t id, handle_t *device)
{
	uint64_t value;
	status_t status = syscall3(SYS_vpci_device_create, partition, vtl, id, &value);

	if (status == STATUS_OK)
		*device = (handle_t)value;
	return status;
}

status_t vpci_register_interrupt(handle_t device, uint32_t vector_count,
				 const struct vpci_interrupt *interrupt,
				 struct hv_msi_entry *message)
{
	uint64_t value;
	status_t status = syscall3(SYS_vpci_register_interrupt, device, vector_count,
				   (uint64_t)(uintptr_t)interrupt, &value);

	if (status == STATUS_OK)
		*message = (struct hv_msi_entry){(uint32_t)value, (uint32_t)(value >> 32)};
	return status;
}

status_t vpci_unregister_interrupt(handle_t device, const struct hv_msi_entry *message)
{
	uint64_t unused;

	return syscall3(SYS_vpci_unregister_interrupt, device, message->address, message->data,
			&unused);
}

status_t vpci_signal_msi(handle_t device, uint64_t address, uint32_t data)
{
	uint64_t unused;

	return syscall3(SYS_vpci_signal_msi, device, address, data, &unused);
}
