/* SPDX-License-Identifier: MIT */
/*
 * The log ring and the console, which pass bytes on as they are: the kernel's own lines end as a
 * terminal wants it. All that is written goes to the ring, which forgets its oldest bytes;
 * positions count from the first byte ever written, so a reader sees that it missed some. What was
 * typed waits in a second ring until the root task takes it; when that is full, new bytes are
 * dropped.
 */
#include <kernel/arch.h>
#include <kernel/console.h>
#include <kernel/event.h>
#include <kernel/panic.h>
#include <kernel/string.h>

#define LOG_SIZE   65536u
#define INPUT_SIZE 4096u
#define LINE_SIZE  256u

enum log_level log_level = LOG_INFO;

static struct spinlock open_lock;

static struct spinlock log_lock; /* protects all below, and the order on the serial line */
static char log_ring[LOG_SIZE];
static uint64_t log_end;
static bool in_line; /* the console's last line has no end yet */

/* Of each enum serial_line. */
static struct input {
	struct spinlock lock; /* protects all below */
	char ring[INPUT_SIZE];
	uint32_t first, end; /* counts; the ring's places are these modulo its size */
	struct event *event;
	uint64_t bits;
} inputs[SERIAL_LINES];

/* After a panic nobody can be waited for: a CPU may have been stopped with the lock in hand. */
static void log_enter(void)
{
	if (!panic_is_on())
		spin_lock(&log_lock);
}

static void log_leave(void)
{
	if (!panic_is_on())
		spin_unlock(&log_lock);
}

static void ring_write(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		log_ring[log_end++ % LOG_SIZE] = bytes[i];
}

void console_write(const char *bytes, size_t size)
{
	log_enter();
	ring_write(bytes, size);
	arch_console_write(bytes, size);
	if (size)
		in_line = bytes[size - 1] != '\n';
	log_leave();
}

void log_at(enum log_level level, const char *text, ...)
{
	static const char prefix[] = "trivet: ";
	char line[LINE_SIZE];
	size_t length = sizeof(prefix) - 1;
	va_list arguments;

	memcpy(line, prefix, length);
	va_start(arguments, text);
	length += (size_t)format_v(line + length, sizeof(line) - length - 1, text, arguments);
	va_end(arguments);
	length = MIN(length, sizeof(line) - 2);
	line[length++] = '\r';
	line[length++] = '\n';
	log_enter();
	ring_write(line, length);
	if (level <= log_level) {
		/* A guest may be in the middle of a line. */
		if (in_line)
			arch_console_write("\r\n", 2);
		in_line = false;
		arch_console_write(line, length);
	}
	log_leave();
}

size_t log_read(uint64_t *position, char *buffer, size_t size)
{
	size_t count = 0;

	log_enter();
	if (log_end > LOG_SIZE && *position < log_end - LOG_SIZE)
		*position = log_end - LOG_SIZE;
	while (count < size && *position < log_end)
		buffer[count++] = log_ring[(*position)++ % LOG_SIZE];
	log_leave();
	return count;
}

uint64_t log_written(void)
{
	return log_end;
}

void line_input(enum serial_line line, uint8_t byte)
{
	struct input *input = &inputs[line];

	spin_lock(&input->lock);
	if (input->end - input->first < INPUT_SIZE)
		input->ring[input->end++ % INPUT_SIZE] = (char)byte;
	if (input->event != NULL)
		event_signal(input->event, input->bits);
	spin_unlock(&input->lock);
}

size_t line_read(enum serial_line line, char *buffer, size_t size)
{
	struct input *input = &inputs[line];
	size_t count = 0;

	spin_lock(&input->lock);
	while (count < size && input->first != input->end)
		buffer[count++] = input->ring[input->first++ % INPUT_SIZE];
	spin_unlock(&input->lock);
	return count;
}

void line_bind(enum serial_line line, struct event *event, uint64_t bits)
{
	struct input *input = &inputs[line];
	struct event *before;

	if (event != NULL)
		object_get(&event->object);
	spin_lock(&input->lock);
	before = input->event;
	input->event = event;
	input->bits = bits;
	/* What came before anybody listened is news to the listener. */
	if (event != NULL && input->first != input->end)
		event_signal(event, bits);
	spin_unlock(&input->lock);
	if (before != NULL)
		object_put(&before->object);
}

status_t line_open(uint32_t com, struct event *event, uint64_t bits)
{
	status_t status;

	spin_lock(&open_lock);
	status = arch_line_open(com);
	if (status == STATUS_OK)
		line_bind(LINE_SECOND, event, bits);
	spin_unlock(&open_lock);
	return status;
}
