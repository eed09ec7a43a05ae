/* SPDX-License-Identifier: MIT */
/* What a guest told when it crashed (TLFS, "Partition Crash Enlightenment"), and who is told of it. */
#ifndef KERNEL_HV_CRASH_H
#define KERNEL_HV_CRASH_H

#include <kernel/lock.h>
#include <trivet/abi.h>

struct event;
struct partition;
struct vp;

struct hv_crash {
	_Atomic uint64_t parameter[PARTITION_CRASH_PARAMETERS]; /* the registers */
	struct spinlock
		lock; /* all below; a guest's address space comes after it, and so does an event */
	struct event *event; /* NULL: nobody is told */
	uint64_t bits;
	uint32_t count;			/* of crashes since reset */
	_Atomic uint32_t changes;	/* of `record`; odd: it is being written */
	struct partition_crash *record; /* NULL: nobody was ever to be told */
};

/* By the guest: it has crashed; `control` is what it wrote to HV_MSR_CRASH_CTL. */
void hv_crash_notify(struct vp *vp, uint32_t vtl, uint64_t control);
/* Each crash from now on signals the event. NO_MEMORY; NOT_SUPPORTED: no Hyper-V interface. */
status_t hv_crash_bind(struct partition *partition, struct event *event,
		       uint64_t bits) __must_check;
/* To ring 3. NOT_FOUND: there was none since somebody was to be told; BUSY: the guest goes on crashing. */
status_t hv_crash_copy(struct partition *partition, uint64_t user) __must_check;
void hv_crash_reset(struct partition *partition);
void hv_crash_destroy(struct partition *partition);

#endif
