/* SPDX-License-Identifier: MIT */
/*
 * The walk of guest page tables: each format, large pages, rights, reserved bits, error
 * codes, accessed and dirty bits.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "emulator_machine.h"

#define P     1u
#define W     2u
#define U     4u
#define A     0x20u
#define D     0x40u
#define LARGE 0x80u
#define NX    BIT(63)

#define PF_P PAGE_FAULT_PRESENT
#define PF_W PAGE_FAULT_WRITE
#define PF_U PAGE_FAULT_USER
#define PF_R PAGE_FAULT_RESERVED
#define PF_I PAGE_FAULT_FETCH
#define PF_K PAGE_FAULT_KEY

static struct machine machine;
static struct guest_paging paging;
static struct guest_walk_result result;

static enum guest_walk_status walk(gva_t gva, unsigned access)
{
	return guest_walk(&paging, &machine_ops.memory, &machine, gva, access, &result);
}

#define assert_walk(gva, access, expected)                          \
	do {                                                        \
		assert_int_equal(walk(gva, access), GUEST_WALK_OK); \
		assert_int_equal(result.gpa, expected);             \
	} while (0)

#define assert_page_fault(gva, access, code)                                \
	do {                                                                \
		assert_int_equal(walk(gva, access), GUEST_WALK_PAGE_FAULT); \
		assert_int_equal(result.error_code, code);                  \
	} while (0)

static void put(gpa_t gpa, uint64_t entry)
{
	machine_put(&machine, gpa, entry, 8);
}

static uint64_t get(gpa_t gpa)
{
	return machine_get(&machine, gpa, 8);
}

static int setup(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	paging = (struct guest_paging){
		.cr0 = GUEST_CR0_PE | GUEST_CR0_PG | GUEST_CR0_WP,
		.cr3 = MACHINE_PML4,
		.cr4 = GUEST_CR4_PAE,
		.efer = GUEST_EFER_LMA | GUEST_EFER_NXE,
		.physical_bits = 40,
	};
	put(MACHINE_PML4, MACHINE_PDPT | P | W | U);
	put(MACHINE_PDPT, MACHINE_PD | P | W | U);
	put(MACHINE_PD, MACHINE_PT | P | W | U);
	put(MACHINE_PT, 0x12345000 | P | W | U);
	return 0;
}

static void no_paging_is_identity(void **state)
{
	(void)state;
	paging.cr0 = GUEST_CR0_PE;
	assert_walk(0x12345678, GUEST_WALK_WRITE, 0x12345678);
	assert_walk(0x100000010, 0, 0x10);
}

static void four_levels(void **state)
{
	(void)state;
	assert_walk(0x123, 0, 0x12345123);
	assert_int_equal(result.page_size, PAGE_SIZE);
	put(MACHINE_PML4 + 8 * 511, MACHINE_PDPT | P | W | U);
	assert_walk(0xffffff8000000fff, 0, 0x12345fff);
	/* 2 MiB and 1 GiB */
	put(MACHINE_PD + 8, 0x40000000 | P | LARGE | BIT(12));
	assert_walk(0x2abcde, 0, 0x400abcde);
	assert_int_equal(result.page_size, LARGE_PAGE_SIZE);
	put(MACHINE_PDPT + 8, 0xc0000000 | P | LARGE);
	assert_walk(0x7abcdef1, 0, 0xfabcdef1);
	assert_int_equal(result.page_size, GIB(1));
}

static void five_levels(void **state)
{
	(void)state;
	paging.cr4 |= GUEST_CR4_LA57;
	paging.cr3 = MACHINE_PML5;
	put(MACHINE_PML5 + 8 * 3, MACHINE_PML4 | P | W | U);
	assert_walk(3ull << 48 | 0x77, 0, 0x12345077);
	assert_int_equal(get(MACHINE_PML5 + 8 * 3) & A, A);
	assert_page_fault(0x77, 0, 0);
	put(MACHINE_PML5 + 8 * 3, MACHINE_PML4 | P | W | U | LARGE);
	assert_page_fault(3ull << 48, 0, PF_P | PF_R);
}

