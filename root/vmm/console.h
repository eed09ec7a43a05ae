/* SPDX-License-Identifier: MIT */
/*
 * The consoles of the machines, and who of them has the host's: one machine, or the monitor. What
 * a machine writes while another has it is kept in a ring and shown when it is switched to.
 *
 * The queue, the ring and the decoder of keys are pure (console_keys.c); the switching is not.
 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include <trivet/types.h>

/* ---- bytes on their way to a guest ---- */

#define CONSOLE_QUEUE_SIZE 4096u /* a power of two */

/* A queue; head and tail run freely and are reduced when they index. Zeroed: empty. */
struct console_queue {
	uint8_t bytes[CONSOLE_QUEUE_SIZE];
	uint32_t head, tail;
};

/* Puts bytes in; answers how many found a place. */
size_t console_queue_put(struct console_queue *queue, const uint8_t *bytes, size_t count);
/* The first bytes in one piece; answers how many there are. */
size_t console_queue_peek(const struct console_queue *queue, const uint8_t **bytes);
/* Takes out what was peeked at. */
void console_queue_drop(struct console_queue *queue, size_t count);

/* ---- what a machine has written ---- */

#define CONSOLE_RING_SIZE 16384u /* a power of two */

/* The last CONSOLE_RING_SIZE bytes; both positions count from the first byte ever written. */
struct console {
	uint8_t ring[CONSOLE_RING_SIZE];
	uint64_t written;
	uint64_t shown; /* up to here it was on the host's console */
};

void console_store(struct console *console, const uint8_t *bytes, size_t count);
/* A piece of what is kept and was not shown yet; marks it shown. 0: all was shown. */
size_t console_take_unseen(struct console *console, const uint8_t **bytes);

/* ---- the keys ---- */

#define CONSOLE_PREFIX 0x14 /* Ctrl-T */

enum console_action {
	CONSOLE_NOTHING, /* the prefix, or a key that means nothing behind it */
	CONSOLE_BYTE,	 /* for whoever has the console */
	CONSOLE_SWITCH,	 /* to machine key.number */
	CONSOLE_MONITOR,
	CONSOLE_HELP,
};

struct console_key {
	enum console_action action;
	uint8_t byte;
	uint32_t number;
};

struct console_decoder {
	bool prefix; /* the last byte was the prefix */
};

struct console_key console_decode(struct console_decoder *decoder, uint8_t byte);

/* ---- who has the host's console ---- */

/* What a machine writes, from any thread. */
void console_output(struct console *console, const uint8_t *bytes, size_t count);
/* Gives the host's console to a machine's, and shows what it missed; NULL: to the monitor. */
void console_focus_set(struct console *console);
/* Who has it; NULL: the monitor. */
struct console *console_focus(void);

#endif
