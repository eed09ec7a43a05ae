/* SPDX-License-Identifier: MIT */
/*
 * The device tree's reader. The structure block is a list of tokens of 32 bits, big-endian as all numbers are:
 *
 *	BEGIN_NODE name  (PROPERTY size name-offset value)*  nodes*  END_NODE
 *
 * Each begins at a multiple of four. fdt_open() walks it once with all checks; the others walk it without.
 */
#include <arch/fdt.h>
#include <kernel/string.h>

#define FDT_MAGIC   0xd00dfeedu
#define FDT_VERSION 17u /* GRUB's trees can't be read by readers of version 16 either */

/* Offsets in the header. */
enum {
	HEADER_MAGIC = 0,
	HEADER_SIZE = 4,
	HEADER_STRUCTURE = 8,
	HEADER_STRINGS = 12,
	HEADER_RESERVATIONS = 16,
	HEADER_VERSION = 20,
	HEADER_COMPATIBLE = 24,
	HEADER_STRINGS_SIZE = 32,
	HEADER_STRUCTURE_SIZE = 36,
};

enum token {
	TOKEN_BEGIN_NODE = 1,
	TOKEN_END_NODE = 2,
	TOKEN_PROPERTY = 3,
	TOKEN_NOP = 4,
	TOKEN_END = 9,
};

#define TOKEN_SIZE	 4u
#define PROPERTY_HEADER	 12u /* token, size, name */
#define RESERVATION_SIZE 16u

static uint32_t read32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t read64(const uint8_t *p)
{
	return (uint64_t)read32(p) << 32 | read32(p + 4);
}

static uint32_t token_at(const struct fdt *fdt, uint32_t at)
{
	return read32(fdt->data + at);
}

/* ---- checks ---- */

uint32_t fdt_size(const void *header)
{
	const uint8_t *bytes = header;

	return read32(bytes + HEADER_MAGIC) == FDT_MAGIC ? read32(bytes + HEADER_SIZE) : 0;
}

/* The bytes of a string and its end; 0: it does not end before `end`. */
static uint32_t string_size(const struct fdt *fdt, uint32_t at, uint32_t end)
{
	size_t length = strnlen((const char *)fdt->data + at, end - at);

	return length < end - at ? (uint32_t)length + 1 : 0;
}

static status_t reservations_check(const struct fdt *fdt)
{
	for (uint32_t at = fdt->reservations; range_within(at, RESERVATION_SIZE, fdt->size);
	     at += RESERVATION_SIZE)
		if (!read64(fdt->data + at) && !read64(fdt->data + at + 8))
			return STATUS_OK;
	return STATUS_TRUNCATED;
}

/* The token at `at`: *next is what follows. `end` is where the block ends. */
static status_t token_check(const struct fdt *fdt, uint32_t at, uint32_t end, uint64_t *next)
{
	uint32_t size;

	switch (token_at(fdt, at)) {
	case TOKEN_BEGIN_NODE:
		size = string_size(fdt, at + TOKEN_SIZE, end);
		if (!size)
			return STATUS_TRUNCATED;
		*next = at + TOKEN_SIZE + ALIGN_UP((uint64_t)size, 4);
		return STATUS_OK;
	case TOKEN_PROPERTY:
		if (!range_within(at, PROPERTY_HEADER, end))
			return STATUS_TRUNCATED;
		size = read32(fdt->data + at + 8);
		if (size >= fdt->strings_end - fdt->strings ||
		    !string_size(fdt, fdt->strings + size, fdt->strings_end))
			return STATUS_BAD_FORMAT;
		*next = at + PROPERTY_HEADER +
			ALIGN_UP((uint64_t)read32(fdt->data + at + TOKEN_SIZE), 4);
		return STATUS_OK;
	case TOKEN_END_NODE:
	case TOKEN_NOP: *next = at + TOKEN_SIZE; return STATUS_OK;
	default: return STATUS_BAD_FORMAT;
	}
}

