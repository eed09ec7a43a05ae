/* SPDX-License-Identifier: MIT */
/*
 * Text from a format, as C's vsnprintf() does it (C11, 7.21.6.1), for what this program uses: %d %i
 * %u %x %X %o %c %s %p %%, the flags "-0+ #", width and precision (also *), and the lengths hh h l
 * ll z j t. No floating point, no %n: an unknown conversion is written as it stands. Pure.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <trivet/types.h>

/* Answers the length of the whole text; at most size bytes of it, NUL included, are in buffer. */
int format_text(char *buffer, size_t size, const char *format, va_list arguments);

#endif
