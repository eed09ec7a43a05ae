/* SPDX-License-Identifier: MIT */
/* What hypercalls do, and how they answer to each wrong value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <trivet/hv/features.h>

#include "hypercall_guest.h"

#define VARIABLE(n) ((uint64_t)(n) << 17)
#define VECTOR	    0x41u

/* ---- interrupts ---- */

static void apics_enable(void)
{
	uint32_t i, vtl = 0;

	for (i = 0; i < FAKE_VPS; i++)
		assert_true(guest_lapic_msr_write(fake_partition->vps[i], 0x80f, 0x1ff) || vtl);
}

/* Bits by VP of those below 64 that have the vector pending; they lose it. */
static uint64_t interrupted(uint8_t vector, uint32_t first)
{
	uint64_t mask = 0;
	uint32_t i;

	for (i = first; i < MIN(first + 64, FAKE_VPS); i++) {
		struct lapic *lapic = vp_lapic(fake_partition->vps[i], 0);
		bool pending = lapic_is_pending(lapic, vector);

		assert_int_equal(pending, !!(stub_requests[i] & VP_REQUEST_INTERRUPT));
		if (!pending)
			continue;
		mask |= BIT(i - first);
		assert_int_equal(lapic_pending_vector(lapic), vector);
		lapic_acknowledge(lapic, vector);
		guest_lapic_msr_write(fake_partition->vps[i], 0x80b, 0);
		stub_requests[i] = 0;
	}
	return mask;
}

static void test_ipi(void **state)
{
	struct hv_ipi_input *input = in_memory(IN);

	(void)state;
	apics_enable();
	assert_status(HV_CALL_SEND_IPI | FAST, VECTOR, 0x51, HV_SUCCESS);
	assert_int_equal(fake_outsides, 0);
	assert_int_equal(interrupted(VECTOR, 0), 0x51);
	*input = (struct hv_ipi_input){.vector = 0xff, .processor_mask = BIT(63) | 2};
	assert_status(HV_CALL_SEND_IPI, IN, 0, HV_SUCCESS);
	assert_int_equal(interrupted(0xff, 0), BIT(63) | 2);
	assert_status(HV_CALL_SEND_IPI | FAST, 0x10, 0, HV_SUCCESS);
	assert_int_equal(interrupted(0x10, 0), 0);
	/* vectors that are none, VTLs that are not there, reserved bits */
	assert_status(HV_CALL_SEND_IPI | FAST, 0x0f, 1, HV_INVALID_PARAMETER);
	assert_status(HV_CALL_SEND_IPI | FAST, 2, 1, HV_INVALID_PARAMETER);
	assert_status(HV_CALL_SEND_IPI | FAST, 0x100, 1, HV_INVALID_PARAMETER);
	assert_status(HV_CALL_SEND_IPI | FAST, UINT32_MAX, 1, HV_INVALID_PARAMETER);
	assert_status(HV_CALL_SEND_IPI | FAST, VECTOR | 0x1000000000, 1, HV_SUCCESS);
	assert_int_equal(interrupted(VECTOR, 0), 1);
	assert_status(HV_CALL_SEND_IPI | FAST, VECTOR | 0x1100000000, 1, HV_ACCESS_DENIED);
	assert_status(HV_CALL_SEND_IPI | FAST, VECTOR | 0x2000000000, 1, HV_INVALID_PARAMETER);
	assert_int_equal(interrupted(VECTOR, 0), 0);
	assert_status(HV_CALL_SEND_IPI | FAST | VARIABLE(1), VECTOR, 1, HV_INVALID_HYPERCALL_INPUT);
	assert_status(HV_CALL_SEND_IPI | FAST | REPS(1), VECTOR, 1, HV_INVALID_HYPERCALL_INPUT);
	assert_status(HV_CALL_SEND_IPI, IN + 0xff8, 0, HV_INVALID_ALIGNMENT);
	assert_status(HV_CALL_SEND_IPI, FAKE_MEMORY, 0, HV_INVALID_HYPERCALL_INPUT);
	/* An APIC that is off takes none. */
	guest_lapic_msr_write(fake_partition->vps[2], 0x80f, 0xff);
	assert_status(HV_CALL_SEND_IPI | FAST, VECTOR, 4, HV_SUCCESS);
	assert_int_equal(interrupted(VECTOR, 0), 0);
}

