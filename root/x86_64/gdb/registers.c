/* SPDX-License-Identifier: MIT */
/* The registers of a VP as gdb sees them: see registers.h. */
#include <gdb/registers.h>
#include <gdb/rows.h>
#include <string.h>

const uint32_t gdb_value_names[GDB_VALUES] = {
	HV_X64_REGISTER_RAX,
	HV_X64_REGISTER_RCX,
	HV_X64_REGISTER_RDX,
	HV_X64_REGISTER_RBX,
	HV_X64_REGISTER_RSP,
	HV_X64_REGISTER_RBP,
	HV_X64_REGISTER_RSI,
	HV_X64_REGISTER_RDI,
	HV_X64_REGISTER_R8,
	HV_X64_REGISTER_R8 + 1,
	HV_X64_REGISTER_R8 + 2,
	HV_X64_REGISTER_R8 + 3,
	HV_X64_REGISTER_R8 + 4,
	HV_X64_REGISTER_R8 + 5,
	HV_X64_REGISTER_R8 + 6,
	HV_X64_REGISTER_R15,
	HV_X64_REGISTER_RIP,
	HV_X64_REGISTER_RFLAGS,
	HV_X64_REGISTER_ES,
	HV_X64_REGISTER_ES + 1,
	HV_X64_REGISTER_ES + 2,
	HV_X64_REGISTER_ES + 3,
	HV_X64_REGISTER_ES + 4,
	HV_X64_REGISTER_ES + 5,
	HV_X64_REGISTER_CR0,
	HV_X64_REGISTER_CR2,
	HV_X64_REGISTER_CR3,
	HV_X64_REGISTER_CR4,
	HV_X64_REGISTER_CR8,
	HV_X64_REGISTER_EFER,
	HV_X64_REGISTER_KERNEL_GS_BASE,
	HV_X64_REGISTER_XMM0,
	HV_X64_REGISTER_XMM0 + 1,
	HV_X64_REGISTER_XMM0 + 2,
	HV_X64_REGISTER_XMM0 + 3,
	HV_X64_REGISTER_XMM0 + 4,
	HV_X64_REGISTER_XMM0 + 5,
	HV_X64_REGISTER_XMM0 + 6,
	HV_X64_REGISTER_XMM0 + 7,
	HV_X64_REGISTER_XMM0 + 8,
	HV_X64_REGISTER_XMM0 + 9,
	HV_X64_REGISTER_XMM0 + 10,
	HV_X64_REGISTER_XMM0 + 11,
	HV_X64_REGISTER_XMM0 + 12,
	HV_X64_REGISTER_XMM0 + 13,
	HV_X64_REGISTER_XMM0 + 14,
	HV_X64_REGISTER_XMM0 + 15,
};

/* Where a register's value is. */
enum source {
	SOURCE_VALUE,	 /* the low bytes of value[place] */
	SOURCE_SELECTOR, /* of the segment in value[place] */
	SOURCE_BASE,
	SOURCE_LEGACY, /* `bytes` at legacy[place], the rest 0; only read */
	SOURCE_TAGS,   /* x87's tag word, of which the area has one bit for two */
};

#define TYPES                                                                                      \
	"<flags id=\"i386_eflags\" size=\"4\">"                                                    \
	"<field name=\"CF\" start=\"0\" end=\"0\"/><field name=\"\" start=\"1\" end=\"1\"/>"       \
	"<field name=\"PF\" start=\"2\" end=\"2\"/><field name=\"AF\" start=\"4\" end=\"4\"/>"     \
	"<field name=\"ZF\" start=\"6\" end=\"6\"/><field name=\"SF\" start=\"7\" end=\"7\"/>"     \
	"<field name=\"TF\" start=\"8\" end=\"8\"/><field name=\"IF\" start=\"9\" end=\"9\"/>"     \
	"<field name=\"DF\" start=\"10\" end=\"10\"/><field name=\"OF\" start=\"11\" end=\"11\"/>" \
	"<field name=\"NT\" start=\"14\" end=\"14\"/><field name=\"RF\" start=\"16\" end=\"16\"/>" \
	"<field name=\"VM\" start=\"17\" end=\"17\"/><field name=\"AC\" start=\"18\" end=\"18\"/>" \
	"<field name=\"VIF\" start=\"19\" end=\"19\"/><field name=\"VIP\" start=\"20\" "           \
	"end=\"20\"/>"                                                                             \
	"<field name=\"ID\" start=\"21\" end=\"21\"/></flags>"

