/* SPDX-License-Identifier: MIT */
/*
 * A machine for tests of the emulator: some RAM, and everything else memory-mapped I/O and
 * ports that write down what they are asked. Functions put the processor into each mode.
 */
#ifndef EMULATOR_MACHINE_H
#define EMULATOR_MACHINE_H

#include <string.h>
#include <emulator/emulator.h>
#include <emulator/processor_bits.h>

#define MACHINE_RAM   0x80000ull
#define MACHINE_LOG   64
#define MACHINE_PML5  0x7000ull
#define MACHINE_PML4  0x1000ull
#define MACHINE_PDPT  0x2000ull
#define MACHINE_PD    0x3000ull
#define MACHINE_PT    0x4000ull
#define MACHINE_TSS   0x6000ull
#define MACHINE_CODE  0x10000ull
#define MACHINE_DATA  0x20000ull
#define MACHINE_STACK 0x30000ull
#define MACHINE_MMIO  0x3f000000ull

#define SEGMENT_CODE64 (HV_SEGMENT_P | HV_SEGMENT_S | HV_SEGMENT_L | HV_SEGMENT_G | 11)
#define SEGMENT_CODE32 (HV_SEGMENT_P | HV_SEGMENT_S | HV_SEGMENT_DB | HV_SEGMENT_G | 11)
#define SEGMENT_CODE16 (HV_SEGMENT_P | HV_SEGMENT_S | 11)
#define SEGMENT_DATA32 (HV_SEGMENT_P | HV_SEGMENT_S | HV_SEGMENT_DB | HV_SEGMENT_G | 3)
#define SEGMENT_DATA16 (HV_SEGMENT_P | HV_SEGMENT_S | 3)
#define SEGMENT_USER   (3u << HV_SEGMENT_DPL_SHIFT)

enum machine_event_kind {
	MACHINE_MMIO_READ,
	MACHINE_MMIO_WRITE,
	MACHINE_IN,
	MACHINE_OUT,
	MACHINE_CR
};

struct machine_event {
	enum machine_event_kind kind;
	uint64_t address; /* or port, or number of the register */
	unsigned size;
	uint64_t value;
};

struct machine {
	struct emulator_cpu cpu;
	struct emulator_result result;
	struct machine_event event[MACHINE_LOG];
	unsigned events;	     /* may be more than were kept */
	uint64_t input;		     /* what MMIO and ports read: rotated by 8 bits each time */
	enum emulator_answer answer; /* of all callbacks */
	unsigned interfering;	     /* this many exchanges fail */
	unsigned exchanges;
	union hv_register_value xmm[16];
	union hv_register_value gdtr, idtr, ldtr, tr;
	uint8_t ram[MACHINE_RAM];
};

static inline void machine_note(struct machine *m, enum machine_event_kind kind, uint64_t address,
				unsigned size, uint64_t value)
{
	if (m->events < MACHINE_LOG)
		m->event[m->events] = (struct machine_event){kind, address, size, value};
	m->events++;
}

static inline bool machine_read_gpa(void *context, gpa_t gpa, void *data, unsigned size)
{
	struct machine *m = context;

	if (!range_within(gpa, size, MACHINE_RAM))
		return false;
	memcpy(data, m->ram + gpa, size);
	return true;
}

static inline bool machine_write_gpa(void *context, gpa_t gpa, const void *data, unsigned size)
{
	struct machine *m = context;

	if (!range_within(gpa, size, MACHINE_RAM))
		return false;
	memcpy(m->ram + gpa, data, size);
	return true;
}

static inline bool machine_cmpxchg_gpa(void *context, gpa_t gpa, const void *expected,
				       const void *desired, unsigned size, bool *exchanged)
{
	struct machine *m = context;

	if (!range_within(gpa, size, MACHINE_RAM))
		return false;
	m->exchanges++;
	*exchanged = !memcmp(m->ram + gpa, expected, size);
	if (m->interfering) {
		m->interfering--;
		*exchanged = false;
	}
	if (*exchanged)
		memcpy(m->ram + gpa, desired, size);
	return true;
}

