/* SPDX-License-Identifier: MIT */
/*
 * Checks the ELF64 file of the root task: file header, then each program header by itself, then
 * each segment against the one before it. Headers are copied out byte by byte, as nothing says
 * that the file is aligned in memory.
 */
#include <kernel/elf.h>

/* System V gABI 4.1, figure 4-3; 5.1, figure 5-1. Offsets of the fields that are read. */
#define EHDR_SIZE	64
#define EHDR_CLASS	4
#define EHDR_DATA	5
#define EHDR_VERSION	6
#define EHDR_TYPE	16
#define EHDR_MACHINE	18
#define EHDR_ENTRY	24
#define EHDR_PHOFF	32
#define EHDR_PHENTSIZE	54
#define EHDR_PHNUM	56
#define ELF_CLASS_64	2
#define ELF_DATA_LITTLE 1
#define ELF_VERSION	1
#define ELF_TYPE_EXEC	2
#define PHNUM_ESCAPE	0xffff /* the true number is elsewhere: more than anyone needs */

#define PHDR_SIZE   56
#define PHDR_TYPE   0
#define PHDR_FLAGS  4
#define PHDR_OFFSET 8
#define PHDR_VADDR  16
#define PHDR_FILESZ 32
#define PHDR_MEMSZ  40
#define PHDR_ALIGN  48
#define PT_LOAD	    1
#define PT_DYNAMIC  2
#define PT_INTERP   3
#define PF_EXECUTE  1
#define PF_WRITE    2
#define PF_READ	    4

static uint64_t read_little(const uint8_t *bytes, unsigned int count)
{
	uint64_t value = 0;

	while (count-- > 0)
		value = value << 8 | bytes[count];
	return value;
}

static status_t fail(const char **problem, status_t status, const char *words)
{
	*problem = words;
	return status;
}

struct program_header {
	uint32_t type, flags;
	uint64_t offset, address, data_size, memory_size, alignment;
};

static struct program_header header_read(const struct elf_image *image, unsigned int number)
{
	const uint8_t *p = image->data + image->headers + (uint64_t)number * PHDR_SIZE;

	return (struct program_header){
		.type = (uint32_t)read_little(p + PHDR_TYPE, 4),
		.flags = (uint32_t)read_little(p + PHDR_FLAGS, 4),
		.offset = read_little(p + PHDR_OFFSET, 8),
		.address = read_little(p + PHDR_VADDR, 8),
		.data_size = read_little(p + PHDR_FILESZ, 8),
		.memory_size = read_little(p + PHDR_MEMSZ, 8),
		.alignment = read_little(p + PHDR_ALIGN, 8),
	};
}

static bool header_is_segment(const struct program_header *header)
{
	return header->type == PT_LOAD && header->memory_size > 0;
}

static status_t file_header_check(struct elf_image *image, const struct elf_rules *rules,
				  const char **problem)
{
	const uint8_t *p = image->data;

	if (image->size < EHDR_SIZE)
		return fail(problem, STATUS_TRUNCATED, "the file is shorter than an ELF header");
	if (p[0] != 0x7f || p[1] != 'E' || p[2] != 'L' || p[3] != 'F')
		return fail(problem, STATUS_BAD_FORMAT, "the file is no ELF file");
	if (p[EHDR_CLASS] != ELF_CLASS_64 || p[EHDR_DATA] != ELF_DATA_LITTLE)
		return fail(problem, STATUS_NOT_SUPPORTED,
			    "the file is not a 64-bit "
			    "little-endian ELF file");
	if (p[EHDR_VERSION] != ELF_VERSION)
		return fail(problem, STATUS_BAD_FORMAT, "the ELF version is not 1");
	if (read_little(p + EHDR_MACHINE, 2) != rules->machine)
		return fail(problem, STATUS_NOT_SUPPORTED, "the program is for another machine");
	if (read_little(p + EHDR_TYPE, 2) != ELF_TYPE_EXEC)
		return fail(problem, STATUS_NOT_SUPPORTED,
			    "the program is not an executable with a fixed address");
	if (read_little(p + EHDR_PHENTSIZE, 2) != PHDR_SIZE)
		return fail(problem, STATUS_BAD_FORMAT, "program headers have a wrong size");

	image->entry = read_little(p + EHDR_ENTRY, 8);
	image->headers = read_little(p + EHDR_PHOFF, 8);
	image->header_count = (uint16_t)read_little(p + EHDR_PHNUM, 2);
	if (image->header_count == PHNUM_ESCAPE)
		return fail(problem, STATUS_NOT_SUPPORTED, "there are too many program headers");
	if (!range_within(image->headers, (uint64_t)image->header_count * PHDR_SIZE, image->size))
		return fail(problem, STATUS_TRUNCATED, "the file ends before its program headers");
	return STATUS_OK;
}

