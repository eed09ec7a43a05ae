/* SPDX-License-Identifier: MIT */
/* The kernel's walk of a guest's page tables, in each form that they have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <kernel/memory_map.h>
#include <linear.h>

#define CR4_PSE	 BIT(4)
#define CR4_LA57 BIT(12)
#define P	 BIT(0)
#define LARGE	 (P | BIT(7))
#define NX	 BIT(63)

/* Tables at these places, each below the one before it. */
#define T5 0x1000u
#define T4 0x2000u
#define T3 0x3000u
#define T2 0x4000u
#define T1 0x5000u

static uint8_t ram[0x10000];
static struct gpa_space space;
static struct vp_vtl vtl = {.space = &space};
static struct vp vp = {.vtl = {&vtl}};

/* Memory is everywhere but in this page, and looks the same behind `ram`. */
#define NOWHERE ((gpa_t)sizeof(ram))

void *page_table_walk(const struct page_table *table, uint64_t gpa)
{
	static uint8_t elsewhere[PAGE_SIZE];

	(void)table;
	if (gpa >= NOWHERE && gpa < NOWHERE + PAGE_SIZE)
		return NULL;
	return gpa < sizeof(ram) ? ram + gpa : elsewhere + gpa % PAGE_SIZE;
}

static void entry_set(gpa_t table, unsigned int index, unsigned int size, uint64_t entry)
{
	memcpy(ram + table + index * size, &entry, size);
}

static struct guest_state state_of(uint64_t cr3, uint64_t cr4, bool long_mode, bool code64)
{
	struct guest_state state = {.cr0 = CR0_PG | CR0_PE, .cr3 = cr3, .cr4 = cr4};

	if (long_mode)
		state.efer = EFER_LMA;
	if (code64)
		state.segment[SEGMENT_CS].attributes = HV_SEGMENT_L;
	memset(ram, 0, sizeof(ram));
	return state;
}

static unsigned int instruction_read(const struct guest_state *state, uint8_t *bytes)
{
	gpa_t gpa;

	return guest_linear_read(&space, state, guest_linear_rip(&vp, state), bytes,
				 INSTRUCTION_MAX, &gpa);
}

static uint64_t leads(const struct guest_state *state, uint64_t linear)
{
	uint8_t byte;
	gpa_t gpa;

	linear = guest_linear_cut(state, linear);
	return guest_linear_read(&space, state, linear, &byte, 1, &gpa) ? gpa : UINT64_MAX;
}

/* Four or five levels; 0xffff8000c0403abc has the indices 0x100, 3, 2, 3. */
static void long_mode(uint64_t cr4, gpa_t root)
{
	const uint64_t linear = 0xffff8000c0403abc;
	struct guest_state state = state_of(root | 0x18, CR4_PAE | cr4, true, true);

	entry_set(T5, 0x1ff, 8, T4 | P);
	entry_set(T4, 0x100, 8, T3 | P);
	entry_set(T3, 3, 8, T2 | P);
	entry_set(T2, 2, 8, T1 | P);
	entry_set(T1, 3, 8, 0x123456789000 | P | NX | BIT(7)); /* PAT */
	assert_int_equal(leads(&state, linear), 0x123456789abc);
	assert_int_equal(leads(&state, linear + PAGE_SIZE), UINT64_MAX);
	entry_set(T2, 2, 8, 0x123456601000 | LARGE);
	assert_int_equal(leads(&state, linear), 0x123456603abc);
	entry_set(T3, 3, 8, 0x123440001000 | LARGE);
	assert_int_equal(leads(&state, linear), 0x123440403abc);
	entry_set(T4, 0x100, 8, T3);
	assert_int_equal(leads(&state, linear), UINT64_MAX);
	entry_set(T4, 0x100, 8, NOWHERE | P);
	assert_int_equal(leads(&state, linear), UINT64_MAX);
}

