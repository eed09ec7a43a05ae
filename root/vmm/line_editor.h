/* SPDX-License-Identifier: MIT */
/*
 * A line that a person types, byte by byte: echo, rubbing out, giving up; and its words. Pure.
 */
#ifndef VMM_LINE_EDITOR_H
#define VMM_LINE_EDITOR_H

#include <trivet/types.h>

#define LINE_MAX_LENGTH 127
#define LINE_MAX_WORDS	8

struct line_editor {
	char text[LINE_MAX_LENGTH + 1];
	size_t length;
	bool after_return; /* a line feed that follows a carriage return is no second line */
};

/*
 * Takes a byte. True: the line is complete in editor->text, which line_editor_reset() clears for
 * the next. echo gets what the person is to see, at most LINE_ECHO_MAX bytes with NUL.
 */
#define LINE_ECHO_MAX 8
bool line_editor_key(struct line_editor *editor, uint8_t byte, char echo[LINE_ECHO_MAX]);
void line_editor_reset(struct line_editor *editor);

/* Cuts text at blanks, in place; answers how many words there are, at most LINE_MAX_WORDS. */
size_t line_words(char *text, char *words[LINE_MAX_WORDS]);

#endif
