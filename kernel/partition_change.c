/* SPDX-License-Identifier: MIT */
/* How a partition is taken away from its VPs while it is changed as a whole. */
#include <kernel/partition.h>
#include <kernel/processor.h>

static bool vps_stopped(const struct partition *partition)
{
	uint32_t i;

	for (i = 0; i < partition->vp_count; i++)
		if (atomic_load(&partition->vps[i]->run_state) != VP_STOPPED)
			return false;
	return true;
}

/* Who runs a VP says so before it looks at the state: either we see it here, or it sees that a change
 * is under way. */
status_t partition_change_begin(struct partition *partition, uint32_t from, uint32_t *before)
{
	uint32_t state = partition->state;

	*before = state;
	if (!((from | BIT(PARTITION_CHANGING)) & BIT(state)))
		return STATUS_WRONG_STATE;
	if (state == PARTITION_CHANGING || !vps_stopped(partition) ||
	    !atomic_compare_exchange_strong(&partition->state, &state, PARTITION_CHANGING))
		return STATUS_BUSY;
	if (vps_stopped(partition))
		return STATUS_OK;
	partition->state = *before;
	return STATUS_BUSY;
}