static void test_ipi_ex(void **state)
{
	struct hv_ipi_ex_input *input = in_memory(IN);

	(void)state;
	apics_enable();
	*input = (struct hv_ipi_ex_input){.vector = VECTOR, .processors.valid_banks = 3};
	input->processors.banks[0] = BIT(7);
	input->processors.banks[1] = BIT(5) | BIT(63);
	assert_status(HV_CALL_SEND_IPI_EX | VARIABLE(2), IN, 0, HV_SUCCESS);
	assert_int_equal(interrupted(VECTOR, 0), BIT(7));
	assert_int_equal(interrupted(VECTOR, 64), BIT(5));
	/* as many banks as are valid, no more and no less */
	assert_status(HV_CALL_SEND_IPI_EX | VARIABLE(1), IN, 0, HV_INVALID_PARAMETER);
	assert_status(HV_CALL_SEND_IPI_EX | VARIABLE(3), IN, 0, HV_INVALID_PARAMETER);
	assert_status(HV_CALL_SEND_IPI_EX, IN, 0, HV_INVALID_PARAMETER);
	assert_status(HV_CALL_SEND_IPI_EX | VARIABLE(66), IN, 0, HV_INVALID_HYPERCALL_INPUT);
	assert_status(HV_CALL_SEND_IPI_EX | VARIABLE(1023), IN, 0, HV_INVALID_HYPERCALL_INPUT);
	input->processors.valid_banks = UINT64_MAX;
	memset(input->processors.banks, 0, 64 * 8);
	input->processors.banks[63] = UINT64_MAX;
	assert_status(HV_CALL_SEND_IPI_EX | VARIABLE(64), IN, 0, HV_SUCCESS);
	assert_int_equal(interrupted(VECTOR, 0) | interrupted(VECTOR, 64), 0);
	input->processors.format = HV_VP_SET_ALL;
	assert_status(HV_CALL_SEND_IPI_EX, IN, 0, HV_SUCCESS);
	assert_int_equal(interrupted(VECTOR, 0), UINT64_MAX);
	assert_int_equal(interrupted(VECTOR, 64), 0x3f);
	input->processors.format = 2;
	assert_status(HV_CALL_SEND_IPI_EX, IN, 0, HV_INVALID_PARAMETER);
	/* by registers: one bank in the second word of XMM0 */
	fake_xmm[0][0] = BIT(1);
	fake_xmm[0][1] = BIT(3);
	assert_status(HV_CALL_SEND_IPI_EX | FAST | VARIABLE(1), VECTOR, HV_VP_SET_SPARSE,
		      HV_SUCCESS);
	assert_int_equal(interrupted(VECTOR, 64), BIT(3));
	assert_status(HV_CALL_SEND_IPI_EX | FAST | VARIABLE(12), VECTOR, HV_VP_SET_SPARSE,
		      HV_INVALID_HYPERCALL_INPUT);
	input->processors.format = HV_VP_SET_ALL;
	input->vector = 0;
	assert_status(HV_CALL_SEND_IPI_EX, IN, 0, HV_INVALID_PARAMETER);
}

static void test_ipi_of_the_vmm(void **state)
{
	(void)state;
	fake_partition->config.flags |= PARTITION_USER_MODE_APIC;
	assert_status(HV_CALL_SEND_IPI | FAST, VECTOR, 1, HV_INVALID_HYPERCALL_CODE);
	assert_status(HV_CALL_SEND_IPI_EX, IN, 0, HV_INVALID_HYPERCALL_CODE);
	assert_status(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, IN, 0, HV_INVALID_HYPERCALL_CODE);
	assert_int_equal(interrupted(VECTOR, 0), 0);
}

static void test_assert(void **state)
{
	const uint64_t call = HV_CALL_ASSERT_VIRTUAL_INTERRUPT;
	struct hv_assert_interrupt_input *input = in_memory(IN), right;

	(void)state;
	apics_enable();
	right = (struct hv_assert_interrupt_input){
		.partition_id = HV_PARTITION_ID_SELF, .destination = 3, .vector = VECTOR};
	*input = right;
	assert_status(call, IN, 0, HV_SUCCESS);
	assert_int_equal(interrupted(VECTOR, 0), BIT(3));
	input->control = HV_INTERRUPT_LOGICAL; /* cluster 0, whose bits are APIC ids 0 to 15 */
	input->destination = 0x6;
	assert_status(call, IN, 0, HV_SUCCESS);
	assert_int_equal(interrupted(VECTOR, 0), 6);
	*input = right;
	input->control = APIC_NMI;
	assert_status(call, IN, 0, HV_SUCCESS);
	assert_int_equal(stub_requests[3], VP_REQUEST_NMI);
	stub_requests[3] = 0;
	input->control = APIC_SMI;
	assert_status(call, IN, 0, HV_INVALID_PARAMETER);
	input->control = 3;
	assert_status(call, IN, 0, HV_INVALID_PARAMETER);
	input->control = 10;
	assert_status(call, IN, 0, HV_INVALID_PARAMETER);
	input->control = HV_INTERRUPT_LINT1; /* masked by its LVT entry */
	assert_status(call, IN, 0, HV_SUCCESS);
	assert_int_equal(stub_requests[3], 0);
	input->destination = FAKE_VPS;
	assert_status(call, IN, 0, HV_INVALID_PARAMETER);
	*input = right;
	input->control = BIT(34);
	assert_status(call, IN, 0, HV_INVALID_PARAMETER);
	*input = right;
	input->vector = 15;
	assert_status(call, IN, 0, HV_INVALID_PARAMETER);
	input->vector = 256;
	assert_status(call, IN, 0, HV_INVALID_PARAMETER);
	*input = right;
	input->destination = BIT(32);
	assert_status(call, IN, 0, HV_INVALID_PARAMETER);
	*input = right;
	input->target_vtl = 1;
	assert_status(call, IN, 0, HV_ACCESS_DENIED);
	*input = right;
	input->reserved[2] = 1;
	assert_status(call, IN, 0, HV_INVALID_PARAMETER);
	*input = right;
	input->partition_id = 0;
	assert_status(call, IN, 0, HV_ACCESS_DENIED);
	assert_int_equal(interrupted(VECTOR, 0), 0);
}

