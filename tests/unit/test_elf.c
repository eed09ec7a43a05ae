/* SPDX-License-Identifier: MIT */
/*
 * The checker of the root task's program: a sound file, and a table of single changes to it, each
 * with the status that it must give.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#include <kernel/elf.h>

#define FILE_SIZE 0x3000u

struct program {
	Elf64_Ehdr header;
	Elf64_Phdr segments[4];
	uint8_t rest[FILE_SIZE - sizeof(Elf64_Ehdr) - 4 * sizeof(Elf64_Phdr)];
};
static_assert(sizeof(struct program) == FILE_SIZE, "file size");

static const struct elf_rules rules = {
	.machine = ELF_MACHINE_X86_64,
	.lowest = 0x10000,
	.limit = 0x800000000000,
};

static Elf64_Phdr segment(uint32_t flags, uint64_t offset, uint64_t address, uint64_t file_size,
			  uint64_t memory_size)
{
	return (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = flags,
		.p_offset = offset,
		.p_vaddr = address,
		.p_filesz = file_size,
		.p_memsz = memory_size,
		.p_align = 0x1000,
	};
}

static struct program *program_new(void)
{
	struct program *program = calloc(1, sizeof(*program));

	memcpy(program->header.e_ident, "\177ELF\2\1\1", 7);
	program->header.e_type = ET_EXEC;
	program->header.e_machine = EM_X86_64;
	program->header.e_version = 1;
	program->header.e_entry = 0x400010;
	program->header.e_phoff = sizeof(Elf64_Ehdr);
	program->header.e_phentsize = sizeof(Elf64_Phdr);
	program->header.e_phnum = 4;
	program->segments[0] = segment(PF_R | PF_X, 0x1000, 0x400000, 0x800, 0x800);
	program->segments[1] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
	program->segments[2] = segment(PF_R, 0x1800, 0x401800, 0x100, 0x100);
	program->segments[3] = segment(PF_R | PF_W, 0x2000, 0x402000, 0x1000, 0x5008);
	return program;
}

static void test_sound(void **state)
{
	struct program *program = program_new();
	struct elf_image image;
	struct elf_segment part;
	const char *problem = NULL;

	(void)state;
	assert_int_equal(elf_open(&image, program, FILE_SIZE, &rules, &problem), STATUS_OK);
	assert_int_equal(image.segment_count, 3);
	assert_int_equal(image.entry, 0x400010);
	assert_int_equal(image.start, 0x400000);
	assert_int_equal(image.end, 0x408000);
	part = elf_segment_get(&image, 0);
	assert_true(part.readable && part.executable && !part.writable);
	assert_ptr_equal(part.data, (uint8_t *)program + 0x1000);
	part = elf_segment_get(&image, 1);
	assert_int_equal(part.address, 0x401800);
	assert_int_equal(part.data_size, 0x100);
	part = elf_segment_get(&image, 2);
	assert_true(part.writable && !part.executable);
	assert_int_equal(part.memory_size, 0x5008);
	free(program);
}

/* Offsets into the file, to name a field in the table below. */
#define HEADER(field) offsetof(Elf64_Ehdr, field), sizeof(((Elf64_Ehdr *)0)->field)
#define SEGMENT(n, field)                                                              \
	(sizeof(Elf64_Ehdr) + (n) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field)), \
		sizeof(((Elf64_Phdr *)0)->field)

static const struct {
	const char *what;
	size_t offset, size;
	uint64_t value;
	status_t status;
} damages[] = {
	{"magic", 0, 4, 0x464c457e, STATUS_BAD_FORMAT},
	{"32-bit class", 4, 1, 1, STATUS_NOT_SUPPORTED},
	{"big endian", 5, 1, 2, STATUS_NOT_SUPPORTED},
	{"version", 6, 1, 0, STATUS_BAD_FORMAT},
	{"machine", HEADER(e_machine), EM_AARCH64, STATUS_NOT_SUPPORTED},
	{"relocatable", HEADER(e_type), ET_DYN, STATUS_NOT_SUPPORTED},
	{"header size", HEADER(e_phentsize), 32, STATUS_BAD_FORMAT},
	{"headers behind the end", HEADER(e_phoff), FILE_SIZE - 8, STATUS_TRUNCATED},
	{"header offset wraps", HEADER(e_phoff), UINT64_MAX - 8, STATUS_TRUNCATED},
	{"header count", HEADER(e_phnum), 0xfffe, STATUS_TRUNCATED},
	{"escaped header count", HEADER(e_phnum), 0xffff, STATUS_NOT_SUPPORTED},
	{"no headers", HEADER(e_phnum), 0, STATUS_BAD_FORMAT},
	{"entry in data", HEADER(e_entry), 0x402000, STATUS_BAD_FORMAT},
	{"entry nowhere", HEADER(e_entry), 0, STATUS_BAD_FORMAT},
	{"entry behind the code", HEADER(e_entry), 0x400800, STATUS_BAD_FORMAT},
	{"interpreter", SEGMENT(1, p_type), PT_INTERP, STATUS_NOT_SUPPORTED},
	{"dynamic", SEGMENT(1, p_type), PT_DYNAMIC, STATUS_NOT_SUPPORTED},
	{"larger in the file", SEGMENT(3, p_memsz), 0xfff, STATUS_BAD_FORMAT},
	{"segment behind the end", SEGMENT(3, p_offset), 0x3000, STATUS_TRUNCATED},
	{"segment offset wraps", SEGMENT(3, p_offset), UINT64_MAX - 0xfff, STATUS_TRUNCATED},
	{"memory wraps", SEGMENT(3, p_memsz), UINT64_MAX, STATUS_INVALID_ADDRESS},
	{"memory over the limit", SEGMENT(3, p_memsz), 0x800000000000, STATUS_INVALID_ADDRESS},
	{"address in the kernel", SEGMENT(3, p_vaddr), 0xffffffff80000000, STATUS_INVALID_ADDRESS},
	{"address too low", SEGMENT(0, p_vaddr), 0, STATUS_INVALID_ADDRESS},
	{"alignment", SEGMENT(0, p_align), 0x1001, STATUS_BAD_FORMAT},
	{"alignment of the offset", SEGMENT(2, p_offset), 0x1804, STATUS_BAD_FORMAT},
	{"writable and executable", SEGMENT(3, p_flags), PF_R | PF_W | PF_X, STATUS_NOT_SUPPORTED},
	{"page shared", SEGMENT(2, p_vaddr), 0x400800, STATUS_OVERLAP},
	{"out of order", SEGMENT(2, p_vaddr), 0x3ff800, STATUS_OVERLAP},
};

static void test_damaged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		struct program *program = program_new();
		struct elf_image image;
		const char *problem = NULL;
		status_t status;

		memcpy((uint8_t *)program + damages[i].offset, &damages[i].value, damages[i].size);
		status = elf_open(&image, program, FILE_SIZE, &rules, &problem);
		if (status != damages[i].status)
			fail_msg("%s: status %d (%s)", damages[i].what, status, problem);
		assert_non_null(problem);
		free(program);
	}
}

static void test_truncated(void **state)
{
	struct program *program = program_new();

	(void)state;
	for (size_t size = 0; size < FILE_SIZE; size += size < 0x140 ? 1 : 0x7f) {
		uint8_t *copy = malloc(size ? size : 1);
		struct elf_image image;
		const char *problem = NULL;

		memcpy(copy, program, size);
		assert_int_equal(elf_open(&image, copy, size, &rules, &problem), STATUS_TRUNCATED);
		assert_non_null(problem);
		free(copy);
	}
	free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
