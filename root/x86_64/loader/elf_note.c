/* SPDX-License-Identifier: MIT */
/*
 * ELF notes (gABI 5.1, "Note Section"): a row of
 *
 *	| name size | data size | type | name, padded | data, padded |
 *
 * of which one is looked for: Xen's entry point for PVH guests. Pads go to 4 bytes, or to 8
 * where the segment's alignment is 8.
 */
#include <loader/elf_note.h>

#include <string.h>

#include <loader/bytes.h>

#define NOTE_HEADER_SIZE  12
#define NOTE_PHYS32_ENTRY 18 /* XEN_ELFNOTE_PHYS32_ENTRY, xen/include/public/elfnote.h */
#define NOTE_OWNER	  "Xen"
#define NOTE_OWNER_SIZE	  4

/* The PVH note in the size bytes at notes. Sizes in notes are 32 bits: sums do not overflow. */
static bool notes_search(const uint8_t *notes, uint64_t size, uint64_t pad, uint64_t *entry)
{
	uint64_t at = 0;

	while (at <= size && size - at >= NOTE_HEADER_SIZE) {
		uint64_t name_size = bytes_get32(notes + at);
		uint64_t data_size = bytes_get32(notes + at + 4);
		uint32_t type = bytes_get32(notes + at + 8);
		uint64_t name = at + NOTE_HEADER_SIZE;
		uint64_t data = ALIGN_UP(name + name_size, pad);

		if (!range_within(name, name_size, size) || !range_within(data, data_size, size))
			return false;
		if (type == NOTE_PHYS32_ENTRY && name_size == NOTE_OWNER_SIZE &&
		    memcmp(notes + name, NOTE_OWNER, NOTE_OWNER_SIZE) == 0 &&
		    (data_size == 4 || data_size == 8)) {
			*entry = bytes_get(notes + data, (unsigned int)data_size);
			return true;
		}
		at = ALIGN_UP(data + data_size, pad);
	}
	return false;
}

bool elf_pvh_entry_find(const struct elf_file *file, uint64_t *entry)
{
	for (unsigned int i = 0; i < file->header_count; i++) {
		struct elf_header header = elf_file_header(file, i);

		if (header.type != ELF_HEADER_NOTE ||
		    !range_within(header.offset, header.file_size, file->size))
			continue;
		if (notes_search(file->data + header.offset, header.file_size,
				 header.alignment == 8 ? 8 : 4, entry))
			return true;
	}
	return false;
}