/* ---- translations of sets ---- */

static uint64_t flushed(uint32_t first)
{
	uint64_t mask = 0;
	uint32_t i;

	for (i = first; i < MIN(first + 64, FAKE_VPS); i++) {
		if (fake_partition->vps[i]->requests & VP_REQUEST_FLUSH)
			mask |= BIT(i - first);
		fake_partition->vps[i]->requests = 0;
	}
	return mask;
}

static void test_flush_ex(void **state)
{
	const uint64_t space = HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX;
	const uint64_t list = HV_CALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX;
	struct hv_flush_ex_input *input = in_memory(IN);

	(void)state;
	*input = (struct hv_flush_ex_input){.processors.valid_banks = 2};
	input->processors.banks[0] = 0x21;
	assert_status(space | VARIABLE(1), IN, 0, HV_SUCCESS);
	assert_int_equal(fake_outsides, 1);
	assert_int_equal(flushed(0), 0);
	assert_int_equal(flushed(64), 0x21);
	/* one that runs is waited for */
	fake_partition->vps[69]->cpu = (struct cpu *)6;
	assert_status(space | VARIABLE(1), IN, 0, HV_SUCCESS);
	assert_int_equal(fake_kicked, BIT(5));
	assert_int_equal(flushed(64), 1);
	fake_partition->vps[69]->cpu = NULL;
	/* ranges are behind the banks */
	assert_status(list | VARIABLE(1) | REPS(200), IN, 0, HV_SUCCESS | DONE(200));
	assert_int_equal(flushed(64), 0x21);
	assert_status(list | VARIABLE(1) | REPS(507), IN, 0, HV_SUCCESS | DONE(507));
	assert_status(list | VARIABLE(1) | REPS(508), IN, 0, HV_INVALID_ALIGNMENT);
	assert_status(list | VARIABLE(1), IN, 0, HV_INVALID_HYPERCALL_INPUT);
	assert_status(list | VARIABLE(2) | REPS(1), IN, 0, HV_INVALID_PARAMETER);
	(void)flushed(0);
	(void)flushed(64);
	input->flags = HV_FLUSH_ALL_PROCESSORS;
	assert_status(space | VARIABLE(1), IN, 0, HV_SUCCESS);
	assert_int_equal(flushed(0), UINT64_MAX);
	assert_int_equal(flushed(64), 0x3f);
	input->flags = HV_FLUSH_NON_GLOBAL_ONLY;
	assert_status(list | VARIABLE(1) | REPS(1), IN, 0, HV_INVALID_PARAMETER);
	input->flags = BIT(3);
	assert_status(space | VARIABLE(1), IN, 0, HV_INVALID_PARAMETER);
	*input = (struct hv_flush_ex_input){.processors.format = HV_VP_SET_ALL};
	assert_status(space, IN, 0, HV_SUCCESS);
	assert_int_equal(flushed(0), UINT64_MAX);
	assert_int_equal(flushed(64), 0x3f);
	input->processors.format = 7;
	assert_status(space, IN, 0, HV_INVALID_PARAMETER);
	input->processors.format = HV_VP_SET_SPARSE;
	input->processors.valid_banks = 1;
	assert_status(space, IN, 0, HV_INVALID_PARAMETER);
	assert_int_equal(flushed(0) | flushed(64), 0);
}

/* There are no guests of the guest's. */
static void test_flush_physical(void **state)
{
	const uint64_t space = HV_CALL_FLUSH_GUEST_PHYSICAL_ADDRESS_SPACE;
	const uint64_t list = HV_CALL_FLUSH_GUEST_PHYSICAL_ADDRESS_LIST;

	(void)state;
	assert_status(space | FAST, 0x1000, 0, HV_OPERATION_DENIED);
	assert_status(space | FAST, 0x1000, 1, HV_INVALID_PARAMETER);
	assert_status(list | REPS(3), IN, 0, HV_OPERATION_DENIED);
	assert_status(list, IN, 0, HV_INVALID_HYPERCALL_INPUT);
	assert_status(space | FAST | REPS(1), 0x1000, 0, HV_INVALID_HYPERCALL_INPUT);
}

/* ---- the partition ---- */

