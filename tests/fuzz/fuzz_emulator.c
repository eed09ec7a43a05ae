/* SPDX-License-Identifier: MIT */
/*
 * Hostile code, registers, page tables and callbacks for the emulator. The input is the state
 * of the processor followed by the contents of a small RAM, which repeats. Besides what the
 * sanitizers find, it checks the promises of emulator.h: callbacks get well-formed requests,
 * their number is bounded, and what is not done leaves the registers alone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <emulator/emulator.h>
#include <emulator/instruction.h>
#include <emulator/processor_bits.h>

#define RAM_SIZE  0x10000u
#define STEPS	  8
#define CALLS_MAX 200000u /* of one step: 4096 iterations, two operands, two walks each */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	uint8_t ram[RAM_SIZE];
	uint64_t seed;
	unsigned calls;
	bool hostile; /* callbacks fail at random */
};

static void promise(bool kept)
{
	if (!kept)
		abort();
}

static uint64_t world_random(struct world *w)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return w->seed >> 24;
}

/* RAM answers at every gpa whose bits 16 to 19 are zero; the rest is memory-mapped I/O. */
static bool world_is_ram(struct world *w, gpa_t gpa, unsigned size)
{
	promise(size >= 1 && size <= 16);
	promise((gpa & (PAGE_SIZE - 1)) + size <= PAGE_SIZE);
	promise(++w->calls < CALLS_MAX);
	return !(gpa & 0xf0000);
}

static bool read_gpa(void *context, gpa_t gpa, void *data, unsigned size)
{
	struct world *w = context;

	if (!world_is_ram(w, gpa, size))
		return false;
	memcpy(data, w->ram + gpa % RAM_SIZE, size);
	return true;
}

static bool write_gpa(void *context, gpa_t gpa, const void *data, unsigned size)
{
	struct world *w = context;

	if (!world_is_ram(w, gpa, size))
		return false;
	memcpy(w->ram + gpa % RAM_SIZE, data, size);
	return true;
}

static bool cmpxchg_gpa(void *context, gpa_t gpa, const void *expected, const void *desired,
			unsigned size, bool *exchanged)
{
	struct world *w = context;

	if (!world_is_ram(w, gpa, size))
		return false;
	*exchanged = !memcmp(w->ram + gpa % RAM_SIZE, expected, size);
	if (w->hostile && world_random(w) % 4 == 0)
		*exchanged = false;
	if (*exchanged)
		memcpy(w->ram + gpa % RAM_SIZE, desired, size);
	return true;
}

static enum emulator_answer world_answer(struct world *w)
{
	promise(++w->calls < CALLS_MAX);
	return w->hostile && world_random(w) % 16 == 0 ? (enum emulator_answer)(world_random(w) % 3)
						       : EMULATOR_ANSWER_OK;
}

static void check_mmio(gpa_t gpa, unsigned size)
{
	promise(size == 1 || size == 2 || size == 4 || size == 8);
	promise((gpa & 7) + size <= 8);
}

static enum emulator_answer mmio_read(void *context, gpa_t gpa, unsigned size, uint64_t *value)
{
	check_mmio(gpa, size);
	*value = world_random(context); /* with bits above size too */
	return world_answer(context);
}

static enum emulator_answer mmio_write(void *context, gpa_t gpa, unsigned size, uint64_t value)
{
	check_mmio(gpa, size);
	promise(size == 8 || value < BIT(8 * size));
	return world_answer(context);
}

static enum emulator_answer io_in(void *context, uint16_t port, unsigned size, uint32_t *value)
{
	(void)port;
	promise(size == 1 || size == 2 || size == 4);
	*value = (uint32_t)world_random(context);
	return world_answer(context);
}

static enum emulator_answer io_out(void *context, uint16_t port, unsigned size, uint32_t value)
{
	(void)port;
	promise(size == 1 || size == 2 || size == 4);
	promise(size == 4 || value < BIT(8 * size));
	return world_answer(context);
}

static enum emulator_answer cr_write(void *context, unsigned number, uint64_t value)
{
	(void)value;
	promise(BIT(number) & (BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(8)));
	return world_answer(context);
}

static bool is_table(uint32_t name)
{
	return name == HV_X64_REGISTER_GDTR || name == HV_X64_REGISTER_IDTR ||
	       name == HV_X64_REGISTER_LDTR || name == HV_X64_REGISTER_TR;
}

static enum emulator_answer register_read(void *context, uint32_t name,
					  union hv_register_value *value)
{
	promise(name - HV_X64_REGISTER_XMM0 < 16 || is_table(name));
	value->low = value->high = world_random(context);
	return world_answer(context);
}

static enum emulator_answer register_write(void *context, uint32_t name,
					   const union hv_register_value *value)
{
	(void)value;
	promise(name - HV_X64_REGISTER_XMM0 < 16);
	return world_answer(context);
}

static const struct emulator_ops all_ops = {
	.memory = {read_gpa, write_gpa, cmpxchg_gpa},
	.mmio_read = mmio_read,
	.mmio_write = mmio_write,
	.io_in = io_in,
	.io_out = io_out,
	.cr_write = cr_write,
	.register_read = register_read,
	.register_write = register_write,
};

static const struct emulator_ops few_ops = {
	.memory = {read_gpa, write_gpa, NULL},
	.mmio_read = mmio_read,
	.mmio_write = mmio_write,
};

