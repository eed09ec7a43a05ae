/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing the form of saved states (<trivet/state.h>): the header and the records, whatever
 * they hold. Pure; the root task compiles the same file.
 */
#ifndef KERNEL_STATE_FORMAT_H
#define KERNEL_STATE_FORMAT_H

#include <trivet/state.h>
#include <trivet/status.h>

/* Where the writing of a state stands. What does not fit is counted and not written. */
struct state_writer {
	uint8_t *buffer;
	uint64_t size; /* of the buffer */
	uint64_t used; /* as much of it as is needed */
	uint32_t records;
};

void state_write_begin(struct state_writer *writer, void *buffer, uint64_t size);
/* A place for `length` bytes of zeros, or NULL: the buffer is full. Elements, and VTLs of one, ascend. */
void *state_write(struct state_writer *writer, uint32_t element, uint32_t vtl, uint32_t length);
/* Writes the header. TOO_LARGE: the buffer would have to have writer->used bytes. */
status_t state_write_end(struct state_writer *writer, enum state_kind kind);

/* A record, its data in place. */
struct state_item {
	uint32_t element;
	uint32_t vtl;
	uint32_t length;
	const void *data;
};

struct state_reader {
	const uint8_t *at, *end;
	uint64_t last;	  /* element and VTL */
	uint32_t records; /* left */
};

/* Checks the header. TRUNCATED: the data end before it or its `size` says more than there is.
 * BAD_FORMAT: it is none, or it says less. NOT_SUPPORTED: another version, architecture or kind. */
status_t state_read_begin(struct state_reader *reader, const void *data, uint64_t size,
			  enum state_kind kind) __must_check;
/* The next record. NOT_FOUND: there was none, and nothing is left over. BAD_FORMAT: order, flags,
 * reserved fields, padding, what is left over. TRUNCATED: a record ends behind the data, or one is
 * missing. ALREADY_EXISTS: the element was there before. */
status_t state_read(struct state_reader *reader, struct state_item *item) __must_check;

#endif
