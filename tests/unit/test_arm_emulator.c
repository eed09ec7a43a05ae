/* SPDX-License-Identifier: MIT */
/*
 * The decoder of loads and stores, against a public disassembler over encodings at random, and by hand; and the
 * walk of translation tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <capstone/capstone.h>

#include <emulator/access.h>
#include <translation.h>

#define ROUNDS 400000u

static uint64_t random_state = 0x243f6a8885a308d3;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void registers_fill(struct access_registers *registers)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(registers->x); i++)
		registers->x[i] = random_next();
	registers->pc = random_next() & ~3ull;
}

/* ---- against capstone ---- */

static csh capstone;

/* What an instruction accesses, by its name: size of a part, and how often. */
static const struct {
	const char *name;
	uint8_t size; /* 0: that of the first register */
	uint8_t count;
	bool write, sign;
} names[] = {
	{"ldr", 0, 1, false, false},	{"str", 0, 1, true, false},
	{"ldur", 0, 1, false, false},	{"stur", 0, 1, true, false},
	{"ldtr", 0, 1, false, false},	{"sttr", 0, 1, true, false},
	{"ldrb", 1, 1, false, false},	{"strb", 1, 1, true, false},
	{"ldurb", 1, 1, false, false},	{"sturb", 1, 1, true, false},
	{"ldtrb", 1, 1, false, false},	{"sttrb", 1, 1, true, false},
	{"ldrh", 2, 1, false, false},	{"strh", 2, 1, true, false},
	{"ldurh", 2, 1, false, false},	{"sturh", 2, 1, true, false},
	{"ldtrh", 2, 1, false, false},	{"sttrh", 2, 1, true, false},
	{"ldrsb", 1, 1, false, true},	{"ldursb", 1, 1, false, true},
	{"ldtrsb", 1, 1, false, true},	{"ldrsh", 2, 1, false, true},
	{"ldursh", 2, 1, false, true},	{"ldtrsh", 2, 1, false, true},
	{"ldrsw", 4, 1, false, true},	{"ldursw", 4, 1, false, true},
	{"ldtrsw", 4, 1, false, true},	{"ldp", 0, 2, false, false},
	{"stp", 0, 2, true, false},	{"ldnp", 0, 2, false, false},
	{"stnp", 0, 2, true, false},	{"ldpsw", 4, 2, false, true},
	{"ldar", 0, 1, false, false},	{"stlr", 0, 1, true, false},
	{"ldarb", 1, 1, false, false},	{"stlrb", 1, 1, true, false},
	{"ldarh", 2, 1, false, false},	{"stlrh", 2, 1, true, false},
	{"ldlar", 0, 1, false, false},	{"stllr", 0, 1, true, false},
	{"ldlarb", 1, 1, false, false}, {"stllrb", 1, 1, true, false},
	{"ldlarh", 2, 1, false, false}, {"stllrh", 2, 1, true, false},
};

/* A general register's number, 32: it is none. */
static unsigned int number_of(arm64_reg reg, bool *wide)
{
	*wide = false;
	if (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30)
		return reg - ARM64_REG_W0;
	*wide = true;
	if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28)
		return reg - ARM64_REG_X0;
	switch (reg) {
	case ARM64_REG_X29: return 29;
	case ARM64_REG_X30: return 30;
	case ARM64_REG_XZR:
	case ARM64_REG_SP: return 31;
	case ARM64_REG_WZR:
	case ARM64_REG_WSP: *wide = false; return 31;
	default: return 32;
	}
}

static uint64_t index_value(const cs_arm64_op *op, const struct access_registers *registers)
{
	bool wide;
	unsigned int n = number_of(op->mem.index, &wide);
	uint64_t value = n == 31 ? 0 : registers->x[n];

	if (op->ext == ARM64_EXT_SXTW)
		value = (uint64_t)(int64_t)(int32_t)value;
	else if (op->ext == ARM64_EXT_UXTW)
		value = (uint32_t)value;
	return op->shift.type == ARM64_SFT_LSL ? value << op->shift.value : value;
}

/* The address of what is no literal; `post`: an immediate behind it is added later. */
static void address_check(const cs_insn *insn, const struct access_registers *registers,
			  const struct access *access)
{
	const cs_arm64 *arm = &insn->detail->arm64;
	const cs_arm64_op *memory = &arm->operands[access->count], *last;
	uint64_t base, offset, added = 0;
	bool wide;

	assert_int_equal(memory->type, ARM64_OP_MEM);
	base = registers->x[number_of(memory->mem.base, &wide)];
	offset = memory->mem.index == ARM64_REG_INVALID ? (uint64_t)(int64_t)memory->mem.disp
							: index_value(memory, registers);
	last = &arm->operands[arm->op_count - 1];
	if (last != memory && last->type == ARM64_OP_IMM)
		added = (uint64_t)last->imm;
	assert_int_equal(access->address, base + offset);
	assert_int_equal(access->write_back, arm->writeback);
	if (access->write_back)
		assert_int_equal(access->base_value, base + offset + added);
}

