/* SPDX-License-Identifier: MIT */
/* Hypercalls about VPs: one is started by them, gets interrupts, and is looked at while it runs. */
#include "hyperv_guest.h"
#include <arch/guest.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/hypercall.h>
#include <trivet/hv/msr.h>

GUEST_CODE_DECLARE(hyperv_started);
extern const char guest_hyperv_started_irq[];

#define VECTOR	 0x61u
#define REP	 (1ull << HV_CALL_REP_COUNT_SHIFT)
#define REP_DONE (1ull << HV_RESULT_REPS_SHIFT)
#define PATTERN	 0xa5a5a5a5a5a5a5a5ull

/* What VP 1 tells of itself. */
struct told {
	uint8_t command; /* to it: 1: end, 2: halt */
	uint8_t reserved[15];
	uint32_t turns, interrupts, begun, reserved2;
	uint64_t rbx;
};

static volatile struct told *told(const struct test_guest *g)
{
	return (volatile struct told *)(g->ram + GUEST_DATA);
}

static bool comes_to(volatile uint32_t *counter, uint32_t value)
{
	uint64_t end = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;

	while (*counter != value && timestamp_read() < end)
		cpu_wait(this_cpu());
	return *counter == value;
}

/* As VP 0 is, but for code and stack. */
static void context_make(struct test_guest *g, struct hv_initial_vp_context *c)
{
	struct guest_state state;

	backend->arch.state_get(g->vp, 0, STATE_ALL, &state);
	*c = (struct hv_initial_vp_context){
		.rip = SECOND_CODE,
		.rsp = GUEST_STACK - 0x800,
		.rflags = 2,
		.cs = state.segment[SEGMENT_CS],
		.ds = state.segment[SEGMENT_DS],
		.es = state.segment[SEGMENT_ES],
		.fs = state.segment[SEGMENT_FS],
		.gs = state.segment[SEGMENT_GS],
		.ss = state.segment[SEGMENT_SS],
		.tr = state.segment[SEGMENT_TR],
		.ldtr = state.segment[SEGMENT_LDTR],
		.idtr = state.idtr,
		.gdtr = state.gdtr,
		.efer = state.efer,
		.cr0 = state.cr0,
		.cr3 = state.cr3,
		.cr4 = state.cr4,
		.pat = state.pat,
	};
}

static uint64_t call(struct test_guest *g, uint64_t control)
{
	return hyperv_guest_calls(g, control, HYPERV_INPUT, HYPERV_OUTPUT);
}

static bool second_starts(struct test_guest *g)
{
	struct hv_start_vp_input *input = (void *)(g->ram + HYPERV_INPUT);

	second_code_set(g, hyperv_started);
	guest_vector_set(g, VECTOR, SECOND_CODE - GUEST_CODE + (uintptr_t)guest_hyperv_started_irq);
	if (!second_run() || !second_is_blocked()) /* it waits for SIPI */
		return false;
	memset(input, 0, sizeof(*input));
	input->partition_id = HV_PARTITION_ID_SELF;
	input->vp_index = 1;
	context_make(g, &input->context);
	input->context.cr0 |= BIT(40);
	if (call(g, HV_CALL_START_VIRTUAL_PROCESSOR) != HV_INVALID_REGISTER_VALUE)
		return false;
	input->context.cr0 &= ~BIT(40);
	return call(g, HV_CALL_START_VIRTUAL_PROCESSOR) == HV_SUCCESS &&
	       comes_to(&told(g)->begun, 1) &&
	       call(g, HV_CALL_START_VIRTUAL_PROCESSOR) == HV_INVALID_VP_STATE;
}

static bool second_ends(struct test_guest *g)
{
	told(g)->command = 1;
	return second_says(5);
}

static bool interrupts(struct test_guest *g)
{
	struct hv_ipi_ex_input *input = (void *)(g->ram + HYPERV_INPUT);

	/* While it runs, by registers and by memory; while it is halted. */
	if (hyperv_guest_calls(g, HV_CALL_SEND_IPI | HV_CALL_FAST, VECTOR, 2) != HV_SUCCESS ||
	    !comes_to(&told(g)->interrupts, 1))
		return false;
	*input = (struct hv_ipi_ex_input){.vector = VECTOR, .processors.valid_banks = 1};
	input->processors.banks[0] = 2 | BIT(63);
	if (call(g, HV_CALL_SEND_IPI_EX | 1 << 17) != HV_SUCCESS ||
	    !comes_to(&told(g)->interrupts, 2))
		return false;
	if (call(g, HV_CALL_SEND_IPI_EX) != HV_INVALID_PARAMETER ||
	    hyperv_guest_calls(g, HV_CALL_SEND_IPI | HV_CALL_FAST, 15, 2) != HV_INVALID_PARAMETER)
		return false;
	told(g)->command = 2;
	if (!second_is_blocked() ||
	    hyperv_guest_calls(g, HV_CALL_SEND_IPI | HV_CALL_FAST, VECTOR, 2) != HV_SUCCESS)
		return false;
	return comes_to(&told(g)->interrupts, 3) && second_is_blocked();
}

/* It goes on with its loop at the next interrupt. */
static bool asserted(struct test_guest *g)
{
	struct hv_assert_interrupt_input *input = (void *)(g->ram + HYPERV_INPUT);

	*input = (struct hv_assert_interrupt_input){
		.partition_id = HV_PARTITION_ID_SELF, .destination = 1, .vector = VECTOR};
	told(g)->command = 0;
	return call(g, HV_CALL_ASSERT_VIRTUAL_INTERRUPT) == HV_SUCCESS &&
	       comes_to(&told(g)->interrupts, 4);
}

