/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls from the instruction on: who may make them, how parameters come in and go out, which status
 * each mistake has, and what the first calls do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <hv_call.h>
#include <kernel/cpu.h>
#include <trivet/hv/features.h>

#include "hypercall_guest.h"

#define START(n) ((uint64_t)(n) << HV_CALL_REP_START_SHIFT)

/* ---- who may call ---- */

static void test_environment(void **state)
{
	(void)state;
	fake_vp->arch.gpr[GPR_RCX] = HV_CALL_NOTIFY_LONG_SPIN_WAIT | FAST;
	fake_partition->hv->vtl[0].guest_os_id = 0;
	fake_instruction(1);
	assert_int_equal(fake_fault, EXCEPTION_UD);
	fake_partition->hv->vtl[0].guest_os_id = 1;
	stub_state.segment[SEGMENT_SS].attributes = 3 << HV_SEGMENT_DPL_SHIFT;
	fake_instruction(1);
	assert_int_equal(fake_fault, EXCEPTION_UD);
	stub_state.segment[SEGMENT_SS].attributes = 0;
	stub_state.cr0 = 0;
	fake_instruction(1);
	assert_int_equal(fake_fault, EXCEPTION_UD);
	stub_state.cr0 = CR0_PE;
	fake_instruction(1);
	assert_int_equal(fake_fault, -1);
	assert_int_equal(fake_vp->vtl[0]->arch.rip, FAKE_NEXT);
}

static void test_without_the_interface(void **state)
{
	struct hv_partition *hv = fake_partition->hv;

	(void)state;
	fake_partition->hv = NULL;
	fake_instruction(1);
	assert_int_equal(fake_fault, EXCEPTION_UD);
	fake_partition->hv = hv;
}

/* ---- the input value ---- */

static void test_input_value(void **state)
{
	unsigned int bit;

	(void)state;
	assert_status(0, 0, 0, HV_INVALID_HYPERCALL_CODE);
	assert_status(0x8002 | FAST, 0, 0, HV_INVALID_HYPERCALL_CODE);
	assert_status(HV_CALL_NOTIFY_LONG_SPIN_WAIT | FAST, 0, 0, HV_SUCCESS);
	for (bit = 17; bit < 64; bit++)
		assert_status(HV_CALL_NOTIFY_LONG_SPIN_WAIT | FAST | BIT(bit), 0, 0,
			      HV_INVALID_HYPERCALL_INPUT);
	/* A rep call needs reps, and a start below them. */
	assert_status(HV_CALL_GET_VP_INDEX_FROM_APIC_ID, IN, OUT, HV_INVALID_HYPERCALL_INPUT);
	assert_status(HV_CALL_GET_VP_INDEX_FROM_APIC_ID | REPS(2) | START(2), IN, OUT,
		      HV_INVALID_HYPERCALL_INPUT);
	assert_status(HV_CALL_GET_VP_INDEX_FROM_APIC_ID | REPS(1) | BIT(17), IN, OUT,
		      HV_INVALID_HYPERCALL_INPUT);
}

