/* SPDX-License-Identifier: MIT */
/*
 * Single instructions on memory and memory-mapped I/O, in every mode of the processor, and
 * the faults that they raise. What they compute is checked against the host, in another test.
 */
#include "emulator_assert.h"

/* ------------------------------------------------------------------ memory-mapped I/O */

static void mov_to_mmio(void **state)
{
	(void)state;
	assert_done(0x88, 0x0b); /* mov %cl, (%rbx) */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 1, 0x88);
	assert_done(0x88, 0x63, 0x10); /* mov %ah, 16(%rbx) */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO + 16, 1, 0x00);
	assert_done(0x66, 0x89, 0x0b);
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 2, 0x7788);
	assert_done(0x89, 0x0b);
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 4, 0x55667788);
	assert_done(0x48, 0x89, 0x0b);
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 8, 0x1122334455667788);
	assert_done(0xc7, 0x03, 0x78, 0x56, 0x34, 0x12);
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 4, 0x12345678);
	assert_done(0x48, 0xc7, 0x03, 0xff, 0xff, 0xff, 0xff);
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 8, ~0ull);
	assert_done(0x0f, 0xc3, 0x0b); /* movnti */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 4, 0x55667788);
	assert_done(0xa2, 0x04, 0, 0, 0x3f, 0, 0, 0, 0); /* mov %al, moffs64 */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO + 4, 1, 0x11);
	assert_done(0x0f, 0x38, 0xf1, 0x0b); /* movbe */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 4, 0x88776655);
	assert_int_equal(m->events, 1);
}

static void mov_from_mmio(void **state)
{
	(void)state;
	assert_done(0x8b, 0x0b);
	assert_event(0, MACHINE_MMIO_READ, MACHINE_MMIO, 4, 0x44332211);
	assert_int_equal(gpr(RCX), 0x44332211);
	assert_done(0x0f, 0xb6, 0x0b); /* movzbl */
	assert_event(0, MACHINE_MMIO_READ, MACHINE_MMIO, 1, 0x22);
	assert_int_equal(gpr(RCX), 0x22);
	m->input = 0x8081;
	assert_done(0x48, 0x0f, 0xbe, 0x0b); /* movsbq */
	assert_int_equal(gpr(RCX), 0xffffffffffffff81);
	m->input = 0x8081;
	assert_done(0x0f, 0xbf, 0x0b); /* movswl */
	assert_int_equal(gpr(RCX), 0xffff8081);
	m->input = 0x80000000;
	assert_done(0x48, 0x63, 0x0b); /* movslq */
	assert_int_equal(gpr(RCX), 0xffffffff80000000);
	m->input = 0x12345678;
	assert_done(0x44, 0x8b, 0x3b); /* mov (%rbx), %r15d */
	assert_int_equal(m->cpu.gpr[15], 0x12345678);
	m->input = 0x99;
	assert_done(0x8a, 0x23); /* mov (%rbx), %ah */
	assert_int_equal(gpr(RAX), 0xaabbccddeeff9911);
}

