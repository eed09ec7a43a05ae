/* SPDX-License-Identifier: MIT */
/*
 * Instructions that compute: they open their destination for writing first (so that every
 * fault comes before the first access), load, compute with arithmetic.c and store.
 */
#include <string.h>
#include <emulator/execute.h>

/* Opens the destination and loads both operands. */
static enum emulator_outcome load_both(struct emulation *e, bool write, struct location *location,
				       uint64_t *a, uint64_t *b)
{
	enum emulator_outcome outcome;

	outcome = location_open(e, &e->insn.operand[0], write, location);
	if (outcome == EMULATOR_DONE)
		outcome = operand_read(e, &e->insn.operand[1], b);
	if (outcome == EMULATOR_DONE)
		outcome = location_load(e, location, a);
	return outcome;
}

enum emulator_outcome perform_binary(struct emulation *e)
{
	enum operation operation = e->insn.operation;
	bool write = operation != OPERATION_CMP && operation != OPERATION_TEST;
	enum emulator_outcome outcome;
	struct location location;
	uint64_t a, b, result;

	outcome = load_both(e, write, &location, &a, &b);
	if (outcome != EMULATOR_DONE)
		return outcome;
	result = arithmetic_binary(operation, e->insn.operand_size, a, b, &e->rflags);
	return write ? location_exchange(e, &location, a, result) : EMULATOR_DONE;
}

enum emulator_outcome perform_unary(struct emulation *e)
{
	enum emulator_outcome outcome;
	struct location location;
	uint64_t a, result;

	outcome = location_open(e, &e->insn.operand[0], true, &location);
	if (outcome == EMULATOR_DONE)
		outcome = location_load(e, &location, &a);
	if (outcome != EMULATOR_DONE)
		return outcome;
	result = arithmetic_unary(e->insn.operation, e->insn.operand_size, a, &e->rflags);
	return location_exchange(e, &location, a, result);
}

enum emulator_outcome perform_shift(struct emulation *e)
{
	enum emulator_outcome outcome;
	struct location location;
	uint64_t a, count, result;

	outcome = load_both(e, true, &location, &a, &count);
	if (outcome != EMULATOR_DONE)
		return outcome;
	result = arithmetic_shift(e->insn.operation, e->insn.operand_size, a, count & 0xff,
				  &e->rflags);
	return location_store(e, &location, result);
}

enum emulator_outcome perform_double_shift(struct emulation *e)
{
	bool by_cl = e->insn.opcode & 1;
	unsigned count = (by_cl ? e->gpr[EMULATOR_RCX] : e->insn.immediate) & 0xff;
	enum emulator_outcome outcome;
	struct location location;
	uint64_t a, b, result;

	outcome = load_both(e, true, &location, &a, &b);
	if (outcome != EMULATOR_DONE)
		return outcome;
	result = arithmetic_double_shift(e->insn.operation, e->insn.operand_size, a, b, count,
					 &e->rflags);
	return location_store(e, &location, result);
}

/*
 * A bit number in a register may be far outside the operand in memory: it then selects
 * another word of the bit string (SDM vol. 1, 4.2.1; vol. 2, BT).
 */
enum emulator_outcome perform_bit(struct emulation *e)
{
	const struct operand *base = &e->insn.operand[0], *number = &e->insn.operand[1];
	bool write = e->insn.operation != OPERATION_BT;
	unsigned size = e->insn.operand_size;
	enum emulator_outcome outcome;
	struct location location;
	uint64_t a, bit, result, extra = 0;

