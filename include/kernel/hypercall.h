/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls: what they are is in one table (hypercall.c), what they do in hv_*calls.c. How a caller gives
 * its parameters is the architecture's.
 */
#ifndef KERNEL_HYPERCALL_H
#define KERNEL_HYPERCALL_H

#include <kernel/processor.h>
#include <trivet/hv/hypercall.h>

#define HYPERCALL_FAST_WORDS 16u /* of the architecture that has most */

struct hypercall {
	/* From the caller. */
	struct vp *vp;
	uint32_t vtl;
	uint32_t variable;  /* words of the header behind its fixed part */
	bool outside;	    /* the VP is loaded on no CPU; then `fast` is whole */
	uint8_t fast_words; /* otherwise, so many of it */
	uint64_t control;   /* the hypercall input value */
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

/* Only inside: not now, but soon; not before the VP is off its CPU. */
#define HYPERCALL_BUSY	0xffffu
#define HYPERCALL_LEAVE 0xfffeu

/*
 * One of the table's calls, of which all sizes, addresses and privileges are right: a status,
 * HYPERCALL_BUSY, or (unless `outside`) HYPERCALL_LEAVE. Rep calls do one element, or all of them if their row says so.
 */
typedef uint16_t hypercall_t(struct hypercall *call, const void *header, const void *in, void *out);

hypercall_t hypercall_flush, hypercall_flush_ex, hypercall_flush_physical, hypercall_long_spin,
	hypercall_ipi, hypercall_ipi_ex, hypercall_assert_interrupt, hypercall_retarget,
	hypercall_property, hypercall_denied, hypercall_get_register, hypercall_set_register,
	hypercall_translate, hypercall_start_vp, hypercall_vp_index, hypercall_capabilities,
	hypercall_post_message, hypercall_signal_event;

/* An HV_INPUT_VTL: one's own, or a lower one. */
uint16_t hypercall_vtl(const struct hypercall *call, uint8_t input, uint32_t *vtl);

/* ---- of the architecture ---- */

/* The VP that has this APIC id or MPIDR; false: none. */
bool arch_vp_index(const struct partition *partition, uint64_t hardware_id, uint32_t *index);
/* May the register of the architecture be set by vp_call()? */
bool arch_register_is_plain(uint32_t name);
/* An interrupt at the controller of the VP, by a vector of IPIs or devices. Any CPU. */
void arch_vp_interrupt(struct vp *vp, uint32_t vtl, uint32_t vector);
/* May a device have so many from there up? At least one. */
bool arch_device_vectors_valid(const struct partition *partition, uint32_t first, uint32_t count);
/* INVALID_ARGUMENT. */
status_t arch_assert_interrupt(struct partition *partition, uint32_t vtl, uint64_t control,
			       uint64_t destination, uint32_t vector);
/* A VP that waits for its start begins with that. WRONG_STATE: it does not wait;
 * INVALID_REGISTER_VALUE, BUSY. No lock may be held. */
status_t arch_vp_start(struct vp *vp, uint32_t vtl, const void *context);
/* By the guest's own tables and with its rights; of flags all are known. *error: the code of the page
 * fault. BUSY. No lock may be held. */
status_t arch_translate(struct vp *vp, uint32_t vtl, const struct hv_translate_input *input,
			bool own, struct hv_translate_output *output, uint32_t *error);
uint64_t arch_processor_vendor(const struct partition *partition);

#endif