#define VECTORS                                                        \
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"        \
	"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"        \
	"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"            \
	"<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"            \
	"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"            \
	"<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"            \
	"<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>" \
	"<field name=\"v2_double\" type=\"v2d\"/>"                     \
	"<field name=\"v16_int8\" type=\"v16i8\"/>"                    \
	"<field name=\"v8_int16\" type=\"v8i16\"/>"                    \
	"<field name=\"v4_int32\" type=\"v4i32\"/>"                    \
	"<field name=\"v2_int64\" type=\"v2i64\"/>"                    \
	"<field name=\"uint128\" type=\"uint128\"/></union>"

#define ROW(n, t, bytes, from, at) \
	.name = (n), .type = (t), .size = (bytes), .source = (from), .place = (at)
#define FEATURE(name, types) .feature = "<feature name=\"" name "\">" types

/* In gdb's order of features, and its order within them. XSAVE's first part: SDM 1 table 10-2. */
const struct gdb_row gdb_rows[] = {
	{ROW("rax", "int64", 8, SOURCE_VALUE, 0), FEATURE("org.gnu.gdb.i386.core", TYPES)},
	{ROW("rbx", "int64", 8, SOURCE_VALUE, 3)},
	{ROW("rcx", "int64", 8, SOURCE_VALUE, 1)},
	{ROW("rdx", "int64", 8, SOURCE_VALUE, 2)},
	{ROW("rsi", "int64", 8, SOURCE_VALUE, 6)},
	{ROW("rdi", "int64", 8, SOURCE_VALUE, 7)},
	{ROW("rbp", "data_ptr", 8, SOURCE_VALUE, 5)},
	{ROW("rsp", "data_ptr", 8, SOURCE_VALUE, 4)},
	{ROW("r8", "int64", 8, SOURCE_VALUE, 8)},
	{ROW("r9", "int64", 8, SOURCE_VALUE, 9)},
	{ROW("r10", "int64", 8, SOURCE_VALUE, 10)},
	{ROW("r11", "int64", 8, SOURCE_VALUE, 11)},
	{ROW("r12", "int64", 8, SOURCE_VALUE, 12)},
	{ROW("r13", "int64", 8, SOURCE_VALUE, 13)},
	{ROW("r14", "int64", 8, SOURCE_VALUE, 14)},
	{ROW("r15", "int64", 8, SOURCE_VALUE, 15)},
	{ROW("rip", "code_ptr", 8, SOURCE_VALUE, GDB_VALUE_RIP)},
	{ROW("eflags", "i386_eflags", 4, SOURCE_VALUE, GDB_VALUE_RFLAGS)},
	{ROW("cs", "int32", 4, SOURCE_SELECTOR, GDB_VALUE_CS)},
	{ROW("ss", "int32", 4, SOURCE_SELECTOR, 20)},
	{ROW("ds", "int32", 4, SOURCE_SELECTOR, 21)},
	{ROW("es", "int32", 4, SOURCE_SELECTOR, 18)},
	{ROW("fs", "int32", 4, SOURCE_SELECTOR, 22)},
	{ROW("gs", "int32", 4, SOURCE_SELECTOR, 23)},
	{ROW("st%u", "i387_ext", 10, SOURCE_LEGACY, 32), .bytes = 10, .count = 8, .step = 16},
	{ROW("fctrl", "int", 4, SOURCE_LEGACY, 0), .bytes = 2},
	{ROW("fstat", "int", 4, SOURCE_LEGACY, 2), .bytes = 2},
	{ROW("ftag", "int", 4, SOURCE_TAGS, 4)},
	{ROW("fiseg", "int", 4, SOURCE_LEGACY, 12), .bytes = 2},
	{ROW("fioff", "int", 4, SOURCE_LEGACY, 8), .bytes = 4},
	{ROW("foseg", "int", 4, SOURCE_LEGACY, 20), .bytes = 2},
	{ROW("fooff", "int", 4, SOURCE_LEGACY, 16), .bytes = 4},
	{ROW("fop", "int", 4, SOURCE_LEGACY, 6), .bytes = 2},
	{ROW("xmm%u", "vec128", 16, SOURCE_VALUE, GDB_VALUE_XMM0), .count = 16, .step = 1,
	 FEATURE("org.gnu.gdb.i386.sse", VECTORS)},
	{ROW("mxcsr", "int", 4, SOURCE_LEGACY, 24), .bytes = 4},
	{ROW("fs_base", "int64", 8, SOURCE_BASE, 22), FEATURE("org.gnu.gdb.i386.segments", "")},
	{ROW("gs_base", "int64", 8, SOURCE_BASE, 23)},
	{ROW("k_gs_base", "int64", 8, SOURCE_VALUE, GDB_VALUE_KERNEL_GS_BASE),
	 FEATURE("org.trivet.i386.system", "")},
	{ROW("cr0", "int64", 8, SOURCE_VALUE, GDB_VALUE_CR0)},
	{ROW("cr2", "int64", 8, SOURCE_VALUE, GDB_VALUE_CR2)},
	{ROW("cr3", "int64", 8, SOURCE_VALUE, GDB_VALUE_CR3)},
	{ROW("cr4", "int64", 8, SOURCE_VALUE, GDB_VALUE_CR4)},
	{ROW("cr8", "int64", 8, SOURCE_VALUE, GDB_VALUE_CR8)},
	{ROW("efer", "int64", 8, SOURCE_VALUE, GDB_VALUE_EFER)},
};
const size_t gdb_row_count = ARRAY_SIZE(gdb_rows);
const char gdb_architecture[] = "i386:x86-64";