static void test_addresses(void **state)
{
	const uint64_t spin = HV_CALL_NOTIFY_LONG_SPIN_WAIT, ask = HV_EXT_CALL_QUERY_CAPABILITIES;
	const uint64_t index = HV_CALL_GET_VP_INDEX_FROM_APIC_ID;

	(void)state;
	assert_status(spin, IN, 0, HV_SUCCESS);
	assert_status(spin, IN + 4, 0, HV_INVALID_ALIGNMENT);
	assert_status(spin, BIT(46), 0, HV_INVALID_ALIGNMENT);
	assert_status(spin, UINT64_MAX - 7, 0, HV_INVALID_ALIGNMENT);
	assert_status(spin, FAKE_MEMORY, 0, HV_INVALID_HYPERCALL_INPUT); /* not mapped */
	assert_status(spin, IN + 0xff8, 0, HV_SUCCESS);
	/* without an input, its address does not matter; so with the output's */
	assert_status(ask, 1, OUT, HV_SUCCESS);
	assert_status(spin, IN, 1, HV_SUCCESS);
	assert_status(ask, 0, OUT + 1, HV_INVALID_ALIGNMENT);
	assert_status(ask, 0, FAKE_MEMORY, HV_INVALID_HYPERCALL_INPUT);
	assert_status(ask, 0, FAKE_READ_ONLY_PAGE, HV_INVALID_HYPERCALL_INPUT);
	/* lists across pages */
	memset(in_memory(IN), 0xff, 8);
	assert_status(index | REPS(1020), IN, OUT, HV_SUCCESS | DONE(1020));
	assert_status(index | REPS(1021), IN, OUT, HV_INVALID_ALIGNMENT);
	assert_status(index | REPS(1), IN + 0xff0, OUT, HV_INVALID_ALIGNMENT);
	memset(in_memory(IN + 0xfe8), 0xff, 8);
	memset(in_memory(IN + 0xff0), 0, 8);
	assert_status(index | REPS(1), IN + 0xfe8, OUT + 0xff8, HV_SUCCESS | DONE(1));
	assert_status(index | REPS(2), IN + 0xfe8, OUT + 0xff8, HV_SUCCESS | DONE(2));
	memset(in_memory(IN + 0xfe0), 0xff, 8);
	assert_status(index | REPS(3), IN + 0xfe0, OUT + 0xff8, HV_INVALID_ALIGNMENT);
}

static void test_privileges(void **state)
{
	(void)state;
	fake_partition->hv->privileges = 0;
	assert_status(HV_EXT_CALL_QUERY_CAPABILITIES, 0, OUT, HV_ACCESS_DENIED);
	assert_status(HV_CALL_GET_VP_REGISTERS | REPS(1), IN, OUT, HV_ACCESS_DENIED);
	assert_status(HV_CALL_SET_VP_REGISTERS | REPS(1), IN, OUT, HV_ACCESS_DENIED);
	assert_status(HV_CALL_NOTIFY_LONG_SPIN_WAIT | FAST, 0, 0, HV_SUCCESS);
}

/* ---- registers of the caller ---- */

static void test_wide_and_narrow(void **state)
{
	uint64_t *gpr = fake_vp->arch.gpr;

	(void)state;
	memset(in_memory(OUT), 0x5a, 8);
	assert_status(HV_EXT_CALL_QUERY_CAPABILITIES, 0, OUT, HV_SUCCESS);
	assert_int_equal(*(uint64_t *)in_memory(OUT), 0);
	/* a fast one has its answer in RDX */
	assert_status(HV_EXT_CALL_QUERY_CAPABILITIES | FAST, 7, 8, HV_SUCCESS);
	assert_int_equal(gpr[GPR_RDX], 0);
	assert_int_equal(gpr[GPR_R8], 8);
	assert_int_equal(fake_outsides, 0);
	/* a 32-bit caller, though in long mode */
	stub_state.segment[SEGMENT_CS].attributes = 0x409b;
	memset(in_memory(OUT), 0x5a, 8);
	gpr[GPR_RDX] = 0xffffffff00000000;
	gpr[GPR_RAX] = 0xffffffff00000000 | HV_EXT_CALL_QUERY_CAPABILITIES;
	gpr[GPR_RBX] = gpr[GPR_RCX] = 0;
	gpr[GPR_RDI] = 0;
	gpr[GPR_RSI] = 0x700000000 | OUT;
	fake_instruction(1);
	assert_int_equal(gpr[GPR_RAX], HV_SUCCESS);
	assert_int_equal(gpr[GPR_RDX], 0);
	assert_int_equal(*(uint64_t *)in_memory(OUT), 0);
	/* its fast calls have no output */
	gpr[GPR_RDX] = 0;
	gpr[GPR_RAX] = HV_EXT_CALL_QUERY_CAPABILITIES | FAST;
	fake_instruction(1);
	assert_int_equal(gpr[GPR_RAX], HV_INVALID_HYPERCALL_INPUT);
	/* EBX:ECX is the first parameter: here, which VPs; XMM0 the third word */
	gpr[GPR_RDX] = 0;
	gpr[GPR_RAX] = HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE | FAST;
	gpr[GPR_RBX] = gpr[GPR_RCX] = gpr[GPR_RSI] = gpr[GPR_RDI] = 0;
	fake_xmm[0][0] = BIT(3);
	fake_instruction(1);
	assert_int_equal(gpr[GPR_RAX], HV_SUCCESS);
	assert_true(fake_partition->vps[3]->requests & VP_REQUEST_FLUSH);
	assert_false(fake_partition->vps[4]->requests & VP_REQUEST_FLUSH);
	/* the result's upper half */
	*(uint64_t *)in_memory(IN) = HV_PARTITION_ID_SELF;
	gpr[GPR_RDX] = 1;
	gpr[GPR_RAX] = HV_CALL_GET_VP_INDEX_FROM_APIC_ID;
	gpr[GPR_RCX] = IN;
	gpr[GPR_RSI] = OUT;
	fake_instruction(1);
	assert_int_equal(gpr[GPR_RAX], HV_SUCCESS);
	assert_int_equal(gpr[GPR_RDX], 1);
}

