/* SPDX-License-Identifier: MIT */
/*
 * The three loaders: what a sound kernel finds in memory and registers, and a table of damaged
 * files for each. A real Linux kernel is loaded too: the one that TRIVET_TEST_KERNEL names, or
 * else the guest kernel that the build has fetched, if it has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <loader/loader.h>

#include "loader_fixture.h"
#include "loader_samples.h"

#define RSDP 0xf0000u

static struct load_file file_of(const void *data, uint64_t size, const char *name)
{
	return (struct load_file){data, size, name, ""};
}

static struct load_request request_for(const struct machine *machine, const void *data,
				       uint64_t size)
{
	return (struct load_request){
		.memory = &machine->memory,
		.layout = &machine->layout,
		.kernel = file_of(data, size, "kernel"),
		.initrd = {.name = "", .arguments = ""},
		.cmdline = "console=ttyS0",
		.rsdp = RSDP,
	};
}

static void load(const struct load_request *request, struct boot_state *state)
{
	struct load_error error;

	memset(state, 0xee, sizeof(*state));
	if (kernel_load(request, state, &error) != LOAD_OK)
		fail_msg("%s", error.message);
}

static void assert_string_at(const struct machine *machine, gpa_t gpa, const char *string)
{
	const char *at = guest_memory_pointer(&machine->memory, gpa, strlen(string) + 1);

	assert_non_null(at);
	assert_string_equal(at, string);
}

static void assert_flat_protected(const struct boot_state *state)
{
	assert_int_equal(state->mode, BOOT_MODE_PROTECTED);
	assert_int_equal(state->cr0 & 0x80000001, 1);
	assert_int_equal(state->cr4, 0);
	assert_int_equal(state->efer, 0);
	assert_int_equal(state->rflags, 2);
	assert_int_equal(state->cs.base, 0);
	assert_int_equal(state->cs.limit, 0xffffffff);
	assert_int_equal(state->cs.attributes, 0xc09b);
	assert_int_equal(state->ss.attributes, 0xc093);
	assert_int_equal(state->ds.limit, 0xffffffff);
}

static void test_bzimage(void **unused)
{
	uint8_t *kernel = malloc(BZIMAGE_SIZE), initrd[5000];
	struct load_request request;
	struct boot_state state;
	struct machine machine;
	gpa_t zero;

	(void)unused;
	bzimage_sample(kernel);
	memset(initrd, 0x33, sizeof(initrd));
	assert_true(machine_open(&machine, MIB(64)));
	request = request_for(&machine, kernel, BZIMAGE_SIZE);
	request.initrd = file_of(initrd, sizeof(initrd), "initrd");
	assert_int_equal(kernel_detect(kernel, BZIMAGE_SIZE), KERNEL_BZIMAGE);
	load(&request, &state);

	assert_int_equal(state.mode, BOOT_MODE_LONG);
	assert_int_equal(state.rip, 0x1000200);
	assert_int_equal(state.cs.selector, 0x10);
	assert_int_equal(state.cs.attributes, 0xa09b);
	assert_int_equal(state.ds.selector, 0x18);
	assert_int_equal(state.efer, 0x500);
	assert_int_equal(state.cr0 & 0x80000001, 0x80000001);
	assert_int_equal(machine_read(&machine, state.gdtr.base + 0x10, 8), 0x00af9b000000ffff);
	assert_memory_equal(guest_memory_pointer(&machine.memory, 0x1000000, BZIMAGE_CODE),
			    kernel + BZIMAGE_SETUP, BZIMAGE_CODE);

	zero = state.rsi;
	assert_int_equal(machine_read(&machine, zero + 0x202, 4), 0x53726448);
	assert_int_equal(machine_read(&machine, zero + 0x210, 1), 0xff);
	assert_string_at(&machine, machine_read(&machine, zero + 0x228, 4), "console=ttyS0");
	assert_int_equal(machine_read(&machine, zero + 0x070, 8), RSDP);
	assert_int_equal(machine_read(&machine, zero + 0x1ef, 1), 0); /* sentinel */
	assert_int_equal(machine_read(&machine, zero + 0x1e8, 1), machine.layout.map_count);
	assert_int_equal(machine_read(&machine, zero + 0x2d0 + 3 * 20, 8), 0x100000);
	assert_int_equal(machine_read(&machine, zero + 0x2d0 + 3 * 20 + 8, 8), MIB(63));
	assert_int_equal(machine_read(&machine, zero + 0x2d0 + 3 * 20 + 16, 4), 1);
	/* As high as it goes, on a page. */
	assert_int_equal(machine_read(&machine, zero + 0x218, 4), MIB(64) - 0x2000);
	assert_int_equal(machine_read(&machine, zero + 0x21c, 4), sizeof(initrd));
	assert_memory_equal(guest_memory_pointer(&machine.memory, MIB(64) - 0x2000, 5000), initrd,
			    5000);
	machine_close(&machine);
	free(kernel);
}

