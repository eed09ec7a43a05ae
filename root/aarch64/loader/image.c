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

/* Kernels that are applications of UEFI's as well have the headers of such a file (PE/COFF). */
#define DOS_SIGNATURE	 0x5a4du
#define DOS_PE		 60
#define PE_SIGNATURE	 0x4550u
#define PE_SECTIONS	 6
#define PE_OPTIONAL	 20 /* size of what stands between this header and the sections */
#define PE_SIZE		 24u
#define SECTION_LENGTH	 16 /* of its bytes in the file, */
#define SECTION_POSITION 20 /* which are there */
#define SECTION_SIZE	 40u

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

/* How long the file is by the headers that the file has; 0: there are none. The image's own header does not tell. */
static uint64_t length_by_sections(const uint8_t *file, uint64_t size)
{
	uint64_t at = bytes_get32(file + DOS_PE), length = 0;
	uint32_t count;

	if (bytes_get16(file) != DOS_SIGNATURE || at > size || size - at < PE_SIZE ||
	    bytes_get32(file + at) != PE_SIGNATURE)
		return 0;
	count = bytes_get16(file + at + PE_SECTIONS);
	at += PE_SIZE + bytes_get16(file + at + PE_OPTIONAL);
	for (; count && at + SECTION_SIZE <= size; count--, at += SECTION_SIZE)
		length = MAX(length, (uint64_t)bytes_get32(file + at + SECTION_LENGTH) +
					     bytes_get32(file + at + SECTION_POSITION));
	return count ? UINT64_MAX : length; /* it ends among them */
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
	if (length_by_sections(file, file_size) > file_size)
		return load_fail(request, placement->error, LOAD_TRUNCATED,
				 "the file is cut short after %llu bytes",
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
