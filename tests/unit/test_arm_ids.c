/* SPDX-License-Identifier: MIT */
/* What guests see of feature registers, and the words of a syndrome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ids.h"
#include "syndrome.h"

#define PHYSICAL_BITS 39u

static uint64_t host[IDS_COUNT], guest[IDS_COUNT];

static void filter(uint64_t all)
{
	unsigned int i;

	for (i = 0; i < IDS_COUNT; i++)
		host[i] = all;
	ids_filter(host, PHYSICAL_BITS, guest);
}

/* A processor that has everything in every field: the guest gets what the kernel knows, and no more. */
static void everything(void **state)
{
	(void)state;
	filter(0x7777777777777777);
	assert_int_equal(guest[ID_AA64PFR0] & 0xffff, 0x0012); /* no EL2, no EL3 */
	assert_int_equal(ID_FIELD(guest[ID_AA64PFR0], 24), 1); /* the GIC's system registers */
	assert_int_equal(ID_FIELD(guest[ID_AA64PFR0], PFR0_RAS_SHIFT), 0);
	assert_int_equal(ID_FIELD(guest[ID_AA64PFR0], PFR0_SVE_SHIFT), 0);
	assert_int_equal(ID_FIELD(guest[ID_AA64PFR0], PFR0_AMU_SHIFT), 0);
	assert_int_equal(ID_FIELD(guest[ID_AA64PFR1], 8), 0);	/* MTE */
	assert_int_equal(ID_FIELD(guest[ID_AA64PFR1], 24), 0);	/* SME */
	assert_int_equal(ID_FIELD(guest[ID_AA64DFR0], 8), 0);	/* counters */
	assert_int_equal(ID_FIELD(guest[ID_AA64DFR0], 32), 0);	/* SPE */
	assert_int_equal(ID_FIELD(guest[ID_AA64ISAR0], 24), 0); /* TME */
	assert_int_equal(ID_FIELD(guest[ID_AA64ISAR1], 60), 0); /* LS64 */
	assert_int_equal(ID_FIELD(guest[ID_AA64MMFR1], 8), 0);	/* VHE */
	assert_int_equal(ID_FIELD(guest[ID_AA64MMFR1], MMFR1_LO_SHIFT), 0);
	assert_int_equal(ID_FIELD(guest[ID_AA64MMFR1], MMFR1_HCX_SHIFT), 0);
	assert_int_equal(ID_FIELD(guest[ID_AA64MMFR0], MMFR0_FGT_SHIFT), 0);
	assert_int_equal(ID_FIELD(guest[ID_AA64MMFR2], 24), 0); /* NV */
	assert_int_equal(ID_FIELD(guest[ID_AA64ISAR0], 20), 2); /* atomics */
}

/* One that has nothing: nothing is made up. */
static void nothing(void **state)
{
	(void)state;
	filter(0);
	assert_int_equal(guest[ID_AA64PFR0], 1ull << 24);
	assert_int_equal(guest[ID_AA64ISAR0], 0);
	assert_int_equal(guest[ID_AA64MMFR0], 0);
	assert_int_equal(guest[ID_PLACE(4, 4)], 0);
}

/* "No" of a signed field stays that, and programs without AArch32 have none of its registers. */
static void signed_and_aarch32(void **state)
{
	(void)state;
	filter(0);
	host[ID_AA64PFR0] = 0xff0001;
	host[ID_AA64MMFR0] = 0xff000000;
	host[ID_PLACE(2, 0)] = 0x1234;
	ids_filter(host, PHYSICAL_BITS, guest);
	assert_int_equal(guest[ID_AA64PFR0], 0xff0001 | 1ull << 24);
	assert_int_equal(guest[ID_AA64MMFR0], 0xff000000);
	assert_int_equal(guest[ID_PLACE(2, 0)], 0);
	host[ID_AA64PFR0] = 2;
	ids_filter(host, PHYSICAL_BITS, guest);
	assert_int_equal(guest[ID_PLACE(2, 0)], 0x1234);
}

static void physical_range(void **state)
{
	(void)state;
	filter(0);
	host[ID_AA64MMFR0] = 5;
	ids_filter(host, PHYSICAL_BITS, guest);
	assert_int_equal(guest[ID_AA64MMFR0] & 0xf, 1); /* 36 bits: not more than there are */
	ids_filter(host, 48, guest);
	assert_int_equal(guest[ID_AA64MMFR0] & 0xf, 5);
	ids_filter(host, 52, guest);
	assert_int_equal(guest[ID_AA64MMFR0] & 0xf, 5);
	assert_int_equal(ids_pa_range(31), 0);
	assert_int_equal(ids_pa_range(40), 2);
	assert_int_equal(ids_pa_bits(2), 40);
	assert_int_equal(ids_pa_bits(15), 52);
}

