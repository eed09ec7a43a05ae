/* SPDX-License-Identifier: MIT */
/* The local APIC model against the SDM: acceptance, priorities, registers, modes, timer, state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <arch/guest_tsc.h>
#include <lapic.h>

static struct lapic lapic;
static _Atomic uint32_t page[1024];
static struct lapic_effects effects;
static uint64_t now;

static uint32_t rd(uint32_t offset)
{
	uint32_t value = 0xdeadbeef;

	assert_true(lapic_read(&lapic, offset, now, &value));
	return value;
}

static uint32_t wr(uint32_t offset, uint32_t value)
{
	assert_true(lapic_write(&lapic, offset, value, now, &effects));
	return effects.bits;
}

static bool msr_wr(uint32_t offset, uint64_t value)
{
	return lapic_msr_write(&lapic, X2APIC_MSR_BASE + offset / 16, value, now, &effects);
}

static bool msr_rd(uint32_t offset, uint64_t *value)
{
	return lapic_msr_read(&lapic, X2APIC_MSR_BASE + offset / 16, now, value);
}

/* The processor looks, finds this vector, and takes it. */
static void take(uint8_t vector)
{
	assert_int_equal(lapic_pending_vector(&lapic), vector);
	lapic_acknowledge(&lapic, vector);
}

static void make(uint32_t id, bool x2apic, uint64_t hz)
{
	struct lapic_config config = {.page = page,
				      .id = id,
				      .boot_processor = id == 0,
				      .x2apic_allowed = true,
				      .x2apic_at_reset = x2apic,
				      .physical_bits = 40,
				      .host_hz = hz};

	lapic_create(&lapic, &config);
	now = 1000000;
}

static int setup(void **state)
{
	(void)state;
	make(3, false, 1000000000);
	wr(LAPIC_SVR, 0x1ff);
	return 0;
}

static void test_reset_state(void **state)
{
	unsigned int i;

	(void)state;
	make(3, false, 1000000000);
	assert_int_equal(rd(LAPIC_ID), 3u << 24);
	assert_int_equal(rd(LAPIC_VERSION), 0x50014);
	assert_int_equal(rd(LAPIC_SVR), 0xff);
	assert_int_equal(rd(LAPIC_DFR), 0xffffffff);
	assert_int_equal(rd(LAPIC_LDR), 0);
	for (i = 0; i < LAPIC_LVT_COUNT; i++)
		assert_int_equal(rd(LAPIC_TIMER + 16 * i), LVT_MASKED);
	assert_int_equal(lapic_base_get(&lapic), 0xfee00800);
	assert_false(lapic_accept(&lapic, 0x40, false)); /* disabled by software */
	make(0, false, 1);
	assert_int_equal(lapic_base_get(&lapic), 0xfee00900);
}

static void test_priorities(void **state)
{
	(void)state;
	assert_int_equal(lapic_pending_vector(&lapic), -1);
	assert_true(lapic_accept(&lapic, 0x41, false));
	assert_false(lapic_accept(&lapic, 0x41, false));
	assert_true(lapic_accept(&lapic, 0x93, false));
	assert_int_equal(lapic_pending_vector(&lapic), 0x93);
	take(0x93);
	assert_int_equal(rd(LAPIC_PPR), 0x90);
	assert_int_equal(rd(LAPIC_ISR + 0x40), 1u << 19);
	assert_int_equal(lapic_pending_vector(&lapic), -1); /* 0x41 is lower */
	lapic_accept(&lapic, 0x9f, false);
	assert_int_equal(lapic_pending_vector(&lapic), -1); /* same class */
	lapic_accept(&lapic, 0xa0, false);
	assert_int_equal(lapic_pending_vector(&lapic), 0xa0);
	take(0xa0);
	assert_true(wr(LAPIC_EOI, 0) & LAPIC_EFFECT_INTERRUPT);
	assert_int_equal(rd(LAPIC_PPR), 0x90);
	wr(LAPIC_EOI, 0);
	assert_int_equal(lapic_pending_vector(&lapic), 0x9f);
	wr(LAPIC_TPR, 0x95);
	assert_int_equal(rd(LAPIC_PPR), 0x95);
	assert_int_equal(lapic_pending_vector(&lapic), -1);
	assert_true(wr(LAPIC_TPR, 0x30) & LAPIC_EFFECT_INTERRUPT);
	take(0x9f);
	assert_int_equal(wr(LAPIC_EOI, 0), LAPIC_EFFECT_INTERRUPT);
	lapic_acknowledge(&lapic, (uint8_t)lapic_pending_vector(&lapic));
	assert_int_equal(wr(LAPIC_EOI, 0), 0);
	assert_false(lapic_has_request(&lapic));
}