static void access_check(const cs_insn *insn, uint32_t word,
			 const struct access_registers *registers, const struct access *access)
{
	const cs_arm64 *arm = &insn->detail->arm64;
	size_t row = 0;
	bool wide;

	while (row < ARRAY_SIZE(names) && strcmp(names[row].name, insn->mnemonic) != 0)
		row++;
	if (row == ARRAY_SIZE(names))
		fail_msg("%08x: %s %s is none of the known", word, insn->mnemonic, insn->op_str);
	for (unsigned int i = 0; i < access->count; i++)
		assert_int_equal(access->target[i], number_of(arm->operands[i].reg, &wide));
	assert_int_equal(access->count, names[row].count);
	assert_int_equal(access->write, names[row].write);
	assert_int_equal(access->sign, names[row].sign);
	assert_int_equal(access->size, names[row].size ? names[row].size : wide ? 8 : 4);
	if (!access->write)
		assert_int_equal(access->wide, wide);
	if (arm->operands[access->count].type == ARM64_OP_IMM)
		assert_int_equal(access->address, (uint64_t)arm->operands[access->count].imm);
	else
		address_check(insn, registers, access);
}

/* Encodings at random, of loads and stores alone: what is accepted is what the disassembler reads. */
static void agrees_with_capstone(void **state)
{
	unsigned int accepted = 0;
	struct access_registers registers;
	struct access access;
	cs_insn *insn;

	(void)state;
	registers_fill(&registers);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint32_t word = (uint32_t)random_next() & ~0x0a000000u;

		word |= 0x08000000;
		if (access_decode(word, &registers, &access) != ACCESS_OK)
			continue;
		/* It knows no name for fields that should be ones, and are not. */
		if (cs_disasm(capstone, (const uint8_t *)&word, 4, registers.pc, 1, &insn) != 1)
			continue;
		access_check(insn, word, &registers, &access);
		cs_free(insn, 1);
		accepted++;
	}
	assert_true(accepted > ROUNDS / 8);
}

/* And what the disassembler calls by one of those names is accepted, if its effect is defined. */
static void nothing_is_forgotten(void **state)
{
	struct access_registers registers;
	struct access access;
	unsigned int seen = 0;
	cs_insn *insn;

	(void)state;
	registers_fill(&registers);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint32_t word = (uint32_t)random_next() & ~0x0e000000u;
		enum access_result result;
		bool wide;

		word |= 0x08000000;
		if (cs_disasm(capstone, (const uint8_t *)&word, 4, registers.pc, 1, &insn) != 1)
			continue;
		result = access_decode(word, &registers, &access);
		for (size_t row = 0; row < ARRAY_SIZE(names); row++) {
			if (strcmp(names[row].name, insn->mnemonic) != 0 ||
			    number_of(insn->detail->arm64.operands[0].reg, &wide) == 32)
				continue;
			seen++;
			/* LDP of one register twice, or a base that is a target too. */
			if (result == ACCESS_NONE)
				assert_true(insn->detail->arm64.writeback || access.count == 2);
			else
				assert_int_equal(result, ACCESS_OK);
		}
		cs_free(insn, 1);
	}
	assert_true(seen > ROUNDS / 8);
}

static int capstone_open(void **state)
{
	(void)state;
	if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &capstone) != CS_ERR_OK)
		return -1;
	return cs_option(capstone, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK ? 0 : -1;
}

static int capstone_close(void **state)
{
	(void)state;
	return cs_close(&capstone) == CS_ERR_OK ? 0 : -1;
}

/* ---- by hand ---- */

