/* SPDX-License-Identifier: MIT */
/*
 * Near calls, jumps and returns by way of memory-mapped I/O, stack frames there, and moves of SSE
 * registers. The results of all moves are compared with the host's in test_emulator_host.c: here
 * are devices, faults and modes.
 */
#include "emulator_assert.h"

#define TARGET (MACHINE_CODE + 0x800)
#define LOW    0x0706050403020100ull
#define HIGH   0x0f0e0d0c0b0a0908ull

/* The instruction is done and RIP is at target. */
#define assert_goes_to(target, ...)                                   \
	do {                                                          \
		assert_int_equal(RUN(m, __VA_ARGS__), EMULATOR_DONE); \
		assert_int_equal(m->cpu.rip, target);                 \
	} while (0)

/* ---------------------------------------------------------------- calls, jumps, returns */

static void branches_by_mmio(void **state)
{
	(void)state;
	m->input = TARGET;
	assert_goes_to(TARGET, 0xff, 0x23); /* jmp (%rbx) */
	assert_event(0, MACHINE_MMIO_READ, MACHINE_MMIO, 8, TARGET);
	m->cpu.rip = MACHINE_CODE;
	m->input = TARGET;
	assert_goes_to(TARGET, 0xff, 0x13); /* call (%rbx) */
	assert_int_equal(gpr(RSP), MACHINE_STACK - 8);
	assert_int_equal(machine_get(m, MACHINE_STACK - 8, 8), MACHINE_CODE + 2);
	gpr(RSP) = MACHINE_MMIO + 0x20;
	assert_goes_to(TARGET + 5 - 0x100, 0xe8, 0x00, 0xff, 0xff, 0xff); /* call, stack in MMIO */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO + 0x18, 8, TARGET + 5);
	m->input = MACHINE_CODE;
	assert_goes_to(MACHINE_CODE, 0xc2, 0x10, 0x00); /* ret $16 */
	assert_event(0, MACHINE_MMIO_READ, MACHINE_MMIO + 0x18, 8, MACHINE_CODE);
	assert_int_equal(gpr(RSP), MACHINE_MMIO + 0x20 + 0x10);
	gpr(RBX) = TARGET;
	assert_goes_to(TARGET, 0xff, 0xe3); /* jmp *%rbx */
}

static void branches_to_nowhere_fault(void **state)
{
	(void)state;
	m->input = BIT(63);
	assert_fault(GP, 0, 0xff, 0x23);
	m->input = BIT(63);
	assert_fault(GP, 0, 0xff, 0x13);
	machine_put(m, MACHINE_STACK, BIT(62), 8);
	assert_fault(GP, 0, 0xc3);
	m->answer = EMULATOR_ANSWER_STOP;
	assert_int_equal(RUN(m, 0xff, 0x23), EMULATOR_STOPPED);
	assert_int_equal(m->cpu.rip, MACHINE_CODE);
	machine_protected32(m);
	m->cpu.segment[EMULATOR_CS].limit = 0x1ffff;
	gpr(RBX) = MACHINE_MMIO;
	m->input = 0x20000;
	assert_fault(GP, 0, 0xff, 0x23);
	m->input = 0x1ffff;
	assert_goes_to(0x1ffff, 0xff, 0x23);
}

static void branches_in_16bit_code(void **state)
{
	(void)state;
	machine_real(m);
	gpr(RSP) = 0x1000;
	assert_goes_to(0x53, 0xe8, 0x50, 0xff); /* 0x103 - 0xb0 */
	assert_int_equal(machine_get(m, MACHINE_STACK + 0xffe, 2), 0x103);
	machine_put(m, MACHINE_STACK + 0xffe, 0xfffe, 2);
	assert_goes_to(0xfffe, 0xc3);
	machine_real(m);
	m->cpu.rip = 0xfff0;
	assert_goes_to(0x3, 0xe8, 0x10, 0x00); /* wraps */
}

