/* SPDX-License-Identifier: MIT */
/* The Hyper-V interface as a guest finds it: synthetic MSRs, overlay pages, hypercalls. */
#include "hyperv_guest.h"
#include <arch/fpu.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/hypercall.h>
#include <kernel/memory.h>
#include <kernel/string.h>
#include <trivet/hv/msr.h>

GUEST_CODE_DECLARE(hyperv);
GUEST_CODE_DECLARE(hyperv_idle);
GUEST_CODE_DECLARE(hyperv_runner);
extern const char guest_hyperv_gp[], guest_hyperv_ud[], guest_hyperv_idle_irq[];

enum operation { READ_MSR, WRITE_MSR, READ, WRITE, VMCALL, VMMCALL, CALL };

#define GP	13u
#define UD	6u
#define PLACE	HYPERV_PLACE
#define OTHER	HYPERV_OTHER
#define PATTERN 0xa5a5a5a5a5a5a5a5ull
#define OS_ID	0x8100000000000000ull
#define INPUT	HYPERV_INPUT
#define OUTPUT	HYPERV_OUTPUT
#define SLACK	3u /* units of time: two roundings, and a comparison of either side */

static const uint8_t lengths[] = {2, 2, 3, 3, 3, 3, 0};

/* Makes the guest do one thing. The vector of its fault, or 0; UINT32_MAX: it went astray. */
static uint32_t does(struct test_guest *g, enum operation operation)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RDI] = operation;
	gpr[GPR_R13] = lengths[operation];
	return guest_says(g, 1) ? (uint32_t)gpr[GPR_R12] : UINT32_MAX;
}

static uint32_t reads(struct test_guest *g, uint32_t msr, uint64_t *value)
{
	uint64_t *gpr = g->vp->arch.gpr;
	uint32_t fault;

	gpr[GPR_RCX] = msr;
	fault = does(g, READ_MSR);
	*value = (uint32_t)gpr[GPR_R14] | gpr[GPR_R15] << 32;
	return fault;
}

static uint32_t writes(struct test_guest *g, uint32_t msr, uint64_t value)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RCX] = msr;
	gpr[GPR_RAX] = (uint32_t)value;
	gpr[GPR_RDX] = value >> 32;
	return does(g, WRITE_MSR);
}

static uint64_t looks(struct test_guest *g, gpa_t gpa)
{
	g->vp->arch.gpr[GPR_RBX] = gpa;
	return does(g, READ) ? 0 : g->vp->arch.gpr[GPR_R14];
}

static uint32_t stores(struct test_guest *g, gpa_t gpa, uint64_t value)
{
	g->vp->arch.gpr[GPR_RBX] = gpa;
	g->vp->arch.gpr[GPR_RAX] = value;
	return does(g, WRITE);
}

static uint64_t calls(struct test_guest *g, uint64_t control, uint64_t input, uint64_t output)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RBX] = PLACE;
	gpr[GPR_RCX] = control;
	gpr[GPR_RDX] = input;
	gpr[GPR_R8] = output;
	return does(g, CALL) ? UINT64_MAX : gpr[GPR_R14];
}

static bool start(struct test_guest *g)
{
	guest_start(g, hyperv);
	guest_vector_set(g, GP, (uintptr_t)guest_hyperv_gp);
	guest_vector_set(g, UD, (uintptr_t)guest_hyperv_ud);
	memset(g->ram + PLACE, 0xa5, 8 * PAGE_SIZE);
	return guest_says(g, 1);
}

static bool is_pattern(const struct test_guest *g, gpa_t gpa)
{
	const uint64_t *words = (const uint64_t *)(g->ram + gpa);
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / sizeof(words[0]); i++)
		if (words[i] != PATTERN)
			return false;
	return true;
}

