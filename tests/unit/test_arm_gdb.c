/* SPDX-License-Identifier: MIT */
/* What gdb is told of AArch64: registers, their description, and breakpoints of four bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <gdb/breakpoints.h>
#include "gdb_memory.h"

/* gdb's numbers. */
#define NUMBER_SP     31u
#define NUMBER_PC     32u
#define NUMBER_CPSR   33u
#define NUMBER_V0     34u
#define NUMBER_FPSR   66u
#define NUMBER_SYSTEM 68u
#define NUMBER_SP_EL1 (NUMBER_SYSTEM + 11)
#define SYSTEM_COUNT  16u

static struct gdb_state known;

static int known_fill(void **state)
{
	uint8_t *bytes = (uint8_t *)&known;

	(void)state;
	for (size_t i = 0; i < sizeof(known); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	known.has_simd = true;
	return 0;
}

static void test_registers(void **state)
{
	uint8_t bytes[GDB_REGISTER_SIZE], again[GDB_REGISTER_SIZE];

	(void)state;
	assert_int_equal(gdb_register_count(), NUMBER_SYSTEM + SYSTEM_COUNT);
	for (size_t i = 0; i < gdb_register_count(); i++) {
		bool simd = i >= NUMBER_V0 && i < NUMBER_SYSTEM;
		size_t size = i == NUMBER_CPSR || (i >= NUMBER_FPSR && simd) ? 4 : simd ? 16 : 8;

		assert_int_equal(gdb_register_size(i), size);
		assert_true(gdb_register_read(&known, i, bytes));
		for (size_t j = 0; j < size; j++)
			bytes[j] ^= 0xff;
		assert_true(gdb_register_write(&known, i, bytes));
		assert_true(gdb_register_read(&known, i, again));
		assert_memory_equal(bytes, again, size);
	}
	assert_int_equal(gdb_register_size(gdb_register_count()), 0);
	assert_false(gdb_register_read(&known, gdb_register_count(), bytes));
	assert_false(gdb_register_write(&known, gdb_register_count(), bytes));
}

static void test_places(void **state)
{
	uint8_t bytes[GDB_REGISTER_SIZE];

	(void)state;
	assert_int_equal(gdb_value_names[30], HV_ARM64_REGISTER_X0 + 30);
	assert_int_equal(gdb_value_names[GDB_VALUE_PC], HV_ARM64_REGISTER_PC);
	assert_int_equal(gdb_value_names[GDB_VALUE_TTBR1], HV_ARM64_REGISTER_TTBR1_EL1);
	known.value[GDB_VALUE_SP].reg64 = 0x1122334455667788;
	assert_true(gdb_register_read(&known, NUMBER_SP, bytes));
	assert_memory_equal(bytes, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
	memcpy(known.simd.q[3], "0123456789abcdef", 16);
	known.simd_changed = false;
	assert_true(gdb_register_read(&known, NUMBER_V0 + 3, bytes));
	assert_true(gdb_register_write(&known, NUMBER_V0 + 3, bytes));
	assert_memory_equal(bytes, "0123456789abcdef", 16);
	gdb_state_pc_set(&known, 0xffff800000001234);
	assert_int_equal(gdb_state_pc(&known), 0xffff800000001234);
	assert_true(gdb_register_read(&known, NUMBER_PC, bytes));
	assert_memory_equal(bytes, "\x34\x12\0\0\0\x80\xff\xff", 8);
	/* PSTATE has 32 bits for gdb; what stands above stays. */
	known.value[GDB_VALUE_PSTATE].reg64 = 0x5000003c5;
	assert_true(gdb_register_write(&known, NUMBER_CPSR, (const uint8_t *)"\xc4\3\0\x80"));
	assert_int_equal(known.value[GDB_VALUE_PSTATE].reg64, 0x5800003c4);
	assert_true(known.simd_changed);
	known.has_simd = false;
	assert_false(gdb_register_write(&known, NUMBER_V0, bytes));
	assert_false(gdb_register_read(&known, NUMBER_V0, bytes));
	assert_false(gdb_register_read(&known, NUMBER_FPSR, bytes));
	assert_true(gdb_register_read(&known, NUMBER_SYSTEM, bytes));
}

/* All are written back, so that SP must be the same as the one that it is. */
static void test_stack_pointers(void **state)
{
	static const uint8_t one[8] = {1}, two[8] = {2}, three[8] = {3};
	uint8_t bytes[GDB_REGISTER_SIZE];

	(void)state;
	known.value[GDB_VALUE_PSTATE].reg64 = 0x3c5; /* EL1h */
	known.value[GDB_VALUE_SP_EL0].reg64 = 77;
	assert_true(gdb_register_write(&known, NUMBER_SP, one));
	assert_int_equal(known.value[GDB_VALUE_SP_EL1].reg64, 1);
	assert_int_equal(known.value[GDB_VALUE_SP_EL0].reg64, 77);
	assert_true(gdb_register_write(&known, NUMBER_SP_EL1, two));
	assert_int_equal(known.value[GDB_VALUE_SP].reg64, 2);
	assert_true(
		gdb_register_write(&known, NUMBER_CPSR, (const uint8_t *)"\xc0\3\0\0")); /* EL0 */
	assert_true(gdb_register_read(&known, NUMBER_SP, bytes));
	assert_int_equal(bytes[0], 77);
	assert_true(gdb_register_write(&known, NUMBER_SP, three));
	assert_int_equal(known.value[GDB_VALUE_SP_EL0].reg64, 3);
	assert_int_equal(known.value[GDB_VALUE_SP_EL1].reg64, 2);
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (; (text = strstr(text, what)); text++)
		count++;
	return count;
}

static void test_description(void **state)
{
	static char text[16384];
	size_t length = gdb_description_read(0, text, sizeof(text) - 1);

	(void)state;
	assert_in_range(length, 3000, sizeof(text) - 2);
	assert_int_equal(count_of(text, "<reg "), gdb_register_count());
	assert_int_equal(count_of(text, "<feature "), 3);
	assert_int_equal(count_of(text, "</feature>"), 3);
	assert_non_null(strstr(text, "<architecture>aarch64</architecture>"));
	assert_non_null(strstr(text, "<feature name=\"org.gnu.gdb.aarch64.core\"><reg name=\"x0\" "
				     "bitsize=\"64\""));
	assert_non_null(strstr(text,
			       "<reg name=\"x30\" bitsize=\"64\" type=\"int64\"/>"
			       "<reg name=\"sp\" bitsize=\"64\" type=\"data_ptr\"/>"
			       "<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\"/>"
			       "<reg name=\"cpsr\" bitsize=\"32\" type=\"int32\"/></feature>"));
	assert_non_null(strstr(text, "<feature name=\"org.gnu.gdb.aarch64.fpu\">"));
	assert_non_null(strstr(text, "<reg name=\"v31\" bitsize=\"128\" type=\"aarch64v\"/>"
				     "<reg name=\"fpsr\" bitsize=\"32\""));
}

/* ---- breakpoints ---- */

static void test_software(void **state)
{
	struct gdb_breakpoints b = {.memory = &memory_ops};
	uint8_t byte;

	(void)state;
	memset(memory, 0x1f, sizeof(memory));
	assert_int_equal(gdb_software_insert(&b, 0x1006, 6), GDB_FAILED);
	assert_int_equal(gdb_software_insert(&b, 0x1040, 64), GDB_FAILED);
	assert_int_equal(gdb_software_insert(&b, 0x1008, 8), GDB_OK);
	assert_memory_equal(memory + 7, "\x1f\0\0\x20\xd4\x1f", 6); /* BRK #0 */
	assert_int_equal(b.state.flags, DEBUG_INT3);
	assert_true(gdb_software_is_at(&b, 8));
	assert_false(gdb_software_is_at(&b, 10));
	/* gdb sees what is beneath, byte by byte, and changes that. */
	assert_true(gdb_memory_read(&b, 10, &byte));
	assert_int_equal(byte, 0x1f);
	assert_true(gdb_memory_write(&b, 10, 0x2e));
	assert_int_equal(memory[10], 0x20);
	assert_int_equal(gdb_software_remove(&b, 0x1008), GDB_OK);
	assert_memory_equal(memory + 8, "\x1f\x1f\x2e\x1f", 4);
	assert_int_equal(b.state.flags, 0);
	/* What the guest has written over it stays. */
	assert_int_equal(gdb_software_insert(&b, 0x1008, 8), GDB_OK);
	memory[9] = 0x55;
	gdb_breakpoints_clear(&b);
	assert_memory_equal(memory + 8, "\0\x55\x20\xd4", 4);
}

/* gdb says that they have four bytes. */
static void test_hardware(void **state)
{
	struct gdb_breakpoints b = {.memory = &memory_ops};

	(void)state;
	assert_int_equal(gdb_hardware_insert(&b, GDB_HARDWARE, 0x1000, 4), GDB_OK);
	assert_int_equal(b.state.breakpoint[0].length, 1);
	assert_int_equal(b.state.breakpoint[0].kind, BREAKPOINT_EXECUTE);
	assert_int_equal(gdb_hardware_insert(&b, GDB_ACCESS, 0x2008, 8), GDB_OK);
	assert_int_equal(b.state.breakpoint[1].kind, BREAKPOINT_ACCESS);
	assert_int_equal(gdb_hardware_remove(&b, GDB_HARDWARE, 0x1000, 4), GDB_OK);
	assert_int_equal(b.state.breakpoint[0].kind, BREAKPOINT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_registers, known_fill),
		cmocka_unit_test_setup(test_places, known_fill),
		cmocka_unit_test_setup(test_stack_pointers, known_fill),
		cmocka_unit_test(test_description),
		cmocka_unit_test(test_software),
		cmocka_unit_test(test_hardware),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
