/* SPDX-License-Identifier: MIT */
/*
 * The decoder: prefixes, opcode, ModRM and SIB, displacement, immediate, operands, and the
 * rules that make an encoding illegal in every state of the processor.
 */
#include <emulator/instruction.h>

#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

enum opcode_map { MAP_PRIMARY, MAP_0F, MAP_0F38, MAP_0F3A };

struct decoder {
	struct instruction *insn;
	const uint8_t *bytes;
	unsigned available;
	unsigned position;
	enum decode_status status; /* the first thing that went wrong */
	enum opcode_map map;
	struct opcode row;
};

static void decoder_fail(struct decoder *d, enum decode_status status)
{
	if (d->status == DECODE_OK)
		d->status = status;
}

/* The next size bytes as a little-endian number; 0 and a status if they are not there. */
static uint64_t take_bytes(struct decoder *d, unsigned size)
{
	uint64_t value = 0;
	unsigned i;

	if (d->position + size > EMULATOR_MAX_LENGTH && d->available >= EMULATOR_MAX_LENGTH) {
		decoder_fail(d, DECODE_TOO_LONG);
		return 0;
	}
	if (d->position + size > d->available) {
		decoder_fail(d, DECODE_TRUNCATED);
		return 0;
	}
	for (i = 0; i < size; i++)
		value |= (uint64_t)d->bytes[d->position + i] << (8 * i);
	d->position += size;
	return value;
}

static uint64_t take_signed(struct decoder *d, unsigned size)
{
	uint64_t value = take_bytes(d, size);
	uint64_t sign = BIT(8 * size - 1);

	return (value ^ sign) - sign;
}

/* The segment of an override prefix, or SEGMENT_NONE. */
static uint8_t prefix_segment(uint8_t byte)
{
	switch (byte) {
	case 0x26: return EMULATOR_ES;
	case 0x2e: return EMULATOR_CS;
	case 0x36: return EMULATOR_SS;
	case 0x3e: return EMULATOR_DS;
	case 0x64: return EMULATOR_FS;
	case 0x65: return EMULATOR_GS;
	default: return SEGMENT_NONE;
	}
}

/* Notes a prefix; false if byte is none. REX counts only right before the opcode. */
static bool prefix_take(struct decoder *d, uint8_t byte, bool *address_prefix)
{
	struct instruction *insn = d->insn;
	uint8_t segment = prefix_segment(byte);

	if (insn->code_size == 8 && (byte & 0xf0) == 0x40) {
		insn->rex = byte;
		return true;
	}
	if (segment != SEGMENT_NONE) {
		/* 64-bit code ignores all but FS and GS */
		if (insn->code_size != 8 || segment >= EMULATOR_FS)
			insn->override = segment;
	} else if (byte == 0x66) {
		insn->has_operand_prefix = true;
	} else if (byte == 0x67) {
		*address_prefix = true;
	} else if (byte == 0xf0) {
		insn->lock = true;
	} else if (byte == 0xf2 || byte == 0xf3) {
		insn->repeat = byte;
	} else {
		return false;
	}
	insn->rex = 0;
	return true;
}

/* Takes all prefixes and answers the byte after them. */
static uint8_t decode_prefixes(struct decoder *d)
{
	struct instruction *insn = d->insn;
	bool address_prefix = false;
	uint8_t byte;

	/* ends at the first other byte, or when there are no more */
	do
		byte = (uint8_t)take_bytes(d, 1);
	while (d->status == DECODE_OK && prefix_take(d, byte, &address_prefix));

	if (insn->code_size == 8)
		insn->address_size = address_prefix ? 4 : 8;
	else
		insn->address_size = (insn->code_size == 4) != address_prefix ? 4 : 2;
	return byte;
}

/* The addressing forms of 16-bit addresses (SDM vol. 2, table 2-1). */
static void decode_memory16(struct decoder *d)
{
	static const struct {
		uint8_t base, index;
	} forms[8] = {
		{EMULATOR_RBX, EMULATOR_RSI},  {EMULATOR_RBX, EMULATOR_RDI},
		{EMULATOR_RBP, EMULATOR_RSI},  {EMULATOR_RBP, EMULATOR_RDI},
		{EMULATOR_RSI, REGISTER_NONE}, {EMULATOR_RDI, REGISTER_NONE},
		{EMULATOR_RBP, REGISTER_NONE}, {EMULATOR_RBX, REGISTER_NONE},
	};
	struct instruction *insn = d->insn;

	if (insn->mod == 0 && insn->rm == 6) {
		insn->memory.displacement = take_bytes(d, 2);
		return;
	}
	insn->memory.base = forms[insn->rm].base;
	insn->memory.index = forms[insn->rm].index;
	if (insn->mod == 1)
		insn->memory.displacement = take_signed(d, 1);
	else if (insn->mod == 2)
		insn->memory.displacement = take_signed(d, 2);
}

