/* SPDX-License-Identifier: MIT */
/* See tsc.h. */
#include "tsc.h"
#include "guest.h"
#include <kernel/memory_map.h>
#include <kernel/cpu.h>
#include <kernel/state.h>

/* Rates are no further apart: else the ratio would lose what it is for. */
#define RATE_FACTOR 16u

struct rate {
	uint64_t ratio, offset, step;
};

static struct rate rate_of(const struct partition *partition)
{
	const struct arch_partition *a = &partition->arch;

	return (struct rate){a->tsc_ratio, a->tsc_offset, a->tsc_step};
}

/* At one instant. */
static struct rate rate_read(const struct partition *partition)
{
	struct rate rate;
	uint32_t changes;

	do {
		changes = partition_time_look(partition);
		rate = rate_of(partition);
	} while (partition_time_is_other(partition, changes));
	return rate;
}

/* By the partition's ratio. */
static uint64_t offset_of(const struct vp *vp, const struct rate *rate)
{
	uint64_t offset = vp->arch.tsc_offset;

	return vp->arch.tsc_ratio == rate->ratio ? offset : offset + rate->step;
}

static void put(struct vp *vp, uint64_t ratio, uint64_t offset)
{
	uint32_t vtl;

	vp->arch.tsc_ratio = ratio;
	vp->arch.tsc_offset = offset;
	for (vtl = 0; vtl < VTL_COUNT; vtl++) {
		if (!vp->vtl[vtl])
			continue;
		vp_lapic(vp, vtl)->tsc_ratio = ratio;
		vp_lapic(vp, vtl)->tsc_offset = offset;
	}
}

static void set(struct vp *vp, const struct rate *rate, uint64_t offset)
{
	put(vp, rate->ratio, offset);
	guest_lapic_timer_update(vp);
	hv_time_changed(vp->partition);
}

__cold uint64_t guest_tsc_at(const struct vp *vp, uint64_t timestamp)
{
	struct rate rate = rate_of(vp->partition);

	return tsc_scaled(rate.ratio, timestamp) + offset_of(vp, &rate);
}

uint64_t guest_tsc_read(const struct vp *vp)
{
	uint32_t changes;
	uint64_t tsc;

	do {
		changes = partition_time_look(vp->partition);
		tsc = guest_tsc_at(vp, timestamp_read());
	} while (partition_time_is_other(vp->partition, changes));
	return tsc;
}

__cold void guest_tsc_write(struct vp *vp, uint64_t tsc, uint64_t timestamp)
{
	struct rate rate = rate_read(vp->partition);

	set(vp, &rate, tsc - tsc_scaled(rate.ratio, timestamp));
}

__cold uint64_t guest_tsc_adjust_get(const struct vp *vp)
{
	struct rate rate = rate_read(vp->partition);

	return offset_of(vp, &rate) - rate.offset;
}

__cold void guest_tsc_adjust_set(struct vp *vp, uint64_t value)
{
	struct rate rate = rate_read(vp->partition);

	set(vp, &rate, rate.offset + value);
}

static bool processor_scales(void)
{
	return backend_assists & ASSIST_TSC_SCALING;
}

static __cold void tell(struct vp *vp)
{
	uint32_t vtl;

	vp->arch.tsc_exits =
		vp->arch.tsc_ratio && (!processor_scales() || vp->partition->arch.tsc_exits);
	for (vtl = 0; vtl < VTL_COUNT; vtl++)
		if (vp->vtl[vtl])
			backend->arch.tsc_set(vp, vtl);
}

__cold void guest_tsc_reset(struct vp *vp)
{
	guest_tsc_adjust_set(vp, 0);
	tell(vp);
}

__cold void guest_tsc_notice(struct vp *vp)
{
	struct rate rate = rate_read(vp->partition);

	if (vp->arch.tsc_ratio != rate.ratio)
		set(vp, &rate, offset_of(vp, &rate));
	tell(vp);
}

/* ---- the partition's ---- */

__cold uint64_t arch_partition_tsc(const struct partition *partition)
{
	return tsc_scaled(partition->arch.tsc_ratio, partition_timestamp(partition)) +
	       partition->arch.tsc_offset;
}

