/* SPDX-License-Identifier: MIT */
/*
 * The kernel's command line: words between blanks, each `name` or `name=value`. There are no
 * quotes. If a name stands twice, the last one counts, so that a boot menu's line can be edited by
 * adding to it.
 */
#include <kernel/boot.h>
#include <kernel/string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_word(char c)
{
	return c == '\0' || is_blank(c);
}

const char *boot_option(const char *name)
{
	const char *word = boot_source.command_line, *found = NULL;
	size_t length = strlen(name);

	for (;;) {
		while (is_blank(*word))
			word++;
		if (*word == '\0')
			return found;
		if (strncmp(word, name, length) == 0) {
			if (word[length] == '=')
				found = word + length + 1;
			else if (ends_word(word[length]))
				found = "";
		}
		while (!ends_word(*word))
			word++;
	}
}

bool boot_option_copy(const char *name, char *buffer, size_t size)
{
	const char *value = boot_option(name);
	size_t length = 0;

	if (value == NULL || size == 0)
		return false;
	for (; !ends_word(value[length]); length++) {
		if (length + 1 >= size)
			return false;
		buffer[length] = value[length];
	}
	buffer[length] = '\0';
	return true;
}

/* A digit's value in any base up to 16; 16: it is none. */
static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 16;
}

static unsigned int suffix_shift(char c)
{
	switch (c) {
	case 'k':
	case 'K': return 10;
	case 'm':
	case 'M': return 20;
	case 'g':
	case 'G': return 30;
	}
	return 0;
}

bool boot_option_size(const char *name, uint64_t *value)
{
	const char *text = boot_option(name), *start;
	unsigned int base = 10, shift;
	uint64_t number = 0;

	if (text == NULL)
		return false;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	for (start = text; digit_value(*text) < base; text++)
		if (__builtin_mul_overflow(number, base, &number) ||
		    __builtin_add_overflow(number, digit_value(*text), &number))
			return false;
	if (text == start)
		return false;
	shift = suffix_shift(*text);
	if (shift != 0)
		text++;
	if (!ends_word(*text) || number > UINT64_MAX >> shift)
		return false;
	*value = number << shift;
	return true;
}
