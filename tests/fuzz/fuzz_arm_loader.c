/* SPDX-License-Identifier: MIT */
/*
 * Files against the loader of AArch64, which takes Images and ELF: the kernel starts in RAM and the device tree is
 * sound, or a message says why not.
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include <firmware/firmware.h>
#include <loader/loader.h>

#define MEMORY MIB(16)

extern const unsigned char dsdt_aml[];
extern const size_t dsdt_aml_size;

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *ram;
	const struct firmware_config firmware = {
		.acpi = {.vp_count = 2, .dsdt = dsdt_aml, .dsdt_size = dsdt_aml_size}};
	struct guest_range range = {LAYOUT_RAM_BASE, MEMORY, NULL};
	struct guest_memory memory = {&range, 1};
	struct memory_layout layout;
	struct load_request request = {
		.memory = &memory,
		.layout = &layout,
		.kernel = {data, size, "kernel", ""},
		.initrd = {"initrd", 6, "initrd", ""},
		.cmdline = "quiet",
		.firmware = &firmware,
	};
	struct boot_state state;
	struct load_error error = {LOAD_OK, ""};

	if (!ram)
		ram = malloc(MEMORY);
	range.host = ram;
	require(memory_layout_build(&layout, MEMORY) == STATUS_OK);
	if (kernel_load(&request, &state, &error) == LOAD_OK) {
		require(guest_memory_contains(&memory, state.entry, 1));
		require(fdt_check_full(guest_memory_pointer(&memory, state.fdt, MIB(1)), MIB(1)) ==
			0);
	} else {
		require(error.result != LOAD_OK && error.message[0]);
	}
	return 0;
}
