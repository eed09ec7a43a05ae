/* SPDX-License-Identifier: MIT */
/*
 * A debugger's steps without a processor: what becomes of the exits that no emulator gives, and which
 * instructions are known by their bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <debug.h>
#include <kernel/memory_map.h>

#define CODE	0x1000u
#define NOWHERE 0x100000u
#define DR6_BD	BIT(13)
#define RF	BIT(16)
#define VM	BIT(17)
#define OF	BIT(11)

static uint8_t ram[0x2000];
static struct gpa_space space;
static struct vp_vtl vtl;
static struct vp vp;
static struct arch_vp_vtl *const a = &vtl.arch;
static struct guest_state stub;
static struct vp_event injected;
static enum step_mode stepped;
static enum vp_run_reason told;

/* ---- what is around ---- */

static void state_get(struct vp *of, uint32_t number, uint32_t groups, struct guest_state *state)
{
	(void)of;
	(void)number;
	(void)groups;
	*state = stub;
}

static void state_set(struct vp *of, uint32_t number, uint32_t groups,
		      const struct guest_state *state)
{
	(void)of;
	(void)number;
	(void)groups;
	stub = *state;
}

static void debug_set(struct vp *of, uint32_t number)
{
	(void)of;
	(void)number;
}

static void step(struct vp *of, enum step_mode mode)
{
	(void)of;
	stepped = mode;
}

static uint32_t watched; /* what of the descriptor tables exits */

static void tables_watch(struct vp *of, uint32_t number, uint32_t stores)
{
	(void)of;
	(void)number;
	watched = stores;
}

static const struct backend_ops stub_backend = {.arch.state_get = state_get,
						.arch.state_set = state_set,
						.arch.debug_set = debug_set,
						.arch.step = step,
						.arch.tables_watch = tables_watch};
const struct backend_ops *backend = &stub_backend;

void guest_event_deliver(struct vp *of)
{
	(void)of;
	injected.type = a->event.type;
	injected.vector = a->event.vector;
	injected.length = a->event.length;
	a->work &= ~(uint32_t)WORK_EVENT;
	a->debug.injected = true;
}

enum vp_outcome run_page_debug(struct vp *of, enum vp_run_reason reason, uint32_t index)
{
	(void)of;
	(void)index;
	told = reason;
	return VP_TO_VMM;
}

static status_t access(gpa_t gpa, void *buffer, size_t size, bool write)
{
	if (gpa >= sizeof(ram) || size > sizeof(ram) - gpa)
		return STATUS_INVALID_ADDRESS;
	memcpy(write ? ram + gpa : buffer, write ? buffer : ram + gpa, size);
	return STATUS_OK;
}

void *page_table_walk(const struct page_table *table, uint64_t gpa)
{
	(void)table;
	return gpa < sizeof(ram) ? ram + gpa : NULL;
}

status_t gpa_read(struct gpa_space *of, gpa_t gpa, void *buffer, size_t size)
{
	(void)of;
	return access(gpa, buffer, size, false);
}

status_t gpa_write(struct gpa_space *of, gpa_t gpa, const void *buffer, size_t size)
{
	(void)of;
	return access(gpa, (void *)(uintptr_t)buffer, size, true);
}

/* ---- a VP that is debugged ---- */

static void debugged(uint32_t flags, bool long_mode)
{
	struct vp_debug_state asked = {
		.flags = flags,
		.breakpoint = {{.kind = BREAKPOINT_WRITE, .length = 1, .address = 8}},
	};

	memset(&vtl, 0, sizeof(vtl));
	memset(&vp, 0, sizeof(vp));
	memset(&stub, 0, sizeof(stub));
	memset(&injected, 0, sizeof(injected));
	vtl.space = &space;
	vp.vtl[0] = &vtl;
	a->rip = CODE;
	a->rflags = RFLAGS_FIXED;
	stub.dr6 = DR6_RESET;
	stub.dr7 = DR7_RESET;
	if (long_mode) {
		stub.efer = EFER_LMA;
		stub.segment[SEGMENT_CS].attributes = HV_SEGMENT_L;
	}
	assert_int_equal(arch_vp_set_debug_state(&vp, 0, &asked), STATUS_OK);
}