/* What a guest writes to the page itself is shown only as far as the register takes it. */
static void test_written_page(void **state)
{
	static const struct {
		uint32_t offset, value, shown;
	} cases[] = {
		{LAPIC_ID, 0x09000000, 0x03000000},
		{LAPIC_VERSION, 1, 0x50014},
		{LAPIC_LDR, 0x01ffffff, 0x01000000},
		{LAPIC_DFR, 0, 0x0fffffff},
		{LAPIC_SVR, 0xffffffff, 0x1ff},
		{LAPIC_ESR, 0xffffffff, 0},
		{LAPIC_ICR_HIGH, 0x12345678, 0x12000000},
		{LAPIC_TIMER, 0xffffffff, 0x700ff},
		{LAPIC_DIVIDE, 0xffffffff, DIVIDE_WRITABLE},
		{LAPIC_EOI, 0xffffffff, 0},
		{LAPIC_ICR, 0xfff3f0ff, 0x0000c0ff},
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		lapic_page_put(&lapic, cases[i].offset, cases[i].value);
		wr(cases[i].offset, cases[i].value);
		assert_int_equal(lapic_page_get(&lapic, cases[i].offset), cases[i].shown);
	}
	/* A byte within the id: no write of a register. */
	lapic_page_put(&lapic, LAPIC_ID, 0x55000000);
	wr(LAPIC_ID + 3, 0x55);
	assert_int_equal(lapic_page_get(&lapic, LAPIC_ID), 0x03000000);
	lapic_page_put(&lapic, LAPIC_TPR, 0x5520);
	wr(LAPIC_TPR + 1, 0x55);
	assert_int_equal(lapic_page_get(&lapic, LAPIC_TPR), 0x20);
	lapic_page_put(&lapic, LAPIC_EOI, 0x5500);
	wr(LAPIC_EOI + 1, 0x55);
	assert_int_equal(lapic_page_get(&lapic, LAPIC_EOI), 0);
}

static void test_level_eoi(void **state)
{
	(void)state;
	lapic_accept(&lapic, 0x50, true);
	assert_int_equal(rd(LAPIC_TMR + 0x20), 1u << 16);
	take(0x50);
	assert_true(wr(LAPIC_EOI, 0) & LAPIC_EFFECT_EOI);
	assert_int_equal(effects.eoi_vector, 0x50);
	lapic_accept(&lapic, 0x50, false); /* edge now */
	assert_int_equal(rd(LAPIC_TMR + 0x20), 0);
	take(0x50);
	assert_int_equal(wr(LAPIC_EOI, 0), 0);
	assert_int_equal(wr(LAPIC_EOI, 0), 0); /* nothing in service */
	lapic.eoi_suppression = true;
	wr(LAPIC_SVR, 0x11ff);
	assert_int_equal(rd(LAPIC_SVR), 0x11ff);
	lapic_accept(&lapic, 0x50, true);
	take(0x50);
	assert_int_equal(wr(LAPIC_EOI, 0), 0);
}

static void test_lint(void **state)
{
	(void)state;
	wr(LAPIC_TIMER + 0x30, 0x8000 | 0x61); /* LINT0: fixed, level */
	assert_int_equal(lapic_set_lint(&lapic, 0, true), LAPIC_EFFECT_INTERRUPT);
	assert_true(rd(LAPIC_TIMER + 0x30) & LVT_REMOTE_IRR);
	take(0x61);
	wr(LAPIC_EOI, 0); /* still high: again */
	assert_int_equal(lapic_pending_vector(&lapic), 0x61);
	take(0x61);
	lapic_set_lint(&lapic, 0, false);
	wr(LAPIC_EOI, 0);
	assert_int_equal(lapic_pending_vector(&lapic), -1);
	assert_false(rd(LAPIC_TIMER + 0x30) & LVT_REMOTE_IRR);

	wr(LAPIC_TIMER + 0x30, 0x700);
	assert_int_equal(lapic_set_lint(&lapic, 0, true), LAPIC_EFFECT_EXTINT);
	assert_true(lapic_extint_pending(&lapic));
	assert_true(wr(LAPIC_TIMER + 0x30, 0x10700) & LAPIC_EFFECT_EXTINT);
	assert_false(lapic_extint_pending(&lapic));
	lapic_set_lint(&lapic, 0, false);
	lapic_extint_accept(&lapic);
	assert_true(lapic_extint_pending(&lapic));
	lapic_extint_taken(&lapic);
	assert_false(lapic_extint_pending(&lapic));

	wr(LAPIC_TIMER + 0x40, 0x400); /* LINT1: NMI, on the edge */
	assert_int_equal(lapic_set_lint(&lapic, 1, true), LAPIC_EFFECT_NMI);
	assert_int_equal(lapic_set_lint(&lapic, 1, true), 0);
	lapic_set_lint(&lapic, 1, false);
	wr(LAPIC_SVR, 0xff); /* software disabled: masked, and it cannot be unmasked */
	assert_true(rd(LAPIC_TIMER + 0x40) & LVT_MASKED);
	wr(LAPIC_TIMER + 0x40, 0x400);
	assert_int_equal(lapic_set_lint(&lapic, 1, true), 0);
}