static void read_modify_write_of_mmio(void **state)
{
	(void)state;
	m->input = 0x0f;
	assert_done(0x80, 0x0b, 0xf0); /* orb $0xf0, (%rbx) */
	assert_int_equal(m->events, 2);
	assert_event(0, MACHINE_MMIO_READ, MACHINE_MMIO, 1, 0x0f);
	assert_event(1, MACHINE_MMIO_WRITE, MACHINE_MMIO, 1, 0xff);
	m->input = 5;
	assert_done(0x83, 0x3b, 0x05); /* cmpl $5, (%rbx): no write */
	assert_int_equal(m->events, 1);
	assert_true(m->cpu.rflags & GUEST_FLAG_ZF);
	m->input = 5;
	assert_done(0xf0, 0xff, 0x03); /* lock incl (%rbx) */
	assert_event(1, MACHINE_MMIO_WRITE, MACHINE_MMIO, 4, 6);
	m->input = 0x1000;
	assert_done(0x87, 0x0b); /* xchg %ecx, (%rbx) */
	assert_event(1, MACHINE_MMIO_WRITE, MACHINE_MMIO, 4, 0x55667788);
	assert_int_equal(gpr(RCX), 0x1000);
	m->input = 0xffffffff;
	assert_done(0xf7, 0x03, 0, 0, 0, 0x80); /* testl */
	assert_int_equal(m->events, 1);
	assert_true(m->cpu.rflags & GUEST_FLAG_SF);
	/* bit 100 of a bit string lies 3 words on */
	gpr(RCX) = 100;
	m->input = 0;
	assert_done(0x0f, 0xab, 0x0b); /* bts %ecx, (%rbx) */
	assert_event(1, MACHINE_MMIO_WRITE, MACHINE_MMIO + 12, 4, 1 << 4);
	gpr(RCX) = (uint64_t)-1;
	assert_done(0x48, 0x0f, 0xa3, 0x4b, 0x10); /* bt %rcx, 16(%rbx) */
	assert_event(0, MACHINE_MMIO_READ, MACHINE_MMIO + 8, 8, 0);
	/* an immediate stays within the word */
	assert_done(0x0f, 0xba, 0x2b, 0x21); /* btsl $33, (%rbx) */
	assert_event(1, MACHINE_MMIO_WRITE, MACHINE_MMIO, 4, 2);
}

static void unaligned_mmio_is_split(void **state)
{
	(void)state;
	gpr(RBX) += 5;
	assert_done(0x48, 0x89, 0x0b);
	assert_int_equal(m->events, 4);
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO + 5, 2, 0x7788);
	assert_event(1, MACHINE_MMIO_WRITE, MACHINE_MMIO + 7, 1, 0x66);
	assert_event(2, MACHINE_MMIO_WRITE, MACHINE_MMIO + 8, 4, 0x22334455);
	assert_event(3, MACHINE_MMIO_WRITE, MACHINE_MMIO + 12, 1, 0x11);
	/* the first half RAM, the second not */
	machine_put(m, MACHINE_PD, MACHINE_PT | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 16, MACHINE_CODE | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 32, MACHINE_DATA | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 33, MACHINE_MMIO | 7, 8);
	gpr(RBX) = MACHINE_DATA + 0xffe;
	assert_done(0x89, 0x0b);
	assert_int_equal(m->events, 1);
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO, 2, 0x5566);
	assert_int_equal(machine_get(m, MACHINE_DATA + 0xffe, 2), 0x7788);
	/* nothing is written if the second page is not there */
	machine_put(m, MACHINE_PT + 8 * 33, 0, 8);
	machine_put(m, MACHINE_DATA + 0xffe, 0, 2);
	assert_fault(PF, 2, 0x89, 0x0b);
	assert_int_equal(m->cpu.cr2, MACHINE_DATA + 0x1000);
	assert_int_equal(machine_get(m, MACHINE_DATA + 0xffe, 2), 0);
}

static void callbacks_can_refuse_and_stop(void **state)
{
	(void)state;
	m->answer = EMULATOR_ANSWER_REFUSE;
	assert_fault(GP, 0, 0x89, 0x0b);
	m->answer = EMULATOR_ANSWER_STOP;
	assert_int_equal(RUN(m, 0x8b, 0x0b), EMULATOR_STOPPED);
	assert_non_null(m->result.reason);
	assert_int_equal(gpr(RCX), 0x1122334455667788);
	assert_int_equal(m->cpu.rip, MACHINE_CODE);
}

/* --------------------------------------------------------------------------- addressing */

static void addressing_in_64bit_code(void **state)
{
	(void)state;
	assert_done(0x8b, 0x05, 0xfa, 0xff, 0xfe, 0x3e); /* mov disp(%rip), %eax */
	assert_event(0, MACHINE_MMIO_READ, MACHINE_CODE + 0x3eff0000, 4, 0x44332211);
	gpr(RSI) = 0x100;
	assert_done(0x8b, 0x44, 0xb3, 0x08); /* 8(%rbx,%rsi,4) */
	assert_event(0, MACHINE_MMIO_READ, MACHINE_MMIO + 0x408, 4, 0x55443322);
	gpr(RBX) |= 0xffffffff00000000;
	assert_done(0x67, 0x8b, 0x03); /* (%ebx) */
	assert_event(0, MACHINE_MMIO_READ, MACHINE_MMIO, 4, 0x66554433);
	m->cpu.segment[EMULATOR_GS].base = MACHINE_MMIO;
	m->cpu.segment[EMULATOR_DS].base = 0x1234;	    /* means nothing here */
	assert_done(0x65, 0x8b, 0x04, 0x25, 0x20, 0, 0, 0); /* %gs:0x20 */
	assert_event(0, MACHINE_MMIO_READ, MACHINE_MMIO + 0x20, 4, 0x77665544);
}

