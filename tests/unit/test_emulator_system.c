/* SPDX-License-Identifier: MIT */
/*
 * String instructions, ports, control and segment registers, the stack, and what goes with
 * them: continuing after a part, permissions, traps and interrupt shadows.
 */
#include "emulator_assert.h"

/* ------------------------------------------------------------------------------ strings */

static void string_moves_to_mmio(void **state)
{
	(void)state;
	gpr(RSI) = MACHINE_DATA;
	gpr(RDI) = MACHINE_MMIO;
	gpr(RCX) = 3;
	machine_put(m, MACHINE_DATA, 0x0807060504030201, 8);
	assert_done(0xf3, 0x66, 0xa5);
	assert_int_equal(m->events, 3);
	assert_event(2, MACHINE_MMIO_WRITE, MACHINE_MMIO + 4, 2, 0x0605);
	assert_int_equal(gpr(RCX), 0);
	assert_int_equal(gpr(RSI), MACHINE_DATA + 6);
	assert_int_equal(gpr(RDI), MACHINE_MMIO + 6);
	assert_done(0xf3, 0xa5); /* none */
	assert_int_equal(m->events, 0);
	m->cpu.rflags |= GUEST_FLAG_DF;
	assert_done(0x48, 0xab);
	assert_int_equal(gpr(RDI), MACHINE_MMIO + 6 - 8);
	/* source from a device too */
	gpr(RSI) = MACHINE_MMIO;
	gpr(RDI) = MACHINE_DATA;
	assert_done(0xa4);
	assert_event(0, MACHINE_MMIO_READ, MACHINE_MMIO, 1, 0x11);
	assert_done(0xad); /* lods */
	assert_int_equal(gpr(RSI), MACHINE_MMIO - 1 - 4);
}

static void long_strings_come_in_parts(void **state)
{
	enum emulator_outcome outcome;
	unsigned calls = 0;

	(void)state;
	gpr(RDI) = MACHINE_DATA;
	gpr(RCX) = 0x2801;
	gpr(RAX) = 0x5a;
	do {
		outcome = RUN(m, 0xf3, 0xaa);
		assert_true(outcome == EMULATOR_REPEAT || outcome == EMULATOR_DONE);
		calls++;
	} while (outcome == EMULATOR_REPEAT);
	assert_int_equal(calls, 3);
	assert_int_equal(gpr(RDI), MACHINE_DATA + 0x2801);
	assert_int_equal(m->ram[MACHINE_DATA + 0x2800], 0x5a);
	assert_int_equal(m->ram[MACHINE_DATA + 0x2801], 0);
	assert_int_equal(m->cpu.rip, MACHINE_CODE + 2);
}

static void a_fault_keeps_the_iterations_before_it(void **state)
{
	(void)state;
	machine_put(m, MACHINE_PD, MACHINE_PT | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 16, MACHINE_CODE | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 32, MACHINE_DATA | 7, 8);
	gpr(RDI) = MACHINE_DATA + 0xff8;
	gpr(RCX) = 10;
	assert_int_equal(RUN(m, 0xf3, 0xab), EMULATOR_FAULT);
	assert_int_equal(m->result.fault.vector, GUEST_VECTOR_PF);
	assert_int_equal(m->cpu.cr2, MACHINE_DATA + 0x1000);
	assert_int_equal(gpr(RCX), 8);
	assert_int_equal(gpr(RDI), MACHINE_DATA + 0x1000);
	assert_int_equal(m->cpu.rip, MACHINE_CODE);
}

static void string_compares_end_early(void **state)
{
	(void)state;
	memcpy(m->ram + MACHINE_DATA, "abcdefgh", 8);
	memcpy(m->ram + MACHINE_DATA + 64, "abcxefgh", 8);
	gpr(RSI) = MACHINE_DATA;
	gpr(RDI) = MACHINE_DATA + 64;
	gpr(RCX) = 8;
	assert_done(0xf3, 0xa6);
	assert_int_equal(gpr(RCX), 4);
	assert_false(m->cpu.rflags & GUEST_FLAG_ZF);
	assert_true(m->cpu.rflags & GUEST_FLAG_CF); /* d < x */
	gpr(RDI) = MACHINE_DATA;
	gpr(RCX) = 8;
	gpr(RAX) = 'f';
	assert_done(0xf2, 0xae);
	assert_int_equal(gpr(RDI), MACHINE_DATA + 6);
	assert_true(m->cpu.rflags & GUEST_FLAG_ZF);
}