static void pae(void **state)
{
	(void)state;
	paging.efer = GUEST_EFER_NXE;
	paging.cr3 = MACHINE_PDPT + 0x20; /* aligned to 32 bytes only */
	put(MACHINE_PDPT + 0x20 + 8 * 3, MACHINE_PD | P);
	put(MACHINE_PD + 8, (0x9abcde000000 & 0xffffe00000) | P | W | U | LARGE);
	assert_walk(0xc0000123, GUEST_WALK_WRITE | GUEST_WALK_USER, 0x12345123);
	assert_int_equal(get(MACHINE_PDPT + 0x20 + 8 * 3), MACHINE_PD | P); /* no accessed bit */
	assert_int_equal(get(MACHINE_PT) & (A | D), A | D);
	assert_walk(0xc0212345, 0, (0x9abcde000000 & 0xffffe00000) | 0x12345);
	put(MACHINE_PDPT + 0x20 + 8 * 3, MACHINE_PD | P | W);
	assert_page_fault(0xc0000123, 0, PF_P | PF_R);
	put(MACHINE_PDPT + 0x20 + 8 * 3, MACHINE_PD | P);
	put(MACHINE_PT, 0x12345000 | P | BIT(52));
	assert_page_fault(0xc0000123, 0, PF_P | PF_R);
	put(MACHINE_PT, 0x12345000 | P | NX);
	assert_page_fault(0xc0000123, GUEST_WALK_FETCH, PF_P | PF_I);
	paging.efer = 0;
	assert_page_fault(0xc0000123, GUEST_WALK_FETCH, PF_P | PF_R);
}

static void two_levels(void **state)
{
	(void)state;
	paging.efer = 0;
	paging.cr4 = 0;
	machine_put(&machine, MACHINE_PML4 + 4 * 0x300, MACHINE_PT | P | W | U, 4);
	machine_put(&machine, MACHINE_PT + 4 * 0x3ff, 0xabcde000 | P | U, 4);
	assert_walk(0xc03ff123, GUEST_WALK_USER, 0xabcde123);
	assert_page_fault(0xc03ff123, GUEST_WALK_USER | GUEST_WALK_WRITE, PF_P | PF_W | PF_U);
	assert_page_fault(0xc03fe123, GUEST_WALK_FETCH, 0);
	/* without PSE the size bit means nothing */
	machine_put(&machine, MACHINE_PML4 + 4 * 0x300, MACHINE_PT | P | W | U | LARGE, 4);
	assert_walk(0xc03ff123, 0, 0xabcde123);
	/* with it: 4 MiB, and address bits 32 to 39 in bits 13 to 20 */
	paging.cr4 = GUEST_CR4_PSE;
	machine_put(&machine, MACHINE_PML4 + 4, 0x12c00000 | 0x55 << 13 | P | LARGE, 4);
	assert_walk(0x7abcde, 0, 0x5512c00000 | 0x3abcde);
	assert_int_equal(result.page_size, MIB(4));
	machine_put(&machine, MACHINE_PML4 + 4, 0x12c00000 | 1 << 21 | P | LARGE, 4);
	assert_page_fault(0x7abcde, 0, PF_P | PF_R);
	paging.physical_bits = 36;
	machine_put(&machine, MACHINE_PML4 + 4, 0x12c00000 | 0x10 << 13 | P | LARGE, 4);
	assert_page_fault(0x7abcde, 0, PF_P | PF_R);
	/* SMEP makes the fetch bit exist */
	paging.cr4 = GUEST_CR4_SMEP;
	assert_page_fault(0xc03fe123, GUEST_WALK_FETCH, PF_I);
}

static void rights_come_from_all_levels(void **state)
{
	static const gpa_t entries[] = {MACHINE_PML4, MACHINE_PDPT, MACHINE_PD, MACHINE_PT};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
		uint64_t entry = get(entries[i]);

		put(entries[i], entry & ~(uint64_t)W);
		assert_page_fault(0, GUEST_WALK_WRITE, PF_P | PF_W);
		put(entries[i], entry & ~(uint64_t)U);
		assert_page_fault(0, GUEST_WALK_USER, PF_P | PF_U);
		put(entries[i], entry | NX);
		assert_page_fault(0, GUEST_WALK_FETCH | GUEST_WALK_USER, PF_P | PF_U | PF_I);
		put(entries[i], entry & ~(uint64_t)P);
		assert_page_fault(0, GUEST_WALK_WRITE | GUEST_WALK_USER, PF_W | PF_U);
		put(entries[i], entry | BIT(40));
		assert_page_fault(0, 0, PF_P | PF_R);
		put(entries[i], entry);
	}
}

static void write_protection_can_be_off_for_supervisors(void **state)
{
	(void)state;
	paging.cr0 &= ~GUEST_CR0_WP;
	put(MACHINE_PT, 0x12345000 | P | U);
	assert_walk(0, GUEST_WALK_WRITE, 0x12345000);
	assert_page_fault(0, GUEST_WALK_WRITE | GUEST_WALK_USER, PF_P | PF_W | PF_U);
}

