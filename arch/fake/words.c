/* SPDX-License-Identifier: MIT */
/*
 * Words to people in hosted tests that do not link kernel/console.c and kernel/panic.c: log lines
 * go to stderr, panic() ends the running fake_run().
 */
#include <arch/fake.h>
#include <kernel/console.h>
#include <stdio.h>

enum log_level log_level = LOG_WARN;

void log_at(enum log_level level, const char *text, ...)
{
	va_list arguments;

	if (level > log_level)
		return;
	va_start(arguments, text);
	vfprintf(stderr, text, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

__noreturn void panic(const char *text, ...)
{
	va_list arguments;

	va_start(arguments, text);
	fputs("panic: ", stderr);
	vfprintf(stderr, text, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	fake_leave(FAKE_PANIC);
}