/* The interface is not there before the guest has told who it is. */
static bool hypercall_page(struct test_guest *g)
{
	uint64_t value, code;

	if (does(g, VMCALL) != UD || does(g, VMMCALL) != UD ||
	    writes(g, HV_MSR_HYPERCALL, PLACE | 1) || reads(g, HV_MSR_HYPERCALL, &value) ||
	    value != PLACE || looks(g, PLACE) != PATTERN)
		return false;
	if (writes(g, HV_MSR_GUEST_OS_ID, OS_ID) || writes(g, HV_MSR_HYPERCALL, PLACE | 1))
		return false;
	code = looks(g, PLACE);
	if ((code & 0xffff) != 0x010f || code >> 24 != 0xccccccccc3 || !is_pattern(g, PLACE))
		return false;
	if (looks(g, PLACE + PAGE_SIZE) != PATTERN || looks(g, PLACE - 8) != 0)
		return false;
	/* It cannot be written, and what lies below is not. */
	if (stores(g, PLACE, 7) != GP || looks(g, PLACE) != code || !is_pattern(g, PLACE))
		return false;
	if (writes(g, HV_MSR_HYPERCALL, OTHER | 1) || looks(g, PLACE) != PATTERN ||
	    looks(g, OTHER) != code || stores(g, PLACE, PATTERN))
		return false;
	if (writes(g, HV_MSR_GUEST_OS_ID, 0) || looks(g, OTHER) != PATTERN)
		return false;
	return writes(g, HV_MSR_HYPERCALL, BIT(52) | 1) == GP && is_pattern(g, OTHER);
}

/* The page that the VP has for itself can be written, and keeps off what is below. */
static bool assist_page(struct test_guest *g)
{
	uint64_t value;

	if (writes(g, HV_MSR_VP_ASSIST_PAGE, PLACE | 1) || looks(g, PLACE) != 0 ||
	    stores(g, PLACE, 0x1234) || looks(g, PLACE) != 0x1234 || !is_pattern(g, PLACE))
		return false;
	if (writes(g, HV_MSR_VP_ASSIST_PAGE, OTHER | 1) || looks(g, OTHER) != 0x1234 ||
	    reads(g, HV_MSR_VP_ASSIST_PAGE, &value) || value != (OTHER | 1))
		return false;
	return !writes(g, HV_MSR_VP_ASSIST_PAGE, 0) && looks(g, OTHER) == PATTERN &&
	       looks(g, PLACE) == PATTERN;
}

/* The page tells the same time as the counter, and nothing once it cannot. */
static bool reference_time(struct test_guest *g)
{
	uint64_t before, tsc, after, scale, time, value;

	if (writes(g, HV_MSR_REFERENCE_TSC, PLACE | 1) || (uint32_t)looks(g, PLACE) == 0)
		return false;
	scale = looks(g, PLACE + 8);
	if (reads(g, HV_MSR_TIME_REF_COUNT, &before) || reads(g, 0x10, &tsc) ||
	    reads(g, HV_MSR_TIME_REF_COUNT, &after))
		return false;
	time = (uint64_t)((unsigned __int128)tsc * scale >> 64) + looks(g, PLACE + 16);
	if (time + SLACK < before || time > after + SLACK || after < before)
		return false;
	if (reads(g, HV_MSR_TSC_FREQUENCY, &value) || value != timestamp_hz ||
	    writes(g, HV_MSR_TIME_REF_COUNT, 0) != GP)
		return false;
	return !writes(g, 0x10, 5) && (uint32_t)looks(g, PLACE) == 0 && !writes(g, 0x3b, 0) &&
	       (uint32_t)looks(g, PLACE) != 0;
}

static bool small_registers(struct test_guest *g)
{
	uint64_t value, runtime;

	return !reads(g, HV_MSR_VP_INDEX, &value) && value == 0 &&
	       !reads(g, HV_MSR_VP_RUNTIME, &runtime) && !reads(g, HV_MSR_VP_RUNTIME, &value) &&
	       value >= runtime && !writes(g, HV_MSR_CRASH_P0, 9) &&
	       !reads(g, HV_MSR_CRASH_P0, &value) && value == 9 &&
	       writes(g, HV_MSR_VP_INDEX, 0) == GP && reads(g, HV_MSR_EOI, &value) == GP;
}