static void stack_frames(void **state)
{
	(void)state;
	gpr(RSP) = MACHINE_MMIO + 0x100;
	gpr(RBP) = 0x1234567890;
	assert_done(0xc8, 0x20, 0x01, 0x00); /* enter $0x120, $0 */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO + 0xf8, 8, 0x1234567890);
	assert_int_equal(gpr(RBP), MACHINE_MMIO + 0xf8);
	assert_int_equal(gpr(RSP), MACHINE_MMIO + 0xf8 - 0x120);
	m->input = 0x55;
	assert_done(0xc9); /* leave */
	assert_int_equal(gpr(RBP), 0x55);
	assert_int_equal(gpr(RSP), MACHINE_MMIO + 0x100);
	/* two levels: the outer frame's pointer is copied, then comes the new one */
	gpr(RSP) = MACHINE_STACK;
	gpr(RBP) = MACHINE_DATA + 8;
	machine_put(m, MACHINE_DATA, 0x77, 8);
	assert_done(0xc8, 0x08, 0x00, 0x02);
	assert_int_equal(machine_get(m, MACHINE_STACK - 8, 8), MACHINE_DATA + 8);
	assert_int_equal(machine_get(m, MACHINE_STACK - 16, 8), 0x77);
	assert_int_equal(machine_get(m, MACHINE_STACK - 24, 8), MACHINE_STACK - 8);
	assert_int_equal(gpr(RBP), MACHINE_STACK - 8);
	assert_int_equal(gpr(RSP), MACHINE_STACK - 32);
	/* where the stack ends nothing is mapped */
	machine_put(m, MACHINE_PD, MACHINE_PT | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 16, MACHINE_CODE | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 47, 0x2f000 | 7, 8);
	gpr(RSP) = MACHINE_STACK;
	assert_fault(PF, 2, 0xc8, 0x00, 0x10, 0x00);
	assert_int_equal(m->cpu.cr2, MACHINE_STACK - 8 - 0x1000);
}

static void all_registers_on_the_stack(void **state)
{
	(void)state;
	machine_protected32(m);
	for (unsigned i = 0; i < 8; i++)
		m->cpu.gpr[i] = 0x11111111 * i;
	gpr(RSP) = MACHINE_STACK;
	assert_done(0x60);
	assert_int_equal(gpr(RSP), MACHINE_STACK - 32);
	assert_int_equal(machine_get(m, MACHINE_STACK - 8, 4), 0x11111111);	/* ecx */
	assert_int_equal(machine_get(m, MACHINE_STACK - 20, 4), MACHINE_STACK); /* esp */
	for (unsigned i = 0; i < 8; i++)
		if (i != EMULATOR_RSP)
			m->cpu.gpr[i] = 0;
	assert_done(0x66, 0x61); /* popaw */
	assert_int_equal(gpr(RDI), 0x7777);
	assert_int_equal(gpr(RSI), 0x7777);
	assert_int_equal(gpr(RSP), MACHINE_STACK - 16);
	gpr(RSP) = MACHINE_STACK - 32;
	assert_done(0x61);
	assert_int_equal(gpr(RSP), MACHINE_STACK);
	assert_int_equal(gpr(RDI), 0x77777777);
	assert_int_equal(gpr(RAX), 0);
}

/* ---------------------------------------------------------------------- SSE registers */

static int setup_sse(void **state)
{
	setup(state);
	m->cpu.cr4 |= GUEST_CR4_OSFXSR;
	m->xmm[1] = (union hv_register_value){{.low = LOW, .high = HIGH}};
	m->xmm[9] = (union hv_register_value){{.low = ~LOW, .high = ~HIGH}};
	return 0;
}

static void sse_registers_to_mmio(void **state)
{
	(void)state;
	assert_done(0xf3, 0x0f, 0x7f, 0x0b); /* movdqu %xmm1, (%rbx) */
	assert_int_equal(m->events, 2);
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 8, LOW);
	assert_event(1, MACHINE_MMIO_WRITE, MACHINE_MMIO + 8, 8, HIGH);
	assert_done(0x66, 0x44, 0x0f, 0xe7, 0x0b); /* movntdq %xmm9, (%rbx) */
	assert_event(1, MACHINE_MMIO_WRITE, MACHINE_MMIO + 8, 8, ~HIGH);
	assert_done(0x66, 0x0f, 0x7e, 0x4b, 0x04); /* movd %xmm1, 4(%rbx) */
	assert_int_equal(m->events, 1);
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO + 4, 4, LOW & 0xffffffff);
	assert_done(0x66, 0x48, 0x0f, 0x7e, 0x0b); /* movq, by REX.W */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 8, LOW);
	assert_done(0x66, 0x0f, 0xd6, 0x0b); /* movq */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 8, LOW);
	assert_done(0x0f, 0x17, 0x0b); /* movhps */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 8, HIGH);
}

