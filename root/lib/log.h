/* SPDX-License-Identifier: MIT */
/*
 * Messages to the person at the host's console; the kernel keeps them in its log. A message is one
 * line: it gets the prefix "trivet: " and its end by itself. Lines of different threads do not mix.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <trivet/types.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO };

void log_line(enum log_level level, const char *format, ...) __printf(2, 3);

#define log_error(...)	 log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_INFO, __VA_ARGS__)

/* Bytes of others, a guest's, as they are. A message that follows starts on a line of its own. */
void console_put(const void *bytes, size_t size);

/* Text as it is, without prefix or end of line, for a dialogue. */
void print(const char *format, ...) __printf(1, 2);

#endif
