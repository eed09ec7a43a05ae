/* SPDX-License-Identifier: MIT */
/* What a guest tells, without what could steer a terminal. */
#include <vmbus/utf16.h>
#include <vmm/printable.h>

/* Controls, and what turns the direction of writing or is not to be seen (Unicode, categories Cc and Cf). */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{0x00, 0x1f},	  {0x7f, 0x9f},	    {0xad, 0xad},     {0x600, 0x605},	  {0x61c, 0x61c},
	{0x6dd, 0x6dd},	  {0x70f, 0x70f},   {0x180e, 0x180e}, {0x200b, 0x200f},	  {0x2028, 0x202e},
	{0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff},
};

static bool is_hidden(uint32_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		if (code >= hidden[i].first && code <= hidden[i].last)
			return true;
	return false;
}

static char *escape(char *to, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";

	*to++ = '\\';
	*to++ = 'x';
	*to++ = digits[byte >> 4];
	*to++ = digits[byte & 15];
	return to;
}

const char *printable_write(char *to, size_t size, const char *text)
{
	const char *limit = to + size - PRINTABLE_MOST - 1;

	while (*text && to <= limit) {
		const char *next = text;
		uint32_t code;
		bool valid = utf8_take(&next, &code);

		/* Of what is not UTF-8 the first byte is the one that is known to be wrong. */
		if (!valid)
			next = text + 1;
		if (valid && code == '\\')
			*to++ = '\\';
		for (; text < next; text++) {
			if (valid && !is_hidden(code))
				*to++ = *text;
			else
				to = escape(to, (uint8_t)*text);
		}
	}
	*to = '\0';
	return text;
}