static void starts_at(uint64_t rip)
{
	a->rip = rip;
	guest_debug_moved(&vp, 0);
}

/* The next entry, up to an exit where vp.exit.kind says why. */
static void entry(uint64_t rip, enum vp_exit_kind kind)
{
	bool steps = guest_debug_steps(a);

	stepped = STEP_NONE;
	assert_int_equal(guest_debug_report(&vp), VP_CONTINUE);
	assert_int_equal(guest_debug_enter(&vp), VP_CONTINUE);
	assert_int_equal(steps, stepped != STEP_NONE);
	a->rip = rip;
	vp.exit.kind = kind;
	if (steps)
		guest_step_left(&vp);
}

/* It ends with that exception. True: that is none of the guest's. */
static bool entry_ends(uint64_t rip, uint8_t vector, uint32_t debug, uint8_t length)
{
	entry(rip, VP_EXIT_EXCEPTION);
	vp.exit.event.vector = vector;
	vp.exit.event.debug = debug;
	vp.exit.event.length = length;
	return guest_debug_exception(&vp, &vp.exit);
}

/* An access to a debug register at RIP, which the guest then gets its turn for. */
static bool access_ends(uint64_t rip, bool write, uint32_t debug)
{
	entry(a->rip, VP_EXIT_DR);
	vp.exit.cr.number = 7;
	vp.exit.cr.write = write;
	guest_debug_access(&vp, &vp.exit);
	return entry_ends(rip, EXCEPTION_DB, debug, 0);
}

/* BD comes alone on a processor, and after a turn that has ended by a step. */
static void test_general_detect_is_the_guests(void **state)
{
	(void)state;
	debugged(0, true);
	assert_true(access_ends(CODE + 3, true, DR6_BS));
	assert_false(access_ends(CODE + 3, false, DR6_BD));
	assert_int_equal(a->debug.guest_dr6, DR6_RESET | DR6_BD);
	assert_false(a->debug.guest_turn);
	assert_false(a->rflags & RFLAGS_TF);
}

/* The same while the VMM steps: the step goes on to the handler. */
static void test_general_detect_in_a_step(void **state)
{
	(void)state;
	debugged(DEBUG_SINGLE_STEP, true);
	assert_true(access_ends(CODE + 3, true, DR6_BS));
	assert_int_equal(guest_debug_report(&vp), VP_TO_VMM);
	assert_int_equal(told, VP_RUN_SINGLE_STEP);
	assert_false(access_ends(CODE + 3, false, DR6_BD));
	assert_int_equal(guest_debug_report(&vp), VP_CONTINUE);
}

/* ---- instructions ---- */

enum how { LONG = 1, SHORT = 2, BOTH = 3 };

static const struct {
	uint8_t code[16];
	uint8_t modes; /* enum how: in which it raises an event by itself */
	uint8_t length, vector;
	uint8_t type;
} events[] = {
	{{0xcc}, BOTH, 1, 3, EVENT_SOFTWARE_EXCEPTION},
	{{0xce}, SHORT, 1, 4, EVENT_SOFTWARE_EXCEPTION},
	{{0xcd, 0x80}, BOTH, 2, 0x80, EVENT_SOFTWARE},
	{{0xcd, 0x03}, BOTH, 2, 3, EVENT_SOFTWARE},
	{{0x66, 0xcc}, BOTH, 2, 3, EVENT_SOFTWARE_EXCEPTION},
	{{0xf3, 0x2e, 0xcd, 7}, BOTH, 4, 7, EVENT_SOFTWARE},
	{{0x48, 0xcc}, LONG, 2, 3, EVENT_SOFTWARE_EXCEPTION},
	{{0x40, 0x40, 0xcc}, LONG, 3, 3, EVENT_SOFTWARE_EXCEPTION},
	{{0x48, 0x66, 0xcc}, LONG, 3, 3, EVENT_SOFTWARE_EXCEPTION},
	{{0x66, 0x48, 0x67, 0x41, 0xcd, 9}, LONG, 6, 9, EVENT_SOFTWARE},
	{{0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xcc},
	 BOTH,
	 15,
	 3,
	 EVENT_SOFTWARE_EXCEPTION},
	{{0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xcd, 1},
	 BOTH,
	 15,
	 1,
	 EVENT_SOFTWARE},
	/* A byte too long. */
	{{0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xcd,
	  1},
	 0,
	 0,
	 0,
	 0},
	{{0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	  0xcc},
	 0,
	 0,
	 0,
	 0},
	/* LOCK is #UD. */
	{{0xf0, 0xcd, 0x80}, 0, 0, 0, 0},
	{{0xf0, 0xcc}, 0, 0, 0, 0},
	{{0x90, 0xcc}, 0, 0, 0, 0},
	{{0x0f, 0xcc}, 0, 0, 0, 0},
};

