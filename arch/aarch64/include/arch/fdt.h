/* SPDX-License-Identifier: MIT */
/*
 * A flattened device tree (Devicetree Specification 0.4, chapter 5), read where it lies. fdt_open() looks at
 * every byte that counts, once; what comes after cannot read outside the tree. Pure.
 *
 * A node is named by where its token stands; 0 is no node.
 */
#ifndef ARCH_FDT_H
#define ARCH_FDT_H

#include <trivet/status.h>
#include <trivet/types.h>

#define FDT_HEADER_SIZE 40u
#define FDT_SIZE_MAX	MIB(2) /* the boot protocol's limit */
#define FDT_DEPTH_MAX	32u

struct fdt {
	const uint8_t *data;
	uint32_t size;	    /* of the whole */
	uint32_t root;	    /* node */
	uint32_t nodes_end; /* where the structure's end token stands */
	uint32_t strings;   /* names of properties */
	uint32_t strings_end;
	uint32_t reservations; /* the memory reservation block */
};

/* A property's value. */
struct fdt_value {
	const uint8_t *data;
	uint32_t size;
};

/* The size that a header of FDT_HEADER_SIZE bytes tells; 0: it is no device tree's. */
uint32_t fdt_size(const void *header);
/* TRUNCATED: something ends behind the tree's end, or behind `size`. BAD_FORMAT: it contradicts itself, or nodes are
 * deeper than FDT_DEPTH_MAX. NOT_SUPPORTED: another version. */
status_t fdt_open(struct fdt *fdt, const void *data, uint64_t size) __must_check;

/* The next node in the tree's order, children before what follows; after 0 the root. 0: there are no more. */
uint32_t fdt_next(const struct fdt *fdt, uint32_t node);
/* The next child of `parent` after `child`, or the first after 0. */
uint32_t fdt_next_child(const struct fdt *fdt, uint32_t parent, uint32_t child);
/* 0: it is the root. */
uint32_t fdt_parent(const struct fdt *fdt, uint32_t node);
/* With the unit address. */
const char *fdt_name(const struct fdt *fdt, uint32_t node);
/* A child by its name, with or without the unit address. */
uint32_t fdt_child(const struct fdt *fdt, uint32_t parent, const char *name, size_t length);
/* A node by its path from the root, or by an alias (/aliases); the path ends at `length`. */
uint32_t fdt_find(const struct fdt *fdt, const char *path, size_t length);

/* False: the node has no such property. */
bool fdt_property(const struct fdt *fdt, uint32_t node, const char *name, struct fdt_value *value);
/* One of the strings in a list of them. */
bool fdt_has_string(const struct fdt *fdt, uint32_t node, const char *property, const char *string);
/* Which of the list's strings it is. */
bool fdt_string_index(const struct fdt *fdt, uint32_t node, const char *property,
		      const char *string, uint32_t *index);
bool fdt_is_compatible(const struct fdt *fdt, uint32_t node, const char *with);
/* The property "status" is not there, or "okay". */
bool fdt_is_okay(const struct fdt *fdt, uint32_t node);
/* `count` cells from cell `index` on, at most two that count. False: the value is too short. */
bool fdt_cells(const struct fdt_value *value, uint32_t index, uint32_t count, uint64_t *number);
/* A property that is one number of one or two cells. */
bool fdt_number(const struct fdt *fdt, uint32_t node, const char *property, uint64_t *number);
/* The n-th range of "reg", as the processor sees it: through "ranges" of all above. False: there is none, or
 * it cannot be seen. */
bool fdt_reg(const struct fdt *fdt, uint32_t node, uint32_t n, hpa_t *base, uint64_t *size);
/* The cells of the node's n-th interrupt. False: it has not so many, or that one does not go to `controller`. */
bool fdt_interrupt(const struct fdt *fdt, uint32_t node, uint32_t n, uint32_t controller,
		   struct fdt_value *interrupt);
/* The n-th entry of the memory reservation block; false: there are not so many. */
bool fdt_reservation(const struct fdt *fdt, uint32_t n, hpa_t *base, uint64_t *size);

#endif
