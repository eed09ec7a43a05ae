/* SPDX-License-Identifier: MIT */
/*
 * Operands: registers in their widths, effective addresses, and one way to load and store
 * whatever an instruction names.
 */
#include <emulator/execute.h>

uint64_t register_read(const struct emulation *e, unsigned number, unsigned size)
{
	if (number >= REGISTER_HIGH_BYTE)
		return e->gpr[number - REGISTER_HIGH_BYTE] >> 8 & 0xff;
	return e->gpr[number] & size_mask(size);
}

/* A write of 4 bytes clears the upper half, of 1 or 2 bytes keeps the rest. */
void register_write(struct emulation *e, unsigned number, unsigned size, uint64_t value)
{
	uint64_t mask = size_mask(size), *reg;

	if (number >= REGISTER_HIGH_BYTE) {
		reg = &e->gpr[number - REGISTER_HIGH_BYTE];
		*reg = (*reg & ~0xff00ull) | (value & 0xff) << 8;
		return;
	}
	reg = &e->gpr[number];
	if (size >= 4)
		*reg = value & mask;
	else
		*reg = (*reg & ~mask) | (value & mask);
}

uint64_t effective_address(const struct emulation *e, uint64_t extra)
{
	const struct instruction *insn = &e->insn;
	uint64_t address = insn->memory.displacement + extra;

	if (insn->memory.base == REGISTER_RIP)
		address += e->cpu->rip + insn->length;
	else if (insn->memory.base != REGISTER_NONE)
		address += e->gpr[insn->memory.base];
	if (insn->memory.index != REGISTER_NONE)
		address += e->gpr[insn->memory.index] * insn->memory.scale;
	return address & size_mask(insn->address_size);
}

enum emulator_outcome location_open_at(struct emulation *e, const struct operand *operand,
				       uint64_t extra, bool write, struct location *location)
{
	location->operand = operand;
	if (operand->kind != OPERAND_MEMORY)
		return EMULATOR_DONE;
	return memory_translate(e, e->insn.memory.segment, effective_address(e, extra),
				operand->size, write, &location->access);
}

enum emulator_outcome location_open(struct emulation *e, const struct operand *operand, bool write,
				    struct location *location)
{
	return location_open_at(e, operand, 0, write, location);
}

enum emulator_outcome location_load(struct emulation *e, const struct location *location,
				    uint64_t *value)
{
	const struct operand *operand = location->operand;

	*value = 0;
	switch (operand->kind) {
	case OPERAND_REGISTER: *value = register_read(e, operand->number, operand->size); break;
	case OPERAND_IMMEDIATE: *value = e->insn.immediate & size_mask(operand->size); break;
	case OPERAND_MEMORY: return memory_read(e, &location->access, value);
	case OPERAND_XMM: /* perform_xmm.c has its own way */
	case OPERAND_NONE: break;
	}
	return EMULATOR_DONE;
}

enum emulator_outcome location_store(struct emulation *e, const struct location *location,
				     uint64_t value)
{
	const struct operand *operand = location->operand;

	if (operand->kind == OPERAND_MEMORY)
		return memory_write(e, &location->access, &value);
	if (operand->kind == OPERAND_REGISTER)
		register_write(e, operand->number, operand->size, value);
	return EMULATOR_DONE;
}

enum emulator_outcome location_exchange(struct emulation *e, const struct location *location,
					uint64_t old, uint64_t new)
{
	/* XCHG with memory locks without being told to (SDM vol. 3, 9.1.2.1) */
	bool locked = e->insn.lock || e->insn.operation == OPERATION_XCHG;

	if (location->operand->kind == OPERAND_MEMORY)
		return memory_exchange(e, &location->access, locked, &old, &new);
	return location_store(e, location, new);
}

enum emulator_outcome operand_read(struct emulation *e, const struct operand *operand,
				   uint64_t *value)
{
	enum emulator_outcome outcome;
	struct location location;

	outcome = location_open(e, operand, false, &location);
	if (outcome != EMULATOR_DONE)
		return outcome;
	return location_load(e, &location, value);
}

enum emulator_outcome operand_write(struct emulation *e, const struct operand *operand,
				    uint64_t value)
{
	enum emulator_outcome outcome;
	struct location location;

	outcome = location_open(e, operand, true, &location);
	if (outcome != EMULATOR_DONE)
		return outcome;
	return location_store(e, &location, value);
}
