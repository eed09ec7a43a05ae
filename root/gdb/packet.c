/* SPDX-License-Identifier: MIT */
/* Packets of gdb's remote serial protocol: see packet.h. */
#include <gdb/packet.h>
#include <string.h>

enum reader_state { READER_IDLE, READER_PAYLOAD, READER_SUM_HIGH, READER_SUM_LOW };

#define ESCAPE	    '}'
#define ESCAPE_FLIP 0x20
#define BREAK	    3
#define SUM_SIZE    3u /* '#' and two digits */

static void reader_begin(struct gdb_reader *reader)
{
	reader->state = READER_PAYLOAD;
	reader->sum = 0;
	reader->length = 0;
	reader->escaped = false;
	reader->bad = false;
}

static enum gdb_input idle_put(struct gdb_reader *reader, uint8_t byte)
{
	switch (byte) {
	case '$': reader_begin(reader); return GDB_INPUT_NONE;
	case '+': return GDB_INPUT_ACK;
	case '-': return GDB_INPUT_NAK;
	case BREAK: return GDB_INPUT_BREAK;
	default: return GDB_INPUT_NONE; /* noise */
	}
}

/* A '$' is never part of a payload: the end of the packet before it was lost. */
static void payload_put(struct gdb_reader *reader, uint8_t byte)
{
	if (byte == '$') {
		reader_begin(reader);
		return;
	}
	if (byte == '#') {
		reader->bad |= reader->escaped;
		reader->state = READER_SUM_HIGH;
		return;
	}
	reader->sum = (uint8_t)(reader->sum + byte);
	if (byte == ESCAPE && !reader->escaped) {
		reader->escaped = true;
		return;
	}
	if (reader->length == GDB_PAYLOAD_MAX) {
		reader->bad = true;
		return;
	}
	reader->data[reader->length++] = reader->escaped ? byte ^ ESCAPE_FLIP : byte;
	reader->escaped = false;
}

static enum gdb_input sum_put(struct gdb_reader *reader, uint8_t byte)
{
	int digit = gdb_digit(byte);

	reader->bad |= digit < 0;
	if (reader->state == READER_SUM_HIGH) {
		reader->wanted = (uint8_t)((digit & 0xf) << 4);
		reader->state = READER_SUM_LOW;
		return GDB_INPUT_NONE;
	}
	reader->state = READER_IDLE;
	reader->wanted |= (uint8_t)(digit & 0xf);
	reader->data[reader->length] = '\0';
	return reader->bad || reader->wanted != reader->sum ? GDB_INPUT_BAD : GDB_INPUT_PACKET;
}

enum gdb_input gdb_reader_put(struct gdb_reader *reader, uint8_t byte)
{
	switch (reader->state) {
	case READER_IDLE: return idle_put(reader, byte);
	case READER_PAYLOAD: payload_put(reader, byte); return GDB_INPUT_NONE;
	default: return sum_put(reader, byte);
	}
}

/* ---- out ---- */

static const char digits[] = "0123456789abcdef";

static void byte_put(struct gdb_writer *writer, uint8_t byte)
{
	if (writer->length < sizeof(writer->data) - SUM_SIZE)
		writer->data[writer->length++] = byte;
}

void gdb_writer_begin(struct gdb_writer *writer)
{
	writer->data[0] = '$';
	writer->length = 1;
}

void gdb_put_text(struct gdb_writer *writer, const char *text)
{
	while (*text)
		byte_put(writer, (uint8_t)*text++);
}

void gdb_put_number(struct gdb_writer *writer, uint64_t value)
{
	unsigned shift = 60;

	while (shift && !(value >> shift))
		shift -= 4;
	for (;; shift -= 4) {
		byte_put(writer, (uint8_t)digits[value >> shift & 0xf]);
		if (!shift)
			return;
	}
}

void gdb_put_bytes(struct gdb_writer *writer, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++) {
		byte_put(writer, (uint8_t)digits[at[i] >> 4]);
		byte_put(writer, (uint8_t)digits[at[i] & 0xf]);
	}
}

size_t gdb_put_binary(struct gdb_writer *writer, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++) {
		bool special = at[i] == '#' || at[i] == '$' || at[i] == ESCAPE || at[i] == '*';

		if (writer->length + 2 > sizeof(writer->data) - SUM_SIZE)
			return i;
		if (special)
			byte_put(writer, ESCAPE);
		byte_put(writer, special ? at[i] ^ ESCAPE_FLIP : at[i]);
	}
	return size;
}

void gdb_writer_end(struct gdb_writer *writer)
{
	uint8_t sum = 0;

	for (size_t i = 1; i < writer->length; i++)
		sum = (uint8_t)(sum + writer->data[i]);
	writer->data[writer->length++] = '#';
	writer->data[writer->length++] = (uint8_t)digits[sum >> 4];
	writer->data[writer->length++] = (uint8_t)digits[sum & 0xf];
}

/* ---- the text of a payload ---- */

int gdb_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

bool gdb_take_number(const char **text, uint64_t *value)
{
	unsigned count;

	*value = 0;
	for (count = 0; gdb_digit((uint8_t) * *text) >= 0; count++, (*text)++) {
		if (count == 16)
			return false;
		*value = *value << 4 | (unsigned)gdb_digit((uint8_t) * *text);
	}
	return count != 0;
}

bool gdb_take_bytes(const char **text, uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		int high = gdb_digit((uint8_t)(*text)[0]);
		int low = high < 0 ? -1 : gdb_digit((uint8_t)(*text)[1]);

		if (low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
		*text += 2;
	}
	return true;
}

bool gdb_take(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}
