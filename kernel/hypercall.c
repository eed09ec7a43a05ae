/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher of hypercalls (TLFS, "Hypercall Interface"). First all that the input value, the sizes and
 * the addresses can have wrong is looked for, then the call is made, element by element. Each header and
 * element is copied once and whole before it is looked at.
 *
 * Where the specification sends a message to the parent because a page of parameters is not mapped, the
 * caller gets INVALID_HYPERCALL_INPUT.
 */
#include <kernel/gpa_range.h>
#include <kernel/hypercall.h>
#include <kernel/string.h>
#include <trivet/hv/features.h>

enum row_flags {
	REP = BIT(0),
	ALL_REPS = BIT(1), /* are done at once */
	OUTSIDE = BIT(2),  /* waits for other CPUs, or works on what a loaded VP has in its CPU */
	VARIABLE = BIT(3), /* the header has more words behind it */
	IRQS = BIT(4),	   /* is not there if the VMM has the interrupt controllers */
};

#define HEADER_MAX   256u /* bytes of its fixed part */
#define VARIABLE_MAX 65u  /* words: all banks of a set of VPs, and one for what is before them */
#define INPUT_MAX    32u
#define OUTPUT_MAX   64u
/* Elements between two looks at interrupts and other threads. */
#define TURN	     16u

static const struct hypercall_row {
	uint16_t code;
	uint8_t flags;	 /* enum row_flags */
	uint16_t header; /* sizes; those of a rep call by element, but the header */
	uint8_t input, output;
	uint64_t privileges;
	hypercall_t *perform;
} rows[] = {
	{HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE, OUTSIDE, 24, 0, 0, 0, hypercall_flush},
	{HV_CALL_FLUSH_VIRTUAL_ADDRESS_LIST, REP | ALL_REPS | OUTSIDE, 24, 8, 0, 0,
	 hypercall_flush},
	{HV_CALL_NOTIFY_LONG_SPIN_WAIT, 0, 8, 0, 0, 0, hypercall_long_spin},
	{HV_CALL_SEND_IPI, IRQS, 16, 0, 0, 0, hypercall_ipi},
	{HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX, OUTSIDE | VARIABLE, 32, 0, 0, 0,
	 hypercall_flush_ex},
	{HV_CALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX, REP | ALL_REPS | OUTSIDE | VARIABLE, 32, 8, 0, 0,
	 hypercall_flush_ex},
	{HV_CALL_SEND_IPI_EX, IRQS | VARIABLE, 24, 0, 0, 0, hypercall_ipi_ex},
	{HV_CALL_GET_PARTITION_PROPERTY, 0, 16, 0, 8, 0, hypercall_property},
	{HV_CALL_GET_PARTITION_ID, 0, 0, 0, 8, HV_PRIVILEGE_PARTITION_ID, hypercall_denied},
	{HV_CALL_INSTALL_INTERCEPT, 0, 24, 0, 0, 0, hypercall_denied},
	{HV_CALL_GET_VP_REGISTERS, REP, 16, 4, 16, HV_PRIVILEGE_VP_REGISTERS,
	 hypercall_get_register},
	{HV_CALL_SET_VP_REGISTERS, REP, 16, 32, 0, HV_PRIVILEGE_VP_REGISTERS,
	 hypercall_set_register},
	{HV_CALL_TRANSLATE_VIRTUAL_ADDRESS, OUTSIDE, 32, 0, 16, HV_PRIVILEGE_VP_REGISTERS,
	 hypercall_translate},
	{HV_CALL_POST_MESSAGE, 0, 256, 0, 0, HV_PRIVILEGE_POST_MESSAGES, hypercall_post_message},
	{HV_CALL_SIGNAL_EVENT, 0, 8, 0, 0, HV_PRIVILEGE_SIGNAL_EVENTS, hypercall_signal_event},
	{HV_CALL_RETARGET_DEVICE_INTERRUPT, IRQS | VARIABLE, 56, 0, 0, 0, hypercall_retarget},
	{HV_CALL_ASSERT_VIRTUAL_INTERRUPT, IRQS, 32, 0, 0, 0, hypercall_assert_interrupt},
	{HV_CALL_START_VIRTUAL_PROCESSOR, OUTSIDE, 16 + ARCH_HV_CONTEXT_SIZE, 0, 0,
	 HV_PRIVILEGE_START_VP, hypercall_start_vp},
	/* The padding of its elements in the specification is in no implementation. */
	{HV_CALL_GET_VP_INDEX_FROM_APIC_ID, REP, 16, ARCH_HV_PROCESSOR_ID_SIZE, 4, 0,
	 hypercall_vp_index},
	/* Its output, too, is as implementations have it. */
	{HV_CALL_TRANSLATE_VIRTUAL_ADDRESS_EX, OUTSIDE, 32, 0, ARCH_HV_TRANSLATION_EX_SIZE,
	 HV_PRIVILEGE_VP_REGISTERS, hypercall_translate},
	{HV_CALL_FLUSH_GUEST_PHYSICAL_ADDRESS_SPACE, 0, 16, 0, 0, 0, hypercall_flush_physical},
	{HV_CALL_FLUSH_GUEST_PHYSICAL_ADDRESS_LIST, REP | ALL_REPS, 16, 8, 0, 0,
	 hypercall_flush_physical},
	{HV_EXT_CALL_QUERY_CAPABILITIES, 0, 0, 0, 8, HV_PRIVILEGE_EXTENDED_HYPERCALLS,
	 hypercall_capabilities},
};