static void test_long_mode(void **unused)
{
	(void)unused;
	long_mode(0, T4);
	long_mode(CR4_LA57, T5);
}

/* As long as nothing that led there is another, and for nobody else. */
static void test_trace_holds_until_it_changes(void **unused)
{
	const uint64_t linear = 0xffff8000c0403abc;
	struct guest_state state = state_of(T4, CR4_PAE, true, true);
	struct guest_addressing now = {.cr3 = T4, .cr4 = CR4_PAE};
	struct linear_trace trace;

	(void)unused;
	entry_set(T4, 0x100, 8, T3 | P);
	entry_set(T3, 3, 8, T2 | P);
	entry_set(T2, 2, 8, T1 | P);
	entry_set(T1, 3, 8, 0x7000 | P);
	assert_true(guest_linear_trace(&space, &state, linear, &trace));
	assert_int_equal(trace.linear, linear);
	assert_ptr_equal(trace.memory, ram + 0x7abc);
	assert_true(guest_linear_holds(&vtl, &trace, now));
	now.cr3 = GUEST_NOT_64BIT;
	assert_false(guest_linear_holds(&vtl, &trace, now));
	now.cr3 = T4;
	now.cr4 = CR4_PAE | CR4_LA57;
	assert_false(guest_linear_holds(&vtl, &trace, now));
	now.cr4 = CR4_PAE;
	space.tlb_generation++;
	assert_false(guest_linear_holds(&vtl, &trace, now));
	space.tlb_generation--;
	entry_set(T3, 3, 8, T2 | P | BIT(5));
	assert_false(guest_linear_holds(&vtl, &trace, now));
	entry_set(T3, 3, 8, T2 | P);
	entry_set(T1, 3, 8, 0x8000 | P);
	assert_false(guest_linear_holds(&vtl, &trace, now));
	entry_set(T1, 3, 8, 0x7000 | P);
	assert_true(guest_linear_holds(&vtl, &trace, now));
}

/* A large page leaves levels out; nothing, five levels and no memory there leave no trace. */
static void test_traces_of_other_lengths(void **unused)
{
	const uint64_t linear = 0xffff8000c0403abc;
	struct guest_state state = state_of(T4, CR4_PAE, true, true);
	const struct guest_addressing now = {.cr3 = T4, .cr4 = CR4_PAE};
	struct linear_trace trace;

	(void)unused;
	entry_set(T5, 0x1ff, 8, T4 | P);
	entry_set(T4, 0x100, 8, T3 | P);
	entry_set(T3, 3, 8, T2 | P);
	entry_set(T2, 2, 8, 0x200000 | LARGE);
	assert_true(guest_linear_trace(&space, &state, linear, &trace));
	assert_true(guest_linear_holds(&vtl, &trace, now));
	entry_set(T2, 2, 8, T1 | P);
	assert_false(guest_linear_holds(&vtl, &trace, now));
	entry_set(T1, 3, 8, NOWHERE | P);
	assert_false(guest_linear_trace(&space, &state, linear, &trace));
	assert_int_equal(trace.linear, GVA_NONE);
	entry_set(T1, 3, 8, 0);
	assert_false(guest_linear_trace(&space, &state, linear, &trace));
	assert_int_equal(trace.linear, GVA_NONE);
	state.cr3 = T5;
	state.cr4 |= CR4_LA57;
	entry_set(T1, 3, 8, 0x7000 | P);
	assert_false(guest_linear_trace(&space, &state, linear, &trace));
	assert_int_equal(trace.linear, GVA_NONE);
}