/* Walks the loader's tables. */
static gpa_t translate(const struct machine *machine, gpa_t root, uint64_t address)
{
	uint64_t entry = machine_read(machine, root + 8 * (address >> 39), 8);

	assert_int_equal(entry & 0xfff, 3);
	entry = machine_read(machine, (entry & ~0xfffull) + 8 * (address >> 30 & 511), 8);
	assert_int_equal(entry & 0xfff, 3);
	entry = machine_read(machine, (entry & ~0xfffull) + 8 * (address >> 21 & 511), 8);
	assert_int_equal(entry & 0xfff, 0x83);
	return (entry & ~0x1fffffull) | (address & 0x1fffff);
}

static void test_bzimage_page_tables(void **unused)
{
	uint8_t *kernel = malloc(BZIMAGE_SIZE);
	struct load_request request;
	struct boot_state state;
	struct machine machine;

	(void)unused;
	bzimage_sample(kernel);
	assert_true(machine_open(&machine, MIB(64)));
	request = request_for(&machine, kernel, BZIMAGE_SIZE);
	load(&request, &state);
	for (uint64_t address = 0x123; address < GIB(4); address += MIB(2))
		assert_int_equal(translate(&machine, state.cr3, address), address);
	machine_close(&machine);
	free(kernel);
}

/* A kernel whose preferred address is taken moves up, on its alignment; not down, as it would go back
 * up by itself, out of RAM if there is too little. */
static void test_bzimage_relocated(void **unused)
{
	uint8_t *kernel = malloc(BZIMAGE_SIZE);
	struct load_request request;
	struct boot_state state;
	struct load_error error;
	struct machine machine;

	(void)unused;
	bzimage_sample(kernel);
	assert_true(machine_open(&machine, MIB(4)));
	request = request_for(&machine, kernel, BZIMAGE_SIZE);
	assert_int_equal(kernel_load(&request, &state, &error), LOAD_OUT_OF_RAM);
	assert_non_null(strstr(error.message, "no room for the kernel"));
	bytes_put64(kernel + 0x258, 0x9f000); /* into the hole */
	load(&request, &state);
	assert_int_equal(state.rip, 0x200200);
	kernel[0x234] = 0;
	assert_int_equal(kernel_load(&request, &state, &error), LOAD_OUT_OF_RAM);
	machine_close(&machine);
	free(kernel);
}

/* A 32-bit kernel of an old protocol starts at its first byte, in protected mode. */
static void test_bzimage_32_bit(void **unused)
{
	uint8_t *kernel = malloc(BZIMAGE_SIZE);
	struct load_request request;
	struct boot_state state;
	struct machine machine;

	(void)unused;
	bzimage_sample(kernel);
	bytes_put16(kernel + 0x206, 0x206);
	bytes_put32(kernel + 0x260, 0);
	assert_true(machine_open(&machine, MIB(4)));
	request = request_for(&machine, kernel, BZIMAGE_SIZE);
	load(&request, &state);
	assert_flat_protected(&state);
	assert_int_equal(state.rip, 0x100000);
	assert_int_equal(machine_read(&machine, state.rsi + 0x202, 4), 0x53726448);
	machine_close(&machine);
	free(kernel);
}