/* A register is empty (3) or not (0); of those that are not, gdb finds out itself what they hold. */
static uint32_t tags_expand(uint8_t used)
{
	uint32_t tags = 0;

	for (unsigned i = 0; i < 8; i++)
		if (!(used & BIT(i)))
			tags |= 3u << (2 * i);
	return tags;
}

bool gdb_register_read(const struct gdb_state *state, size_t number,
		       uint8_t bytes[GDB_REGISTER_SIZE])
{
	unsigned index;
	const struct gdb_row *row = gdb_row_find(number, &index);
	const union hv_register_value *value;
	size_t place;
	uint32_t tags;

	memset(bytes, 0, GDB_REGISTER_SIZE);
	if (!row)
		return false;
	place = row->place + (size_t)index * row->step;
	value = &state->value[row->source < SOURCE_LEGACY ? place : 0];
	switch (row->source) {
	case SOURCE_VALUE: memcpy(bytes, value, row->size); return true;
	case SOURCE_SELECTOR: memcpy(bytes, &value->segment.selector, 2); return true;
	case SOURCE_BASE: memcpy(bytes, &value->segment.base, 8); return true;
	case SOURCE_LEGACY: memcpy(bytes, state->legacy + place, row->bytes); break;
	default:
		tags = tags_expand(state->legacy[place]);
		memcpy(bytes, &tags, sizeof(tags));
		break;
	}
	return state->has_legacy;
}

bool gdb_register_write(struct gdb_state *state, size_t number, const uint8_t *bytes)
{
	unsigned index;
	const struct gdb_row *row = gdb_row_find(number, &index);
	union hv_register_value *value;

	if (!row || row->source >= SOURCE_LEGACY)
		return false;
	value = &state->value[row->place + index * row->step];
	switch (row->source) {
	case SOURCE_VALUE: memcpy(value, bytes, row->size); return true;
	case SOURCE_BASE: memcpy(&value->segment.base, bytes, 8); return true;
	default: break; /* a selector alone would not be one that can be loaded */
	}
	return false;
}

uint64_t gdb_state_pc(const struct gdb_state *state)
{
	const struct hv_x64_segment_register *cs = &state->value[GDB_VALUE_CS].segment;
	uint64_t rip = state->value[GDB_VALUE_RIP].reg64;

	return cs->attributes & HV_SEGMENT_L ? rip : (uint32_t)(rip + cs->base);
}

void gdb_state_pc_set(struct gdb_state *state, uint64_t address)
{
	state->value[GDB_VALUE_RIP].reg64 = address;
}
