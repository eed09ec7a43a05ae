/* SPDX-License-Identifier: MIT */
/*
 * The synthetic interrupt controller of a VP, one for each VTL: what is sent to it. Whatever the
 * architecture: how a SINT becomes an interrupt is the architecture's.
 */
#ifndef KERNEL_SYNIC_H
#define KERNEL_SYNIC_H

#include <kernel/processor.h>
#include <trivet/hv/synic.h>

/*
 * Queues a message to a SINT, to be put into its slot as soon as that is free, and interrupts the VP then.
 * From any CPU, at any time while the partition lives; @message is copied, its `flags` are not looked at.
 * What was accepted is not lost. NOT_SUPPORTED: the partition has no synic; INVALID_VTL; NOT_FOUND: no such SINT;
 * WRONG_STATE: the guest has not enabled its synic or its message page, or has masked the SINT; BUSY: as
 * many wait as may (nothing is queued).
 */
status_t synic_post_message(struct vp *vp, uint32_t vtl, uint32_t sint,
			    const struct hv_message *message) __must_check;
/* Sets an event flag and interrupts the VP if it was clear; *was_set tells. As above; INVALID_ARGUMENT: no
 * such flag. */
status_t synic_signal_event(struct vp *vp, uint32_t vtl, uint32_t sint, uint32_t flag,
			    bool *was_set) __must_check;
/* Takes the flag back; it is not an error if the guest was faster. */
status_t synic_clear_event(struct vp *vp, uint32_t vtl, uint32_t sint, uint32_t flag) __must_check;

#endif
