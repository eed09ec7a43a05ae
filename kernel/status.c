/* SPDX-License-Identifier: MIT */
/*
 * Statuses for people: names and words come from the one table of <trivet/status.h>. The root
 * task compiles this file too.
 */
#include <trivet/status.h>
#include <trivet/types.h>

struct status_text {
	const char *name, *words;
};

#define STATUS_TEXT(name, number, words) [number] = {#name, words},
static const struct status_text texts[STATUS_COUNT] = {STATUS_TABLE(STATUS_TEXT)};
#undef STATUS_TEXT

static const struct status_text *text_of(status_t status)
{
	static const struct status_text unknown = {"UNKNOWN", "a status that is not known here"};

	return (unsigned int)status < ARRAY_SIZE(texts) ? &texts[status] : &unknown;
}

const char *status_words(status_t status)
{
	return text_of(status)->words;
}

const char *status_name(status_t status)
{
	return text_of(status)->name;
}
