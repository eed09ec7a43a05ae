/* SPDX-License-Identifier: MIT */
/*
 * The inspect tree over tables of the test's own: each kind of value and of node, paths that lead
 * nowhere, walks that end early.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <lib/inspect.h>
#include <trivet/hv/registers.h>

struct shelf {
	uint32_t boxes;
	uint8_t tiny;
	bool open;
	uint16_t colour;
	uint64_t grown, since, list[3];
	char label[8];
	uint8_t bytes[3];
	uint32_t vectors[2];
	struct hv_x64_segment_register segment;
	struct hv_x64_table_register table;
};

struct room {
	struct shelf shelf;
	bool locked;
	uint32_t opened; /* the box that is open */
	uint32_t boxes_there;
	unsigned int looks;
};

/* ---- the tree ---- */

#define SHELF(name, kind, member) INSPECT_VALUE(name, kind, struct shelf, member)

static const struct inspect_row shelf_rows[] = {
	SHELF("boxes", INSPECT_UNSIGNED, boxes),
	SHELF("tiny", INSPECT_HEX, tiny),
	SHELF("open", INSPECT_BOOLEAN, open),
	INSPECT_CHOICE("colour", "red\0green\0", struct shelf, colour),
	SHELF("grown", INSPECT_COUNTER, grown),
	SHELF("since", INSPECT_TIME, since),
	SHELF("list", INSPECT_UNSIGNED, list),
	INSPECT_VALUES("first\0second\0third", INSPECT_HEX, struct shelf, list[0], 3, 8),
	SHELF("label", INSPECT_STRING, label),
	SHELF("bytes", INSPECT_BYTES, bytes),
	SHELF("vectors", INSPECT_BITS, vectors),
	SHELF("segment", INSPECT_SEGMENT, segment),
	SHELF("table", INSPECT_TABLE, table),
};

static const void *shelf_open(void *context, const void *above, uint32_t number)
{
	struct room *room = context;

	assert_ptr_equal(above, room);
	assert_int_equal(number, 0);
	room->looks++;
	return &room->shelf;
}

static const void *closet_open(void *context, const void *above, uint32_t number)
{
	struct room *room = context;

	(void)above;
	(void)number;
	return room->locked ? NULL : room;
}

static bool box_list(void *context, const void *above, uint32_t number, char name[INSPECT_NAME_MAX])
{
	const struct room *room = context;

	(void)above;
	inspect_print(name, INSPECT_NAME_MAX, "%u", number);
	return number < room->boxes_there;
}

/* Box 1 has been stolen. */
static const void *box_open(void *context, const void *above, uint32_t number)
{
	struct room *room = context;

	(void)above;
	room->opened = number;
	return number == 1 ? NULL : room;
}

static const struct inspect_row box_rows[] = {
	INSPECT_VALUE("number", INSPECT_UNSIGNED, struct room, opened),
};
static const struct inspect_directory inner = {
	.name = "inner", .rows = box_rows, .row_count = ARRAY_SIZE(box_rows)};
static const struct inspect_directory *const box_children[] = {&inner, NULL};

static const struct inspect_directory shelf = {.name = "shelf",
					       .open = shelf_open,
					       .rows = shelf_rows,
					       .row_count = ARRAY_SIZE(shelf_rows)};
static const struct inspect_directory closet = {.name = "closet", .open = closet_open};
static const struct inspect_directory box = {.name = "box",
					     .list = box_list,
					     .open = box_open,
					     .rows = box_rows,
					     .row_count = ARRAY_SIZE(box_rows),
					     .children = box_children};
static const struct inspect_directory *const top_children[] = {&shelf, &closet, &box, NULL};
static const struct inspect_row top_rows[] = {
	INSPECT_VALUE("locked", INSPECT_BOOLEAN, struct room, locked),
};
static const struct inspect_directory top = {
	.name = "", .rows = top_rows, .row_count = ARRAY_SIZE(top_rows), .children = top_children};

/* ---- what a walk gives ---- */

static char said[4096];
static size_t limit;
static struct inspect_lost lost;

