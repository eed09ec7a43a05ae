/* SPDX-License-Identifier: MIT */
/*
 * The form of saved states: what is written is read, and what is damaged in any byte, cut short anywhere,
 * out of order, doubled or too long is found out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <kernel/state_format.h>

#define SIZE 512u

static uint64_t state_words[SIZE / 8];
#define STATE	       ((uint8_t *)state_words)
#define HEADER	       ((struct state_header *)state_words)
#define RECORD(offset) ((struct state_record *)(STATE + (offset)))
#define FIRST	       32u /* of 5 bytes of data */
#define SECOND	       (FIRST + 16 + 8)
#define THIRD	       (SECOND + 16 + 16)

/* Elements 3, 7 and 7 of VTL 1. */
static uint64_t sample_write(uint64_t size)
{
	struct state_writer writer;
	uint8_t *data;

	state_write_begin(&writer, STATE, size);
	data = state_write(&writer, 3, 0, 5);
	if (data)
		memcpy(data, "first", 5);
	data = state_write(&writer, 7, 0, 16);
	if (data)
		memset(data, 0x77, 16);
	state_write(&writer, 7, 1, 0);
	if (state_write_end(&writer, STATE_OF_DEVICES) != STATUS_OK)
		return 0;
	return writer.used;
}

/* The status of a read to the end; *count: of records. The bytes are where a reader past the end would be
 * found out. */
static status_t read_all(uint64_t size, uint32_t *count)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct state_reader reader;
	struct state_item item;
	status_t status;
	uint32_t n = 0;

	memcpy(copy, STATE, size);
	status = state_read_begin(&reader, copy, size, STATE_OF_DEVICES);
	while (status == STATUS_OK) {
		status = state_read(&reader, &item);
		if (status == STATUS_OK)
			n++;
	}
	free(copy);
	if (count)
		*count = n;
	return status;
}

static int setup(void **state)
{
	(void)state;
	memset(state_words, 0xee, sizeof(state_words));
	assert_int_equal(sample_write(SIZE), THIRD + 16);
	return 0;
}

static void test_what_is_written_is_read(void **state)
{
	struct state_reader reader;
	struct state_item item;

	(void)state;
	assert_int_equal(state_read_begin(&reader, STATE, THIRD + 16, STATE_OF_DEVICES), STATUS_OK);
	assert_int_equal(state_read(&reader, &item), STATUS_OK);
	assert_int_equal(item.element, 3);
	assert_int_equal(item.length, 5);
	assert_memory_equal(item.data, "first\0\0\0", 8);
	assert_int_equal(state_read(&reader, &item), STATUS_OK);
	assert_int_equal(item.element, 7);
	assert_int_equal(item.length, 16);
	assert_int_equal(state_read(&reader, &item), STATUS_OK);
	assert_int_equal(item.vtl, 1);
	assert_int_equal(item.length, 0);
	assert_int_equal(state_read(&reader, &item), STATUS_NOT_FOUND);
	/* The layout is the documents'. */
	assert_memory_equal(STATE, "TVTSTATE\1\0\0\0\1\0\3\0", 16);
	assert_int_equal(HEADER->size, THIRD + 16);
	assert_int_equal(HEADER->records, 3);
}

static void test_a_buffer_that_is_too_small_tells_what_is_needed(void **state)
{
	struct state_writer writer;

	(void)state;
	for (uint64_t size = 0; size < THIRD + 16; size++) {
		memset(state_words, 0xee, sizeof(state_words));
		state_write_begin(&writer, STATE, size);
		state_write(&writer, 3, 0, 5);
		state_write(&writer, 7, 0, 16);
		state_write(&writer, 7, 1, 0);
		assert_int_equal(state_write_end(&writer, STATE_OF_VP), STATUS_TOO_LARGE);
		assert_int_equal(writer.used, THIRD + 16);
		for (uint64_t i = size; i < SIZE; i++)
			assert_int_equal(STATE[i], 0xee);
	}
	state_write_begin(&writer, NULL, 0);
	assert_null(state_write(&writer, 1, 0, UINT32_MAX));
	assert_int_equal(state_write_end(&writer, STATE_OF_VP), STATUS_TOO_LARGE);
	assert_true(writer.used > UINT32_MAX);
}