static void test_property(void **state)
{
	const struct {
		uint32_t code;
		uint64_t value;
	} rows[] = {
		{HV_PROPERTY_PRIVILEGE_FLAGS, fake_partition->hv->privileges},
		{HV_PROPERTY_TIME_FREEZE, 0},
		{HV_PROPERTY_REFERENCE_TIME, fake_timestamp},
		{HV_PROPERTY_IMPLEMENTED_PHYSICAL_ADDRESS_BITS, fake_partition->physical_bits},
		{HV_PROPERTY_PROCESSOR_VENDOR, 1},
		{HV_PROPERTY_PHYSICAL_ADDRESS_WIDTH, fake_partition->physical_bits},
		{HV_PROPERTY_PROCESSOR_CLOCK_FREQUENCY, timestamp_hz},
		{HV_PROPERTY_GUEST_OS_ID, 1},
	};
	const uint64_t call = HV_CALL_GET_PARTITION_PROPERTY;
	struct hv_property_input *input = in_memory(IN);
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		*input = (struct hv_property_input){HV_PARTITION_ID_SELF, rows[i].code, 0};
		*(uint64_t *)in_memory(OUT) = 0x5a5a;
		assert_status(call, IN, OUT, HV_SUCCESS);
		assert_int_equal(*(uint64_t *)in_memory(OUT), rows[i].value);
	}
	assert_status(call, IN, FAKE_READ_ONLY_PAGE, HV_INVALID_HYPERCALL_INPUT);
	input->code = 0x20000;
	assert_status(call, IN, OUT, HV_UNKNOWN_PROPERTY);
	input->reserved = 1;
	assert_status(call, IN, OUT, HV_INVALID_PARAMETER);
	input->partition_id = 1;
	assert_status(call, IN, OUT, HV_ACCESS_DENIED);
}

static void test_denied(void **state)
{
	struct hv_install_intercept_input *input = in_memory(IN);

	(void)state;
	input->partition_id = HV_PARTITION_ID_SELF;
	assert_status(HV_CALL_INSTALL_INTERCEPT, IN, 0, HV_ACCESS_DENIED);
	assert_status(HV_CALL_INSTALL_INTERCEPT, IN + 4, 0, HV_INVALID_ALIGNMENT);
	assert_status(HV_CALL_GET_PARTITION_ID, 0, OUT, HV_ACCESS_DENIED);
	assert_false(fake_partition->hv->privileges & HV_PRIVILEGE_PARTITION_ID);
}

/* ---- starting ---- */

static void test_start(void **state)
{
	const uint64_t call = HV_CALL_START_VIRTUAL_PROCESSOR;
	struct hv_start_vp_input *input = in_memory(IN), right;
	struct arch_vp_vtl *a = &fake_partition->vps[2]->vtl[0]->arch;

	(void)state;
	memset(&right, 0, sizeof(right));
	right.partition_id = HV_PARTITION_ID_SELF;
	right.vp_index = 2;
	right.context = (struct hv_initial_vp_context){.rip = 0x1234,
						       .rsp = 0x8000,
						       .rflags = 2,
						       .cs = {.selector = 8},
						       .ldtr = {.base = 7},
						       .gdtr = {.base = 5},
						       .efer = 0x500,
						       .cr0 = 1,
						       .cr3 = 0x3000,
						       .cr4 = 0x20,
						       .pat = 6};
	*input = right;
	assert_status(call, IN, 0, HV_INVALID_VP_STATE);
	a->activity = ACTIVITY_WAIT_FOR_SIPI;
	fake_partition->vps[2]->requests = VP_REQUEST_INIT;
	assert_status(call, IN, 0, HV_INVALID_VP_STATE);
	fake_partition->vps[2]->requests = 0;
	fake_set_status = STATUS_INVALID_REGISTER_VALUE;
	assert_status(call, IN, 0, HV_INVALID_REGISTER_VALUE);
	assert_int_equal(stub_requests[2], 0);
	fake_set_status = STATUS_OK;
	input->target_vtl = 1;
	assert_status(call, IN, 0, HV_ACCESS_DENIED);
	input->target_vtl = 0x10;
	assert_status(call, IN, 0, HV_INVALID_PARAMETER);
	*input = right;
	input->vp_index = FAKE_VPS;
	assert_status(call, IN, 0, HV_INVALID_VP_INDEX);
	*input = right;
	input->partition_id = 2;
	assert_status(call, IN, 0, HV_ACCESS_DENIED);
	*input = right;
	assert_status(call | FAST, HV_PARTITION_ID_SELF, 2, HV_INVALID_HYPERCALL_INPUT);
	assert_status(call, IN + 0xf18, 0, HV_INVALID_ALIGNMENT);
	fake_partition->hv->privileges &= ~HV_PRIVILEGE_START_VP;
	assert_status(call, IN, 0, HV_ACCESS_DENIED);
	fake_partition->hv->privileges |= HV_PRIVILEGE_START_VP;
	assert_int_equal(a->activity, ACTIVITY_WAIT_FOR_SIPI);

	assert_status(call, IN, 0, HV_SUCCESS);
	assert_ptr_equal(fake_called, fake_partition->vps[2]);
	assert_int_equal(a->activity, ACTIVITY_RUNNING);
	assert_int_equal(stub_requests[2], VP_REQUEST_INTERRUPT);
	assert_int_equal(fake_set.rip, 0x1234);
	assert_int_equal(fake_set.gpr[GPR_RSP], 0x8000);
	assert_int_equal(fake_set.rflags, 2);
	assert_int_equal(fake_set.state.segment[SEGMENT_CS].selector, 8);
	assert_int_equal(fake_set.state.segment[SEGMENT_LDTR].base, 7);
	assert_int_equal(fake_set.state.gdtr.base, 5);
	assert_int_equal(fake_set.state.cr3, 0x3000);
	assert_int_equal(fake_set.state.cr4, 0x20);
	assert_int_equal(fake_set.state.efer, 0x500);
	assert_int_equal(fake_set.state.pat, 6);
	assert_status(call, IN, 0, HV_INVALID_VP_STATE);
	input->vp_index = HV_VP_INDEX_SELF;
	assert_status(call, IN, 0, HV_INVALID_VP_STATE);
}