static void strings_in_16bit_code(void **state)
{
	(void)state;
	machine_real(m);
	gpr(RSI) = 0xffff0010;
	gpr(RDI) = 0xfffe;
	gpr(RCX) = 0x50001;
	m->cpu.segment[EMULATOR_FS].base = MACHINE_DATA + 0x100;
	machine_put(m, MACHINE_DATA + 0x110, 0xbeef, 2);
	assert_done(0x64, 0xf3, 0xa5);
	assert_int_equal(machine_get(m, MACHINE_DATA + 0xfffe, 2), 0xbeef);
	assert_int_equal(gpr(RSI), 0xffff0012);
	assert_int_equal(gpr(RDI), 0); /* wrapped */
	assert_int_equal(gpr(RCX), 0x50000);
}

/* -------------------------------------------------------------------------------- ports */

static void ports(void **state)
{
	(void)state;
	gpr(RDX) = 0x3f8;
	assert_done(0xee);
	assert_event(0, MACHINE_OUT, 0x3f8, 1, 0x11);
	assert_done(0xe7, 0x80);
	assert_event(0, MACHINE_OUT, 0x80, 4, 0xeeff0011);
	assert_done(0xed);
	assert_event(0, MACHINE_IN, 0x3f8, 4, 0x44332211);
	assert_int_equal(gpr(RAX), 0x44332211);
	assert_done(0x66, 0xe5, 0xff);
	assert_event(0, MACHINE_IN, 0xff, 2, 0x3322);
	gpr(RDI) = MACHINE_DATA;
	gpr(RCX) = 4;
	m->input = 0x0807060504030201;
	assert_done(0xf3, 0x6c); /* rep insb */
	assert_int_equal(machine_get(m, MACHINE_DATA, 4), 0x04030201);
	gpr(RSI) = MACHINE_DATA;
	gpr(RCX) = 2;
	assert_done(0xf3, 0x66, 0x6f); /* rep outsw */
	assert_event(1, MACHINE_OUT, 0x3f8, 2, 0x0403);
}

static void ports_need_permission(void **state)
{
	(void)state;
	gpr(RDX) = 0x3f8;
	machine_user(m);
	assert_fault(GP, 0, 0xee); /* no bitmap within the limit */
	assert_int_equal(m->events, 0);
	m->cpu.rflags |= 3u << GUEST_FLAG_IOPL_SHIFT;
	assert_done(0xee);
	m->cpu.rflags = 2;
	m->cpu.tr.limit = 0x68 + 0x2000;
	machine_put(m, MACHINE_TSS + 0x66, 0x68, 2);
	machine_put(m, MACHINE_TSS + 0x68 + 0x7f, 0x01f0, 2); /* 0x3fc to 0x400 are closed */
	assert_done(0xee);
	assert_done(0xef); /* 0x3f8 to 0x3fb */
	gpr(RDX) = 0x3f9;
	assert_fault(GP, 0, 0xef);
	gpr(RDX) = 0x3fc;
	assert_fault(GP, 0, 0xec);
	m->cpu.tr.attributes = HV_SEGMENT_P | 3; /* a 16-bit TSS has none */
	gpr(RDX) = 0x3f8;
	assert_fault(GP, 0, 0xee);
	machine_vm86(m);
	m->cpu.rflags |= 3u << GUEST_FLAG_IOPL_SHIFT; /* does not help there */
	gpr(RDX) = 0x3f8;
	assert_fault(GP, 0, 0xee);
}

static void what_is_not_served_is_unhandled(void **state)
{
	struct emulator_ops few = machine_ops;

	(void)state;
	few.io_in = NULL;
	few.io_out = NULL;
	few.cr_write = NULL;
	memcpy(m->ram + MACHINE_CODE, BYTES(0xec, 0xee, 0x6c, 0x6e, 0x0f, 0x06), 6);
	for (unsigned i = 0; i < 5; i++) {
		m->cpu.rip = MACHINE_CODE + i;
		assert_int_equal(emulator_run_one(&m->cpu, &few, m, &m->result),
				 EMULATOR_UNHANDLED);
		assert_non_null(m->result.reason);
	}
}

/* --------------------------------------------------------------------- system registers */

