/* SPDX-License-Identifier: MIT */
/* Paths, walks, and values as text. */
#include <string.h>
#include <lib/format.h>
#include <lib/inspect.h>
#include <trivet/hv/registers.h>

typedef unsigned long long ull;

struct node {
	const struct inspect_directory *directory; /* NULL: a value */
	const void *base;
	bool list; /* its children are like it, by number */
	const struct inspect_row *row;
	uint32_t index; /* in the row */
	char name[INSPECT_NAME_MAX];
};

/* The n-th of words that are ended by NULs. */
static const char *word(const char *words, uint64_t n)
{
	while (n-- && *words)
		words += strlen(words) + 1;
	return words;
}

static uint32_t row_values(const struct inspect_row *row)
{
	return row->count ? row->count : 1;
}

void inspect_print(char *to, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)format_text(to, size, format, arguments);
	va_end(arguments);
}

/* ---- children ---- */

static bool list_child(void *context, const struct node *list, uint32_t place, struct node *child)
{
	const struct inspect_directory *directory = list->directory;

	if (!directory->list(context, list->base, place, child->name))
		return false;
	child->directory = directory;
	child->list = false;
	child->base = directory->open ? directory->open(context, list->base, place) : list->base;
	return true;
}

static bool value_child(const struct node *parent, uint32_t *place, struct node *child)
{
	const struct inspect_directory *directory = parent->directory;

	for (size_t i = 0; i < directory->row_count; i++) {
		const struct inspect_row *row = &directory->rows[i];

		if (*place >= row_values(row)) {
			*place -= row_values(row);
			continue;
		}
		*child = (struct node){.row = row, .index = *place, .base = parent->base};
		strncpy(child->name, word(row->names, *place), sizeof(child->name) - 1);
		return true;
	}
	return false;
}

/* The child at a place. False: there is none any more. One whose base is NULL is not there. */
static bool child_find(void *context, const struct node *parent, uint32_t place, struct node *child)
{
	const struct inspect_directory *const *next = parent->directory->children;

	if (parent->list)
		return list_child(context, parent, place, child);
	if (value_child(parent, &place, child))
		return true;
	for (; next && *next; next++) {
		if (place--)
			continue;
		*child = (struct node){
			.directory = *next, .base = parent->base, .list = (*next)->list != NULL};
		strncpy(child->name, (*next)->name, sizeof(child->name) - 1);
		if (!child->list && (*next)->open)
			child->base = (*next)->open(context, parent->base, 0);
		return true;
	}
	return false;
}

static bool child_named(void *context, const struct node *parent, const char *name, size_t length,
			struct node *child)
{
	if (!parent->directory)
		return false;
	for (uint32_t place = 0; child_find(context, parent, place, child); place++)
		if (strlen(child->name) == length && memcmp(child->name, name, length) == 0)
			return child->base;
	return false;
}

/* ---- walks ---- */

struct walk {
	void *context;
	bool (*emit)(void *argument, const struct inspect_item *item);
	void *argument;
	uint32_t depth;
};

static bool node_emit(const struct walk *walk, const struct node *node, uint32_t depth)
{
	struct inspect_item item = {.name = node->name, .depth = depth};

	if (!node->directory) {
		item.kind = node->row->kind;
		item.size = node->row->size;
		item.words = node->row->words;
		item.value = (const char *)node->base + node->row->offset +
			     (size_t)node->index * node->row->stride;
	}
	return walk->emit(walk->argument, &item);
}

/* Ends with the tree's deepest branch. */
static bool children_emit(const struct walk *walk, const struct node *parent, uint32_t depth)
{
	struct node child;

	for (uint32_t place = 0; child_find(walk->context, parent, place, &child); place++) {
		if (!child.base)
			continue;
		if (!node_emit(walk, &child, depth))
			return false;
		if (child.directory && depth < walk->depth && depth < INSPECT_LEVELS_MAX &&
		    !children_emit(walk, &child, depth + 1))
			return false;
	}
	return true;
}

static status_t path_follow(void *context, const char *path, struct node *node,
			    struct inspect_lost *lost)
{
	const char *part = path;
	struct node child;

	*lost = (struct inspect_lost){0};
	if (strlen(path) > INSPECT_PATH_MAX)
		return STATUS_TOO_LARGE;
	while (*part) {
		size_t length = strcspn(part, "/");

		if (length) {
			lost->at = (size_t)(part - path);
			lost->length = length;
			if (!child_named(context, node, part, length, &child))
				return STATUS_NOT_FOUND;
			*node = child;
		}
		part += length;
		part += *part == '/';
	}
	return STATUS_OK;
}