/* One root; properties only in nodes and before their children. */
static status_t structure_check(struct fdt *fdt, uint32_t at, uint32_t end)
{
	uint32_t depth = 0, token;
	bool properties = false;
	uint64_t next;
	status_t status;

	for (;; at = (uint32_t)next) {
		if (!range_within(at, TOKEN_SIZE, end))
			return STATUS_TRUNCATED;
		token = token_at(fdt, at);
		if (token == TOKEN_END)
			break;
		status = token_check(fdt, at, end, &next);
		if (status != STATUS_OK)
			return status;
		if (next > end)
			return STATUS_TRUNCATED;
		if (token == TOKEN_PROPERTY && !properties)
			return STATUS_BAD_FORMAT;
		if (token == TOKEN_NOP || token == TOKEN_PROPERTY)
			continue;
		properties = token == TOKEN_BEGIN_NODE;
		if (token == TOKEN_END_NODE && depth-- == 0)
			return STATUS_BAD_FORMAT;
		if (token == TOKEN_BEGIN_NODE &&
		    (depth++ == FDT_DEPTH_MAX || (depth == 1 && fdt->root)))
			return STATUS_BAD_FORMAT;
		if (!fdt->root)
			fdt->root = at;
	}
	fdt->nodes_end = at;
	return fdt->root && !depth ? STATUS_OK : STATUS_BAD_FORMAT;
}

status_t fdt_open(struct fdt *fdt, const void *data, uint64_t size)
{
	const uint8_t *header = data;
	uint32_t structure, structure_size, strings_size;
	status_t status;

	*fdt = (struct fdt){.data = data};
	if (size < FDT_HEADER_SIZE)
		return STATUS_TRUNCATED;
	fdt->size = fdt_size(data);
	if (!fdt->size)
		return STATUS_BAD_FORMAT;
	if (fdt->size < FDT_HEADER_SIZE || fdt->size > size)
		return STATUS_TRUNCATED;
	if (read32(header + HEADER_VERSION) < FDT_VERSION ||
	    read32(header + HEADER_COMPATIBLE) > FDT_VERSION)
		return STATUS_NOT_SUPPORTED;
	structure = read32(header + HEADER_STRUCTURE);
	structure_size = read32(header + HEADER_STRUCTURE_SIZE);
	strings_size = read32(header + HEADER_STRINGS_SIZE);
	fdt->strings = read32(header + HEADER_STRINGS);
	fdt->reservations = read32(header + HEADER_RESERVATIONS);
	if (!range_within(structure, structure_size, fdt->size) ||
	    !range_within(fdt->strings, strings_size, fdt->size))
		return STATUS_TRUNCATED;
	if (!IS_ALIGNED(structure, 4) || structure < FDT_HEADER_SIZE)
		return STATUS_BAD_FORMAT;
	fdt->strings_end = fdt->strings + strings_size;
	status = reservations_check(fdt);
	if (status == STATUS_OK)
		status = structure_check(fdt, structure, structure + structure_size);
	return status;
}

/* ---- nodes ---- */

/* What follows a token, of a tree that has been checked. */
static uint32_t token_next(const struct fdt *fdt, uint32_t at)
{
	switch (token_at(fdt, at)) {
	case TOKEN_BEGIN_NODE:
		return at + TOKEN_SIZE +
		       ALIGN_UP((uint32_t)strlen((const char *)fdt->data + at + TOKEN_SIZE) + 1, 4);
	case TOKEN_PROPERTY:
		return at + PROPERTY_HEADER + ALIGN_UP(read32(fdt->data + at + TOKEN_SIZE), 4);
	default: return at + TOKEN_SIZE;
	}
}

uint32_t fdt_next(const struct fdt *fdt, uint32_t node)
{
	uint32_t at = node ? token_next(fdt, node) : fdt->root;

	while (at < fdt->nodes_end && token_at(fdt, at) != TOKEN_BEGIN_NODE)
		at = token_next(fdt, at);
	return at < fdt->nodes_end ? at : 0;
}

/* Behind the node's end. */
static uint32_t node_skip(const struct fdt *fdt, uint32_t node)
{
	uint32_t depth = 0, at = node;

	do {
		uint32_t token = token_at(fdt, at);

		depth += token == TOKEN_BEGIN_NODE;
		depth -= token == TOKEN_END_NODE;
		at = token_next(fdt, at);
	} while (depth);
	return at;
}

