/* SPDX-License-Identifier: MIT */
/* Builds a device tree in memory, token by token, for tests. */
#ifndef TESTS_FDT_BUILDER_H
#define TESTS_FDT_BUILDER_H

#include <stdint.h>
#include <string.h>

#define BUILDER_STRUCTURE 256u /* behind the header and eleven reservations */
#define BUILDER_STRINGS	  6144u
#define BUILDER_SIZE	  8192u

struct builder {
	uint8_t data[BUILDER_SIZE];
	uint32_t at, strings, reservations;
};

static inline void put32(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 24);
	p[1] = (uint8_t)(value >> 16);
	p[2] = (uint8_t)(value >> 8);
	p[3] = (uint8_t)value;
}

static inline void put64(uint8_t *p, uint64_t value)
{
	put32(p, (uint32_t)(value >> 32));
	put32(p + 4, (uint32_t)value);
}

static inline void builder_word(struct builder *b, uint32_t value)
{
	put32(b->data + b->at, value);
	b->at += 4;
}

static inline void builder_start(struct builder *b)
{
	memset(b, 0, sizeof(*b));
	b->at = BUILDER_STRUCTURE;
	b->strings = BUILDER_STRINGS;
}

static inline void builder_reserve(struct builder *b, uint64_t base, uint64_t size)
{
	put64(b->data + 48 + b->reservations * 16, base);
	put64(b->data + 56 + b->reservations * 16, size);
	b->reservations++;
}

static inline void node_begin(struct builder *b, const char *name)
{
	builder_word(b, 1);
	strcpy((char *)b->data + b->at, name);
	b->at += ((uint32_t)strlen(name) + 4) & ~3u;
}

static inline void node_end(struct builder *b)
{
	builder_word(b, 2);
}

static inline void property(struct builder *b, const char *name, const void *value, uint32_t size)
{
	builder_word(b, 3);
	builder_word(b, size);
	builder_word(b, b->strings - BUILDER_STRINGS);
	strcpy((char *)b->data + b->strings, name);
	b->strings += (uint32_t)strlen(name) + 1;
	if (size)
		memcpy(b->data + b->at, value, size);
	b->at += (size + 3) & ~3u;
}

static inline void property_string(struct builder *b, const char *name, const char *value)
{
	property(b, name, value, (uint32_t)strlen(value) + 1);
}

#define CELLS(b, name, ...)                                                       \
	do {                                                                      \
		const uint32_t cells[] = {__VA_ARGS__};                           \
		property_cells(b, name, cells, sizeof(cells) / sizeof(cells[0])); \
	} while (0)
static inline void property_cells(struct builder *b, const char *name, const uint32_t *cells,
				  uint32_t count)
{
	uint8_t bytes[256];

	for (uint32_t i = 0; i < count; i++)
		put32(bytes + i * 4, cells[i]);
	property(b, name, bytes, count * 4);
}

static inline void builder_end(struct builder *b)
{
	builder_word(b, 9);
	put32(b->data + 0, 0xd00dfeed);
	put32(b->data + 4, BUILDER_SIZE);
	put32(b->data + 8, BUILDER_STRUCTURE);
	put32(b->data + 12, BUILDER_STRINGS);
	put32(b->data + 16, 48);
	put32(b->data + 20, 17);
	put32(b->data + 24, 16);
	put32(b->data + 32, b->strings - BUILDER_STRINGS);
	put32(b->data + 36, b->at - BUILDER_STRUCTURE);
}

#endif
