/* SPDX-License-Identifier: MIT */
/*
 * The pure part of the consoles: the queue to a guest, the ring of what it wrote, and the decoder
 * of the keys that switch.
 */
#include <string.h>
#include <vmm/console.h>

size_t console_queue_put(struct console_queue *queue, const uint8_t *bytes, size_t count)
{
	size_t room = CONSOLE_QUEUE_SIZE - (queue->tail - queue->head);

	count = MIN(count, room);
	for (size_t i = 0; i < count; i++)
		queue->bytes[queue->tail++ % CONSOLE_QUEUE_SIZE] = bytes[i];
	return count;
}

size_t console_queue_peek(const struct console_queue *queue, const uint8_t **bytes)
{
	size_t start = queue->head % CONSOLE_QUEUE_SIZE;
	size_t count = queue->tail - queue->head;

	*bytes = queue->bytes + start;
	return MIN(count, CONSOLE_QUEUE_SIZE - start);
}

void console_queue_drop(struct console_queue *queue, size_t count)
{
	queue->head += (uint32_t)count;
}

void console_store(struct console *console, const uint8_t *bytes, size_t count)
{
	/* Of a long text only the end can stay. */
	if (count > CONSOLE_RING_SIZE) {
		console->written += count - CONSOLE_RING_SIZE;
		bytes += count - CONSOLE_RING_SIZE;
		count = CONSOLE_RING_SIZE;
	}
	while (count) {
		size_t start = console->written % CONSOLE_RING_SIZE;
		size_t piece = MIN(count, CONSOLE_RING_SIZE - start);

		memcpy(console->ring + start, bytes, piece);
		console->written += piece;
		bytes += piece;
		count -= piece;
	}
}

size_t console_take_unseen(struct console *console, const uint8_t **bytes)
{
	size_t start, count;

	if (console->written - console->shown > CONSOLE_RING_SIZE)
		console->shown = console->written - CONSOLE_RING_SIZE;
	start = console->shown % CONSOLE_RING_SIZE;
	count = MIN(console->written - console->shown, CONSOLE_RING_SIZE - start);
	*bytes = console->ring + start;
	console->shown += count;
	return count;
}

struct console_key console_decode(struct console_decoder *decoder, uint8_t byte)
{
	if (!decoder->prefix) {
		if (byte != CONSOLE_PREFIX)
			return (struct console_key){.action = CONSOLE_BYTE, .byte = byte};
		decoder->prefix = true;
		return (struct console_key){.action = CONSOLE_NOTHING};
	}
	decoder->prefix = false;
	if (byte >= '1' && byte <= '9')
		return (struct console_key){.action = CONSOLE_SWITCH, .number = byte - '0'};
	switch (byte) {
	case CONSOLE_PREFIX: return (struct console_key){.action = CONSOLE_BYTE, .byte = byte};
	case 'm': return (struct console_key){.action = CONSOLE_MONITOR};
	case '?': return (struct console_key){.action = CONSOLE_HELP};
	default: return (struct console_key){.action = CONSOLE_NOTHING};
	}
}