static void steps_over(size_t i, bool long_mode)
{
	bool raises = events[i].modes & (long_mode ? LONG : SHORT);

	debugged(DEBUG_SINGLE_STEP, long_mode);
	a->rflags |= OF;
	memcpy(ram + CODE, events[i].code, sizeof(events[i].code));
	assert_int_equal(guest_debug_enter(&vp), VP_CONTINUE);
	assert_int_equal(stepped, raises ? STEP_DELIVERY : STEP_INSTRUCTION);
	assert_int_equal(injected.type, raises ? events[i].type : EVENT_NONE);
	if (!raises)
		return;
	assert_int_equal(injected.length, events[i].length);
	assert_int_equal(injected.vector, events[i].vector);
}

static void test_instructions_that_raise_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		steps_over(i, true);
		steps_over(i, false);
	}
}

/* INTO raises nothing without OF. */
static void test_into(void **state)
{
	(void)state;
	debugged(DEBUG_SINGLE_STEP, false);
	ram[CODE] = 0xce;
	assert_int_equal(guest_debug_enter(&vp), VP_CONTINUE);
	assert_int_equal(injected.type, EVENT_NONE);
}

static void event_is(uint8_t type, uint8_t vector, uint8_t length)
{
	assert_true(a->work & WORK_EVENT);
	assert_int_equal(a->event.type, type);
	assert_int_equal(a->event.vector, vector);
	assert_int_equal(a->event.length, length);
}

/* What the processor says of INT3 and INTO, no byte has to be read for. */
static void test_the_processor_tells_the_length(void **state)
{
	(void)state;
	debugged(DEBUG_SINGLE_STEP, true);
	starts_at(NOWHERE);
	assert_true(entry_ends(NOWHERE, EXCEPTION_BP, 0, 5));
	event_is(EVENT_SOFTWARE_EXCEPTION, EXCEPTION_BP, 5);
	debugged(DEBUG_SINGLE_STEP, false);
	starts_at(NOWHERE);
	assert_true(entry_ends(NOWHERE, EXCEPTION_OF, 0, 1));
	event_is(EVENT_SOFTWARE_EXCEPTION, EXCEPTION_OF, 1);
	debugged(DEBUG_INT3, true);
	assert_true(entry_ends(CODE, EXCEPTION_BP, 0, 1));
	assert_false(a->work & WORK_EVENT);
	assert_int_equal(guest_debug_report(&vp), VP_TO_VMM);
	assert_int_equal(told, VP_RUN_INT3);
}

/* Where it does not, they are; in virtual-8086 mode too, where steps look at none. */
static void test_the_length_by_the_bytes(void **state)
{
	(void)state;
	debugged(DEBUG_SINGLE_STEP, false);
	a->rflags |= VM;
	starts_at(0x10);
	stub.segment[SEGMENT_CS].base = CODE - 0x10;
	ram[CODE] = 0x66;
	ram[CODE + 1] = 0xcc;
	assert_true(entry_ends(0x10, EXCEPTION_BP, 0, 0));
	event_is(EVENT_SOFTWARE_EXCEPTION, EXCEPTION_BP, 2);
	/* QEMU's intercept of INT n is told as #BP. */
	debugged(DEBUG_INT3, true);
	ram[CODE] = 0xcd;
	ram[CODE + 1] = 0x21;
	assert_true(entry_ends(CODE, EXCEPTION_BP, 0, 0));
	event_is(EVENT_SOFTWARE, 0x21, 2);
}

