/* SPDX-License-Identifier: MIT */
/*
 * Words to people: the host console and the log, a ring that keeps the last bytes written and
 * counts them from the first. Callable from anywhere, also during a panic.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <stdarg.h>
#include <trivet/status.h>
#include <trivet/types.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
extern enum log_level log_level; /* `loglevel=`: what goes to the console; the ring gets all */

/* printf without floating point: %s %c %d %i %u %x %p %% with flags 0 -, width, l ll z h. */
int format(char *buffer, size_t size, const char *text, ...) __printf(3, 4);
int format_v(char *buffer, size_t size, const char *text, va_list arguments);

/* One line each; a newline is added, "trivet: " is put before it. */
void log_at(enum log_level level, const char *text, ...) __printf(2, 3);
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

void console_write(const char *bytes, size_t size); /* to the console and the ring, as it is */
size_t log_read(uint64_t *position, char *buffer, size_t size);
uint64_t log_written(void); /* bytes, from the first on */

/* The console, and the root task's own line beside it. */
enum serial_line { LINE_CONSOLE, LINE_SECOND, SERIAL_LINES };

/* Input from a serial line, kept in a ring until it is read. */
size_t line_read(enum serial_line line, char *buffer, size_t size);
struct event;
void line_bind(enum serial_line line, struct event *event, uint64_t bits); /* NULL: none; takes a
									      reference */
/* A COM port becomes the second line, and tells that listener: one of two who come at once has both. The
 * statuses of arch_line_open(). */
status_t line_open(uint32_t com, struct event *event, uint64_t bits) __must_check;
/* Called by the architecture: a byte has come. */
void line_input(enum serial_line line, uint8_t byte);

/* Stops the machine with words, registers and a backtrace; for the kernel's own faults only. */
__noreturn void panic(const char *text, ...) __printf(1, 2);
#define assert_kernel(c)                                            \
	do {                                                        \
		if (unlikely(!(c)))                                 \
			panic("%s:%d: %s", __FILE__, __LINE__, #c); \
	} while (0)

#endif