static bool hypercalls(struct test_guest *g)
{
	struct hv_registers_input *input = (void *)(g->ram + INPUT);
	uint64_t *output = (uint64_t *)(g->ram + OUTPUT);
	uint32_t *names = (uint32_t *)(input + 1);
	uint64_t *xmm;

	if (writes(g, HV_MSR_GUEST_OS_ID, OS_ID) || writes(g, HV_MSR_HYPERCALL, PLACE | 1))
		return false;
	if (calls(g, HV_CALL_NOTIFY_LONG_SPIN_WAIT | HV_CALL_FAST, 9, 0) != HV_SUCCESS ||
	    calls(g, 0x7777, 0, 0) != HV_INVALID_HYPERCALL_CODE)
		return false;
	output[0] = PATTERN;
	if (calls(g, HV_EXT_CALL_QUERY_CAPABILITIES, 0, OUTPUT) != HV_SUCCESS || output[0] != 0)
		return false;
	*input = (struct hv_registers_input){.partition_id = HV_PARTITION_ID_SELF,
					     .vp_index = HV_VP_INDEX_SELF};
	names[0] = 0x90002; /* GuestOsId */
	names[1] = HV_X64_REGISTER_RBX;
	if (calls(g, HV_CALL_GET_VP_REGISTERS | 2ull << HV_CALL_REP_COUNT_SHIFT, INPUT, OUTPUT) !=
		    2ull << HV_RESULT_REPS_SHIFT ||
	    output[0] != OS_ID || output[2] != PLACE)
		return false;
	/* The same by registers, those of SSE among them. */
	xmm = fpu_xmm(&g->vp->arch.fpu, 0);
	xmm[0] = 0x90002 | (uint64_t)HV_X64_REGISTER_RBX << 32;
	if (calls(g, HV_CALL_GET_VP_REGISTERS | HV_CALL_FAST | 2ull << HV_CALL_REP_COUNT_SHIFT,
		  HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF) != 2ull << HV_RESULT_REPS_SHIFT)
		return false;
	xmm = fpu_xmm(&g->vp->arch.fpu, 1);
	if (xmm[0] != OS_ID || xmm[2] != PLACE)
		return false;
	/* Translations of all VPs: here, of the caller. */
	memset(g->ram + INPUT, 0, 24);
	g->ram[INPUT + 8] = HV_FLUSH_ALL_PROCESSORS | HV_FLUSH_ALL_SPACES;
	return calls(g, HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE, INPUT, 0) == HV_SUCCESS &&
	       looks(g, PLACE + PAGE_SIZE) == PATTERN;
}

/* A reset takes all of it away. */
static bool reset(struct test_guest *g)
{
	uint64_t value;

	if (!hypercalls(g) || writes(g, HV_MSR_VP_ASSIST_PAGE, OTHER | 1) ||
	    writes(g, HV_MSR_REFERENCE_TSC, (OTHER + PAGE_SIZE) | 1))
		return false;
	atomic_store(&g->vp->run_state, VP_STOPPED);
	if (partition_reset(g->partition) != STATUS_OK || vp_reset(g->vp) != STATUS_OK || !start(g))
		return false;
	return looks(g, PLACE) == PATTERN && looks(g, OTHER) == PATTERN &&
	       looks(g, OTHER + PAGE_SIZE) == PATTERN && !reads(g, HV_MSR_HYPERCALL, &value) &&
	       value == 0 && does(g, VMCALL) == UD;
}

static bool idle(struct test_guest *g)
{
	guest_start(g, hyperv_idle);
	guest_vector_set(g, 0x50, (uintptr_t)guest_hyperv_idle_irq);
	guest_vector_set(g, 0x51, (uintptr_t)guest_hyperv_idle_irq);
	g->vp->arch.gpr[GPR_RBX] = 0;
	return guest_says(g, 1) && guest_says(g, 1) && guest_says(g, 2);
}

/* VP 1 runs, and goes on while it is looked at. */
static bool second_goes_on(const struct test_guest *g)
{
	const volatile uint16_t *count = (const volatile uint16_t *)(g->ram + GUEST_DATA + 0x10);
	uint64_t end = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;
	uint16_t first = *count;

	while (*count == first && timestamp_read() < end)
		cpu_wait(this_cpu());
	return *count != first;
}

