/* SPDX-License-Identifier: MIT */
/*
 * One instruction from fetch to commit. The registers that handlers change are copies; they
 * become the guest's only when the instruction is done.
 */
#include <string.h>
#include <emulator/execute.h>

/* Rounds of a locked instruction that other processors disturb, before the guest is entered
 * again. */
#define MAX_ROUNDS 16

static perform_function *const performers[OPERATION_COUNT] = {
	[OPERATION_ADD] = perform_binary,
	[OPERATION_OR] = perform_binary,
	[OPERATION_ADC] = perform_binary,
	[OPERATION_SBB] = perform_binary,
	[OPERATION_AND] = perform_binary,
	[OPERATION_SUB] = perform_binary,
	[OPERATION_XOR] = perform_binary,
	[OPERATION_CMP] = perform_binary,
	[OPERATION_ROL] = perform_shift,
	[OPERATION_ROR] = perform_shift,
	[OPERATION_RCL] = perform_shift,
	[OPERATION_RCR] = perform_shift,
	[OPERATION_SHL] = perform_shift,
	[OPERATION_SHR] = perform_shift,
	[OPERATION_SAL] = perform_shift,
	[OPERATION_SAR] = perform_shift,
	[OPERATION_BT] = perform_bit,
	[OPERATION_BTS] = perform_bit,
	[OPERATION_BTR] = perform_bit,
	[OPERATION_BTC] = perform_bit,
	[OPERATION_TEST] = perform_binary,
	[OPERATION_NOT] = perform_unary,
	[OPERATION_NEG] = perform_unary,
	[OPERATION_INC] = perform_unary,
	[OPERATION_DEC] = perform_unary,
	[OPERATION_MUL] = perform_multiply,
	[OPERATION_IMUL_WIDE] = perform_multiply,
	[OPERATION_IMUL] = perform_imul,
	[OPERATION_DIV] = perform_divide,
	[OPERATION_IDIV] = perform_divide,
	[OPERATION_SHLD] = perform_double_shift,
	[OPERATION_SHRD] = perform_double_shift,
	[OPERATION_BSF] = perform_bit_scan,
	[OPERATION_BSR] = perform_bit_scan,
	[OPERATION_POPCNT] = perform_popcnt,
	[OPERATION_XADD] = perform_xadd,
	[OPERATION_CMPXCHG] = perform_cmpxchg,
	[OPERATION_CMPXCHG_PAIR] = perform_cmpxchg_pair,
	[OPERATION_XCHG] = perform_xchg,
	[OPERATION_MOV] = perform_mov,
	[OPERATION_MOVZX] = perform_mov,
	[OPERATION_MOVSX] = perform_movsx,
	[OPERATION_MOVBE] = perform_movbe,
	[OPERATION_LEA] = perform_lea,
	[OPERATION_SETCC] = perform_setcc,
	[OPERATION_CMOVCC] = perform_cmovcc,
	[OPERATION_PUSH] = perform_push,
	[OPERATION_POP] = perform_pop,
	[OPERATION_PUSH_SEGMENT] = perform_push_segment,
	[OPERATION_POP_SEGMENT] = perform_pop_segment,
	[OPERATION_MOV_FROM_SEGMENT] = perform_mov_from_segment,
	[OPERATION_MOV_TO_SEGMENT] = perform_mov_to_segment,
	[OPERATION_PUSHA] = perform_pusha,
	[OPERATION_POPA] = perform_popa,
	[OPERATION_ENTER] = perform_enter,
	[OPERATION_LEAVE] = perform_leave,
	[OPERATION_CALL] = perform_call,
	[OPERATION_JMP] = perform_jmp,
	[OPERATION_RET] = perform_ret,
	[OPERATION_MOV_XMM] = perform_mov_xmm,
	[OPERATION_MOVS] = perform_string,
	[OPERATION_CMPS] = perform_string,
	[OPERATION_STOS] = perform_string,
	[OPERATION_LODS] = perform_string,
	[OPERATION_SCAS] = perform_string,
	[OPERATION_INS] = perform_string,
	[OPERATION_OUTS] = perform_string,
	[OPERATION_XLAT] = perform_xlat,
	[OPERATION_IN] = perform_io,
	[OPERATION_OUT] = perform_io,
	[OPERATION_MOV_FROM_CR] = perform_mov_from_cr,
	[OPERATION_MOV_TO_CR] = perform_mov_to_cr,
	[OPERATION_CLTS] = perform_clts,
	[OPERATION_LMSW] = perform_lmsw,
	[OPERATION_SMSW] = perform_smsw,
	[OPERATION_SGDT] = perform_store_table,
	[OPERATION_SIDT] = perform_store_table,
	[OPERATION_SLDT] = perform_store_selector,
	[OPERATION_STR] = perform_store_selector,
	[OPERATION_CLI] = perform_cli_sti,
	[OPERATION_STI] = perform_cli_sti,
	[OPERATION_NOP] = perform_nop,
};

