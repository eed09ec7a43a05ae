/* SPDX-License-Identifier: MIT */
/* See carry.h. */
#include "carry.h"
#include <kernel/console.h>
#include <kernel/string.h>

#define PREFIX	   "carry: "
#define END	   "end "
#define LINE_BYTES 32u
#define LINE_MAX   128u
#define SUM_BASIS  0x811c9dc5u
#define SUM_PRIME  0x01000193u

static uint32_t sum_of(uint32_t offset, const uint8_t *bytes)
{
	uint32_t sum = SUM_BASIS;
	unsigned int i;

	for (i = 0; i < sizeof(offset); i++)
		sum = (sum ^ (offset >> 8 * i & 0xff)) * SUM_PRIME;
	for (i = 0; i < LINE_BYTES; i++)
		sum = (sum ^ bytes[i]) * SUM_PRIME;
	return sum;
}

/* NULL: no piece is there. */
static uint8_t *bytes_at(const struct carry_piece *pieces, uint32_t count, uint64_t offset)
{
	uint32_t i;

	if (offset % LINE_BYTES)
		return NULL;
	for (i = 0; i < count; i++) {
		if (offset < pieces[i].size)
			return pieces[i].data + offset;
		offset -= pieces[i].size;
	}
	return NULL;
}

/* ---- writing ---- */

static bool is_zero(const uint8_t *bytes)
{
	static const uint8_t zeros[LINE_BYTES];

	return memcmp(bytes, zeros, LINE_BYTES) == 0;
}

static size_t line_write(char *line, uint32_t offset, const uint8_t *bytes, uint32_t sum)
{
	size_t length = (size_t)format(line, LINE_MAX, PREFIX "%08x ", offset);
	unsigned int i;

	for (i = 0; i < LINE_BYTES; i++)
		length += (size_t)format(line + length, LINE_MAX - length, "%02x", bytes[i]);
	return length + (size_t)format(line + length, LINE_MAX - length, " %08x\r\n", sum);
}

size_t carry_write(const struct carry_piece *pieces, uint32_t count, char *text, size_t size)
{
	uint32_t offset = 0, lines = 0, sums = 0;
	const uint8_t *bytes;
	size_t length = 0;

	for (; (bytes = bytes_at(pieces, count, offset)); offset += LINE_BYTES) {
		uint32_t sum = sum_of(offset, bytes);

		if (is_zero(bytes))
			continue;
		if (size - length < LINE_MAX)
			return 0;
		length += line_write(text + length, offset, bytes, sum);
		lines++;
		sums += sum;
	}
	if (size - length < LINE_MAX)
		return 0;
	return length +
	       (size_t)format(text + length, LINE_MAX, PREFIX END "%08x %08x\r\n", lines, sums);
}

/* ---- reading ---- */

struct reader {
	const char *at, *end;
};

static bool word_take(struct reader *reader, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length))
		return false;
	reader->at += length;
	return true;
}

static bool digits_take(struct reader *reader, unsigned int count, uint32_t *value)
{
	static const char digits[] = "0123456789abcdef";

	for (*value = 0; count; count--) {
		const char *digit = reader->at < reader->end ? strchr(digits, *reader->at) : NULL;

		if (!digit || !*digit)
			return false;
		*value = *value << 4 | (uint32_t)(digit - digits);
		reader->at++;
	}
	return true;
}

static bool line_end_take(struct reader *reader)
{
	(void)word_take(reader, "\r");
	return word_take(reader, "\n");
}

static bool bytes_take(struct reader *reader, uint8_t bytes[LINE_BYTES])
{
	uint32_t value;
	unsigned int i;

	for (i = 0; i < LINE_BYTES; i++) {
		if (!digits_take(reader, 2, &value))
			return false;
		bytes[i] = (uint8_t)value;
	}
	return true;
}

/* A line whose prefix has been taken. */
static bool line_take(struct reader *reader, uint32_t *offset, uint8_t bytes[LINE_BYTES],
		      uint32_t *sum)
{
	return digits_take(reader, 8, offset) && word_take(reader, " ") &&
	       bytes_take(reader, bytes) && word_take(reader, " ") && digits_take(reader, 8, sum) &&
	       line_end_take(reader) && *sum == sum_of(*offset, bytes);
}

static bool end_take(struct reader *reader, uint32_t lines, uint32_t sums)
{
	uint32_t count, sum;

	return digits_take(reader, 8, &count) && word_take(reader, " ") &&
	       digits_take(reader, 8, &sum) && line_end_take(reader) && count == lines &&
	       sum == sums && reader->at == reader->end;
}

status_t carry_read(const struct carry_piece *pieces, uint32_t count, const char *text, size_t size)
{
	struct reader reader = {text, text + size};
	uint32_t offset, lines = 0, sum, sums = 0;
	uint8_t bytes[LINE_BYTES], *place;
	uint64_t next = 0;

	while (word_take(&reader, PREFIX)) {
		if (word_take(&reader, END))
			return end_take(&reader, lines, sums) ? STATUS_OK : STATUS_BAD_FORMAT;
		if (!line_take(&reader, &offset, bytes, &sum) || offset < next)
			return STATUS_BAD_FORMAT;
		place = bytes_at(pieces, count, offset);
		if (!place)
			return STATUS_BAD_FORMAT;
		memcpy(place, bytes, LINE_BYTES);
		next = (uint64_t)offset + LINE_BYTES;
		lines++;
		sums += sum;
	}
	return reader.at == reader.end ? STATUS_TRUNCATED : STATUS_BAD_FORMAT;
}