static void test_pulses(void **state)
{
	(void)state;
	wr(LAPIC_TIMER + 0x30,
	   0x8000 | 0x61); /* LINT0: fixed, level: the input is low again at its end */
	assert_int_equal(lapic_pulse_lint(&lapic, 0), LAPIC_EFFECT_INTERRUPT);
	assert_true(rd(LAPIC_TIMER + 0x30) & LVT_REMOTE_IRR);
	take(0x61);
	wr(LAPIC_EOI, 0);
	assert_int_equal(lapic_pending_vector(&lapic), -1);
	wr(LAPIC_TIMER + 0x30, 0x62); /* fixed, edge */
	assert_int_equal(lapic_pulse_lint(&lapic, 0), LAPIC_EFFECT_INTERRUPT);
	take(0x62);
	wr(LAPIC_EOI, 0);
	assert_int_equal(lapic_pulse_lint(&lapic, 0), LAPIC_EFFECT_INTERRUPT);
	take(0x62);
	wr(LAPIC_EOI, 0);

	wr(LAPIC_TIMER + 0x30, 0x700); /* ExtINT: it stays until it is taken, without a level */
	assert_int_equal(lapic_pulse_lint(&lapic, 0), LAPIC_EFFECT_EXTINT);
	assert_true(lapic_extint_pending(&lapic));
	lapic_extint_taken(&lapic);
	assert_false(lapic_extint_pending(&lapic));
	wr(LAPIC_TIMER + 0x40, 0x400); /* LINT1: NMI */
	assert_int_equal(lapic_pulse_lint(&lapic, 1), LAPIC_EFFECT_NMI);
	assert_int_equal(lapic_pulse_lint(&lapic, 1), LAPIC_EFFECT_NMI);
	lapic_set_lint(&lapic, 1, true);
	assert_int_equal(lapic_pulse_lint(&lapic, 1), 0); /* it is high, and stays so */
	assert_int_equal(lapic_set_lint(&lapic, 1, true), 0);
	wr(LAPIC_TIMER + 0x30, 0x10700); /* masked */
	assert_int_equal(lapic_pulse_lint(&lapic, 0), 0);
	assert_false(lapic_extint_pending(&lapic));
}

static void test_errors(void **state)
{
	uint32_t value;

	(void)state;
	wr(LAPIC_ERROR, 0xe0);
	assert_false(lapic_accept(&lapic, 5, false));
	assert_int_equal(rd(LAPIC_ESR), 0); /* not latched yet */
	assert_int_equal(lapic_pending_vector(&lapic), 0xe0);
	wr(LAPIC_ESR, 0);
	assert_int_equal(rd(LAPIC_ESR), LAPIC_ERROR_RECEIVE_VECTOR);
	wr(LAPIC_ESR, 0);
	assert_int_equal(rd(LAPIC_ESR), 0);
	assert_true(lapic_read(&lapic, 0x40, now, &value));
	assert_int_equal(value, 0);
	wr(0xff0, 1); /* beyond the registers */
	wr(LAPIC_ICR, 0x4000 | 3);
	assert_false(effects.bits & LAPIC_EFFECT_IPI);
	wr(LAPIC_ESR, 0);
	assert_int_equal(rd(LAPIC_ESR), LAPIC_ERROR_REGISTER | LAPIC_ERROR_SEND_VECTOR);
	wr(LAPIC_ERROR, 0x05); /* an entry with a bad vector does not come back to itself */
	lapic_accept(&lapic, 1, false);
	/* parts of a register */
	wr(LAPIC_TPR, 0x20);
	assert_true(lapic_read(&lapic, LAPIC_SVR + 1, now, &value));
	assert_int_equal(value, 1);
	assert_true(lapic_read(&lapic, LAPIC_TPR + 8, now, &value));
	assert_int_equal(value, 0);
	wr(LAPIC_TPR + 4, 0x70);
	assert_int_equal(rd(LAPIC_TPR), 0x20);
}