/* ---- registers of other VPs ---- */

static void test_registers_of_others(void **state)
{
	const uint64_t call = HV_CALL_SET_VP_REGISTERS | REPS(1);
	struct hv_registers_input *input = in_memory(IN);
	struct hv_register_assoc *regs = (void *)(input + 1);
	struct vp *other = fake_partition->vps[5];

	(void)state;
	*input = (struct hv_registers_input){.partition_id = HV_PARTITION_ID_SELF, .vp_index = 5};
	regs[0] = (struct hv_register_assoc){.name = NAME_RBX, .value = {.low = 9}};
	assert_status(call, IN, 0, HV_SUCCESS | DONE(1));
	assert_ptr_equal(fake_called, other);
	assert_int_equal(other->arch.gpr[GPR_RBX], 9);
	assert_int_equal(stub_requests[5], VP_REQUEST_INTERRUPT);
	/* what reaches beyond the VP */
	regs[0].name = HV_X64_REGISTER_TSC;
	assert_status(call, IN, 0, HV_INVALID_VP_STATE);
	regs[0].name = HV_X64_REGISTER_APIC_BASE;
	assert_status(call, IN, 0, HV_INVALID_VP_STATE);
	regs[0].name = 0x00210; /* GuestCrashP0 */
	assert_status(call, IN, 0, HV_INVALID_VP_STATE);
	/* pages that its own CPU works with */
	regs[0] = (struct hv_register_assoc){.name = 0x90013, .value = {.low = 0x5001}};
	assert_status(call, IN, 0, HV_INVALID_VP_STATE);
	assert_int_equal(other->vtl[0]->assist.value, 0);
	regs[0] = (struct hv_register_assoc){.name = 0xa0012, .value = {.low = 0x5001}};
	assert_status(call, IN, 0, HV_INVALID_VP_STATE);
	regs[0] = (struct hv_register_assoc){.name = 0xa0013, .value = {.low = 0x5001}};
	assert_status(call, IN, 0, HV_INVALID_VP_STATE);
	regs[0] = (struct hv_register_assoc){.name = NAME_RBX, .value = {.low = BIT(63)}};
	assert_status(call, IN, 0, HV_INVALID_REGISTER_VALUE);
	/* which may be away for now */
	fake_call_status = STATUS_BUSY;
	fake_vp->arch.gpr[GPR_RCX] = call;
	fake_instruction(3);
	assert_int_equal(fake_vp->vtl[0]->arch.rip, FAKE_RIP);
	fake_call_status = STATUS_OK;
	input->vp_index = FAKE_VPS;
	assert_status(call, IN, 0, HV_INVALID_VP_INDEX);
	input->vp_index = 5;
	input->target_vtl = HV_INPUT_VTL_USE | 2;
	assert_status(call, IN, 0, HV_ACCESS_DENIED);
}

/* ---- translating ---- */

#define TABLES	     0x3000u /* top, middle, lower, lowest */
#define GVA	     0x8080604000ull
#define CR4_PAE_BIT  BIT(5)
#define CR0_PG_BIT   BIT(31)
#define CR0_WP_BIT   BIT(16)
#define CR4_SMEP_BIT BIT(20)
#define CR4_SMAP_BIT BIT(21)
#define EFER_NXE_BIT BIT(11)
#define P	     1u
#define W	     2u
#define U	     4u
#define ACCESSED     0x20u
#define DIRTY	     0x40u
#define LARGE	     0x80u
#define NX	     BIT(63)

static struct hv_translate_input *translation;
static const struct hv_translate_output *found;

static uint64_t *entry(unsigned int level, unsigned int index)
{
	return (uint64_t *)in_memory(TABLES + level * 0x1000) + index;
}

/* GVA has index 1, 2, 3, 4 in the tables, and is the page 0x5000. Only tables 0 to 2 have memory of their
 * own: the lowest shares that of the third. */
static void tables_make(void)
{
	stub_state.cr0 |= CR0_PG_BIT | CR0_WP_BIT;
	stub_state.cr4 = CR4_PAE_BIT;
	stub_state.efer |= EFER_NXE_BIT;
	stub_state.cr3 = TABLES | 0x18;
	stub_state.pat = 0x0007040600070406ull;
	*entry(0, 1) = (TABLES + 0x1000) | P | W | U;
	*entry(1, 2) = (TABLES + 0x2000) | P | W | U;
	*entry(2, 3) = (TABLES + 0x2000) | P | W | U;
	*entry(2, 4) = 0x2000 | P | W | U;
	translation = in_memory(IN);
	*translation = (struct hv_translate_input){.partition_id = HV_PARTITION_ID_SELF,
						   .vp_index = HV_VP_INDEX_SELF,
						   .gva_page = GVA >> PAGE_SHIFT};
	found = in_memory(OUT);
}