/* Six XMM registers go in, and come out behind the input. */
static void test_xmm(void **state)
{
	uint64_t *gpr = fake_vp->arch.gpr;
	int i;

	(void)state;
	fake_partition->vps[2]->arch.gpr[GPR_RBX] = 0x1234;
	fake_xmm[0][0] = NAME_RBX | 0x90003ull << 32; /* and HvRegisterVpIndex */
	for (i = 1; i < 6; i++)
		fake_xmm[i][0] = fake_xmm[i][1] = 0x5a5a;
	assert_status(HV_CALL_GET_VP_REGISTERS | FAST | REPS(2), HV_PARTITION_ID_SELF, 2,
		      HV_SUCCESS | DONE(2));
	assert_int_equal(fake_outsides, 1);
	assert_int_equal(gpr[GPR_RDX], HV_PARTITION_ID_SELF);
	assert_int_equal(gpr[GPR_R8], 2);
	assert_int_equal(fake_xmm[0][0], NAME_RBX | 0x90003ull << 32);
	assert_int_equal(fake_xmm[1][0], 0x1234);
	assert_int_equal(fake_xmm[1][1], 0);
	assert_int_equal(fake_xmm[2][0], 2);
	assert_int_equal(fake_xmm[3][0], 0x5a5a);
	/* 16 and 4 * 4 bytes in leave 80 for 5 values; with one name more they are too many */
	fake_xmm[0][0] = fake_xmm[0][1] = NAME_RBX | (uint64_t)NAME_RBX << 32;
	assert_status(HV_CALL_GET_VP_REGISTERS | FAST | REPS(4), HV_PARTITION_ID_SELF, 2,
		      HV_SUCCESS | DONE(4));
	assert_status(HV_CALL_GET_VP_REGISTERS | FAST | REPS(5), HV_PARTITION_ID_SELF, 2,
		      HV_INVALID_HYPERCALL_INPUT);
	/* 16 + 3 * 32 bytes fill all 112, one more does not fit */
	fake_xmm[0][0] = fake_xmm[2][0] = fake_xmm[4][0] = NAME_RBX;
	fake_xmm[0][1] = fake_xmm[2][1] = fake_xmm[4][1] = 0;
	fake_xmm[1][0] = 1;
	fake_xmm[3][0] = 2;
	fake_xmm[5][0] = 3;
	assert_status(HV_CALL_SET_VP_REGISTERS | FAST | REPS(3), HV_PARTITION_ID_SELF,
		      HV_VP_INDEX_SELF, HV_SUCCESS | DONE(3));
	assert_int_equal(gpr[GPR_RBX], 3);
	assert_status(HV_CALL_SET_VP_REGISTERS | FAST | REPS(4), HV_PARTITION_ID_SELF,
		      HV_VP_INDEX_SELF, HV_INVALID_HYPERCALL_INPUT);
	/* without the feature */
	fake_partition->hv->features = 0;
	assert_status(HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE | FAST, 0, 0, HV_INVALID_HYPERCALL_INPUT);
}

/* ---- calls ---- */

static void test_long_spin(void **state)
{
	(void)state;
	assert_status(HV_CALL_NOTIFY_LONG_SPIN_WAIT | FAST, 100, 0, HV_SUCCESS);
	assert_true(fake_yields);
}

