/* SPDX-License-Identifier: MIT */
/* gdb's registers of AArch64: features org.gnu.gdb.aarch64.core and .fpu, and one of ours. */
#include <gdb/registers.h>
#include <gdb/rows.h>
#include <string.h>

#define X(n)	    HV_ARM64_REGISTER_X0 + (n)
#define PSTATE_MODE MASK(5)
#define PSTATE_EL1H 5u

const uint32_t gdb_value_names[GDB_VALUES] = {
	X(0),
	X(1),
	X(2),
	X(3),
	X(4),
	X(5),
	X(6),
	X(7),
	X(8),
	X(9),
	X(10),
	X(11),
	X(12),
	X(13),
	X(14),
	X(15),
	X(16),
	X(17),
	X(18),
	X(19),
	X(20),
	X(21),
	X(22),
	X(23),
	X(24),
	X(25),
	X(26),
	X(27),
	X(28),
	X(29),
	X(30),
	HV_ARM64_REGISTER_SP,
	HV_ARM64_REGISTER_PC,
	HV_ARM64_REGISTER_PSTATE,
	HV_ARM64_REGISTER_SCTLR_EL1,
	HV_ARM64_REGISTER_TCR_EL1,
	HV_ARM64_REGISTER_TTBR0_EL1,
	HV_ARM64_REGISTER_TTBR1_EL1,
	HV_ARM64_REGISTER_MAIR_EL1,
	HV_ARM64_REGISTER_VBAR_EL1,
	HV_ARM64_REGISTER_ESR_EL1,
	HV_ARM64_REGISTER_FAR_EL1,
	HV_ARM64_REGISTER_ELR_EL1,
	HV_ARM64_REGISTER_SPSR_EL1,
	HV_ARM64_REGISTER_SP_EL0,
	HV_ARM64_REGISTER_SP_EL1,
	HV_ARM64_REGISTER_TPIDR_EL0,
	HV_ARM64_REGISTER_TPIDR_EL1,
	HV_ARM64_REGISTER_CONTEXTIDR_EL1,
	HV_ARM64_REGISTER_CPACR_EL1,
};

enum row_source {
	SOURCE_VALUE,  /* value[place] */
	SOURCE_VECTOR, /* simd.q[] */
	SOURCE_FPSR,
	SOURCE_FPCR,
};

#define VECTORS                                                   \
	"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"   \
	"<vector id=\"v2u\" type=\"uint64\" count=\"2\"/>"        \
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"   \
	"<vector id=\"v4u\" type=\"uint32\" count=\"4\"/>"        \
	"<vector id=\"v16u\" type=\"uint8\" count=\"16\"/>"       \
	"<union id=\"aarch64v\"><field name=\"d\" type=\"v2d\"/>" \
	"<field name=\"u\" type=\"v2u\"/>"                        \
	"<field name=\"f\" type=\"v4f\"/>"                        \
	"<field name=\"w\" type=\"v4u\"/>"                        \
	"<field name=\"b\" type=\"v16u\"/></union>"
#define FEATURE(name, types) .feature = "<feature name=\"" name "\">" types
#define ROW(n, t, bytes, from, at) \
	.name = (n), .type = (t), .size = (bytes), .source = (from), .place = (at)
#define WORD(name, at) ROW(name, "int64", 8, SOURCE_VALUE, at)

