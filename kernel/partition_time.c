/* SPDX-License-Identifier: MIT */
/*
 * A partition's time: reference time, and how it stands still. Who changes it does so between
 * partition_time_change() and partition_time_changed(); who reads it takes no lock, and reads again what was
 * changed meanwhile.
 */
#include <kernel/cpu.h>
#include <kernel/partition.h>
#include <kernel/processor.h>
#include <kernel/state.h>
#include <kernel/timer.h>

#define REFERENCE_UNIT_NS 100u

/* ---- reading ---- */

uint64_t partition_reference_time_at(const struct partition *partition, uint64_t timestamp)
{
	return partition->time_offset +
	       (ns_from_ticks(timestamp) - ns_from_ticks(partition->time_base)) / REFERENCE_UNIT_NS;
}

uint64_t partition_reference_time(const struct partition *partition)
{
	uint32_t changes;
	uint64_t time;

	do {
		changes = partition_time_look(partition);
		time = partition_reference_time_at(partition, partition_timestamp(partition));
	} while (partition_time_is_other(partition, changes));
	return time;
}

/* ---- standing still ---- */

static void vps_release(struct partition *partition, uint32_t count)
{
	while (count--)
		atomic_store(&partition->vps[count]->bound, false);
}

/* As vp_bind takes one: afterwards no VP is anybody's but ours. */
static status_t vps_take(struct partition *partition)
{
	uint32_t i;

	for (i = 0; i < partition->vp_count; i++) {
		bool bound = false;

		if (!atomic_compare_exchange_strong(&partition->vps[i]->bound, &bound, true)) {
			vps_release(partition, i);
			return STATUS_BUSY;
		}
	}
	return STATUS_OK;
}

static void thaw(struct partition *partition)
{
	uint64_t ticks = timestamp_read() - partition->frozen_at;

	partition->time_base += ticks;
	partition->frozen_at = 0;
	arch_partition_time_skip(partition, ticks);
}

status_t partition_time_turn(struct partition *partition, bool freeze)
{
	uint32_t before;
	status_t status = vps_take(partition);

	if (status != STATUS_OK)
		return status;
	status = partition_change_begin(partition, BIT(freeze ? PARTITION_BUILT : PARTITION_FROZEN),
					&before);
	if (status == STATUS_OK) {
		partition_time_change(partition);
		if (freeze)
			partition->frozen_at = timestamp_read();
		else
			thaw(partition);
		partition_time_changed(partition);
		partition->state = freeze ? PARTITION_FROZEN : PARTITION_BUILT;
	}
	vps_release(partition, partition->vp_count);
	return status;
}
