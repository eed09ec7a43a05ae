/* SPDX-License-Identifier: MIT */
/* Messages between the local APICs of a partition: who gets them, and as what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <apic_bus.h>
#include <apic_page.h>

#include "guest_stubs.h"

static struct partition *p;

static struct lapic *apic(uint32_t i)
{
	return vp_lapic(p->vps[i], 0);
}

static void make(uint32_t vps, enum apic_mode mode)
{
	struct proto_partition_config config = {.vp_count = vps, .apic_mode = mode};
	uint32_t i;

	stub_host_set(HOST_SKYLAKE);
	p = stub_partition(&config);
	for (i = 0; i < vps; i++)
		if (mode == APIC_MODE_X2APIC_ENABLED)
			assert_true(guest_lapic_msr_write(p->vps[i], 0x80f, 0x1ff));
		else
			assert_true(guest_lapic_write(p->vps[i], 0, LAPIC_SVR, 0x1ff));
}

static int teardown(void **state)
{
	(void)state;
	stub_partition_free(p);
	return 0;
}

/* The set of VPs that the message reached; their requests are forgotten. */
static uint64_t reached(uint32_t bit)
{
	uint64_t set = 0;
	uint32_t i;

	for (i = 0; i < p->vp_count; i++)
		if (stub_requests[i] & bit)
			set |= BIT(i);
	memset(stub_requests, 0, sizeof(stub_requests));
	return set;
}

static uint64_t icr(uint32_t sender, uint32_t high, uint32_t low)
{
	assert_true(guest_lapic_write(p->vps[sender], 0, LAPIC_ICR_HIGH, high << 24));
	assert_true(guest_lapic_write(p->vps[sender], 0, LAPIC_ICR, low));
	return reached(VP_REQUEST_INTERRUPT);
}

static void test_xapic(void **state)
{
	uint32_t i;

	(void)state;
	make(8, APIC_MODE_X2APIC_SUPPORTED);
	assert_int_equal(icr(0, 5, 0x4041), BIT(5));
	assert_int_equal(lapic_pending_vector(apic(5)), 0x41);
	assert_int_equal(icr(0, 5, 0x4041), BIT(5)); /* pending, but it may be taken just now */
	assert_int_equal(icr(0, 5, 0x4041), 0);	     /* nobody has looked since */
	assert_int_equal(icr(0, 9, 0x4041), 0);	     /* nobody */
	assert_int_equal(icr(2, 0xff, 0x4042), 0xff);
	assert_int_equal(icr(2, 0, 0xc4043), 0xff & ~BIT(2));
	assert_int_equal(icr(2, 0, 0x84044), 0xff);
	for (i = 0; i < 8; i++)
		assert_true(guest_lapic_write(p->vps[i], 0, LAPIC_LDR, (1u << i) << 24));
	assert_int_equal(icr(1, 0x29, 0x4845), 0x29); /* logical, flat */
	/* NMI, INIT, start-up */
	icr(0, 3, 0x4400);
	icr(0, 3, 0x4400);
	assert_true(guest_lapic_write(p->vps[0], 0, LAPIC_ICR, 0x4400));
	assert_int_equal(reached(VP_REQUEST_NMI), BIT(3));
	assert_true(guest_lapic_write(p->vps[0], 0, LAPIC_ICR, 0xc8500)); /* de-assert */
	assert_int_equal(reached(VP_REQUEST_INIT), 0);
	assert_true(guest_lapic_write(p->vps[0], 0, LAPIC_ICR, 0xc4500));
	assert_int_equal(reached(VP_REQUEST_INIT), 0xfe);
	assert_true(guest_lapic_write(p->vps[0], 0, LAPIC_ICR, 0xc469a));
	assert_int_equal(apic(7)->sipi_vector, 0x9a);
	assert_int_equal(reached(VP_REQUEST_SIPI), 0xfe);
	/* An INIT takes back the start-up message that came before it, not the one after it. */
	for (i = 0; i < 8; i++)
		atomic_store(&p->vps[i]->requests, VP_REQUEST_SIPI | VP_REQUEST_NMI);
	icr(0, 3, 0x4500);
	assert_int_equal(p->vps[3]->requests, VP_REQUEST_NMI);
	assert_int_equal(p->vps[4]->requests, VP_REQUEST_SIPI | VP_REQUEST_NMI);
	for (i = 0; i < 8; i++)
		atomic_store(&p->vps[i]->requests, 0);
	/* SMI and reserved modes: nothing */
	assert_true(guest_lapic_write(p->vps[0], 0, LAPIC_ICR, 0xc4200));
	assert_true(guest_lapic_write(p->vps[0], 0, LAPIC_ICR, 0xc4300));
	assert_int_equal(reached(UINT32_MAX), 0);
}

