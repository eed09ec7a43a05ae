/* SPDX-License-Identifier: MIT */
/*
 * The registers of a VP as gdb numbers and names them: one table, from which the target description, the
 * packets of all registers and those of one come. Pure.
 */
#ifndef GDB_REGISTERS_H
#define GDB_REGISTERS_H

#include <trivet/hv/arm64_registers.h>
#include <trivet/hv/registers.h>
#include <trivet/state.h>
#include <trivet/types.h>

#define GDB_VALUES	  50u /* registers that are asked of the kernel by name */
#define GDB_REGISTER_SIZE 16u /* of the largest */

/* Where gdb is, for people. */
#define GDB_LINE "the second serial line"

/* The instruction by which a breakpoint stands in memory: BRK #0. */
#define GDB_BREAK_BYTES 0x00, 0x00, 0x20, 0xd4
#define GDB_BREAK_SIZE	4u

/* What is known of a VP that stands still. */
struct gdb_state {
	union hv_register_value value[GDB_VALUES]; /* of gdb_value_names */
	bool has_simd, simd_changed;
	struct vp_state_simd simd;
};

extern const uint32_t gdb_value_names[GDB_VALUES];

/* Places in `value` of what is needed by others. */
enum gdb_value {
	GDB_VALUE_SP = 31,
	GDB_VALUE_PC,
	GDB_VALUE_PSTATE,
	GDB_VALUE_SYSTEM,
	GDB_VALUE_SCTLR = GDB_VALUE_SYSTEM,
	GDB_VALUE_TCR,
	GDB_VALUE_TTBR0,
	GDB_VALUE_TTBR1,
	GDB_VALUE_SP_EL0 = GDB_VALUE_SYSTEM + 10,
	GDB_VALUE_SP_EL1,
};

/* How many gdb numbers there are. */
size_t gdb_register_count(void);
/* In bytes; 0: there is no such register. */
size_t gdb_register_size(size_t number);
/* False: its value is not known. */
bool gdb_register_read(const struct gdb_state *state, size_t number,
		       uint8_t bytes[GDB_REGISTER_SIZE]);
/* False: it can't be written. */
bool gdb_register_write(struct gdb_state *state, size_t number, const uint8_t *bytes);
/* The address of the next instruction; and another place to go on at. */
uint64_t gdb_state_pc(const struct gdb_state *state);
void gdb_state_pc_set(struct gdb_state *state, uint64_t address);
/* The target description (XML) from `offset` on, `size` bytes at most; answers how many. */
size_t gdb_description_read(size_t offset, void *buffer, size_t size);

#endif