/* Of VP 1 in the midst of its work: its translations are dropped, its registers read, and a page that it
 * may have in its translations moves. */
static bool others(struct test_guest *g)
{
	struct hv_registers_input *input = (void *)(g->ram + INPUT);
	uint64_t *output = (uint64_t *)(g->ram + OUTPUT);

	second_code_set(g, hyperv_runner);
	if (!start(g) || !second_run() || !second_is_blocked()) /* it waits for SIPI */
		return false;
	if (writes(g, 0x1b, 0xfee00d00) || writes(g, 0x80f, 0x1ff) ||
	    writes(g, 0x830, BIT(32) | 0x4500) || writes(g, 0x830, BIT(32) | 0x4620) ||
	    !second_goes_on(g))
		return false;
	if (writes(g, HV_MSR_GUEST_OS_ID, OS_ID) || writes(g, HV_MSR_HYPERCALL, PLACE | 1) ||
	    !second_goes_on(g))
		return false;
	*(struct hv_flush_input *)(g->ram + INPUT) = (struct hv_flush_input){.processor_mask = 2};
	if (calls(g, HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE, INPUT, 0) != HV_SUCCESS ||
	    (second_vp->requests & VP_REQUEST_FLUSH) || !second_goes_on(g))
		return false;
	*input = (struct hv_registers_input){.partition_id = HV_PARTITION_ID_SELF, .vp_index = 1};
	*(uint32_t *)(input + 1) = 0x90003; /* VpIndex */
	if (calls(g, HV_CALL_GET_VP_REGISTERS | 1ull << HV_CALL_REP_COUNT_SHIFT, INPUT, OUTPUT) !=
		    1ull << HV_RESULT_REPS_SHIFT ||
	    output[0] != 1 || !second_goes_on(g))
		return false;
	g->ram[GUEST_DATA] = 1;
	return second_says(4);
}

static void hyperv_test(bool (*function)(struct test_guest *g), bool starts,
			enum selftest_outcome *outcome, const char **reason)
{
	uint64_t before = kernel_heap.pages_free;
	struct test_guest g;
	const char *why;
	bool ok;

	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(guest_create_flags(&g, PARTITION_HYPERV));
	ok = (!starts || start(&g)) && function(&g);
	guest_destroy(&g);
	CHECK(ok);
	CHECK(kernel_heap.pages_free == before);
}

#define HYPERV_TEST(name, starts)                           \
	SELFTEST(hyperv_##name)                             \
	{                                                   \
		hyperv_test(name, starts, outcome, reason); \
	}

HYPERV_TEST(hypercall_page, true)
HYPERV_TEST(assist_page, true)
HYPERV_TEST(reference_time, true)
HYPERV_TEST(small_registers, true)
HYPERV_TEST(hypercalls, true)
HYPERV_TEST(reset, true)
HYPERV_TEST(idle, false)

SELFTEST(hyperv_others)
{
	uint64_t before = kernel_heap.pages_free;
	const char *why;
	bool ok = second_test_flags(others, PARTITION_HYPERV, &why);

	if (why)
		SKIP(why);
	CHECK(ok);
	CHECK(second_memory_is_back(before));
}

/* ---- for other files ---- */

bool hyperv_guest_start(struct test_guest *g)
{
	return start(g);
}

bool hyperv_guest_enable(struct test_guest *g)
{
	return start(g) && !writes(g, HV_MSR_GUEST_OS_ID, OS_ID) &&
	       !writes(g, HV_MSR_HYPERCALL, PLACE | 1);
}

uint32_t hyperv_guest_writes(struct test_guest *g, uint32_t msr, uint64_t value)
{
	return writes(g, msr, value);
}

uint32_t hyperv_guest_reads(struct test_guest *g, uint32_t msr, uint64_t *value)
{
	return reads(g, msr, value);
}

uint64_t hyperv_guest_calls(struct test_guest *g, uint64_t control, uint64_t input, uint64_t output)
{
	return calls(g, control, input, output);
}

void hyperv_guest_test(bool (*function)(struct test_guest *g), enum selftest_outcome *outcome,
		       const char **reason)
{
	hyperv_test(function, true, outcome, reason);
}