	outcome = operand_read(e, number, &bit);
	if (outcome != EMULATOR_DONE)
		return outcome;
	if (base->kind == OPERAND_MEMORY && number->kind == OPERAND_REGISTER) {
		int64_t words = (int64_t)sign_extend(bit, size) / (8 * (int)size);

		if ((int64_t)sign_extend(bit, size) % (8 * (int)size) < 0)
			words--;
		extra = (uint64_t)words * size;
	}
	outcome = location_open_at(e, base, extra, write, &location);
	if (outcome == EMULATOR_DONE)
		outcome = location_load(e, &location, &a);
	if (outcome != EMULATOR_DONE)
		return outcome;
	result = arithmetic_bit(e->insn.operation, size, a, bit, &e->rflags);
	return write ? location_exchange(e, &location, a, result) : EMULATOR_DONE;
}

/* MUL and IMUL with one operand: the product goes to RDX:RAX, for bytes to AX. */
enum emulator_outcome perform_multiply(struct emulation *e)
{
	unsigned size = e->insn.operand_size;
	bool is_signed = e->insn.operation == OPERATION_IMUL_WIDE;
	enum emulator_outcome outcome;
	uint64_t b, low, high;

	outcome = operand_read(e, &e->insn.operand[0], &b);
	if (outcome != EMULATOR_DONE)
		return outcome;
	low = arithmetic_multiply(is_signed, size, e->gpr[EMULATOR_RAX], b, &high, &e->rflags);
	if (size == 1) {
		register_write(e, EMULATOR_RAX, 2, high << 8 | low);
	} else {
		register_write(e, EMULATOR_RAX, size, low);
		register_write(e, EMULATOR_RDX, size, high);
	}
	return EMULATOR_DONE;
}

/* IMUL with two operands, or with an immediate as the third. */
enum emulator_outcome perform_imul(struct emulation *e)
{
	const struct operand *to = &e->insn.operand[0];
	bool by_immediate = e->insn.opcode == 0x69 || e->insn.opcode == 0x6b;
	enum emulator_outcome outcome;
	uint64_t a, b, high, low;

	outcome = operand_read(e, &e->insn.operand[1], &b);
	if (outcome != EMULATOR_DONE)
		return outcome;
	a = by_immediate ? e->insn.immediate : register_read(e, to->number, to->size);
	low = arithmetic_multiply(true, to->size, a, b, &high, &e->rflags);
	register_write(e, to->number, to->size, low);
	return EMULATOR_DONE;
}

enum emulator_outcome perform_divide(struct emulation *e)
{
	unsigned size = e->insn.operand_size;
	bool is_signed = e->insn.operation == OPERATION_IDIV;
	uint64_t divisor, high, quotient, remainder;
	enum emulator_outcome outcome;

	outcome = operand_read(e, &e->insn.operand[0], &divisor);
	if (outcome != EMULATOR_DONE)
		return outcome;
	high = size == 1 ? e->gpr[EMULATOR_RAX] >> 8 : e->gpr[EMULATOR_RDX];
	if (!arithmetic_divide(is_signed, size, high, e->gpr[EMULATOR_RAX], divisor, &quotient,
			       &remainder))
		return emulation_fault(e, GUEST_VECTOR_DE, 0);
	if (size == 1) {
		register_write(e, EMULATOR_RAX, 2, remainder << 8 | quotient);
	} else {
		register_write(e, EMULATOR_RAX, size, quotient);
		register_write(e, EMULATOR_RDX, size, remainder);
	}
	return EMULATOR_DONE;
}

/* BSF and BSR. With a source of zero the destination stays as it is (APM vol. 3). */
enum emulator_outcome perform_bit_scan(struct emulation *e)
{
	const struct operand *to = &e->insn.operand[0];
	enum emulator_outcome outcome;
	uint64_t value;

	outcome = operand_read(e, &e->insn.operand[1], &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	e->rflags &= ~GUEST_FLAG_ZF;
	if (!value)
		e->rflags |= GUEST_FLAG_ZF;
	else if (e->insn.operation == OPERATION_BSF)
		register_write(e, to->number, to->size, (uint64_t)__builtin_ctzll(value));
	else
		register_write(e, to->number, to->size, 63 - (uint64_t)__builtin_clzll(value));
	return EMULATOR_DONE;
}

enum emulator_outcome perform_popcnt(struct emulation *e)
{
	const struct operand *to = &e->insn.operand[0];
	enum emulator_outcome outcome;
	uint64_t value, count = 0;

