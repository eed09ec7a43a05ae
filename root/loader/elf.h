/* SPDX-License-Identifier: MIT */
/*
 * Guest kernels in ELF (System V gABI 4, 5), 32 and 64 bits: segments go to their physical
 * addresses. What kind of start the kernel wants is for others.
 */
#ifndef LOADER_ELF_H
#define LOADER_ELF_H

#include <loader/placement.h>

/* A program header, in one form for both classes. */
struct elf_header {
	uint32_t type;
	uint32_t flags;
	uint64_t offset;
	uint64_t virtual_address;
	uint64_t physical_address;
	uint64_t file_size;
	uint64_t memory_size;
	uint64_t alignment;
};

#define ELF_HEADER_LOAD 1
#define ELF_HEADER_NOTE 4

/* A file whose own header is sound, and whose program headers all lie in it. */
struct elf_file {
	const uint8_t *data;
	uint64_t size;
	bool is_64;
	uint64_t entry;
	uint64_t headers; /* file offset */
	unsigned int header_count;
};

/* The file starts like any ELF file. */
bool elf_detect(const void *data, uint64_t size);

/*
 * Opens the request's kernel. TRUNCATED, BAD_MAGIC, BAD_SIZE, or UNSUPPORTED for another machine
 * or byte order or too many headers. error may not be NULL.
 */
enum load_result elf_file_open(struct elf_file *file, const struct load_request *request,
			       struct load_error *error) __must_check;

/* Program header number index < header_count. Its contents are as the file has them. */
struct elf_header elf_file_header(const struct elf_file *file, unsigned int index);

/* Where the kernel lies after elf_load(). */
struct elf_placed {
	gpa_t start, end; /* bounds of all segments */
};

/*
 * Claims, copies and zero-fills all PT_LOAD segments. BAD_SIZE, TRUNCATED, or what
 * placement_claim() says.
 */
enum load_result elf_load(const struct elf_file *file, struct placement *placement,
			  struct elf_placed *placed) __must_check;

/*
 * After elf_load(): the physical address of an entry point. Files name it by its virtual
 * or by its physical address: one inside a segment's virtual range is taken as virtual.
 * BAD_ENTRY when it is in no segment or above LOADER_ENTRY_MAX.
 */
enum load_result elf_entry_find(const struct elf_file *file, uint64_t entry,
				struct placement *placement, gpa_t *physical) __must_check;

#endif
