/* SPDX-License-Identifier: MIT */
/*
 * String instructions, with and without a repeat prefix. Each iteration that is complete is
 * written back to the guest at once, as the hardware does: a fault in a later one, or the end
 * of what one call may do, leaves RSI, RDI and RCX so that the instruction goes on from there.
 */
#include <emulator/execute.h>

/* Opens the element at a pointer register. ES is never overridden (SDM vol. 2, MOVS). */
static enum emulator_outcome element_open(struct emulation *e, unsigned pointer, bool write,
					  struct memory_access *access)
{
	unsigned segment = pointer == EMULATOR_RDI ? EMULATOR_ES : e->insn.memory.segment;

	return memory_translate(e, segment, register_read(e, pointer, e->insn.address_size),
				e->insn.operand_size, write, access);
}

static void pointer_advance(struct emulation *e, unsigned pointer)
{
	uint64_t step = e->insn.operand_size;

	if (e->rflags & GUEST_FLAG_DF)
		step = -step;
	register_write(e, pointer, e->insn.address_size, e->gpr[pointer] + step);
}

static enum emulator_outcome step_movs(struct emulation *e)
{
	struct memory_access from, to;
	enum emulator_outcome outcome;
	uint64_t value = 0;

	outcome = element_open(e, EMULATOR_RSI, false, &from);
	if (outcome == EMULATOR_DONE)
		outcome = element_open(e, EMULATOR_RDI, true, &to);
	if (outcome == EMULATOR_DONE)
		outcome = memory_read(e, &from, &value);
	if (outcome == EMULATOR_DONE)
		outcome = memory_write(e, &to, &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	pointer_advance(e, EMULATOR_RSI);
	pointer_advance(e, EMULATOR_RDI);
	return EMULATOR_DONE;
}

/* Reads the element at a pointer and advances the pointer. */
static enum emulator_outcome element_read(struct emulation *e, unsigned pointer, uint64_t *value)
{
	struct memory_access access;
	enum emulator_outcome outcome;

	*value = 0;
	outcome = element_open(e, pointer, false, &access);
	if (outcome == EMULATOR_DONE)
		outcome = memory_read(e, &access, value);
	if (outcome == EMULATOR_DONE)
		pointer_advance(e, pointer);
	return outcome;
}

static enum emulator_outcome step_cmps(struct emulation *e)
{
	enum emulator_outcome outcome;
	uint64_t a, b;

	outcome = element_read(e, EMULATOR_RSI, &a);
	if (outcome == EMULATOR_DONE)
		outcome = element_read(e, EMULATOR_RDI, &b);
	if (outcome == EMULATOR_DONE)
		arithmetic_binary(OPERATION_CMP, e->insn.operand_size, a, b, &e->rflags);
	return outcome;
}

static enum emulator_outcome step_scas(struct emulation *e)
{
	enum emulator_outcome outcome;
	uint64_t b;

	outcome = element_read(e, EMULATOR_RDI, &b);
	if (outcome == EMULATOR_DONE)
		arithmetic_binary(OPERATION_CMP, e->insn.operand_size, e->gpr[EMULATOR_RAX], b,
				  &e->rflags);
	return outcome;
}

static enum emulator_outcome step_lods(struct emulation *e)
{
	enum emulator_outcome outcome;
	uint64_t value;

	outcome = element_read(e, EMULATOR_RSI, &value);
	if (outcome == EMULATOR_DONE)
		register_write(e, EMULATOR_RAX, e->insn.operand_size, value);
	return outcome;
}

static enum emulator_outcome step_stos(struct emulation *e)
{
	struct memory_access access;
	enum emulator_outcome outcome;

