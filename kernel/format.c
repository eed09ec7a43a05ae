/* SPDX-License-Identifier: MIT */
/*
 * The kernel's printf: %s %c %d %i %u %x %p %% with the flags 0 and -, a width, a precision for
 * strings, and the sizes h, hh, l, ll, z. No floating point, no locale, no allocation. The
 * result is always ended by a NUL, and its full length is returned, as snprintf() does.
 */
#include <kernel/console.h>
#include <kernel/string.h>

struct output {
	char *buffer;
	size_t size, length;
};

struct field {
	bool left, zero;
	int width, precision; /* precision -1: none */
	unsigned int size;    /* of the argument: sizeof */
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->buffer[out->length] = c;
	out->length++;
}

static void put_field(struct output *out, const struct field *field, const char *sign,
		      const char *text, size_t length)
{
	size_t signs = strlen(sign), width = (size_t)field->width;
	size_t fill = width > signs + length ? width - signs - length : 0;

	if (!field->left && !field->zero)
		for (; fill != 0; fill--)
			put(out, ' ');
	while (*sign != '\0')
		put(out, *sign++);
	if (!field->left)
		for (; fill != 0; fill--)
			put(out, '0');
	while (length-- != 0)
		put(out, *text++);
	for (; fill != 0; fill--)
		put(out, ' ');
}

static void put_number(struct output *out, const struct field *field, const char *sign,
		       uint64_t value, unsigned int base)
{
	char digits[20];
	size_t first = sizeof(digits);

	do {
		digits[--first] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	put_field(out, field, sign, &digits[first], sizeof(digits) - first);
}

static void put_string(struct output *out, struct field *field, const char *text)
{
	field->zero = false;
	if (text == NULL)
		text = "(null)";
	put_field(out, field, "", text,
		  field->precision >= 0 ? strnlen(text, (size_t)field->precision) : strlen(text));
}

static int parse_number(const char **text, va_list *arguments)
{
	int number = 0;

	if (**text == '*') {
		(*text)++;
		number = va_arg(*arguments, int);
		return number < 0 ? 0 : number;
	}
	for (; **text >= '0' && **text <= '9' && number < 10000; (*text)++)
		number = number * 10 + (**text - '0');
	return number;
}

static const char *parse_field(const char *text, struct field *field, va_list *arguments)
{
	*field = (struct field){.precision = -1, .size = sizeof(int)};
	for (;; text++) {
		if (*text == '-')
			field->left = true;
		else if (*text == '0')
			field->zero = true;
		else
			break;
	}
	field->width = parse_number(&text, arguments);
	if (*text == '.') {
		text++;
		field->precision = parse_number(&text, arguments);
	}
	for (;; text++) {
		if (*text == 'l' || *text == 'z')
			field->size = sizeof(long);
		else if (*text == 'h')
			field->size /= 2;
		else
			return text;
	}
}

static uint64_t argument_unsigned(const struct field *field, va_list *arguments)
{
	uint64_t value = field->size == sizeof(long) ? va_arg(*arguments, unsigned long)
						     : va_arg(*arguments, unsigned int);

	return field->size < sizeof(int) ? value & MASK(field->size * 8) : value;
}

static int64_t argument_signed(const struct field *field, va_list *arguments)
{
	int64_t value =
		field->size == sizeof(long) ? va_arg(*arguments, long) : va_arg(*arguments, int);

	if (field->size == sizeof(short))
		return (short)value;
	return field->size == sizeof(char) ? (signed char)value : value;
}

/* Writes one conversion; false: the letter is unknown. */
static bool convert(struct output *out, struct field *field, char letter, va_list *arguments)
{
	int64_t number;
	char character;

	switch (letter) {
	case 's': put_string(out, field, va_arg(*arguments, const char *)); return true;
	case 'c':
		character = (char)va_arg(*arguments, int);
		field->zero = false;
		put_field(out, field, "", &character, 1);
		return true;
	case 'd':
	case 'i':
		number = argument_signed(field, arguments);
		put_number(out, field, number < 0 ? "-" : "",
			   number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 10);
		return true;
	case 'u': put_number(out, field, "", argument_unsigned(field, arguments), 10); return true;
	case 'x': put_number(out, field, "", argument_unsigned(field, arguments), 16); return true;
	case 'p':
		put_number(out, field, "0x", (uintptr_t)va_arg(*arguments, void *), 16);
		return true;
	case '%': put(out, '%'); return true;
	}
	return false;
}

int format_v(char *buffer, size_t size, const char *text, va_list arguments)
{
	struct output out = {.buffer = buffer, .size = size};
	va_list copy;

	va_copy(copy, arguments);
	while (*text != '\0') {
		struct field field;

		if (*text != '%') {
			put(&out, *text++);
			continue;
		}
		text = parse_field(text + 1, &field, &copy);
		if (*text == '\0')
			break;
		if (!convert(&out, &field, *text, &copy))
			put(&out, *text);
		text++;
	}
	va_end(copy);
	if (size != 0)
		buffer[MIN(out.length, size - 1)] = '\0';
	return (int)out.length;
}

int format(char *buffer, size_t size, const char *text, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, text);
	length = format_v(buffer, size, text, arguments);
	va_end(arguments);
	return length;
}
