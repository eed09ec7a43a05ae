/* SPDX-License-Identifier: MIT */
/*
 * A machine's state, saved and restored: the partition's, each VP's and the devices', as bytes. Its RAM
 * stays where it is. While it is saved its time stands still: reference time, TSCs and the devices' clocks
 * go on from where they were, together.
 */
#include <stdlib.h>
#include <lib/log.h>
#include <lib/time.h>
#include <devices/device_state.h>
#include <vmm/machine.h>

#define REFERENCE_UNIT_NS 100u
#define CLOCK_TRIES	  8u

static void state_free(struct saved_state *state)
{
	free(state->data);
	*state = (struct saved_state){0};
}

void machine_state_free(struct machine *machine)
{
	struct saved_machine *saved = &machine->saved;

	state_free(&saved->partition);
	state_free(&saved->devices);
	for (uint32_t i = 0; saved->vps && i < machine->config->vps; i++)
		state_free(&saved->vps[i]);
	free(saved->vps);
	saved->vps = NULL;
}

/* ---- time ---- */

/* The system time at which the partition's reference time is 0, while it goes: of some tries, by that
 * which took least. It may lie before 0. */
static status_t clock_zero(struct machine *machine, uint64_t *zero)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < CLOCK_TRIES; i++) {
		uint64_t from = time_now(), reference, took;
		status_t status = partition_reference_time(machine->partition, &reference);

		if (status != STATUS_OK)
			return status;
		took = time_now() - from;
		if (took >= least)
			continue;
		least = took;
		*zero = from + took / 2 - reference * REFERENCE_UNIT_NS;
	}
	return STATUS_OK;
}

/* Where frozen reference time is on a clock whose zero is known. */
static status_t frozen_at(struct machine *machine, uint64_t zero, uint64_t *at)
{
	uint64_t reference;
	status_t status = partition_reference_time(machine->partition, &reference);

	if (status == STATUS_OK)
		*at = zero + reference * REFERENCE_UNIT_NS;
	return status;
}

/* ---- parts ---- */

/* The first call of `save` tells how much there is. */
static status_t state_store(struct machine *machine, struct saved_state *state,
			    status_t (*save)(struct machine *machine, uint32_t index, void *buffer,
					     size_t size, size_t *needed),
			    uint32_t index)
{
	size_t needed = 0;
	status_t status = save(machine, index, NULL, 0, &needed);

	if (status != STATUS_TOO_LARGE)
		return status == STATUS_OK ? STATUS_BAD_FORMAT : status;
	state->data = malloc(needed);
	if (!state->data)
		return STATUS_NO_MEMORY;
	state->size = needed;
	return save(machine, index, state->data, state->size, &needed);
}

static status_t save_partition(struct machine *machine, uint32_t index, void *buffer, size_t size,
			       size_t *needed)
{
	(void)index;
	return partition_save(machine->partition, buffer, size, needed);
}

static status_t save_vp(struct machine *machine, uint32_t index, void *buffer, size_t size,
			size_t *needed)
{
	return vp_save(machine->processors[index].vp, buffer, size, needed);
}

static status_t save_devices(struct machine *machine, uint32_t index, void *buffer, size_t size,
			     size_t *needed)
{
	uint64_t at;
	status_t status = frozen_at(machine, machine->saved.clock_zero, &at);

	(void)index;
	if (status != STATUS_OK)
		return status;
	return devices_save(&machine->platform.bus, at - machine->time_base, buffer, size, needed);
}

static status_t processor_save(struct processor *processor)
{
	struct machine *machine = processor->machine;

	return state_store(machine, &machine->saved.vps[processor->index], save_vp,
			   processor->index);
}

static status_t processor_restore(struct processor *processor)
{
	const struct saved_state *state = &processor->machine->saved.vps[processor->index];

	return vp_restore(processor->vp, state->data, state->size);
}

/* ---- all ---- */

/* The partition's time stands still, and the devices show the time at which it does. */
static status_t all_write(struct machine *machine)
{
	status_t status = state_store(machine, &machine->saved.partition, save_partition, 0);

	if (status == STATUS_OK)
		status = processors_visit(machine, "save", processor_save);
	if (status != STATUS_OK)
		return status;
	mutex_lock(&machine->lock);
	platform_flush(&machine->platform);
	status = state_store(machine, &machine->saved.devices, save_devices, 0);
	mutex_unlock(&machine->lock);
	return status;
}

status_t machine_state_save(struct machine *machine)
{
	status_t status = STATUS_NO_MEMORY;

	machine->saved.vps = calloc(machine->config->vps, sizeof(*machine->saved.vps));
	if (machine->saved.vps)
		status = clock_zero(machine, &machine->saved.clock_zero);
	if (status == STATUS_OK)
		status = partition_freeze(machine->partition);
	if (status == STATUS_OK) {
		status = all_write(machine);
		if (status != STATUS_OK)
			(void)partition_thaw(machine->partition);
	}
	if (status != STATUS_OK) {
		log_error("%s: save: %s", machine->config->name, status_words(status));
		machine_state_free(machine);
	}
	return status;
}

static status_t devices_read(struct machine *machine, uint64_t now_ns)
{
	const struct saved_state *state = &machine->saved.devices;
	status_t status;

	mutex_lock(&machine->lock);
	machine->time_base = time_now() - now_ns;
	status = devices_restore(&machine->platform.bus, &machine->env, state->data, state->size);
	mutex_unlock(&machine->lock);
	return status;
}

/* The devices' clock shows `now_ns` when reference time is what it was when both were saved. */
static status_t clock_set(struct machine *machine, uint64_t reference, uint64_t now_ns)
{
	uint64_t zero;
	status_t status = clock_zero(machine, &zero);

	mutex_lock(&machine->lock);
	if (status == STATUS_OK)
		machine->time_base = zero + reference * REFERENCE_UNIT_NS - now_ns;
	mutex_unlock(&machine->lock);
	return status;
}

status_t machine_state_restore(struct machine *machine)
{
	const struct saved_machine *saved = &machine->saved;
	uint64_t reference, now_ns;
	status_t status = partition_freeze(machine->partition);

	if (status == STATUS_OK)
		status = partition_restore(machine->partition, saved->partition.data,
					   saved->partition.size);
	if (status == STATUS_OK)
		status = partition_reference_time(machine->partition, &reference);
	if (status == STATUS_OK)
		status = processors_visit(machine, "restore", processor_restore);
	if (status == STATUS_OK)
		status = devices_saved_time(saved->devices.data, saved->devices.size, &now_ns);
	if (status == STATUS_OK)
		status = devices_read(machine, now_ns);
	if (status == STATUS_OK)
		status = partition_thaw(machine->partition);
	if (status == STATUS_OK)
		status = clock_set(machine, reference, now_ns);
	if (status != STATUS_OK)
		log_error("%s: restore: %s", machine->config->name, status_words(status));
	return status;
}
