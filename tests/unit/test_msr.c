/* SPDX-License-Identifier: MIT */
/* MSRs of a guest: what exists where, what is refused, and what a write does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <arch/speculation.h>
#include <cmocka.h>
#include <lapic.h>
#include <msr.h>
#include <mtrr.h>

#include "guest_stubs.h"

static struct partition *p;
static struct vp *vp;

static void make(enum host_kind host, uint32_t flags)
{
	struct proto_partition_config config = {.vp_count = 1, .apic_mode = 1, .flags = flags};

	stub_host_set(host);
	p = stub_partition(&config);
	p->arch.instructions = 0; /* TSC_AUX is not written into this machine */
	vp = p->vps[0];
}

static int teardown(void **state)
{
	(void)state;
	stub_partition_free(p);
	return 0;
}

static uint64_t rd(uint32_t msr)
{
	uint64_t value = 0;

	assert_true(guest_msr_read(vp, msr, &value));
	return value;
}

static bool can_read(uint32_t msr)
{
	uint64_t value;

	return guest_msr_read(vp, msr, &value);
}

static bool wr(uint32_t msr, uint64_t value)
{
	return guest_msr_write(vp, msr, value);
}

static void test_vendors(void **state)
{
	(void)state;
	make(HOST_EPYC, 0);
	assert_true(can_read(0xc0010114) && wr(0xc0010114, 0x18));
	assert_false(wr(0xc0010114, 0) || can_read(0x3a) || can_read(0x1a0));
	assert_int_equal(rd(0x8b), 0x01000065);
	assert_true(wr(0xc0010015, BIT(24)));
	assert_false(wr(0xc0010015, BIT(0)));
	assert_true(wr(0xc0010004, 123)); /* K7 counters */
	assert_int_equal(rd(0xc0010004), 0);
	assert_false(can_read(0xc1) || wr(0x186, 0) || can_read(0x48) || can_read(0x10a));
	stub_partition_free(p);
	make(HOST_SKYLAKE, PARTITION_LENIENT_PMU);
	assert_int_equal(rd(0x3a), 1);
	assert_false(wr(0x3a, 5) || can_read(0xc0010114) || can_read(0x480));
	assert_int_equal(rd(0x8b) >> 32, UINT32_MAX);
	assert_int_equal(rd(0x1a0), 0x1801);
	assert_true(wr(0x1a0, 0x1801) && wr(0xc1, 7) && wr(0x38f, 0));
	assert_int_equal(rd(0xc1), 0);
	assert_false(wr(0x1a0, BIT(34)) || can_read(0xffffffff) || can_read(0x40000000));
}

static void test_state(void **state)
{
	(void)state;
	make(HOST_EPYC, 0);
	assert_true(wr(0xc0000082, 0xffff800000001000ull));
	assert_int_equal(rd(0xc0000082), 0xffff800000001000ull);
	assert_int_equal(stub_state.lstar, 0xffff800000001000ull);
	assert_false(wr(0xc0000082, 0x0000800000000000ull) || wr(0xc0000102, 1ull << 63));
	assert_false(wr(0xc0000100, 0x8000000000000000ull) || wr(0x175, 1ull << 47));
	assert_true(wr(0xc0000101, 0x1234));
	assert_int_equal(stub_state.segment[SEGMENT_GS].base, 0x1234);
	assert_true(wr(0xc0000084, 0x1200047700ull));
	assert_int_equal(rd(0xc0000084), 0x47700); /* 32 bits */
	assert_true(wr(0x277, 0x0007040600070406ull));
	assert_false(wr(0x277, 2));
	assert_true(wr(0xc0000103, 77) && rd(0xc0000103) == 77);
	assert_false(wr(0xc0000103, BIT(32)));
	assert_true(wr(0xda0, 0));
	assert_false(wr(0xda0, BIT(8)));
	assert_true(wr(0x200, 6) && rd(0x200) == 6);
	assert_false(wr(0x200, 2) || wr(0xfe, 0) || wr(0x200, BIT(48) | 6));
	assert_true(wr(0x17a, 0));
	assert_false(wr(0x17a, 1));
}

static void test_efer(void **state)
{
	(void)state;
	make(HOST_EPYC, 0);
	assert_true(wr(0xc0000080, 0x901)); /* SCE LME NXE */
	assert_int_equal(rd(0xc0000080), 0x901);
	assert_int_equal(stub_state.efer, 0x901);
	assert_false(wr(0xc0000080, 0x1901)); /* SVME */
	assert_false(wr(0xc0000080, BIT(1)));
	stub_state.efer |= 0x400; /* the processor has switched to long mode */
	stub_state.cr0 = BIT(31);
	assert_false(wr(0xc0000080, 0x800)); /* LME while paging */
	assert_true(wr(0xc0000080, 0x900));  /* LMA stays, whatever is written */
	assert_int_equal(rd(0xc0000080), 0xd00);
	stub_partition_free(p);
	make(HOST_PLAIN, 0);
	assert_false(wr(0xc0000080, 0x900)); /* no NX there, no long mode */
}