/* Threads in pairs: the ids of 70 VPs leave no gap; beyond them there is nobody. */
static void test_vp_index(void **state)
{
	const uint64_t call = HV_CALL_GET_VP_INDEX_FROM_APIC_ID;
	struct hv_vp_index_input *input = in_memory(IN);
	uint32_t *ids = (uint32_t *)(input + 1), *indices = in_memory(OUT), i;

	(void)state;
	input->partition_id = HV_PARTITION_ID_SELF;
	for (i = 0; i < 100; i++)
		ids[i] = 99 - i;
	assert_status(call | REPS(100) | START(40), IN, OUT, HV_SUCCESS | DONE(100));
	assert_int_equal(indices[40], 59);
	assert_int_equal(indices[99], 0);
	assert_int_equal(indices[39], 0); /* not asked for */
	ids[50] = 70;
	assert_status(call | REPS(100) | START(40), IN, OUT, HV_INVALID_PARAMETER | DONE(50));
	/* It goes on in turns, and the guest's register says where. */
	fake_vp->arch.gpr[GPR_RCX] = call | REPS(100) | START(60);
	fake_vp->arch.gpr[GPR_RDX] = IN;
	fake_vp->arch.gpr[GPR_R8] = OUT;
	fake_instruction(1);
	assert_int_equal(fake_vp->vtl[0]->arch.rip, FAKE_RIP);
	assert_int_equal(fake_vp->arch.gpr[GPR_RCX], call | REPS(100) | START(76));
	fake_instruction(2);
	assert_int_equal(fake_vp->vtl[0]->arch.rip, FAKE_NEXT);
	assert_int_equal(fake_vp->arch.gpr[GPR_RAX], DONE(100));
	input->partition_id = 0;
	assert_status(call | REPS(1), IN, OUT, HV_ACCESS_DENIED);
	input->partition_id = HV_PARTITION_ID_SELF;
	input->target_vtl = HV_INPUT_VTL_USE | 1;
	assert_status(call | REPS(1), IN, OUT, HV_ACCESS_DENIED);
	input->target_vtl = 0x20;
	assert_status(call | REPS(1), IN, OUT, HV_INVALID_PARAMETER);
}

static void test_get_registers(void **state)
{
	const uint64_t call = HV_CALL_GET_VP_REGISTERS;
	struct hv_registers_input *input = in_memory(IN);
	uint32_t *names = (uint32_t *)(input + 1);
	union hv_register_value *values = in_memory(OUT);

	(void)state;
	*input = (struct hv_registers_input){.partition_id = HV_PARTITION_ID_SELF,
					     .vp_index = HV_VP_INDEX_SELF};
	names[0] = 0x90003; /* VpIndex */
	names[1] = 0x00100; /* HypervisorVersion */
	names[2] = 0x00200; /* PrivilegesAndFeaturesInfo */
	names[3] = 0x90002; /* GuestOsId */
	names[4] = 0x00211; /* GuestCrashP1 */
	fake_partition->hv->crash.parameter[1] = 77;
	assert_status(call | REPS(5), IN, OUT, HV_SUCCESS | DONE(5));
	assert_int_equal(fake_outsides, 0);
	assert_int_equal(values[0].low, 1);
	assert_int_equal(values[1].low | values[1].high, 0);
	assert_int_equal(values[2].low, fake_partition->hv->privileges);
	assert_int_equal(values[2].high >> 32, fake_partition->hv->features);
	assert_int_equal(values[3].low, 1);
	assert_int_equal(values[4].low, 77);
	/* the processor's own wait until the VP has left its CPU */
	names[1] = NAME_RBX;
	fake_vp->arch.gpr[GPR_RBX] = 44;
	values[0].low = 0;
	assert_status(call | REPS(2), IN, OUT, HV_SUCCESS | DONE(2));
	assert_int_equal(fake_outsides, 1);
	assert_int_equal(values[0].low, 1);
	assert_int_equal(values[1].low, 44);
	/* another VP's, on its CPU */
	fake_partition->vps[5]->arch.gpr[GPR_RBX] = 55;
	input->vp_index = 5;
	names[0] = NAME_RBX;
	assert_status(call | REPS(1), IN, OUT, HV_SUCCESS | DONE(1));
	assert_ptr_equal(fake_called, fake_partition->vps[5]);
	assert_int_equal(values[0].low, 55);
	/* which may be away for now */
	fake_call_status = STATUS_BUSY;
	fake_vp->arch.gpr[GPR_RCX] = call | REPS(1);
	fake_instruction(3);
	assert_int_equal(fake_vp->vtl[0]->arch.rip, FAKE_RIP);
	assert_int_equal(fake_vp->arch.gpr[GPR_RCX], call | REPS(1));
	fake_call_status = STATUS_OK;
	names[1] = 0x12345;
	assert_status(call | REPS(2), IN, OUT, HV_INVALID_PARAMETER | DONE(1));
	input->vp_index = FAKE_VPS;
	assert_status(call | REPS(2), IN, OUT, HV_INVALID_VP_INDEX);
	input->vp_index = 0;
	input->partition_id = 1;
	assert_status(call | REPS(2), IN, OUT, HV_ACCESS_DENIED);
}