struct damage {
	const char *what;
	size_t offset, size;
	uint64_t value;
	enum load_result result;
};

/* Loads the file with each damage; the message must start with the name and say something. */
static void check_damages(const struct machine *machine, const uint8_t *file, size_t file_size,
			  const struct damage *damages, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t *copy = malloc(file_size);
		struct load_request request = request_for(machine, copy, file_size);
		struct boot_state state;
		struct load_error error = {LOAD_OK, ""};
		enum load_result result;

		memcpy(copy, file, file_size);
		bytes_put(copy + damages[i].offset, (unsigned int)damages[i].size,
			  damages[i].value);
		result = kernel_load(&request, &state, &error);
		if (result != damages[i].result || error.result != result)
			fail_msg("%s: %s (%s)", damages[i].what, load_result_name(result),
				 error.message);
		assert_memory_equal(error.message, "kernel: ", 8);
		assert_true(strlen(error.message) > 15);
		free(copy);
	}
}

/* Every beginning of the file is refused, and nothing behind its end is read. */
static void check_truncations(const struct machine *machine, const uint8_t *file, size_t file_size,
			      size_t step)
{
	for (size_t size = 0; size < file_size; size += step) {
		uint8_t *copy = malloc(size ? size : 1);
		struct load_request request = request_for(machine, copy, size);
		struct boot_state state;
		struct load_error error;

		memcpy(copy, file, size);
		assert_int_not_equal(kernel_load(&request, &state, &error), LOAD_OK);
		free(copy);
	}
}

static void test_bzimage_damaged(void **unused)
{
	static const struct damage damages[] = {
		{"magic", 0x202, 4, 0, LOAD_UNKNOWN_FORMAT},
		{"boot flag", 0x1fe, 2, 0, LOAD_BAD_MAGIC},
		{"old protocol", 0x206, 2, 0x205, LOAD_UNSUPPORTED},
		{"zImage", 0x211, 1, 0, LOAD_UNSUPPORTED},
		{"short header", 0x201, 1, 0x10, LOAD_BAD_SIZE},
		{"setup behind the end", 0x1f1, 1, 255, LOAD_TRUNCATED},
		{"kernel longer than the file", 0x1f4, 4, BZIMAGE_CODE / 16 + 1, LOAD_TRUNCATED},
		{"kernel of 64 GiB", 0x1f4, 4, UINT32_MAX, LOAD_TRUNCATED},
		{"kernel before its entry", 0x1f4, 4, 0x200 / 16, LOAD_BAD_SIZE},
		{"payload leaves the kernel", 0x24c, 4, BZIMAGE_CODE, LOAD_BAD_SIZE},
		{"payload offset", 0x248, 4, UINT32_MAX, LOAD_BAD_SIZE},
		{"init_size too small", 0x260, 4, 0x1000, LOAD_BAD_SIZE},
		{"init_size too large", 0x260, 4, UINT32_MAX, LOAD_OUT_OF_RAM},
		{"alignment 0", 0x230, 4, 0, LOAD_BAD_SIZE},
		{"alignment 3", 0x230, 4, 3, LOAD_BAD_SIZE},
		{"preferred address over the BIOS data", 0x258, 8, 0, LOAD_OUT_OF_RAM},
		{"short command line", 0x238, 4, 5, LOAD_UNSUPPORTED},
	};
	uint8_t *kernel = malloc(BZIMAGE_SIZE);
	struct machine machine;

	(void)unused;
	bzimage_sample(kernel);
	assert_true(machine_open(&machine, MIB(32)));
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		/* A kernel at 0 is moved, unless it cannot be. */
		if (damages[i].offset == 0x258)
			kernel[0x234] = 0;
		check_damages(&machine, kernel, BZIMAGE_SIZE, &damages[i], 1);
		kernel[0x234] = 1;
	}
	/* The kernel's size is known in paragraphs only. */
	check_truncations(&machine, kernel, BZIMAGE_SIZE - 15, 61);
	machine_close(&machine);
	free(kernel);
}

