/* SPDX-License-Identifier: MIT */
/*
 * The kernel's decoder of plain stores against the root task's emulator: whatever the one takes, the
 * other executes, with the same length, address, and bytes written. The input is the registers and
 * the code; linear addresses are those of one page again and again, which can be read, and is a
 * device's for writes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <emulator/emulator.h>
#include <emulator/processor_bits.h>
#include <store.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TABLE	   0x1000u /* the first of one for each level */
#define PAGE	   0x10000u
#define PTE	   (BIT(0) | BIT(1) | BIT(2) | BIT(5) | BIT(6))
#define LEVELS	   4u
#define LOWER_HALF BIT(46)

struct input {
	uint64_t gpr[16];
	uint64_t rip, ds, ss;
	uint8_t long_mode;
	uint8_t code[STORE_BYTES_MAX];
};

struct world {
	uint8_t code[STORE_BYTES_MAX];
	uint32_t rip;
	uint8_t written[16]; /* from where the first write was */
	uint32_t at, count;
};

static void promise(bool kept)
{
	if (!kept)
		abort();
}

/* Each table has the next one in all of its entries, the last one the page. */
static bool read_gpa(void *context, gpa_t gpa, void *data, unsigned size)
{
	struct world *w = context;
	uint8_t *to = data;
	uint64_t entry;

	if (gpa < PAGE) {
		entry = (gpa < TABLE * LEVELS ? (gpa & ~0xfffull) + TABLE : PAGE) | PTE;
		promise(size == 8);
		memcpy(data, &entry, size);
		return true;
	}
	for (unsigned i = 0; i < size; i++) {
		uint32_t offset = (uint32_t)(gpa + i - w->rip) & 0xfff;

		to[i] = offset < sizeof(w->code) ? w->code[offset] : 0;
	}
	return true;
}

static bool write_gpa(void *context, gpa_t gpa, const void *data, unsigned size)
{
	(void)context;
	(void)data;
	(void)size;
	promise(gpa >= PAGE); /* accessed and dirty bits are set */
	return false;
}

static enum emulator_answer mmio_read(void *context, gpa_t gpa, unsigned size, uint64_t *value)
{
	(void)context;
	(void)gpa;
	(void)size;
	*value = 0;
	return EMULATOR_ANSWER_OK;
}

static enum emulator_answer mmio_write(void *context, gpa_t gpa, unsigned size, uint64_t value)
{
	struct world *w = context;

	if (w->count == 0)
		w->at = (uint32_t)gpa & 0xfff;
	promise(w->at + w->count == (gpa & 0xfff) && w->count + size <= sizeof(w->written));
	memcpy(w->written + w->count, &value, size);
	w->count += size;
	return EMULATOR_ANSWER_OK;
}

static const struct emulator_ops ops = {
	.memory = {read_gpa, write_gpa, NULL},
	.mmio_read = mmio_read,
	.mmio_write = mmio_write,
};

static void cpu_fill(struct emulator_cpu *cpu, const struct input *input, uint64_t rip)
{
	const uint16_t code = input->long_mode ? HV_SEGMENT_L : HV_SEGMENT_DB;

	*cpu = (struct emulator_cpu){.rip = rip, .rflags = 2, .cr3 = TABLE};
	memcpy(cpu->gpr, input->gpr, sizeof(cpu->gpr));
	cpu->cr0 = GUEST_CR0_PE;
	if (input->long_mode) {
		cpu->cr0 |= GUEST_CR0_PG;
		cpu->cr4 = GUEST_CR4_PAE;
		cpu->efer = GUEST_EFER_LMA;
	}
	for (unsigned i = 0; i < EMULATOR_SEGMENT_COUNT; i++)
		cpu->segment[i] = (struct hv_x64_segment_register){
			.limit = UINT32_MAX,
			.attributes =
				HV_SEGMENT_P | HV_SEGMENT_S | HV_SEGMENT_G | HV_SEGMENT_DB | 3};
	cpu->segment[EMULATOR_CS].attributes =
		(uint16_t)(HV_SEGMENT_P | HV_SEGMENT_S | HV_SEGMENT_G | 11 | code);
	cpu->segment[EMULATOR_DS].base = input->ds;
	cpu->segment[EMULATOR_SS].base = input->ss;
}

/* Without paging, all of memory but the page is code. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct emulator_result result;
	struct store_state from;
	struct emulator_cpu cpu;
	struct input input;
	struct store store;
	struct world world = {0};

	if (size < sizeof(input))
		return 0;
	memcpy(&input, data, sizeof(input));
	input.long_mode &= 1;
	input.rip = PAGE | (input.rip & 0x7ff);
	input.ds = input.long_mode ? 0 : (uint32_t)input.ds;
	input.ss = input.long_mode ? 0 : (uint32_t)input.ss;
	for (unsigned i = 0; i < 16; i++)
		input.gpr[i] = input.long_mode ? input.gpr[i] : (uint32_t)input.gpr[i];
	from = (struct store_state){.gpr = input.gpr,
				    .rip = input.rip,
				    .ds = input.ds,
				    .ss = input.ss,
				    .long_mode = input.long_mode};
	if (!store_decode(&from, input.code, &store))
		return 0;
	promise(store.length >= 2 && store.length <= STORE_BYTES_MAX);
	promise(store.size == 8 || store.value < BIT(8 * store.size));
	/* What is across the end of a page or segment, or of no form that a processor translates; and in
	 * 32-bit code what is below the page. */
	if ((store.address & 0xfff) + store.size > 0x1000 ||
	    (input.long_mode ? store.address >= LOWER_HALF
			     : store.address < PAGE ||
				       (uint32_t)(store.address - input.ds) > UINT32_MAX - 8 ||
				       (uint32_t)(store.address - input.ss) > UINT32_MAX - 8))
		return 0;
	memcpy(world.code, input.code, sizeof(world.code));
	world.rip = (uint32_t)input.rip;
	cpu_fill(&cpu, &input, input.rip);
	promise(emulator_run_one(&cpu, &ops, &world, &result) == EMULATOR_DONE);
	promise(result.length == store.length && cpu.rip == input.rip + store.length);
	promise(world.count == store.size && world.at == (store.address & 0xfff));
	promise(memcmp(world.written, &store.value, store.size) == 0);
	return 0;
}
