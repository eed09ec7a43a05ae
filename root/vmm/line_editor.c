/* SPDX-License-Identifier: MIT */
/*
 * The line editor.
 */
#include <string.h>
#include <vmm/line_editor.h>

#define KEY_INTERRUPT 0x03 /* Ctrl-C: forget the line */
#define KEY_BACKSPACE 0x08
#define KEY_LINE_FEED 0x0a
#define KEY_RETURN    0x0d
#define KEY_KILL      0x15 /* Ctrl-U: rub out the line */
#define KEY_DELETE    0x7f

void line_editor_reset(struct line_editor *editor)
{
	editor->length = 0;
	editor->text[0] = '\0';
}

static void rub_out(struct line_editor *editor, char *echo)
{
	if (!editor->length)
		return;
	editor->text[--editor->length] = '\0';
	strcpy(echo, "\b \b");
}

static void insert(struct line_editor *editor, uint8_t byte, char *echo)
{
	if (editor->length == LINE_MAX_LENGTH) {
		strcpy(echo, "\a");
		return;
	}
	editor->text[editor->length++] = (char)byte;
	editor->text[editor->length] = '\0';
	echo[0] = (char)byte;
	echo[1] = '\0';
}

bool line_editor_key(struct line_editor *editor, uint8_t byte, char echo[LINE_ECHO_MAX])
{
	bool after_return = editor->after_return;

	echo[0] = '\0';
	editor->after_return = byte == KEY_RETURN;
	switch (byte) {
	case KEY_LINE_FEED:
		if (after_return)
			return false;
		/* fall through */
	case KEY_RETURN: strcpy(echo, "\n"); return true;
	case KEY_INTERRUPT:
		line_editor_reset(editor);
		strcpy(echo, "^C\n");
		return true;
	case KEY_BACKSPACE:
	case KEY_DELETE: rub_out(editor, echo); return false;
	case KEY_KILL:
		line_editor_reset(editor);
		strcpy(echo, "^U\n");
		return true;
	default: break;
	}
	if (byte >= ' ' && byte < KEY_DELETE)
		insert(editor, byte, echo);
	return false;
}

size_t line_words(char *text, char *words[LINE_MAX_WORDS])
{
	size_t count = 0;

	while (count < LINE_MAX_WORDS) {
		while (*text == ' ' || *text == '\t')
			text++;
		if (!*text)
			break;
		words[count++] = text;
		while (*text && *text != ' ' && *text != '\t')
			text++;
		if (*text)
			*text++ = '\0';
	}
	return count;
}
