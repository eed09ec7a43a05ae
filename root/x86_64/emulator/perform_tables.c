/* SPDX-License-Identifier: MIT */
/*
 * SGDT, SIDT, SLDT, STR: what stands in the registers of the descriptor tables is stored (SDM vol. 2B). Above
 * privilege level 0 each of them may be forbidden by the Hyper-V interface, and UMIP forbids all.
 */
#include <emulator/execute.h>

static const struct table_store {
	uint32_t name; /* of the register */
	uint8_t forbidden;
} stores[OPERATION_COUNT] = {
	[OPERATION_SGDT] = {HV_X64_REGISTER_GDTR, EMULATOR_NO_SGDT},
	[OPERATION_SIDT] = {HV_X64_REGISTER_IDTR, EMULATOR_NO_SIDT},
	[OPERATION_SLDT] = {HV_X64_REGISTER_LDTR, EMULATOR_NO_SLDT},
	[OPERATION_STR] = {HV_X64_REGISTER_TR, EMULATOR_NO_STR},
};

static enum emulator_outcome table_register(struct emulation *e, union hv_register_value *value)
{
	const struct table_store *store = &stores[e->insn.operation];

	if (e->cpl != 0 &&
	    ((e->cpu->cr4 & GUEST_CR4_UMIP) || (e->cpu->forbidden & store->forbidden)))
		return emulation_fault(e, GUEST_VECTOR_GP, 0);
	if (!e->ops->register_read)
		return emulation_unhandled(e, "descriptor tables are not served");
	return emulation_answer(e, e->ops->register_read(e->context, store->name, value),
				"a read of a descriptor table's register");
}

/* The limit, and behind it the base, as two accesses: that is how they are aligned (SDM vol. 3A, 3.5.1). Processors
 * store 32 bits of the base whatever the operand size. */
enum emulator_outcome perform_store_table(struct emulation *e)
{
	struct operand limit = e->insn.operand[0], base = limit;
	union hv_register_value value = {.low = 0};
	struct location first, second;
	enum emulator_outcome outcome;

	limit.size = 2;
	base.size = e->code_size == 8 ? 8 : 4;
	outcome = table_register(e, &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	outcome = location_open(e, &limit, true, &first);
	if (outcome != EMULATOR_DONE)
		return outcome;
	outcome = location_open_at(e, &base, limit.size, true, &second);
	if (outcome != EMULATOR_DONE)
		return outcome;
	outcome = location_store(e, &first, value.table.limit);
	return outcome == EMULATOR_DONE ? location_store(e, &second, value.table.base) : outcome;
}

/* Two bytes in memory whatever the operand size. */
enum emulator_outcome perform_store_selector(struct emulation *e)
{
	struct operand to = e->insn.operand[0];
	union hv_register_value value = {.low = 0};
	enum emulator_outcome outcome;

	if (!e->is_protected)
		return emulation_fault(e, GUEST_VECTOR_UD, 0);
	outcome = table_register(e, &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	if (to.kind == OPERAND_MEMORY)
		to.size = 2;
	return operand_write(e, &to, value.segment.selector);
}
