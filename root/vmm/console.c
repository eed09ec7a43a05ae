/* SPDX-License-Identifier: MIT */
/*
 * Who has the host's console.
 */
#include <lib/log.h>
#include <lib/sync.h>
#include <vmm/console.h>

static struct mutex lock; /* protects focus, and all consoles' rings */
static struct console *focus;

/* Writes to the host what of a console was not shown yet. The lock is held. */
static void console_show(struct console *console)
{
	const uint8_t *bytes;
	size_t count;

	/* Ends when all of the ring, which is finite, was shown. */
	while ((count = console_take_unseen(console, &bytes)))
		console_put(bytes, count);
}

void console_output(struct console *console, const uint8_t *bytes, size_t count)
{
	mutex_lock(&lock);
	console_store(console, bytes, count);
	if (console == focus)
		console_show(console);
	mutex_unlock(&lock);
}

void console_focus_set(struct console *console)
{
	mutex_lock(&lock);
	focus = console;
	if (console)
		console_show(console);
	mutex_unlock(&lock);
}

struct console *console_focus(void)
{
	struct console *console;

	mutex_lock(&lock);
	console = focus;
	mutex_unlock(&lock);
	return console;
}
