/* SPDX-License-Identifier: MIT */
/*
 * The loop that runs a VP until it halts: each reason to halt, and what other threads may ask, with a
 * fake vp_run() that plays a script.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <lib/run.h>

#define PARTITION 7u
#define INDEX	  3u
#define VP	  9u

struct step {
	uint32_t reason;
	status_t status;
	void (*meanwhile)(void); /* what another thread does while the VP runs */
};

static const struct step *script;
static struct vp_run_page page;
static struct vp_control control;
static unsigned int runs, ports, served, signals, yields;
static bool yield_pending;
static status_t memory_status;

/* ---- the kernel ---- */

status_t vp_run(handle_t vp)
{
	assert_int_equal(vp, VP);
	runs++;
	if (yield_pending) {
		yield_pending = false;
		page.reason = VP_RUN_YIELD;
		return STATUS_OK;
	}
	if (script->meanwhile)
		script->meanwhile();
	page.reason = script->reason;
	return script++->status;
}

status_t vp_request_yield(handle_t partition, uint32_t index)
{
	assert_int_equal(partition, PARTITION);
	assert_int_equal(index, INDEX);
	signals++;
	yield_pending = true;
	return STATUS_OK;
}

void thread_yield(void)
{
	yields++;
}

/* ---- the VMM ---- */

static void port_io(void *context)
{
	assert_ptr_equal(context, &control);
	ports++;
}

static bool serve(void *context, uint32_t reason)
{
	assert_ptr_equal(context, &control);
	served++;
	return reason != VP_RUN_INIT_RESET;
}

static status_t no_memory(void *context)
{
	assert_ptr_equal(context, &control);
	return memory_status;
}

static const struct vp_run_ops ops = {
	.access = port_io,
	.serve = serve,
	.no_memory = no_memory,
};

static int setup(void **state)
{
	(void)state;
	memset(&page, 0, sizeof(page));
	runs = ports = served = signals = yields = 0;
	yield_pending = false;
	memory_status = STATUS_OK;
	vp_control_init(&control, PARTITION, INDEX);
	return 0;
}

static struct vp_halt run(const struct step *steps)
{
	struct vp_halt halt;

	script = steps;
	vp_run_until(VP, &page, &control, &ops, &control, &halt);
	return halt;
}

/* ---- tests ---- */

static void test_serves_until_it_halts(void **state)
{
	static const struct step steps[] = {
		{VP_RUN_PORT_IO, STATUS_OK, NULL}, {VP_RUN_EMULATE, STATUS_OK, NULL},
		{VP_RUN_EOI, STATUS_OK, NULL},	   {VP_RUN_YIELD, STATUS_OK, NULL},
		{VP_RUN_NONE, STATUS_OK, NULL},	   {VP_RUN_PORT_IO, STATUS_OK, NULL},
		{0, STATUS_NO_MEMORY, NULL},	   {VP_RUN_TRIPLE_FAULT, STATUS_OK, NULL},
	};
	struct vp_halt halt;

	(void)state;
	page.vtl = 2;
	halt = run(steps);
	assert_int_equal(halt.reason, VP_HALT_TRIPLE_FAULT);
	assert_int_equal(halt.vtl, 2);
	assert_int_equal(ports, 2);
	assert_int_equal(served, 3); /* with the yield that nobody had asked the loop for */
	assert_int_equal(runs, ARRAY_SIZE(steps));
	assert_int_equal(yields, 0);
}

static void test_halts_of_the_processor(void **state)
{
	static const struct {
		uint32_t reason;
		status_t status;
		enum vp_halt_reason halt;
	} rows[] = {
		{VP_RUN_TRIPLE_FAULT, STATUS_OK, VP_HALT_TRIPLE_FAULT},
		{VP_RUN_SINGLE_STEP, STATUS_OK, VP_HALT_SINGLE_STEP},
		{VP_RUN_HW_BREAK, STATUS_OK, VP_HALT_HW_BREAK},
		{VP_RUN_FAILED, STATUS_OK, VP_HALT_FAILED},
		{VP_RUN_INIT_RESET, STATUS_OK, VP_HALT_FAILED},
		{0, STATUS_WRONG_STATE, VP_HALT_FAILED},
		{0, STATUS_NO_MEMORY, VP_HALT_FAILED},
	};

	(void)state;
	memory_status = STATUS_NO_MEMORY;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct step step = {rows[i].reason, rows[i].status, NULL};
		struct vp_halt halt;

		page.vtl = (uint32_t)i & 1;
		page.breakpoint.index = 3;
		halt = run(&step);
		assert_int_equal(halt.reason, rows[i].halt);
		assert_int_equal(halt.status, rows[i].status);
		if (rows[i].status == STATUS_OK)
			assert_int_equal(halt.vtl, i & 1);
		assert_int_equal(halt.breakpoint, rows[i].halt == VP_HALT_HW_BREAK ? 3 : 0);
	}
}

static void stop_twice(void)
{
	assert_true(vp_ask_stop(&control));
	assert_false(vp_ask_stop(&control));
}

