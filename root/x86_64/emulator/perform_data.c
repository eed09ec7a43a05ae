/* SPDX-License-Identifier: MIT */
/*
 * Instructions that move data: between registers, memory, the stack and segment registers.
 * Segment registers are loaded in real and virtual-8086 mode only: in protected mode that
 * is a matter of descriptor tables, which no memory-mapped device is part of.
 */
#include <emulator/execute.h>

/* MOV and MOVZX: a source that is narrower comes zero-extended. */
enum emulator_outcome perform_mov(struct emulation *e)
{
	enum emulator_outcome outcome;
	uint64_t value;

	outcome = operand_read(e, &e->insn.operand[1], &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	return operand_write(e, &e->insn.operand[0], value);
}

enum emulator_outcome perform_movsx(struct emulation *e)
{
	const struct operand *from = &e->insn.operand[1];
	enum emulator_outcome outcome;
	uint64_t value;

	outcome = operand_read(e, from, &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	return operand_write(e, &e->insn.operand[0], sign_extend(value, from->size));
}

enum emulator_outcome perform_movbe(struct emulation *e)
{
	enum emulator_outcome outcome;
	uint64_t value;

	outcome = operand_read(e, &e->insn.operand[1], &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	value = __builtin_bswap64(value) >> (64 - 8 * e->insn.operand_size);
	return operand_write(e, &e->insn.operand[0], value);
}

enum emulator_outcome perform_lea(struct emulation *e)
{
	return operand_write(e, &e->insn.operand[0], effective_address(e, 0));
}

enum emulator_outcome perform_xchg(struct emulation *e)
{
	const struct operand *other = &e->insn.operand[1];
	enum emulator_outcome outcome;
	struct location location;
	uint64_t a, b = register_read(e, other->number, other->size);

	outcome = location_open(e, &e->insn.operand[0], true, &location);
	if (outcome == EMULATOR_DONE)
		outcome = location_load(e, &location, &a);
	if (outcome != EMULATOR_DONE)
		return outcome;
	register_write(e, other->number, other->size, a);
	return location_exchange(e, &location, a, b);
}

enum emulator_outcome perform_setcc(struct emulation *e)
{
	return operand_write(e, &e->insn.operand[0],
			     arithmetic_condition(e->rflags, e->insn.opcode & 15));
}

/* The source is read, and a 32-bit destination zero-extended, even if nothing is moved. */
enum emulator_outcome perform_cmovcc(struct emulation *e)
{
	const struct operand *to = &e->insn.operand[0];
	enum emulator_outcome outcome;
	uint64_t value;

	outcome = operand_read(e, &e->insn.operand[1], &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	if (!arithmetic_condition(e->rflags, e->insn.opcode & 15))
		value = register_read(e, to->number, to->size);
	return operand_write(e, to, value);
}

/* How wide the stack pointer is (SDM vol. 1, 6.2.3). */
unsigned stack_size(const struct emulation *e)
{
	if (e->code_size == 8)
		return 8;
	return e->cpu->segment[EMULATOR_SS].attributes & HV_SEGMENT_DB ? 4 : 2;
}

enum emulator_outcome stack_push(struct emulation *e, unsigned size, uint64_t value)
{
	unsigned width = stack_size(e);
	uint64_t top = (e->gpr[EMULATOR_RSP] - size) & size_mask(width);
	struct memory_access access;
	enum emulator_outcome outcome;

	outcome = memory_translate(e, EMULATOR_SS, top, size, true, &access);
	if (outcome == EMULATOR_DONE)
		outcome = memory_write(e, &access, &value);
	if (outcome == EMULATOR_DONE)
		register_write(e, EMULATOR_RSP, width, top);
	return outcome;
}

enum emulator_outcome stack_pop(struct emulation *e, unsigned size, uint64_t *value)
{
	unsigned width = stack_size(e);
	uint64_t top = e->gpr[EMULATOR_RSP] & size_mask(width);
	struct memory_access access;
	enum emulator_outcome outcome;

	*value = 0;
	outcome = memory_translate(e, EMULATOR_SS, top, size, false, &access);
	if (outcome == EMULATOR_DONE)
		outcome = memory_read(e, &access, value);
	if (outcome == EMULATOR_DONE)
		register_write(e, EMULATOR_RSP, width, top + size);
	return outcome;
}

enum emulator_outcome perform_push(struct emulation *e)
{
	enum emulator_outcome outcome;
	uint64_t value;

	outcome = operand_read(e, &e->insn.operand[0], &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	return stack_push(e, e->insn.operand_size, value);
}

/* A destination that is addressed by RSP is so by its value after the pop (SDM, POP). */
enum emulator_outcome perform_pop(struct emulation *e)
{
	enum emulator_outcome outcome;
	uint64_t value;

	outcome = stack_pop(e, e->insn.operand_size, &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	return operand_write(e, &e->insn.operand[0], value);
}

enum emulator_outcome perform_push_segment(struct emulation *e)
{
	unsigned segment = e->insn.opcode >> 3 & 7;

	return stack_push(e, e->insn.operand_size, e->cpu->segment[segment].selector);
}

/* Loads a segment register as real and virtual-8086 mode do. */
static enum emulator_outcome segment_load(struct emulation *e, unsigned segment, uint16_t selector)
{
	if (e->is_protected)
		return emulation_unhandled(e, "a segment load in protected mode");
	e->loaded = e->cpu->segment[segment];
	e->loaded.selector = selector;
	e->loaded.base = (uint64_t)selector << 4;
	e->loaded_segment = (uint8_t)segment;
	e->result->interrupt_shadow = segment == EMULATOR_SS;
	return EMULATOR_DONE;
}

enum emulator_outcome perform_pop_segment(struct emulation *e)
{
	unsigned segment = e->insn.opcode >> 3 & 7;
	enum emulator_outcome outcome;
	uint64_t value;

	outcome = stack_pop(e, e->insn.operand_size, &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	return segment_load(e, segment, (uint16_t)value);
}

/* To memory it stores 2 bytes whatever the operand size. */
enum emulator_outcome perform_mov_from_segment(struct emulation *e)
{
	struct operand to = e->insn.operand[0];

	if (to.kind == OPERAND_MEMORY)
		to.size = 2;
	return operand_write(e, &to, e->cpu->segment[e->insn.reg & 7].selector);
}

enum emulator_outcome perform_mov_to_segment(struct emulation *e)
{
	struct operand from = e->insn.operand[0];
	enum emulator_outcome outcome;
	uint64_t value;

	from.size = 2;
	outcome = operand_read(e, &from, &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	return segment_load(e, e->insn.reg & 7, (uint16_t)value);
}

enum emulator_outcome perform_xlat(struct emulation *e)
{
	uint64_t offset = e->gpr[EMULATOR_RBX] + (e->gpr[EMULATOR_RAX] & 0xff);
	struct memory_access access;
	enum emulator_outcome outcome;
	uint64_t value = 0;

	outcome = memory_translate(e, e->insn.memory.segment,
				   offset & size_mask(e->insn.address_size), 1, false, &access);
	if (outcome == EMULATOR_DONE)
		outcome = memory_read(e, &access, &value);
	if (outcome == EMULATOR_DONE)
		register_write(e, EMULATOR_RAX, 1, value);
	return outcome;
}
