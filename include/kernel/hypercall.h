/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls: what they are is in one table (hypercall.c), what they do in hv_calls.c. How a caller gives
 * its parameters is the architecture's.
 */
#ifndef KERNEL_HYPERCALL_H
#define KERNEL_HYPERCALL_H

#include <kernel/processor.h>
#include <trivet/hv/hypercall.h>

#define HYPERCALL_FAST_WORDS 14u

struct hypercall {
	/* From the caller. */
	struct vp *vp;
	uint32_t vtl;
	bool outside; /* the VP is loaded on no CPU; then `fast` is whole, otherwise the first two words */
	uint64_t control; /* the hypercall input value */
	gpa_t input, output;
	uint64_t fast[HYPERCALL_FAST_WORDS]; /* a fast call's registers: input, then output */
	uint8_t input_words, output_words;   /* that a fast call may have */
	/* To the caller. */
	uint64_t result;
	bool fast_changed; /* behind the input */
	bool yield;	   /* the VP may give its CPU to another thread */
	bool woke;	   /* a thread, maybe, to which it has to give its CPU */
};

enum hypercall_outcome {
	HYPERCALL_DONE,	   /* `result` */
	HYPERCALL_AGAIN,   /* the same instruction once more, with `control` as it is now */
	HYPERCALL_OUTSIDE, /* nothing was done: it wants the VP off its CPU */
};

enum hypercall_outcome hypercall_perform(struct hypercall *call);

/* Only inside: not now, but soon. */
#define HYPERCALL_BUSY 0xffffu

/*
 * One of the table's calls, of which all sizes, addresses and privileges are right: a status, or
 * HYPERCALL_BUSY. Rep calls do one element, or all of them if their row says so.
 */
typedef uint16_t hypercall_t(struct hypercall *call, const void *header, const void *in, void *out);

hypercall_t hypercall_flush, hypercall_long_spin, hypercall_get_register, hypercall_set_register,
	hypercall_vp_index, hypercall_capabilities, hypercall_post_message, hypercall_signal_event;

/* ---- of the architecture ---- */

/* The VP that has this APIC id or MPIDR; false: none. */
bool arch_vp_index(const struct partition *partition, uint64_t hardware_id, uint32_t *index);
/* A register of the interface itself by its name, of a VP that is loaded on no CPU; others:
 * INVALID_REGISTER. */
status_t arch_hv_register_get(struct vp *vp, uint32_t vtl, uint32_t name,
			      union hv_register_value *value);
/* So too, of the caller's own VP. BUSY, INVALID_REGISTER_VALUE, NO_MEMORY. */
status_t arch_hv_register_set(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value);

#endif