/* Compatibility mode wraps at 4 GiB, with the tables of long mode. */
static void test_compatibility_mode_wraps(void **unused)
{
	struct guest_state state = state_of(T4, CR4_PAE, true, false);

	(void)unused;
	entry_set(T4, 0, 8, T3 | P);
	entry_set(T3, 0, 8, LARGE);
	assert_int_equal(leads(&state, 0x100007123), 0x7123);
	state.segment[SEGMENT_CS].base = 0xfffff000;
	vtl.arch.rip = 0x8010;
	ram[0x7010] = 0x5a;
	uint8_t bytes[INSTRUCTION_MAX] = {0};
	assert_int_equal(instruction_read(&state, bytes), INSTRUCTION_MAX);
	assert_int_equal(bytes[0], 0x5a);
	/* 64-bit code has no base, and does not wrap. */
	state.segment[SEGMENT_CS].attributes = HV_SEGMENT_L;
	assert_int_equal(leads(&state, 0x100007123), UINT64_MAX);
	assert_int_equal(instruction_read(&state, bytes), INSTRUCTION_MAX);
	assert_int_equal(bytes[0], 0);
}

/* Four entries at the top, at 32 bytes; bit 7 means nothing in them. */
static void test_pae(void **unused)
{
	struct guest_state state = state_of(T3 + 0x20, CR4_PAE, false, false);

	(void)unused;
	entry_set(T3 + 0x20, 3, 8, T2 | P);
	entry_set(T2, 2, 8, T1 | P);
	entry_set(T1, 3, 8, 0x7000 | P | NX);
	assert_int_equal(leads(&state, 0xc0403abc), 0x7abc);
	entry_set(T2, 2, 8, 0x123400600000 | LARGE);
	assert_int_equal(leads(&state, 0xc0403abc), 0x123400603abc);
	entry_set(T3 + 0x20, 3, 8, T2 | LARGE);
	assert_int_equal(leads(&state, 0xc0403abc), 0x123400603abc);
}

/* Bit 7 is a large page only with CR4.PSE, which gives 40 bits of address. */
static void test_32_bit(void **unused)
{
	struct guest_state state = state_of(T2, 0, false, false);

	(void)unused;
	entry_set(T2, 0x301, 4, T1 | LARGE);
	entry_set(T1, 3, 4, 0x7000 | P);
	assert_int_equal(leads(&state, 0xc0403abc), 0x7abc);
	state.cr4 = CR4_PSE;
	entry_set(T2, 0x301, 4, 0x80000000 | 0x12 << 13 | LARGE);
	assert_int_equal(leads(&state, 0xc0403abc), 0x1280003abc);
	state.cr0 = CR0_PE;
	assert_int_equal(leads(&state, 0xc0403abc), 0xc0403abc);
	assert_int_equal(leads(&state, 0x1c0403abc), 0xc0403abc);
}

/* Across a page's end, to a page that stands elsewhere, or to none. */
static void test_instructions_across_pages(void **unused)
{
	struct guest_state state = state_of(T2, 0, false, false);
	uint8_t bytes[INSTRUCTION_MAX] = {0};

	(void)unused;
	entry_set(T2, 0, 4, T1 | P);
	entry_set(T1, 0, 4, 0x8000 | P);
	entry_set(T1, 1, 4, 0x6000 | P);
	memcpy(ram + 0x8ffc, "abcd", 4);
	memcpy(ram + 0x6000, "efghijklmnopq", 13);
	vtl.arch.rip = 0xffc;
	assert_int_equal(instruction_read(&state, bytes), INSTRUCTION_MAX);
	assert_memory_equal(bytes, "abcdefghijklmno", INSTRUCTION_MAX);
	entry_set(T1, 1, 4, 0);
	assert_int_equal(instruction_read(&state, bytes), 4);
	vtl.arch.rip = 0x1000;
	assert_int_equal(instruction_read(&state, bytes), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_mode),
		cmocka_unit_test(test_trace_holds_until_it_changes),
		cmocka_unit_test(test_traces_of_other_lengths),
		cmocka_unit_test(test_compatibility_mode_wraps),
		cmocka_unit_test(test_pae),
		cmocka_unit_test(test_32_bit),
		cmocka_unit_test(test_instructions_across_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