static void control_registers(void **state)
{
	(void)state;
	gpr(RAX) = 0x6f0;
	assert_done(0x0f, 0x22, 0xe0); /* mov %rax, %cr4 */
	assert_event(0, MACHINE_CR, 4, 8, 0x6f0);
	assert_done(0x44, 0x0f, 0x22, 0xc0); /* cr8 */
	assert_event(0, MACHINE_CR, 8, 8, 0x6f0);
	m->cpu.cr8 = 9;
	assert_done(0x44, 0x0f, 0x20, 0xc1); /* mov %cr8, %rcx */
	assert_int_equal(gpr(RCX), 9);
	assert_done(0x0f, 0x20, 0xc1);
	assert_int_equal(gpr(RCX), m->cpu.cr0);
	m->cpu.cr2 = 0x5678;
	assert_done(0x0f, 0x20, 0xd1);
	assert_int_equal(gpr(RCX), 0x5678);
	assert_done(0x0f, 0x20, 0x1a); /* mov %cr3, %rdx: mod is ignored */
	assert_int_equal(gpr(RDX), MACHINE_PML4);
	m->answer = EMULATOR_ANSWER_REFUSE;
	assert_fault(GP, 0, 0x0f, 0x22, 0xe0);
	m->answer = EMULATOR_ANSWER_OK;
	m->cpu.cr0 |= GUEST_CR0_TS;
	assert_done(0x0f, 0x06); /* clts */
	assert_event(0, MACHINE_CR, 0, 8, m->cpu.cr0 & ~GUEST_CR0_TS);
	gpr(RCX) = 0xfff0;
	assert_done(0x0f, 0x01, 0xf1); /* lmsw %cx: PE stays */
	assert_event(0, MACHINE_CR, 0, 8, m->cpu.cr0 & ~GUEST_CR0_TS);
	assert_done(0x0f, 0x01, 0xe1); /* smsw %ecx */
	assert_int_equal(gpr(RCX), m->cpu.cr0);
	assert_done(0x0f, 0x01, 0x23); /* to memory: 2 bytes */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 2, m->cpu.cr0 & 0xffff);
	machine_user(m);
	assert_fault(GP, 0, 0x0f, 0x22, 0xe0);
	assert_fault(GP, 0, 0x0f, 0x20, 0xc0);
	assert_fault(GP, 0, 0x0f, 0x06);
	assert_fault(GP, 0, 0x0f, 0x01, 0xf1);
	assert_done(0x0f, 0x01, 0xe1);
	m->cpu.cr4 |= GUEST_CR4_UMIP;
	assert_fault(GP, 0, 0x0f, 0x01, 0xe1);
}

/* Where the machine's RBX points to, or another one. */
static void descriptor_tables(void **state)
{
	(void)state;
	m->gdtr.table = (struct hv_x64_table_register){.limit = 0x7f, .base = 0x123456789abcdef0};
	m->idtr.table = (struct hv_x64_table_register){.limit = 0xfff, .base = 0xfedcba9876543210};
	m->ldtr.segment.selector = 0x38;
	m->tr.segment.selector = 0x40;
	gpr(RBX) = MACHINE_DATA;
	machine_put(m, MACHINE_DATA + 8, ~0ull, 8);
	assert_done(0x0f, 0x01, 0x03); /* sgdt (%rbx) */
	assert_int_equal(machine_get(m, MACHINE_DATA, 2), 0x7f);
	assert_int_equal(machine_get(m, MACHINE_DATA + 2, 8), 0x123456789abcdef0);
	assert_int_equal(machine_get(m, MACHINE_DATA + 10, 2), 0xffff);
	assert_done(0x66, 0x0f, 0x01, 0x0b); /* sidt: no operand size makes it shorter */
	assert_int_equal(machine_get(m, MACHINE_DATA, 2), 0xfff);
	assert_int_equal(machine_get(m, MACHINE_DATA + 2, 8), 0xfedcba9876543210);
	gpr(RCX) = ~0ull;
	assert_done(0x0f, 0x00, 0xc1); /* sldt %ecx */
	assert_int_equal(gpr(RCX), 0x38);
	gpr(RCX) = ~0ull;
	assert_done(0x66, 0x0f, 0x00, 0xc9); /* str %cx */
	assert_int_equal(gpr(RCX), 0xffffffffffff0040);
	assert_done(0x0f, 0x00, 0x0b); /* str (%rbx): 2 bytes */
	assert_int_equal(machine_get(m, MACHINE_DATA, 4), (0x3210ull << 16 | 0x40));
	/* over the end of a page, and as a device sees it */
	gpr(RBX) = MACHINE_DATA + PAGE_SIZE - 5;
	assert_done(0x0f, 0x01, 0x03);
	assert_int_equal(machine_get(m, MACHINE_DATA + PAGE_SIZE - 3, 8), 0x123456789abcdef0);
	gpr(RBX) = MACHINE_MMIO;
	assert_done(0x0f, 0x01, 0x03);
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 2, 0x7f);
	assert_int_equal(RUN(m, 0x0f, 0x01, 0xc1), EMULATOR_UNHANDLED); /* VMCALL */
	assert_int_equal(RUN(m, 0x0f, 0x01, 0x13), EMULATOR_UNHANDLED); /* LGDT */
}

