/* SPDX-License-Identifier: MIT */
/*
 * Both ELF classes are read through one table of field offsets. Every program header is checked
 * when it is used: its part of the file lies in the file, its part of memory where placement.c
 * grants it.
 */
#include <loader/elf.h>

#include <string.h>

#include <loader/bytes.h>

/* gABI 4.1 and 5.1. Fields before the entry are the same for both classes. */
#define EHDR_CLASS   4
#define EHDR_DATA    5
#define EHDR_MACHINE 18
#define EHDR_ENTRY   24
#define CLASS_32     1
#define CLASS_64     2
#define DATA_LITTLE  1

/* Real kernels have about ten; the rest would only cost time. */
#define HEADER_COUNT_MAX 1024u

struct field {
	uint8_t offset, size;
};

struct class_layout {
	unsigned int ehdr_size, phdr_size;
	struct field entry, phoff, phentsize, phnum;
	struct field flags, offset, vaddr, paddr, filesz, memsz, align;
};

static const struct class_layout layout_32 = {
	.ehdr_size = 52,
	.phdr_size = 32,
	.entry = {24, 4},
	.phoff = {28, 4},
	.phentsize = {42, 2},
	.phnum = {44, 2},
	.flags = {24, 4},
	.offset = {4, 4},
	.vaddr = {8, 4},
	.paddr = {12, 4},
	.filesz = {16, 4},
	.memsz = {20, 4},
	.align = {28, 4},
};

static const struct class_layout layout_64 = {
	.ehdr_size = 64,
	.phdr_size = 56,
	.entry = {24, 8},
	.phoff = {32, 8},
	.phentsize = {54, 2},
	.phnum = {56, 2},
	.flags = {4, 4},
	.offset = {8, 8},
	.vaddr = {16, 8},
	.paddr = {24, 8},
	.filesz = {32, 8},
	.memsz = {40, 8},
	.align = {48, 8},
};

static const struct class_layout *file_layout(const struct elf_file *file)
{
	return file->is_64 ? &layout_64 : &layout_32;
}

static uint64_t field_get(const uint8_t *structure, struct field field)
{
	return bytes_get(structure + field.offset, field.size);
}

bool elf_detect(const void *data, uint64_t size)
{
	return size >= 4 && memcmp(data, "\177ELF", 4) == 0;
}

static enum load_result identity_check(const struct load_request *request, struct load_error *error)
{
	const uint8_t *p = request->kernel.data;
	uint64_t size = request->kernel.size;
	uint16_t machine;

	if (!elf_detect(p, size))
		return load_fail(request, error, LOAD_BAD_MAGIC, "this is no ELF file");
	if (size < layout_32.ehdr_size)
		return load_fail(request, error, LOAD_TRUNCATED,
				 "%llu bytes are too few for an ELF header",
				 (unsigned long long)size);
	if (p[EHDR_CLASS] != CLASS_32 && p[EHDR_CLASS] != CLASS_64)
		return load_fail(request, error, LOAD_BAD_MAGIC, "ELF class %u is neither 1 nor 2",
				 p[EHDR_CLASS]);
	machine = bytes_get16(p + EHDR_MACHINE);
	if (p[EHDR_DATA] != DATA_LITTLE || !loader_elf_machine(machine))
		return load_fail(request, error, LOAD_UNSUPPORTED,
				 "the kernel is for another machine (ELF machine %u)", machine);
	return LOAD_OK;
}

enum load_result elf_file_open(struct elf_file *file, const struct load_request *request,
			       struct load_error *error)
{
	const uint8_t *p = request->kernel.data;
	uint64_t size = request->kernel.size;
	const struct class_layout *layout;
	enum load_result result = identity_check(request, error);

	if (result != LOAD_OK)
		return result;
	*file = (struct elf_file){.data = p, .size = size, .is_64 = p[EHDR_CLASS] == CLASS_64};
	layout = file_layout(file);
	if (size < layout->ehdr_size)
		return load_fail(request, error, LOAD_TRUNCATED,
				 "%llu bytes are too few for an ELF header",
				 (unsigned long long)size);
	file->entry = field_get(p, layout->entry);
	file->headers = field_get(p, layout->phoff);
	file->header_count = (unsigned int)field_get(p, layout->phnum);
	if (field_get(p, layout->phentsize) != layout->phdr_size)
		return load_fail(request, error, LOAD_BAD_SIZE,
				 "program headers have %llu bytes instead of %u",
				 (unsigned long long)field_get(p, layout->phentsize),
				 layout->phdr_size);
	if (file->header_count > HEADER_COUNT_MAX)
		return load_fail(request, error, LOAD_UNSUPPORTED,
				 "%u program headers are more than %u", file->header_count,
				 HEADER_COUNT_MAX);
	if (!range_within(file->headers, (uint64_t)file->header_count * layout->phdr_size, size))
		return load_fail(request, error, LOAD_TRUNCATED,
				 "the file ends before its %u program headers at %#llx",
				 file->header_count, (unsigned long long)file->headers);
	return LOAD_OK;
}

