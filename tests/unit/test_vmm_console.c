/* SPDX-License-Identifier: MIT */
/*
 * The pure parts of consoles and monitor: the queue to a guest, the ring of what it wrote, the keys
 * that switch, the line editor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include <vmm/console.h>
#include <vmm/line_editor.h>
#include <vmm/printable.h>

static void queue_wraps_and_fills(void **state)
{
	static struct console_queue queue;
	static uint8_t bytes[CONSOLE_QUEUE_SIZE + 100];
	const uint8_t *piece;
	uint8_t in = 0, out = 0;

	(void)state;
	assert_int_equal(console_queue_peek(&queue, &piece), 0);
	assert_int_equal(console_queue_put(&queue, bytes, sizeof(bytes)), CONSOLE_QUEUE_SIZE);
	assert_int_equal(console_queue_put(&queue, bytes, 1), 0);
	console_queue_drop(&queue, CONSOLE_QUEUE_SIZE);
	for (int round = 0; round < 10000; round++) {
		size_t count;

		for (int i = 0; i < 7; i++, in++)
			assert_int_equal(console_queue_put(&queue, &in, 1), 1);
		for (size_t left = 7; left; left -= count) {
			count = console_queue_peek(&queue, &piece);
			assert_in_range(count, 1, left);
			for (size_t i = 0; i < count; i++)
				assert_int_equal(piece[i], out++);
			console_queue_drop(&queue, count);
		}
	}
}

/* Takes all that was not shown. */
static size_t unseen(struct console *console, uint8_t *to)
{
	const uint8_t *piece;
	size_t count, total = 0;

	while ((count = console_take_unseen(console, &piece))) {
		memcpy(to + total, piece, count);
		total += count;
	}
	return total;
}

static void ring_keeps_the_end(void **state)
{
	static struct console console;
	static uint8_t text[3 * CONSOLE_RING_SIZE], seen[3 * CONSOLE_RING_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7 + i / 251);
	assert_int_equal(unseen(&console, seen), 0);
	console_store(&console, text, 5);
	assert_int_equal(unseen(&console, seen), 5);
	assert_memory_equal(seen, text, 5);
	assert_int_equal(unseen(&console, seen), 0);
	/* In small pieces, more than there is room for. */
	for (size_t at = 0; at < 2 * CONSOLE_RING_SIZE; at += 64)
		console_store(&console, text + at, 64);
	assert_int_equal(unseen(&console, seen), CONSOLE_RING_SIZE);
	assert_memory_equal(seen, text + CONSOLE_RING_SIZE, CONSOLE_RING_SIZE);
	/* In one piece. */
	console_store(&console, text, sizeof(text));
	assert_int_equal(unseen(&console, seen), CONSOLE_RING_SIZE);
	assert_memory_equal(seen, text + 2 * CONSOLE_RING_SIZE, CONSOLE_RING_SIZE);
}

static void keys_are_decoded(void **state)
{
	static const struct {
		uint8_t byte;
		enum console_action action;
		uint32_t number;
	} rows[] = {
		{'1', CONSOLE_SWITCH, 1},	   {'9', CONSOLE_SWITCH, 9},
		{'m', CONSOLE_MONITOR, 0},	   {'?', CONSOLE_HELP, 0},
		{'0', CONSOLE_NOTHING, 0},	   {'x', CONSOLE_NOTHING, 0},
		{CONSOLE_PREFIX, CONSOLE_BYTE, 0},
	};
	struct console_decoder decoder = {0};
	struct console_key key;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		key = console_decode(&decoder, CONSOLE_PREFIX);
		assert_int_equal(key.action, CONSOLE_NOTHING);
		key = console_decode(&decoder, rows[i].byte);
		assert_int_equal(key.action, rows[i].action);
		if (key.action == CONSOLE_SWITCH)
			assert_int_equal(key.number, rows[i].number);
		/* The prefix is used up. */
		key = console_decode(&decoder, '1');
		assert_int_equal(key.action, CONSOLE_BYTE);
		assert_int_equal(key.byte, '1');
	}
}

/* Types text; answers how many lines were completed. */
static int type(struct line_editor *editor, const char *text)
{
	char echo[LINE_ECHO_MAX];
	int lines = 0;

	for (; *text; text++)
		lines += line_editor_key(editor, (uint8_t)*text, echo);
	return lines;
}

