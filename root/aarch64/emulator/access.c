/* SPDX-License-Identifier: MIT */
/*
 * The encodings are one table, by the bits that tell classes apart; each row has a function that takes the
 * class' fields. Names of fields and classes are the manual's.
 */
#include <emulator/access.h>

#include <string.h>

/* Fields of the instruction. */
static uint32_t field(uint32_t instruction, unsigned int low, unsigned int width)
{
	return instruction >> low & (uint32_t)MASK(width);
}

static int64_t field_signed(uint32_t instruction, unsigned int low, unsigned int width)
{
	return (int64_t)((uint64_t)field(instruction, low, width) << (64 - width)) >> (64 - width);
}

#define RT(i)  field(i, 0, 5)
#define RN(i)  field(i, 5, 5)
#define RT2(i) field(i, 10, 5)
#define RM(i)  field(i, 16, 5)

/* How an address is made of base and offset. */
enum index_mode { INDEX_OFFSET, INDEX_POST, INDEX_PRE };

static void address_make(struct access *access, uint32_t instruction,
			 const struct access_registers *registers, enum index_mode mode,
			 uint64_t offset)
{
	uint64_t base = registers->x[RN(instruction)];

	access->base = (uint8_t)RN(instruction);
	access->base_value = base + offset;
	access->write_back = mode != INDEX_OFFSET;
	access->address = mode == INDEX_POST ? base : base + offset;
}

/* size and opc of one register (C4.1.94). False: no such access. */
static bool single_make(struct access *access, uint32_t instruction)
{
	uint32_t size = field(instruction, 30, 2), opc = field(instruction, 22, 2);

	/* Sign extension to 32 bits, of 32 or 64; 64 to 64: PRFM, or nothing. */
	if (opc >= 2 && size == 3)
		return false;
	if (opc == 3 && size == 2)
		return false;
	access->size = (uint8_t)(1u << size);
	access->count = 1;
	access->write = opc == 0;
	access->sign = opc >= 2;
	access->wide = opc == 2 || size == 3;
	access->target[0] = (uint8_t)RT(instruction);
	return true;
}

/* The effect of writing back to a register that is loaded or stored is not defined (C6.2, each). */
static enum access_result write_back_check(const struct access *access)
{
	if (!access->write_back || access->base == ACCESS_SP)
		return ACCESS_OK;
	for (unsigned int i = 0; i < access->count; i++)
		if (access->target[i] == access->base)
			return ACCESS_NONE;
	return ACCESS_OK;
}

/* Is it PRFM, which takes size 3 and opc 2? */
static enum access_result single_refuse(uint32_t instruction)
{
	return field(instruction, 30, 2) == 3 && field(instruction, 22, 2) == 2 ? ACCESS_REFUSED
										: ACCESS_NONE;
}

static enum access_result single_unsigned(uint32_t instruction,
					  const struct access_registers *registers,
					  struct access *access)
{
	if (!single_make(access, instruction))
		return single_refuse(instruction);
	address_make(access, instruction, registers, INDEX_OFFSET,
		     (uint64_t)field(instruction, 10, 12) * access->size);
	return ACCESS_OK;
}

/* Unscaled, post-indexed, unprivileged, pre-indexed: bits 11 and 10. */
static enum access_result single_signed(uint32_t instruction,
					const struct access_registers *registers,
					struct access *access)
{
	static const uint8_t modes[] = {INDEX_OFFSET, INDEX_POST, INDEX_OFFSET, INDEX_PRE};
	uint32_t form = field(instruction, 10, 2);

	if (!single_make(access, instruction))
		return form == 0 ? single_refuse(instruction) : ACCESS_NONE;
	access->unprivileged = form == 2;
	address_make(access, instruction, registers, modes[form],
		     (uint64_t)field_signed(instruction, 12, 9));
	return write_back_check(access);
}

/* C6.2.194: LSL or an extension, by the size if S is set. */
static enum access_result single_register(uint32_t instruction,
					  const struct access_registers *registers,
					  struct access *access)
{
	uint32_t option = field(instruction, 13, 3), m = RM(instruction);
	uint64_t offset = m == ACCESS_SP ? 0 : registers->x[m];

	if (!single_make(access, instruction))
		return single_refuse(instruction);
	switch (option) {
	case 2: offset = (uint32_t)offset; break;
	case 6: offset = (uint64_t)(int32_t)offset; break;
	case 3:
	case 7: break;
	default: return ACCESS_NONE;
	}
	if (field(instruction, 12, 1))
		offset *= access->size;
	address_make(access, instruction, registers, INDEX_OFFSET, offset);
	return ACCESS_OK;
}

static enum access_result literal(uint32_t instruction, const struct access_registers *registers,
				  struct access *access)
{
	uint32_t opc = field(instruction, 30, 2);