static void test_lowest(void **state)
{
	unsigned int i;
	uint64_t seen = 0;

	(void)state;
	make(4, APIC_MODE_XAPIC);
	for (i = 0; i < 4; i++) {
		assert_true(guest_lapic_write(p->vps[i], 0, LAPIC_LDR, (1u << i) << 24));
		assert_true(guest_lapic_write(p->vps[i], 0, LAPIC_TPR, i == 1 ? 0x10 : 0x40));
		p->vps[i]->vtl[0]->arch.cr8 = i == 1 ? 1 : 4;
	}
	assert_int_equal(icr(0, 0x0f, 0x4951), BIT(1)); /* the lowest priority */
	assert_int_equal(icr(0, 0x0d, 0x4952) & BIT(1), 0);
	for (i = 0; i < 16; i++) /* equals take turns */
		seen |= icr(0, 0x0d, 0x4960 + i);
	assert_int_equal(seen, 0x0d);
}

static void test_x2apic(void **state)
{
	(void)state;
	make(40, APIC_MODE_X2APIC_ENABLED);
#define ICR(high, low) guest_lapic_msr_write(p->vps[3], 0x830, (uint64_t)(high) << 32 | (low))
	assert_true(ICR(33, 0x4041));
	assert_int_equal(reached(VP_REQUEST_INTERRUPT), BIT(33));
	assert_true(ICR(0x00020003, 0x4842)); /* cluster 2: ids 32, 33 */
	assert_int_equal(reached(VP_REQUEST_INTERRUPT), BIT(32) | BIT(33));
	assert_true(ICR(0x00000081, 0x4843)); /* cluster 0 */
	assert_int_equal(reached(VP_REQUEST_INTERRUPT), 0x81);
	assert_true(ICR(0x0002ff00, 0x4844)); /* 32 + 8 and on: there are none */
	assert_int_equal(reached(VP_REQUEST_INTERRUPT), 0);
	assert_true(ICR(UINT32_MAX, 0x4045));
	assert_int_equal(reached(VP_REQUEST_INTERRUPT), MASK(40));
	assert_true(ICR(0xff, 0x4046)); /* id 255, not a broadcast */
	assert_int_equal(reached(VP_REQUEST_INTERRUPT), 0);
}

static bool merged;

static uint64_t msi(uint64_t address, uint32_t data)
{
	assert_int_equal(apic_bus_msi(p, 0, address, data, &merged), STATUS_OK);
	return reached(VP_REQUEST_INTERRUPT);
}

static void test_msi(void **state)
{
	unsigned int i;

	(void)state;
	make(8, APIC_MODE_X2APIC_SUPPORTED);
	for (i = 0; i < 8; i++)
		assert_true(guest_lapic_write(p->vps[i], 0, LAPIC_LDR, (1u << i) << 24));
	assert_int_equal(msi(0xfee03000, 0x51), BIT(3));
	assert_false(merged);
	assert_int_equal(msi(0xfee03000, 0x51), 0);
	assert_true(merged); /* with the first, which nobody has taken */
	assert_int_equal(msi(0xfee03000, 0xc052), BIT(3)); /* level */
	assert_true(lapic_page_get(apic(3), LAPIC_TMR + 0x20) & BIT(0x52 - 64));
	assert_int_equal(msi(0xfee03000, 0x8053), 0); /* level, de-asserted */
	assert_int_equal(msi(0xfeeff000, 0x54), 0xff);
	assert_int_equal(msi(0xfee06004, 0x55), 6);
	assert_int_equal(__builtin_popcountll(msi(0xfee0f00c, 0x56)), 1); /* hint: one of them */
	assert_int_equal(msi(0xfee0300c, 0x57) & ~3ull, 0);
	assert_int_equal(msi(0xfee00020, 0x58), 0); /* extended id 256: nobody */
	assert_int_equal(apic_bus_msi(p, 0, 0xfee03000, 0x251, &merged), STATUS_NOT_SUPPORTED);
	assert_int_equal(apic_bus_msi(p, 0, 0xfee03000, 0x351, &merged), STATUS_INVALID_ARGUMENT);
	assert_int_equal(apic_bus_msi(p, 0, 0xfee03000, 0x05, &merged), STATUS_INVALID_ARGUMENT);
	assert_int_equal(apic(3)->esr_next, LAPIC_ERROR_RECEIVE_VECTOR);
	assert_int_equal(apic_bus_msi(p, 0, 0xfed03000, 0x51, &merged), STATUS_INVALID_ADDRESS);
	assert_int_equal(apic_bus_msi(p, 0, 0x1fee03000, 0x51, &merged), STATUS_INVALID_ADDRESS);
	assert_int_equal(apic_bus_msi(p, 1, 0xfee03000, 0x51, &merged), STATUS_INVALID_VTL);
	assert_int_equal(apic_bus_msi(p, 7, 0xfee03000, 0x51, &merged), STATUS_INVALID_VTL);
	reached(0);
	assert_int_equal(apic_bus_msi(p, 0, 0xfee02000, 0x700, &merged), STATUS_OK);
	assert_int_equal(reached(VP_REQUEST_EXTINT), BIT(2));
	assert_true(lapic_extint_pending(apic(2)));
	assert_int_equal(apic_bus_msi(p, 0, 0xfee02000, 0x400, &merged), STATUS_OK);
	assert_int_equal(reached(VP_REQUEST_NMI), BIT(2));
	/* One whose APIC is off hears nothing. */
	assert_true(guest_lapic_base_write(p->vps[3], 0xfee00000));
	assert_int_equal(msi(0xfee03000, 0x5a), 0);
}