static void sse_registers_from_mmio(void **state)
{
	(void)state;
	assert_done(0x0f, 0x10, 0x0b); /* movups (%rbx), %xmm1 */
	assert_event(0, MACHINE_MMIO_READ, MACHINE_MMIO, 8, 0x8877665544332211);
	assert_event(1, MACHINE_MMIO_READ, MACHINE_MMIO + 8, 8, 0x1188776655443322);
	assert_int_equal(m->xmm[1].low, 0x8877665544332211);
	assert_int_equal(m->xmm[1].high, 0x1188776655443322);
	m->input = 0x99;
	assert_done(0xf3, 0x0f, 0x7e, 0x0b); /* movq: the rest is cleared */
	assert_int_equal(m->xmm[1].low, 0x99);
	assert_int_equal(m->xmm[1].high, 0);
	m->input = 0x77;
	assert_done(0x66, 0x44, 0x0f, 0x16, 0x0b); /* movhpd, %xmm9: the rest is kept */
	assert_int_equal(m->xmm[9].low, ~LOW);
	assert_int_equal(m->xmm[9].high, 0x77);
	assert_done(0x66, 0x41, 0x0f, 0x6e, 0x0c, 0x24); /* movd (%r12): RAM */
	assert_int_equal(m->xmm[1].low, 0);
}

static void sse_moves_fault(void **state)
{
	(void)state;
	assert_fault(GP, 0, 0x0f, 0x28, 0x4b, 0x08);		 /* movaps 8(%rbx) */
	assert_fault(GP, 0, 0x66, 0x0f, 0x7f, 0x4b, 0x01);	 /* movdqa */
	assert_fault(GP, 0, 0x66, 0x0f, 0x38, 0x2a, 0x4b, 0x04); /* movntdqa */
	assert_done(0x0f, 0x10, 0x4b, 0x08);			 /* movups does not mind */
	m->cpu.cr0 |= GUEST_CR0_TS;
	assert_fault_no_code(NM, 0x0f, 0x28, 0x4b, 0x08);
	m->cpu.cr0 |= GUEST_CR0_EM;
	assert_fault_no_code(UD, 0x0f, 0x28, 0x0b);
	m->cpu.cr0 &= ~(GUEST_CR0_EM | GUEST_CR0_TS);
	m->cpu.cr4 &= ~GUEST_CR4_OSFXSR;
	assert_fault_no_code(UD, 0x0f, 0x28, 0x0b);
	m->cpu.cr4 |= GUEST_CR4_OSFXSR;
	assert_fault_no_code(UD, 0xf0, 0x0f, 0x29, 0x0b); /* lock */
	gpr(RBX) = BIT(63);
	assert_fault(GP, 0, 0xf3, 0x0f, 0x6f, 0x0b);
	/* the second page of two is not mapped: nothing is written to the first */
	machine_put(m, MACHINE_PD, MACHINE_PT | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 16, MACHINE_CODE | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 32, MACHINE_DATA | 7, 8);
	gpr(RBX) = MACHINE_DATA + 0xff8;
	machine_put(m, MACHINE_DATA + 0xff8, 0x5a5a, 8);
	assert_fault(PF, 2, 0x0f, 0x11, 0x0b);
	assert_int_equal(m->cpu.cr2, MACHINE_DATA + 0x1000);
	assert_int_equal(machine_get(m, MACHINE_DATA + 0xff8, 8), 0x5a5a);
}

static void sse_registers_not_served(void **state)
{
	struct emulator_ops few = machine_ops;

	(void)state;
	m->answer = EMULATOR_ANSWER_STOP;
	assert_int_equal(RUN(m, 0x0f, 0x11, 0x0b), EMULATOR_STOPPED);
	assert_int_equal(m->events, 0);
	few.register_read = NULL;
	assert_int_equal(emulator_run_one(&m->cpu, &few, m, &m->result), EMULATOR_UNHANDLED);
	assert_non_null(m->result.reason);
	m->answer = EMULATOR_ANSWER_OK;
	assert_int_equal(RUN(m, 0x0f, 0x6f, 0x0b), EMULATOR_UNHANDLED);	      /* movq of MMX */
	assert_int_equal(RUN(m, 0xc5, 0xf8, 0x11, 0x0b), EMULATOR_UNHANDLED); /* vmovups */
}

#define TEST_SSE(name) cmocka_unit_test_setup(name, setup_sse)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(branches_by_mmio),
		TEST(branches_to_nowhere_fault),
		TEST(branches_in_16bit_code),
		TEST(stack_frames),
		TEST(all_registers_on_the_stack),
		TEST_SSE(sse_registers_to_mmio),
		TEST_SSE(sse_registers_from_mmio),
		TEST_SSE(sse_moves_fault),
		TEST_SSE(sse_registers_not_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