static void test_bzimage_initrd(void **unused)
{
	uint8_t *kernel = malloc(BZIMAGE_SIZE), *initrd = calloc(1, MIB(4));
	struct load_request request;
	struct boot_state state;
	struct load_error error;
	struct machine machine;

	(void)unused;
	bzimage_sample(kernel);
	bytes_put32(kernel + 0x22c, 0x5fffff); /* initrd_addr_max */
	bytes_put64(kernel + 0x258, 0x200000);
	assert_true(machine_open(&machine, MIB(8)));
	request = request_for(&machine, kernel, BZIMAGE_SIZE);
	request.initrd = file_of(initrd, MIB(3), "initrd");
	load(&request, &state);
	assert_int_equal(machine_read(&machine, state.rsi + 0x218, 4), 0x300000);
	request.initrd.size = MIB(4);
	assert_int_equal(kernel_load(&request, &state, &error), LOAD_OUT_OF_RAM);
	assert_non_null(strstr(error.message, "initrd"));
	request.initrd.size = MIB(1);
	request.modules = &request.initrd;
	request.module_count = 1;
	assert_int_equal(kernel_load(&request, &state, &error), LOAD_UNSUPPORTED);
	machine_close(&machine);
	free(initrd);
	free(kernel);
}

static void test_pvh(void **unused)
{
	uint8_t *kernel = malloc(ELF_SAMPLE_SIZE);
	const struct load_file module = {"module", 6, "m.bin", "a=1"};
	struct load_request request;
	struct boot_state state;
	struct machine machine;
	gpa_t info, list, map;

	(void)unused;
	elf_sample_64(kernel);
	elf_sample_add_note(kernel, ELF_SAMPLE_ENTRY);
	assert_int_equal(kernel_detect(kernel, ELF_SAMPLE_SIZE), KERNEL_PVH);
	assert_true(machine_open(&machine, MIB(4)));
	request = request_for(&machine, kernel, ELF_SAMPLE_SIZE);
	request.initrd = file_of("initrd!", 7, "initrd");
	request.modules = &module;
	request.module_count = 1;
	load(&request, &state);
	assert_flat_protected(&state);
	assert_int_equal(state.rip, ELF_SAMPLE_ENTRY);
	assert_int_equal(machine_read(&machine, 0x100000, 4), 0x90909090);
	assert_int_equal(machine_read(&machine, 0x101ffc, 8), 0x42424242); /* then the BSS */
	assert_int_equal(machine_read(&machine, 0x104ff8, 8), 0);
	info = state.rbx;
	assert_int_equal(machine_read(&machine, info, 4), 0x336ec578);
	assert_int_equal(machine_read(&machine, info + 4, 4), 1);
	assert_int_equal(machine_read(&machine, info + 12, 4), 2);
	assert_string_at(&machine, machine_read(&machine, info + 24, 8), "console=ttyS0");
	assert_int_equal(machine_read(&machine, info + 32, 8), RSDP);
	list = machine_read(&machine, info + 16, 8);
	assert_int_equal(machine_read(&machine, list, 8), 0x105000);
	assert_int_equal(machine_read(&machine, list + 8, 8), 7);
	assert_string_at(&machine, machine_read(&machine, list + 32 + 16, 8), "m.bin a=1");
	map = machine_read(&machine, info + 40, 8);
	assert_int_equal(machine_read(&machine, info + 48, 4), machine.layout.map_count);
	assert_int_equal(machine_read(&machine, map + 24, 8), LAYOUT_EBDA_BASE);
	assert_int_equal(machine_read(&machine, map + 24 + 16, 4), MEMORY_RESERVED);
	machine_close(&machine);
	free(kernel);
}

#define EHDR64(field) offsetof(Elf64_Ehdr, field), sizeof(((Elf64_Ehdr *)0)->field)
#define PHDR64(n, field)                                                               \
	(sizeof(Elf64_Ehdr) + (n) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field)), \
		sizeof(((Elf64_Phdr *)0)->field)