/* A CPU may have more than the boot CPU, and less of what nobody is shown; not less of the rest. */
static void lacking(void **state)
{
	uint64_t own[IDS_COUNT];
	unsigned int i;

	(void)state;
	filter(0x1111111111111111);
	for (i = 0; i < IDS_COUNT; i++)
		own[i] = 0x3333333333333333;
	assert_int_equal(ids_lacking(own, host), IDS_COUNT);
	assert_int_equal(ids_lacking(host, host), IDS_COUNT);
	own[ID_AA64PFR0] &= ~(0xfull << PFR0_SVE_SHIFT);
	own[ID_AA64MMFR0] &= ~(0xfull << MMFR0_FGT_SHIFT);
	assert_int_equal(ids_lacking(own, host), IDS_COUNT);
	own[ID_AA64MMFR1] &= ~0xf0ull;
	assert_int_equal(ids_lacking(own, host), ID_AA64MMFR1); /* VMIDs */
	own[ID_AA64DFR0] &= ~(0xfull << DFR0_BREAKPOINTS_SHIFT);
	assert_int_equal(ids_lacking(own, host), ID_AA64DFR0);
	own[ID_AA64PFR0] |= 0xfull << 16; /* no FP */
	assert_int_equal(ids_lacking(own, host), ID_AA64PFR0);
	host[ID_AA64PFR0] |= 0xfull << 16; /* the boot CPU has none either */
	assert_int_equal(ids_lacking(own, host), ID_AA64DFR0);
	/* What guests see of a field is the same for both. */
	filter(0xffffffffffffffff);
	for (i = 0; i < IDS_COUNT; i++)
		own[i] = host[i];
	own[ID_AA64ISAR0] = 0x2222222222222222;
	assert_int_equal(ids_lacking(own, host), IDS_COUNT);
}

#define SIZE(n) ((uint64_t)(n) << 22)

static void loads(void **state)
{
	(void)state;
	assert_int_equal(syndrome_extend(SIZE(0), 0x1234567890abcdef), 0xef);
	assert_int_equal(syndrome_extend(SIZE(0) | ABORT_SIGN, 0xef), 0xffffffef);
	assert_int_equal(syndrome_extend(SIZE(0) | ABORT_SIGN | ABORT_64, 0xef),
			 0xffffffffffffffef);
	assert_int_equal(syndrome_extend(SIZE(0) | ABORT_SIGN | ABORT_64, 0x7f), 0x7f);
	assert_int_equal(syndrome_extend(SIZE(1) | ABORT_SIGN, 0x8000), 0xffff8000);
	assert_int_equal(syndrome_extend(SIZE(2) | ABORT_SIGN | ABORT_64, 0x80000000),
			 0xffffffff80000000);
	assert_int_equal(syndrome_extend(SIZE(2), UINT64_MAX), UINT32_MAX);
	assert_int_equal(syndrome_extend(SIZE(3) | ABORT_64, UINT64_MAX - 1), UINT64_MAX - 1);
}

static void registers(void **state)
{
	/* mrs x5, id_aa64isar1_el1 */
	uint64_t read = SYSTEM_KEY(3, 0, 0, 6, 1) | 5 << 5 | SYSTEM_READ;

	(void)state;
	assert_true(SYSTEM_IS_ID(read));
	assert_int_equal(ID_PLACE(SYSTEM_CRM(read), SYSTEM_OP2(read)), ID_AA64ISAR1);
	assert_int_equal(SYSTEM_REGISTER(read), 5);
	assert_int_equal(SYSTEM_KEY_OF(read), SYSTEM_KEY(3, 0, 0, 6, 1));
	assert_false(SYSTEM_IS_ID((uint64_t)SYSTEM_KEY(3, 0, 0, 0, 5))); /* MPIDR_EL1 */
	assert_false(SYSTEM_IS_ID((uint64_t)SYSTEM_KEY(3, 0, 0, 8, 0)));
	assert_false(SYSTEM_IS_ID((uint64_t)SYSTEM_KEY(3, 3, 0, 4, 0)));
	assert_false(SYSTEM_IS_ID((uint64_t)SYSTEM_KEY(2, 0, 0, 4, 0)));
	assert_false(SYSTEM_IS_ID((uint64_t)SYSTEM_KEY(3, 0, 1, 4, 0)));
}

static void exceptions(void **state)
{
	uint64_t flags = PSTATE_NZCV | PSTATE_PAN;

	(void)state;
	assert_int_equal(exception_offset(PSTATE_EL1T), 0);
	assert_int_equal(exception_offset(PSTATE_EL1H | PSTATE_DAIF), 0x200);
	assert_int_equal(exception_offset(PSTATE_EL0), 0x400);
	assert_int_equal(exception_offset(PSTATE_32), 0x600);
	assert_int_equal(exception_pstate(flags | PSTATE_UAO | PSTATE_BTYPE | PSTATE_SS, 0, false),
			 flags | PSTATE_DAIF | PSTATE_EL1H);
	assert_int_equal(exception_pstate(0, 0, true), PSTATE_PAN | PSTATE_DAIF | PSTATE_EL1H);
	assert_int_equal(exception_pstate(0, SCTLR_SPAN | SCTLR_DSSBS, true),
			 PSTATE_SSBS | PSTATE_DAIF | PSTATE_EL1H);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(nothing),
		cmocka_unit_test(signed_and_aarch32),
		cmocka_unit_test(physical_range),
		cmocka_unit_test(lacking),
		cmocka_unit_test(loads),
		cmocka_unit_test(registers),
		cmocka_unit_test(exceptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
