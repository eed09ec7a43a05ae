/* SPDX-License-Identifier: MIT */
/*
 * A checker for the ELF64 program that becomes the root task (System V gABI, chapters 4 and 5).
 * elf_open() decides once, for the whole file, whether it can be loaded; elf_segment_get() then
 * cannot fail. A program is static, has a fixed address, and no page of it is writable and
 * executable. Pure: it maps and copies nothing.
 */
#ifndef KERNEL_ELF_H
#define KERNEL_ELF_H

#include <trivet/status.h>
#include <trivet/types.h>

#define ELF_MACHINE_X86_64  62
#define ELF_MACHINE_AARCH64 183

/* What a program may look like. */
struct elf_rules {
	uint16_t machine;    /* ELF_MACHINE_* */
	gva_t lowest, limit; /* segments lie in [lowest, limit); both page aligned */
};

/* A checked program. data belongs to the caller, and stays where it is while this is used. */
struct elf_image {
	const uint8_t *data;
	uint64_t size;
	gva_t entry;	  /* lies in an executable segment */
	gva_t start, end; /* page-aligned bounds of all segments */
	uint64_t headers; /* file offset of the program headers */
	uint16_t header_count;
	uint16_t segment_count; /* PT_LOAD headers with memory in them; at least 1 */
};

/*
 * One PT_LOAD header. Different segments share no page. address need not be page aligned:
 * the bytes from its page's start to it are zero, as are those behind data up to the page's end.
 */
struct elf_segment {
	gva_t address;
	uint64_t memory_size; /* >= data_size; the rest is zero */
	const uint8_t *data;
	uint64_t data_size;
	bool readable, writable, executable;
};

/*
 * Checks the file. Answers TRUNCATED when a header or a segment ends behind the file, BAD_FORMAT
 * when it is no ELF64 or contradicts itself, NOT_SUPPORTED for a kind of program that is not
 * loaded here (other machine, dynamic, relocatable, needs an interpreter, writable and
 * executable), INVALID_ADDRESS outside the rules' range, OVERLAP when two segments share a page.
 * *problem (never NULL after an error) says it in words.
 */
status_t elf_open(struct elf_image *image, const void *data, uint64_t size,
		  const struct elf_rules *rules, const char **problem) __must_check;

/* Segment number index < image->segment_count, in ascending order of addresses. */
struct elf_segment elf_segment_get(const struct elf_image *image, unsigned int index);

#endif