static inline uint64_t machine_input(struct machine *m, unsigned size)
{
	uint64_t value = m->input & (~0ull >> (64 - 8 * size));

	m->input = m->input >> 8 | m->input << 56;
	return value;
}

static inline enum emulator_answer machine_mmio_read(void *context, gpa_t gpa, unsigned size,
						     uint64_t *value)
{
	struct machine *m = context;

	*value = machine_input(m, size);
	machine_note(m, MACHINE_MMIO_READ, gpa, size, *value);
	return m->answer;
}

static inline enum emulator_answer machine_mmio_write(void *context, gpa_t gpa, unsigned size,
						      uint64_t value)
{
	struct machine *m = context;

	machine_note(m, MACHINE_MMIO_WRITE, gpa, size, value);
	return m->answer;
}

static inline enum emulator_answer machine_in(void *context, uint16_t port, unsigned size,
					      uint32_t *value)
{
	struct machine *m = context;

	*value = (uint32_t)machine_input(m, size);
	machine_note(m, MACHINE_IN, port, size, *value);
	return m->answer;
}

static inline enum emulator_answer machine_out(void *context, uint16_t port, unsigned size,
					       uint32_t value)
{
	struct machine *m = context;

	machine_note(m, MACHINE_OUT, port, size, value);
	return m->answer;
}

static inline enum emulator_answer machine_cr(void *context, unsigned number, uint64_t value)
{
	struct machine *m = context;

	machine_note(m, MACHINE_CR, number, 8, value);
	return m->answer;
}

static inline enum emulator_answer machine_register_read(void *context, uint32_t name,
							 union hv_register_value *value)
{
	struct machine *m = context;

	switch (name) {
	case HV_X64_REGISTER_GDTR: *value = m->gdtr; return m->answer;
	case HV_X64_REGISTER_IDTR: *value = m->idtr; return m->answer;
	case HV_X64_REGISTER_LDTR: *value = m->ldtr; return m->answer;
	case HV_X64_REGISTER_TR: *value = m->tr; return m->answer;
	default: break;
	}
	if (name - HV_X64_REGISTER_XMM0 >= 16)
		return EMULATOR_ANSWER_STOP;
	*value = m->xmm[name - HV_X64_REGISTER_XMM0];
	return m->answer;
}

static inline enum emulator_answer machine_register_write(void *context, uint32_t name,
							  const union hv_register_value *value)
{
	struct machine *m = context;

	if (name - HV_X64_REGISTER_XMM0 >= 16 || m->answer != EMULATOR_ANSWER_OK)
		return EMULATOR_ANSWER_STOP;
	m->xmm[name - HV_X64_REGISTER_XMM0] = *value;
	return EMULATOR_ANSWER_OK;
}

static const struct emulator_ops machine_ops = {
	.memory = {machine_read_gpa, machine_write_gpa, machine_cmpxchg_gpa},
	.mmio_read = machine_mmio_read,
	.mmio_write = machine_mmio_write,
	.io_in = machine_in,
	.io_out = machine_out,
	.cr_write = machine_cr,
	.register_read = machine_register_read,
	.register_write = machine_register_write,
};

static inline void machine_put(struct machine *m, gpa_t gpa, uint64_t value, unsigned size)
{
	memcpy(m->ram + gpa, &value, size);
}

static inline uint64_t machine_get(const struct machine *m, gpa_t gpa, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, m->ram + gpa, size);
	return value;
}

