/* SPDX-License-Identifier: MIT */
/* Where a device's interrupts go: the interrupt tree (Devicetree Specification 0.4, 2.4). */
#include <arch/fdt.h>

#define INTERRUPT_CELLS_MAX 16u

/* 0: no node has it. */
static uint32_t phandle_find(const struct fdt *fdt, uint64_t phandle)
{
	uint64_t own;

	for (uint32_t node = 0; (node = fdt_next(fdt, node));)
		if (fdt_number(fdt, node, "phandle", &own) && own == phandle)
			return node;
	return 0;
}

/* Of one interrupt at this controller; 0: it is none. */
static uint32_t interrupt_cells(const struct fdt *fdt, uint32_t controller)
{
	uint64_t cells;

	return controller && fdt_number(fdt, controller, "#interrupt-cells", &cells) &&
			       cells <= INTERRUPT_CELLS_MAX
		       ? (uint32_t)cells
		       : 0;
}

/* The next controller above, past nodes that are none. A tree that goes in circles has no end: this has. */
static uint32_t interrupt_parent(const struct fdt *fdt, uint32_t node)
{
	uint64_t phandle;

	for (uint32_t i = 0; node && i < FDT_DEPTH_MAX; i++) {
		node = fdt_number(fdt, node, "interrupt-parent", &phandle)
			       ? phandle_find(fdt, phandle)
			       : fdt_parent(fdt, node);
		if (interrupt_cells(fdt, node))
			return node;
	}
	return 0;
}

static bool value_cut(const struct fdt_value *from, uint64_t cell, uint32_t count,
		      struct fdt_value *value)
{
	if (!count || (cell + count) * 4 > from->size)
		return false;
	*value = (struct fdt_value){from->data + cell * 4, count * 4};
	return true;
}

/* Each one has its controller in front. */
static bool extended_find(const struct fdt *fdt, const struct fdt_value *all, uint32_t n,
			  uint32_t controller, struct fdt_value *interrupt)
{
	uint32_t at = 0, own, cells;
	uint64_t phandle;

	while (fdt_cells(all, at++, 1, &phandle)) {
		own = phandle_find(fdt, phandle);
		cells = interrupt_cells(fdt, own);
		if (phandle && !cells)
			return false;
		if (n-- == 0)
			return own == controller && value_cut(all, at, cells, interrupt);
		at += cells;
	}
	return false;
}

bool fdt_interrupt(const struct fdt *fdt, uint32_t node, uint32_t n, uint32_t controller,
		   struct fdt_value *interrupt)
{
	uint32_t cells = interrupt_cells(fdt, controller);
	struct fdt_value all;

	if (fdt_property(fdt, node, "interrupts-extended", &all))
		return extended_find(fdt, &all, n, controller, interrupt);
	return fdt_property(fdt, node, "interrupts", &all) &&
	       interrupt_parent(fdt, node) == controller &&
	       value_cut(&all, (uint64_t)n * cells, cells, interrupt);
}
