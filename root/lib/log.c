/* SPDX-License-Identifier: MIT */
/*
 * Messages. The kernel's console takes bytes as they are, so each line's end becomes here what a
 * terminal wants.
 */
#include <stdatomic.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/model.h>

#define LINE_SIZE 512

static const char *const level_words[] = {
	[LOG_ERROR] = "error: ",
	[LOG_WARNING] = "warning: ",
	[LOG_INFO] = "",
};

/* Appends to text[LINE_SIZE], leaving place for the end of the line; answers the new length. */
static size_t append(char *text, size_t length, const char *format, va_list arguments)
{
	size_t room = LINE_SIZE - 1 - length;
	int added = format_text(text + length, room, format, arguments);

	return length + MIN((size_t)added, room - 1);
}

static size_t append_words(char *text, size_t length, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	length = append(text, length, format, arguments);
	va_end(arguments);
	return length;
}

/* The console's last line has no end yet. */
static _Atomic bool line_open;

void console_put(const void *bytes, size_t size)
{
	if (!size)
		return;
	atomic_store_explicit(&line_open, ((const char *)bytes)[size - 1] != '\n',
			      memory_order_relaxed);
	(void)console_write(bytes, size);
}

/* In one piece, so that no other thread's text comes between. */
static void text_write(const char *text, size_t length)
{
	char bytes[2 * LINE_SIZE];
	size_t count = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			bytes[count++] = '\r';
		bytes[count++] = text[i];
	}
	console_put(bytes, count);
}

void log_line(enum log_level level, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list arguments;
	size_t length;

	/* A guest may be in the middle of a line. */
	length = append_words(text, 0, "%strivet: %s",
			      atomic_load_explicit(&line_open, memory_order_relaxed) ? "\n" : "",
			      level_words[level]);
	va_start(arguments, format);
	length = append(text, length, format, arguments);
	va_end(arguments);
	text[length++] = '\n';
	text_write(text, length);
}

void print(const char *format, ...)
{
	char text[LINE_SIZE];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = append(text, 0, format, arguments);
	va_end(arguments);
	text_write(text, length);
}