static bool say(void *argument, const struct inspect_item *item)
{
	char text[INSPECT_TEXT_MAX];
	char line[sizeof(text) + INSPECT_NAME_MAX + 20];

	assert_ptr_equal(argument, said);
	inspect_text(item, text);
	if (!limit--)
		return false;
	inspect_print(line, sizeof(line), "%u%s%s %s\n", item->depth, item->name,
		      item->kind == INSPECT_DIRECTORY ? "/" : ":", text);
	strcat(said, line);
	return true;
}

static status_t walk(struct room *room, const char *path, uint32_t depth)
{
	said[0] = '\0';
	limit = SIZE_MAX;
	return inspect_walk(&top, room, path, depth, say, said, &lost);
}

static struct room room_of_the_test(void)
{
	return (struct room){.boxes_there = 3,
			     .shelf = {.boxes = 70000,
				       .tiny = 0xab,
				       .open = true,
				       .colour = 1,
				       .grown = UINT64_MAX,
				       .since = 1000000001,
				       .list = {1, 0, 30},
				       .label = "12345678",
				       .bytes = {0, 0x7f, 0xff},
				       .vectors = {1, 0x80000000},
				       .segment = {.base = 0x10,
						   .limit = 0xffff,
						   .selector = 8,
						   .attributes = 0x9b},
				       .table = {.base = 0x1000, .limit = 0x7f}}};
}

/* ---- tests ---- */

static void test_every_kind_of_value(void **state)
{
	struct room room = room_of_the_test();

	(void)state;
	assert_int_equal(walk(&room, "shelf", 0), STATUS_OK);
	assert_string_equal(said, "0boxes: 70000\n"
				  "0tiny: 0xab\n"
				  "0open: yes\n"
				  "0colour: green\n"
				  "0grown: 18446744073709551615\n"
				  "0since: 1.000000001 s\n"
				  "0list: 1 0 30\n"
				  "0first: 0x1\n"
				  "0second: 0x0\n"
				  "0third: 0x1e\n"
				  "0label: 12345678\n"
				  "0bytes: 00 7f ff\n"
				  "0vectors: 0x0 0x3f\n"
				  "0segment: 0008 base 0x10 limit 0xffff attributes 0x9b\n"
				  "0table: base 0x1000 limit 0x7f\n");
	room.shelf.colour = 2;
	room.shelf.since = UINT64_MAX;
	room.shelf.vectors[0] = room.shelf.vectors[1] = 0;
	room.shelf.label[0] = '\0';
	assert_int_equal(walk(&room, "shelf/colour", 0), STATUS_OK);
	assert_string_equal(said, "0colour: 2\n"); /* there is no word for it */
	assert_int_equal(walk(&room, "shelf/since", 0), STATUS_OK);
	assert_string_equal(said, "0since: never\n");
	assert_int_equal(walk(&room, "shelf/vectors", 0), STATUS_OK);
	assert_string_equal(said, "0vectors: none\n");
	assert_int_equal(walk(&room, "shelf/label", 9), STATUS_OK);
	assert_string_equal(said, "0label: \n");
}

static void test_a_tree_to_its_depth(void **state)
{
	struct room room = room_of_the_test();

	(void)state;
	assert_int_equal(walk(&room, "", 0), STATUS_OK);
	assert_string_equal(said, "0locked: no\n0shelf/ \n0closet/ \n0box/ \n");
	assert_int_equal(walk(&room, "box", 0), STATUS_OK);
	assert_string_equal(said, "00/ \n02/ \n");
	assert_int_equal(walk(&room, "box", 1), STATUS_OK);
	assert_string_equal(said, "00/ \n1number: 0\n1inner/ \n02/ \n1number: 2\n1inner/ \n");
	assert_int_equal(walk(&room, "box/2", UINT32_MAX), STATUS_OK);
	assert_string_equal(said, "0number: 2\n0inner/ \n1number: 2\n");
	assert_int_equal(walk(&room, "//box//2/inner/number/", 0), STATUS_OK);
	assert_string_equal(said, "0number: 2\n");
	room.locked = true;
	assert_int_equal(walk(&room, "", 0), STATUS_OK);
	assert_string_equal(said, "0locked: yes\n0shelf/ \n0box/ \n");
}

