/* SPDX-License-Identifier: MIT */
/*
 * The breakpoints of a debugger: an instruction (INT3, BRK) in the guest's memory, which all VPs meet, and the four that the
 * processor looks for, which each VP is given. Pure.
 */
#ifndef GDB_BREAKPOINTS_H
#define GDB_BREAKPOINTS_H

#include <gdb/registers.h>
#include <gdb/server.h>
#include <trivet/abi.h>

#define GDB_SOFTWARE_MAX 128u

/* How guest memory is reached, by guest-physical address. False: it is none. */
struct gdb_memory_ops {
	bool (*read)(void *context, gpa_t gpa, uint8_t *byte);
	bool (*write)(void *context, gpa_t gpa, uint8_t byte);
};

struct gdb_breakpoints {
	const struct gdb_memory_ops *memory;
	void *context;
	size_t count;
	struct {
		uint64_t address; /* linear, as gdb named it */
		gpa_t gpa;
		uint8_t bytes[GDB_BREAK_SIZE]; /* that were there */
	} software[GDB_SOFTWARE_MAX];
	enum gdb_kind kinds[BREAKPOINT_COUNT]; /* as gdb asked for those of the processor */
	struct vp_debug_state state;	       /* for each VP, without steps */
};

/* One at `address`, which is at `gpa` now. */
enum gdb_result gdb_software_insert(struct gdb_breakpoints *b, uint64_t address, gpa_t gpa);
enum gdb_result gdb_software_remove(struct gdb_breakpoints *b, uint64_t address);
/* True: the one at `gpa` is ours. */
bool gdb_software_is_at(const struct gdb_breakpoints *b, gpa_t gpa);
/* One of the processor's. UNSUPPORTED: it has none of that kind or length; FAILED: all are in use. */
enum gdb_result gdb_hardware_insert(struct gdb_breakpoints *b, enum gdb_kind kind, uint64_t address,
				    uint64_t length);
enum gdb_result gdb_hardware_remove(struct gdb_breakpoints *b, enum gdb_kind kind, uint64_t address,
				    uint64_t length);
/* All are gone, and memory is as it was. */
void gdb_breakpoints_clear(struct gdb_breakpoints *b);
/* All are gone, as the memory is that they were in. */
void gdb_breakpoints_forget(struct gdb_breakpoints *b);
/* Memory as the guest has it, whether there is a breakpoint or not. */
bool gdb_memory_read(const struct gdb_breakpoints *b, gpa_t gpa, uint8_t *byte);
bool gdb_memory_write(struct gdb_breakpoints *b, gpa_t gpa, uint8_t byte);

#endif
