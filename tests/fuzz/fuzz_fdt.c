/* SPDX-License-Identifier: MIT */
/* Any bytes as a device tree; what is made of one that is taken must keep its promises. */
#include <arch/machine.h>
#include <stdlib.h>
#include <string.h>

#define TREE_BASE 0x40000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void memory_check(const struct machine *machine)
{
	const struct memory_list *list = &machine->memory;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct memory_range *r = &list->range[i];

		if (!r->size || !IS_ALIGNED(r->base | r->size, PAGE_SIZE))
			abort();
		if (i && r[-1].base + r[-1].size > r->base)
			abort();
		if (r->kind == MEMORY_RAM && r->base + r->size > MACHINE_RAM_END)
			abort();
	}
	if (machine->bundle_size &&
	    !memory_list_has(list, machine->bundle_base, machine->bundle_size, MEMORY_RAM))
		abort();
	if (strnlen(machine->command_line, COMMAND_LINE_MAX) == COMMAND_LINE_MAX)
		abort();
}

/* Every node is found again where its parent has it. */
static void nodes_check(const struct fdt *fdt)
{
	for (uint32_t node = 0; (node = fdt_next(fdt, node));) {
		uint32_t parent = fdt_parent(fdt, node), child = 0;

		while (parent && (child = fdt_next_child(fdt, parent, child)) != node)
			if (!child)
				abort();
		if (!parent && node != fdt->root)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine machine;
	struct machine_cpu cpu;
	uint32_t node = 0;
	struct fdt fdt;

	if (size > 8192 || fdt_open(&fdt, data, size) != STATUS_OK)
		return 0;
	nodes_check(&fdt);
	if (machine_decode(&fdt, TREE_BASE, NULL, &machine) == STATUS_OK)
		memory_check(&machine);
	while (machine_next_cpu(&fdt, &node, &cpu))
		;
	return 0;
}