static void forbidden_tables(void **state)
{
	static const uint8_t codes[4][3] = {
		{0x0f, 0x01, 0x03}, {0x0f, 0x01, 0x0b}, {0x0f, 0x00, 0xc1}, {0x0f, 0x00, 0xc9}};
	unsigned config, i;

	(void)state;
	for (config = 0; config < 16; config++) {
		for (i = 0; i < 4; i++) {
			const uint8_t *c = codes[i];

			machine_long64(m);
			gpr(RBX) = MACHINE_DATA;
			m->cpu.forbidden = (uint8_t)config;
			assert_done(c[0], c[1], c[2]);
			machine_user(m);
			if (config >> i & 1)
				assert_fault(GP, 0, c[0], c[1], c[2]);
			else
				assert_done(c[0], c[1], c[2]);
			m->cpu.cr4 |= GUEST_CR4_UMIP;
			assert_fault(GP, 0, c[0], c[1], c[2]);
		}
	}
}

static void descriptor_tables_in_old_modes(void **state)
{
	(void)state;
	machine_protected32(m);
	m->gdtr.table = (struct hv_x64_table_register){.limit = 0x7f, .base = 0x9abcdef0};
	gpr(RBX) = MACHINE_DATA;
	machine_put(m, MACHINE_DATA, ~0ull, 8);
	assert_done(0x0f, 0x01, 0x03);
	assert_int_equal(machine_get(m, MACHINE_DATA, 8), 0xffff9abcdef0007full);
	machine_real(m);
	assert_fault(UD, 0, 0x0f, 0x00, 0xc1);
	assert_fault(UD, 0, 0x0f, 0x00, 0xc9);
	gpr(RBX) = 0x100;
	assert_done(0x0f, 0x01, 0x07); /* sgdt (%bx) */
}

static void control_registers_in_32bit_code(void **state)
{
	(void)state;
	machine_protected32(m);
	gpr(RAX) = 0xffffffff00000010;
	assert_done(0x66, 0x0f, 0x22, 0xc0);
	assert_event(0, MACHINE_CR, 0, 8, 0x10);
	m->cpu.cr4 = 0x20;
	assert_done(0x0f, 0x20, 0xe0);
	assert_int_equal(gpr(RAX), 0x20);
}

static void interrupt_flag(void **state)
{
	(void)state;
	assert_done(0xfb);
	assert_true(m->cpu.rflags & GUEST_FLAG_IF);
	assert_true(m->result.interrupt_shadow);
	assert_done(0xfb);
	assert_false(m->result.interrupt_shadow);
	assert_done(0xfa);
	assert_false(m->cpu.rflags & GUEST_FLAG_IF);
	machine_user(m);
	assert_fault(GP, 0, 0xfb);
	m->cpu.cr4 |= GUEST_CR4_PVI;
	assert_int_equal(RUN(m, 0xfb), EMULATOR_UNHANDLED);
}

static void single_step(void **state)
{
	(void)state;
	m->cpu.rflags |= GUEST_FLAG_TF | GUEST_FLAG_RF;
	assert_done(0x89, 0x0b);
	assert_true(m->result.single_step);
	assert_false(m->cpu.rflags & GUEST_FLAG_RF);
	gpr(RDI) = MACHINE_DATA;
	gpr(RCX) = 2;
	assert_int_equal(RUN(m, 0xf3, 0xaa), EMULATOR_REPEAT);
	assert_true(m->result.single_step);
	assert_done(0xf3, 0xaa);
	assert_true(m->result.single_step);
	gpr(RBX) = 1ull << 63;
	assert_fault(GP, 0, 0x89, 0x0b);
	assert_false(m->result.single_step);
}