status_t inspect_walk(const struct inspect_directory *top, void *context, const char *path,
		      uint32_t depth, bool (*emit)(void *argument, const struct inspect_item *item),
		      void *argument, struct inspect_lost *lost)
{
	const struct walk walk = {context, emit, argument, depth};
	struct node node = {.directory = top, .base = context};
	status_t status = path_follow(context, path, &node, lost);

	if (status != STATUS_OK)
		return status;
	if (node.directory)
		children_emit(&walk, &node, 0);
	else
		node_emit(&walk, &node, 0);
	return STATUS_OK;
}

/* ---- values ---- */

uint64_t inspect_number(const struct inspect_item *item, size_t n)
{
	uint64_t number = 0;

	if (item->size <= sizeof(number)) {
		memcpy(&number, item->value, item->size);
		return number;
	}
	memcpy(&number, (const char *)item->value + n * sizeof(number), sizeof(number));
	return number;
}

struct text {
	char *at;
	size_t room; /* with the NUL */
};

static void add(struct text *text, const char *format, ...) __printf(2, 3);
static void add(struct text *text, const char *format, ...)
{
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = (size_t)format_text(text->at, text->room, format, arguments);
	va_end(arguments);
	length = length < text->room ? length : text->room - 1;
	text->at += length;
	text->room -= length;
}

static void numbers_add(struct text *text, const struct inspect_item *item)
{
	size_t count = item->size > sizeof(uint64_t) ? item->size / sizeof(uint64_t) : 1;

	for (size_t n = 0; n < count; n++) {
		ull number = inspect_number(item, n);

		if (n)
			add(text, " ");
		if (item->kind == INSPECT_HEX)
			add(text, "0x%llx", number);
		else
			add(text, "%llu", number);
	}
}

static void time_add(struct text *text, uint64_t ns)
{
	if (ns == UINT64_MAX)
		add(text, "never");
	else
		add(text, "%llu.%09llu s", (ull)ns / 1000000000, (ull)ns % 1000000000);
}

static void bits_add(struct text *text, const struct inspect_item *item)
{
	const uint8_t *bytes = item->value;
	const char *before = "";

	for (size_t bit = 0; bit < item->size * 8; bit++) {
		if (!(bytes[bit / 8] >> bit % 8 & 1))
			continue;
		add(text, "%s0x%zx", before, bit);
		before = " ";
	}
	if (!*before)
		add(text, "none");
}

static void bytes_add(struct text *text, const struct inspect_item *item)
{
	const uint8_t *bytes = item->value;

	for (size_t i = 0; i < item->size; i++)
		add(text, i ? " %02x" : "%02x", bytes[i]);
}

static void word_add(struct text *text, const struct inspect_item *item)
{
	uint64_t number = inspect_number(item, 0);
	const char *found = word(item->words, number);

	if (*found)
		add(text, "%s", found);
	else
		add(text, "%llu", (ull)number);
}

static void segment_add(struct text *text, const struct hv_x64_segment_register *s)
{
	add(text, "%04x base 0x%llx limit 0x%x attributes 0x%x", s->selector, (ull)s->base,
	    s->limit, s->attributes);
}

static void table_add(struct text *text, const struct hv_x64_table_register *t)
{
	add(text, "base 0x%llx limit 0x%x", (ull)t->base, t->limit);
}

void inspect_text(const struct inspect_item *item, char result[INSPECT_TEXT_MAX])
{
	struct text text = {result, INSPECT_TEXT_MAX};

	*result = '\0';
	switch (item->kind) {
	case INSPECT_DIRECTORY: break;
	case INSPECT_UNSIGNED:
	case INSPECT_COUNTER:
	case INSPECT_HEX: numbers_add(&text, item); break;
	case INSPECT_BOOLEAN: add(&text, inspect_number(item, 0) ? "yes" : "no"); break;
	case INSPECT_TIME: time_add(&text, inspect_number(item, 0)); break;
	case INSPECT_WORD: word_add(&text, item); break;
	case INSPECT_STRING: add(&text, "%.*s", (int)item->size, (const char *)item->value); break;
	case INSPECT_BYTES: bytes_add(&text, item); break;
	case INSPECT_BITS: bits_add(&text, item); break;
	case INSPECT_SEGMENT: segment_add(&text, item->value); break;
	case INSPECT_TABLE: table_add(&text, item->value); break;
	}
}