uint32_t fdt_next_child(const struct fdt *fdt, uint32_t parent, uint32_t child)
{
	uint32_t at = child ? node_skip(fdt, child) : token_next(fdt, parent);

	for (;; at = token_next(fdt, at)) {
		uint32_t token = token_at(fdt, at);

		if (token == TOKEN_BEGIN_NODE)
			return at;
		if (token == TOKEN_END_NODE || token == TOKEN_END)
			return 0;
	}
}

uint32_t fdt_parent(const struct fdt *fdt, uint32_t node)
{
	uint32_t path[FDT_DEPTH_MAX + 1], depth = 0;

	for (uint32_t at = fdt->root; at < node; at = token_next(fdt, at)) {
		uint32_t token = token_at(fdt, at);

		if (token == TOKEN_BEGIN_NODE)
			path[depth++] = at;
		else if (token == TOKEN_END_NODE)
			depth--;
	}
	return depth ? path[depth - 1] : 0;
}

const char *fdt_name(const struct fdt *fdt, uint32_t node)
{
	return (const char *)fdt->data + node + TOKEN_SIZE;
}

uint32_t fdt_child(const struct fdt *fdt, uint32_t parent, const char *name, size_t length)
{
	uint32_t node = 0;

	while ((node = fdt_next_child(fdt, parent, node))) {
		const char *own = fdt_name(fdt, node);

		if (strncmp(own, name, length) == 0 && (!own[length] || own[length] == '@'))
			return node;
	}
	return 0;
}

static uint32_t path_find(const struct fdt *fdt, const char *path, size_t length)
{
	uint32_t node = fdt->root;
	size_t at = 0;

	while (node && at < length) {
		size_t end = ++at;

		while (end < length && path[end] != '/')
			end++;
		if (end > at)
			node = fdt_child(fdt, node, path + at, end - at);
		at = end;
	}
	return node;
}

uint32_t fdt_find(const struct fdt *fdt, const char *path, size_t length)
{
	uint32_t aliases = fdt_child(fdt, fdt->root, "aliases", 7);
	struct fdt_value value;
	char name[32];

	if (length && path[0] == '/')
		return path_find(fdt, path, length);
	if (!aliases || !length || length >= sizeof(name))
		return 0;
	for (size_t i = 0; i < length;
	     i++) /* the caches may be off: no words that are not aligned */
		name[i] = path[i];
	name[length] = '\0';
	if (!fdt_property(fdt, aliases, name, &value) || !value.size || value.data[0] != '/')
		return 0;
	return path_find(fdt, (const char *)value.data,
			 strnlen((const char *)value.data, value.size));
}

/* ---- properties ---- */

bool fdt_property(const struct fdt *fdt, uint32_t node, const char *name, struct fdt_value *value)
{
	uint32_t at = token_next(fdt, node);

	for (;; at = token_next(fdt, at)) {
		uint32_t token = token_at(fdt, at);

		if (token == TOKEN_NOP)
			continue;
		if (token != TOKEN_PROPERTY)
			return false;
		if (strcmp((const char *)fdt->data + fdt->strings + read32(fdt->data + at + 8),
			   name))
			continue;
		value->size = read32(fdt->data + at + TOKEN_SIZE);
		value->data = fdt->data + at + PROPERTY_HEADER;
		return true;
	}
}

bool fdt_string_index(const struct fdt *fdt, uint32_t node, const char *property,
		      const char *string, uint32_t *index)
{
	size_t length = strlen(string) + 1;
	struct fdt_value value;

	if (!fdt_property(fdt, node, property, &value))
		return false;
	*index = 0;
	for (uint32_t at = 0; at < value.size; (*index)++) {
		size_t left = value.size - at;

		if (length <= left && memcmp(value.data + at, string, length) == 0)
			return true;
		at += (uint32_t)strnlen((const char *)value.data + at, left) + 1;
	}
	return false;
}

