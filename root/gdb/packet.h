/* SPDX-License-Identifier: MIT */
/*
 * Packets of gdb's remote serial protocol: $PAYLOAD#CHECKSUM, of which the payload has some bytes escaped,
 * acknowledgments + and -, and the byte 3 that interrupts. Pure: bytes come in one by one, and go out as a
 * whole. Nothing of what comes in is believed.
 */
#ifndef GDB_PACKET_H
#define GDB_PACKET_H

#include <trivet/types.h>

#define GDB_PAYLOAD_MAX 2048u /* of a packet that comes in, and so of one that goes out */

enum gdb_input {
	GDB_INPUT_NONE,	  /* more is to come */
	GDB_INPUT_PACKET, /* reader->data holds its payload, unescaped, NUL behind it */
	GDB_INPUT_BAD,	  /* a packet with a wrong checksum, or one that is too long */
	GDB_INPUT_ACK,
	GDB_INPUT_NAK,
	GDB_INPUT_BREAK,
};

struct gdb_reader {
	uint8_t state; /* enum reader_state; zeroed: between packets */
	uint8_t sum, wanted;
	bool escaped, bad;
	size_t length;
	uint8_t data[GDB_PAYLOAD_MAX + 1];
};

enum gdb_input gdb_reader_put(struct gdb_reader *reader, uint8_t byte);

/* A packet on its way out. What finds no place is left out; answers are kept shorter than that. */
struct gdb_writer {
	size_t length; /* of data: '$' and payload, until gdb_writer_end() */
	uint8_t data[1 + GDB_PAYLOAD_MAX + 3];
};

void gdb_writer_begin(struct gdb_writer *writer);
void gdb_put_text(struct gdb_writer *writer, const char *text);
/* Lower-case hexadecimal, without leading zeros. */
void gdb_put_number(struct gdb_writer *writer, uint64_t value);
/* Two digits a byte, in the order of memory. */
void gdb_put_bytes(struct gdb_writer *writer, const void *bytes, size_t size);
/* As it is, but escaped; answers how many of the bytes found a place. */
size_t gdb_put_binary(struct gdb_writer *writer, const void *bytes, size_t size);
/* Adds the checksum: data and length are what goes over the line. */
void gdb_writer_end(struct gdb_writer *writer);

/* ---- the text of a payload ---- */

/* The value of a digit, or -1. */
int gdb_digit(uint8_t byte);
/* Takes a hexadecimal number of 16 digits at most off the text. False: there is none. */
bool gdb_take_number(const char **text, uint64_t *value);
/* Takes `size` bytes of two digits each. False: there are fewer. */
bool gdb_take_bytes(const char **text, uint8_t *bytes, size_t size);
/* Takes a character, if it is the next. */
bool gdb_take(const char **text, char c);

#endif