/* One segment by itself. */
static status_t segment_check(const struct elf_image *image, const struct program_header *header,
			      const struct elf_rules *rules, const char **problem)
{
	if (header->data_size > header->memory_size)
		return fail(problem, STATUS_BAD_FORMAT,
			    "a segment is larger in the file than in memory");
	if (header->data_size > 0 && !range_within(header->offset, header->data_size, image->size))
		return fail(problem, STATUS_TRUNCATED, "the file ends inside a segment");
	if (header->address < rules->lowest ||
	    !range_within(header->address, header->memory_size, rules->limit))
		return fail(problem, STATUS_INVALID_ADDRESS,
			    "a segment lies outside the addresses of programs");
	if ((header->alignment & (header->alignment - 1)) != 0 && header->alignment != 0)
		return fail(problem, STATUS_BAD_FORMAT, "a segment's alignment is no power of two");
	if (header->alignment > 1 &&
	    ((header->address ^ header->offset) & (header->alignment - 1)) != 0)
		return fail(problem, STATUS_BAD_FORMAT,
			    "a segment's address and file offset disagree on its alignment");
	if ((header->flags & PF_WRITE) && (header->flags & PF_EXECUTE))
		return fail(problem, STATUS_NOT_SUPPORTED, "a segment is writable and executable");
	return STATUS_OK;
}

static bool segment_has_entry(const struct program_header *header, gva_t entry)
{
	/* Code is in the file: an entry into the zeroes behind it would be a mistake. */
	return (header->flags & PF_EXECUTE) && entry >= header->address &&
	       entry - header->address < header->data_size;
}

/* All segments: ascending (gABI 5.1 promises it), no page in two, the entry in one. */
static status_t segments_check(struct elf_image *image, const struct elf_rules *rules,
			       const char **problem)
{
	bool entry_found = false;

	for (unsigned int i = 0; i < image->header_count; i++) {
		struct program_header header = header_read(image, i);
		status_t status;

		if (header.type == PT_INTERP || header.type == PT_DYNAMIC)
			return fail(problem, STATUS_NOT_SUPPORTED,
				    "the program is dynamically linked");
		if (!header_is_segment(&header))
			continue;
		status = segment_check(image, &header, rules, problem);
		if (status != STATUS_OK)
			return status;

		gva_t start = ALIGN_DOWN(header.address, PAGE_SIZE);

		if (image->segment_count > 0 && start < image->end)
			return fail(problem, STATUS_OVERLAP,
				    "two segments share a page, or are out of order");
		if (image->segment_count == 0)
			image->start = start;
		image->end = ALIGN_UP(header.address + header.memory_size, PAGE_SIZE);
		image->segment_count++;
		entry_found |= segment_has_entry(&header, image->entry);
	}
	if (image->segment_count == 0)
		return fail(problem, STATUS_BAD_FORMAT, "the program has nothing to load");
	if (!entry_found)
		return fail(problem, STATUS_BAD_FORMAT,
			    "the entry point is in no executable segment");
	return STATUS_OK;
}

status_t elf_open(struct elf_image *image, const void *data, uint64_t size,
		  const struct elf_rules *rules, const char **problem)
{
	status_t status;

	*image = (struct elf_image){.data = data, .size = size};
	status = file_header_check(image, rules, problem);
	if (status != STATUS_OK)
		return status;
	return segments_check(image, rules, problem);
}

struct elf_segment elf_segment_get(const struct elf_image *image, unsigned int index)
{
	struct program_header header;
	unsigned int number = 0;

	for (;; number++) {
		header = header_read(image, number);
		if (header_is_segment(&header) && index-- == 0)
			break;
	}
	return (struct elf_segment){
		.address = header.address,
		.memory_size = header.memory_size,
		.data = image->data + (header.data_size > 0 ? header.offset : 0),
		.data_size = header.data_size,
		.readable = (header.flags & PF_READ) != 0,
		.writable = (header.flags & PF_WRITE) != 0,
		.executable = (header.flags & PF_EXECUTE) != 0,
	};
}