static void addressing_in_16bit_code(void **state)
{
	(void)state;
	machine_real(m);
	m->cpu.segment[EMULATOR_ES].base = MACHINE_MMIO;
	gpr(RBX) = 0xfff0;
	gpr(RSI) = 0x20;
	gpr(RAX) = 0x1234;
	assert_done(0x26, 0x89, 0x40, 0x05); /* mov %ax, %es:5(%bx,%si): wraps */
	assert_event(0, MACHINE_MMIO_WRITE, MACHINE_MMIO + 0x15, 2, 0x1234);
	gpr(RBP) = 0x10;
	assert_done(0x89, 0x46, 0x02); /* 2(%bp) is in SS */
	assert_int_equal(machine_get(m, MACHINE_STACK + 0x12, 2), 0x1234);
	assert_done(0x66, 0xa3, 0x00, 0x01); /* mov %eax, 0x100 */
	assert_int_equal(machine_get(m, MACHINE_DATA + 0x100, 4), 0x1234);
	gpr(RBX) = 0x200;
	assert_done(0x89, 0x06, 0x34, 0x02); /* an offset alone */
	assert_int_equal(machine_get(m, MACHINE_DATA + 0x234, 2), 0x1234);
	gpr(RSI) = 0x300;
	assert_done(0x89, 0x84, 0x00, 0xff); /* -0x100(%si) */
	assert_int_equal(machine_get(m, MACHINE_DATA + 0x200, 2), 0x1234);
	assert_done(0x67, 0x89, 0x03); /* 32-bit address */
	assert_int_equal(machine_get(m, MACHINE_DATA + 0x200, 2), 0x1234);
}

static void real_mode_faults_have_no_code(void **state)
{
	(void)state;
	machine_real(m);
	gpr(RBX) = 0xffff;
	assert_fault_no_code(GP, 0x89, 0x07); /* 2 bytes at 0xffff */
	gpr(RBP) = 0xffff;
	assert_fault_no_code(SS, 0x89, 0x46, 0x00);
	assert_done(0x88, 0x07);
	m->cpu.rip = 0xffff;
	machine_put(m, MACHINE_CODE + 0x10000, 0x07, 1);
	assert_fault_no_code(GP, 0x88); /* the second byte is beyond the limit */
	m->cpu.rip = 0x10000;
	assert_fault_no_code(GP, 0x90);
}

static void segments_in_protected_mode(void **state)
{
	(void)state;
	machine_protected32(m);
	gpr(RBX) = 0x1000;
	m->cpu.segment[EMULATOR_DS].base = MACHINE_DATA;
	m->cpu.segment[EMULATOR_DS].limit = 0x1003;
	gpr(RAX) = 0xcafe;
	assert_done(0x89, 0x03);
	assert_int_equal(machine_get(m, MACHINE_DATA + 0x1000, 4), 0xcafe);
	gpr(RBX) = 0x1001;
	assert_fault(GP, 0, 0x89, 0x03);
	gpr(RBX) = 0xffffffff; /* the end is not taken for a small number */
	assert_fault(GP, 0, 0x89, 0x03);
	gpr(RBP) = 0x2000;
	m->cpu.segment[EMULATOR_SS].limit = 0xfff;
	assert_fault(SS, 0, 0x89, 0x45, 0x00);
	/* read-only data, code, and no segment at all */
	gpr(RBX) = 0;
	m->cpu.segment[EMULATOR_DS].attributes = SEGMENT_DATA32 & ~2u;
	assert_done(0x8b, 0x03);
	assert_fault(GP, 0, 0x89, 0x03);
	assert_fault(GP, 0, 0x2e, 0x89, 0x03);
	m->cpu.segment[EMULATOR_CS].attributes = SEGMENT_CODE32 & ~2u;
	assert_fault(GP, 0, 0x2e, 0x8b, 0x03);
	m->cpu.segment[EMULATOR_DS].attributes = 0;
	assert_fault(GP, 0, 0x8b, 0x03);
	/* expand-down: above the limit */
	m->cpu.segment[EMULATOR_DS].attributes = SEGMENT_DATA32 | 4;
	gpr(RBX) = 0x1003;
	assert_fault(GP, 0, 0x8b, 0x03);
	gpr(RBX) = 0x1004;
	assert_done(0x8b, 0x03);
	m->cpu.segment[EMULATOR_DS].attributes = SEGMENT_DATA16 | 4;
	gpr(RBX) = 0xfffd;
	assert_fault(GP, 0, 0x8b, 0x03);
}