	outcome = operand_read(e, &e->insn.operand[1], &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	e->rflags &= ~GUEST_FLAGS_STATUS;
	if (!value)
		e->rflags |= GUEST_FLAG_ZF;
	/* each round clears the lowest bit that is set */
	for (; value; value &= value - 1)
		count++;
	register_write(e, to->number, to->size, count);
	return EMULATOR_DONE;
}

enum emulator_outcome perform_xadd(struct emulation *e)
{
	const struct operand *from = &e->insn.operand[1];
	enum emulator_outcome outcome;
	struct location location;
	uint64_t a, b, sum;

	outcome = load_both(e, true, &location, &a, &b);
	if (outcome != EMULATOR_DONE)
		return outcome;
	sum = arithmetic_binary(OPERATION_ADD, e->insn.operand_size, a, b, &e->rflags);
	/* the source first: if both are one register, it holds the sum */
	register_write(e, from->number, from->size, a);
	return location_exchange(e, &location, a, sum);
}

/*
 * Memory is written whether or not it is equal (SDM vol. 2, CMPXCHG). A register that is not
 * equal stays whole, upper half and all: processors do so.
 */
enum emulator_outcome perform_cmpxchg(struct emulation *e)
{
	unsigned size = e->insn.operand_size;
	enum emulator_outcome outcome;
	struct location location;
	uint64_t old, new;

	outcome = load_both(e, true, &location, &old, &new);
	if (outcome != EMULATOR_DONE)
		return outcome;
	arithmetic_binary(OPERATION_CMP, size, e->gpr[EMULATOR_RAX], old, &e->rflags);
	if (e->rflags & GUEST_FLAG_ZF)
		return location_exchange(e, &location, old, new);
	if (location.operand->kind == OPERAND_MEMORY)
		outcome = location_exchange(e, &location, old, old);
	register_write(e, EMULATOR_RAX, size, old);
	return outcome;
}

/* CMPXCHG8B and CMPXCHG16B: RDX:RAX is compared, RCX:RBX stored. */
enum emulator_outcome perform_cmpxchg_pair(struct emulation *e)
{
	unsigned half = e->insn.operand_size == 8 ? 8 : 4, size = 2 * half;
	unsigned segment = e->insn.memory.segment;
	uint8_t old[16] = {0}, new[16];
	enum emulator_outcome outcome;
	struct memory_access access;
	uint64_t low = 0, high = 0, linear = 0;

	outcome = memory_linear(e, segment, effective_address(e, 0), size, true, &linear);
	if (outcome != EMULATOR_DONE)
		return outcome;
	if (size == 16 && linear & 15)
		return emulation_fault(e, GUEST_VECTOR_GP, 0);
	outcome = memory_translate(e, segment, effective_address(e, 0), size, true, &access);
	if (outcome == EMULATOR_DONE)
		outcome = memory_read(e, &access, old);
	if (outcome != EMULATOR_DONE)
		return outcome;
	memcpy(new, old, size);
	memcpy(&low, old, half);
	memcpy(&high, old + half, half);
	if (low == register_read(e, EMULATOR_RAX, half) &&
	    high == register_read(e, EMULATOR_RDX, half)) {
		e->rflags |= GUEST_FLAG_ZF;
		memcpy(new, &e->gpr[EMULATOR_RBX], half);
		memcpy(new + half, &e->gpr[EMULATOR_RCX], half);
	} else {
		e->rflags &= ~GUEST_FLAG_ZF;
		register_write(e, EMULATOR_RAX, half, low);
		register_write(e, EMULATOR_RDX, half, high);
	}
	return memory_exchange(e, &access, e->insn.lock, old, new);
}