static void test_glue(void **state)
{
	struct arch_vp_vtl *arch;
	uint32_t vector, value;

	(void)state;
	make(1, APIC_MODE_X2APIC_SUPPORTED);
	arch = &p->vps[0]->vtl[0]->arch;
	/* The end of a level-triggered interrupt is told once. */
	lapic_accept(apic(0), 0x70, true);
	assert_int_equal(lapic_pending_vector(apic(0)), 0x70);
	lapic_acknowledge(apic(0), 0x70);
	assert_true(guest_lapic_write(p->vps[0], 0, LAPIC_EOI, 0));
	assert_true(guest_lapic_eoi_take(p->vps[0], 0, &vector));
	assert_int_equal(vector, 0x70);
	assert_false(guest_lapic_eoi_take(p->vps[0], 0, &vector));
	/* The timer: 2 GHz of host ticks, 1 GHz of bus. */
	assert_true(guest_lapic_write(p->vps[0], 0, LAPIC_DIVIDE, 0xb));
	assert_true(guest_lapic_write(p->vps[0], 0, LAPIC_TIMER, 0x31));
	assert_true(guest_lapic_write(p->vps[0], 0, LAPIC_INITIAL_COUNT, 1000));
	assert_int_equal(arch->lapic_timer.deadline, fake_timestamp + 2000);
	fake_timestamp += 2000;
	arch->lapic_timer.expired(&arch->lapic_timer);
	assert_int_equal(reached(VP_REQUEST_TIMER), 1);
	arch->work = 0;
	guest_lapic_timer_fire(p->vps[0]);
	assert_true(arch->work & WORK_INTERRUPT);
	assert_int_equal(lapic_pending_vector(apic(0)), 0x31);
	assert_int_equal(arch->lapic_timer.deadline, TIMER_NEVER);
	/* ExtINT by LINT0, NMI by LINT1 */
	assert_true(guest_lapic_write(p->vps[0], 0, 0x350, 0x700));
	assert_true(guest_lapic_write(p->vps[0], 0, 0x360, 0x400));
	guest_lapic_set_lint(p->vps[0], 0, 0, true);
	guest_lapic_set_lint(p->vps[0], 0, 1, true);
	assert_int_equal(stub_requests[0], VP_REQUEST_EXTINT | VP_REQUEST_NMI);
	assert_true(guest_lapic_write(p->vps[0], 0, 0x350, 0x10700));
	assert_false(arch->work & WORK_EXTINT);
	assert_true(guest_lapic_write(p->vps[0], 0, 0x350, 0x700));
	assert_true(arch->work & WORK_EXTINT);
	/* CR8 and TPR are one. */
	assert_true(guest_lapic_write(p->vps[0], 0, LAPIC_TPR, 0x53));
	assert_int_equal(arch->cr8, 5);
	arch->cr8 = 9;
	assert_true(guest_lapic_read(p->vps[0], 0, LAPIC_TPR, &value));
	assert_int_equal(value, 0x90);
	assert_true(guest_lapic_base_write(p->vps[0], 0xfee00000));
	assert_int_equal(arch->cr8, 0);
	assert_false(guest_lapic_read(p->vps[0], 0, LAPIC_TPR, &value));
}