static void canonical_addresses(void **state)
{
	(void)state;
	gpr(RBX) = 0x0000800000000000;
	assert_fault(GP, 0, 0x8b, 0x03);
	gpr(RBP) = gpr(RBX);
	assert_fault(SS, 0, 0x8b, 0x45, 0x00);
	gpr(RSP) = gpr(RBX);
	assert_fault(SS, 0, 0x8f, 0xc0);
	gpr(RBX) = 0x00007ffffffffffd; /* only the last byte is beyond */
	assert_fault(GP, 0, 0x8b, 0x03);
	m->cpu.rip = 0x0000800000000000;
	assert_int_equal(emulator_run_one(&m->cpu, &machine_ops, m, &m->result), EMULATOR_FAULT);
	assert_int_equal(m->result.fault.vector, GUEST_VECTOR_GP);
	assert_int_equal(m->result.length, 0);
}

static void linear_addresses_wrap_in_32bit_code(void **state)
{
	(void)state;
	machine_compat32(m);
	m->cpu.segment[EMULATOR_DS].base = 0xffffff00;
	gpr(RBX) = MACHINE_MMIO + 0x100;
	assert_done(0x8b, 0x03);
	assert_event(0, MACHINE_MMIO_READ, MACHINE_MMIO, 4, 0x44332211);
	/* 40 is INC here, not REX */
	gpr(RAX) = 7;
	assert_done(0x40);
	assert_int_equal(gpr(RAX), 8);
}

/* ------------------------------------------------------------------------------- faults */

static void page_faults(void **state)
{
	(void)state;
	machine_put(m, MACHINE_PD, MACHINE_PT | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 16, MACHINE_CODE | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 32, MACHINE_DATA | 5, 8);
	gpr(RBX) = MACHINE_DATA + 0x123;
	assert_done(0x8b, 0x03);
	assert_fault(PF, 3, 0x89, 0x03);
	assert_int_equal(m->cpu.cr2, MACHINE_DATA + 0x123);
	assert_int_equal(m->result.fault.address, MACHINE_DATA + 0x123);
	/* a destination that is only read need not be writable; one that is written must */
	assert_done(0x39, 0x03); /* cmp */
	assert_fault(PF, 3, 0x01, 0x03);
	assert_fault(PF, 3, 0x0f, 0xb1, 0x03); /* cmpxchg that would fail */
	machine_user(m);
	assert_fault(PF, 7, 0x89, 0x03);
	gpr(RBX) = MACHINE_DATA + 0x1000;
	assert_fault(PF, 4, 0x8b, 0x03);
	/* code that runs into an absent page */
	m->cpu.rip = MACHINE_CODE + 0xfff;
	assert_int_equal(RUN(m, 0x8b), EMULATOR_FAULT);
	assert_int_equal(m->result.fault.error_code, 0x14);
	assert_int_equal(m->cpu.cr2, MACHINE_CODE + 0x1000);
	/* but an instruction that ends before it does not touch it */
	assert_done(0x90);
}