__cold uint64_t arch_partition_tsc_hz(const struct partition *partition)
{
	return partition->arch.tsc_ratio ? partition->arch.tsc_hz : timestamp_hz;
}

__cold bool arch_partition_tsc_can_run(uint64_t hz, bool prepared)
{
	return (prepared || processor_scales()) && hz >= timestamp_hz / RATE_FACTOR &&
	       hz / RATE_FACTOR <= timestamp_hz;
}

/* What scales is the same for all: SVM has 32 bits of fraction (APM 2 15.30.5). */
#define FINEST_RATIO BIT(TSC_RATIO_SHIFT - 32)

static __cold uint64_t ratio_of(uint64_t hz)
{
	uint64_t ratio =
		(uint64_t)((((unsigned __int128)hz << TSC_RATIO_SHIFT) + timestamp_hz / 2) /
			   timestamp_hz);

	return processor_scales() ? ALIGN_DOWN(ratio, FINEST_RATIO) : ratio;
}

__cold void arch_partition_tsc_set(struct partition *partition, uint64_t tsc, uint64_t hz)
{
	struct arch_partition *a = &partition->arch;
	uint32_t i;

	guest_cpuid_rate_set(partition, arch_partition_tsc_hz(partition), hz ? hz : timestamp_hz);
	a->tsc_hz = hz;
	a->tsc_ratio = hz ? ratio_of(hz) : 0;
	a->tsc_offset = tsc - tsc_scaled(a->tsc_ratio, partition_timestamp(partition));
	for (i = 0; i < partition->vp_count; i++)
		put(partition->vps[i], a->tsc_ratio, partition->vps[i]->arch.tsc_offset);
}

/* VPs whose TSC the processor scales would come to the new rate one by one: they come here first. Those that were
 * in the guest have left it when the call returns, and look at what was asked of them before they go back. */
static __cold void exits_begin(struct partition *partition)
{
	uint32_t i;

	partition->arch.tsc_exits = true;
	for (i = 0; i < partition->vp_count; i++)
		vp_request(partition->vps[i], VP_REQUEST_TSC);
	gpa_space_shootdown(partition->space[0]);
}

/* At that instant no TSC makes a step. */
__cold void arch_partition_tsc_settle(struct partition *partition)
{
	struct arch_partition *a = &partition->arch;
	uint64_t now;

	if (processor_scales())
		exits_begin(partition);
	partition_time_change(partition);
	now = timestamp_read();
	a->tsc_step = tsc_scaled(a->tsc_ratio, now) - now;
	a->tsc_offset += a->tsc_step;
	a->tsc_ratio = 0;
	a->tsc_exits = false;
	partition_time_changed(partition);
}

/* Some VP may be on its way to this ratio: it comes here afterwards. */
__cold bool arch_partition_tsc_at(const struct partition *partition, uint64_t timestamp,
				  uint64_t *tsc, uint64_t *scale)
{
	struct rate rate = rate_of(partition);
	unsigned __int128 wide = *scale;
	uint32_t i;

	if (rate.ratio)
		wide = (wide << TSC_RATIO_SHIFT) / rate.ratio;
	*scale = (uint64_t)wide;
	*tsc = tsc_scaled(rate.ratio, timestamp) + rate.offset;
	for (i = 0; i < partition->vp_count; i++)
		if (offset_of(partition->vps[i], &rate) != rate.offset)
			return false;
	return !(wide >> 64);
}

/* What is rounded down lets no TSC go back. */
__cold void arch_partition_time_skip(struct partition *partition, uint64_t ticks)
{
	uint64_t skipped = tsc_scaled(partition->arch.tsc_ratio, ticks);
	uint32_t i, vtl;

	partition->arch.tsc_offset -= skipped;
	for (i = 0; i < partition->vp_count; i++) {
		struct vp *vp = partition->vps[i];

		vp->arch.tsc_offset -= skipped;
		for (vtl = 0; vtl < VTL_COUNT; vtl++)
			if (vp->vtl[vtl])
				lapic_time_skip(vp_lapic(vp, vtl), ticks);
	}
}
