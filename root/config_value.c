/* SPDX-License-Identifier: MIT */
/*
 * The kinds of values. Numbers are parsed here and not by strtoull(), which skips blanks, takes
 * signs and needs a NUL.
 */
#include <config_value.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static status_t expect(struct expectation *expected, const char *format, ...) __printf(2, 3);

static status_t expect(struct expectation *expected, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(expected->words, sizeof(expected->words), format, arguments);
	va_end(arguments);
	return STATUS_BAD_FORMAT;
}

bool text_equals(struct text text, const char *string)
{
	return strlen(string) == text.length && memcmp(text.start, string, text.length) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct text text_trim(struct text text)
{
	while (text.length > 0 && is_blank(text.start[0])) {
		text.start++;
		text.length--;
	}
	while (text.length > 0 && is_blank(text.start[text.length - 1]))
		text.length--;
	return text;
}

char *text_copy(struct text text)
{
	char *copy = malloc(text.length + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text.start, text.length);
	copy[text.length] = '\0';
	return copy;
}

bool text_split(struct text *rest, char separator, struct text *part)
{
	*part = *rest;
	for (size_t i = 0; i < rest->length; i++) {
		if (rest->start[i] != separator)
			continue;
		part->length = i;
		rest->start += i + 1;
		rest->length -= i + 1;
		return true;
	}
	rest->start += rest->length;
	rest->length = 0;
	return false;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* False if text is not digits only, or too large for 64 bits. */
static bool digits_parse(struct text text, uint64_t *value)
{
	unsigned int base = 10;

	if (text.length > 2 && text.start[0] == '0' && (text.start[1] | 0x20) == 'x') {
		base = 16;
		text.start += 2;
		text.length -= 2;
	}
	*value = 0;
	for (size_t i = 0; i < text.length; i++) {
		unsigned int digit = (unsigned int)digit_value(text.start[i]);

		if (digit >= base || *value > (UINT64_MAX - digit) / base)
			return false;
		*value = *value * base + digit;
	}
	return text.length > 0;
}

static bool range_has(const struct value_range *range, uint64_t value)
{
	return value >= range->min && value <= range->max;
}

status_t value_parse_number(struct text text, const struct value_range *range, uint64_t *value,
			    struct expectation *expected)
{
	uint64_t number;

	if (!digits_parse(text, &number) || !range_has(range, number))
		return expect(expected, "a whole number from %llu to %llu",
			      (unsigned long long)range->min, (unsigned long long)range->max);
	*value = number;
	return STATUS_OK;
}

/* The power of two for a unit, 0 if it is none. */
static unsigned int unit_shift(char unit)
{
	switch (unit | 0x20) {
	case 'k': return 10;
	case 'm': return 20;
	case 'g': return 30;
	case 't': return 40;
	default: return 0;
	}
}

status_t value_parse_size(struct text text, const struct value_range *range, uint64_t *value,
			  struct expectation *expected)
{
	unsigned int shift = text.length > 0 ? unit_shift(text.start[text.length - 1]) : 0;
	struct text digits = {text.start, text.length - (shift != 0)};
	uint64_t number;

	if (shift == 0 || !digits_parse(digits, &number))
		return expect(expected, "a whole number with a unit (K, M, G or T), such as 256M");
	if (number > UINT64_MAX >> shift || !range_has(range, number << shift))
		return expect(expected, "a size from %lluM to %lluG",
			      (unsigned long long)(range->min / MIB(1)),
			      (unsigned long long)(range->max / GIB(1)));
	if (!IS_ALIGNED(number << shift, PAGE_SIZE))
		return expect(expected, "a multiple of 4K");
	*value = number << shift;
	return STATUS_OK;
}

static status_t expect_choice(struct expectation *expected, const struct value_choice *choices,
			      const char *words)
{
	size_t used = (size_t)snprintf(expected->words, sizeof(expected->words), "%s", words);

	for (; choices->name && used < sizeof(expected->words); choices++) {
		const char *joint = choices[1].name ? ", " : "";

		if (choices[1].name && !choices[2].name)
			joint = " or ";
		used += (size_t)snprintf(expected->words + used, sizeof(expected->words) - used,
					 "%s%s", choices->name, joint);
	}
	return STATUS_BAD_FORMAT;
}

static const struct value_choice *choice_find(struct text text, const struct value_choice *choices)
{
	for (; choices->name; choices++)
		if (text_equals(text, choices->name))
			return choices;
	return NULL;
}

status_t value_parse_choice(struct text text, const struct value_choice *choices, uint64_t *value,
			    struct expectation *expected)
{
	const struct value_choice *choice = choice_find(text, choices);

	if (!choice)
		return expect_choice(expected, choices, "");
	*value = choice->value;
	return STATUS_OK;
}

status_t value_parse_set(struct text text, const struct value_choice *choices, uint64_t *value,
			 struct expectation *expected)
{
	uint64_t set = 0;
	bool more;

	do {
		struct text part;

		more = text_split(&text, ',', &part);

		const struct value_choice *choice = choice_find(text_trim(part), choices);

		if (!choice)
			return expect_choice(expected, choices, "a list, with commas, of ");
		set |= choice->value;
	} while (more);
	*value = set;
	return STATUS_OK;
}

status_t value_parse_string(struct text text, char **string, struct expectation *expected)
{
	char *copy;

	if (text.length > 0 && text.start[0] == '"') {
		if (text.length < 2 || text.start[text.length - 1] != '"' ||
		    memchr(text.start + 1, '"', text.length - 2))
			return expect(expected,
				      "one quote at the start and one at the end, or none at the "
				      "start");
		text.start++;
		text.length -= 2;
	}
	copy = text_copy(text);
	if (!copy)
		return STATUS_NO_MEMORY;
	free(*string);
	*string = copy;
	return STATUS_OK;
}

status_t value_parse_file(struct text text, char **string, struct expectation *expected)
{
	status_t status = value_parse_string(text, string, expected);

	if (status == STATUS_OK && (*string)[0] == '\0')
		return expect(expected, "the name of a file in the bundle");
	return status;
}

/* "N" or "N-M". */
static bool interval_parse(struct text text, const struct value_range *range, uint64_t *first,
			   uint64_t *last)
{
	struct text part;
	bool has_end = text_split(&text, '-', &part);

	if (!digits_parse(text_trim(part), first))
		return false;
	*last = *first;
	if (has_end && !digits_parse(text_trim(text), last))
		return false;
	return *first <= *last && range_has(range, *first) && range_has(range, *last);
}

status_t value_parse_numbers(struct text text, const struct value_range *range, uint32_t **list,
			     size_t *count, struct expectation *expected)
{
	uint64_t next = range->min;
	bool more;

	do {
		uint64_t first, last;
		struct text part;
		uint32_t *longer;

		more = text_split(&text, ',', &part);
		/* Ascending, so none is named twice and the list's length is bounded. */
		if (!interval_parse(text_trim(part), range, &first, &last) || first < next)
			return expect(
				expected, "ascending numbers from %llu to %llu, such as 0-3, 6",
				(unsigned long long)range->min, (unsigned long long)range->max);
		longer = realloc(*list, (*count + (last - first) + 1) * sizeof(**list));
		if (!longer)
			return STATUS_NO_MEMORY;
		*list = longer;
		next = last + 1;
		for (; first <= last; first++)
			longer[(*count)++] = (uint32_t)first;
	} while (more);
	return STATUS_OK;
}

/* "FILE" or "FILE ARGUMENTS". */
static status_t module_parse(struct text text, struct config_module *module)
{
	struct text file = text;

	for (file.length = 0; file.length < text.length; file.length++)
		if (is_blank(text.start[file.length]))
			break;
	module->file = text_copy(file);
	module->arguments = text_copy(text_trim((struct text){
		text.start + file.length,
		text.length - file.length,
	}));
	return module->file && module->arguments ? STATUS_OK : STATUS_NO_MEMORY;
}

status_t value_parse_modules(struct text text, struct config_module **list, size_t *count,
			     struct expectation *expected)
{
	bool more;

	do {
		struct config_module *longer;
		struct text part;
		status_t status;

		more = text_split(&text, ',', &part);
		part = text_trim(part);
		if (part.length == 0)
			return expect(expected, "files, each with its arguments behind it, "
						"separated by commas");
		longer = realloc(*list, (*count + 1) * sizeof(**list));
		if (!longer)
			return STATUS_NO_MEMORY;
		*list = longer;
		longer[*count] = (struct config_module){NULL, NULL};
		status = module_parse(part, &longer[(*count)++]);
		if (status != STATUS_OK)
			return status;
	} while (more);
	return STATUS_OK;
}