/* A caller without long mode uses other registers: then without the call. */
static uint32_t translates(uint64_t flags)
{
	uint32_t error;

	translation->flags = flags;
	if (!(stub_state.efer & EFER_LMA)) {
		memset(in_memory(OUT), 0, 16);
		assert_int_equal(
			arch_translate(fake_vp, 0, translation, true, in_memory(OUT), &error),
			STATUS_OK);
		return found->result.code;
	}
	memset(in_memory(OUT), 0x5a, 16);
	assert_status(HV_CALL_TRANSLATE_VIRTUAL_ADDRESS, IN, OUT, HV_SUCCESS);
	return found->result.code;
}

static void test_translate(void **state)
{
	const uint64_t all = HV_TRANSLATE_READ | HV_TRANSLATE_WRITE | HV_TRANSLATE_EXECUTE;

	(void)state;
	tables_make();
	assert_int_equal(translates(all), HV_TRANSLATED);
	assert_int_equal(fake_outsides, 1);
	assert_int_equal(found->gpa_page, 2);
	assert_int_equal(found->result.cache_type, HV_CACHE_TYPE_WRITE_BACK);
	assert_int_equal(found->result.overlay, 0);
	assert_false(*entry(2, 4) & ACCESSED);
	/* caching as the entry says */
	*entry(2, 4) |= 0x10;
	assert_int_equal(translates(0), HV_TRANSLATED);
	assert_int_equal(found->result.cache_type, 0); /* UC- */
	*entry(2, 4) ^= 0x18;
	assert_int_equal(translates(0), HV_TRANSLATED);
	assert_int_equal(found->result.cache_type, 4);
	*entry(2, 4) &= ~0x18ull;
	/* what the page is */
	fake_overlay = 0x2000;
	assert_int_equal(translates(all), HV_TRANSLATED);
	assert_int_equal(found->result.overlay, 1);
	fake_overlay = GPA_NOWHERE;
	*entry(2, 4) = FAKE_READ_ONLY_PAGE | P | W | U;
	assert_int_equal(translates(HV_TRANSLATE_READ), HV_TRANSLATED);
	assert_int_equal(translates(HV_TRANSLATE_WRITE), HV_TRANSLATE_GPA_NO_WRITE_ACCESS);
	*entry(2, 4) = 0x100000 | P | W | U;
	assert_int_equal(translates(0), HV_TRANSLATE_GPA_UNMAPPED);
	/* a table that is nowhere, and entries that are none */
	*entry(1, 2) = 0x100000 | P | W | U;
	assert_int_equal(translates(0), HV_TRANSLATE_GPA_UNMAPPED);
	*entry(1, 2) = 0;
	assert_int_equal(translates(0), HV_TRANSLATE_NOT_PRESENT);
	assert_int_equal(translates(HV_TRANSLATE_EXEMPT), HV_TRANSLATE_NOT_PRESENT);
	translation->gva_page = BIT(47) >> PAGE_SHIFT;
	assert_int_equal(translates(0), HV_TRANSLATE_NOT_PRESENT);
	/* without paging */
	stub_state.cr0 = CR0_PE;
	stub_state.efer = 0;
	translation->gva_page = 4;
	assert_int_equal(translates(all), HV_TRANSLATED);
	assert_int_equal(found->gpa_page, 4);
}

static void test_translate_rights(void **state)
{
	const uint64_t user = HV_TRANSLATE_USER, supervisor = HV_TRANSLATE_SUPERVISOR;

	(void)state;
	tables_make();
	*entry(1, 2) &= ~(uint64_t)U;
	assert_int_equal(translates(user), HV_TRANSLATE_PRIVILEGE_VIOLATION);
	assert_int_equal(translates(supervisor | HV_TRANSLATE_WRITE), HV_TRANSLATED);
	assert_int_equal(translates(supervisor | user), HV_TRANSLATE_PRIVILEGE_VIOLATION);
	assert_int_equal(translates(user | HV_TRANSLATE_EXEMPT), HV_TRANSLATED);
	assert_int_equal(translates(0), HV_TRANSLATED); /* the VP's own level */
	stub_state.segment[SEGMENT_SS].attributes = 0;	/* which a caller has */
	*entry(1, 2) = (TABLES + 0x2000) | P | U;
	assert_int_equal(translates(user | HV_TRANSLATE_WRITE), HV_TRANSLATE_PRIVILEGE_VIOLATION);
	assert_int_equal(translates(user | HV_TRANSLATE_READ), HV_TRANSLATED);
	assert_int_equal(translates(supervisor | HV_TRANSLATE_WRITE),
			 HV_TRANSLATE_PRIVILEGE_VIOLATION);
	stub_state.cr0 &= ~CR0_WP_BIT;
	assert_int_equal(translates(supervisor | HV_TRANSLATE_WRITE), HV_TRANSLATED);
	assert_int_equal(translates(user | HV_TRANSLATE_WRITE), HV_TRANSLATE_PRIVILEGE_VIOLATION);
	*entry(1, 2) = (TABLES + 0x2000) | P | W | U | NX;
	assert_int_equal(translates(user | HV_TRANSLATE_EXECUTE), HV_TRANSLATE_PRIVILEGE_VIOLATION);
	assert_int_equal(translates(user | HV_TRANSLATE_READ), HV_TRANSLATED);
	/* SMEP, SMAP */
	*entry(1, 2) &= ~NX;
	stub_state.cr4 |= CR4_SMEP_BIT | CR4_SMAP_BIT;
	assert_int_equal(translates(supervisor | HV_TRANSLATE_EXECUTE),
			 HV_TRANSLATE_PRIVILEGE_VIOLATION);
	assert_int_equal(translates(supervisor | HV_TRANSLATE_READ),
			 HV_TRANSLATE_PRIVILEGE_VIOLATION);
	assert_int_equal(translates(supervisor | HV_TRANSLATE_READ | HV_TRANSLATE_OVERRIDE_SMAP),
			 HV_TRANSLATED);
	fake_vp->vtl[0]->arch.rflags = BIT(18);
	assert_int_equal(translates(supervisor | HV_TRANSLATE_READ), HV_TRANSLATED);
	assert_int_equal(translates(supervisor | HV_TRANSLATE_READ | HV_TRANSLATE_ENFORCE_SMAP),
			 HV_TRANSLATE_PRIVILEGE_VIOLATION);
	assert_int_equal(translates(user | HV_TRANSLATE_READ), HV_TRANSLATED);
}