unsigned emulator_cpl(const struct emulator_cpu *cpu)
{
	if (!(cpu->cr0 & GUEST_CR0_PE))
		return 0;
	if (cpu->rflags & GUEST_FLAG_VM)
		return 3;
	return (cpu->segment[EMULATOR_SS].attributes & HV_SEGMENT_DPL_MASK) >> HV_SEGMENT_DPL_SHIFT;
}

unsigned emulator_code_size(const struct emulator_cpu *cpu)
{
	unsigned attributes = cpu->segment[EMULATOR_CS].attributes;

	if (cpu->efer & GUEST_EFER_LMA && attributes & HV_SEGMENT_L)
		return 8;
	return attributes & HV_SEGMENT_DB ? 4 : 2;
}

enum emulator_outcome emulation_fault(struct emulation *e, enum guest_vector vector,
				      uint32_t error_code)
{
	struct emulator_result *result = e->result;

	result->fault.vector = (uint8_t)vector;
	result->fault.error_code = error_code;
	/* real mode has no place for an error code (SDM vol. 3, 21.1.4) */
	result->fault.has_error = vector >= GUEST_VECTOR_SS && e->cpu->cr0 & GUEST_CR0_PE;
	return EMULATOR_FAULT;
}

enum emulator_outcome emulation_unhandled(struct emulation *e, const char *reason)
{
	e->result->reason = reason;
	return EMULATOR_UNHANDLED;
}

enum emulator_outcome emulation_answer(struct emulation *e, enum emulator_answer answer,
				       const char *what)
{
	switch (answer) {
	case EMULATOR_ANSWER_OK: return EMULATOR_DONE;
	case EMULATOR_ANSWER_REFUSE: return emulation_fault(e, GUEST_VECTOR_GP, 0);
	default: e->result->reason = what; return EMULATOR_STOPPED;
	}
}

static void emulation_begin(struct emulation *e, struct emulator_cpu *cpu,
			    const struct emulator_ops *ops, void *context,
			    struct emulator_result *result)
{
	e->cpu = cpu;
	e->ops = ops;
	e->context = context;
	e->result = result;
	e->paging = (struct guest_paging){cpu->cr0,    cpu->cr3,  cpu->cr4,	     cpu->efer,
					  cpu->rflags, cpu->pkru, cpu->physical_bits};
	e->code_size = emulator_code_size(cpu);
	e->cpl = emulator_cpl(cpu);
	e->is_protected = cpu->cr0 & GUEST_CR0_PE && !(cpu->rflags & GUEST_FLAG_VM);
	memset(result, 0, sizeof(*result));
}

/* Takes the working copy of the registers. */
static void emulation_copy(struct emulation *e)
{
	memcpy(e->gpr, e->cpu->gpr, sizeof(e->gpr));
	e->rflags = e->cpu->rflags;
	e->rip = e->cpu->rip + e->insn.length;
	if (e->code_size != 8)
		e->rip = (uint32_t)e->rip;
	e->loaded_segment = SEGMENT_NONE;
	e->result->interrupt_shadow = false;
}

void emulation_commit(struct emulation *e)
{
	memcpy(e->cpu->gpr, e->gpr, sizeof(e->gpr));
	e->cpu->rflags = e->rflags;
}

/*
 * How many bytes can be fetched from RIP on, at most 15, and their linear address. Code
 * runs up to the limit of CS or the end of the canonical half; no byte at all is #GP(0).
 */
