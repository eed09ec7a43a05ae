/* SPDX-License-Identifier: MIT */
/*
 * The reader of newc archives: sound archives, and every way in which one can be damaged. The
 * archive is copied to a block of exactly its size, so that the sanitizer sees reads behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <kernel/bundle.h>

#define REGULAR 0100644u
#define FOLDER	0040755u

struct archive {
	char bytes[4096];
	size_t size;
};

static void pad(struct archive *archive)
{
	while (archive->size % 4)
		archive->bytes[archive->size++] = '\0';
}

static void add(struct archive *archive, unsigned int mode, const char *name, const char *data)
{
	archive->size += (size_t)sprintf(
		archive->bytes + archive->size,
		"070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08zX%08X", 1, mode, 0, 0, 1, 0,
		(unsigned int)strlen(data), 0, 0, 0, 0, strlen(name) + 1, 0);
	memcpy(archive->bytes + archive->size, name, strlen(name) + 1);
	archive->size += strlen(name) + 1;
	pad(archive);
	memcpy(archive->bytes + archive->size, data, strlen(data));
	archive->size += strlen(data);
	pad(archive);
}

static struct archive sample(void)
{
	struct archive archive = {.size = 0};

	add(&archive, FOLDER, ".", "");
	add(&archive, REGULAR, "./root.elf", "program");
	add(&archive, FOLDER, "guests", "");
	add(&archive, REGULAR, "guests/empty", "");
	add(&archive, REGULAR, "/trivet.conf", "[system]");
	add(&archive, 0, "TRAILER!!!", "");
	return archive;
}

static void test_walk(void **state)
{
	static const char *const names[] = {"root.elf", "guests/empty", "trivet.conf"};
	static const char *const data[] = {"program", "", "[system]"};
	struct archive archive = sample();
	struct bundle bundle;
	struct bundle_file file;

	(void)state;
	bundle_open(&bundle, archive.bytes, archive.size);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(bundle_next(&bundle, &file), STATUS_OK);
		assert_string_equal(file.name, names[i]);
		assert_int_equal(file.size, strlen(data[i]));
		assert_memory_equal(file.data, data[i], file.size);
		assert_int_equal(file.mode, REGULAR);
	}
	assert_int_equal(bundle_next(&bundle, &file), STATUS_NOT_FOUND);
	assert_int_equal(bundle_next(&bundle, &file), STATUS_NOT_FOUND);
}

static void test_find(void **state)
{
	struct archive archive = sample();
	struct bundle bundle;
	struct bundle_file file;

	(void)state;
	bundle_open(&bundle, archive.bytes, archive.size);
	assert_int_equal(bundle_find(&bundle, "trivet.conf", &file), STATUS_OK);
	assert_memory_equal(file.data, "[system]", 8);
	/* From the start again, whatever was found before. */
	assert_int_equal(bundle_find(&bundle, "./root.elf", &file), STATUS_OK);
	assert_int_equal(bundle_find(&bundle, "guests", &file), STATUS_NOT_FOUND);
	assert_int_equal(bundle_find(&bundle, "root.el", &file), STATUS_NOT_FOUND);
	assert_int_equal(bundle_find(&bundle, "root.elf2", &file), STATUS_NOT_FOUND);
	assert_int_equal(bundle_find(&bundle, "", &file), STATUS_NOT_FOUND);
}

/* Every shorter archive is TRUNCATED, and nothing behind its end is read. */
static void test_truncated(void **state)
{
	struct archive archive = sample();

	(void)state;
	for (size_t size = 0; size + 120 < archive.size; size++) {
		char *copy = malloc(size ? size : 1);
		struct bundle bundle;
		struct bundle_file file;
		status_t status;

		memcpy(copy, archive.bytes, size);
		bundle_open(&bundle, copy, size);
		while ((status = bundle_next(&bundle, &file)) == STATUS_OK)
			;
		assert_int_equal(status, STATUS_TRUNCATED);
		assert_true(strlen(bundle.problem) > 0);
		free(copy);
	}
}

/* One change to the header of ./root.elf, the second entry; its header is at 112. */
static void test_damaged(void **state)
{
	static const struct {
		const char *what;
		size_t offset;
		const char *bytes;
		status_t status;
	} cases[] = {
		{"old magic", 112, "070707", STATUS_BAD_FORMAT},
		{"not hexadecimal", 112 + 6 + 6 * 8, "0000000g", STATUS_BAD_FORMAT},
		{"a blank in a number", 112 + 6 + 8, " 0008000", STATUS_BAD_FORMAT},
		{"file longer than archive", 112 + 6 + 6 * 8, "00001000", STATUS_TRUNCATED},
		{"file of 4 GiB", 112 + 6 + 6 * 8, "ffffffff", STATUS_TRUNCATED},
		{"name without length", 112 + 6 + 11 * 8, "00000000", STATUS_BAD_FORMAT},
		{"name of 4 GiB", 112 + 6 + 11 * 8, "FFFFFFFF", STATUS_TRUNCATED},
		{"name too short", 112 + 6 + 11 * 8, "00000004", STATUS_BAD_FORMAT},
		{"name too long", 112 + 6 + 11 * 8, "0000000d", STATUS_BAD_FORMAT},
		{"name of slashes", 112 + 110, "./////////", STATUS_BAD_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct archive archive = sample();
		struct bundle bundle;
		struct bundle_file file;

		memcpy(archive.bytes + cases[i].offset, cases[i].bytes, strlen(cases[i].bytes));
		bundle_open(&bundle, archive.bytes, archive.size);
		if (bundle_next(&bundle, &file) != cases[i].status)
			fail_msg("%s", cases[i].what);
		assert_int_equal(bundle_find(&bundle, "trivet.conf", &file), cases[i].status);
		assert_true(strlen(bundle.problem) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