static bool flushes(struct test_guest *g)
{
	struct hv_flush_ex_input *input = (void *)(g->ram + HYPERV_INPUT);

	*input = (struct hv_flush_ex_input){.processors.valid_banks = 1};
	input->processors.banks[0] = 2;
	if (call(g, HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX | 1 << 17) != HV_SUCCESS ||
	    (second_vp->requests & VP_REQUEST_FLUSH))
		return false;
	return call(g, HV_CALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX | 1 << 17 | 3 * REP) == 3 * REP_DONE;
}

static bool registers(struct test_guest *g)
{
	struct hv_registers_input *input = (void *)(g->ram + HYPERV_INPUT);
	struct hv_register_assoc *a = (void *)(input + 1);
	uint64_t end = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;

	*input = (struct hv_registers_input){.partition_id = HV_PARTITION_ID_SELF, .vp_index = 1};
	*a = (struct hv_register_assoc){.name = HV_X64_REGISTER_RBX, .value = {.low = 0x4711}};
	if (call(g, HV_CALL_SET_VP_REGISTERS | REP) != (HV_SUCCESS | REP_DONE))
		return false;
	while (told(g)->rbx != 0x4711 && timestamp_read() < end)
		cpu_wait(this_cpu());
	a->name = HV_X64_REGISTER_APIC_BASE;
	return told(g)->rbx == 0x4711 &&
	       call(g, HV_CALL_SET_VP_REGISTERS | REP) == HV_INVALID_VP_STATE;
}

static uint32_t translates(struct test_guest *g, uint32_t vp, uint64_t gva, uint64_t flags)
{
	struct hv_translate_input *input = (void *)(g->ram + HYPERV_INPUT);
	const struct hv_translate_output *output = (void *)(g->ram + HYPERV_OUTPUT);

	*input = (struct hv_translate_input){.partition_id = HV_PARTITION_ID_SELF,
					     .vp_index = vp,
					     .flags = flags,
					     .gva_page = gva >> PAGE_SHIFT};
	return call(g, HV_CALL_TRANSLATE_VIRTUAL_ADDRESS) == HV_SUCCESS ? output->result.code
									: UINT32_MAX;
}

static bool vp_calls(struct test_guest *g)
{
	return hyperv_guest_enable(g) && second_starts(g) && interrupts(g) && asserted(g) &&
	       flushes(g) && registers(g) &&
	       translates(g, 1, GUEST_CODE, HV_TRANSLATE_EXECUTE) == HV_TRANSLATED &&
	       second_ends(g);
}

SELFTEST(hv_calls_of_vps)
{
	uint64_t before = kernel_heap.pages_free;
	const char *why;
	bool ok = second_test_flags(vp_calls, PARTITION_HYPERV, &why);

	if (why)
		SKIP(why);
	CHECK(ok);
	CHECK(second_memory_is_back(before));
}

static bool translations(struct test_guest *g)
{
	const struct hv_translate_output *output = (void *)(g->ram + HYPERV_OUTPUT);
	uint64_t *entry = (uint64_t *)(g->ram + GUEST_PAGE_TABLES + 2 * PAGE_SIZE);

	if (!hyperv_guest_enable(g))
		return false;
	entry[0] &= ~(uint64_t)0x60;
	if (translates(g, 0, HYPERV_PLACE, HV_TRANSLATE_READ) != HV_TRANSLATED ||
	    output->gpa_page != HYPERV_PLACE >> PAGE_SHIFT || !output->result.overlay)
		return false;
	if (translates(g, 0, HYPERV_PLACE, HV_TRANSLATE_WRITE) != HV_TRANSLATE_GPA_NO_WRITE_ACCESS)
		return false;
	if (translates(g, 0, HYPERV_OTHER, HV_TRANSLATE_WRITE | HV_TRANSLATE_SET_BITS) !=
		    HV_TRANSLATED ||
	    output->gpa_page != HYPERV_OTHER >> PAGE_SHIFT || output->result.overlay ||
	    (entry[0] & 0x60) != 0x60)
		return false;
	return translates(g, 0, MIB(2), 0) == HV_TRANSLATE_GPA_UNMAPPED &&
	       translates(g, 0, GIB(1), 0) == HV_TRANSLATE_NOT_PRESENT &&
	       translates(g, 0, BIT(50), 0) == HV_TRANSLATE_NOT_PRESENT;
}

static bool partition_calls(struct test_guest *g)
{
	struct hv_property_input *input = (void *)(g->ram + HYPERV_INPUT);
	const uint64_t *output = (const uint64_t *)(g->ram + HYPERV_OUTPUT);

	if (!hyperv_guest_enable(g))
		return false;
	*input = (struct hv_property_input){HV_PARTITION_ID_SELF, HV_PROPERTY_PRIVILEGE_FLAGS, 0};
	if (call(g, HV_CALL_GET_PARTITION_PROPERTY) != HV_SUCCESS ||
	    output[0] != g->partition->hv->privileges)
		return false;
	return call(g, HV_CALL_GET_PARTITION_ID) == HV_ACCESS_DENIED &&
	       call(g, HV_CALL_INSTALL_INTERCEPT) == HV_ACCESS_DENIED &&
	       hyperv_guest_calls(g, HV_CALL_FLUSH_GUEST_PHYSICAL_ADDRESS_SPACE | HV_CALL_FAST, 0,
				  0) == HV_OPERATION_DENIED;
}

SELFTEST(hv_calls_of_translations)
{
	hyperv_guest_test(translations, outcome, reason);
}

SELFTEST(hv_calls_of_the_partition)
{
	hyperv_guest_test(partition_calls, outcome, reason);
}