static void test_pvh_damaged(void **unused)
{
	static const struct damage damages[] = {
		{"class", 4, 1, 3, LOAD_BAD_MAGIC},
		{"big endian", 5, 1, 2, LOAD_UNSUPPORTED},
		{"machine", EHDR64(e_machine), EM_AARCH64, LOAD_UNSUPPORTED},
		{"header size", EHDR64(e_phentsize), 1, LOAD_BAD_SIZE},
		{"header count", EHDR64(e_phnum), 1000, LOAD_TRUNCATED},
		{"too many headers", EHDR64(e_phnum), 0xffff, LOAD_UNSUPPORTED},
		{"header offset", EHDR64(e_phoff), UINT64_MAX, LOAD_TRUNCATED},
		{"no note", PHDR64(2, p_type), PT_NULL, LOAD_UNKNOWN_FORMAT},
		{"note behind the end", PHDR64(2, p_offset), UINT64_MAX, LOAD_UNKNOWN_FORMAT},
		{"note name size", ELF_NOTE_OFFSET + 20, 4, UINT32_MAX, LOAD_UNKNOWN_FORMAT},
		{"note data size", ELF_NOTE_OFFSET + 24, 4, 8, LOAD_UNKNOWN_FORMAT},
		{"note owner", ELF_NOTE_OFFSET + 32, 4, 0x006e6559, LOAD_UNKNOWN_FORMAT},
		{"entry outside", ELF_NOTE_OFFSET + 36, 4, 0x105000, LOAD_BAD_ENTRY},
		{"larger in the file", PHDR64(1, p_memsz), 0xfff, LOAD_BAD_SIZE},
		{"segment behind the end", PHDR64(1, p_offset), 0x2001, LOAD_TRUNCATED},
		{"segment offset wraps", PHDR64(1, p_offset), UINT64_MAX, LOAD_TRUNCATED},
		{"memory wraps", PHDR64(1, p_memsz), UINT64_MAX, LOAD_OUT_OF_RAM},
		{"no RAM there", PHDR64(1, p_paddr), 0xfee00000, LOAD_OUT_OF_RAM},
		{"over the firmware", PHDR64(1, p_paddr), 0xf0000, LOAD_OUT_OF_RAM},
		{"over the VGA hole", PHDR64(1, p_paddr), 0x9f000, LOAD_OUT_OF_RAM},
		{"address wraps", PHDR64(1, p_paddr), UINT64_MAX, LOAD_OUT_OF_RAM},
		{"segments overlap", PHDR64(1, p_paddr), 0x1007ff, LOAD_OVERLAP},
		{"over the BIOS data", PHDR64(1, p_paddr), 0x400, LOAD_OVERLAP},
	};
	uint8_t *kernel = malloc(ELF_SAMPLE_SIZE);
	struct machine machine;

	(void)unused;
	elf_sample_64(kernel);
	elf_sample_add_note(kernel, ELF_SAMPLE_ENTRY);
	assert_true(machine_open(&machine, MIB(4)));
	check_damages(&machine, kernel, ELF_SAMPLE_SIZE, damages, ARRAY_SIZE(damages));
	check_truncations(&machine, kernel, ELF_SAMPLE_SIZE, 37);
	machine_close(&machine);
	free(kernel);
}

/* What every multiboot kernel finds, however it was loaded. */
static void assert_multiboot(const struct machine *machine, const struct boot_state *state)
{
	gpa_t info = state->rbx, map = machine_read(machine, info + 48, 4);

	assert_flat_protected(state);
	assert_int_equal(state->rax, 0x2badb002);
	assert_int_equal(machine_read(machine, info, 4), 0x24d);
	assert_int_equal(machine_read(machine, info + 4, 4), 639);
	assert_int_equal(machine_read(machine, info + 8, 4), 3 * 1024);
	assert_string_at(machine, machine_read(machine, info + 16, 4), "kernel console=ttyS0");
	assert_string_at(machine, machine_read(machine, info + 64, 4), "trivet");
	assert_int_equal(machine_read(machine, info + 44, 4), 24 * machine->layout.map_count);
	assert_int_equal(machine_read(machine, map, 4), 20);
	assert_int_equal(machine_read(machine, map + 12, 8), LAYOUT_EBDA_BASE);
	assert_int_equal(machine_read(machine, map + 20, 4), MEMORY_USABLE);
}