static void test_a_stop_ends_it_and_stays(void **state)
{
	static const struct step steps[] = {{VP_RUN_PORT_IO, STATUS_OK, stop_twice}};

	(void)state;
	assert_false(vp_is_stopping(&control));
	assert_int_equal(run(steps).reason, VP_HALT_STOP);
	assert_true(vp_is_stopping(&control));
	assert_int_equal(ports, 1); /* what had come back was served */
	assert_int_equal(signals, 1);
	/* It does not run again, nor does anything else ask for a signal. */
	runs = 0;
	assert_false(vp_ask_stop(&control));
	assert_true(vp_ask_cancel(&control));
	assert_int_equal(run(steps).reason, VP_HALT_STOP);
	assert_int_equal(runs, 0);
	assert_int_equal(signals, 1);
	vp_control_init(&control, PARTITION, INDEX);
	assert_false(vp_is_stopping(&control));
}

static void test_a_stop_before_it_runs(void **state)
{
	(void)state;
	assert_true(vp_ask_stop(&control));
	assert_int_equal(run(NULL).reason, VP_HALT_STOP);
	assert_int_equal(runs, 0);
}

static void cancel(void)
{
	(void)vp_ask_cancel(&control);
}

static void test_cancelled_it_can_run_again(void **state)
{
	static const struct step steps[] = {{VP_RUN_PORT_IO, STATUS_OK, cancel},
					    {VP_RUN_PORT_IO, STATUS_OK, NULL},
					    {VP_RUN_TRIPLE_FAULT, STATUS_OK, NULL}};

	(void)state;
	assert_int_equal(run(steps).reason, VP_HALT_CANCEL);
	assert_int_equal(run(script).reason, VP_HALT_TRIPLE_FAULT);
	assert_int_equal(ports, 2);
}

/* It has halted for something else before it saw the cancel; a yield that came with it stays. */
static void test_a_cancel_is_taken_back(void **state)
{
	static const struct step steps[] = {{VP_RUN_HW_BREAK, STATUS_OK, cancel},
					    {VP_RUN_PORT_IO, STATUS_OK, NULL},
					    {VP_RUN_TRIPLE_FAULT, STATUS_OK, NULL}};

	(void)state;
	assert_int_equal(run(steps).reason, VP_HALT_HW_BREAK);
	(void)vp_ask_yield(&control);
	vp_cancel_take_back(&control);
	assert_int_equal(run(script).reason, VP_HALT_TRIPLE_FAULT);
	assert_int_equal(ports, 1);
	assert_int_equal(yields, 1);
	assert_true(vp_ask_stop(&control));
	vp_cancel_take_back(&control);
	assert_true(vp_is_stopping(&control));
}

static void yield_twice(void)
{
	assert_true(vp_ask_yield(&control));
	assert_false(vp_ask_yield(&control));
}

static void test_gives_way_once(void **state)
{
	static const struct step steps[] = {{VP_RUN_PORT_IO, STATUS_OK, yield_twice},
					    {VP_RUN_PORT_IO, STATUS_OK, NULL},
					    {VP_RUN_PORT_IO, STATUS_OK, yield_twice},
					    {VP_RUN_TRIPLE_FAULT, STATUS_OK, NULL}};

	(void)state;
	assert_int_equal(run(steps).reason, VP_HALT_TRIPLE_FAULT);
	assert_int_equal(yields, 2);
	assert_int_equal(signals, 2);
	assert_int_equal(ports, 3);
}

static void power_off(void)
{
	assert_true(vp_ask_halt(&control, VP_HALT_POWER_OFF));
	assert_false(vp_ask_halt(&control, VP_HALT_RESET));
}

static void test_the_first_halt_counts(void **state)
{
	static const struct step steps[] = {{VP_RUN_PORT_IO, STATUS_OK, power_off},
					    {VP_RUN_TRIPLE_FAULT, STATUS_OK, NULL}};

	(void)state;
	assert_int_equal(run(steps).reason, VP_HALT_POWER_OFF);
	/* It is over then: the next one counts anew. */
	assert_true(vp_ask_halt(&control, VP_HALT_HIBERNATE));
	assert_int_equal(run(script).reason, VP_HALT_HIBERNATE);
}

static void everything(void)
{
	vp_ask_yield(&control);
	vp_ask_cancel(&control);
	vp_ask_stop(&control);
	vp_ask_halt(&control, VP_HALT_RESET);
}

static void test_a_halt_goes_before_what_else_is_asked(void **state)
{
	static const struct step steps[] = {{VP_RUN_PORT_IO, STATUS_OK, everything}};

	(void)state;
	assert_int_equal(run(steps).reason, VP_HALT_RESET);
	assert_int_equal(run(NULL).reason, VP_HALT_STOP);
	assert_int_equal(signals, 1);
	assert_int_equal(yields, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_serves_until_it_halts, setup),
		cmocka_unit_test_setup(test_halts_of_the_processor, setup),
		cmocka_unit_test_setup(test_a_stop_ends_it_and_stays, setup),
		cmocka_unit_test_setup(test_a_stop_before_it_runs, setup),
		cmocka_unit_test_setup(test_cancelled_it_can_run_again, setup),
		cmocka_unit_test_setup(test_a_cancel_is_taken_back, setup),
		cmocka_unit_test_setup(test_gives_way_once, setup),
		cmocka_unit_test_setup(test_the_first_halt_counts, setup),
		cmocka_unit_test_setup(test_a_halt_goes_before_what_else_is_asked, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
