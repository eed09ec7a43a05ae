/* SPDX-License-Identifier: MIT */
/*
 * Moves between memory and an SSE register. The registers are not at hand: the owner of the VP is
 * asked for one when an instruction names it.
 */
#include <string.h>
#include <emulator/execute.h>

/* SDM vol. 2, table 2-21 and what follows it: these come before any fault of memory. */
static enum emulator_outcome xmm_check(struct emulation *e)
{
	if (e->cpu->cr0 & GUEST_CR0_EM || !(e->cpu->cr4 & GUEST_CR4_OSFXSR))
		return emulation_fault(e, GUEST_VECTOR_UD, 0);
	if (e->cpu->cr0 & GUEST_CR0_TS)
		return emulation_fault(e, GUEST_VECTOR_NM, 0);
	if (!e->ops->register_read || !e->ops->register_write)
		return emulation_unhandled(e, "SSE registers are not served");
	return EMULATOR_DONE;
}

/* Opens the operand in memory; some moves want it aligned whatever the mode. */
static enum emulator_outcome xmm_memory_open(struct emulation *e, const struct operand *operand,
					     bool write, struct location *location)
{
	enum emulator_outcome outcome;
	uint64_t linear = 0;

	if (e->insn.xmm->aligned) {
		outcome = memory_linear(e, e->insn.memory.segment, effective_address(e, 0),
					operand->size, write, &linear);
		if (outcome != EMULATOR_DONE)
			return outcome;
		if (linear & 15)
			return emulation_fault(e, GUEST_VECTOR_GP, 0);
	}
	return location_open(e, operand, write, location);
}

enum emulator_outcome perform_mov_xmm(struct emulation *e)
{
	const struct xmm_move *move = e->insn.xmm;
	bool write = move->form == FORM_RM_XMM;
	uint32_t name = HV_X64_REGISTER_XMM0 + e->insn.operand[write].number;
	union hv_register_value value = {.low = 0};
	uint8_t *bytes = (uint8_t *)&value + move->offset;
	enum emulator_outcome outcome;
	struct location location;

	outcome = xmm_check(e);
	if (outcome == EMULATOR_DONE)
		outcome = xmm_memory_open(e, &e->insn.operand[!write], write, &location);
	if (outcome == EMULATOR_DONE && (write || move->keeps))
		outcome = emulation_answer(e, e->ops->register_read(e->context, name, &value),
					   "a read of an SSE register");
	if (outcome != EMULATOR_DONE)
		return outcome;
	if (write)
		return memory_write(e, &location.access, bytes);
	outcome = memory_read(e, &location.access, bytes);
	if (outcome != EMULATOR_DONE)
		return outcome;
	return emulation_answer(e, e->ops->register_write(e->context, name, &value),
				"a write of an SSE register");
}