static void test_set_registers(void **state)
{
	const uint64_t call = HV_CALL_SET_VP_REGISTERS;
	struct hv_registers_input *input = in_memory(IN);
	struct hv_register_assoc *regs = (void *)(input + 1);
	uint32_t i;

	(void)state;
	*input = (struct hv_registers_input){.partition_id = HV_PARTITION_ID_SELF, .vp_index = 1};
	regs[0] = (struct hv_register_assoc){.name = NAME_RBX, .value = {.low = 9}};
	regs[1] = (struct hv_register_assoc){.name = 0x00210, .value = {.low = 10}};
	regs[2] = (struct hv_register_assoc){.name = 0x90002, .value = {.low = 11}};
	assert_status(call | REPS(3), IN, 0, HV_SUCCESS | DONE(3));
	assert_int_equal(fake_vp->arch.gpr[GPR_RBX], 9);
	assert_int_equal(fake_partition->hv->crash.parameter[0], 10);
	assert_int_equal(fake_partition->hv->vtl[0].guest_os_id, 11);
	/* what cannot be written, and values that are none */
	regs[0] = (struct hv_register_assoc){.name = 0x90004};
	assert_status(call | REPS(1), IN, 0, HV_INVALID_PARAMETER);
	regs[0] = (struct hv_register_assoc){.name = NAME_RBX, .value = {.low = BIT(63)}};
	assert_status(call | REPS(1), IN, 0, HV_INVALID_REGISTER_VALUE);
	/* RIP goes where it is set. */
	regs[0] = (struct hv_register_assoc){.name = HV_X64_REGISTER_RIP, .value = {.low = 0x77}};
	fake_vp->arch.gpr[GPR_RCX] = call | REPS(1);
	fake_vp->arch.gpr[GPR_RDX] = IN;
	fake_instruction(1);
	assert_int_equal(fake_vp->vtl[0]->arch.rip, 0x77);
	assert_int_equal(fake_vp->arch.gpr[GPR_RAX], DONE(1));
	/* in turns */
	for (i = 0; i < 40; i++)
		regs[i] = (struct hv_register_assoc){.name = NAME_RBX, .value = {.low = i}};
	assert_status(call | REPS(40), IN, 0, HV_SUCCESS | DONE(40));
	assert_int_equal(fake_outsides, 3);
	assert_int_equal(fake_vp->arch.gpr[GPR_RBX], 39);
}

static uint64_t flushed(void)
{
	uint64_t mask = 0;
	uint32_t i;

	for (i = 0; i < FAKE_VPS; i++) {
		if (fake_partition->vps[i]->requests & VP_REQUEST_FLUSH)
			mask |= BIT(i & 63);
		fake_partition->vps[i]->requests = 0;
	}
	return mask;
}

