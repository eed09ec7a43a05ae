/* SPDX-License-Identifier: MIT */
/* Texts in UTF-16, little-endian, as they stand in messages, and in UTF-8 (RFC 2781, RFC 3629). Pure. */
#ifndef VMBUS_UTF16_H
#define VMBUS_UTF16_H

#include <trivet/types.h>

/* The next code point of a text that is not at its end; false: there is none that is valid, and *text is somewhere
 * behind its first byte. */
bool utf8_take(const char **text, uint32_t *code);
/* Writes the text with its end to `size` bytes; answers how many it takes, 0: it is not UTF-8, or too long. */
size_t utf16_from_utf8(uint8_t *to, size_t size, const char *text);
/* The text in `bytes` bytes, up to its end if it has one. What is no text becomes U+FFFD; what finds no room in
 * `size` bytes, of which one is for the NUL, is left out. */
void utf16_to_utf8(char *to, size_t size, const uint8_t *from, size_t bytes);

#endif