	if (opc == 3)
		return ACCESS_REFUSED; /* PRFM */
	access->size = opc == 1 ? 8 : 4;
	access->count = 1;
	access->sign = opc == 2;
	access->wide = opc != 0;
	access->target[0] = (uint8_t)RT(instruction);
	access->address = registers->pc + (uint64_t)field_signed(instruction, 5, 19) * 4;
	return ACCESS_OK;
}

/* No allocate, post-indexed, offset, pre-indexed: bits 24 and 23. */
static enum access_result pair(uint32_t instruction, const struct access_registers *registers,
			       struct access *access)
{
	static const uint8_t modes[] = {INDEX_OFFSET, INDEX_POST, INDEX_OFFSET, INDEX_PRE};
	uint32_t opc = field(instruction, 30, 2), form = field(instruction, 23, 2);
	bool load = field(instruction, 22, 1);

	/* opc 1: LDPSW, which has no form without allocation, and STGP. */
	if (opc == 3 || (opc == 1 && form == 0))
		return ACCESS_NONE;
	if (opc == 1 && !load)
		return ACCESS_REFUSED;
	access->size = opc == 2 ? 8 : 4;
	access->count = 2;
	access->write = !load;
	access->sign = opc == 1;
	access->wide = opc != 0;
	access->target[0] = (uint8_t)RT(instruction);
	access->target[1] = (uint8_t)RT2(instruction);
	address_make(access, instruction, registers, modes[form],
		     (uint64_t)field_signed(instruction, 15, 7) * access->size);
	if (load && RT(instruction) == RT2(instruction))
		return ACCESS_NONE;
	return write_back_check(access);
}

/* LDAR, STLR, LDLAR, STLLR (C4.1.94, "Load/store ordered"): other fields are ones. The rest is exclusive. */
static enum access_result ordered(uint32_t instruction, const struct access_registers *registers,
				  struct access *access)
{
	uint32_t size = field(instruction, 30, 2);

	if (!field(instruction, 23, 1) || field(instruction, 21, 1))
		return ACCESS_REFUSED;
	access->size = (uint8_t)(1u << size);
	access->count = 1;
	access->write = !field(instruction, 22, 1);
	access->wide = size == 3;
	access->target[0] = (uint8_t)RT(instruction);
	address_make(access, instruction, registers, INDEX_OFFSET, 0);
	return ACCESS_OK;
}

static enum access_result refused(uint32_t instruction, const struct access_registers *registers,
				  struct access *access)
{
	(void)instruction;
	(void)registers;
	(void)access;
	return ACCESS_REFUSED;
}

/* The first row that fits counts. */
static const struct {
	uint32_t mask, value;
	enum access_result (*decode)(uint32_t instruction, const struct access_registers *registers,
				     struct access *access);
} classes[] = {
	{0x3f000000, 0x08000000, ordered},
	{0x3b000000, 0x18000000, literal},
	{0x3a000000, 0x28000000, pair},
	{0x3b200000, 0x38000000, single_signed},
	{0x3b200c00, 0x38200800, single_register},
	{0x3b000000, 0x39000000, single_unsigned},
	{0x0a000000, 0x08000000, refused}, /* what else is a load or store */
};

/* Bit 26: of SIMD and floating point. */
#define INSTRUCTION_V BIT(26)

enum access_result access_decode(uint32_t instruction, const struct access_registers *registers,
				 struct access *access)
{
	memset(access, 0, sizeof(*access));
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if ((instruction & classes[i].mask) != classes[i].value)
			continue;
		if (instruction & INSTRUCTION_V)
			return ACCESS_REFUSED;
		return classes[i].decode(instruction, registers, access);
	}
	return ACCESS_NONE;
}

static uint64_t size_mask(const struct access *access)
{
	return ~0ull >> (64 - 8 * access->size);
}

uint64_t access_store_value(const struct access *access, unsigned int part,
			    const struct access_registers *registers)
{
	unsigned int target = access->target[part];

	return target == ACCESS_SP ? 0 : registers->x[target] & size_mask(access);
}

static uint64_t extend(const struct access *access, uint64_t value)
{
	unsigned int unused = 64 - 8u * access->size;

	value &= size_mask(access);
	if (access->sign)
		value = (uint64_t)((int64_t)(value << unused) >> unused);
	return access->wide ? value : (uint32_t)value;
}

void access_finish(const struct access *access, const uint64_t values[ACCESS_PARTS],
		   struct access_registers *registers)
{
	for (unsigned int i = 0; !access->write && i < access->count; i++)
		if (access->target[i] != ACCESS_SP)
			registers->x[access->target[i]] = extend(access, values[i]);
	if (access->write_back)
		registers->x[access->base] = access->base_value;
	registers->pc += 4;
}