/* All data segments alike, code apart; registers cleared, the stack pointer set. */
static inline void machine_reset(struct machine *m, unsigned code, unsigned data, uint32_t limit)
{
	memset(m, 0, sizeof(*m));
	for (unsigned i = 0; i < EMULATOR_SEGMENT_COUNT; i++)
		m->cpu.segment[i] = (struct hv_x64_segment_register){
			.limit = limit, .selector = 0x10, .attributes = (uint16_t)data};
	m->cpu.segment[EMULATOR_CS].attributes = (uint16_t)code;
	m->cpu.tr = (struct hv_x64_segment_register){MACHINE_TSS, 0x67, 0x28, HV_SEGMENT_P | 11};
	m->cpu.gpr[EMULATOR_RSP] = MACHINE_STACK;
	m->cpu.rip = MACHINE_CODE;
	m->cpu.rflags = 2;
	m->input = 0x8877665544332211;
}

/* 64-bit mode; the first GiB is mapped to itself, by 2 MiB pages, for all to write. */
static inline void machine_long64(struct machine *m)
{
	machine_reset(m, SEGMENT_CODE64, SEGMENT_DATA32, 0xffffffff);
	m->cpu.cr0 = GUEST_CR0_PE | GUEST_CR0_PG | GUEST_CR0_WP | 0x10;
	m->cpu.cr4 = GUEST_CR4_PAE;
	m->cpu.cr3 = MACHINE_PML4;
	m->cpu.efer = GUEST_EFER_LMA | GUEST_EFER_NXE | 0x100;
	machine_put(m, MACHINE_PML4, MACHINE_PDPT | 7, 8);
	machine_put(m, MACHINE_PDPT, MACHINE_PD | 7, 8);
	for (unsigned i = 0; i < 512; i++)
		machine_put(m, MACHINE_PD + 8 * i, (uint64_t)i << 21 | 0x87, 8);
}

/* 32-bit code under the same page tables. */
static inline void machine_compat32(struct machine *m)
{
	machine_long64(m);
	m->cpu.segment[EMULATOR_CS].attributes = SEGMENT_CODE32;
}

static inline void machine_protected32(struct machine *m)
{
	machine_reset(m, SEGMENT_CODE32, SEGMENT_DATA32, 0xffffffff);
	m->cpu.cr0 = GUEST_CR0_PE | 0x10;
}

/* Real mode: CS, DS, ES and SS as far up as code, data and stack are. */
static inline void machine_real(struct machine *m)
{
	static const uint64_t base[] = {
		MACHINE_DATA, MACHINE_CODE, MACHINE_STACK, MACHINE_DATA, 0, 0};

	machine_reset(m, SEGMENT_DATA16, SEGMENT_DATA16, 0xffff);
	m->cpu.cr0 = 0x10;
	for (unsigned i = 0; i < EMULATOR_SEGMENT_COUNT; i++) {
		m->cpu.segment[i].base = base[i];
		m->cpu.segment[i].selector = (uint16_t)(base[i] >> 4);
	}
	m->cpu.rip = 0x100;
	m->cpu.gpr[EMULATOR_RSP] = 0x1000;
}

static inline void machine_vm86(struct machine *m)
{
	machine_real(m);
	m->cpu.cr0 |= GUEST_CR0_PE;
	m->cpu.rflags |= GUEST_FLAG_VM;
	for (unsigned i = 0; i < EMULATOR_SEGMENT_COUNT; i++)
		m->cpu.segment[i].attributes |= SEGMENT_USER;
}

/* Makes the processor run at CPL 3. */
static inline void machine_user(struct machine *m)
{
	m->cpu.segment[EMULATOR_SS].attributes |= SEGMENT_USER;
	m->cpu.segment[EMULATOR_CS].attributes |= SEGMENT_USER;
}

/* Puts an instruction at CS:RIP (flat or real) and runs it. */
static inline enum emulator_outcome machine_run(struct machine *m, const uint8_t *code,
						unsigned length)
{
	uint64_t base = m->cpu.segment[EMULATOR_CS].base;

	memcpy(m->ram + base + m->cpu.rip, code, length);
	m->events = 0;
	return emulator_run_one(&m->cpu, &machine_ops, m, &m->result);
}

#define RUN(m, ...) machine_run(m, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

#endif
