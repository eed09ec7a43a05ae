/* SPDX-License-Identifier: MIT */
/*
 * A partition's RAM on the hosted heap, for tests of loaders and firmware. It starts full of
 * 0xa5, so that what a loader must clear is seen.
 */
#ifndef LOADER_FIXTURE_H
#define LOADER_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include <firmware/memory_layout.h>
#include <loader/guest_memory.h>

struct machine {
	struct memory_layout layout;
	struct guest_range ranges[LAYOUT_RAM_MAX];
	struct guest_memory memory;
};

static inline bool machine_open(struct machine *machine, uint64_t size)
{
	if (memory_layout_build(&machine->layout, size) != STATUS_OK)
		return false;
	for (size_t i = 0; i < machine->layout.ram_count; i++) {
		const struct memory_region *ram = &machine->layout.ram[i];

		machine->ranges[i] = (struct guest_range){ram->gpa, ram->size, malloc(ram->size)};
		memset(machine->ranges[i].host, 0xa5, ram->size);
	}
	machine->memory = (struct guest_memory){machine->ranges, machine->layout.ram_count};
	return true;
}

static inline void machine_close(struct machine *machine)
{
	for (size_t i = 0; i < machine->memory.count; i++)
		free(machine->ranges[i].host);
}

static inline uint64_t machine_read(const struct machine *machine, gpa_t gpa, unsigned int size)
{
	uint64_t value = 0;

	if (guest_memory_read(&machine->memory, gpa, &value, size) != STATUS_OK)
		abort();
	return value;
}

#endif
