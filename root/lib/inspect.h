/* SPDX-License-Identifier: MIT */
/*
 * An inspect tree: what there is to be looked at, as tables of names, forms and places. A path leads to
 * a node; a walk gives that node, or all below it, as items that a program reads by their kind, and a
 * person as text. Pure: directories find what they describe through their own functions.
 */
#ifndef LIB_INSPECT_H
#define LIB_INSPECT_H

#include <trivet/status.h>
#include <trivet/types.h>

#define INSPECT_PATH_MAX   128u
#define INSPECT_NAME_MAX   40u
#define INSPECT_LEVELS_MAX 10u
#define INSPECT_TEXT_MAX   640u /* of a value, with its NUL */

enum inspect_kind {
	INSPECT_DIRECTORY, /* no value; its children follow, one deeper */
	INSPECT_UNSIGNED,  /* for people: in decimal */
	INSPECT_HEX,
	INSPECT_COUNTER, /* an unsigned number that only grows, until what it counts begins anew */
	INSPECT_BOOLEAN,
	INSPECT_TIME,	/* ns */
	INSPECT_WORD,	/* an unsigned number that chooses one of item.words */
	INSPECT_STRING, /* up to its NUL or its size */
	INSPECT_BYTES,
	INSPECT_BITS,	 /* bit n is bit n % 8 of byte n / 8 */
	INSPECT_SEGMENT, /* struct hv_x64_segment_register */
	INSPECT_TABLE,	 /* struct hv_x64_table_register */
};

/* Values that follow each other and have the same form: one row. */
struct inspect_row {
	const char *names; /* of `count` values, each ended by a NUL; count 0 is 1 */
	const char
		*words; /* INSPECT_WORD: from 0 on, each ended by a NUL, the list by an empty one */
	uint32_t offset; /* of the first, from the directory's base */
	uint32_t size;	 /* of one, in bytes. Numbers of more than 8 are arrays of 64-bit ones */
	uint32_t count, stride;
	enum inspect_kind kind;
};

#define INSPECT_VALUE(names_, kind_, type, member)                                    \
	{                                                                             \
		.names = (names_), .kind = (kind_), .offset = offsetof(type, member), \
		.size = sizeof(((type *)0)->member),                                  \
	}
#define INSPECT_CHOICE(name, words_, type, member)                                     \
	{                                                                              \
		.names = (name), .words = (words_), .kind = INSPECT_WORD,              \
		.offset = offsetof(type, member), .size = sizeof(((type *)0)->member), \
	}
/* `count` of them, `stride` bytes apart, each like `member`, which is the first */
#define INSPECT_VALUES(names_, kind_, type, member, count_, stride_)                         \
	{                                                                                    \
		.names = (names_), .kind = (kind_), .offset = offsetof(type, member),        \
		.size = sizeof(((type *)0)->member), .count = (count_), .stride = (stride_), \
	}

struct inspect_directory {
	const char *name;
	/* The base of rows and of directories below, valid until the next call; NULL: it is not there.
	 * Without it: that of the directory above. number: of a list's item. */
	const void *(*open)(void *context, const void *above, uint32_t number);
	/* A list: its children are directories like it, to which `open` belongs. Writes the name of the
	 * child of that number; false: there are no more. */
	bool (*list)(void *context, const void *above, uint32_t number,
		     char name[INSPECT_NAME_MAX]);
	const struct inspect_row *rows;
	size_t row_count;
	const struct inspect_directory *const *children; /* NULL at the end; NULL itself: none */
};

/* One node. Pointers are valid until the function that got it returns. */
struct inspect_item {
	const char *name;
	uint32_t
		depth; /* 0: a child of the node that was asked for, or that node if it is a value */
	enum inspect_kind kind;
	const void *value;
	size_t size;
	const char *words;
};

/* What a path that leads nowhere leads to. */
struct inspect_lost {
	size_t at, length; /* the part of the path that is not there */
};

/*
 * Calls `emit` for what the path names, and `depth` levels of directories deep for what is below its
 * children; false ends the walk. The path is names with '/' between them, "" is `top`, whose base is
 * the context. NOT_FOUND: *lost says what. TOO_LARGE: longer than INSPECT_PATH_MAX or with a longer name.
 */
status_t inspect_walk(const struct inspect_directory *top, void *context, const char *path,
		      uint32_t depth, bool (*emit)(void *argument, const struct inspect_item *item),
		      void *argument, struct inspect_lost *lost) __must_check;

/* A number of the item's: number n of an array. */
uint64_t inspect_number(const struct inspect_item *item, size_t n);
/* The value for a person, cut at INSPECT_TEXT_MAX; "" for a directory. */
void inspect_text(const struct inspect_item *item, char text[INSPECT_TEXT_MAX]);

/* Text into a buffer, as snprintf() does: for the names of a list. */
void inspect_print(char *to, size_t size, const char *format, ...) __printf(3, 4);

#endif
