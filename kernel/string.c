/* SPDX-License-Identifier: MIT */
/*
 * The C library's memory and string functions, as far as the compiler and the kernel want them.
 * Copies and fills go by words of eight bytes, eight at a time, then by bytes: plain, and quick
 * enough for pages, which are what is copied and cleared here. (The kernel is compiled without
 * strict aliasing, and its machines read words at any address.)
 */
#include <kernel/string.h>
#include <stdint.h>

/* Keeps the compiler from making these loops into calls of the functions that they define. */
#define PLAIN_LOOPS __attribute__((optimize("no-tree-loop-distribute-patterns")))

#define WORD  sizeof(uint64_t)
#define CHUNK (8 * WORD)

PLAIN_LOOPS void *memcpy(void *restrict destination, const void *restrict source, size_t size)
{
	uint8_t *to = destination;
	const uint8_t *from = source;

	for (; size >= CHUNK; size -= CHUNK, to += CHUNK, from += CHUNK) {
		uint64_t *t = (uint64_t *)to;
		const uint64_t *f = (const uint64_t *)from;

		t[0] = f[0];
		t[1] = f[1];
		t[2] = f[2];
		t[3] = f[3];
		t[4] = f[4];
		t[5] = f[5];
		t[6] = f[6];
		t[7] = f[7];
	}
	for (; size >= WORD; size -= WORD, to += WORD, from += WORD)
		*(uint64_t *)to = *(const uint64_t *)from;
	while (size-- != 0)
		*to++ = *from++;
	return destination;
}

PLAIN_LOOPS void *memmove(void *destination, const void *source, size_t size)
{
	uint8_t *to = destination;
	const uint8_t *from = source;

	if (to <= from) {
		while (size-- != 0)
			*to++ = *from++;
	} else {
		while (size-- != 0)
			to[size] = from[size];
	}
	return destination;
}

PLAIN_LOOPS void *memset(void *destination, int byte, size_t size)
{
	uint64_t word = 0x0101010101010101ull * (uint8_t)byte;
	uint8_t *to = destination;

	for (; size >= CHUNK; size -= CHUNK, to += CHUNK) {
		uint64_t *t = (uint64_t *)to;

		t[0] = word;
		t[1] = word;
		t[2] = word;
		t[3] = word;
		t[4] = word;
		t[5] = word;
		t[6] = word;
		t[7] = word;
	}
	for (; size >= WORD; size -= WORD, to += WORD)
		*(uint64_t *)to = word;
	while (size-- != 0)
		*to++ = (uint8_t)byte;
	return destination;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *x = a, *y = b;

	for (; size >= WORD && *(const uint64_t *)x == *(const uint64_t *)y; size -= WORD) {
		x += WORD;
		y += WORD;
	}
	for (; size != 0; size--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

PLAIN_LOOPS size_t strlen(const char *s)
{
	size_t length = 0;

	while (s[length] != '\0')
		length++;
	return length;
}

size_t strnlen(const char *s, size_t max)
{
	size_t length = 0;

	while (length < max && s[length] != '\0')
		length++;
	return length;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n != 0; n--, a++, b++)
		if (*a != *b || *a == '\0')
			return (uint8_t)*a - (uint8_t)*b;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (*s == '\0')
			return NULL;
	return (char *)s;
}
