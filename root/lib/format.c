/* SPDX-License-Identifier: MIT */
/*
 * Formatted text: a conversion is parsed into struct conversion, then written.
 */
#include <limits.h>
#include <string.h>
#include <lib/format.h>

struct output {
	char *buffer;
	size_t size;
	size_t length; /* of all text, whether it had a place or not */
};

enum length { LENGTH_INT, LENGTH_CHAR, LENGTH_SHORT, LENGTH_LONG, LENGTH_LLONG };

struct conversion {
	bool left, zero, plus, space, alternate;
	int width;
	int precision; /* -1: none given */
	enum length length;
	char kind;
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->buffer[out->length] = c;
	out->length++;
}

static void put_many(struct output *out, char c, int count)
{
	for (; count > 0; count--)
		put(out, c);
}

static void put_padded(struct output *out, const struct conversion *conversion, const char *text,
		       size_t length)
{
	int pad = conversion->width - (int)length;

	if (!conversion->left)
		put_many(out, ' ', pad);
	for (size_t i = 0; i < length; i++)
		put(out, text[i]);
	if (conversion->left)
		put_many(out, ' ', pad);
}

/* Digits of a value, written backwards from end; answers the first. */
static char *digits(char *end, uint64_t value, unsigned int base, bool upper)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	for (; value; value /= base)
		*--end = set[value % base];
	return end;
}

static void put_number(struct output *out, const struct conversion *c, uint64_t value,
		       unsigned int base, const char *prefix)
{
	char text[72];
	char *end = text + sizeof(text);
	char *start = digits(end, value, base, c->kind == 'X');
	int count = (int)(end - start);
	int zeros = MAX(c->precision < 0 ? 1 : c->precision, count) - count;
	int prefix_length = (int)strlen(prefix);

	if (c->zero && !c->left && c->precision < 0)
		zeros = MAX(zeros, c->width - count - prefix_length);
	int pad = c->width - count - zeros - prefix_length;

	if (!c->left)
		put_many(out, ' ', pad);
	while (*prefix)
		put(out, *prefix++);
	put_many(out, '0', zeros);
	while (start < end)
		put(out, *start++);
	if (c->left)
		put_many(out, ' ', pad);
}

/* A decimal number or '*' in a format. */
static int number_parse(const char **format, va_list *arguments)
{
	int value = 0;

	if (**format == '*') {
		++*format;
		return va_arg(*arguments, int);
	}
	while (**format >= '0' && **format <= '9') {
		int digit = *(*format)++ - '0';

		if (value < INT_MAX / 100)
			value = value * 10 + digit;
	}
	return value;
}

static void flags_parse(const char **format, struct conversion *c)
{
	for (;; ++*format) {
		switch (**format) {
		case '-': c->left = true; break;
		case '0': c->zero = true; break;
		case '+': c->plus = true; break;
		case ' ': c->space = true; break;
		case '#': c->alternate = true; break;
		default: return;
		}
	}
}

static void length_parse(const char **format, struct conversion *c)
{
	for (;; ++*format) {
		switch (**format) {
		case 'h': c->length = c->length == LENGTH_SHORT ? LENGTH_CHAR : LENGTH_SHORT; break;
		case 'l': c->length = c->length == LENGTH_LONG ? LENGTH_LLONG : LENGTH_LONG; break;
		case 'z':
		case 'j':
		case 't': c->length = LENGTH_LLONG; break;
		default: return;
		}
	}
}

static void conversion_parse(const char **format, va_list *arguments, struct conversion *c)
{
	*c = (struct conversion){.precision = -1};
	flags_parse(format, c);
	c->width = number_parse(format, arguments);
	if (c->width < 0) {
		c->left = true;
		c->width = c->width == INT_MIN ? 0 : -c->width;
	}
	if (**format == '.') {
		++*format;
		c->precision = number_parse(format, arguments);
	}
	length_parse(format, c);
	c->kind = **format;
	if (c->kind)
		++*format;
}

static int64_t signed_argument(enum length length, va_list *arguments)
{
	switch (length) {
	case LENGTH_CHAR: return (signed char)va_arg(*arguments, int);
	case LENGTH_SHORT: return (short)va_arg(*arguments, int);
	case LENGTH_LONG: return va_arg(*arguments, long);
	case LENGTH_LLONG: return va_arg(*arguments, long long);
	default: return va_arg(*arguments, int);
	}
}

static uint64_t unsigned_argument(enum length length, va_list *arguments)
{
	switch (length) {
	case LENGTH_CHAR: return (unsigned char)va_arg(*arguments, unsigned int);
	case LENGTH_SHORT: return (unsigned short)va_arg(*arguments, unsigned int);
	case LENGTH_LONG: return va_arg(*arguments, unsigned long);
	case LENGTH_LLONG: return va_arg(*arguments, unsigned long long);
	default: return va_arg(*arguments, unsigned int);
	}
}

static void put_signed(struct output *out, const struct conversion *c, int64_t value)
{
	const char *prefix = value < 0 ? "-" : c->plus ? "+" : c->space ? " " : "";

	put_number(out, c, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, prefix);
}

static void put_string(struct output *out, const struct conversion *c, const char *text)
{
	size_t length = 0, limit = c->precision < 0 ? SIZE_MAX : (size_t)c->precision;

	if (!text)
		text = "(null)";
	while (length < limit && text[length])
		length++;
	put_padded(out, c, text, length);
}

static void put_hex(struct output *out, const struct conversion *c, uint64_t value)
{
	const char *prefix = c->kind == 'X' ? "0X" : "0x";

	put_number(out, c, value, 16, c->alternate && value ? prefix : "");
}

static void conversion_put(struct output *out, const struct conversion *c, va_list *arguments)
{
	char byte;

	switch (c->kind) {
	case 'd':
	case 'i': put_signed(out, c, signed_argument(c->length, arguments)); break;
	case 'u': put_number(out, c, unsigned_argument(c->length, arguments), 10, ""); break;
	case 'o': put_number(out, c, unsigned_argument(c->length, arguments), 8, ""); break;
	case 'x':
	case 'X': put_hex(out, c, unsigned_argument(c->length, arguments)); break;
	case 'p': put_number(out, c, (uintptr_t)va_arg(*arguments, void *), 16, "0x"); break;
	case 's': put_string(out, c, va_arg(*arguments, const char *)); break;
	case 'c':
		byte = (char)va_arg(*arguments, int);
		put_padded(out, c, &byte, 1);
		break;
	case '%': put(out, '%'); break;
	case '\0': break;
	default:
		put(out, '%');
		put(out, c->kind);
		break;
	}
}

int format_text(char *buffer, size_t size, const char *format, va_list arguments)
{
	struct output out = {.buffer = buffer, .size = size};
	struct conversion conversion;
	va_list list;

	va_copy(list, arguments);
	while (*format) {
		if (*format != '%') {
			put(&out, *format++);
			continue;
		}
		format++;
		conversion_parse(&format, &list, &conversion);
		conversion_put(&out, &conversion, &list);
	}
	va_end(list);
	if (size)
		buffer[MIN(out.length, size - 1)] = '\0';
	return out.length > INT_MAX ? INT_MAX : (int)out.length;
}