static void test_multiboot_elf(void **unused)
{
	uint8_t *kernel = malloc(ELF_SAMPLE_SIZE);
	const struct load_file modules[] = {{"one", 3, "one", "x y"}, {"", 0, "two", ""}};
	struct load_request request;
	struct boot_state state;
	struct machine machine;
	gpa_t list;

	(void)unused;
	assert_true(machine_open(&machine, MIB(4)));
	for (int bits = 32; bits <= 64; bits += 32) {
		if (bits == 32)
			elf_sample_32(kernel)->header.e_entry = ELF_VIRTUAL + ELF_SAMPLE_ENTRY;
		else
			elf_sample_64(kernel);
		multiboot_sample(kernel, ELF_TEXT_OFFSET, 3, NULL);
		assert_int_equal(kernel_detect(kernel, ELF_SAMPLE_SIZE), KERNEL_MULTIBOOT);
		request = request_for(&machine, kernel, ELF_SAMPLE_SIZE);
		request.modules = modules;
		request.module_count = 2;
		load(&request, &state);
		assert_multiboot(&machine, &state);
		/* The entry, virtual in one file and physical in the other, is physical. */
		assert_int_equal(state.rip, ELF_SAMPLE_ENTRY);
		assert_int_equal(machine_read(&machine, state.rbx + 20, 4), 2);
		list = machine_read(&machine, state.rbx + 24, 4);
		assert_int_equal(machine_read(&machine, list, 4), 0x105000);
		assert_int_equal(machine_read(&machine, list + 4, 4), 0x105003);
		assert_string_at(&machine, machine_read(&machine, list + 8, 4), "one x y");
		assert_int_equal(machine_read(&machine, list + 16, 4),
				 machine_read(&machine, list + 20, 4));
	}
	machine_close(&machine);
	free(kernel);
}

/* Loaded from 0x100 on to 1 MiB, header at file offset 0x180, BSS to 0x104000. */
static const uint32_t flat_addresses[5] = {0x100080, 0x100000, 0x102f00, 0x104000, 0x100100};

static void test_multiboot_flat(void **unused)
{
	uint8_t *kernel = malloc(ELF_SAMPLE_SIZE);
	struct load_request request;
	struct boot_state state;
	struct machine machine;

	(void)unused;
	memset(kernel, 0x11, ELF_SAMPLE_SIZE);
	multiboot_sample(kernel, 0x180, 0, flat_addresses);
	assert_int_equal(kernel_detect(kernel, ELF_SAMPLE_SIZE), KERNEL_MULTIBOOT);
	assert_true(machine_open(&machine, MIB(4)));
	request = request_for(&machine, kernel, ELF_SAMPLE_SIZE);
	load(&request, &state);
	assert_multiboot(&machine, &state);
	assert_int_equal(state.rip, 0x100100);
	assert_int_equal(machine_read(&machine, 0x100080, 4), 0x1badb002);
	assert_int_equal(machine_read(&machine, 0x102efc, 8), 0x11111111);
	assert_int_equal(machine_read(&machine, 0x103ffc, 4), 0);
	assert_int_equal(machine_read(&machine, 0x104000, 4), 0xa5a5a5a5);
	machine_close(&machine);
	free(kernel);
}