static void test_icr(void **state)
{
	struct apic_message *m = &effects.message;

	(void)state;
	wr(LAPIC_ICR_HIGH, 5u << 24);
	assert_true(wr(LAPIC_ICR, 0x4000 | 0x77) & LAPIC_EFFECT_IPI);
	assert_int_equal(m->destination, 5);
	assert_int_equal(m->vector, 0x77);
	assert_int_equal(m->delivery, APIC_FIXED);
	assert_false(m->logical || m->level || m->wide);
	assert_int_equal(rd(LAPIC_ICR), 0x4077); /* delivery status 0 */
	wr(LAPIC_ICR_HIGH, 0xffu << 24);
	wr(LAPIC_ICR, 0xc4500 | 0x8000 | BIT(11)); /* INIT, all but self, level, asserted */
	assert_int_equal(m->destination, APIC_BROADCAST);
	assert_int_equal(m->shorthand, APIC_TO_OTHERS);
	assert_int_equal(m->delivery, APIC_INIT);
	assert_true(m->level && m->asserted && m->logical);
	assert_int_equal(wr(LAPIC_ICR, 0x44066), LAPIC_EFFECT_INTERRUPT); /* self */
	assert_int_equal(lapic_pending_vector(&lapic), 0x66);
}

static bool hits(uint32_t destination, bool logical, bool wide)
{
	struct apic_message m = {.destination = destination, .logical = logical, .wide = wide};

	return lapic_matches(&lapic, &m);
}

static void test_matching(void **state)
{
	(void)state;
	assert_true(hits(3, false, false) && hits(APIC_BROADCAST, false, false));
	assert_false(hits(4, false, false));
	wr(LAPIC_LDR, 0x08ffffff);
	assert_int_equal(rd(LAPIC_LDR), 0x08000000);
	assert_true(hits(0x0c, true, false) && hits(APIC_BROADCAST, true, false));
	assert_false(hits(0x07, true, false) || hits(0, true, false));
	wr(LAPIC_DFR, 0x0fffffff); /* cluster */
	wr(LAPIC_LDR, 0x24000000);
	assert_true(hits(0x2c, true, false));
	assert_false(hits(0x3c, true, false) || hits(0x23, true, false) || hits(0x20, true, false));
	make(0x123, true, 1000000000);
	assert_true(hits(0x123, false, true) && hits(0x00120008, true, true));
	assert_false(hits(0x23, false, true) || hits(0x00130008, true, true));
	assert_true(hits(APIC_BROADCAST, true, true));
}

static void test_base(void **state)
{
	const uint64_t base = 0xfee00000;
	uint64_t value;

	(void)state;
	assert_false(lapic_base_set(&lapic, base | 0x400, &effects)); /* EXTD alone */
	assert_false(lapic_base_set(&lapic, base | 0x801, &effects));
	assert_false(lapic_base_set(&lapic, base | 0x800 | BIT(40), &effects));
	assert_true(lapic_base_set(&lapic, 0xfed40000 | 0x800, &effects)); /* elsewhere */
	assert_true(lapic_base_set(&lapic, base | 0xc00, &effects));
	assert_true(msr_rd(LAPIC_SVR, &value));
	assert_int_equal(value, 0x1ff); /* kept */
	assert_true(msr_rd(LAPIC_LDR, &value));
	assert_int_equal(value, 8);
	assert_false(lapic_read(&lapic, LAPIC_ID, now, (uint32_t[1]){0}));
	assert_false(lapic_base_set(&lapic, base | 0x800, &effects)); /* back: only through off */
	assert_true(lapic_base_set(&lapic, base, &effects));
	assert_false(msr_rd(LAPIC_SVR, &value));
	assert_false(lapic_base_set(&lapic, base | 0xc00, &effects));
	assert_int_equal(lapic_set_lint(&lapic, 0, true), LAPIC_EFFECT_EXTINT);
	assert_true(lapic_extint_pending(&lapic)); /* INTR directly */
	assert_true(lapic_base_set(&lapic, base | 0x800, &effects));
	assert_int_equal(rd(LAPIC_SVR), 0xff); /* as after power-on */
	lapic.x2apic_allowed = false;
	assert_false(lapic_base_set(&lapic, base | 0xc00, &effects));
}