/* A call whose checks are behind it. */
struct decoded {
	const struct hypercall_row *row;
	uint32_t start, count; /* of reps; a simple call is one element */
	uint32_t header_size, input_size, output_size;
	uint32_t input_words; /* of a fast call: where its output begins */
};

static const struct hypercall_row *row_find(uint16_t code)
{
	const struct hypercall_row *row;

	for (row = rows; row < rows + ARRAY_SIZE(rows); row++)
		if (row->code == code)
			return row;
	return NULL;
}

/* What the input value says. */
static uint16_t control_decode(uint64_t control, struct decoded *d)
{
	uint32_t count = HV_CALL_REP_COUNT(control), start = HV_CALL_REP_START(control);
	uint32_t variable = HV_CALL_VARIABLE(control);
	uint32_t most = d->row->flags & VARIABLE ? VARIABLE_MAX : 0;
	bool rep = d->row->flags & REP;

	if ((control & HV_CALL_RESERVED) || variable > most ||
	    (rep ? start >= count : start | count))
		return HV_INVALID_HYPERCALL_INPUT;
	d->start = start;
	d->count = rep ? count : 1;
	d->header_size = d->row->header + variable * 8;
	d->input_size = d->header_size + d->count * d->row->input;
	d->output_size = d->count * d->row->output;
	return HV_SUCCESS;
}

/* A list of parameters is aligned, in the guest's memory, and in one page. */
static bool list_is_right(const struct hypercall *call, gpa_t gpa, uint32_t size)
{
	const struct gpa_space *space = call->vp->vtl[call->vtl]->space;

	return !size || (IS_ALIGNED(gpa, 8) && gpa < gpa_limit(space) &&
			 (gpa & (PAGE_SIZE - 1)) + size <= PAGE_SIZE);
}

/* Two registers are 16 bytes; output begins with the next pair. */
static uint16_t place_decode(const struct hypercall *call, struct decoded *d)
{
	uint32_t output_words = (d->output_size + 7) / 8;

	if (!(call->control & HV_CALL_FAST))
		return list_is_right(call, call->input, d->input_size) &&
				       list_is_right(call, call->output, d->output_size)
			       ? HV_SUCCESS
			       : HV_INVALID_ALIGNMENT;
	d->input_words = ALIGN_UP(d->input_size, 16) / 8;
	if (d->input_words > call->input_words ||
	    (output_words && d->input_words + output_words > call->output_words))
		return HV_INVALID_HYPERCALL_INPUT;
	return HV_SUCCESS;
}

