/* SPDX-License-Identifier: MIT */
/*
 * Near calls, jumps and returns, and stack frames. Their target, or their stack, may be in
 * memory-mapped I/O. Jumps without a memory operand touch none, and are not here.
 */
#include <emulator/execute.h>

/* The guest goes on at target: #GP(0) if no code can be there. */
static enum emulator_outcome branch_to(struct emulation *e, uint64_t target)
{
	target &= size_mask(e->insn.operand_size);
	if (e->code_size == 8 ? !is_canonical(e, target)
			      : target > e->cpu->segment[EMULATOR_CS].limit)
		return emulation_fault(e, GUEST_VECTOR_GP, 0);
	e->rip = target;
	return EMULATOR_DONE;
}

enum emulator_outcome perform_call(struct emulation *e)
{
	const struct operand *operand = &e->insn.operand[0];
	uint64_t target, after = e->rip;
	enum emulator_outcome outcome;

	outcome = operand_read(e, operand, &target);
	if (operand->kind == OPERAND_IMMEDIATE)
		target += after;
	if (outcome == EMULATOR_DONE)
		outcome = branch_to(e, target);
	if (outcome == EMULATOR_DONE)
		outcome = stack_push(e, e->insn.operand_size, after);
	return outcome;
}

enum emulator_outcome perform_jmp(struct emulation *e)
{
	enum emulator_outcome outcome;
	uint64_t target;

	outcome = operand_read(e, &e->insn.operand[0], &target);
	return outcome == EMULATOR_DONE ? branch_to(e, target) : outcome;
}

/* The immediate, if there is one, takes the arguments from the stack. */
enum emulator_outcome perform_ret(struct emulation *e)
{
	enum emulator_outcome outcome;
	uint64_t target;

	outcome = stack_pop(e, e->insn.operand_size, &target);
	if (outcome != EMULATOR_DONE)
		return outcome;
	register_write(e, EMULATOR_RSP, stack_size(e), e->gpr[EMULATOR_RSP] + e->insn.immediate);
	return branch_to(e, target);
}

/* Copies the frame pointers of the levels that enclose a new one (SDM vol. 1, 6.6.1). */
static enum emulator_outcome frames_copy(struct emulation *e, unsigned level)
{
	unsigned size = e->insn.operand_size, width = stack_size(e);
	uint64_t from = e->gpr[EMULATOR_RBP], value = 0;
	enum emulator_outcome outcome = EMULATOR_DONE;
	struct memory_access access;

	/* at most 30 rounds: the level has 5 bits */
	for (; outcome == EMULATOR_DONE && level > 1; level--) {
		from = (from - size) & size_mask(width);
		outcome = memory_translate(e, EMULATOR_SS, from, size, false, &access);
		if (outcome == EMULATOR_DONE)
			outcome = memory_read(e, &access, &value);
		if (outcome == EMULATOR_DONE)
			outcome = stack_push(e, size, value);
	}
	return outcome;
}

/* Faults also if the stack could not be written where it ends (SDM vol. 2, ENTER). */
enum emulator_outcome perform_enter(struct emulation *e)
{
	unsigned size = e->insn.operand_size, width = stack_size(e);
	unsigned room = e->insn.immediate & 0xffff, level = e->insn.immediate >> 16 & 31;
	struct memory_access access;
	enum emulator_outcome outcome;
	uint64_t frame, top;

	outcome = stack_push(e, size, e->gpr[EMULATOR_RBP]);
	frame = e->gpr[EMULATOR_RSP];
	if (outcome == EMULATOR_DONE)
		outcome = frames_copy(e, level);
	if (outcome == EMULATOR_DONE && level)
		outcome = stack_push(e, size, frame);
	top = (e->gpr[EMULATOR_RSP] - room) & size_mask(width);
	if (outcome == EMULATOR_DONE)
		outcome = memory_translate(e, EMULATOR_SS, top, size, true, &access);
	if (outcome != EMULATOR_DONE)
		return outcome;
	register_write(e, EMULATOR_RBP, size, frame);
	register_write(e, EMULATOR_RSP, width, top);
	return EMULATOR_DONE;
}

enum emulator_outcome perform_leave(struct emulation *e)
{
	unsigned size = e->insn.operand_size;
	enum emulator_outcome outcome;
	uint64_t value;

	register_write(e, EMULATOR_RSP, stack_size(e), e->gpr[EMULATOR_RBP]);
	outcome = stack_pop(e, size, &value);
	if (outcome == EMULATOR_DONE)
		register_write(e, EMULATOR_RBP, size, value);
	return outcome;
}

/* All eight registers, with the stack pointer as it was before. */
enum emulator_outcome perform_pusha(struct emulation *e)
{
	enum emulator_outcome outcome = EMULATOR_DONE;
	unsigned i;

	for (i = EMULATOR_RAX; outcome == EMULATOR_DONE && i <= EMULATOR_RDI; i++)
		outcome = stack_push(e, e->insn.operand_size, e->cpu->gpr[i]);
	return outcome;
}

/* The stack pointer that was pushed is passed over. */
enum emulator_outcome perform_popa(struct emulation *e)
{
	enum emulator_outcome outcome = EMULATOR_DONE;
	uint64_t value;
	unsigned i;

	for (i = EMULATOR_RDI + 1; outcome == EMULATOR_DONE && i-- > EMULATOR_RAX;) {
		outcome = stack_pop(e, e->insn.operand_size, &value);
		if (outcome == EMULATOR_DONE && i != EMULATOR_RSP)
			register_write(e, i, e->insn.operand_size, value);
	}
	return outcome;
}