/* The addressing forms of 32-bit and 64-bit addresses (SDM vol. 2, tables 2-2 and 2-3). */
static void decode_memory32(struct decoder *d)
{
	struct instruction *insn = d->insn;
	uint8_t base = insn->rm & 7, extension = insn->rex & REX_B ? 8 : 0;

	if (base == 4) {
		uint8_t sib = (uint8_t)take_bytes(d, 1);
		uint8_t index = (sib >> 3 & 7) | (insn->rex & REX_X ? 8 : 0);

		base = sib & 7;
		insn->memory.scale = (uint8_t)(1 << (sib >> 6));
		if (index != EMULATOR_RSP)
			insn->memory.index = index;
		if (base != 5 || insn->mod != 0)
			insn->memory.base = base | extension;
	} else if (base == 5 && insn->mod == 0) {
		if (insn->code_size == 8)
			insn->memory.base = REGISTER_RIP;
	} else {
		insn->memory.base = base | extension;
	}
	if (insn->mod == 1)
		insn->memory.displacement = take_signed(d, 1);
	else if (insn->mod == 2 || (insn->mod == 0 && base == 5))
		insn->memory.displacement = take_signed(d, 4);
}

static void decode_modrm(struct decoder *d)
{
	struct instruction *insn = d->insn;
	uint8_t modrm = (uint8_t)take_bytes(d, 1);

	insn->mod = modrm >> 6;
	insn->reg = (modrm >> 3 & 7) | (insn->rex & REX_R ? 8 : 0);
	insn->rm = modrm & 7;
	if (d->row.flags & OPCODE_REGISTER)
		insn->mod = 3;
	if (insn->mod == 3) {
		insn->rm |= insn->rex & REX_B ? 8 : 0;
		return;
	}
	if (insn->address_size == 2)
		decode_memory16(d);
	else
		decode_memory32(d);
	/* only the base register selects SS; R12 and R13 do not */
	if (insn->memory.base == EMULATOR_RSP || insn->memory.base == EMULATOR_RBP)
		insn->memory.segment = EMULATOR_SS;
}

/* Completes a row of a group with its member. */
static void decode_group(struct decoder *d)
{
	const struct opcode *member = &opcode_groups[d->row.operation][d->insn->reg & 7];

	d->row.operation = member->operation;
	d->row.flags |= member->flags;
	if (member->form != FORM_NONE)
		d->row.form = member->form;
	if (member->immediate != IMMEDIATE_NONE)
		d->row.immediate = member->immediate;
}

static void select_operand_size(struct decoder *d)
{
	struct instruction *insn = d->insn;
	unsigned flags = d->row.flags;
	unsigned size;

	if (insn->code_size != 8)
		size = (insn->code_size == 4) != insn->has_operand_prefix ? 4 : 2;
	else if (insn->rex & REX_W || flags & OPCODE_FORCE64)
		size = 8;
	else if (insn->has_operand_prefix)
		size = 2;
	else
		size = flags & OPCODE_DEFAULT64 ? 8 : 4;
	if (flags & OPCODE_MAX32 && size == 8)
		size = 4;
	if (flags & OPCODE_MIN32 && size == 2)
		size = 4;
	if (flags & OPCODE_BYTE)
		size = 1;
	insn->operand_size = (uint8_t)size;
}

static void decode_immediate(struct decoder *d)
{
	struct instruction *insn = d->insn;
	unsigned z = MIN(insn->operand_size, 4);

	switch ((enum immediate_form)d->row.immediate) {
	case IMMEDIATE_NONE: break;
	case IMMEDIATE_8: insn->immediate = take_signed(d, 1); break;
	case IMMEDIATE_16: insn->immediate = take_bytes(d, 2); break;
	case IMMEDIATE_Z: insn->immediate = take_signed(d, z); break;
	case IMMEDIATE_V: insn->immediate = take_bytes(d, insn->operand_size); break;
	case IMMEDIATE_OFFSET: insn->memory.displacement = take_bytes(d, insn->address_size); break;
	case IMMEDIATE_16_8: insn->immediate = take_bytes(d, 3); break;
	case IMMEDIATE_FAR: insn->immediate = take_bytes(d, z + 2); break;
	}
}

