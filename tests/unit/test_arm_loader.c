/* SPDX-License-Identifier: MIT */
/* Kernels of AArch64: Images, ELF files, and what is neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libfdt.h>

#include <firmware/firmware.h>
#include <loader/bytes.h>
#include <loader/loader.h>

#include "loader_fixture.h"

extern const unsigned char dsdt_aml[];
extern const size_t dsdt_aml_size;

#define MEMORY	    MIB(32)
#define KERNEL_SIZE 5000u

struct world {
	struct machine machine;
	struct firmware_config firmware;
	struct load_request request;
	struct load_error error;
	struct boot_state state;
	uint8_t kernel[KERNEL_SIZE];
};

/* A kernel of that text_offset, and image_size. */
static void image_make(struct world *w, uint64_t offset, uint64_t size)
{
	for (size_t i = 0; i < KERNEL_SIZE; i++)
		w->kernel[i] = (uint8_t)(i * 7);
	memset(w->kernel, 0, 64);
	bytes_put64(w->kernel + 8, offset);
	bytes_put64(w->kernel + 16, size);
	memcpy(w->kernel + 56, "ARM\144", 4);
}

static int setup(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));

	assert_true(machine_open(&w->machine, MEMORY));
	w->firmware.acpi =
		(struct acpi_config){.vp_count = 1, .dsdt = dsdt_aml, .dsdt_size = dsdt_aml_size};
	w->request = (struct load_request){
		.memory = &w->machine.memory,
		.layout = &w->machine.layout,
		.kernel = {w->kernel, KERNEL_SIZE, "Image", ""},
		.initrd = {"the initrd", 10, "initrd", ""},
		.cmdline = "quiet",
		.firmware = &w->firmware,
	};
	image_make(w, 0, MIB(1));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	machine_close(&w->machine);
	test_free(w);
	return 0;
}

static enum load_result load(struct world *w)
{
	memset(&w->state, 0, sizeof(w->state));
	return kernel_load(&w->request, &w->state, &w->error);
}

static const void *tree(struct world *w)
{
	const void *fdt = guest_memory_pointer(&w->machine.memory, w->state.fdt, MIB(1));

	assert_non_null(fdt);
	assert_int_equal(fdt_check_full(fdt, MIB(1)), 0);
	return fdt;
}

static uint64_t chosen(struct world *w, const char *name)
{
	const void *fdt = tree(w);
	int length;
	const void *value = fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), name, &length);

	assert_non_null(value);
	assert_int_equal(length, 8);
	return fdt64_ld(value);
}

/* ---- Images ---- */

static void image(void **state)
{
	struct world *w = *state;
	uint8_t start[KERNEL_SIZE];
	char initrd[10];

	assert_int_equal(kernel_detect(w->kernel, KERNEL_SIZE), KERNEL_IMAGE);
	assert_int_equal(load(w), LOAD_OK);
	assert_int_equal(w->state.entry, LAYOUT_RAM_BASE);
	assert_int_equal(
		guest_memory_read(&w->machine.memory, w->state.entry, start, sizeof(start)),
		STATUS_OK);
	assert_memory_equal(start, w->kernel, KERNEL_SIZE);
	/* What is behind the file is cleared, up to the end of the image. */
	assert_int_equal(machine_read(&w->machine, w->state.entry + KERNEL_SIZE, 8), 0);
	assert_int_equal(machine_read(&w->machine, w->state.entry + MIB(1) - 8, 8), 0);
	assert_int_equal(machine_read(&w->machine, w->state.entry + MIB(1), 8), 0xa5a5a5a5a5a5a5a5);
	assert_int_equal(chosen(w, "linux,initrd-end") - chosen(w, "linux,initrd-start"), 10);
	assert_int_equal(guest_memory_read(&w->machine.memory, chosen(w, "linux,initrd-start"),
					   initrd, sizeof(initrd)),
			 STATUS_OK);
	assert_memory_equal(initrd, "the initrd", 10);
}

static void image_with_offset(void **state)
{
	struct world *w = *state;

	image_make(w, 0x80000, MIB(2));
	assert_int_equal(load(w), LOAD_OK);
	assert_int_equal(w->state.entry, LAYOUT_RAM_BASE + 0x80000);
}

static void image_without_size(void **state)
{
	struct world *w = *state;

	image_make(w, 0, 0);
	w->request.initrd = (struct load_file){.name = "", .arguments = ""};
	assert_int_equal(load(w), LOAD_OK);
	assert_int_equal(w->state.entry, LAYOUT_RAM_BASE + 0x80000);
	assert_true(fdt_path_offset(tree(w), "/chosen") > 0);
	assert_null(fdt_getprop(tree(w), fdt_path_offset(tree(w), "/chosen"), "linux,initrd-start",
				NULL));
}

static void wrong_images(void **state)
{
	struct world *w = *state;

	image_make(w, MIB(2), MIB(4));
	assert_int_equal(load(w), LOAD_BAD_SIZE);
	image_make(w, UINT64_MAX, MIB(4));
	assert_int_equal(load(w), LOAD_BAD_SIZE);
	image_make(w, 0, KERNEL_SIZE - 1);
	assert_int_equal(load(w), LOAD_BAD_SIZE);
	image_make(w, 0, MEMORY);
	assert_int_equal(load(w), LOAD_OUT_OF_RAM);
	image_make(w, 0, UINT64_MAX);
	assert_int_equal(load(w), LOAD_OUT_OF_RAM);
	image_make(w, 0, MIB(1));
	w->kernel[24] = 1;
	assert_int_equal(load(w), LOAD_UNSUPPORTED);
	assert_non_null(strstr(w->error.message, "big-endian"));
	image_make(w, 0, MIB(1));
	w->request.kernel.size = 63;
	assert_int_equal(load(w), LOAD_TRUNCATED);
}

