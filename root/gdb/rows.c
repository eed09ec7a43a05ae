/* SPDX-License-Identifier: MIT */
/* What follows from the table of gdb's registers: their numbers, sizes, and the description for gdb. */
#include <gdb/registers.h>
#include <gdb/rows.h>
#include <stdio.h>
#include <string.h>

static unsigned row_count(const struct gdb_row *row)
{
	return row->count ? row->count : 1;
}

const struct gdb_row *gdb_row_find(size_t number, unsigned *index)
{
	for (const struct gdb_row *row = gdb_rows; row < gdb_rows + gdb_row_count; row++) {
		if (number < row_count(row)) {
			*index = (unsigned)number;
			return row;
		}
		number -= row_count(row);
	}
	return NULL;
}

size_t gdb_register_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < gdb_row_count; i++)
		count += row_count(&gdb_rows[i]);
	return count;
}

size_t gdb_register_size(size_t number)
{
	unsigned index;
	const struct gdb_row *row = gdb_row_find(number, &index);

	return row ? row->size : 0;
}

/* ---- the target description ---- */

/* Of the text that goes by, the part that was asked for. */
struct window {
	size_t skip, size, taken;
	char *buffer;
};

static void text_pass(struct window *window, const char *text)
{
	size_t length = strlen(text), part;

	if (window->skip >= length) {
		window->skip -= length;
		return;
	}
	part = MIN(length - window->skip, window->size - window->taken);
	memcpy(window->buffer + window->taken, text + window->skip, part);
	window->taken += part;
	window->skip = 0;
}

static void row_pass(struct window *window, const struct gdb_row *row)
{
	char name[16], text[96];

	for (unsigned i = 0; i < row_count(row); i++) {
		const char *number = strchr(row->name, '%');
		int length = number ? (int)(number - row->name) : (int)strlen(row->name);

		if (number)
			snprintf(name, sizeof(name), "%.*s%u", length, row->name, i);
		else
			snprintf(name, sizeof(name), "%s", row->name);
		snprintf(text, sizeof(text), "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"/>", name,
			 row->size * 8u, row->type);
		text_pass(window, text);
	}
}

size_t gdb_description_read(size_t offset, void *buffer, size_t size)
{
	struct window window = {.skip = offset, .size = size, .buffer = buffer};

	text_pass(&window, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
			   "<target><architecture>");
	text_pass(&window, gdb_architecture);
	text_pass(&window, "</architecture>");
	for (const struct gdb_row *row = gdb_rows; row < gdb_rows + gdb_row_count; row++) {
		if (row->feature && row != gdb_rows)
			text_pass(&window, "</feature>");
		if (row->feature)
			text_pass(&window, row->feature);
		row_pass(&window, row);
	}
	text_pass(&window, "</feature></target>");
	return window.taken;
}