static struct operand operand_register(const struct instruction *insn, uint8_t number,
				       unsigned size)
{
	struct operand operand = {OPERAND_REGISTER, number, (uint8_t)size};

	if (size == 1 && !insn->rex && number >= 4)
		operand.number = REGISTER_HIGH_BYTE + number - 4;
	return operand;
}

static struct operand operand_rm(const struct instruction *insn, unsigned size)
{
	if (insn->mod == 3)
		return operand_register(insn, insn->rm, size);
	return (struct operand){OPERAND_MEMORY, 0, (uint8_t)size};
}

/* The second operand of MOVZX and its like is narrower than the first. */
static unsigned source_size(const struct decoder *d)
{
	if (d->row.flags & OPCODE_SOURCE_BYTE)
		return 1;
	if (d->row.flags & OPCODE_SOURCE_WORD)
		return 2;
	return d->row.flags & OPCODE_SOURCE_DWORD ? MIN(d->insn->operand_size, 4)
						  : d->insn->operand_size;
}

/* Moves of an SSE register; without memory they are not for the emulator. */
static void resolve_xmm_move(struct decoder *d)
{
	struct instruction *insn = d->insn;
	struct operand xmm = {OPERAND_XMM, insn->reg, 16};
	bool loads = d->row.form == FORM_XMM_RM;
	unsigned size = insn->xmm->size;

	if (!size)
		size = insn->rex & REX_W ? 8 : 4;
	insn->operand[loads] = (struct operand){OPERAND_MEMORY, 0, (uint8_t)size};
	insn->operand[!loads] = xmm;
}

/* Turns the form of the row into the two operands. */
static void resolve_operands(struct decoder *d)
{
	struct instruction *insn = d->insn;
	unsigned size = insn->operand_size;
	struct operand memory = {OPERAND_MEMORY, 0, (uint8_t)size};
	struct operand immediate = {OPERAND_IMMEDIATE, 0, (uint8_t)size};
	struct operand accumulator = {OPERAND_REGISTER, EMULATOR_RAX, (uint8_t)size};
	uint8_t low = (insn->opcode & 7) | (insn->rex & REX_B ? 8 : 0);
	struct operand *o = insn->operand;

	switch ((enum operand_form)d->row.form) {
	case FORM_NONE: break;
	case FORM_RM_REG:
		o[0] = operand_rm(insn, size);
		o[1] = operand_register(insn, insn->reg, size);
		break;
	case FORM_REG_RM:
		o[0] = operand_register(insn, insn->reg, size);
		o[1] = operand_rm(insn, source_size(d));
		break;
	case FORM_RM: o[0] = operand_rm(insn, size); break;
	case FORM_RM_ONE: insn->immediate = 1; /* fall through */
	case FORM_RM_IMM:
		o[0] = operand_rm(insn, size);
		o[1] = immediate;
		break;
	case FORM_RM_CL:
		o[0] = operand_rm(insn, size);
		o[1] = (struct operand){OPERAND_REGISTER, EMULATOR_RCX, 1};
		break;
	case FORM_REG: o[0] = operand_register(insn, low, size); break;
	case FORM_REG_IMM:
		o[0] = operand_register(insn, low, size);
		o[1] = immediate;
		break;
	case FORM_REG_ACC:
		o[0] = operand_register(insn, low, size);
		o[1] = accumulator;
		break;
	case FORM_ACC_IMM:
		o[0] = accumulator;
		o[1] = immediate;
		break;
	case FORM_ACC_MEM:
		o[0] = accumulator;
		o[1] = memory;
		break;
	case FORM_MEM_ACC:
		o[0] = memory;
		o[1] = accumulator;
		break;
	case FORM_ACC_DX:
		o[0] = accumulator;
		o[1] = (struct operand){OPERAND_REGISTER, EMULATOR_RDX, 2};
		break;
	case FORM_IMM: o[0] = immediate; break;
	case FORM_XMM_RM:
	case FORM_RM_XMM: resolve_xmm_move(d); break;
	}
}

