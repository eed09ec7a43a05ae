/* SPDX-License-Identifier: MIT */
/* From UTF-8 to UTF-16 and back. */
#include <vmbus/utf16.h>

#define REPLACEMENT    0xfffdu
#define SURROGATE_HIGH 0xd800u
#define SURROGATE_LOW  0xdc00u
#define SURROGATE_END  0xe000u
#define SUPPLEMENTARY  0x10000u
#define CODE_POINTS    0x110000u

static bool is_surrogate(uint32_t code)
{
	return code >= SURROGATE_HIGH && code < SURROGATE_END;
}

/* By the number of bytes that follow: the lead byte's bits, and the least that needs so many. */
static const struct {
	uint8_t mask, lead;
	uint32_t least;
} forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

bool utf8_take(const char **text, uint32_t *code)
{
	uint8_t lead = (uint8_t) * (*text)++;
	size_t follow = 0;

	while (follow < ARRAY_SIZE(forms) && (lead & forms[follow].mask) != forms[follow].lead)
		follow++;
	if (follow == ARRAY_SIZE(forms))
		return false;
	*code = lead & ~(uint32_t)forms[follow].mask;
	for (size_t i = 0; i < follow; i++) {
		uint8_t byte = (uint8_t) * *text;

		/* Stops at the text's end too. */
		if ((byte & 0xc0) != 0x80)
			return false;
		*code = *code << 6 | (byte & 0x3f);
		++*text;
	}
	return *code >= forms[follow].least && *code < CODE_POINTS && !is_surrogate(*code);
}

/* Appends a unit; false: there is no room. */
static bool unit_put(uint8_t *to, size_t size, size_t *at, uint32_t unit)
{
	if (size - *at < 2)
		return false;
	to[(*at)++] = (uint8_t)unit;
	to[(*at)++] = (uint8_t)(unit >> 8);
	return true;
}

size_t utf16_from_utf8(uint8_t *to, size_t size, const char *text)
{
	size_t at = 0;
	uint32_t code;

	while (*text) {
		if (!utf8_take(&text, &code))
			return 0;
		if (code >= SUPPLEMENTARY) {
			code -= SUPPLEMENTARY;
			if (!unit_put(to, size, &at, SURROGATE_HIGH + (code >> 10)))
				return 0;
			code = SURROGATE_LOW + (code & 0x3ff);
		}
		if (!unit_put(to, size, &at, code))
			return 0;
	}
	return unit_put(to, size, &at, 0) ? at : 0;
}

static uint32_t unit_at(const uint8_t *from, size_t at)
{
	return from[at] | (uint32_t)from[at + 1] << 8;
}

/* The code point at *at, of which at least one unit is there. */
static uint32_t utf16_take(const uint8_t *from, size_t bytes, size_t *at)
{
	uint32_t high = unit_at(from, *at), low;

	*at += 2;
	if (!is_surrogate(high))
		return high;
	if (high >= SURROGATE_LOW || bytes - *at < 2)
		return REPLACEMENT;
	low = unit_at(from, *at);
	if (low < SURROGATE_LOW || low >= SURROGATE_END)
		return REPLACEMENT;
	*at += 2;
	return SUPPLEMENTARY + ((high - SURROGATE_HIGH) << 10) + (low - SURROGATE_LOW);
}

void utf16_to_utf8(char *to, size_t size, const uint8_t *from, size_t bytes)
{
	size_t at = 0, length = 0;

	while (bytes - at >= 2) {
		uint32_t code = utf16_take(from, bytes, &at);
		size_t follow = 0;

		if (code == 0)
			break;
		while (follow + 1 < ARRAY_SIZE(forms) && code >= forms[follow + 1].least)
			follow++;
		if (follow + 1 >= size - length)
			break;
		to[length++] = (char)(forms[follow].lead | code >> 6 * follow);
		while (follow--)
			to[length++] = (char)(0x80 | (code >> 6 * follow & 0x3f));
	}
	to[length] = '\0';
}