static void test_x2apic(void **state)
{
	static const uint32_t no_read[] = {LAPIC_EOI, LAPIC_SELF_IPI, LAPIC_DFR,  LAPIC_APR,
					   LAPIC_RRD, LAPIC_ICR_HIGH, LAPIC_CMCI, 0x0,
					   0x400,     0xff0};
	static const uint32_t no_write[] = {
		LAPIC_ID,  LAPIC_VERSION, LAPIC_PPR,	       LAPIC_LDR,
		LAPIC_ISR, LAPIC_IRR,	  LAPIC_CURRENT_COUNT, LAPIC_ICR_HIGH};
	uint64_t value;
	size_t i;

	(void)state;
	make(0x123, true, 1000000000);
	assert_true(msr_rd(LAPIC_ID, &value));
	assert_int_equal(value, 0x123);
	for (i = 0; i < ARRAY_SIZE(no_read); i++)
		assert_false(msr_rd(no_read[i], &value));
	for (i = 0; i < ARRAY_SIZE(no_write); i++)
		assert_false(msr_wr(no_write[i], 0));
	assert_true(msr_wr(LAPIC_SVR, 0x1ff));
	assert_false(msr_wr(LAPIC_SVR, 0x11ff)); /* no suppression here */
	assert_false(msr_wr(LAPIC_TPR, 0x100));
	assert_false(msr_wr(LAPIC_EOI, 1));
	assert_true(msr_wr(LAPIC_EOI, 0));
	assert_false(msr_wr(LAPIC_ESR, 1));
	assert_false(msr_wr(LAPIC_TIMER, BIT(19)));
	assert_false(msr_wr(LAPIC_INITIAL_COUNT, BIT(32)));
	assert_false(msr_wr(LAPIC_SELF_IPI, 0x140));
	assert_true(msr_wr(LAPIC_SELF_IPI, 0x40));
	assert_int_equal(lapic_pending_vector(&lapic), 0x40);
	assert_false(msr_wr(LAPIC_ICR, BIT(13)));
	assert_true(msr_wr(LAPIC_ICR, 0x7abcd00004055ull));
	assert_int_equal(effects.message.destination, 0x7abcd);
	assert_false(effects.bits & ~LAPIC_EFFECT_IPI);
}

static void test_x2apic_icr_value(void **state)
{
	uint64_t value;

	(void)state;
	make(1, true, 1000000000);
	assert_true(msr_wr(LAPIC_SVR, 0x1ff));
	assert_true(msr_wr(LAPIC_ICR, 0x1234567800004042ull));
	assert_int_equal(effects.message.destination, 0x12345678);
	assert_true(effects.message.wide);
	assert_true(msr_rd(LAPIC_ICR, &value));
	assert_int_equal(value, 0x1234567800004042ull);
}

static void test_timer_one_shot(void **state)
{
	(void)state;
	wr(LAPIC_DIVIDE, 0xb); /* by 1 */
	wr(LAPIC_TIMER, 0x30);
	assert_true(wr(LAPIC_INITIAL_COUNT, 1000) & LAPIC_EFFECT_TIMER);
	assert_int_equal(lapic_timer_deadline(&lapic, now), now + 1000);
	now += 400;
	assert_int_equal(rd(LAPIC_CURRENT_COUNT), 600);
	wr(LAPIC_DIVIDE, 0x0); /* by 2: the other 600 take 1200 ns */
	assert_int_equal(lapic_timer_deadline(&lapic, now), now + 1200);
	now += 1199;
	assert_false(lapic_timer_expired(&lapic, now));
	now++;
	assert_true(lapic_timer_expired(&lapic, now));
	assert_int_equal(lapic_pending_vector(&lapic), 0x30);
	assert_int_equal(rd(LAPIC_CURRENT_COUNT), 0);
	assert_int_equal(lapic_timer_deadline(&lapic, now), LAPIC_TIMER_NEVER);
	wr(LAPIC_INITIAL_COUNT, 50);
	wr(LAPIC_INITIAL_COUNT, 0); /* stops it */
	assert_int_equal(lapic_timer_deadline(&lapic, now), LAPIC_TIMER_NEVER);
}