/* Opcodes of the 0F map to which a mandatory prefix gives another meaning. */
static void adjust_0f(struct decoder *d)
{
	const struct instruction *insn = d->insn;
	bool prefixed = insn->repeat || insn->has_operand_prefix;

	switch (insn->opcode) {
	case 0x01: /* VMCALL and the like, in the place of SGDT and SIDT */
		if (insn->mod == 3 && (insn->reg & 7) < 2)
			d->row.operation = OPERATION_NONE;
		break;
	case 0x78: /* EXTRQ and INSERTQ have two immediates, VMREAD none */
		if (insn->repeat == 0xf2 || (insn->has_operand_prefix && !insn->repeat))
			d->row.immediate = IMMEDIATE_16;
		break;
	case 0xb8: /* POPCNT; without F3 it is JMPE of Itanium */
		if (insn->repeat != 0xf3)
			d->row.operation = OPERATION_INVALID;
		break;
	case 0xbc: /* TZCNT and LZCNT */
	case 0xbd:
		if (insn->repeat == 0xf3)
			d->row.operation = OPERATION_NONE;
		break;
	case 0xc3: /* MOVNTI takes none */
		if (prefixed)
			d->row.operation = OPERATION_INVALID;
		break;
	case 0xae: /* the members with prefixes are others */
		if (insn->repeat || (insn->has_operand_prefix && insn->mod == 3))
			d->row.operation = OPERATION_NONE;
		break;
	}
}

/* Makes a row of which only the encoding is known a move of an SSE register, if it is one. */
static void adjust_xmm_move(struct decoder *d)
{
	struct instruction *insn = d->insn;
	uint8_t prefix = insn->has_operand_prefix ? 0x66 : 0;

	if (insn->repeat) /* goes before 66 */
		prefix = insn->repeat;
	if (insn->mod == 3 || d->row.operation != OPERATION_NONE)
		return;
	insn->xmm = xmm_move_find(d->map == MAP_0F38, insn->opcode, prefix);
	if (!insn->xmm)
		return;
	d->row.operation = OPERATION_MOV_XMM;
	d->row.form = insn->xmm->form;
}

/* Opcodes of the primary map that depend on more than their number. */
static void adjust_primary(struct decoder *d)
{
	const struct instruction *insn = d->insn;

	switch (insn->opcode) {
	case 0x63: /* ARPL outside 64-bit code */
		if (insn->code_size != 8)
			d->row.operation = OPERATION_NONE;
		break;
	case 0x8f: /* XOP prefix of old AMD processors */
		if ((insn->reg & 7) != 0)
			decoder_fail(d, DECODE_UNKNOWN);
		break;
	case 0x90: /* exchanging EAX with itself would clear its upper half */
		if (!(insn->rex & REX_B))
			d->row.operation = OPERATION_NOP;
		break;
	}
}

static void select_row(struct decoder *d, uint8_t byte)
{
	static const struct opcode modrm = {.flags = OPCODE_KNOWN | OPCODE_MODRM};
	static const struct opcode movbe[2] = {
		{OPERATION_MOVBE, FORM_REG_RM, IMMEDIATE_NONE,
		 OPCODE_KNOWN | OPCODE_MODRM | OPCODE_MEMORY},
		{OPERATION_MOVBE, FORM_RM_REG, IMMEDIATE_NONE,
		 OPCODE_KNOWN | OPCODE_MODRM | OPCODE_MEMORY},
	};
	struct instruction *insn = d->insn;

	if (byte == 0x0f) {
		d->map = MAP_0F;
		byte = (uint8_t)take_bytes(d, 1);
		if (byte == 0x38 || byte == 0x3a) {
			d->map = byte == 0x38 ? MAP_0F38 : MAP_0F3A;
			byte = (uint8_t)take_bytes(d, 1);
		}
	}
	insn->opcode = byte;
	switch (d->map) {
	case MAP_PRIMARY: d->row = opcode_map_primary[byte]; break;
	case MAP_0F: d->row = opcode_map_0f[byte]; break;
	case MAP_0F38:
		d->row = modrm;
		/* with a repeat prefix these two are CRC32 and newer things */
		if ((byte & 0xfe) == 0xf0 && !insn->repeat)
			d->row = movbe[byte & 1];
		break;
	case MAP_0F3A:
		d->row = modrm;
		d->row.immediate = IMMEDIATE_8;
		break;
	}
	if (!(d->row.flags & OPCODE_KNOWN))
		decoder_fail(d, DECODE_UNKNOWN);
}

/*
 * Instructions with a VEX or EVEX prefix: only their length. Bits that would extend
 * register numbers do not matter for it.
 */
