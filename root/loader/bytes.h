/* SPDX-License-Identifier: MIT */
/*
 * Little-endian fields of file and boot-protocol structures, read and written byte by byte: they
 * need no alignment, and a structure's layout is a list of named offsets beside its manual.
 * The caller has checked that the bytes are there.
 */
#ifndef LOADER_BYTES_H
#define LOADER_BYTES_H

#include <stdint.h>

static inline uint64_t bytes_get(const uint8_t *bytes, unsigned int count)
{
	uint64_t value = 0;

	while (count-- > 0)
		value = value << 8 | bytes[count];
	return value;
}

static inline uint16_t bytes_get16(const uint8_t *bytes)
{
	return (uint16_t)bytes_get(bytes, 2);
}

static inline uint32_t bytes_get32(const uint8_t *bytes)
{
	return (uint32_t)bytes_get(bytes, 4);
}

static inline uint64_t bytes_get64(const uint8_t *bytes)
{
	return bytes_get(bytes, 8);
}

static inline void bytes_put(uint8_t *bytes, unsigned int count, uint64_t value)
{
	for (unsigned int i = 0; i < count; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

static inline void bytes_put8(uint8_t *bytes, uint8_t value)
{
	*bytes = value;
}

static inline void bytes_put16(uint8_t *bytes, uint16_t value)
{
	bytes_put(bytes, 2, value);
}

static inline void bytes_put32(uint8_t *bytes, uint32_t value)
{
	bytes_put(bytes, 4, value);
}

static inline void bytes_put64(uint8_t *bytes, uint64_t value)
{
	bytes_put(bytes, 8, value);
}

#endif
