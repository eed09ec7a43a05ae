/* SPDX-License-Identifier: MIT */
/*
 * The reader of "newc" cpio archives. An entry is
 *
 *	| header, 110 bytes of text | name with its NUL | pad to 4 | data | pad to 4 |
 *
 * with all pads counted from the start of the archive; the entry named TRAILER!!! is the last.
 * The file uses nothing but its own helpers, so that the kernel, the root task and hosted tests
 * can all compile it.
 */
#include <kernel/bundle.h>

#define NEWC_MAGIC_LENGTH 6
#define NEWC_FIELD_DIGITS 8
#define NEWC_HEADER_SIZE  110
#define NEWC_ALIGNMENT	  4

#define MODE_TYPE    0170000u
#define MODE_REGULAR 0100000u

/* The thirteen fields of a header, in order. Those that are not used here have no name. */
enum { FIELD_MODE = 1, FIELD_FILE_SIZE = 6, FIELD_NAME_SIZE = 11, FIELD_COUNT = 13 };

static_assert(NEWC_MAGIC_LENGTH + FIELD_COUNT * NEWC_FIELD_DIGITS == NEWC_HEADER_SIZE,
	      "newc header");

static status_t fail(struct bundle *bundle, status_t status, const char *problem)
{
	bundle->problem = problem;
	return status;
}

static bool names_equal(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Archives are made with names like "./root.elf" or "/root.elf" as often as "root.elf". */
static const char *name_strip(const char *name)
{
	for (;;) {
		if (name[0] == '/')
			name++;
		else if (name[0] == '.' && name[1] == '/')
			name += 2;
		else
			return name;
	}
}

static int hex_digit_value(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

static bool field_read(const uint8_t *header, unsigned int field, uint32_t *value)
{
	const uint8_t *digits = header + NEWC_MAGIC_LENGTH + field * NEWC_FIELD_DIGITS;

	*value = 0;
	for (unsigned int i = 0; i < NEWC_FIELD_DIGITS; i++) {
		int digit = hex_digit_value(digits[i]);

		if (digit < 0)
			return false;
		*value = *value << 4 | (uint32_t)digit;
	}
	return true;
}

static bool magic_is_newc(const uint8_t *header)
{
	static const char magic[] = "07070";

	for (unsigned int i = 0; i < sizeof(magic) - 1; i++)
		if (header[i] != (uint8_t)magic[i])
			return false;
	return header[5] == '1' || header[5] == '2';
}

/* The name is size bytes of which only the last is NUL. */
static bool name_is_sound(const char *name, uint32_t size)
{
	for (uint32_t i = 0; i + 1 < size; i++)
		if (name[i] == '\0')
			return false;
	return name[size - 1] == '\0';
}

/*
 * Reads the entry at bundle->offset, of whatever type, and moves behind it. Offsets cannot
 * overflow: they never exceed the archive's size, and fields are 32 bits wide.
 */
static status_t entry_read(struct bundle *bundle, struct bundle_file *file)
{
	const uint8_t *header = bundle->data + bundle->offset;
	uint64_t left = bundle->size - bundle->offset;
	uint32_t file_size, name_size;
	uint64_t data_offset;

	if (left < NEWC_HEADER_SIZE)
		return fail(bundle, STATUS_TRUNCATED,
			    left == 0 ? "the archive has no trailer"
				      : "the archive ends inside a header");
	if (!magic_is_newc(header))
		return fail(bundle, STATUS_BAD_FORMAT, "there is no newc header (070701)");
	if (!field_read(header, FIELD_MODE, &file->mode) ||
	    !field_read(header, FIELD_FILE_SIZE, &file_size) ||
	    !field_read(header, FIELD_NAME_SIZE, &name_size))
		return fail(bundle, STATUS_BAD_FORMAT, "a header field is not hexadecimal");
	if (name_size == 0)
		return fail(bundle, STATUS_BAD_FORMAT, "a name has no length");
	if (name_size > left - NEWC_HEADER_SIZE)
		return fail(bundle, STATUS_TRUNCATED, "the archive ends inside a name");

	const char *name = (const char *)header + NEWC_HEADER_SIZE;

	if (!name_is_sound(name, name_size))
		return fail(bundle, STATUS_BAD_FORMAT, "a name does not end where it should");

	data_offset = ALIGN_UP(bundle->offset + NEWC_HEADER_SIZE + name_size, NEWC_ALIGNMENT);
	if (file_size > 0 && !range_within(data_offset, file_size, bundle->size))
		return fail(bundle, STATUS_TRUNCATED, "the archive ends inside a file");

	file->name = name;
	file->size = file_size;
	file->data = file_size > 0 ? bundle->data + data_offset : header;
	/* The pad behind the last entry may be cut off: that is found when going on. */
	bundle->offset = MIN(ALIGN_UP(data_offset + file_size, NEWC_ALIGNMENT), bundle->size);
	return STATUS_OK;
}

void bundle_open(struct bundle *bundle, const void *data, uint64_t size)
{
	bundle->data = data;
	bundle->size = size;
	bundle->offset = 0;
	bundle->problem = "";
}

status_t bundle_next(struct bundle *bundle, struct bundle_file *file)
{
	for (;;) {
		uint64_t start = bundle->offset;
		struct bundle_file entry;
		status_t status = entry_read(bundle, &entry);

		if (status != STATUS_OK)
			return status;
		if (names_equal(entry.name, "TRAILER!!!")) {
			bundle->offset = start; /* asked again, the answer is the same */
			return STATUS_NOT_FOUND;
		}
		entry.name = name_strip(entry.name);
		if ((entry.mode & MODE_TYPE) != MODE_REGULAR)
			continue;
		if (entry.name[0] == '\0') {
			bundle->offset = start;
			return fail(bundle, STATUS_BAD_FORMAT, "a file has an empty name");
		}
		*file = entry;
		return STATUS_OK;
	}
}

status_t bundle_find(struct bundle *bundle, const char *name, struct bundle_file *file)
{
	struct bundle_file entry;
	status_t status;

	bundle->offset = 0;
	name = name_strip(name);
	while ((status = bundle_next(bundle, &entry)) == STATUS_OK) {
		if (names_equal(entry.name, name)) {
			*file = entry;
			return STATUS_OK;
		}
	}
	return status;
}
