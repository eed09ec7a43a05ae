/* SPDX-License-Identifier: MIT */
/* The breakpoints of a debugger: see breakpoints.h. */
#include <gdb/breakpoints.h>
#include <gdb/registers.h>
#include <string.h>

static const uint8_t break_bytes[GDB_BREAK_SIZE] = {GDB_BREAK_BYTES};

/* ---- in memory ---- */

/* The breakpoint that has a byte there; *part: which of its bytes. */
static size_t software_with(const struct gdb_breakpoints *b, gpa_t gpa, size_t *part)
{
	size_t i = 0;

	while (i < b->count && gpa - b->software[i].gpa >= GDB_BREAK_SIZE)
		i++;
	*part = i < b->count ? (size_t)(gpa - b->software[i].gpa) : 0;
	return i;
}

bool gdb_software_is_at(const struct gdb_breakpoints *b, gpa_t gpa)
{
	size_t part;

	return software_with(b, gpa, &part) < b->count && part == 0;
}

static bool bytes_read(const struct gdb_breakpoints *b, gpa_t gpa, uint8_t bytes[GDB_BREAK_SIZE])
{
	for (size_t i = 0; i < GDB_BREAK_SIZE; i++)
		if (!b->memory->read(b->context, gpa + i, &bytes[i]))
			return false;
	return true;
}

/* They are one page's: where one byte can be written, all can. */
static bool bytes_write(const struct gdb_breakpoints *b, gpa_t gpa,
			const uint8_t bytes[GDB_BREAK_SIZE])
{
	for (size_t i = 0; i < GDB_BREAK_SIZE; i++)
		if (!b->memory->write(b->context, gpa + i, bytes[i]))
			return false;
	return true;
}

enum gdb_result gdb_software_insert(struct gdb_breakpoints *b, uint64_t address, gpa_t gpa)
{
	uint8_t bytes[GDB_BREAK_SIZE];

	if (gdb_software_is_at(b, gpa))
		return GDB_OK;
	if (gpa % GDB_BREAK_SIZE || b->count == GDB_SOFTWARE_MAX || !bytes_read(b, gpa, bytes) ||
	    !bytes_write(b, gpa, break_bytes))
		return GDB_FAILED;
	b->software[b->count].address = address;
	b->software[b->count].gpa = gpa;
	memcpy(b->software[b->count].bytes, bytes, sizeof(bytes));
	b->count++;
	b->state.flags |= DEBUG_INT3;
	return GDB_OK;
}

/* What the guest has written there since stays. */
static void software_drop(struct gdb_breakpoints *b, size_t i)
{
	uint8_t bytes[GDB_BREAK_SIZE];

	if (bytes_read(b, b->software[i].gpa, bytes) &&
	    memcmp(bytes, break_bytes, sizeof(bytes)) == 0)
		(void)bytes_write(b, b->software[i].gpa, b->software[i].bytes);
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
	size_t part, i = software_with(b, gpa, &part);

	if (!b->memory->read(b->context, gpa, byte))
		return false;
	if (i < b->count && *byte == break_bytes[part])
		*byte = b->software[i].bytes[part];
	return true;
}

bool gdb_memory_write(struct gdb_breakpoints *b, gpa_t gpa, uint8_t byte)
{
	size_t part, i = software_with(b, gpa, &part);
	uint8_t there;

	/* Where the guest has written over the instruction, nothing lies beneath any more. */
	if (i == b->count || !b->memory->read(b->context, gpa, &there) ||
	    there != break_bytes[part])
		return b->memory->write(b->context, gpa, byte);
	b->software[i].bytes[part] = byte;
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