static void refused(void **state)
{
	static const uint32_t words[] = {
		0x885f7c20,		   /* ldxr w0, [x1] */
		0xc8027c20,		   /* stxr w2, x0, [x1] */
		0x88dffc20 & ~0x00800000u, /* ldaxr-like: exclusive */
		0xf8200020,		   /* ldadd x0, x0, [x1] */
		0xf8208020,		   /* swp x0, x0, [x1] */
		0xc8a07c20,		   /* cas x0, x0, [x1] */
		0x3dc00020,		   /* ldr q0, [x1] */
		0xad400420,		   /* ldp q0, q1, [x1] */
		0xf9800020,		   /* prfm pldl1keep, [x1] */
		0xd9200820,		   /* stg x0, [x1] */
		0x0c407020,		   /* ld1 {v0.8b}, [x1] */
	};
	static const uint32_t others[] = {
		0xd503201f,	/* nop */
		0x8b010000,	/* add x0, x0, x1 */
		0x14000001,	/* b */
		0xd4000002,	/* hvc #0 */
		0xf8408c21,	/* ldr x1, [x1, #8]!: base and target */
		0xa9400400 | 0, /* ldp x0, x1, [x0]: fine, below */
	};
	struct access_registers registers;
	struct access access;

	(void)state;
	registers_fill(&registers);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_int_equal(access_decode(words[i], &registers, &access), ACCESS_REFUSED);
	for (size_t i = 0; i < ARRAY_SIZE(others) - 1; i++)
		assert_int_equal(access_decode(others[i], &registers, &access), ACCESS_NONE);
	assert_int_equal(access_decode(others[ARRAY_SIZE(others) - 1], &registers, &access),
			 ACCESS_OK);
	/* ldp x0, x0, [x1] */
	assert_int_equal(access_decode(0xa9400020, &registers, &access), ACCESS_NONE);
}

static void loads_end(void **state)
{
	const uint64_t values[ACCESS_PARTS] = {0xffffffff80000001, 0x123456789abcdef0};
	struct access_registers r;
	struct access access;

	(void)state;
	registers_fill(&r);
	r.x[1] = 0x1000;
	r.pc = 0x4000;
	/* ldp x2, x3, [x1], #16 */
	assert_int_equal(access_decode(0xa8c10c22, &r, &access), ACCESS_OK);
	assert_int_equal(access.address, 0x1000);
	access_finish(&access, values, &r);
	assert_int_equal(r.x[2], values[0]);
	assert_int_equal(r.x[3], values[1]);
	assert_int_equal(r.x[1], 0x1010);
	assert_int_equal(r.pc, 0x4004);
	/* ldpsw x2, x3, [x1, #-8]! */
	assert_int_equal(access_decode(0x69ff0c22, &r, &access), ACCESS_OK);
	assert_int_equal(access.address, 0x1008);
	access_finish(&access, values, &r);
	assert_int_equal(r.x[2], 0xffffffff80000001);
	assert_int_equal(r.x[3], 0xffffffff9abcdef0);
	assert_int_equal(r.x[1], 0x1008);
	/* ldrsb w5, [x1], #1: the upper half is cleared */
	assert_int_equal(access_decode(0x38c01425, &r, &access), ACCESS_OK);
	access_finish(&access, (const uint64_t[ACCESS_PARTS]){0x80}, &r);
	assert_int_equal(r.x[5], 0xffffff80);
	/* ldr xzr, [sp, #8]!: nothing is loaded, and the base is SP */
	r.x[31] = 0x2000;
	assert_int_equal(access_decode(0xf8408fff, &r, &access), ACCESS_OK);
	assert_int_equal(access.address, 0x2008);
	access_finish(&access, values, &r);
	assert_int_equal(r.x[31], 0x2008);
}

static void stores_end(void **state)
{
	const uint64_t none[ACCESS_PARTS] = {0};
	struct access_registers r;
	struct access access;

	(void)state;
	registers_fill(&r);
	r.x[1] = 0x1000;
	r.x[2] = 0x1122334455667788;
	/* stp w2, wzr, [x1, #-8]! */
	assert_int_equal(access_decode(0x29bf7c22, &r, &access), ACCESS_OK);
	assert_true(access.write);
	assert_int_equal(access.address, 0xff8);
	assert_int_equal(access_store_value(&access, 0, &r), 0x55667788);
	assert_int_equal(access_store_value(&access, 1, &r), 0);
	access_finish(&access, none, &r);
	assert_int_equal(r.x[1], 0xff8);
	assert_int_equal(r.x[2], 0x1122334455667788);
}

/* ---- translation tables ---- */

#define TABLES 0x10000u

struct tables {
	uint64_t words[3][512];
};

static bool tables_read(void *context, gpa_t gpa, uint64_t *entry)
{
	struct tables *tables = context;
	uint64_t offset = gpa - TABLES;

	if (gpa < TABLES || !range_within(offset, 8, sizeof(*tables)))
		return false;
	*entry = tables->words[offset / 4096][offset % 4096 / 8];
	return true;
}