static void test_translate_forms(void **state)
{
	(void)state;
	tables_make();
	/* reserved bits */
	*entry(0, 1) |= BIT(50);
	assert_int_equal(translates(0), HV_TRANSLATE_INVALID_FLAGS);
	*entry(0, 1) &= ~BIT(50);
	*entry(0, 1) |= LARGE;
	assert_int_equal(translates(0), HV_TRANSLATE_INVALID_FLAGS);
	*entry(0, 1) &= ~(uint64_t)LARGE;
	*entry(2, 4) |= NX;
	assert_int_equal(translates(0), HV_TRANSLATED);
	stub_state.efer &= ~EFER_NXE_BIT;
	assert_int_equal(translates(0), HV_TRANSLATE_INVALID_FLAGS);
	/* a page of 2 MiB: its bits 20 to 13 are reserved */
	*entry(2, 3) = P | W | U | LARGE;
	assert_int_equal(translates(0), HV_TRANSLATED);
	assert_int_equal(found->gpa_page, (GVA >> PAGE_SHIFT) & 0x1ff);
	*entry(2, 3) |= BIT(13);
	assert_int_equal(translates(0), HV_TRANSLATE_INVALID_FLAGS);
	/* and of 1 GiB, which this processor has */
	*entry(1, 2) = P | LARGE;
	translation->gva_page = (GVA & ~MASK(30)) >> PAGE_SHIFT | 2;
	assert_int_equal(translates(0), HV_TRANSLATED);
	assert_int_equal(found->gpa_page, 2);
	/* five levels: the top has index 0 */
	stub_state.cr4 |= BIT(12);
	*entry(0, 0) = TABLES | P;
	assert_int_equal(translates(0), HV_TRANSLATED);
	stub_state.cr4 &= ~BIT(12);
	/* PAE: four entries at the top, without rights of their own */
	stub_state.efer = 0;
	*entry(0, 2) = (TABLES + 0x1000) | P;
	*entry(1, 3) = (TABLES + 0x2000) | P | W | U;
	*entry(2, 4) = 0x2000 | P | W | U;
	translation->gva_page = 0x80604000 >> PAGE_SHIFT;
	assert_int_equal(translates(HV_TRANSLATE_USER | HV_TRANSLATE_WRITE), HV_TRANSLATED);
	assert_int_equal(found->gpa_page, 2);
	*entry(0, 2) |= W;
	assert_int_equal(translates(0), HV_TRANSLATE_INVALID_FLAGS);
	translation->gva_page = BIT(32) >> PAGE_SHIFT;
	assert_int_equal(translates(0), HV_TRANSLATE_NOT_PRESENT);
	/* two levels of 4-byte entries, with and without large pages */
	stub_state.cr4 = 0;
	((uint32_t *)entry(0, 0))[1] = (TABLES + 0x1000) | P | W | U | LARGE;
	((uint32_t *)entry(1, 0))[4] = 0x4000 | P | W | U;
	translation->gva_page = 0x404000 >> PAGE_SHIFT;
	assert_int_equal(translates(0), HV_TRANSLATED);
	assert_int_equal(found->gpa_page, 4);
	stub_state.cr4 = BIT(4);
	((uint32_t *)entry(0, 0))[1] = P | LARGE;
	assert_int_equal(translates(0), HV_TRANSLATED);
	assert_int_equal(found->gpa_page, 4);
	((uint32_t *)entry(0, 0))[1] |= BIT(21);
	assert_int_equal(translates(0), HV_TRANSLATE_INVALID_FLAGS);
	((uint32_t *)entry(0, 0))[1] = P | LARGE | BIT(13);
	assert_int_equal(translates(0), HV_TRANSLATE_GPA_UNMAPPED);
}

