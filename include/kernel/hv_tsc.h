/* SPDX-License-Identifier: MIT */
/*
 * How a guest wants to see its TSC, and to hear that it runs at another rate: invariant TSC, and reenlightenment
 * with TSC emulation (TLFS, "Compatibility with Live Migration"). The registers are the partition's.
 *
 * A guest that has both the notification and the emulation enabled can be restored where the TSC has another
 * rate. It goes on at the one that it knows until the guest says that it knows better.
 */
#ifndef KERNEL_HV_TSC_H
#define KERNEL_HV_TSC_H

#include <stdatomic.h>
#include <trivet/state.h>
#include <trivet/status.h>

struct partition;
struct vp;

struct hv_tsc {
	uint64_t reenlightenment;
	uint64_t emulation;
	uint64_t invariant;
	bool hides;	       /* CPUID would show that the TSC is invariant */
	bool emulated;	       /* it runs at another rate than the host's */
	_Atomic bool ending;   /* it will run at the host's: reference TSC pages tell nothing */
	_Atomic bool announce; /* a restore is yet to be told of */
};

/* When the partition's privileges are known. */
void hv_tsc_create(struct partition *partition);
void hv_tsc_reset(struct partition *partition);

/* As the guest writes them. False, or INVALID_REGISTER_VALUE: #GP. */
bool hv_reenlightenment_set(struct partition *partition, uint64_t value);
bool hv_tsc_invariant_set(struct partition *partition, uint64_t value);
/* So too, but between hv_change_begin() and hv_change_end(), as they may end the emulation. */
status_t hv_tsc_emulation_set(struct partition *partition, uint64_t value);
status_t hv_tsc_status_set(struct partition *partition, uint64_t value);
/* What the guest has to know of the rate: that of the host's while its own TSC is emulated. */
uint64_t hv_tsc_hz(const struct partition *partition);

/* VP_REQUEST_TSC, by the VP's own CPU: the interrupt, if this is the VP that gets it. */
void hv_tsc_announce(struct vp *vp);

/* ---- in saved states; of a partition that has the interface ---- */

void hv_tsc_state_get(const struct partition *partition, struct partition_state_tsc_control *state);
bool hv_tsc_state_valid(const struct partition *partition,
			const struct partition_state_tsc_control *state);
/* The guest is prepared for another rate. */
bool hv_tsc_state_asks(const struct partition_state_tsc_control *state);
/* No VP runs. emulated: at another rate. */
void hv_tsc_state_set(struct partition *partition, const struct partition_state_tsc_control *state,
		      bool emulated);

/* ---- of the architecture ---- */

/* Shows that the TSC is invariant, or does not; whether it was shown before. */
bool arch_hv_invariant_show(struct partition *partition, bool on);

#endif