	outcome = element_open(e, EMULATOR_RDI, true, &access);
	if (outcome == EMULATOR_DONE)
		outcome = memory_write(e, &access, &e->gpr[EMULATOR_RAX]);
	if (outcome == EMULATOR_DONE)
		pointer_advance(e, EMULATOR_RDI);
	return outcome;
}

static enum emulator_outcome step_ins(struct emulation *e)
{
	uint16_t port = (uint16_t)e->gpr[EMULATOR_RDX];
	unsigned size = e->insn.operand_size;
	struct memory_access access;
	enum emulator_outcome outcome;
	uint32_t value = 0;

	/* memory first: what the port gives up must not get lost in a fault */
	outcome = element_open(e, EMULATOR_RDI, true, &access);
	if (outcome == EMULATOR_DONE)
		outcome = emulation_answer(e, e->ops->io_in(e->context, port, size, &value),
					   "a port read");
	if (outcome == EMULATOR_DONE)
		outcome = memory_write(e, &access, &value);
	if (outcome == EMULATOR_DONE)
		pointer_advance(e, EMULATOR_RDI);
	return outcome;
}

static enum emulator_outcome step_outs(struct emulation *e)
{
	uint16_t port = (uint16_t)e->gpr[EMULATOR_RDX];
	enum emulator_outcome outcome;
	uint64_t value;

	outcome = element_read(e, EMULATOR_RSI, &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	return emulation_answer(
		e, e->ops->io_out(e->context, port, e->insn.operand_size, (uint32_t)value),
		"a port write");
}

static enum emulator_outcome step_perform(struct emulation *e)
{
	switch (e->insn.operation) {
	case OPERATION_MOVS: return step_movs(e);
	case OPERATION_CMPS: return step_cmps(e);
	case OPERATION_SCAS: return step_scas(e);
	case OPERATION_LODS: return step_lods(e);
	case OPERATION_STOS: return step_stos(e);
	case OPERATION_INS: return step_ins(e);
	default: return step_outs(e);
	}
}

/* Port strings need a port and the right to use it, even for no iterations. */
static enum emulator_outcome string_check_ports(struct emulation *e)
{
	bool in = e->insn.operation == OPERATION_INS, out = e->insn.operation == OPERATION_OUTS;

	if (!in && !out)
		return EMULATOR_DONE;
	if ((in && !e->ops->io_in) || (out && !e->ops->io_out))
		return emulation_unhandled(e, "port I/O is not served");
	return io_check_permission(e, (uint16_t)e->gpr[EMULATOR_RDX], e->insn.operand_size);
}

/* REPE and REPNE end CMPS and SCAS also by what was found. */
static bool string_ends(const struct emulation *e)
{
	bool equal = e->rflags & GUEST_FLAG_ZF;

	if (e->insn.operation != OPERATION_CMPS && e->insn.operation != OPERATION_SCAS)
		return false;
	return equal != (e->insn.repeat == 0xf3);
}

enum emulator_outcome perform_string(struct emulation *e)
{
	unsigned width = e->insn.address_size;
	unsigned budget = EMULATOR_MAX_STRING / e->insn.operand_size;
	enum emulator_outcome outcome;
	bool moved = false;

	outcome = string_check_ports(e);
	if (outcome != EMULATOR_DONE || !e->insn.repeat)
		return outcome == EMULATOR_DONE ? step_perform(e) : outcome;
	if (!register_read(e, EMULATOR_RCX, width))
		return EMULATOR_DONE;
	if (e->cpu->rflags & GUEST_FLAG_TF) /* a trap after each iteration */
		budget = 1;
	/* ends when the budget is spent, if nothing else ends it */
	for (;;) {
		outcome = step_perform(e);
		if (outcome == EMULATOR_RETRY && moved)
			return EMULATOR_REPEAT;
		if (outcome != EMULATOR_DONE)
			return outcome;
		register_write(e, EMULATOR_RCX, width, e->gpr[EMULATOR_RCX] - 1);
		emulation_commit(e);
		moved = true;
		if (!register_read(e, EMULATOR_RCX, width) || string_ends(e))
			return EMULATOR_DONE;
		if (!--budget)
			return EMULATOR_REPEAT;
	}
}