static void test_headers(void **state)
{
	static const struct {
		uint32_t offset, size;
		uint64_t value;
		status_t status;
	} rows[] = {
		{0, 8, 0x4554415453545655, STATUS_BAD_FORMAT},
		{8, 4, 2, STATUS_NOT_SUPPORTED},
		{8, 4, 0, STATUS_NOT_SUPPORTED},
		{12, 2, STATE_AARCH64, STATUS_NOT_SUPPORTED},
		{14, 2, STATE_OF_VP, STATUS_NOT_SUPPORTED},
		{16, 8, THIRD + 17, STATUS_TRUNCATED},
		{16, 8, UINT64_MAX, STATUS_TRUNCATED},
		{16, 8, THIRD + 15, STATUS_BAD_FORMAT},
		{16, 8, 31, STATUS_BAD_FORMAT},
		{24, 4, 4, STATUS_TRUNCATED},
		{24, 4, UINT32_MAX, STATUS_TRUNCATED},
		{24, 4, 2, STATUS_BAD_FORMAT}, /* a record is left over */
		{24, 4, 0, STATUS_BAD_FORMAT},
		{28, 4, 1, STATUS_BAD_FORMAT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		setup(state);
		memcpy(STATE + rows[i].offset, &rows[i].value, rows[i].size);
		assert_int_equal(read_all(THIRD + 16, NULL), rows[i].status);
	}
}

static void test_records(void **state)
{
	(void)state;
	RECORD(FIRST)->element = 0;
	assert_int_equal(read_all(THIRD + 16, NULL), STATUS_BAD_FORMAT);
	setup(state);
	RECORD(FIRST)->flags = 1;
	assert_int_equal(read_all(THIRD + 16, NULL), STATUS_BAD_FORMAT);
	setup(state);
	RECORD(FIRST)->reserved = 1;
	assert_int_equal(read_all(THIRD + 16, NULL), STATUS_BAD_FORMAT);
	setup(state);
	STATE[FIRST + 16 + 7] = 1; /* padding */
	assert_int_equal(read_all(THIRD + 16, NULL), STATUS_BAD_FORMAT);
	setup(state);
	RECORD(SECOND)->element = 2; /* order */
	assert_int_equal(read_all(THIRD + 16, NULL), STATUS_BAD_FORMAT);
	setup(state);
	RECORD(THIRD)->vtl = 0; /* twice */
	assert_int_equal(read_all(THIRD + 16, NULL), STATUS_ALREADY_EXISTS);
	setup(state);
	RECORD(THIRD)->length = 1; /* behind the end */
	assert_int_equal(read_all(THIRD + 16, NULL), STATUS_TRUNCATED);
	setup(state);
	RECORD(FIRST)->length = UINT32_MAX;
	assert_int_equal(read_all(THIRD + 16, NULL), STATUS_TRUNCATED);
	setup(state);
	RECORD(FIRST)->length = 9; /* what follows is read at another place */
	assert_int_not_equal(read_all(THIRD + 16, NULL), STATUS_NOT_FOUND);
}

static void test_cut_at_every_byte(void **state)
{
	(void)state;
	for (uint64_t size = 0; size < THIRD + 16; size++) {
		assert_int_equal(read_all(size, NULL), STATUS_TRUNCATED);
		/* Also if the header knows of it. */
		if (size >= sizeof(*HEADER)) {
			HEADER->size = size;
			assert_int_not_equal(read_all(size, NULL), STATUS_NOT_FOUND);
			HEADER->size = THIRD + 16;
		}
	}
	/* And one byte more, told or not. */
	assert_int_equal(read_all(THIRD + 17, NULL), STATUS_BAD_FORMAT);
	HEADER->size = THIRD + 17;
	assert_int_equal(read_all(THIRD + 17, NULL), STATUS_BAD_FORMAT);
}

/* No change of a bit of the header or of a record's head goes unseen, but in what they name. */
static void test_every_bit(void **state)
{
	(void)state;
	for (uint32_t bit = 0; bit < 8 * (THIRD + 16); bit++) {
		uint32_t at = bit / 8;
		bool is_data =
			(at >= FIRST + 16 && at < FIRST + 21) || (at >= SECOND + 16 && at < THIRD);
		bool is_name = (at >= FIRST && at < FIRST + 6) ||
			       (at >= SECOND && at < SECOND + 6) || (at >= THIRD && at < THIRD + 6);
		bool is_length = (at >= FIRST + 8 && at < FIRST + 12) ||
				 (at >= SECOND + 8 && at < SECOND + 12);
		uint32_t count;

		STATE[at] ^= 1u << bit % 8;
		if (read_all(THIRD + 16, &count) == STATUS_NOT_FOUND) {
			assert_true(is_data || is_name || is_length);
			assert_int_equal(count, 3);
		} else {
			assert_false(is_data);
		}
		STATE[at] ^= 1u << bit % 8;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_is_written_is_read, setup),
		cmocka_unit_test_setup(test_a_buffer_that_is_too_small_tells_what_is_needed, setup),
		cmocka_unit_test_setup(test_headers, setup),
		cmocka_unit_test_setup(test_records, setup),
		cmocka_unit_test_setup(test_cut_at_every_byte, setup),
		cmocka_unit_test_setup(test_every_bit, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