static uint16_t decode(struct hypercall *call, struct decoded *d)
{
	const struct hypercall_row *row = row_find(HV_CALL_CODE(call->control));
	uint16_t status;

	if (!row || ((row->flags & IRQS) && partition_has_user_apic(call->vp->partition)))
		return HV_INVALID_HYPERCALL_CODE;
	if (row->privileges & ~call->vp->partition->hv->privileges)
		return HV_ACCESS_DENIED;
	d->row = row;
	call->variable = HV_CALL_VARIABLE(call->control);
	status = control_decode(call->control, d);
	return status == HV_SUCCESS ? place_decode(call, d) : status;
}

static bool needs_outside(const struct hypercall *call, const struct decoded *d)
{
	bool more_words = (call->control & HV_CALL_FAST) &&
			  d->input_words + (d->output_size + 7) / 8 > call->fast_words;

	return !call->outside && ((d->row->flags & OUTSIDE) || more_words);
}

static bool parameter_read(struct hypercall *call, uint32_t offset, void *buffer, uint32_t size)
{
	if (call->control & HV_CALL_FAST) {
		memcpy(buffer, (const char *)call->fast + offset, size);
		return true;
	}
	return !size || gpa_read(call->vp->vtl[call->vtl]->space, call->input + offset, buffer,
				 size) == STATUS_OK;
}

static bool parameter_write(struct hypercall *call, const struct decoded *d, uint32_t offset,
			    const void *buffer)
{
	uint32_t size = d->row->output;

	if (!size)
		return true;
	if (call->control & HV_CALL_FAST) {
		memcpy((char *)&call->fast[d->input_words] + offset, buffer, size);
		call->fast_changed = true;
		return true;
	}
	return gpa_write(call->vp->vtl[call->vtl]->space, call->output + offset, buffer, size) ==
	       STATUS_OK;
}

static uint16_t element_perform(struct hypercall *call, const struct decoded *d, const void *header,
				uint32_t n)
{
	uint64_t in[INPUT_MAX / 8], out[OUTPUT_MAX / 8] = {0};
	const struct hypercall_row *row = d->row;
	uint16_t status;

	if (!parameter_read(call, d->header_size + n * row->input, in, row->input))
		return HV_INVALID_HYPERCALL_INPUT;
	status = row->perform(call, header, in, out);
	if (status == HV_SUCCESS && !parameter_write(call, d, n * row->output, out))
		return HV_INVALID_HYPERCALL_INPUT;
	return status;
}

/* The elements of one turn, up to the first failure: *n is the next one. */
static uint16_t elements_perform(struct hypercall *call, const struct decoded *d, uint32_t *n)
{
	uint64_t header[HEADER_MAX / 8 + VARIABLE_MAX];
	uint32_t end = MIN(d->count, *n + TURN);
	uint16_t status = HV_SUCCESS;

	if (!parameter_read(call, 0, header, d->header_size))
		return HV_INVALID_HYPERCALL_INPUT;
	while (*n < end && status == HV_SUCCESS) {
		status = element_perform(call, d, header, *n);
		if (status == HV_SUCCESS)
			*n = d->row->flags & ALL_REPS ? d->count : *n + 1;
	}
	return status;
}

enum hypercall_outcome hypercall_perform(struct hypercall *call)
{
	struct decoded d = {0};
	uint16_t status = decode(call, &d);
	uint32_t n = d.start;

	if (status == HV_SUCCESS && needs_outside(call, &d))
		return HYPERCALL_OUTSIDE;
	if (status == HV_SUCCESS)
		status = elements_perform(call, &d, &n);
	if (status == HYPERCALL_LEAVE && n == d.start)
		return HYPERCALL_OUTSIDE;
	if (status >= HYPERCALL_LEAVE || (status == HV_SUCCESS && n < d.count)) {
		if (d.row->flags & REP)
			call->control = (call->control & MASK(HV_CALL_REP_START_SHIFT)) |
					(uint64_t)n << HV_CALL_REP_START_SHIFT;
		return HYPERCALL_AGAIN;
	}
	call->result = status;
	if (d.row && (d.row->flags & REP))
		call->result |= (uint64_t)n << HV_RESULT_REPS_SHIFT;
	return HYPERCALL_DONE;
}
