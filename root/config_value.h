/* SPDX-License-Identifier: MIT */
/*
 * Values of trivet.conf: one function a kind of value. A function takes the text of one value,
 * without blanks around it, and stores what it means; otherwise it answers BAD_FORMAT and says
 * in *expected what should stand there, or NO_MEMORY. Nothing here knows keys, sections or lines.
 */
#ifndef ROOT_CONFIG_VALUE_H
#define ROOT_CONFIG_VALUE_H

#include <config.h>

/* A piece of the file; no NUL ends it. */
struct text {
	const char *start;
	size_t length;
};

/* What a value should have been, in words that follow "expected". */
struct expectation {
	char words[160];
};

struct value_range {
	uint64_t min, max;
};

/* Names for numbers; the list ends with a NULL name. */
struct value_choice {
	const char *name;
	uint64_t value;
};

bool text_equals(struct text text, const char *string);
/* Without blanks (space, tab, CR) at both ends. */
struct text text_trim(struct text text);
/* A copy that ends with a NUL, to be given to free(); NULL when there is no memory. */
char *text_copy(struct text text);
/*
 * Cuts off the part before the first separator and takes both from *rest. False, with all of
 * *rest in *part and *rest empty, when there is none.
 */
bool text_split(struct text *rest, char separator, struct text *part);

/* Decimal, or hexadecimal with 0x. */
status_t value_parse_number(struct text text, const struct value_range *range, uint64_t *value,
			    struct expectation *expected);
/* A whole number with one of the units K, M, G, T (powers of 1024), in whole pages. */
status_t value_parse_size(struct text text, const struct value_range *range, uint64_t *value,
			  struct expectation *expected);
/* One of the choices. */
status_t value_parse_choice(struct text text, const struct value_choice *choices, uint64_t *value,
			    struct expectation *expected);
/* Any of the choices, separated by commas; their values are combined by OR. */
status_t value_parse_set(struct text text, const struct value_choice *choices, uint64_t *value,
			 struct expectation *expected);
/* Any text, perhaps in double quotes, which are taken off; replaces and frees *string. */
status_t value_parse_string(struct text text, char **string, struct expectation *expected);
/* The same, but not empty. */
status_t value_parse_file(struct text text, char **string, struct expectation *expected);
/* Numbers and ranges in ascending order, as "0-3, 6". *list belongs to the caller. */
status_t value_parse_numbers(struct text text, const struct value_range *range, uint32_t **list,
			     size_t *count, struct expectation *expected);
/* Files with their arguments, separated by commas. *list belongs to the caller even on errors. */
status_t value_parse_modules(struct text text, struct config_module **list, size_t *count,
			     struct expectation *expected);

#endif
