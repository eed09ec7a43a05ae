/* SPDX-License-Identifier: MIT */
/*
 * Bytes as text that a serial line carries to another machine. What is zero is left out:
 *
 *	carry: OFFSET 64 hexadecimal digits SUM      32 bytes, by ascending offset
 *	carry: end COUNT SUM                         the lines before, and the sum of their sums
 *
 * OFFSET, COUNT and SUM are 8 digits; a sum is FNV-1a of offset and bytes.
 */
#ifndef TESTS_SELF_CARRY_H
#define TESTS_SELF_CARRY_H

#include <trivet/status.h>
#include <trivet/types.h>

/* One piece of what is carried; offsets go on from one to the next. Sizes are multiples of 32. */
struct carry_piece {
	uint8_t *data;
	uint64_t size;
};

/* The text of all pieces, up to `size` bytes; its length, 0: it does not fit. */
size_t carry_write(const struct carry_piece *pieces, uint32_t count, char *text, size_t size);
/* Into pieces of zeros. BAD_FORMAT: a line is not as it was written, out of order, or too much. TRUNCATED:
 * there is no end. */
status_t carry_read(const struct carry_piece *pieces, uint32_t count, const char *text,
		    size_t size) __must_check;

#endif