static void test_time(void **state)
{
	(void)state;
	make(HOST_SKYLAKE, 0);
	assert_int_equal(rd(0x10), fake_timestamp - 1000);
	assert_int_equal(rd(0x3b), 0);
	assert_true(wr(0x3b, 500));
	assert_int_equal(rd(0x10), fake_timestamp - 500);
	assert_true(wr(0x10, 7));
	assert_int_equal(rd(0x10), 7);
	assert_int_equal(rd(0x3b), 7 - fake_timestamp + 1000);
	assert_int_equal(vp->arch.tsc_offset, 7 - fake_timestamp);
	/* The deadline follows the guest's TSC. */
	assert_true(guest_lapic_write(vp, 0, LAPIC_SVR, 0x1ff));
	assert_true(guest_lapic_write(vp, 0, LAPIC_TIMER, 0x40031));
	assert_true(wr(0x6e0, 107));
	assert_int_equal(vp->vtl[0]->arch.lapic_timer.deadline, fake_timestamp + 100);
	assert_true(wr(0x10, 57));
	assert_int_equal(vp->vtl[0]->arch.lapic_timer.deadline, fake_timestamp + 50);
	assert_int_equal(rd(0x6e0), 107);
	assert_true(wr(0x6e0, 1)); /* past: at once, without a timer */
	assert_true(vp->vtl[0]->arch.work & WORK_INTERRUPT);
	assert_int_equal(lapic_pending_vector(vp_lapic(vp, 0)), 0x31);
	assert_int_equal(vp->vtl[0]->arch.lapic_timer.deadline, TIMER_NEVER);
}

static void test_apic(void **state)
{
	(void)state;
	make(HOST_SKYLAKE, 0);
	assert_int_equal(rd(0x1b), 0xfee00900);
	assert_false(can_read(0x802));
	assert_true(wr(0x1b, 0xfee00d00));
	assert_int_equal(rd(0x802), 0);
	assert_true(wr(0x80f, 0x1ff) && wr(0x83f, 0x55));
	assert_int_equal(lapic_pending_vector(vp_lapic(vp, 0)), 0x55);
	assert_false(wr(0x1b, 0xfee00900) || wr(0x8ff, 0));
	assert_true(wr(0x1b, 0xfee00100));
	assert_false(can_read(0x802));
}

/* With the host's bits all set: what the guest's CPUID shows is there, and no more. PRED_CMD and FLUSH_CMD
 * go to the processor, so only what changes nothing is written here. */
static void test_speculation(void **state)
{
	(void)state;
	make(HOST_EPYC, 0);
	assert_false(can_read(0x48) || wr(0x48, 0) || wr(0x49, 0) || wr(0x10b, 0));
	stub_partition_free(p);
	speculation.actions = SPECULATION_GUESTS;
	speculation.guest_control = 1;
	speculation.capabilities = UINT64_MAX;
	make(HOST_SKYLAKE, 0);
	assert_int_equal(rd(0x48), 0);
	assert_true(wr(0x48, 0x5ff & ~BIT(9)));
	assert_int_equal(rd(0x48), 0x5ff & ~BIT(9));
	assert_true(wr(0x48, 4));
	assert_int_equal(rd(0x48), 4); /* its own alone */
	assert_int_equal(vp->arch.spec_ctrl_entered, 5);
	assert_false(wr(0x48, BIT(9)) || wr(0x48, BIT(11)) || wr(0x48, BIT(32)));
	assert_false(wr(0x48, UINT64_MAX));
	assert_int_equal(rd(0x48), 4);
	assert_true(wr(0x49, 0) && wr(0x10b, 0));
	assert_false(can_read(0x49) || can_read(0x10b));
	assert_false(wr(0x49, 2) || wr(0x49, BIT(7)) || wr(0x10b, 2) || wr(0x10b, BIT(63)));
	/* No TSX_CTRL, MCU_CONTROL, DOITM, FB_CLEAR_CTRL, XAPIC_DISABLE, OVERCLOCKING, GDS_CTRL. */
	assert_int_equal(rd(0x10a), 0x400000001d1ae17full);
	assert_false(wr(0x10a, 0));
	assert_false(can_read(0x122) || can_read(0xc001011f));
	stub_partition_free(p);
	make(HOST_EPYC, 0);
	assert_true(wr(0x48, 0x87) && wr(0x49, 0));
	assert_false(wr(0x48, BIT(8)));
	stub_partition_free(p);
	make(HOST_PLAIN, 0);
	assert_false(can_read(0x48) || wr(0x49, 0) || can_read(0x10a) || wr(0x10b, 0));
	memset(&speculation, 0, sizeof(speculation));
}

/* Every number in the neighbourhood of the table can be asked and written, on every host. */
static void test_sweep(void **state)
{
	static const uint32_t bases[] = {0, 0xc0000000, 0xc0010000, 0xc0011000, 0x40000000};
	uint64_t value;
	uint32_t i, n;
	int host;

	(void)state;
	for (host = 0; host < HOST_COUNT; host++) {
		make(host, host == HOST_EPYC ? 0 : PARTITION_LENIENT_PMU);
		for (i = 0; i < ARRAY_SIZE(bases); i++)
			for (n = 0; n < 0x1000; n++) {
				/* What it holds it also takes, unless nothing can be written. */
				if (guest_msr_read(vp, bases[i] + n, &value))
					guest_msr_write(vp, bases[i] + n, value);
				guest_msr_write(vp, bases[i] + n, UINT64_MAX);
			}
		if (host != HOST_COUNT - 1)
			stub_partition_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_vendors, teardown),
		cmocka_unit_test_teardown(test_state, teardown),
		cmocka_unit_test_teardown(test_efer, teardown),
		cmocka_unit_test_teardown(test_time, teardown),
		cmocka_unit_test_teardown(test_apic, teardown),
		cmocka_unit_test_teardown(test_speculation, teardown),
		cmocka_unit_test_teardown(test_sweep, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
