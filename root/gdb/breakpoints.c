/* SPDX-License-Identifier: MIT */
/* The breakpoints of a debugger: see breakpoints.h. */
#include <gdb/breakpoints.h>
#include <string.h>

#define INT3 0xccu

/* ---- in memory ---- */

static size_t software_at(const struct gdb_breakpoints *b, gpa_t gpa)
{
	size_t i = 0;

	while (i < b->count && b->software[i].gpa != gpa)
		i++;
	return i;
}

bool gdb_software_is_at(const struct gdb_breakpoints *b, gpa_t gpa)
{
	return software_at(b, gpa) < b->count;
}

enum gdb_result gdb_software_insert(struct gdb_breakpoints *b, uint64_t address, gpa_t gpa)
{
	uint8_t byte;

	if (gdb_software_is_at(b, gpa))
		return GDB_OK;
	if (b->count == GDB_SOFTWARE_MAX || !b->memory->read(b->context, gpa, &byte) ||
	    !b->memory->write(b->context, gpa, INT3))
		return GDB_FAILED;
	b->software[b->count].address = address;
	b->software[b->count].gpa = gpa;
	b->software[b->count].byte = byte;
	b->count++;
	b->state.flags |= DEBUG_INT3;
	return GDB_OK;
}

/* What the guest has written there since stays. */
static void software_drop(struct gdb_breakpoints *b, size_t i)
{
	uint8_t byte = 0;

	if (b->memory->read(b->context, b->software[i].gpa, &byte) && byte == INT3)
		(void)b->memory->write(b->context, b->software[i].gpa, b->software[i].byte);
	b->software[i] = b->software[--b->count];
	if (!b->count)
		b->state.flags &= ~(uint32_t)DEBUG_INT3;
}

/* By the address: the guest may have mapped something else there meanwhile. */
enum gdb_result gdb_software_remove(struct gdb_breakpoints *b, uint64_t address)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->software[i].address == address) {
			software_drop(b, i);
			return GDB_OK;
		}
	return GDB_FAILED;
}

bool gdb_memory_read(const struct gdb_breakpoints *b, gpa_t gpa, uint8_t *byte)
{
	size_t i = software_at(b, gpa);

	if (!b->memory->read(b->context, gpa, byte))
		return false;
	if (i < b->count && *byte == INT3)
		*byte = b->software[i].byte;
	return true;
}

bool gdb_memory_write(struct gdb_breakpoints *b, gpa_t gpa, uint8_t byte)
{
	size_t i = software_at(b, gpa);
	uint8_t there;

	/* Where the guest has written over the INT3, nothing lies beneath any more. */
	if (i == b->count || !b->memory->read(b->context, gpa, &there) || there != INT3)
		return b->memory->write(b->context, gpa, byte);
	b->software[i].byte = byte;
	return true;
}

/* ---- the processor's ---- */

/* gdb's kinds as the processor has them. It has none for reads alone. */
static bool hardware_make(enum gdb_kind kind, uint64_t address, uint64_t length,
			  struct vp_breakpoint *made)
{
	static const uint8_t kinds[] = {
		[GDB_HARDWARE] = BREAKPOINT_EXECUTE,
		[GDB_WRITE] = BREAKPOINT_WRITE,
		[GDB_ACCESS] = BREAKPOINT_ACCESS,
	};

	if (kind == GDB_HARDWARE)
		length = 1;
	if (kind > GDB_ACCESS || kinds[kind] == BREAKPOINT_NONE || length == 0 || length > 8 ||
	    (length & (length - 1)) || (address & (length - 1)))
		return false;
	*made = (struct vp_breakpoint){
		.address = address,
		.kind = kinds[kind],
		.length = (uint8_t)length,
	};
	return true;
}

static bool hardware_is(const struct vp_breakpoint *a, const struct vp_breakpoint *b)
{
	return a->address == b->address && a->kind == b->kind && a->length == b->length;
}

enum gdb_result gdb_hardware_insert(struct gdb_breakpoints *b, enum gdb_kind kind, uint64_t address,
				    uint64_t length)
{
	struct vp_breakpoint wanted, *free = NULL;

	if (!hardware_make(kind, address, length, &wanted))
		return GDB_UNSUPPORTED;
	for (size_t i = 0; i < BREAKPOINT_COUNT; i++) {
		struct vp_breakpoint *at = &b->state.breakpoint[i];

		if (hardware_is(at, &wanted))
			return GDB_OK;
		if (!free && at->kind == BREAKPOINT_NONE)
			free = at;
	}
	if (!free)
		return GDB_FAILED;
	*free = wanted;
	b->kinds[free - b->state.breakpoint] = kind;
	return GDB_OK;
}

enum gdb_result gdb_hardware_remove(struct gdb_breakpoints *b, enum gdb_kind kind, uint64_t address,
				    uint64_t length)
{
	struct vp_breakpoint wanted;

	if (!hardware_make(kind, address, length, &wanted))
		return GDB_UNSUPPORTED;
	for (size_t i = 0; i < BREAKPOINT_COUNT; i++)
		if (hardware_is(&b->state.breakpoint[i], &wanted)) {
			memset(&b->state.breakpoint[i], 0, sizeof(wanted));
			return GDB_OK;
		}
	return GDB_FAILED;
}

void gdb_breakpoints_clear(struct gdb_breakpoints *b)
{
	while (b->count)
		software_drop(b, b->count - 1);
	gdb_breakpoints_forget(b);
}

void gdb_breakpoints_forget(struct gdb_breakpoints *b)
{
	b->count = 0;
	memset(&b->state, 0, sizeof(b->state));
}
