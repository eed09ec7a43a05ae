/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder against a public one (Zydis), over random instructions in all
 * three code sizes: lengths, legality, memory operands, registers and immediates. The
 * random numbers are the same in every run.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>
#include <Zydis/Zydis.h>
#include <emulator/instruction.h>

#define ROUNDS 400000

static uint64_t random_state;

static uint32_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

/* Some prefixes, an opcode of any map, and random bytes after it. */
static void random_instruction(uint8_t *bytes, unsigned code_size)
{
	static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
					   0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x66};
	unsigned position = 0, count = random_number() % 8, map = random_number() % 16;

	for (unsigned i = 0; i < EMULATOR_MAX_LENGTH + 1; i++)
		bytes[i] = (uint8_t)random_number();
	for (count = count < 4 ? 0 : count - 3; count; count--)
		bytes[position++] = prefixes[random_number() % ARRAY_SIZE(prefixes)];
	if (code_size == 8 && random_number() % 3 == 0)
		bytes[position++] = 0x40 | (random_number() & 15);
	if (map < 6)
		bytes[position++] = 0x0f;
	if (map == 0)
		bytes[position] = random_number() & 1 ? 0x38 : 0x3a;
}

static void show(const char *what, const uint8_t *bytes, unsigned code_size)
{
	printf("%s: %u-bit code:", what, 8 * code_size);
	for (unsigned i = 0; i < EMULATOR_MAX_LENGTH; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
}

static uint8_t number_of(ZydisRegister reg)
{
	if (reg == ZYDIS_REGISTER_NONE)
		return REGISTER_NONE;
	if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return REGISTER_RIP;
	if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
		return (uint8_t)(REGISTER_HIGH_BYTE + reg - ZYDIS_REGISTER_AH);
	if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_R15B)
		return (uint8_t)(4 + reg - ZYDIS_REGISTER_SPL);
	return (uint8_t)ZydisRegisterGetId(reg);
}

/* With a 32-bit address, Zydis 4.0 reports R13D where SIB says that there is no base. */
static bool zydis_invents_base(const struct instruction *ours, const ZydisDecodedOperand *theirs)
{
	return ours->code_size == 8 && ours->address_size == 4 &&
	       ours->memory.base == REGISTER_NONE && theirs->mem.base == ZYDIS_REGISTER_R13D;
}

/* The prefix of DS is NOTRACK for it, before an indirect branch; without CET it is that of DS. */
static bool zydis_sees_notrack(const struct instruction *ours)
{
	return ours->override == EMULATOR_DS &&
	       (ours->operation == OPERATION_CALL || ours->operation == OPERATION_JMP);
}

static bool same_memory(const struct instruction *ours, const ZydisDecodedOperand *theirs)
{
	uint64_t mask = ~0ull >> (64 - 8 * ours->address_size);
	uint64_t displacement =
		theirs->mem.disp.has_displacement ? (uint64_t)theirs->mem.disp.value : 0;

	if (zydis_invents_base(ours, theirs))
		return true;
	return ours->memory.base == number_of(theirs->mem.base) &&
	       ours->memory.index == number_of(theirs->mem.index) &&
	       (ours->memory.index == REGISTER_NONE || ours->memory.scale == theirs->mem.scale ||
		(ours->memory.scale == 1 && theirs->mem.scale == 0)) &&
	       (ours->memory.displacement & mask) == (displacement & mask) &&
	       (ours->operation == OPERATION_LEA || zydis_sees_notrack(ours) ||
		ours->memory.segment == theirs->mem.segment - ZYDIS_REGISTER_ES);
}

static bool same_operand(const struct instruction *ours, const struct operand *o,
			 const ZydisDecodedOperand *t)
{
	uint64_t mask = o->size ? ~0ull >> (64 - 8 * MIN(o->size, 8)) : 0;

	/* counts and ports: we extend the sign of every byte, and use only the byte */
	if (t->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && !t->imm.is_signed && t->size == 8)
		mask = 0xff;
	switch (o->kind) {
	case OPERAND_MEMORY:
		return t->type == ZYDIS_OPERAND_TYPE_MEMORY && same_memory(ours, t) &&
		       (t->size == 8u * o->size || ours->operation == OPERATION_LEA ||
			ours->operation == OPERATION_CMPXCHG_PAIR ||
			(ours->operation >= OPERATION_LMSW && ours->operation <= OPERATION_STR) ||
			/* MOVSXD r16: manuals differ about the source */
			(ours->operation == OPERATION_MOVSX && ours->operand_size == 2));
	case OPERAND_REGISTER:
	case OPERAND_XMM:
		return t->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		       o->number == number_of(t->reg.value);
	case OPERAND_IMMEDIATE:
		return t->type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
		       (ours->immediate & mask & 0xffffffff) ==
			       (t->imm.value.u & mask & 0xffffffff);
	default: return true;
	}
}

