/* SPDX-License-Identifier: MIT */
/*
 * A machine's doorbells. Most are rung by the kernel, which the VP threads never hear of; those by
 * an instruction that only the emulator knows are rung from here.
 */
#include <lib/model.h>
#include <vmm/machine.h>

status_t machine_doorbell_create(struct machine *machine, const struct doorbell_config *config,
				 handle_t *doorbell)
{
	status_t status = partition_doorbell_create(machine->partition, 0, config, doorbell);

	if (status == STATUS_OK)
		atomic_fetch_add(&machine->doorbells, 1);
	return status;
}

void machine_doorbell_close(struct machine *machine, handle_t doorbell)
{
	handle_close(doorbell);
	atomic_fetch_sub(&machine->doorbells, 1);
}

bool machine_doorbell_ring(struct machine *machine, enum doorbell_kind kind, uint64_t address,
			   unsigned int size, uint64_t value)
{
	return atomic_load_explicit(&machine->doorbells, memory_order_relaxed) != 0 &&
	       doorbell_ring(machine->partition, 0, kind, address, size, value) == STATUS_OK;
}