static enum emulator_outcome fetch_window(struct emulation *e, uint64_t *linear,
					  unsigned *available)
{
	const struct hv_x64_segment_register *cs = &e->cpu->segment[EMULATOR_CS];
	unsigned unused = e->cpu->cr4 & GUEST_CR4_LA57 ? 64 - 57 : 64 - 48;
	uint64_t rip = e->cpu->rip, end;

	if (e->code_size == 8) {
		*linear = rip;
		end = ~0ull >> (unused + 1); /* the last address of the lower half */
		if (rip > end && rip < ~end)
			return emulation_fault(e, GUEST_VECTOR_GP, 0);
		if (rip > end)
			end = ~0ull;
	} else {
		*linear = (uint32_t)(cs->base + rip);
		end = cs->limit;
		if (rip > end)
			return emulation_fault(e, GUEST_VECTOR_GP, 0);
	}
	*available = (unsigned)MIN(end - rip, EMULATOR_MAX_LENGTH - 1) + 1;
	return EMULATOR_DONE;
}

/* Fetches bytes up to the next page boundary, at most up to available bytes in all. */
static enum emulator_outcome fetch_page(struct emulation *e, uint64_t linear, unsigned available)
{
	unsigned have = e->result->fetched;
	uint64_t from = linear + have;
	struct memory_access access;
	enum emulator_outcome outcome;
	unsigned size;

	if (e->code_size != 8)
		from = (uint32_t)from;
	size = (unsigned)MIN(available - have, PAGE_SIZE - (from & (PAGE_SIZE - 1)));
	outcome = memory_translate_linear(e, from, size, GUEST_WALK_FETCH, &access);
	if (outcome != EMULATOR_DONE)
		return outcome;
	if (!e->ops->memory.read_gpa(e->context, access.part[0].gpa, e->result->bytes + have, size))
		return emulation_unhandled(e, "code is not in RAM");
	e->result->fetched = (uint8_t)(have + size);
	return EMULATOR_DONE;
}

/* Fetches and decodes. The second page is touched only if the instruction needs it. */
static enum emulator_outcome fetch_instruction(struct emulation *e)
{
	struct emulator_result *result = e->result;
	enum decode_status status = DECODE_TRUNCATED;
	enum emulator_outcome outcome;
	unsigned available = 0;
	uint64_t linear = 0;

	outcome = fetch_window(e, &linear, &available);
	if (outcome != EMULATOR_DONE)
		return outcome;
	/* each round fetches at least a byte, and a page more than the one before */
	while (status == DECODE_TRUNCATED && result->fetched < available) {
		outcome = fetch_page(e, linear, available);
		if (outcome != EMULATOR_DONE)
			return outcome;
		status = instruction_decode(&e->insn, result->bytes, result->fetched, e->code_size);
	}
	switch (status) {
	case DECODE_OK: break;
	case DECODE_INVALID: return emulation_fault(e, GUEST_VECTOR_UD, 0);
	case DECODE_UNKNOWN: return emulation_unhandled(e, "an unknown opcode");
	/* too long, or it runs over the limit of CS */
	default: return emulation_fault(e, GUEST_VECTOR_GP, 0);
	}
	result->length = e->insn.length;
	result->fetched = e->insn.length;
	return EMULATOR_DONE;
}

static void emulation_finish(struct emulation *e)
{
	struct emulator_cpu *cpu = e->cpu;

	emulation_commit(e);
	cpu->rip = e->rip;
	cpu->rflags &= ~GUEST_FLAG_RF;
	if (e->loaded_segment != SEGMENT_NONE)
		cpu->segment[e->loaded_segment] = e->loaded;
}

enum emulator_outcome emulator_run_one(struct emulator_cpu *cpu, const struct emulator_ops *ops,
				       void *context, struct emulator_result *result)
{
	bool trap = cpu->rflags & GUEST_FLAG_TF;
	enum emulator_outcome outcome;
	perform_function *perform;
	struct emulation e;
	unsigned round;

	emulation_begin(&e, cpu, ops, context, result);
	outcome = fetch_instruction(&e);
	if (outcome == EMULATOR_DONE) {
		perform = performers[e.insn.operation];
		outcome = EMULATOR_RETRY;
		if (!perform)
			outcome = emulation_unhandled(&e, "an instruction that is not emulated");
		for (round = 0; outcome == EMULATOR_RETRY && round < MAX_ROUNDS; round++) {
			emulation_copy(&e);
			outcome = perform(&e);
		}
	}
	if (outcome == EMULATOR_DONE)
		emulation_finish(&e);
	if (outcome == EMULATOR_DONE || outcome == EMULATOR_REPEAT)
		/* a load of SS holds traps off too (SDM vol. 3, 6.8.3) */
		result->single_step = trap && e.loaded_segment != EMULATOR_SS;
	else
		result->interrupt_shadow = false;
	result->outcome = outcome;
	return outcome;
}