static void tables_may_be_absent_or_contended(void **state)
{
	(void)state;
	machine_put(m, MACHINE_PDPT + 8, MACHINE_MMIO | 7, 8);
	gpr(RBX) = GIB(1);
	assert_int_equal(RUN(m, 0x8b, 0x03), EMULATOR_UNHANDLED);
	gpr(RBX) = LARGE_PAGE_SIZE + MACHINE_DATA;
	machine_put(m, MACHINE_PD + 8, 0x87, 8); /* RAM once more */
	assert_int_equal(RUN(m, 0x90), EMULATOR_DONE);
	m->interfering = 100000;
	assert_int_equal(RUN(m, 0x8b, 0x03), EMULATOR_RETRY);
	/* a string that has got on is not begun again */
	m->interfering = 0;
	gpr(RDI) = LARGE_PAGE_SIZE - 8;
	gpr(RCX) = 4;
	gpr(RAX) = 1;
	machine_put(m, MACHINE_PD, 0xe7, 8);
	machine_put(m, MACHINE_PD + 8, 0x87, 8);
	assert_int_equal(RUN(m, 0x90), EMULATOR_DONE);
	m->interfering = 100000;
	assert_int_equal(RUN(m, 0xf3, 0x48, 0xab), EMULATOR_REPEAT);
	assert_int_equal(gpr(RCX), 3);
}

static void code_may_cross_pages(void **state)
{
	(void)state;
	machine_put(m, MACHINE_PD, MACHINE_PT | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 16, MACHINE_CODE | 7, 8);
	machine_put(m, MACHINE_PT + 8 * 17, MACHINE_STACK | 7, 8); /* not adjacent in RAM */
	m->cpu.rip = MACHINE_CODE + 0xffd;
	machine_put(m, MACHINE_STACK, 0x12345678, 4);
	assert_int_equal(RUN(m, 0x48, 0xc7, 0xc0), EMULATOR_DONE);
	assert_int_equal(gpr(RAX), 0x12345678);
	assert_int_equal(m->result.length, 7);
}

static void illegal_encodings(void **state)
{
	(void)state;
	assert_fault_no_code(UD, 0x0f, 0x0b);
	assert_fault_no_code(UD, 0xf0, 0x89, 0x03); /* lock mov */
	assert_fault_no_code(UD, 0xf0, 0x01, 0xc3); /* lock add to a register */
	assert_fault_no_code(UD, 0xf0, 0x3b, 0x03); /* lock cmp */
	assert_fault_no_code(UD, 0xf0, 0x03, 0x03); /* lock add with memory as the source */
	assert_fault_no_code(UD, 0x0f, 0xc7, 0xc8); /* cmpxchg8b of a register */
	assert_fault_no_code(UD, 0x8e, 0xcb);	    /* mov to CS */
	assert_fault_no_code(UD, 0x0f, 0x20, 0xc8); /* CR1 */
	assert_fault_no_code(UD, 0x06);		    /* push %es in 64-bit code */
	/* fifteen bytes are the most */
	assert_done(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
		    0x66, 0x90);
	assert_fault(GP, 0, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
		     0x66, 0x66, 0x66, 0x90);
}

static void what_is_unknown_is_said(void **state)
{
	(void)state;
	assert_int_equal(RUN(m, 0x0f, 0x6f, 0x03), EMULATOR_UNHANDLED); /* movq of MMX */
	assert_int_equal(m->result.length, 3);
	assert_int_equal(m->result.bytes[1], 0x6f);
	assert_non_null(m->result.reason);
	assert_int_equal(RUN(m, 0xc5, 0xf8, 0x28, 0x03), EMULATOR_UNHANDLED); /* vmovaps */
	assert_int_equal(m->result.length, 4);
	assert_int_equal(RUN(m, 0x0f, 0x04), EMULATOR_UNHANDLED);
	assert_int_equal(m->result.length, 0);
	m->cpu.rip = MACHINE_MMIO; /* code in a device */
	assert_int_equal(emulator_run_one(&m->cpu, &machine_ops, m, &m->result),
			 EMULATOR_UNHANDLED);
}

static void alignment_check(void **state)
{
	(void)state;
	machine_user(m);
	m->cpu.cr0 |= GUEST_CR0_AM;
	m->cpu.rflags |= GUEST_FLAG_AC;
	gpr(RBX) = MACHINE_DATA + 2;
	assert_fault(AC, 0, 0x8b, 0x03);
	assert_done(0x66, 0x8b, 0x03);
	gpr(RBX) = MACHINE_DATA + 4;
	assert_done(0x8b, 0x03);
	assert_fault(AC, 0, 0x48, 0x8b, 0x03);
}