static void walks(void **state)
{
	/* 4 KiB, 39 bits in both halves: levels 1 to 3. */
	struct translation_regime regime = {
		.sctlr = 1,
		.tcr = 25 | 25ull << 16 | 2ull << 30,
		.ttbr0 = TABLES,
		.ttbr1 = TABLES | 0xabull << 48,
	};
	static struct tables tables;
	struct translation found;

	(void)state;
	memset(&tables, 0, sizeof(tables));
	tables.words[0][1] = (TABLES + 4096) | 3;
	tables.words[0][2] = 0x80000000 | 1; /* 1 GiB */
	tables.words[1][3] = (TABLES + 8192) | 3;
	tables.words[1][4] = 0x00a00000 | 1; /* 2 MiB */
	tables.words[2][5] = 0x0000beef5000 | 3;
	tables.words[2][6] = 0x0000beef6000 | 1; /* no page */
	assert_true(translation_walk(&regime, tables_read, &tables, 0x40605123, &found));
	assert_int_equal(found.gpa, 0xbeef5123);
	assert_true(translation_walk(&regime, tables_read, &tables, 0xffffff8040605123, &found));
	assert_int_equal(found.gpa, 0xbeef5123);
	assert_true(translation_walk(&regime, tables_read, &tables, 0x40812345, &found));
	assert_int_equal(found.gpa, 0x00a12345);
	assert_true(translation_walk(&regime, tables_read, &tables, 0x81234567, &found));
	assert_int_equal(found.gpa, 0x81234567);
	assert_false(translation_walk(&regime, tables_read, &tables, 0x40606000, &found));
	assert_false(translation_walk(&regime, tables_read, &tables, 0, &found));
	/* Neither half. */
	assert_false(translation_walk(&regime, tables_read, &tables, 0x8000000000, &found));
	/* A tag is no part of the address, if the half has such. */
	assert_false(translation_walk(&regime, tables_read, &tables, 0x5500000040605123, &found));
	regime.tcr |= BIT(37);
	assert_true(translation_walk(&regime, tables_read, &tables, 0x5500000040605123, &found));
	regime.tcr |= BIT(7);
	assert_false(translation_walk(&regime, tables_read, &tables, 0x40605123, &found));
	regime.sctlr = 0;
	assert_true(translation_walk(&regime, tables_read, &tables, 0x40605123, &found));
	assert_int_equal(found.gpa, 0x40605123);
}

/* Tables of which there is little: an entry, and where it stands. */
struct sparse {
	struct {
		gpa_t at;
		uint64_t entry;
	} entries[4];
};

static bool sparse_read(void *context, gpa_t gpa, uint64_t *entry)
{
	const struct sparse *sparse = context;

	for (size_t i = 0; i < ARRAY_SIZE(sparse->entries); i++)
		if (sparse->entries[i].at == gpa) {
			*entry = sparse->entries[i].entry;
			return true;
		}
	return false;
}

/* The other sizes of pages; each half says its own, in its own numbers. */
static void walks_large(void **state)
{
	/* 16 KiB below, 48 bits: levels 0 to 3, of which the first has two entries. 64 KiB above, 42 bits: 2 and 3. */
	const struct translation_regime regime = {
		.sctlr = 1,
		.tcr = 16 | 2ull << 14 | 22ull << 16 | 3ull << 30,
		.ttbr0 = 0x40000000 | 1, /* CnP */
		.ttbr1 = 0x50000000,
	};
	struct sparse below = {{{0x40000000 + 8 * 1, 0x41000003},
				{0x41000000 + 8 * 0x7ff, 0x42000003},
				{0x42000000 + 8 * 1, 0x80000001 | 0x2000000},
				{0x42000000 + 8 * 2, 0x43000003}}};
	struct sparse above = {{{0x50000000 + 8 * 0x1fff, 0x51000003},
				{0x51000000 + 8 * 0x1ffe, 0x123450003},
				{0x50000000 + 8 * 0x1ffd, 0xe0000001}}};
	struct translation found;

	(void)state;
	assert_true(translation_walk(&regime, sparse_read, &below, 0xfff002345678, &found));
	assert_int_equal(found.gpa, 0x82000000 + 0x345678);
	below.entries[2].at = 0x43000000 + 8 * 0x123;
	below.entries[2].entry = 0x777774003;
	assert_true(translation_walk(&regime, sparse_read, &below, 0xfff00448fabc, &found));
	assert_int_equal(found.gpa, 0x777777abc);
	assert_false(translation_walk(&regime, sparse_read, &below, 0x7ff00448fabc, &found));
	assert_true(translation_walk(&regime, sparse_read, &above, 0xffffffffffffffff - 0x10123,
				     &found));
	assert_int_equal(found.gpa, 0x12345fedc);
	assert_true(translation_walk(&regime, sparse_read, &above, 0xffffffffafffffff, &found));
	assert_int_equal(found.gpa, 0xefffffff);
	assert_false(translation_walk(&regime, sparse_read, &above, 0xfffffbffffffffff, &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_capstone),
		cmocka_unit_test(nothing_is_forgotten),
		cmocka_unit_test(refused),
		cmocka_unit_test(loads_end),
		cmocka_unit_test(stores_end),
		cmocka_unit_test(walks),
		cmocka_unit_test(walks_large),
	};

	return cmocka_run_group_tests(tests, capstone_open, capstone_close);
}