static void segment_registers(void **state)
{
	(void)state;
	machine_real(m);
	gpr(RAX) = 0x2345;
	assert_done(0x8e, 0xd8); /* mov %ax, %ds */
	assert_int_equal(m->cpu.segment[EMULATOR_DS].selector, 0x2345);
	assert_int_equal(m->cpu.segment[EMULATOR_DS].base, 0x23450);
	assert_false(m->result.interrupt_shadow);
	m->cpu.rflags |= GUEST_FLAG_TF;
	assert_done(0x8e, 0xd0); /* ss: no trap after it */
	assert_true(m->result.interrupt_shadow);
	assert_false(m->result.single_step);
	assert_done(0x8c, 0xdb); /* mov %ds, %bx */
	assert_int_equal(gpr(RBX), 0x2345);
	gpr(RSP) = 0x100;
	machine_real(m);
	assert_done(0x1e);
	assert_int_equal(machine_get(m, MACHINE_STACK + 0xffe, 2), MACHINE_DATA >> 4);
	assert_done(0x0f, 0xa1); /* pop %fs */
	assert_int_equal(m->cpu.segment[EMULATOR_FS].base, MACHINE_DATA);
	machine_long64(m);
	assert_int_equal(RUN(m, 0x8e, 0xd8), EMULATOR_UNHANDLED);
	gpr(RBX) = MACHINE_MMIO;
	assert_done(0x8c, 0x1b); /* to memory: 2 bytes */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 2, 0x10);
}

static void stack(void **state)
{
	(void)state;
	m->input = 0x1234;
	assert_done(0xff, 0x33); /* push (%rbx) */
	assert_int_equal(gpr(RSP), MACHINE_STACK - 8);
	assert_int_equal(machine_get(m, MACHINE_STACK - 8, 8), 0x1234);
	assert_done(0x8f, 0x43, 0x08); /* pop 8(%rbx) */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO + 8, 8, 0x1234);
	/* addressed by RSP: by its value after the pop */
	machine_put(m, MACHINE_STACK, 0x77, 8);
	assert_done(0x8f, 0x44, 0x24, 0x10);
	assert_int_equal(machine_get(m, MACHINE_STACK + 0x18, 8), 0x77);
	assert_done(0x66, 0x6a, 0xff);
	assert_int_equal(gpr(RSP), MACHINE_STACK + 6);
	machine_protected32(m);
	m->cpu.segment[EMULATOR_SS].attributes = SEGMENT_DATA16;
	m->cpu.segment[EMULATOR_SS].base = MACHINE_STACK;
	gpr(RSP) = 0xabc00002; /* a 16-bit stack under 32-bit code */
	gpr(RAX) = 0x01020304;
	m->cpu.segment[EMULATOR_SS].limit = 0xffff;
	assert_done(0x66, 0x50);
	assert_int_equal(gpr(RSP), 0xabc00000);
	assert_done(0x50);
	assert_int_equal(gpr(RSP), 0xabc0fffc);
}

static void vm86_mode(void **state)
{
	(void)state;
	machine_vm86(m);
	gpr(RAX) = 0x55aa;
	assert_done(0xa3, 0x10, 0x00);
	assert_int_equal(machine_get(m, MACHINE_DATA + 0x10, 2), 0x55aa);
	assert_fault(GP, 0, 0x0f, 0x20, 0xc0);
	gpr(RBX) = 0xffff;
	assert_fault(GP, 0, 0x89, 0x07);
	assert_int_equal(emulator_cpl(&m->cpu), 3);
}

static void lengths(void **state)
{
	(void)state;
	assert_int_equal(emulator_decode_length(BYTES(0x0f, 0xa2), 2, 8), 2);	    /* cpuid */
	assert_int_equal(emulator_decode_length(BYTES(0x0f, 0x01, 0xd9), 3, 8), 3); /* vmmcall */
	assert_int_equal(emulator_decode_length(BYTES(0x0f, 0x01, 0xd1), 3, 4), 3); /* xsetbv */
	assert_int_equal(emulator_decode_length(BYTES(0xf4), 1, 2), 1);
	assert_int_equal(emulator_decode_length(BYTES(0x0f), 1, 8), 0);
	assert_int_equal(emulator_decode_length(BYTES(0xe9, 1, 2, 3, 4), 5, 8), 5);
	assert_int_equal(emulator_decode_length(BYTES(0xe9, 1, 2, 3, 4), 5, 2), 3);
	assert_int_equal(emulator_decode_length(BYTES(0x90), 1, 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(string_moves_to_mmio),
		TEST(long_strings_come_in_parts),
		TEST(a_fault_keeps_the_iterations_before_it),
		TEST(string_compares_end_early),
		TEST(strings_in_16bit_code),
		TEST(ports),
		TEST(ports_need_permission),
		TEST(what_is_not_served_is_unhandled),
		TEST(control_registers),
		TEST(descriptor_tables),
		TEST(forbidden_tables),
		TEST(descriptor_tables_in_old_modes),
		TEST(control_registers_in_32bit_code),
		TEST(interrupt_flag),
		TEST(single_step),
		TEST(segment_registers),
		TEST(stack),
		TEST(vm86_mode),
		TEST(lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