/* What a processor can deliver by itself is not kicked for; what has to exit at its end is. */
static void test_posted(void **state)
{
	(void)state;
	make(4, APIC_MODE_X2APIC_SUPPORTED);
	backend_assists = ASSIST_POSTED;
	stub_notified = 0;
	assert_int_equal(msi(0xfee03000, 0x51), 0); /* no request but the notification */
	assert_int_equal(stub_notified, BIT(3));
	assert_true(lapic_page_get(apic(3), LAPIC_POSTED + 4 * (0x51 / 32)) & BIT(0x51 % 32));
	assert_int_equal(lapic_page_get(apic(3), LAPIC_IRR + 16 * (0x51 / 32)), 0);
	assert_int_equal(lapic_pending_vector(apic(3)), 0x51);
	assert_int_equal(lapic_page_get(apic(3), LAPIC_POSTED + 4 * (0x51 / 32)), 0);
	stub_notified = 0;
	assert_int_equal(msi(0xfee02000, 0xc052), BIT(2)); /* level */
	assert_int_equal(stub_notified, 0);
	assert_true(apic(2)->levels_changed);
	/* Nor does the processor find it, when another notifies. */
	assert_int_equal(lapic_page_get(apic(2), LAPIC_POSTED + 4 * (0x52 / 32)), 0);
	assert_true(lapic_is_pending(apic(2), 0x52));
	assert_int_equal(lapic_pending_vector(apic(2)), 0x52);
	assert_false(lapic_page_get(apic(2), LAPIC_POSTED_LEVELS + 4 * (0x52 / 32)));
	/* Of two that send the same, the one that finds TMR's bit may be the first to be heard. */
	apic(2)->levels_changed = false;
	assert_int_equal(msi(0xfee02000, 0xc052), BIT(2));
	assert_true(apic(2)->levels_changed);
	backend_assists = 0;
}

static void apic_base(uint32_t index, uint64_t value)
{
	assert_true(guest_lapic_base_write(p->vps[index], value));
}

/* The page at the APICs' address is there while all of them are. */
static void test_page(void **state)
{
	uint32_t i;

	(void)state;
	backend_assists = ASSIST_APIC_PAGE;
	make(3, APIC_MODE_X2APIC_ENABLED);
	assert_int_equal(guest_apic_page_create(p), STATUS_OK);
	assert_int_equal(stub_own_pages, 0); /* nobody uses it there */
	stub_partition_free(p);
	make(3, APIC_MODE_X2APIC_SUPPORTED);
	stub_no_memory = true;
	assert_int_equal(guest_apic_page_create(p), STATUS_NO_MEMORY);
	stub_no_memory = false;
	assert_int_equal(guest_apic_page_create(p), STATUS_OK);
	assert_int_equal(stub_own_pages, 1);
	apic_base(1, 0xfee00800); /* as it was */
	assert_int_equal(reached(VP_REQUEST_APIC_PAGE), 0);
	apic_base(1, 0xfee00c00);
	assert_int_equal(reached(VP_REQUEST_APIC_PAGE), BIT(1));
	apic_base(2, 0xfee01800); /* also before the first is through */
	assert_int_equal(reached(VP_REQUEST_APIC_PAGE), BIT(2));
	guest_apic_page_remove(p);
	assert_int_equal(stub_own_pages, 0);
	apic_base(2, 0xfee00800);
	apic_base(2, 0xfee01800);
	assert_int_equal(reached(VP_REQUEST_APIC_PAGE), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(stub_own_pages, 0);
		guest_lapic_reset(p->vps[i], 0);
	}
	assert_int_equal(stub_own_pages, 1);
	guest_apic_page_destroy(p);
	stub_own_pages = 0;
	backend_assists = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_xapic, teardown),
		cmocka_unit_test_teardown(test_lowest, teardown),
		cmocka_unit_test_teardown(test_x2apic, teardown),
		cmocka_unit_test_teardown(test_msi, teardown),
		cmocka_unit_test_teardown(test_glue, teardown),
		cmocka_unit_test_teardown(test_posted, teardown),
		cmocka_unit_test_teardown(test_page, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
