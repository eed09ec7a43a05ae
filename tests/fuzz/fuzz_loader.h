/* SPDX-License-Identifier: MIT */
/*
 * A small partition that stays over all runs of a loader's fuzzer, and what must hold after a
 * load: the kernel starts in RAM, or a message says why not.
 */
#ifndef FUZZ_LOADER_H
#define FUZZ_LOADER_H

#include <stdlib.h>
#include <string.h>

#include <loader/loader.h>

#define FUZZ_MEMORY MIB(4)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum load_result load_function(const struct load_request *request, struct boot_state *state,
				       struct load_error *error);

static inline void require(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static inline const struct guest_memory *fuzz_memory(struct memory_layout *layout)
{
	static struct guest_range ranges[LAYOUT_RAM_MAX];
	static struct guest_memory memory = {ranges, 0};

	require(memory_layout_build(layout, FUZZ_MEMORY) == STATUS_OK);
	for (; memory.count < layout->ram_count; memory.count++) {
		const struct memory_region *ram = &layout->ram[memory.count];

		/* Blocks of their own, so that the sanitizer sees what leaves them. */
		ranges[memory.count] = (struct guest_range){ram->gpa, ram->size, malloc(ram->size)};
	}
	return &memory;
}

static inline void fuzz_load(load_function *load, const uint8_t *data, size_t size)
{
	const struct load_file modules[] = {{"module", 6, "m", "x=1"}, {"", 0, "empty", ""}};
	struct memory_layout layout;
	struct load_request request = {
		.memory = fuzz_memory(&layout),
		.layout = &layout,
		.kernel = {data, size, "kernel", ""},
		.initrd = {"initrd", 6, "initrd", ""},
		.cmdline = "console=ttyS0",
		.modules = modules,
		.module_count = load == bzimage_load ? 0 : ARRAY_SIZE(modules),
		.rsdp = 0xf0000,
	};
	struct boot_state state;
	struct load_error error = {LOAD_OK, ""};
	enum load_result result = load(&request, &state, &error);

	if (result == LOAD_OK) {
		require(guest_memory_contains(request.memory, state.rip, 1));
		require(guest_memory_contains(request.memory, state.gdtr.base, state.gdtr.limit));
	} else {
		require(error.result == result);
		require(strncmp(error.message, "kernel: ", 8) == 0);
	}
}

#endif
