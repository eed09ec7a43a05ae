/* SPDX-License-Identifier: MIT */
/*
 * Linux's `Image` (Documentation/arm64/booting): a header of 64 bytes, which is the first of the code as well, and
 * the kernel behind it. It goes to the lowest place that is text_offset above a multiple of 2 MiB and has room for
 * image_size bytes, and starts at its first byte.
 */
#include <loader/loader.h>

#include <loader/bytes.h>
#include <loader/placement.h>

#define HEADER_SIZE	   64u
#define HEADER_TEXT_OFFSET 8
#define HEADER_IMAGE_SIZE  16
#define HEADER_FLAGS	   24
#define FLAG_BIG_ENDIAN	   BIT(0)

#define ALIGNMENT MIB(2)

/* Headers before 3.17 have no size: their text_offset is this, and they take what there is. */
#define OLD_TEXT_OFFSET 0x80000u
#define OLD_EXTRA	MIB(16)

/* Lowest place for it; the bytes before text_offset are not claimed. */
static enum load_result place_find(struct placement *placement, uint64_t offset, uint64_t size,
				   gpa_t *gpa)
{
	const struct memory_layout *layout = placement->request->layout;
	gpa_t base = ALIGN_UP(layout->map[0].gpa, ALIGNMENT);

	*gpa = base + offset;
	return placement_claim(placement, *gpa, size, "the kernel");
}

enum load_result image_place(struct placement *placement, gpa_t *entry)
{
	const struct load_request *request = placement->request;
	const uint8_t *file = request->kernel.data;
	uint64_t offset, size, file_size = request->kernel.size;
	enum load_result result;

	if (file_size < HEADER_SIZE)
		return load_fail(request, placement->error, LOAD_TRUNCATED,
				 "%llu bytes are too few for an Image's header",
				 (unsigned long long)file_size);
	offset = bytes_get64(file + HEADER_TEXT_OFFSET);
	size = bytes_get64(file + HEADER_IMAGE_SIZE);
	if (bytes_get64(file + HEADER_FLAGS) & FLAG_BIG_ENDIAN)
		return load_fail(request, placement->error, LOAD_UNSUPPORTED,
				 "the kernel is big-endian");
	if (size == 0) {
		offset = OLD_TEXT_OFFSET;
		size = file_size + OLD_EXTRA;
	}
	if (offset >= ALIGNMENT)
		return load_fail(request, placement->error, LOAD_BAD_SIZE,
				 "text_offset %#llx is not below 2 MiB",
				 (unsigned long long)offset);
	if (size < file_size)
		return load_fail(request, placement->error, LOAD_BAD_SIZE,
				 "image_size %#llx is less than the file's %#llx bytes",
				 (unsigned long long)size, (unsigned long long)file_size);
	result = place_find(placement, offset, size, entry);
	if (result != LOAD_OK)
		return result;
	if (guest_memory_write(request->memory, *entry, file, file_size) != STATUS_OK ||
	    guest_memory_fill(request->memory, *entry + file_size, 0, size - file_size) !=
		    STATUS_OK)
		return load_fail(request, placement->error, LOAD_OUT_OF_RAM, "RAM is missing");
	return LOAD_OK;
}