/* ---- an instruction that is let pass, once ---- */

/* It has exited at CODE. */
static void lets(uint32_t flags)
{
	debugged(flags, true);
	if (!flags)
		assert_int_equal(arch_vp_set_debug_state(&vp, 0, &(struct vp_debug_state){0}),
				 STATUS_OK);
	assert_int_equal(!!(a->work & WORK_DEBUG), flags != 0);
	stub.dr7 = DR7_RESET | 1;
	watched = a->npiep = 5;
	guest_debug_let(&vp);
	assert_int_equal(watched, 5);
	assert_true(guest_debug_holds(a));
}

static void test_let_pass(void **state)
{
	(void)state;
	lets(0);
	assert_int_equal(guest_debug_report(&vp), VP_CONTINUE);
	assert_int_equal(guest_debug_enter(&vp), VP_CONTINUE);
	assert_int_equal(watched, 0);
	assert_int_equal(stepped, STEP_INSTRUCTION);
	assert_true((a->rflags & RFLAGS_TF) && (a->rflags & RF));
	a->rip = CODE + 3;
	vp.exit.kind = VP_EXIT_EXCEPTION;
	vp.exit.event.vector = EXCEPTION_DB;
	vp.exit.event.debug = DR6_BS;
	guest_step_left(&vp);
	assert_int_equal(watched, 5);
	assert_true(guest_debug_exception(&vp, &vp.exit));
	assert_int_equal(guest_debug_report(&vp), VP_CONTINUE);
	assert_false(a->work & WORK_DEBUG);
	assert_int_equal(stub.dr7, DR7_RESET | 1);
	assert_false(a->rflags & (RFLAGS_TF | RF));
}

/* A host interrupt before the instruction: nothing passes any more until it has exited again. */
static void test_let_pass_is_cut_short(void **state)
{
	(void)state;
	lets(0);
	entry(CODE, VP_EXIT_INTERRUPT);
	assert_int_equal(watched, 5);
	assert_int_equal(guest_debug_report(&vp), VP_CONTINUE);
	assert_false(a->work & WORK_DEBUG);
}

/* What is entered is another instruction, or the handler of an event. */
static void test_let_pass_elsewhere(void **state)
{
	(void)state;
	lets(0);
	a->rip = CODE + 8;
	assert_int_equal(guest_debug_report(&vp), VP_CONTINUE);
	assert_int_equal(guest_debug_enter(&vp), VP_CONTINUE);
	assert_int_equal(watched, 5);
	assert_false(a->debug.lets);
	lets(0);
	a->debug.injected = true;
	assert_int_equal(guest_debug_enter(&vp), VP_CONTINUE);
	assert_int_equal(watched, 5);
	assert_false(a->debug.lets);
	/* the debugger comes, and goes, in between */
	lets(0);
	assert_int_equal(arch_vp_set_debug_state(&vp, 0, &(struct vp_debug_state){0}), STATUS_OK);
	assert_false((a->work & WORK_DEBUG) || a->debug.lets);
	assert_int_equal(watched, 5);
}

/* A debugger stays, and hears of it as of each step. */
static void test_let_pass_in_a_step(void **state)
{
	(void)state;
	lets(DEBUG_SINGLE_STEP);
	assert_true(entry_ends(CODE + 3, EXCEPTION_DB, DR6_BS, 0));
	assert_int_equal(watched, 5);
	assert_int_equal(guest_debug_report(&vp), VP_TO_VMM);
	assert_int_equal(told, VP_RUN_SINGLE_STEP);
	assert_true(a->work & WORK_DEBUG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_general_detect_is_the_guests),
		cmocka_unit_test(test_general_detect_in_a_step),
		cmocka_unit_test(test_instructions_that_raise_events),
		cmocka_unit_test(test_into),
		cmocka_unit_test(test_the_processor_tells_the_length),
		cmocka_unit_test(test_the_length_by_the_bytes),
		cmocka_unit_test(test_let_pass),
		cmocka_unit_test(test_let_pass_is_cut_short),
		cmocka_unit_test(test_let_pass_elsewhere),
		cmocka_unit_test(test_let_pass_in_a_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