/* Instructions whose operands Zydis lists in its own way: only lengths are compared. */
static bool has_plain_operands(const struct instruction *insn)
{
	switch (insn->operation) {
	case OPERATION_NONE:
	case OPERATION_NOP:
	case OPERATION_MOV_FROM_CR:
	case OPERATION_MOV_TO_CR:
	case OPERATION_MOV_FROM_SEGMENT:
	case OPERATION_MOV_TO_SEGMENT:
	case OPERATION_OUT:
	case OPERATION_XCHG: return false;
	default: return true;
	}
}

static bool same_operands(const struct instruction *ours, const ZydisDecodedOperand *theirs)
{
	if (!has_plain_operands(ours))
		return true;
	for (unsigned i = 0; i < 2; i++) {
		if (ours->operation == OPERATION_IMUL && i == 1 &&
		    (ours->opcode == 0x69 || ours->opcode == 0x6b) &&
		    ours->operand[1].kind == OPERAND_REGISTER)
			continue;
		if (!same_operand(ours, &ours->operand[i], &theirs[i]))
			return false;
	}
	return true;
}

/* What Zydis takes and we do not, or the other way round, on purpose. */
static bool is_known_difference(const struct instruction *ours, enum decode_status status,
				const ZydisDecodedInstruction *theirs)
{
	if (theirs &&
	    (theirs->mnemonic == ZYDIS_MNEMONIC_UD0 || theirs->mnemonic == ZYDIS_MNEMONIC_UD1 ||
	     theirs->mnemonic == ZYDIS_MNEMONIC_UD2))
		return status == DECODE_INVALID;
	/* of Xeon Phi's first generation only */
	if (theirs &&
	    (theirs->mnemonic == ZYDIS_MNEMONIC_JKZD || theirs->mnemonic == ZYDIS_MNEMONIC_JKNZD))
		return true;
	/* without MPX these are hints that take any operand */
	if (ours->operation == OPERATION_NOP && (ours->opcode == 0x1a || ours->opcode == 0x1b))
		return true;
	/* MOV CR0 with LOCK is CR8 on AMD processors that say so; our guests are not told */
	if (status == DECODE_INVALID && theirs && theirs->mnemonic == ZYDIS_MNEMONIC_MOV &&
	    theirs->attributes & ZYDIS_ATTRIB_HAS_LOCK)
		return true;
	return status == DECODE_UNKNOWN;
}

static unsigned compare_one(ZydisDecoder *decoder, const uint8_t *bytes, unsigned code_size)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction theirs;
	struct instruction ours;
	enum decode_status status;
	ZyanStatus result;

	memset(operands, 0, sizeof(operands));
	status = instruction_decode(&ours, bytes, EMULATOR_MAX_LENGTH, code_size);
	result = ZydisDecoderDecodeFull(decoder, bytes, EMULATOR_MAX_LENGTH, &theirs, operands);
	if (ZYAN_SUCCESS(result) && status == DECODE_OK) {
		if (theirs.length != ours.length && !is_known_difference(&ours, status, &theirs)) {
			show("length", bytes, code_size);
			printf("ours %u, theirs %u %s\n", ours.length, theirs.length,
			       ZydisMnemonicGetString(theirs.mnemonic));
			return 1;
		}
		if (!same_operands(&ours, operands)) {
			show("operands", bytes, code_size);
			printf("%s\n", ZydisMnemonicGetString(theirs.mnemonic));
			return 1;
		}
		return 0;
	}
	if (ZYAN_SUCCESS(result) && !is_known_difference(&ours, status, &theirs)) {
		show("refused", bytes, code_size);
		printf("status %d %s\n", status, ZydisMnemonicGetString(theirs.mnemonic));
		return 1;
	}
	if (!ZYAN_SUCCESS(result) && status == DECODE_OK && ours.operation != OPERATION_NONE &&
	    !is_known_difference(&ours, status, NULL)) {
		show("accepted", bytes, code_size);
		return 1;
	}
	return 0;
}

static void compare_many(unsigned code_size, ZydisMachineMode mode, ZydisStackWidth width)
{
	unsigned wrong = 0;
	ZydisDecoder decoder;

	random_state = 0x9e3779b97f4a7c15 + code_size;
	assert_true(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, mode, width)));
	for (unsigned i = 0; i < ROUNDS && wrong < 40; i++) {
		uint8_t bytes[EMULATOR_MAX_LENGTH + 1];

		random_instruction(bytes, code_size);
		wrong += compare_one(&decoder, bytes, code_size);
	}
	assert_int_equal(wrong, 0);
}

static void code16_agrees_with_zydis(void **state)
{
	(void)state;
	compare_many(2, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
}

static void code32_agrees_with_zydis(void **state)
{
	(void)state;
	compare_many(4, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
}

static void code64_agrees_with_zydis(void **state)
{
	(void)state;
	compare_many(8, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code16_agrees_with_zydis),
		cmocka_unit_test(code32_agrees_with_zydis),
		cmocka_unit_test(code64_agrees_with_zydis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