static void smep_and_smap(void **state)
{
	(void)state;
	assert_walk(0, GUEST_WALK_FETCH, 0x12345000);
	paging.cr4 |= GUEST_CR4_SMEP | GUEST_CR4_SMAP;
	assert_page_fault(0, GUEST_WALK_FETCH, PF_P | PF_I);
	assert_walk(0, GUEST_WALK_FETCH | GUEST_WALK_USER, 0x12345000);
	assert_page_fault(0, 0, PF_P);
	assert_page_fault(0, GUEST_WALK_WRITE, PF_P | PF_W);
	assert_walk(0, GUEST_WALK_USER, 0x12345000);
	paging.rflags = GUEST_FLAG_AC;
	assert_walk(0, 0, 0x12345000);
	assert_page_fault(0, GUEST_WALK_IMPLICIT | GUEST_WALK_USER, PF_P);
}

static void protection_keys(void **state)
{
	(void)state;
	put(MACHINE_PT, 0x12345000 | P | W | U | 5ull << 59);
	paging.pkru = 2u << 10; /* no writes with key 5 */
	assert_walk(0, GUEST_WALK_WRITE | GUEST_WALK_USER, 0x12345000);
	paging.cr4 |= GUEST_CR4_PKE;
	assert_walk(0, GUEST_WALK_USER, 0x12345000);
	assert_page_fault(0, GUEST_WALK_WRITE, PF_P | PF_W | PF_K);
	paging.pkru = 1u << 10; /* no access */
	assert_page_fault(0, GUEST_WALK_USER, PF_P | PF_U | PF_K);
	assert_walk(0, GUEST_WALK_FETCH, 0x12345000);
}

static void reserved_bits_of_large_pages(void **state)
{
	(void)state;
	put(MACHINE_PD, 0x40000000 | P | LARGE | BIT(13));
	assert_page_fault(0, 0, PF_P | PF_R);
	put(MACHINE_PDPT, 0x40000000 | P | LARGE | BIT(29));
	assert_page_fault(0, 0, PF_P | PF_R);
	put(MACHINE_PML4, MACHINE_PDPT | P | LARGE);
	assert_page_fault(0, 0, PF_P | PF_R);
}

static void accessed_and_dirty(void **state)
{
	(void)state;
	assert_walk(0, GUEST_WALK_DEBUG | GUEST_WALK_WRITE, 0x12345000);
	assert_int_equal(get(MACHINE_PML4) & A, 0);
	assert_walk(0, 0, 0x12345000);
	assert_int_equal(get(MACHINE_PML4) & (A | D), A);
	assert_int_equal(get(MACHINE_PDPT) & (A | D), A);
	assert_int_equal(get(MACHINE_PD) & (A | D), A);
	assert_int_equal(get(MACHINE_PT) & (A | D), A);
	assert_walk(0, GUEST_WALK_WRITE, 0x12345000);
	assert_int_equal(get(MACHINE_PD) & (A | D), A);
	assert_int_equal(get(MACHINE_PT) & (A | D), A | D);
	/* none of it by an access that faults */
	put(MACHINE_PT + 8, 0x5000 | P);
	assert_page_fault(0x1000, GUEST_WALK_WRITE, PF_P | PF_W);
	assert_int_equal(get(MACHINE_PT + 8), 0x5000 | P);
	/* and without a compare-exchange all the same */
	struct guest_memory_ops plain = machine_ops.memory;

	plain.cmpxchg_gpa = NULL;
	put(MACHINE_PT, 0x12345000 | P | W);
	assert_int_equal(guest_walk(&paging, &plain, &machine, 0, GUEST_WALK_WRITE, &result),
			 GUEST_WALK_OK);
	assert_int_equal(get(MACHINE_PT), 0x12345000 | P | W | A | D);
}

static void tables_that_change_or_are_absent(void **state)
{
	(void)state;
	machine.interfering = 3;
	assert_walk(0, 0, 0x12345000);
	put(MACHINE_PT, 0x12345000 | P);
	machine.interfering = 1000;
	assert_int_equal(walk(0, 0), GUEST_WALK_CONTENDED);
	machine.interfering = 0;
	put(MACHINE_PD, 0x3f000000 | P);
	assert_int_equal(walk(0x8123, 0), GUEST_WALK_NO_TABLE);
	assert_int_equal(result.gpa, 0x3f000040);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_paging_is_identity, setup),
		cmocka_unit_test_setup(four_levels, setup),
		cmocka_unit_test_setup(five_levels, setup),
		cmocka_unit_test_setup(pae, setup),
		cmocka_unit_test_setup(two_levels, setup),
		cmocka_unit_test_setup(rights_come_from_all_levels, setup),
		cmocka_unit_test_setup(write_protection_can_be_off_for_supervisors, setup),
		cmocka_unit_test_setup(smep_and_smap, setup),
		cmocka_unit_test_setup(protection_keys, setup),
		cmocka_unit_test_setup(reserved_bits_of_large_pages, setup),
		cmocka_unit_test_setup(accessed_and_dirty, setup),
		cmocka_unit_test_setup(tables_that_change_or_are_absent, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
