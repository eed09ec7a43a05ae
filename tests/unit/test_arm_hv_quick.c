/* SPDX-License-Identifier: MIT */
/* Hypercalls of AArch64 guests that go around the dispatcher, and those that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "guest.h"
#include <kernel/cpu.h>
#include <kernel/hv_registers.h>
#include <kernel/hypercall.h>
#include <kernel/port.h>
#include <kernel/sched.h>
#include <trivet/hv/features.h>

#define SPIN	   (HV_CALL_NOTIFY_LONG_SPIN_WAIT | HV_CALL_FAST)
#define SIGNAL	   (HV_CALL_SIGNAL_EVENT | HV_CALL_FAST)
#define CONNECTION 0x123456u
#define FLAG	   0x777u
#define UNTOUCHED  0xabcdu

static struct partition partition;
static struct hv_partition hv;
static struct vp vp;
static struct vp_vtl vtl;
static struct cpu cpu;

/* ---- what the kernel does ---- */

struct cpu *fake_cpu;
static bool others_wait;
static unsigned int signals;

bool sched_yield(void)
{
	return others_wait;
}

uint16_t port_signal(const struct partition *p, uint32_t v, uint32_t connection, uint16_t flag)
{
	assert_ptr_equal(p, &partition);
	assert_int_equal(v, 0);
	assert_int_equal(connection, CONNECTION);
	assert_int_equal(flag, FLAG);
	signals++;
	return HV_INVALID_CONNECTION_ID;
}

static int prepare(void **state)
{
	(void)state;
	memset(&vp, 0, sizeof(vp));
	memset(&cpu, 0, sizeof(cpu));
	fake_cpu = &cpu;
	partition.hv = &hv;
	hv.privileges = HV_PRIVILEGE_SIGNAL_EVENTS;
	vp.partition = &partition;
	vp.vtl[0] = &vtl;
	vp.arch.x[0] = UNTOUCHED;
	others_wait = false;
	signals = 0;
	return 0;
}

/* Their registers come from test_arm_hypercall.c. */
const struct hv_register_row *hv_register_find(const struct vp *v, uint32_t name)
{
	(void)v;
	(void)name;
	return NULL;
}

static enum vp_outcome quick(uint64_t control, uint64_t input)
{
	uint64_t before = vp.arch.x[0];
	enum vp_outcome outcome;

	vp.arch.x[1] = control;
	vp.arch.x[2] = input;
	outcome = guest_hypercall_quick(&vp, true);
	if (outcome == VP_UNHANDLED)
		assert_int_equal(vp.arch.x[0], before);
	return outcome;
}

/* ---- tests ---- */

static void spins(void **state)
{
	(void)state;
	assert_int_equal(quick(SPIN, 1), VP_CONTINUE);
	assert_int_equal(vp.arch.x[0], HV_SUCCESS);
	others_wait = true;
	assert_int_equal(quick(SPIN, 1), VP_SWITCH);
}

static void signalled(void **state)
{
	uint64_t input = CONNECTION | (uint64_t)FLAG << 32;

	(void)state;
	assert_int_equal(quick(SIGNAL, input), VP_CONTINUE);
	assert_int_equal(vp.arch.x[0], HV_INVALID_CONNECTION_ID);
	assert_int_equal(signals, 1);
	/* Somebody more urgent was woken. */
	cpu.ready.occupied = BIT(3);
	assert_int_equal(quick(SIGNAL, input), VP_SWITCH);
}

static void left_to_the_dispatcher(void **state)
{
	static const uint64_t controls[] = {
		HV_CALL_NOTIFY_LONG_SPIN_WAIT,	/* in memory */
		HV_CALL_SIGNAL_EVENT,		/* so too */
		SPIN | BIT(31),			/* reserved */
		SIGNAL | BIT(32),		/* a rep count */
		HV_CALL_SEND_IPI | HV_CALL_FAST /* not there */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++)
		assert_int_equal(quick(controls[i], CONNECTION), VP_UNHANDLED);
	assert_int_equal(quick(SIGNAL, CONNECTION | 1ull << 48), VP_UNHANDLED);
	hv.privileges = 0;
	assert_int_equal(quick(SIGNAL, CONNECTION), VP_UNHANDLED);
	assert_int_equal(vp.arch.x[0], UNTOUCHED);
	assert_int_equal(signals, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(spins, prepare),
		cmocka_unit_test_setup(signalled, prepare),
		cmocka_unit_test_setup(left_to_the_dispatcher, prepare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