static void lines_are_edited(void **state)
{
	struct line_editor editor = {0};
	char echo[LINE_ECHO_MAX];

	(void)state;
	assert_int_equal(type(&editor, "lisp\bt\r"), 1);
	assert_string_equal(editor.text, "list");
	line_editor_reset(&editor);
	assert_int_equal(type(&editor, "\n"), 0); /* belongs to the return before */
	assert_int_equal(type(&editor, "\n"), 1);
	/* A line that is given up counts as an empty one. */
	assert_int_equal(type(&editor, "\x7f\x7f\x7f"
				       "a\x15"),
			 1);
	assert_string_equal(editor.text, "");
	assert_int_equal(type(&editor, "b\x1b\t\n"), 1);
	assert_string_equal(editor.text, "b");
	assert_int_equal(type(&editor, "c\x03"), 1);
	assert_string_equal(editor.text, "");
	assert_false(line_editor_key(&editor, '\b', echo));
	assert_string_equal(echo, "");
	assert_false(line_editor_key(&editor, 0xff, echo));
	for (int i = 0; i < 2 * LINE_MAX_LENGTH; i++)
		assert_false(line_editor_key(&editor, 'x', echo));
	assert_string_equal(echo, "\a");
	assert_int_equal(editor.length, LINE_MAX_LENGTH);
}

static void words_are_cut(void **state)
{
	char line[] = "  stats \tweb  ", empty[] = "   ", many[] = "a b c d e f g h i j";
	char *words[LINE_MAX_WORDS];

	(void)state;
	assert_int_equal(line_words(line, words), 2);
	assert_string_equal(words[0], "stats");
	assert_string_equal(words[1], "web");
	assert_int_equal(line_words(empty, words), 0);
	assert_int_equal(line_words(many, words), LINE_MAX_WORDS);
	assert_string_equal(words[7], "h");
}

/* ---- what a guest tells ---- */

static void printed_is(const char *text, const char *expected)
{
	char to[4096] = "";

	assert_int_equal(*printable_write(to, sizeof(to), text), 0);
	assert_string_equal(to, expected);
}

static void what_is_printed(void **state)
{
	(void)state;
	printed_is("", "");
	printed_is("plain ~text", "plain ~text");
	printed_is("Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7",
		   "Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7");
	printed_is("a\\b", "a\\\\b");
	printed_is("\x1b[31mred\r\n\x7f", "\\x1b[31mred\\x0d\\x0a\\x7f");
	/* CSI of C1; what turns the writing; what is not to be seen */
	printed_is("\xc2\x9b", "\\xc2\\x9b");
	printed_is("\xe2\x80\xae"
		   "x",
		   "\\xe2\\x80\\xaex");
	printed_is("\xef\xbb\xbf", "\\xef\\xbb\\xbf");
	/* not UTF-8: alone, cut off, too long, surrogates, too large; what follows is read again */
	printed_is("\x80"
		   "a",
		   "\\x80a");
	printed_is("\xc3", "\\xc3");
	printed_is("\xe2\x82"
		   "z",
		   "\\xe2\\x82z");
	printed_is("\xc0\xaf", "\\xc0\\xaf");
	printed_is("\xed\xa0\x80", "\\xed\\xa0\\x80");
	printed_is("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	printed_is("\xff\xc3\xbc", "\\xff\xc3\xbc");
}

/* Any buffer that holds one character comes to the end. */
static void what_is_printed_in_pieces(void **state)
{
	char text[300], whole[2000], to[40], joined[2000] = "";
	const char *rest;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)(i % 255 + 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(*printable_write(whole, sizeof(whole), text), 0);
	for (size_t size = PRINTABLE_MOST + 1; size <= sizeof(to); size++) {
		joined[0] = 0;
		for (rest = text; *rest;) {
			const char *next = printable_write(to, size, rest);

			assert_true(next > rest && strlen(to) < size);
			strcat(joined, to);
			rest = next;
		}
		assert_string_equal(joined, whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_wraps_and_fills),
		cmocka_unit_test(ring_keeps_the_end),
		cmocka_unit_test(keys_are_decoded),
		cmocka_unit_test(lines_are_edited),
		cmocka_unit_test(words_are_cut),
		cmocka_unit_test(what_is_printed),
		cmocka_unit_test(what_is_printed_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