struct elf_header elf_file_header(const struct elf_file *file, unsigned int index)
{
	const struct class_layout *layout = file_layout(file);
	const uint8_t *p = file->data + file->headers + (uint64_t)index * layout->phdr_size;

	return (struct elf_header){
		.type = bytes_get32(p),
		.flags = (uint32_t)field_get(p, layout->flags),
		.offset = field_get(p, layout->offset),
		.virtual_address = field_get(p, layout->vaddr),
		.physical_address = field_get(p, layout->paddr),
		.file_size = field_get(p, layout->filesz),
		.memory_size = field_get(p, layout->memsz),
		.alignment = field_get(p, layout->align),
	};
}

static enum load_result segment_load(const struct elf_file *file, const struct elf_header *header,
				     struct placement *placement)
{
	const struct load_request *request = placement->request;
	uint64_t rest = header->memory_size - header->file_size;
	enum load_result result;

	if (header->file_size > header->memory_size)
		return load_fail(request, placement->error, LOAD_BAD_SIZE,
				 "the segment for %#llx has %#llx bytes in the file, but %#llx in "
				 "memory",
				 (unsigned long long)header->physical_address,
				 (unsigned long long)header->file_size,
				 (unsigned long long)header->memory_size);
	if (header->file_size > 0 && !range_within(header->offset, header->file_size, file->size))
		return load_fail(
			request, placement->error, LOAD_TRUNCATED,
			"the file ends inside the segment for %#llx (%#llx bytes at %#llx)",
			(unsigned long long)header->physical_address,
			(unsigned long long)header->file_size, (unsigned long long)header->offset);
	result = placement_claim(placement, header->physical_address, header->memory_size,
				 "a kernel segment");
	if (result != LOAD_OK)
		return result;
	if (header->file_size > 0 &&
	    guest_memory_write(request->memory, header->physical_address,
			       file->data + header->offset, header->file_size) != STATUS_OK)
		return load_fail(request, placement->error, LOAD_OUT_OF_RAM, "RAM is missing");
	/* The rest follows in the same range that the claim has found to be RAM. */
	if (guest_memory_fill(request->memory, header->physical_address + header->file_size, 0,
			      rest) != STATUS_OK)
		return load_fail(request, placement->error, LOAD_OUT_OF_RAM, "RAM is missing");
	return LOAD_OK;
}

enum load_result elf_load(const struct elf_file *file, struct placement *placement,
			  struct elf_placed *placed)
{
	*placed = (struct elf_placed){.start = UINT64_MAX, .end = 0};
	for (unsigned int i = 0; i < file->header_count; i++) {
		struct elf_header header = elf_file_header(file, i);
		enum load_result result;

		if (header.type != ELF_HEADER_LOAD)
			continue;
		if (header.memory_size == 0 && header.file_size == 0)
			continue;
		result = segment_load(file, &header, placement);
		if (result != LOAD_OK)
			return result;
		placed->start = MIN(placed->start, header.physical_address);
		placed->end = MAX(placed->end, header.physical_address + header.memory_size);
	}
	if (placed->end == 0)
		return load_fail(placement->request, placement->error, LOAD_BAD_SIZE,
				 "the kernel has no segments to load");
	return LOAD_OK;
}

enum load_result elf_entry_find(const struct elf_file *file, uint64_t entry,
				struct placement *placement, gpa_t *physical)
{
	bool found = false;

	for (unsigned int i = 0; i < file->header_count; i++) {
		struct elf_header header = elf_file_header(file, i);

		if (header.type != ELF_HEADER_LOAD)
			continue;
		if (entry >= header.virtual_address &&
		    entry - header.virtual_address < header.memory_size) {
			*physical = header.physical_address + (entry - header.virtual_address);
			found = true;
			break;
		}
		if (entry >= header.physical_address &&
		    entry - header.physical_address < header.memory_size) {
			*physical = entry;
			found = true;
		}
	}
	if (!found || *physical > LOADER_ENTRY_MAX)
		return load_fail(placement->request, placement->error, LOAD_BAD_ENTRY,
				 "the entry point %#llx is in no segment" LOADER_ENTRY_WORDS,
				 (unsigned long long)entry);
	return LOAD_OK;
}