static void test_timer_periodic(void **state)
{
	unsigned int i;
	uint64_t start;

	(void)state;
	make(0, false, 2400000000u); /* 2.4 ticks a ns */
	wr(LAPIC_SVR, 0x1ff);
	wr(LAPIC_DIVIDE, 0x3); /* by 16 */
	wr(LAPIC_TIMER, LVT_PERIODIC | 0x31);
	wr(LAPIC_INITIAL_COUNT, 62501);
	start = now;
	for (i = 1; i <= 1000; i++) {
		now = lapic_timer_deadline(&lapic, now);
		/* No drift: each one at its own multiple, rounded up. */
		assert_int_equal(now, start + (62501ull * 16 * 24 * i + 9) / 10);
		assert_false(lapic_timer_expired(&lapic, now - 1));
		assert_true(lapic_timer_expired(&lapic, now));
		take(0x31);
		wr(LAPIC_EOI, 0);
	}
	/* Masked, nothing is delivered, not even later. */
	wr(LAPIC_TIMER, LVT_PERIODIC | LVT_MASKED | 0x31);
	assert_int_equal(lapic_timer_deadline(&lapic, now), LAPIC_TIMER_NEVER);
	now += 62501ull * 16 * 24 / 10 * 3;
	wr(LAPIC_TIMER, LVT_PERIODIC | 0x31);
	assert_int_equal(lapic_pending_vector(&lapic), -1);
	/* A period of 1 ns does not come every nanosecond. */
	wr(LAPIC_DIVIDE, 0xb);
	wr(LAPIC_INITIAL_COUNT, 1);
	now += 100;
	assert_true(lapic_timer_expired(&lapic, now));
	assert_int_equal(lapic_timer_deadline(&lapic, now), now + LAPIC_PERIOD_MIN_NS * 24 / 10);
}

static void test_timer_deadline(void **state)
{
	(void)state;
	lapic.tsc_offset = (uint64_t)-900000;	     /* guest TSC is 100000 now */
	lapic_tsc_deadline_set(&lapic, 100500, now); /* another mode: ignored */
	assert_int_equal(lapic_tsc_deadline_get(&lapic, now), 0);
	wr(LAPIC_TIMER, LVT_DEADLINE | 0x32);
	lapic_tsc_deadline_set(&lapic, 100500, now);
	assert_int_equal(lapic_tsc_deadline_get(&lapic, now), 100500);
	assert_int_equal(lapic_timer_deadline(&lapic, now), now + 500);
	wr(LAPIC_INITIAL_COUNT, 10);
	assert_int_equal(rd(LAPIC_CURRENT_COUNT), 0);
	now += 500;
	assert_true(lapic_timer_expired(&lapic, now));
	assert_int_equal(lapic_tsc_deadline_get(&lapic, now), 0);
	assert_int_equal(lapic_timer_deadline(&lapic, now), LAPIC_TIMER_NEVER);
	lapic_tsc_deadline_set(&lapic, 5, now); /* past */
	assert_int_equal(lapic_timer_deadline(&lapic, now), now);
	lapic_tsc_deadline_set(&lapic, UINT64_MAX, now);
	assert_true(lapic_timer_deadline(&lapic, now) < LAPIC_TIMER_NEVER);
	lapic_tsc_deadline_set(&lapic, 0, now); /* disarms */
	assert_int_equal(lapic_timer_deadline(&lapic, now), LAPIC_TIMER_NEVER);
	lapic_tsc_deadline_set(&lapic, 200000, now);
	wr(LAPIC_TIMER, 0x32); /* a change of mode disarms */
	wr(LAPIC_TIMER, LVT_DEADLINE | 0x32);
	assert_int_equal(lapic_tsc_deadline_get(&lapic, now), 0);
}

/* A guest whose TSC runs at three halves of the host's rate, or at two thirds. */
static void test_timer_deadline_at_another_rate(void **state)
{
	static const uint64_t ratios[] = {3ull << 47, (2ull << 48) / 3};
	uint64_t guest, deadline, end, i;

	(void)state;
	wr(LAPIC_TIMER, LVT_DEADLINE | 0x32);
	for (i = 0; i < 2; i++) {
		lapic.tsc_ratio = ratios[i];
		lapic.tsc_offset = 77;
		guest = tsc_scaled(ratios[i], now) + 77;
		deadline = guest + 1001;
		lapic_tsc_deadline_set(&lapic, deadline, now);
		end = lapic_timer_deadline(&lapic, now);
		assert_in_range(end - now, i ? 1501 : 667, i ? 1503 : 669);
		/* Not before it, and no more than a tick later. */
		assert_true(tsc_scaled(ratios[i], end) + 77 >= deadline);
		assert_true(tsc_scaled(ratios[i], end - 2) + 77 < deadline);
		assert_int_equal(lapic_tsc_deadline_get(&lapic, end - 2), deadline);
		assert_int_equal(lapic_tsc_deadline_get(&lapic, end), 0);
		now = end;
	}
	lapic_tsc_deadline_set(&lapic, UINT64_MAX, now);
	assert_true(lapic_timer_deadline(&lapic, now) < LAPIC_TIMER_NEVER);
	/* Time that did not pass for the guest: its TSC is not before, and hardly behind, where it was. */
	guest = tsc_scaled(lapic.tsc_ratio, now) + lapic.tsc_offset;
	lapic_time_skip(&lapic, 100001);
	end = tsc_scaled(lapic.tsc_ratio, now + 100001) + lapic.tsc_offset;
	assert_in_range(end, guest, guest + 1);
}