static void test_flush(void **state)
{
	const uint64_t space = HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE;
	const uint64_t list = HV_CALL_FLUSH_VIRTUAL_ADDRESS_LIST | REPS(300);
	struct hv_flush_input *input = in_memory(IN);

	(void)state;
	*input = (struct hv_flush_input){.processor_mask = 0x51};
	assert_status(space, IN, 0, HV_SUCCESS);
	assert_int_equal(fake_outsides, 1);
	assert_int_equal(flushed(), 0x51);
	/* VPs that run are waited for, and the others are not */
	fake_partition->vps[4]->cpu = (struct cpu *)5;
	assert_status(space, IN, 0, HV_SUCCESS);
	assert_int_equal(fake_kicked, BIT(4));
	assert_int_equal(flushed(), 0x41);
	fake_partition->vps[4]->cpu = NULL;
	/* all of them, whatever the mask says */
	*input = (struct hv_flush_input){.flags = 7};
	assert_status(space, IN, 0, HV_SUCCESS);
	assert_true(fake_partition->vps[FAKE_VPS - 1]->requests & VP_REQUEST_FLUSH);
	assert_int_equal(flushed(), UINT64_MAX);
	input->flags = 0;
	assert_status(space, IN, 0, HV_SUCCESS);
	assert_int_equal(flushed(), 0);
	input->flags = BIT(3);
	assert_status(space, IN, 0, HV_INVALID_PARAMETER);
	input->flags = BIT(63);
	assert_status(space, IN, 0, HV_INVALID_PARAMETER);
	*input = (struct hv_flush_input){.flags = 2, .processor_mask = BIT(63)};
	assert_status(list, IN, 0, HV_SUCCESS | DONE(300));
	assert_int_equal(flushed(), BIT(63));
	input->flags = 4; /* makes no sense for a list */
	assert_status(list, IN, 0, HV_INVALID_PARAMETER);
	assert_status(HV_CALL_FLUSH_VIRTUAL_ADDRESS_LIST | REPS(510), IN, 0, HV_INVALID_ALIGNMENT);
}

/* ---- messages and events ---- */

/* A thread that the call has woken is more urgent than the VP. */
static void test_port_calls(void **state)
{
	const struct hv_post_message_input post = {
		.connection = 5, .type = 6, .payload_size = 240, .payload = {[239] = 7}};
	const uint64_t signal = HV_CALL_SIGNAL_EVENT;

	(void)state;
	memcpy(in_memory(IN), &post, sizeof(post));
	assert_status(HV_CALL_POST_MESSAGE, IN, 0, HV_INSUFFICIENT_BUFFERS);
	assert_memory_equal(&fake_posted, &post, sizeof(post));
	assert_status(HV_CALL_POST_MESSAGE, IN + 0xf00, 0, HV_INVALID_PARAMETER); /* all 0 */
	assert_status(HV_CALL_POST_MESSAGE, IN + 0xf08, 0, HV_INVALID_ALIGNMENT);
	assert_status(HV_CALL_POST_MESSAGE | FAST, 5, 6, HV_INVALID_HYPERCALL_INPUT);
	assert_status(signal | FAST, 0x0000000900000005, 0, HV_SUCCESS);
	assert_true(fake_signalled_connection == 5 && fake_signalled_flag == 9);
	assert_status(signal | FAST, 0x0001000900000005, 0, HV_INVALID_PARAMETER);
	*(uint64_t *)in_memory(IN) = 0x0000000400ffffff;
	assert_status(signal, IN, 0, HV_SUCCESS);
	assert_true(fake_signalled_connection == 0xffffff && fake_signalled_flag == 4);
	assert_int_equal(fake_outsides, 0);
	fake_vp->arch.gpr[GPR_RCX] = signal | FAST;
	fake_vp->vtl[0]->arch.rip = FAKE_RIP;
	assert_int_equal(guest_hypercall(fake_vp, FAKE_NEXT, false), VP_CONTINUE);
	fake_cpu->ready.occupied = 1;
	fake_vp->vtl[0]->arch.rip = FAKE_RIP;
	assert_int_equal(guest_hypercall(fake_vp, FAKE_NEXT, false), VP_SWITCH);
	fake_cpu->ready.occupied = 0;
	fake_partition->hv->privileges &=
		~(HV_PRIVILEGE_POST_MESSAGES | HV_PRIVILEGE_SIGNAL_EVENTS);
	assert_status(HV_CALL_POST_MESSAGE, IN, 0, HV_ACCESS_DENIED);
	assert_status(signal | FAST, 5, 0, HV_ACCESS_DENIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(environment),   TEST(without_the_interface),
		TEST(input_value),   TEST(addresses),
		TEST(privileges),    TEST(wide_and_narrow),
		TEST(xmm),	     TEST(long_spin),
		TEST(vp_index),	     TEST(get_registers),
		TEST(set_registers), TEST(flush),
		TEST(port_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
