/* SPDX-License-Identifier: MIT */
/*
 * What the tests of single instructions share: one machine, reset before each test, and
 * assertions about an instruction that is given by its bytes.
 */
#ifndef EMULATOR_ASSERT_H
#define EMULATOR_ASSERT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "emulator_machine.h"

static struct machine machine, *m = &machine;

#define gpr(name) (m->cpu.gpr[EMULATOR_##name])

#define assert_event(index, a_kind, an_address, a_size, a_value)       \
	do {                                                           \
		assert_true((index) < m->events);                      \
		assert_int_equal(m->event[index].kind, a_kind);        \
		assert_int_equal(m->event[index].address, an_address); \
		assert_int_equal(m->event[index].size, a_size);        \
		assert_int_equal(m->event[index].value, a_value);      \
	} while (0)

#define assert_done(...)                                                                     \
	do {                                                                                 \
		uint64_t rip_before = m->cpu.rip;                                            \
		assert_int_equal(RUN(m, __VA_ARGS__), EMULATOR_DONE);                        \
		assert_int_equal(m->cpu.rip, rip_before + sizeof((uint8_t[]){__VA_ARGS__})); \
		assert_int_equal(m->result.length, sizeof((uint8_t[]){__VA_ARGS__}));        \
	} while (0)

/* The instruction faults and the processor is as before, but for CR2. */
static void check_fault(const uint8_t *code, unsigned length, unsigned vector, bool has_error,
			uint32_t error_code)
{
	struct emulator_cpu before = m->cpu;

	assert_int_equal(machine_run(m, code, length), EMULATOR_FAULT);
	assert_int_equal(m->result.fault.vector, vector);
	assert_int_equal(m->result.fault.has_error, has_error);
	assert_int_equal(m->result.fault.error_code, error_code);
	before.cr2 = m->cpu.cr2;
	assert_memory_equal(&before, &m->cpu, sizeof(before));
}

#define BYTES(...)          \
	(const uint8_t[])   \
	{                   \
		__VA_ARGS__ \
	}
#define assert_fault(vector, code, ...)                                                    \
	check_fault(BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)), GUEST_VECTOR_##vector, \
		    m->cpu.cr0 &GUEST_CR0_PE, code)
#define assert_fault_no_code(vector, ...) \
	check_fault(BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)), GUEST_VECTOR_##vector, false, 0)

static int setup(void **state)
{
	(void)state;
	machine_long64(m);
	gpr(RBX) = MACHINE_MMIO;
	gpr(RCX) = 0x1122334455667788;
	gpr(RAX) = 0xaabbccddeeff0011;
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

#endif