bool fdt_has_string(const struct fdt *fdt, uint32_t node, const char *property, const char *string)
{
	uint32_t index;

	return fdt_string_index(fdt, node, property, string, &index);
}

bool fdt_is_compatible(const struct fdt *fdt, uint32_t node, const char *with)
{
	return fdt_has_string(fdt, node, "compatible", with);
}

bool fdt_is_okay(const struct fdt *fdt, uint32_t node)
{
	struct fdt_value value;

	return !fdt_property(fdt, node, "status", &value) ||
	       fdt_has_string(fdt, node, "status", "okay") ||
	       fdt_has_string(fdt, node, "status", "ok");
}

bool fdt_cells(const struct fdt_value *value, uint32_t index, uint32_t count, uint64_t *number)
{
	*number = 0;
	if (((uint64_t)index + count) * 4 > value->size)
		return false;
	for (uint32_t i = index; i < index + count; i++)
		*number = *number << 32 | read32(value->data + i * 4);
	return true;
}

bool fdt_number(const struct fdt *fdt, uint32_t node, const char *property, uint64_t *number)
{
	struct fdt_value value;

	return fdt_property(fdt, node, property, &value) && (value.size == 4 || value.size == 8) &&
	       fdt_cells(&value, 0, value.size / 4, number);
}

/* ---- addresses ---- */

#define CELLS_MAX 4u

/* How many cells an address and a size of the node's children have. */
static bool cells_of(const struct fdt *fdt, uint32_t node, uint32_t *address, uint32_t *size)
{
	uint64_t a = 2, s = 1;

	(void)fdt_number(fdt, node, "#address-cells", &a);
	(void)fdt_number(fdt, node, "#size-cells", &s);
	*address = (uint32_t)a;
	*size = (uint32_t)s;
	return a && a <= CELLS_MAX && s <= CELLS_MAX;
}

/* An address of the bus' children as the bus' own parent sees it. */
static bool bus_translate(const struct fdt *fdt, uint32_t bus, hpa_t *base, uint64_t size)
{
	uint32_t child, length, parent, ignored, row;
	struct fdt_value ranges;

	if (!fdt_property(fdt, bus, "ranges", &ranges))
		return false;
	if (!ranges.size)
		return true;
	if (!cells_of(fdt, bus, &child, &length) ||
	    !cells_of(fdt, fdt_parent(fdt, bus), &parent, &ignored))
		return false;
	row = child + parent + length;
	for (uint32_t at = 0; ((uint64_t)at + row) * 4 <= ranges.size; at += row) {
		uint64_t from, to, covered;

		if (!fdt_cells(&ranges, at, child, &from) ||
		    !fdt_cells(&ranges, at + child, parent, &to) ||
		    !fdt_cells(&ranges, at + child + parent, length, &covered))
			return false;
		if (!range_within(*base - from, size, covered))
			continue;
		*base = *base - from + to;
		return true;
	}
	return false;
}

bool fdt_reg(const struct fdt *fdt, uint32_t node, uint32_t n, hpa_t *base, uint64_t *size)
{
	uint32_t bus = fdt_parent(fdt, node), address_cells, size_cells;
	struct fdt_value reg;

	if (!bus || !fdt_property(fdt, node, "reg", &reg) ||
	    !cells_of(fdt, bus, &address_cells, &size_cells) ||
	    n > reg.size / (4 * (address_cells + size_cells)))
		return false;
	n *= address_cells + size_cells;
	if (!fdt_cells(&reg, n, address_cells, base) ||
	    !fdt_cells(&reg, n + address_cells, size_cells, size))
		return false;
	for (; bus != fdt->root; bus = fdt_parent(fdt, bus))
		if (!bus_translate(fdt, bus, base, *size))
			return false;
	return true;
}

bool fdt_reservation(const struct fdt *fdt, uint32_t n, hpa_t *base, uint64_t *size)
{
	uint32_t at = fdt->reservations;

	for (;; at += RESERVATION_SIZE) {
		*base = read64(fdt->data + at);
		*size = read64(fdt->data + at + 8);
		if (!*base && !*size)
			return false;
		if (n-- == 0)
			return true;
	}
}