static void test_multiboot_damaged(void **unused)
{
	/* Fields of the flat header at 0x180. */
	static const struct damage damages[] = {
		{"checksum", 0x188, 4, 0, LOAD_UNKNOWN_FORMAT},
		{"header below the load address", 0x18c, 4, 0xfffff, LOAD_BAD_SIZE},
		{"header far above", 0x18c, 4, 0x100181, LOAD_BAD_SIZE},
		{"end below the start", 0x194, 4, 0x100000, LOAD_BAD_SIZE},
		{"end behind the file", 0x194, 4, 0x102f01, LOAD_TRUNCATED},
		{"BSS ends in the data", 0x198, 4, 0x102eff, LOAD_BAD_SIZE},
		{"BSS ends below", 0x198, 4, 1, LOAD_BAD_SIZE},
		{"BSS too large", 0x198, 4, UINT32_MAX, LOAD_OUT_OF_RAM},
		{"entry below", 0x19c, 4, 0xfffff, LOAD_BAD_ENTRY},
		{"entry in the BSS", 0x19c, 4, 0x102f00, LOAD_BAD_ENTRY},
	};
	uint8_t *kernel = calloc(1, ELF_SAMPLE_SIZE);
	struct load_request request;
	struct boot_state state;
	struct load_error error;
	struct machine machine;

	(void)unused;
	assert_true(machine_open(&machine, MIB(4)));
	multiboot_sample(kernel, 0x180, 0, flat_addresses);
	check_damages(&machine, kernel, ELF_SAMPLE_SIZE, damages, ARRAY_SIZE(damages));
	check_truncations(&machine, kernel, ELF_SAMPLE_SIZE, 53);
	multiboot_sample(kernel, 0x180, 8, flat_addresses);
	request = request_for(&machine, kernel, ELF_SAMPLE_SIZE);
	assert_int_equal(kernel_load(&request, &state, &error), LOAD_UNSUPPORTED);
	/* Beyond the first 8 KiB there is no header. */
	memset(kernel, 0, ELF_SAMPLE_SIZE);
	multiboot_sample(kernel, 8192 - 8, 0, flat_addresses);
	assert_int_equal(kernel_load(&request, &state, &error), LOAD_UNKNOWN_FORMAT);
	elf_sample_64(kernel)->header.e_entry = 0x105000;
	multiboot_sample(kernel, ELF_TEXT_OFFSET, 0, NULL);
	assert_int_equal(kernel_load(&request, &state, &error), LOAD_BAD_ENTRY);
	machine_close(&machine);
	free(kernel);
}

static void test_unknown_files(void **unused)
{
	static const struct {
		const char *bytes;
		const char *words;
	} files[] = {
		{"\037\213\010        ", "gzip"},
		{"070701000        ", "cpio"},
		{"MZ                                  ", "EFI"},
		{"#!/bin/sh", "neither a Linux bzImage nor a multiboot or PVH kernel"},
		{"", "empty"},
	};
	struct machine machine;

	(void)unused;
	assert_true(machine_open(&machine, MIB(1)));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct load_request request =
			request_for(&machine, files[i].bytes, strlen(files[i].bytes));
		struct boot_state state;
		struct load_error error;

		assert_int_not_equal(kernel_load(&request, &state, &error), LOAD_OK);
		assert_non_null(strstr(error.message, files[i].words));
	}
	machine_close(&machine);
}

static void test_real_kernel(void **unused)
{
	const char *path = getenv("TRIVET_TEST_KERNEL");
	FILE *file = fopen(path ? path : "build/guest/vmlinuz", "rb");
	struct load_request request;
	struct boot_state state;
	struct machine machine;
	uint8_t *kernel;
	size_t size;

	(void)unused;
	if (!file)
		skip();
	kernel = malloc(MIB(64));
	size = fread(kernel, 1, MIB(64), file);
	fclose(file);
	assert_true(machine_open(&machine, MIB(256)));
	request = request_for(&machine, kernel, size);
	load(&request, &state);
	assert_int_equal(state.mode, BOOT_MODE_LONG);
	assert_int_equal(state.rip, 0x1000200);
	machine_close(&machine);
	free(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bzimage),
		cmocka_unit_test(test_bzimage_page_tables),
		cmocka_unit_test(test_bzimage_relocated),
		cmocka_unit_test(test_bzimage_32_bit),
		cmocka_unit_test(test_bzimage_damaged),
		cmocka_unit_test(test_bzimage_initrd),
		cmocka_unit_test(test_pvh),
		cmocka_unit_test(test_pvh_damaged),
		cmocka_unit_test(test_multiboot_elf),
		cmocka_unit_test(test_multiboot_flat),
		cmocka_unit_test(test_multiboot_damaged),
		cmocka_unit_test(test_unknown_files),
		cmocka_unit_test(test_real_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
