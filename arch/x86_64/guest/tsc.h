/* SPDX-License-Identifier: MIT */
/*
 * A guest's TSC. That of a VP is tsc_scaled(ratio, host's) + offset, where the ratio is the partition's and
 * the offset, too, until the VP's software writes its TSC. At another rate than the host's, the processor scales
 * it (ASSIST_TSC_SCALING), or RDTSC and RDTSCP exit and are answered here.
 *
 * The rate can become the host's while VPs run, at one instant for all of them: who reads a TSC reads the
 * partition's ratio as it reads its time (partition_time_look()), and a VP that has not noticed yet adds the
 * partition's tsc_step to its own offset.
 */
#ifndef GUEST_TSC_H
#define GUEST_TSC_H

#include <arch/guest_tsc.h>
#include <kernel/processor.h>

/* Own CPU. At a timestamp at which the partition's rate does not change. */
uint64_t guest_tsc_at(const struct vp *vp, uint64_t timestamp);
/* Own CPU; now, of a VP whose time does not stand still. */
uint64_t guest_tsc_read(const struct vp *vp);
/* It is that, at that timestamp. For all VTLs, with the timers that follow it. */
void guest_tsc_write(struct vp *vp, uint64_t tsc, uint64_t timestamp);
/* What the VP's software has added to the partition's TSC. */
uint64_t guest_tsc_adjust_get(const struct vp *vp);
void guest_tsc_adjust_set(struct vp *vp, uint64_t value);
/* As the partition's TSC is: after a reset of the VP. */
void guest_tsc_reset(struct vp *vp);
/* VP_REQUEST_TSC: the rate is another. */
void guest_tsc_notice(struct vp *vp);

/* RDTSC or RDTSCP (tsc_exit.c). */
enum vp_outcome guest_tsc_exit(struct vp *vp, struct vp_exit *exit);

#endif