static void test_translate_marks(void **state)
{
	(void)state;
	tables_make();
	assert_int_equal(translates(HV_TRANSLATE_SET_BITS | HV_TRANSLATE_READ), HV_TRANSLATED);
	assert_true(*entry(0, 1) & *entry(1, 2) & *entry(2, 3) & *entry(2, 4) & ACCESSED);
	assert_false(*entry(2, 4) & DIRTY);
	assert_int_equal(translates(HV_TRANSLATE_SET_BITS | HV_TRANSLATE_WRITE), HV_TRANSLATED);
	assert_true(*entry(2, 4) & DIRTY);
	assert_false(*entry(2, 3) & DIRTY);
	/* what may not be done leaves no trace */
	tables_make();
	*entry(1, 2) &= ~(uint64_t)U;
	assert_int_equal(translates(HV_TRANSLATE_SET_BITS | HV_TRANSLATE_USER),
			 HV_TRANSLATE_PRIVILEGE_VIOLATION);
	assert_false(*entry(0, 1) & ACCESSED);
	/* an entry that changes meanwhile: once more */
	tables_make();
	fake_memory_changes = true;
	assert_int_equal(translates(HV_TRANSLATE_SET_BITS), HV_TRANSLATED);
	assert_int_equal(fake_outsides, 2);
	assert_true(*entry(0, 1) & ACCESSED);
}

static void test_translate_ex(void **state)
{
	const struct hv_translate_ex_output *ex = in_memory(OUT);
	const uint64_t call = HV_CALL_TRANSLATE_VIRTUAL_ADDRESS_EX;

	(void)state;
	tables_make();
	memset(in_memory(OUT), 0x5a, sizeof(*ex));
	assert_status(call, IN, OUT, HV_SUCCESS);
	assert_int_equal(ex->result.code, HV_TRANSLATED);
	assert_int_equal(ex->gpa_page, 2);
	assert_int_equal(ex->event[0] | ex->event[1] | ex->event[2] | ex->event[3], 0);
	*entry(1, 2) &= ~(uint64_t)U;
	translation->flags = HV_TRANSLATE_USER | HV_TRANSLATE_WRITE;
	assert_status(call, IN, OUT, HV_SUCCESS);
	assert_int_equal(ex->result.code, HV_TRANSLATE_PRIVILEGE_VIOLATION);
	assert_int_equal(ex->event[0], 0x0000000700000000 | 14 << 16 | 0x101);
	assert_int_equal(ex->event[1], GVA);
	*entry(1, 2) = 0;
	translation->flags = HV_TRANSLATE_EXECUTE;
	assert_status(call, IN, OUT, HV_SUCCESS);
	assert_int_equal(ex->result.code, HV_TRANSLATE_NOT_PRESENT);
	assert_int_equal(ex->event[0] >> 32, 0x10);
	*entry(1, 2) = 0x100000 | P;
	assert_status(call, IN, OUT, HV_SUCCESS);
	assert_int_equal(ex->result.code, HV_TRANSLATE_GPA_UNMAPPED);
	assert_int_equal(ex->event[0], 0);
}

static void test_translate_wrong(void **state)
{
	const uint64_t call = HV_CALL_TRANSLATE_VIRTUAL_ADDRESS;

	(void)state;
	tables_make();
	translation->flags = BIT(10);
	assert_status(call, IN, OUT, HV_INVALID_PARAMETER);
	translation->flags = HV_TRANSLATE_ENFORCE_SMAP | HV_TRANSLATE_OVERRIDE_SMAP;
	assert_status(call, IN, OUT, HV_INVALID_PARAMETER);
	translation->flags = (uint64_t)(HV_INPUT_VTL_USE | 1) << HV_TRANSLATE_VTL_SHIFT;
	assert_status(call, IN, OUT, HV_ACCESS_DENIED);
	translation->flags = (uint64_t)0x20 << HV_TRANSLATE_VTL_SHIFT;
	assert_status(call, IN, OUT, HV_INVALID_PARAMETER);
	translation->flags = 0;
	translation->gva_page = BIT(52);
	assert_status(call, IN, OUT, HV_INVALID_PARAMETER);
	translation->gva_page = 0;
	translation->vp_index = FAKE_VPS;
	assert_status(call, IN, OUT, HV_INVALID_VP_INDEX);
	translation->vp_index = 3;
	assert_status(call, IN, OUT, HV_SUCCESS);
	assert_ptr_equal(fake_called, fake_partition->vps[3]);
	assert_status(call, IN, OUT + 0xff8, HV_INVALID_ALIGNMENT);
	translation->partition_id = 5;
	assert_status(call, IN, OUT, HV_ACCESS_DENIED);
	fake_partition->hv->privileges = 0;
	assert_status(call, IN, OUT, HV_ACCESS_DENIED);
	assert_status(HV_CALL_TRANSLATE_VIRTUAL_ADDRESS_EX, IN, OUT, HV_ACCESS_DENIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ipi),
		TEST(ipi_ex),
		TEST(ipi_of_the_vmm),
		TEST(assert),
		TEST(flush_ex),
		TEST(flush_physical),
		TEST(property),
		TEST(denied),
		TEST(start),
		TEST(registers_of_others),
		TEST(translate),
		TEST(translate_rights),
		TEST(translate_forms),
		TEST(translate_marks),
		TEST(translate_ex),
		TEST(translate_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