static void decode_vector(struct decoder *d, uint8_t prefix)
{
	struct instruction *insn = d->insn;
	bool evex = prefix == 0x62;
	unsigned map = 1;
	bool has_immediate;

	if (insn->rex || insn->lock || insn->repeat || insn->has_operand_prefix)
		decoder_fail(d, DECODE_INVALID);
	if (prefix == 0xc5) {
		take_bytes(d, 1);
	} else {
		map = take_bytes(d, 1) & (evex ? 7 : 0x1f);
		take_bytes(d, evex ? 2 : 1);
	}
	if (map == 0 || map == 4 || map > 6 || (!evex && map > 3))
		decoder_fail(d, DECODE_UNKNOWN);
	insn->opcode = (uint8_t)take_bytes(d, 1);
	d->row = (struct opcode){.flags = OPCODE_KNOWN | OPCODE_MODRM};
	has_immediate =
		map == 3 || (map == 1 && opcode_map_0f[insn->opcode].immediate == IMMEDIATE_8);
	if (!evex && map == 1 && insn->opcode == 0x77) /* VZEROUPPER */
		return;
	decode_modrm(d);
	if (has_immediate)
		insn->immediate = take_bytes(d, 1);
}

/* C4, C5 and 62 are prefixes in 64-bit code, and elsewhere if a register would follow. */
static bool is_vector_prefix(const struct decoder *d, uint8_t byte)
{
	if (byte != 0xc4 && byte != 0xc5 && byte != 0x62)
		return false;
	if (d->insn->code_size == 8)
		return true;
	return d->position < d->available && d->bytes[d->position] >> 6 == 3;
}

/* The rules that need the whole instruction. */
static bool encoding_is_legal(const struct decoder *d)
{
	const struct instruction *insn = d->insn;
	unsigned flags = d->row.flags;

	if (insn->operation == OPERATION_INVALID)
		return false;
	if (flags & OPCODE_NO64 && insn->code_size == 8)
		return false;
	if (flags & OPCODE_MEMORY && insn->mod == 3)
		return false;
	if (insn->lock && !(flags & OPCODE_LOCK && insn->operand[0].kind == OPERAND_MEMORY))
		return false;
	switch (insn->operation) {
	case OPERATION_MOV_TO_SEGMENT:
		return (insn->reg & 7) < EMULATOR_SEGMENT_COUNT && (insn->reg & 7) != EMULATOR_CS;
	case OPERATION_MOV_FROM_SEGMENT: return (insn->reg & 7) < EMULATOR_SEGMENT_COUNT;
	case OPERATION_MOV_FROM_CR:
	case OPERATION_MOV_TO_CR:
		return BIT(insn->reg) & (BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(8));
	default: return true;
	}
}

static void decode_legacy(struct decoder *d, uint8_t byte)
{
	struct instruction *insn = d->insn;

	select_row(d, byte);
	if (d->row.flags & OPCODE_MODRM)
		decode_modrm(d);
	if (insn->override != SEGMENT_NONE)
		insn->memory.segment = insn->override;
	if (d->row.flags & OPCODE_GROUP)
		decode_group(d);
	if (d->map == MAP_PRIMARY)
		adjust_primary(d);
	else if (d->map == MAP_0F)
		adjust_0f(d);
	if (d->row.flags & OPCODE_MODRM && (d->map == MAP_0F || d->map == MAP_0F38))
		adjust_xmm_move(d);
	select_operand_size(d);
	decode_immediate(d);
	resolve_operands(d);
	insn->operation = (enum operation)d->row.operation;
}

enum decode_status instruction_decode(struct instruction *instruction, const uint8_t *bytes,
				      unsigned available, unsigned code_size)
{
	struct decoder decoder = {.insn = instruction,
				  .bytes = bytes,
				  .available = MIN(available, EMULATOR_MAX_LENGTH),
				  .status = DECODE_OK};
	uint8_t byte;

	*instruction = (struct instruction){
		.code_size = (uint8_t)code_size,
		.override = SEGMENT_NONE,
		.memory = {EMULATOR_DS, REGISTER_NONE, REGISTER_NONE, 1, 0},
	};
	byte = decode_prefixes(&decoder);
	if (is_vector_prefix(&decoder, byte))
		decode_vector(&decoder, byte);
	else
		decode_legacy(&decoder, byte);
	if (decoder.status == DECODE_OK) {
		instruction->length = (uint8_t)decoder.position;
		if (!encoding_is_legal(&decoder))
			decoder.status = DECODE_INVALID;
	}
	return decoder.status;
}

unsigned emulator_decode_length(const uint8_t *bytes, unsigned available, unsigned code_size)
{
	struct instruction instruction;

	if (code_size != 2 && code_size != 4 && code_size != 8)
		return 0;
	if (instruction_decode(&instruction, bytes, available, code_size) != DECODE_OK)
		return 0;
	return instruction.length;
}