static void test_init(void **state)
{
	(void)state;
	lapic_base_set(&lapic, 0xfee00c00, &effects);
	assert_true(msr_wr(LAPIC_TPR, 0x40));
	lapic_accept(&lapic, 0x80, false);
	lapic_init_reset(&lapic);
	assert_true(lapic_is_x2apic(&lapic));
	assert_int_equal(lapic.ldr, 8);
	assert_int_equal(lapic_tpr_get(&lapic), 0);
	assert_int_equal(lapic_pending_vector(&lapic), -1);
	lapic_reset(&lapic);
	assert_false(lapic_is_x2apic(&lapic));
}

static void test_save_load(void **state)
{
	struct vp_state_apic saved = {0}, again = {0}, bad;

	(void)state;
	wr(LAPIC_LDR, 0x02000000);
	wr(LAPIC_TPR, 0x21);
	wr(LAPIC_DIVIDE, 0xb);
	wr(LAPIC_TIMER, LVT_PERIODIC | 0x44);
	wr(LAPIC_INITIAL_COUNT, 100000);
	lapic_accept(&lapic, 0x90, true);
	take(0x90);
	lapic_accept(&lapic, 0x35, false);
	now += 30000;
	lapic_state_get(&lapic, now, &saved);
	make(3, false, 1000000000);
	now = 77;
	assert_true(lapic_state_valid(&lapic, &saved));
	lapic_state_set(&lapic, now, &saved, &effects);
	lapic_state_get(&lapic, now, &again);
	assert_memory_equal(&saved, &again, sizeof(saved));
	assert_int_equal(lapic_timer_deadline(&lapic, now), now + 70000);
	wr(LAPIC_EOI, 0);
	assert_true(effects.bits & LAPIC_EFFECT_EOI);
	assert_int_equal(lapic_pending_vector(&lapic), 0x35);
	bad = saved;
	bad.page[LAPIC_ID + 3] = 9; /* another APIC's */
	assert_false(lapic_state_valid(&lapic, &bad));
	bad = saved;
	bad.page[LAPIC_IRR] = 1; /* vector 0 */
	assert_false(lapic_state_valid(&lapic, &bad));
	bad = saved;
	bad.page[LAPIC_CURRENT_COUNT + 3] = 1; /* over the initial count */
	assert_false(lapic_state_valid(&lapic, &bad));
}

/* ---- what ends without an EOI ---- */

static _Atomic uint32_t word;

static int setup_assist(void **state)
{
	setup(state);
	word = 0xfffffff1;
	lapic_assist_set(&lapic, &word);
	assert_int_equal(word, 0xfffffff0);
	return 0;
}

/* As the TLFS wants a guest to end an interrupt. True: it needs no EOI. */
static bool ends(void)
{
	return atomic_fetch_and(&word, ~1u) & 1;
}

static void test_assist(void **state)
{
	(void)state;
	assert_true(lapic_accept(&lapic, 0x51, false));
	take(0x51);
	assert_int_equal(word & 1, 1);
	assert_int_equal(rd(LAPIC_PPR), 0x50);
	assert_true(ends());
	lapic_priority_sync(&lapic);
	assert_int_equal(rd(LAPIC_PPR), 0);
	assert_int_equal(rd(LAPIC_ISR + 0x20), 0);
	/* another one, as soon as the first has ended */
	assert_true(lapic_accept(&lapic, 0x51, false));
	take(0x51);
	assert_true(lapic_accept(&lapic, 0x42, false));
	lapic_priority_sync(&lapic);
	assert_int_equal(lapic_pending_vector(&lapic), -1);
	assert_true(ends());
	lapic_priority_sync(&lapic);
	take(0x42);
	assert_true(ends());
	lapic_priority_sync(&lapic);
	assert_int_equal(lapic_highest_service(&lapic), -1);
}

/* Something waits behind it, or comes to do so. */
static void test_assist_with_others(void **state)
{
	(void)state;
	lapic_accept(&lapic, 0x51, false);
	lapic_accept(&lapic, 0x42, false);
	take(0x51);
	assert_false(ends());
	assert_int_equal(wr(LAPIC_EOI, 0), LAPIC_EFFECT_INTERRUPT);
	take(0x42);
	lapic_accept(&lapic, 0x33, false);
	assert_int_equal(word & 1, 1);
	lapic_assist_end(&lapic);
	assert_false(ends());
	assert_int_equal(lapic_highest_service(&lapic), 0x42);
	wr(LAPIC_EOI, 0);
	take(0x33);
	/* it was ended before somebody looked */
	assert_true(ends());
	lapic_assist_end(&lapic);
	assert_int_equal(lapic_highest_service(&lapic), -1);
	lapic_assist_end(&lapic);
}

