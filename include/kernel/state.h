/* SPDX-License-Identifier: MIT */
/*
 * The state of VPs and partitions by element, and whole: read, written, set to its value at reset, saved
 * and restored. What an element is stands in the architecture's table; what a saved state looks like, in
 * <trivet/state.h>.
 *
 * All that concerns a VP is called on its own CPU, while it is not running. A call that fails has changed
 * nothing.
 */
#ifndef KERNEL_STATE_H
#define KERNEL_STATE_H

#include <kernel/processor.h>
#include <trivet/state.h>

enum state_element_flags {
	STATE_SHARED = BIT(0), /* by the VTLs of a VP: only VTL0 has it */
	STATE_EXACT = BIT(1),  /* what is read back is what was set */
	STATE_HIDDEN = BIT(2), /* not part of a saved state */
	STATE_SIZES = BIT(3),  /* the architecture tells the size, and takes others */
};

struct state_element {
	uint16_t id;	 /* enum vp_state_element */
	uint16_t flags;	 /* enum state_element_flags */
	uint16_t size;	 /* in bytes */
	uint16_t offset; /* the architecture's */
};

/* In ascending order of ids. */
#define STATE_ELEMENTS_MAX 24u
extern const struct state_element arch_vp_elements[];
extern const uint32_t arch_vp_element_count;
/* Bytes of it in a saved state; 0: this partition has not got it. */
uint32_t arch_vp_element_size(const struct vp *vp, const struct state_element *element);

/* Some elements of a VTL, by their place in the table; NULL: not this one. */
struct state_view {
	void *data[STATE_ELEMENTS_MAX];
	uint32_t length[STATE_ELEMENTS_MAX];
};

/* Into zeros; what they are, or their values at reset (SDM 3A table 10-1, APM 2 table 14-1). */
void arch_vp_state_get(struct vp *vp, uint32_t vtl, const struct state_view *view, bool reset);
/* Can a VP of this partition be in that state, with these elements together? */
bool arch_vp_state_valid(struct vp *vp, uint32_t vtl, const struct state_view *view);
/* Moves the pages that these elements place, of data that are valid. NO_MEMORY, BUSY: nothing has changed. */
status_t arch_vp_state_place(struct vp *vp, uint32_t vtl,
			     const struct state_view *view) __must_check;
/* Of data that are valid, and placed. */
void arch_vp_state_set(struct vp *vp, uint32_t vtl, const struct state_view *view);
/* The VMM's answer that is due is taken over, so that nothing of the VP is in its run page. */
void arch_vp_settle(struct vp *vp);
/* What was asked of the VMM for the state that was before is forgotten. */
void arch_vp_forget(struct vp *vp);
/* The partition's TSC (which is that of VPs whose software has not written theirs), now, and its rate. */
uint64_t arch_partition_tsc(const struct partition *partition);
uint64_t arch_partition_tsc_hz(const struct partition *partition);
/* Can the TSC run at that rate, which is not the host's? Of a guest that is prepared for it all reads can be
 * emulated. */
bool arch_partition_tsc_can_run(uint64_t hz, bool prepared);
/* It goes on from there at that rate; 0: the host's. The VPs are to get VP_REQUEST_TSC. */
void arch_partition_tsc_set(struct partition *partition, uint64_t tsc, uint64_t hz);
/* From where it is it goes on at the host's rate. VPs may run, and are to get VP_REQUEST_TSC. */
void arch_partition_tsc_settle(struct partition *partition);
/* So many ticks of the host, for which the partition's time stood still, did not pass for it. */
void arch_partition_time_skip(struct partition *partition, uint64_t ticks);

/* Where ARCH_PARTITION_STATE is not 0, that is the number of an element of partitions that is the architecture's:
 * its bytes; what it is, into zeros; can it be so; and setting it, which no VP runs meanwhile. */
uint32_t arch_partition_element_size(const struct partition *partition);
void arch_partition_state_get(struct partition *partition, void *data);
bool arch_partition_state_valid(const struct partition *partition, const void *data);
void arch_partition_state_set(struct partition *partition, const void *data);

/* One element. INVALID_ARGUMENT: there is no such element. NOT_SUPPORTED: this partition has not got it.
 * INVALID_VTL: so too the VTL. TOO_LARGE: the buffer is less than *needed bytes. */
status_t vp_state_get(struct vp *vp, uint32_t vtl, uint32_t element, void *buffer, uint64_t size,
		      uint64_t *needed) __must_check;
/* Its value at reset, which is not set. */
status_t vp_state_at_reset(struct vp *vp, uint32_t vtl, uint32_t element, void *buffer,
			   uint64_t size, uint64_t *needed) __must_check;
/* BAD_FORMAT: a length that the element cannot have. INVALID_REGISTER_VALUE: a value. NO_MEMORY, BUSY: a page
 * cannot be placed, or not now. */
status_t vp_state_set(struct vp *vp, uint32_t vtl, uint32_t element, const void *data,
		      uint64_t size) __must_check;

/* All elements. TOO_LARGE: as above. */
status_t vp_save(struct vp *vp, void *buffer, uint64_t size, uint64_t *needed) __must_check;
/* The statuses of state_read_begin() and state_read(); NOT_SUPPORTED: an element that there is not, or that
 * this partition has not got. NOT_FOUND: one is missing. INVALID_REGISTER_VALUE: values that do not go
 * together, too. NO_MEMORY, BUSY: as above. */
status_t vp_restore(struct vp *vp, const void *data, uint64_t size) __must_check;
/* As many bytes as any VP's state has. */
#define STATE_SIZE_MAX KIB(32)

status_t partition_save(struct partition *partition, void *buffer, uint64_t size,
			uint64_t *needed) __must_check;
/* TSC_RATE: its TSC ran at another rate, at which it cannot run here, or not without emulation, for which its guest
 * has not asked. Reference time and TSC go
 * on from there. BUSY and WRONG_STATE as for partition_change_begin(). */
status_t partition_restore(struct partition *partition, const void *data,
			   uint64_t size) __must_check;
/* Freezes the partition's time, or thaws it. Meanwhile no VP runs, and reference time, TSCs and timers stand
 * still. BUSY: a VP is bound. WRONG_STATE: it is frozen, or not. */
status_t partition_time_turn(struct partition *partition, bool freeze) __must_check;
static inline status_t partition_freeze(struct partition *partition)
{
	return partition_time_turn(partition, true);
}
static inline status_t partition_thaw(struct partition *partition)
{
	return partition_time_turn(partition, false);
}

#endif