/* In gdb's order of features, and its order within them. */
const struct gdb_row gdb_rows[] = {
	{ROW("x%u", "int64", 8, SOURCE_VALUE, 0), .count = 31,
	 FEATURE("org.gnu.gdb.aarch64.core", "")},
	{ROW("sp", "data_ptr", 8, SOURCE_VALUE, GDB_VALUE_SP)},
	{ROW("pc", "code_ptr", 8, SOURCE_VALUE, GDB_VALUE_PC)},
	{ROW("cpsr", "int32", 4, SOURCE_VALUE, GDB_VALUE_PSTATE)},
	{ROW("v%u", "aarch64v", 16, SOURCE_VECTOR, 0), .count = 32,
	 FEATURE("org.gnu.gdb.aarch64.fpu", VECTORS)},
	{ROW("fpsr", "int32", 4, SOURCE_FPSR, 0)},
	{ROW("fpcr", "int32", 4, SOURCE_FPCR, 0)},
	{WORD("sctlr_el1", GDB_VALUE_SCTLR), FEATURE("org.trivet.aarch64.system", "")},
	{WORD("tcr_el1", GDB_VALUE_TCR)},
	{WORD("ttbr0_el1", GDB_VALUE_TTBR0)},
	{WORD("ttbr1_el1", GDB_VALUE_TTBR1)},
	{WORD("mair_el1", GDB_VALUE_SYSTEM + 4)},
	{WORD("vbar_el1", GDB_VALUE_SYSTEM + 5)},
	{WORD("esr_el1", GDB_VALUE_SYSTEM + 6)},
	{WORD("far_el1", GDB_VALUE_SYSTEM + 7)},
	{WORD("elr_el1", GDB_VALUE_SYSTEM + 8)},
	{WORD("spsr_el1", GDB_VALUE_SYSTEM + 9)},
	{WORD("sp_el0", GDB_VALUE_SP_EL0)},
	{WORD("sp_el1", GDB_VALUE_SP_EL1)},
	{WORD("tpidr_el0", GDB_VALUE_SYSTEM + 12)},
	{WORD("tpidr_el1", GDB_VALUE_SYSTEM + 13)},
	{WORD("contextidr_el1", GDB_VALUE_SYSTEM + 14)},
	{WORD("cpacr_el1", GDB_VALUE_SYSTEM + 15)},
};
const size_t gdb_row_count = ARRAY_SIZE(gdb_rows);
const char gdb_architecture[] = "aarch64";
static_assert(GDB_VALUE_SYSTEM + 16 == GDB_VALUES, "each has its place");

/* Where a register's bytes are; NULL: they are not known. */
static void *place_of(struct gdb_state *state, const struct gdb_row *row, unsigned index)
{
	if (row->source == SOURCE_VALUE)
		return &state->value[row->place + index];
	if (!state->has_simd)
		return NULL;
	switch (row->source) {
	case SOURCE_VECTOR: return state->simd.q[index];
	case SOURCE_FPSR: return &state->simd.fpsr;
	default: return &state->simd.fpcr;
	}
}

bool gdb_register_read(const struct gdb_state *state, size_t number,
		       uint8_t bytes[GDB_REGISTER_SIZE])
{
	unsigned index;
	const struct gdb_row *row = gdb_row_find(number, &index);
	const void *place = row ? place_of((struct gdb_state *)(uintptr_t)state, row, index) : NULL;

	memset(bytes, 0, GDB_REGISTER_SIZE);
	if (place)
		memcpy(bytes, place, row->size);
	return place;
}

/* "sp" is one of the two others, by PSTATE: what was written last counts. */
static void stack_pointers_align(struct gdb_state *state, bool sp_written)
{
	union hv_register_value *sp = &state->value[GDB_VALUE_SP];
	uint64_t mode = state->value[GDB_VALUE_PSTATE].reg64 & PSTATE_MODE;
	union hv_register_value *chosen =
		&state->value[mode == PSTATE_EL1H ? GDB_VALUE_SP_EL1 : GDB_VALUE_SP_EL0];

	if (sp_written)
		*chosen = *sp;
	else
		*sp = *chosen;
}

bool gdb_register_write(struct gdb_state *state, size_t number, const uint8_t *bytes)
{
	unsigned index;
	const struct gdb_row *row = gdb_row_find(number, &index);
	void *place = row ? place_of(state, row, index) : NULL;

	if (!place)
		return false;
	memcpy(place, bytes, row->size);
	if (row->source == SOURCE_VALUE)
		stack_pointers_align(state, row->place + index == GDB_VALUE_SP);
	else
		state->simd_changed = true;
	return true;
}

uint64_t gdb_state_pc(const struct gdb_state *state)
{
	return state->value[GDB_VALUE_PC].reg64;
}

void gdb_state_pc_set(struct gdb_state *state, uint64_t address)
{
	state->value[GDB_VALUE_PC].reg64 = address;
}