static void division(void **state)
{
	(void)state;
	gpr(RDX) = 0;
	m->input = 0;
	assert_fault_no_code(DE, 0xf7, 0x33); /* divl (%rbx) */
	m->input = 0x10;
	gpr(RAX) = 0x105;
	assert_done(0xf7, 0x33);
	assert_int_equal(gpr(RAX), 0x10);
	assert_int_equal(gpr(RDX), 5);
	gpr(RDX) = 0x10;
	m->input = 0x10;
	assert_fault_no_code(DE, 0xf7, 0x33); /* the quotient is too large */
	gpr(RDX) = gpr(RAX) = ~0ull;
	gpr(RAX) <<= 63;
	m->input = ~0ull;
	assert_fault_no_code(DE, 0x48, 0xf7, 0x3b); /* -2^63 / -1 */
}

/* ------------------------------------------------------------------------------ locking */

static void locked_instructions_exchange(void **state)
{
	(void)state;
	gpr(RBX) = MACHINE_DATA;
	machine_put(m, MACHINE_DATA, 41, 8);
	assert_done(0xff, 0x03); /* sets accessed and dirty bits */
	m->exchanges = 0;
	assert_done(0xff, 0x0b);
	assert_int_equal(m->exchanges, 0);
	m->interfering = 3;
	assert_done(0xf0, 0xff, 0x03);
	assert_int_equal(m->exchanges, 4);
	assert_int_equal(machine_get(m, MACHINE_DATA, 8), 42);
	assert_done(0x87, 0x0b); /* xchg locks by itself */
	assert_int_equal(m->exchanges, 5);
	m->interfering = 1000;
	m->cpu.rflags = 2;
	assert_int_equal(RUN(m, 0xf0, 0x83, 0x03, 0xff), EMULATOR_RETRY);
	assert_int_equal(m->cpu.rflags, 2);
}

static void compare_and_exchange_pairs(void **state)
{
	(void)state;
	gpr(RBX) = 0x1111111122222222;
	gpr(RCX) = 0x3333333344444444;
	gpr(RSI) = MACHINE_DATA;
	gpr(RAX) = gpr(RDX) = 5;
	assert_done(0xf0, 0x0f, 0xc7, 0x0e);
	assert_false(m->cpu.rflags & GUEST_FLAG_ZF);
	assert_int_equal(gpr(RAX), 0);
	assert_int_equal(gpr(RDX), 0);
	assert_done(0xf0, 0x0f, 0xc7, 0x0e);
	assert_true(m->cpu.rflags & GUEST_FLAG_ZF);
	assert_int_equal(machine_get(m, MACHINE_DATA, 8), 0x4444444422222222);
	gpr(RSI) = MACHINE_DATA + 16;
	assert_done(0x48, 0x0f, 0xc7, 0x0e);
	assert_int_equal(machine_get(m, MACHINE_DATA + 16, 8), 0x1111111122222222);
	assert_int_equal(machine_get(m, MACHINE_DATA + 24, 8), 0x3333333344444444);
	gpr(RSI) = MACHINE_DATA + 8;
	assert_fault(GP, 0, 0x48, 0x0f, 0xc7, 0x0e); /* not aligned */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mov_to_mmio),
		TEST(mov_from_mmio),
		TEST(read_modify_write_of_mmio),
		TEST(unaligned_mmio_is_split),
		TEST(callbacks_can_refuse_and_stop),
		TEST(addressing_in_64bit_code),
		TEST(addressing_in_16bit_code),
		TEST(real_mode_faults_have_no_code),
		TEST(segments_in_protected_mode),
		TEST(canonical_addresses),
		TEST(linear_addresses_wrap_in_32bit_code),
		TEST(page_faults),
		TEST(tables_may_be_absent_or_contended),
		TEST(code_may_cross_pages),
		TEST(illegal_encodings),
		TEST(what_is_unknown_is_said),
		TEST(alignment_check),
		TEST(division),
		TEST(locked_instructions_exchange),
		TEST(compare_and_exchange_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