static void test_paths_that_lead_nowhere(void **state)
{
	static const struct {
		const char *path;
		size_t at, length;
	} rows[] = {
		{"x", 0, 1},
		{"shelf/x/y", 6, 1},
		{"shelf/boxes/x", 12, 1},
		{"shel", 0, 4},
		{"shelf/boxe", 6, 4},
		{"shelf/boxess", 6, 6},
		{"box/3", 4, 1},
		{"box/1/number", 4, 1},
		{"box/00", 4, 2},
		{"box/-1", 4, 2},
		{"box/4294967296", 4, 10},
		{"/box/2/inner/inner", 13, 5},
		{"shelf boxes", 0, 11},
		{".", 0, 1},
	};
	struct room room = room_of_the_test();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(walk(&room, rows[i].path, 9), STATUS_NOT_FOUND);
		assert_int_equal(lost.at, rows[i].at);
		assert_int_equal(lost.length, rows[i].length);
		assert_string_equal(said, "");
	}
	room.locked = true;
	assert_int_equal(walk(&room, "closet", 0), STATUS_NOT_FOUND);
}

static void test_long_paths(void **state)
{
	struct room room = room_of_the_test();
	char path[INSPECT_PATH_MAX + 2];

	(void)state;
	memset(path, '/', sizeof(path));
	path[INSPECT_PATH_MAX] = '\0';
	assert_int_equal(walk(&room, path, 0), STATUS_OK);
	path[INSPECT_PATH_MAX] = '/';
	path[INSPECT_PATH_MAX + 1] = '\0';
	assert_int_equal(walk(&room, path, 0), STATUS_TOO_LARGE);
	memset(path, 'a', INSPECT_PATH_MAX);
	path[INSPECT_PATH_MAX] = '\0';
	assert_int_equal(walk(&room, path, 0), STATUS_NOT_FOUND);
	assert_int_equal(lost.length, INSPECT_PATH_MAX);
}

static void test_a_walk_ends_when_there_is_no_room(void **state)
{
	struct room room = room_of_the_test();

	(void)state;
	for (size_t room_for = 0; room_for < 5; room_for++) {
		size_t lines = 0;

		said[0] = '\0';
		limit = room_for;
		room.looks = 0;
		assert_int_equal(inspect_walk(&top, &room, "", 9, say, said, &lost), STATUS_OK);
		for (const char *at = said; *at; at++)
			lines += *at == '\n';
		assert_int_equal(lines, room_for);
		assert_int_equal(room.looks, room_for > 0); /* and the next, in vain */
	}
}

static bool numbers(void *argument, const struct inspect_item *item)
{
	uint64_t *sum = argument;

	if (item->kind != INSPECT_DIRECTORY)
		for (size_t n = 0; n < (item->size + 7) / 8; n++)
			*sum += inspect_number(item, n);
	return true;
}

static void test_a_program_reads_numbers(void **state)
{
	struct room room = room_of_the_test();
	uint64_t sum = 0;

	(void)state;
	assert_int_equal(inspect_walk(&top, &room, "shelf/list", 0, numbers, &sum, &lost),
			 STATUS_OK);
	assert_int_equal(sum, 31);
	assert_int_equal(inspect_walk(&top, &room, "shelf/tiny", 0, numbers, &sum, &lost),
			 STATUS_OK);
	assert_int_equal(sum, 31 + 0xab);
}

static void test_text_is_cut(void **state)
{
	static uint8_t many[INSPECT_TEXT_MAX];
	struct inspect_item item = {.kind = INSPECT_BYTES, .value = many, .size = sizeof(many)};
	char text[INSPECT_TEXT_MAX + 1];

	(void)state;
	text[INSPECT_TEXT_MAX] = 'x';
	inspect_text(&item, text);
	assert_int_equal(strlen(text), INSPECT_TEXT_MAX - 1);
	assert_int_equal(text[INSPECT_TEXT_MAX], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_value),
		cmocka_unit_test(test_a_tree_to_its_depth),
		cmocka_unit_test(test_paths_that_lead_nowhere),
		cmocka_unit_test(test_long_paths),
		cmocka_unit_test(test_a_walk_ends_when_there_is_no_room),
		cmocka_unit_test(test_a_program_reads_numbers),
		cmocka_unit_test(test_text_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