/* What the head of an input chooses. */
struct choice {
	uint8_t mode;
	uint8_t flags;
	uint16_t rip;
	uint64_t seed;
};

enum { MODE_REAL, MODE_PROTECTED, MODE_PAGED, MODE_PAE, MODE_LONG, MODE_LONG57, MODE_WILD, MODES };

/* Keeps most states near those that a processor can have, so that instructions get executed. */
static void tame(struct emulator_cpu *cpu, const struct choice *choice)
{
	unsigned mode = choice->mode % MODES;
	unsigned code = choice->flags & 1 ? HV_SEGMENT_DB : 0;

	if (mode == MODE_WILD)
		return;
	cpu->cr0 &= GUEST_CR0_WP | GUEST_CR0_AM | GUEST_CR0_TS;
	cpu->cr4 &= ~(GUEST_CR4_PAE | GUEST_CR4_LA57);
	cpu->efer &= GUEST_EFER_NXE;
	if (mode >= MODE_PROTECTED)
		cpu->cr0 |= GUEST_CR0_PE;
	if (mode >= MODE_PAGED)
		cpu->cr0 |= GUEST_CR0_PG;
	if (mode >= MODE_PAE)
		cpu->cr4 |= GUEST_CR4_PAE;
	if (mode >= MODE_LONG) {
		cpu->efer |= GUEST_EFER_LMA;
		code = HV_SEGMENT_L;
	}
	if (mode == MODE_LONG57)
		cpu->cr4 |= GUEST_CR4_LA57;
	cpu->rip = choice->rip;
	cpu->segment[EMULATOR_CS] = (struct hv_x64_segment_register){
		.limit = choice->flags & 2 ? 0xffffffff : 0xffff,
		.attributes = (uint16_t)(HV_SEGMENT_P | HV_SEGMENT_S | 11 | code)};
	for (unsigned i = 0; choice->flags & 4 && i < EMULATOR_SEGMENT_COUNT; i++)
		if (i != EMULATOR_CS)
			cpu->segment[i] = (struct hv_x64_segment_register){
				.limit = 0xffffffff, .attributes = HV_SEGMENT_P | HV_SEGMENT_S | 3};
}

/* RIP is behind the instruction, unless that is a branch: one may even go to itself. */
static void check_rip(const struct emulator_cpu *before, const struct emulator_cpu *cpu,
		      const struct emulator_result *result)
{
	struct instruction insn;

	promise(result->length > 0);
	promise(instruction_decode(&insn, result->bytes, result->length,
				   emulator_code_size(before)) == DECODE_OK);
	if (insn.operation != OPERATION_CALL && insn.operation != OPERATION_JMP &&
	    insn.operation != OPERATION_RET)
		promise(cpu->rip != before->rip);
}

static void step(struct emulator_cpu *cpu, const struct emulator_ops *ops, struct world *world)
{
	struct emulator_cpu before = *cpu;
	struct emulator_result result;
	enum emulator_outcome outcome;

	world->calls = 0;
	outcome = emulator_run_one(cpu, ops, world, &result);
	promise(outcome == result.outcome);
	promise(result.length <= EMULATOR_MAX_LENGTH && result.fetched <= EMULATOR_MAX_LENGTH);
	switch (outcome) {
	case EMULATOR_DONE: check_rip(&before, cpu, &result); return;
	case EMULATOR_FAULT:
		promise(result.fault.vector == GUEST_VECTOR_PF || cpu->cr2 == before.cr2);
		promise(result.fault.has_error <= !!(cpu->cr0 & GUEST_CR0_PE));
		break;
	case EMULATOR_UNHANDLED:
	case EMULATOR_STOPPED: promise(result.reason != NULL); break;
	case EMULATOR_REPEAT:
	case EMULATOR_RETRY: break;
	}
	promise(cpu->rip == before.rip);
	promise(!memcmp(cpu->segment, before.segment, sizeof(before.segment)));
	/* only the registers of a repeated string instruction may have moved on */
	for (unsigned i = 0; i < EMULATOR_GPR_COUNT; i++)
		if (i != EMULATOR_RAX && i != EMULATOR_RCX && i != EMULATOR_RSI &&
		    i != EMULATOR_RDI)
			promise(cpu->gpr[i] == before.gpr[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world world;
	const size_t head = sizeof(struct choice) + sizeof(struct emulator_cpu);
	struct emulator_cpu cpu;
	struct choice choice;

	if (size <= head)
		return 0;
	memcpy(&choice, data, sizeof(choice));
	memcpy(&cpu, data + sizeof(choice), sizeof(cpu));
	data += head;
	size -= head;
	/* the code first, then the rest again and again: tables, descriptors, strings */
	for (size_t i = 0; i < RAM_SIZE; i += size)
		memcpy(world.ram + i, data, size < RAM_SIZE - i ? size : RAM_SIZE - i);
	world.seed = choice.seed;
	world.hostile = choice.flags & 8;
	tame(&cpu, &choice);
	for (unsigned i = 0; i < STEPS; i++)
		step(&cpu, choice.flags & 16 ? &few_ops : &all_ops, &world);
	emulator_decode_length(data, (unsigned)(size < 32 ? size : 32), 2u << choice.flags % 3);
	return 0;
}