/* Only the highest is spared its EOI; one by other means ends it too. */
static void test_assist_nested(void **state)
{
	(void)state;
	lapic_accept(&lapic, 0x42, false);
	take(0x42);
	lapic_accept(&lapic, 0x61, false);
	lapic_priority_sync(&lapic);
	take(0x61);
	assert_true(ends());
	assert_false(ends());
	lapic_priority_sync(&lapic);
	assert_int_equal(lapic_highest_service(&lapic), 0x42);
	wr(LAPIC_EOI, 0);
	assert_int_equal(lapic_highest_service(&lapic), -1);
	lapic_accept(&lapic, 0x42, false);
	take(0x42);
	assert_int_equal(word & 1, 1);
	wr(LAPIC_EOI, 0);
	assert_false(ends());
	assert_int_equal(lapic_highest_service(&lapic), -1);
	/* level-triggered: devices hear of its end */
	lapic_accept(&lapic, 0x42, true);
	take(0x42);
	assert_false(ends());
	assert_int_equal(wr(LAPIC_EOI, 0), LAPIC_EFFECT_EOI);
	/* one that has not ended is below one that has an EOI */
	lapic_accept(&lapic, 0x42, false);
	take(0x42);
	lapic_accept(&lapic, 0x71, true);
	lapic_priority_sync(&lapic);
	take(0x71);
	assert_false(ends());
	wr(LAPIC_EOI, 0);
	assert_false(ends());
	wr(LAPIC_EOI, 0);
	assert_int_equal(lapic_highest_service(&lapic), -1);
}

/* TPR changes, INIT, a processor that delivers, the word taken away. */
static void test_assist_and_others(void **state)
{
	(void)state;
	lapic_accept(&lapic, 0x51, false);
	take(0x51);
	assert_true(ends());
	wr(LAPIC_TPR, 0x20);
	lapic_priority_sync(&lapic);
	assert_int_equal(rd(LAPIC_PPR), 0x20);
	lapic_accept(&lapic, 0x51, false);
	take(0x51);
	lapic_assist_set(&lapic, NULL);
	assert_false(ends());
	assert_int_equal(lapic_highest_service(&lapic), 0x51);
	lapic_assist_set(&lapic, &word);
	lapic_accept(&lapic, 0x61, false);
	take(0x61);
	lapic_init_reset(&lapic);
	assert_int_equal(word & 1, 0);
	assert_int_equal(lapic_highest_service(&lapic), -1);
	lapic_priority_sync(&lapic);
	wr(LAPIC_SVR, 0x1ff);
	lapic_processor_delivers(&lapic, true);
	lapic_accept(&lapic, 0x61, false);
	take(0x61);
	assert_int_equal(word & 1, 0);
	/* a guest that writes what it likes */
	lapic_processor_delivers(&lapic, false);
	wr(LAPIC_EOI, 0);
	word = UINT32_MAX;
	lapic_priority_sync(&lapic);
	assert_int_equal(lapic_highest_service(&lapic), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_reset_state, setup),
		cmocka_unit_test_setup(test_priorities, setup),
		cmocka_unit_test_setup(test_written_page, setup),
		cmocka_unit_test_setup(test_level_eoi, setup),
		cmocka_unit_test_setup(test_lint, setup),
		cmocka_unit_test_setup(test_pulses, setup),
		cmocka_unit_test_setup(test_errors, setup),
		cmocka_unit_test_setup(test_icr, setup),
		cmocka_unit_test_setup(test_matching, setup),
		cmocka_unit_test_setup(test_base, setup),
		cmocka_unit_test_setup(test_x2apic, setup),
		cmocka_unit_test_setup(test_x2apic_icr_value, setup),
		cmocka_unit_test_setup(test_timer_one_shot, setup),
		cmocka_unit_test_setup(test_timer_periodic, setup),
		cmocka_unit_test_setup(test_timer_deadline, setup),
		cmocka_unit_test_setup(test_timer_deadline_at_another_rate, setup),
		cmocka_unit_test_setup(test_init, setup),
		cmocka_unit_test_setup(test_save_load, setup),
		cmocka_unit_test_setup(test_assist, setup_assist),
		cmocka_unit_test_setup(test_assist_with_others, setup_assist),
		cmocka_unit_test_setup(test_assist_nested, setup_assist),
		cmocka_unit_test_setup(test_assist_and_others, setup_assist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