/* Of one that is a program of UEFI's too, the sections tell how long it is. */
static void image_cut_short(void **state)
{
	struct world *w = *state;
	uint8_t *pe = w->kernel + 64, *section = pe + 24 + 16;

	memcpy(w->kernel, "MZ", 2);
	w->kernel[60] = 64;
	memset(pe, 0, 24 + 16 + 2 * 40);
	memcpy(pe, "PE", 2);
	pe[6] = 2;
	pe[20] = 16;
	bytes_put64(section + 16, 1000 | 256ull << 32);
	bytes_put64(section + 40 + 16, (KERNEL_SIZE - 1256) | 1256ull << 32);
	assert_int_equal(load(w), LOAD_OK);
	w->request.kernel.size = KERNEL_SIZE - 1;
	assert_int_equal(load(w), LOAD_TRUNCATED);
	assert_non_null(strstr(w->error.message, "cut short after 4999 bytes"));
	w->request.kernel.size = 64 + 24 + 16 + 40 + 39;
	assert_int_equal(load(w), LOAD_TRUNCATED);
	/* Headers that are none say nothing. */
	w->request.kernel.size = KERNEL_SIZE - 1;
	pe[2] = 1;
	assert_int_equal(load(w), LOAD_OK);
	pe[2] = 0;
	bytes_put64(w->kernel + 60, UINT32_MAX);
	assert_int_equal(load(w), LOAD_OK);
}

/* ---- what is no Image ---- */

static void other_files(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *words;
	} files[] = {
		{"\037\213\b", 3, "compressed by gzip"},
		{"070701", 6, "cpio"},
		{"MZ\0\0", 4, "compressed EFI kernel"},
		{"hello", 5, "neither"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		w->request.kernel.data = files[i].bytes;
		w->request.kernel.size = files[i].size;
		assert_int_equal(load(w), LOAD_UNKNOWN_FORMAT);
		assert_non_null(strstr(w->error.message, files[i].words));
	}
	w->request.kernel.size = 0;
	assert_int_equal(load(w), LOAD_TRUNCATED);
}

static void no_room(void **state)
{
	struct world *w = *state;
	void *large = test_calloc(1, MEMORY);

	w->request.initrd.data = large;
	w->request.initrd.size = MEMORY - MIB(2);
	assert_int_equal(load(w), LOAD_OUT_OF_RAM);
	assert_non_null(strstr(w->error.message, "the initrd"));
	test_free(large);
}

static void no_modules(void **state)
{
	const struct load_file module = {"x", 1, "module", ""};
	struct world *w = *state;

	w->request.modules = &module;
	w->request.module_count = 1;
	assert_int_equal(load(w), LOAD_UNSUPPORTED);
}

/* ---- ELF ---- */

/* A file of one segment of 16 bytes for `physical`, which has 32 in memory. */
static void elf_make(struct world *w, uint16_t machine, uint64_t physical, uint64_t entry)
{
	uint8_t *p = w->kernel, *segment = p + 64;

	memset(w->kernel, 0, KERNEL_SIZE);
	memcpy(p, "\177ELF\2\1\1", 7);
	bytes_put16(p + 16, 2);
	bytes_put16(p + 18, machine);
	bytes_put32(p + 20, 1);
	bytes_put64(p + 24, entry);
	bytes_put64(p + 32, 64);
	bytes_put16(p + 54, 56);
	bytes_put16(p + 56, 1);
	bytes_put32(segment, 1);
	bytes_put64(segment + 8, 0x100);
	bytes_put64(segment + 16, 0xffff000000000000);
	bytes_put64(segment + 24, physical);
	bytes_put64(segment + 32, 16);
	bytes_put64(segment + 40, 32);
	memcpy(p + 0x100, "sixteen bytes...", 16);
	w->request.kernel.size = 0x110;
}

static void elf(void **state)
{
	struct world *w = *state;
	char there[16];

	elf_make(w, 183, LAYOUT_RAM_BASE + MIB(1), 0xffff000000000004);
	assert_int_equal(kernel_detect(w->kernel, 0x110), KERNEL_ELF);
	assert_int_equal(load(w), LOAD_OK);
	assert_int_equal(w->state.entry, LAYOUT_RAM_BASE + MIB(1) + 4);
	assert_int_equal(guest_memory_read(&w->machine.memory, LAYOUT_RAM_BASE + MIB(1), there, 16),
			 STATUS_OK);
	assert_memory_equal(there, "sixteen bytes...", 16);
	assert_int_equal(machine_read(&w->machine, LAYOUT_RAM_BASE + MIB(1) + 24, 8), 0);
	assert_true(fdt_path_offset(tree(w), "/cpus/cpu@0") > 0);
}

static void wrong_elf(void **state)
{
	struct world *w = *state;

	elf_make(w, 62, LAYOUT_RAM_BASE, 0xffff000000000000);
	assert_int_equal(load(w), LOAD_UNSUPPORTED);
	elf_make(w, 183, 0, 0);
	assert_int_equal(load(w), LOAD_OUT_OF_RAM);
	elf_make(w, 183, LAYOUT_RAM_BASE, 0x1234);
	assert_int_equal(load(w), LOAD_BAD_ENTRY);
	/* Over what the firmware has for itself. */
	elf_make(w, 183, LAYOUT_RAM_BASE + MEMORY - MIB(1), 0xffff000000000000);
	assert_int_equal(load(w), LOAD_OUT_OF_RAM);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(image),	    TEST(image_with_offset), TEST(image_without_size),
		TEST(wrong_images), TEST(image_cut_short),   TEST(other_files),
		TEST(no_room),	    TEST(no_modules),	     TEST(elf),
		TEST(wrong_elf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
