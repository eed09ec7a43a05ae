/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls from the instruction on: who may make them, how parameters come in and go out, which status
 * each mistake has, and what the calls do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <guest.h>
#include <hv_call.h>
#include <kernel/cpu.h>
#include <kernel/hypercall.h>
#include <kernel/memory_map.h>
#include <kernel/sched.h>
#include <outside.h>
#include <trivet/hv/features.h>

#include "guest_stubs.h"

#define RIP	       0x1000u
#define NEXT	       0x1003u
#define VPS	       70u
#define IN	       0x1000u /* pages of the guest's memory */
#define OUT	       0x2000u
#define READ_ONLY_PAGE 0x3000u
#define MEMORY	       0x4000u
#define FAST	       HV_CALL_FAST
#define REPS(n)	       ((uint64_t)(n) << HV_CALL_REP_COUNT_SHIFT)
#define START(n)       ((uint64_t)(n) << HV_CALL_REP_START_SHIFT)
#define DONE(n)	       ((uint64_t)(n) << HV_RESULT_REPS_SHIFT)
#define CODE_64	       (HV_SEGMENT_L | 0x9b)
#define NAME_RBX       HV_X64_REGISTER_RBX

static struct partition *p;
static struct vp *vp;
static uint8_t memory[MEMORY];
static uint64_t xmm[16][2];
static int fault;
static unsigned int outsides; /* of the last call */
static bool yields;
static status_t call_status;
static struct vp *called;
static uint64_t kicked; /* bits by VP */

static struct cpu cpu;
struct cpu *fake_cpu = &cpu;
void (*fake_relaxed)(void);

/* ---- what the kernel gives ---- */

status_t gpa_read(struct gpa_space *space, gpa_t gpa, void *buffer, size_t size)
{
	assert_ptr_equal(space, p->space[0]);
	if (gpa >= MEMORY)
		return STATUS_INVALID_ADDRESS;
	memcpy(buffer, memory + gpa, size);
	return STATUS_OK;
}

status_t gpa_write(struct gpa_space *space, gpa_t gpa, const void *buffer, size_t size)
{
	assert_ptr_equal(space, p->space[0]);
	if (gpa >= READ_ONLY_PAGE)
		return STATUS_ACCESS_DENIED;
	memcpy(memory + gpa, buffer, size);
	return STATUS_OK;
}

status_t gpa_overlay_move(struct gpa_space *space, struct gpa_overlay *overlay, gpa_t gpa)
{
	(void)space;
	overlay->gpa = gpa;
	return call_status;
}

void *heap_alloc(struct heap *heap, size_t size)
{
	(void)heap;
	return calloc(1, size);
}

void heap_free(struct heap *heap, void *object, size_t size)
{
	(void)heap;
	(void)size;
	free(object);
}

uint64_t partition_reference_time_at(const struct partition *partition, uint64_t timestamp)
{
	(void)partition;
	return timestamp;
}

uint64_t partition_reference_time(const struct partition *partition)
{
	return partition_reference_time_at(partition, fake_timestamp);
}

bool arch_partition_tsc_at(const struct partition *partition, uint64_t timestamp, uint64_t *tsc)
{
	(void)partition;
	*tsc = timestamp;
	return true;
}

void *fpu_xmm(struct fpu_state *state, unsigned int number)
{
	assert_ptr_equal(state, &vp->arch.fpu);
	return xmm[number];
}

void guest_exception(struct vp *v, uint8_t vector, bool has_error, uint32_t error)
{
	assert_ptr_equal(v, vp);
	(void)has_error;
	(void)error;
	fault = vector;
}

void guest_debug_flags_done(struct vp *v)
{
	(void)v;
	fail();
}

static struct hv_post_message_input posted;
static uint32_t signalled_connection, signalled_flag;

uint16_t port_post(struct vp *v, uint32_t vtl, const struct hv_post_message_input *input)
{
	assert_true(v == vp && vtl == 0);
	posted = *input;
	return HV_INSUFFICIENT_BUFFERS;
}

uint16_t port_signal(const struct partition *partition, uint32_t vtl, uint32_t connection,
		     uint16_t flag)
{
	assert_true(partition == p && vtl == 0);
	signalled_connection = connection;
	signalled_flag = flag;
	return HV_SUCCESS;
}

bool sched_yield(void)
{
	yields = true;
	return true;
}

/* RBX, and RIP to be set. */
status_t arch_vp_get_registers(struct vp *v, uint32_t vtl, const uint32_t *names,
			       union hv_register_value *values, uint32_t count)
{
	assert_int_equal(count, 1);
	assert_int_equal(vtl, 0);
	if (*names != NAME_RBX)
		return STATUS_INVALID_REGISTER;
	values->low = v->arch.gpr[GPR_RBX];
	return STATUS_OK;
}

status_t arch_vp_set_registers(struct vp *v, uint32_t vtl, const uint32_t *names,
			       const union hv_register_value *values, uint32_t count)
{
	assert_int_equal(count, 1);
	assert_int_equal(vtl, 0);
	if (*names == HV_X64_REGISTER_RIP) {
		v->vtl[0]->arch.rip = values->low;
		return STATUS_OK;
	}
	if (*names != NAME_RBX)
		return STATUS_INVALID_REGISTER;
	if (values->low >> 63)
		return STATUS_INVALID_REGISTER_VALUE;
	v->arch.gpr[GPR_RBX] = values->low;
	return STATUS_OK;
}

status_t vp_call(struct vp *v, void (*function)(struct vp *vp, void *argument), void *argument)
{
	called = v;
	if (call_status == STATUS_OK)
		function(v, argument);
	return call_status;
}

/* A VP's CPU is its index + 1; it obeys at once. */
void arch_cpu_kick(struct cpu *cpu)
{
	kicked |= BIT((uintptr_t)cpu - 1);
}

void cpu_wait(struct cpu *self)
{
	uint32_t i;

	(void)self;
	for (i = 0; i < VPS; i++)
		if (p->vps[i]->cpu)
			atomic_fetch_and(&p->vps[i]->requests, ~(uint32_t)VP_REQUEST_FLUSH);
}

/* ---- a partition ---- */

static int setup(void **state)
{
	const struct proto_partition_config config = {.vp_count = VPS,
						      .threads_per_core = 2,
						      .apic_mode = APIC_MODE_X2APIC_ENABLED,
						      .flags = PARTITION_HYPERV};
	uint32_t i;

	(void)state;
	stub_host_set(HOST_SKYLAKE);
	p = stub_partition(&config);
	p->space[0]->partition = p;
	assert_int_equal(hv_partition_create(p), STATUS_OK);
	for (i = 0; i < VPS; i++)
		p->vps[i]->vtl[0]->space = p->space[0];
	p->hv->vtl[0].guest_os_id = 1;
	vp = p->vps[1];
	stub_state.cr0 = CR0_PE;
	stub_state.efer = EFER_LMA;
	stub_state.segment[SEGMENT_CS].attributes = CODE_64;
	memset(memory, 0, sizeof(memory));
	memset(xmm, 0, sizeof(xmm));
	call_status = STATUS_OK;
	kicked = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hv_partition_destroy(p);
	stub_partition_free(p);
	return 0;
}

/* The instruction, until it is done with or faults, at most so many times. */
static void instruction(unsigned int times)
{
	struct arch_vp_vtl *a = &vp->vtl[0]->arch;

	a->rip = RIP;
	fault = -1;
	outsides = 0;
	yields = false;
	for (; times && a->rip == RIP && fault < 0; times--) {
		(void)guest_hypercall(vp, NEXT, false);
		if (vp->arch.outside != OUTSIDE_HYPERCALL)
			continue;
		assert_int_equal(a->rip, RIP);
		outsides++;
		guest_outside_work(vp);
		assert_int_equal(vp->arch.outside, OUTSIDE_NOTHING);
	}
}

/* A call of a 64-bit caller's, up to its result. */
static uint64_t hypercall(uint64_t control, uint64_t input, uint64_t output)
{
	uint64_t *gpr = vp->arch.gpr;

	gpr[GPR_RCX] = control;
	gpr[GPR_RDX] = input;
	gpr[GPR_R8] = output;
	gpr[GPR_RAX] = UINT64_MAX;
	instruction(1000);
	assert_int_equal(fault, -1);
	assert_int_equal(vp->vtl[0]->arch.rip, NEXT);
	return gpr[GPR_RAX];
}

#define assert_status(control, in, out, status) \
	assert_int_equal(hypercall(control, in, out), status)

static void *in_memory(gpa_t gpa)
{
	return memory + gpa;
}

/* ---- who may call ---- */

static void test_environment(void **state)
{
	(void)state;
	vp->arch.gpr[GPR_RCX] = HV_CALL_NOTIFY_LONG_SPIN_WAIT | FAST;
	p->hv->vtl[0].guest_os_id = 0;
	instruction(1);
	assert_int_equal(fault, EXCEPTION_UD);
	p->hv->vtl[0].guest_os_id = 1;
	stub_state.segment[SEGMENT_SS].attributes = 3 << HV_SEGMENT_DPL_SHIFT;
	instruction(1);
	assert_int_equal(fault, EXCEPTION_UD);
	stub_state.segment[SEGMENT_SS].attributes = 0;
	stub_state.cr0 = 0;
	instruction(1);
	assert_int_equal(fault, EXCEPTION_UD);
	stub_state.cr0 = CR0_PE;
	instruction(1);
	assert_int_equal(fault, -1);
	assert_int_equal(vp->vtl[0]->arch.rip, NEXT);
}

static void test_without_the_interface(void **state)
{
	struct hv_partition *hv = p->hv;

	(void)state;
	p->hv = NULL;
	instruction(1);
	assert_int_equal(fault, EXCEPTION_UD);
	p->hv = hv;
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
	assert_status(spin, MEMORY, 0, HV_INVALID_HYPERCALL_INPUT); /* not mapped */
	assert_status(spin, IN + 0xff8, 0, HV_SUCCESS);
	/* without an input, its address does not matter; so with the output's */
	assert_status(ask, 1, OUT, HV_SUCCESS);
	assert_status(spin, IN, 1, HV_SUCCESS);
	assert_status(ask, 0, OUT + 1, HV_INVALID_ALIGNMENT);
	assert_status(ask, 0, MEMORY, HV_INVALID_HYPERCALL_INPUT);
	assert_status(ask, 0, READ_ONLY_PAGE, HV_INVALID_HYPERCALL_INPUT);
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
	p->hv->privileges = 0;
	assert_status(HV_EXT_CALL_QUERY_CAPABILITIES, 0, OUT, HV_ACCESS_DENIED);
	assert_status(HV_CALL_GET_VP_REGISTERS | REPS(1), IN, OUT, HV_ACCESS_DENIED);
	assert_status(HV_CALL_SET_VP_REGISTERS | REPS(1), IN, OUT, HV_ACCESS_DENIED);
	assert_status(HV_CALL_NOTIFY_LONG_SPIN_WAIT | FAST, 0, 0, HV_SUCCESS);
}

/* ---- registers of the caller ---- */

static void test_wide_and_narrow(void **state)
{
	uint64_t *gpr = vp->arch.gpr;

	(void)state;
	memset(in_memory(OUT), 0x5a, 8);
	assert_status(HV_EXT_CALL_QUERY_CAPABILITIES, 0, OUT, HV_SUCCESS);
	assert_int_equal(*(uint64_t *)in_memory(OUT), 0);
	/* a fast one has its answer in RDX */
	assert_status(HV_EXT_CALL_QUERY_CAPABILITIES | FAST, 7, 8, HV_SUCCESS);
	assert_int_equal(gpr[GPR_RDX], 0);
	assert_int_equal(gpr[GPR_R8], 8);
	assert_int_equal(outsides, 0);
	/* a 32-bit caller, though in long mode */
	stub_state.segment[SEGMENT_CS].attributes = 0x409b;
	memset(in_memory(OUT), 0x5a, 8);
	gpr[GPR_RDX] = 0xffffffff00000000;
	gpr[GPR_RAX] = 0xffffffff00000000 | HV_EXT_CALL_QUERY_CAPABILITIES;
	gpr[GPR_RBX] = gpr[GPR_RCX] = 0;
	gpr[GPR_RDI] = 0;
	gpr[GPR_RSI] = 0x700000000 | OUT;
	instruction(1);
	assert_int_equal(gpr[GPR_RAX], HV_SUCCESS);
	assert_int_equal(gpr[GPR_RDX], 0);
	assert_int_equal(*(uint64_t *)in_memory(OUT), 0);
	/* its fast calls have no output */
	gpr[GPR_RDX] = 0;
	gpr[GPR_RAX] = HV_EXT_CALL_QUERY_CAPABILITIES | FAST;
	instruction(1);
	assert_int_equal(gpr[GPR_RAX], HV_INVALID_HYPERCALL_INPUT);
	/* EBX:ECX is the first parameter: here, which VPs; XMM0 the third word */
	gpr[GPR_RDX] = 0;
	gpr[GPR_RAX] = HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE | FAST;
	gpr[GPR_RBX] = gpr[GPR_RCX] = gpr[GPR_RSI] = gpr[GPR_RDI] = 0;
	xmm[0][0] = BIT(3);
	instruction(1);
	assert_int_equal(gpr[GPR_RAX], HV_SUCCESS);
	assert_true(p->vps[3]->requests & VP_REQUEST_FLUSH);
	assert_false(p->vps[4]->requests & VP_REQUEST_FLUSH);
	/* the result's upper half */
	*(uint64_t *)in_memory(IN) = HV_PARTITION_ID_SELF;
	gpr[GPR_RDX] = 1;
	gpr[GPR_RAX] = HV_CALL_GET_VP_INDEX_FROM_APIC_ID;
	gpr[GPR_RCX] = IN;
	gpr[GPR_RSI] = OUT;
	instruction(1);
	assert_int_equal(gpr[GPR_RAX], HV_SUCCESS);
	assert_int_equal(gpr[GPR_RDX], 1);
}

/* Six XMM registers go in, and come out behind the input. */
static void test_xmm(void **state)
{
	uint64_t *gpr = vp->arch.gpr;
	int i;

	(void)state;
	p->vps[2]->arch.gpr[GPR_RBX] = 0x1234;
	xmm[0][0] = NAME_RBX | 0x90003ull << 32; /* and HvRegisterVpIndex */
	for (i = 1; i < 6; i++)
		xmm[i][0] = xmm[i][1] = 0x5a5a;
	assert_status(HV_CALL_GET_VP_REGISTERS | FAST | REPS(2), HV_PARTITION_ID_SELF, 2,
		      HV_SUCCESS | DONE(2));
	assert_int_equal(outsides, 1);
	assert_int_equal(gpr[GPR_RDX], HV_PARTITION_ID_SELF);
	assert_int_equal(gpr[GPR_R8], 2);
	assert_int_equal(xmm[0][0], NAME_RBX | 0x90003ull << 32);
	assert_int_equal(xmm[1][0], 0x1234);
	assert_int_equal(xmm[1][1], 0);
	assert_int_equal(xmm[2][0], 2);
	assert_int_equal(xmm[3][0], 0x5a5a);
	/* 16 and 4 * 4 bytes in leave 80 for 5 values; with one name more they are too many */
	xmm[0][0] = xmm[0][1] = NAME_RBX | (uint64_t)NAME_RBX << 32;
	assert_status(HV_CALL_GET_VP_REGISTERS | FAST | REPS(4), HV_PARTITION_ID_SELF, 2,
		      HV_SUCCESS | DONE(4));
	assert_status(HV_CALL_GET_VP_REGISTERS | FAST | REPS(5), HV_PARTITION_ID_SELF, 2,
		      HV_INVALID_HYPERCALL_INPUT);
	/* 16 + 3 * 32 bytes fill all 112, one more does not fit */
	xmm[0][0] = xmm[2][0] = xmm[4][0] = NAME_RBX;
	xmm[0][1] = xmm[2][1] = xmm[4][1] = 0;
	xmm[1][0] = 1;
	xmm[3][0] = 2;
	xmm[5][0] = 3;
	assert_status(HV_CALL_SET_VP_REGISTERS | FAST | REPS(3), HV_PARTITION_ID_SELF,
		      HV_VP_INDEX_SELF, HV_SUCCESS | DONE(3));
	assert_int_equal(gpr[GPR_RBX], 3);
	assert_status(HV_CALL_SET_VP_REGISTERS | FAST | REPS(4), HV_PARTITION_ID_SELF,
		      HV_VP_INDEX_SELF, HV_INVALID_HYPERCALL_INPUT);
	/* without the feature */
	p->hv->features = 0;
	assert_status(HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE | FAST, 0, 0, HV_INVALID_HYPERCALL_INPUT);
}

/* ---- calls ---- */

static void test_long_spin(void **state)
{
	(void)state;
	assert_status(HV_CALL_NOTIFY_LONG_SPIN_WAIT | FAST, 100, 0, HV_SUCCESS);
	assert_true(yields);
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
	vp->arch.gpr[GPR_RCX] = call | REPS(100) | START(60);
	vp->arch.gpr[GPR_RDX] = IN;
	vp->arch.gpr[GPR_R8] = OUT;
	instruction(1);
	assert_int_equal(vp->vtl[0]->arch.rip, RIP);
	assert_int_equal(vp->arch.gpr[GPR_RCX], call | REPS(100) | START(76));
	instruction(2);
	assert_int_equal(vp->vtl[0]->arch.rip, NEXT);
	assert_int_equal(vp->arch.gpr[GPR_RAX], DONE(100));
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
	p->hv->crash[1] = 77;
	assert_status(call | REPS(5), IN, OUT, HV_SUCCESS | DONE(5));
	assert_int_equal(outsides, 1);
	assert_int_equal(values[0].low, 1);
	assert_int_equal(values[1].low | values[1].high, 0);
	assert_int_equal(values[2].low, p->hv->privileges);
	assert_int_equal(values[2].high >> 32, p->hv->features);
	assert_int_equal(values[3].low, 1);
	assert_int_equal(values[4].low, 77);
	/* another VP's, on its CPU */
	p->vps[5]->arch.gpr[GPR_RBX] = 55;
	input->vp_index = 5;
	names[0] = NAME_RBX;
	assert_status(call | REPS(1), IN, OUT, HV_SUCCESS | DONE(1));
	assert_ptr_equal(called, p->vps[5]);
	assert_int_equal(values[0].low, 55);
	/* which may be away for now */
	call_status = STATUS_BUSY;
	vp->arch.gpr[GPR_RCX] = call | REPS(1);
	instruction(3);
	assert_int_equal(vp->vtl[0]->arch.rip, RIP);
	assert_int_equal(vp->arch.gpr[GPR_RCX], call | REPS(1));
	call_status = STATUS_OK;
	names[1] = 0x12345;
	assert_status(call | REPS(2), IN, OUT, HV_INVALID_PARAMETER | DONE(1));
	input->vp_index = VPS;
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
	assert_int_equal(vp->arch.gpr[GPR_RBX], 9);
	assert_int_equal(p->hv->crash[0], 10);
	assert_int_equal(p->hv->vtl[0].guest_os_id, 11);
	/* what cannot be written, and values that are none */
	regs[0] = (struct hv_register_assoc){.name = 0x90004};
	assert_status(call | REPS(1), IN, 0, HV_INVALID_PARAMETER);
	regs[0] = (struct hv_register_assoc){.name = NAME_RBX, .value = {.low = BIT(63)}};
	assert_status(call | REPS(1), IN, 0, HV_INVALID_REGISTER_VALUE);
	input->vp_index = 0;
	assert_status(call | REPS(1), IN, 0, HV_INVALID_VP_STATE);
	/* RIP goes where it is set. */
	input->vp_index = 1;
	regs[0] = (struct hv_register_assoc){.name = HV_X64_REGISTER_RIP, .value = {.low = 0x77}};
	vp->arch.gpr[GPR_RCX] = call | REPS(1);
	vp->arch.gpr[GPR_RDX] = IN;
	instruction(1);
	assert_int_equal(vp->vtl[0]->arch.rip, 0x77);
	assert_int_equal(vp->arch.gpr[GPR_RAX], DONE(1));
	/* in turns */
	for (i = 0; i < 40; i++)
		regs[i] = (struct hv_register_assoc){.name = NAME_RBX, .value = {.low = i}};
	assert_status(call | REPS(40), IN, 0, HV_SUCCESS | DONE(40));
	assert_int_equal(outsides, 3);
	assert_int_equal(vp->arch.gpr[GPR_RBX], 39);
}

static uint64_t flushed(void)
{
	uint64_t mask = 0;
	uint32_t i;

	for (i = 0; i < VPS; i++) {
		if (p->vps[i]->requests & VP_REQUEST_FLUSH)
			mask |= BIT(i & 63);
		p->vps[i]->requests = 0;
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
	assert_int_equal(outsides, 1);
	assert_int_equal(flushed(), 0x51);
	/* VPs that run are waited for, and the others are not */
	p->vps[4]->cpu = (struct cpu *)5;
	assert_status(space, IN, 0, HV_SUCCESS);
	assert_int_equal(kicked, BIT(4));
	assert_int_equal(flushed(), 0x41);
	p->vps[4]->cpu = NULL;
	/* all of them, whatever the mask says */
	*input = (struct hv_flush_input){.flags = 7};
	assert_status(space, IN, 0, HV_SUCCESS);
	assert_true(p->vps[VPS - 1]->requests & VP_REQUEST_FLUSH);
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
	assert_memory_equal(&posted, &post, sizeof(post));
	assert_status(HV_CALL_POST_MESSAGE, IN + 0xf00, 0, HV_INVALID_PARAMETER); /* all 0 */
	assert_status(HV_CALL_POST_MESSAGE, IN + 0xf08, 0, HV_INVALID_ALIGNMENT);
	assert_status(HV_CALL_POST_MESSAGE | FAST, 5, 6, HV_INVALID_HYPERCALL_INPUT);
	assert_status(signal | FAST, 0x0000000900000005, 0, HV_SUCCESS);
	assert_true(signalled_connection == 5 && signalled_flag == 9);
	assert_status(signal | FAST, 0x0001000900000005, 0, HV_INVALID_PARAMETER);
	*(uint64_t *)in_memory(IN) = 0x0000000400ffffff;
	assert_status(signal, IN, 0, HV_SUCCESS);
	assert_true(signalled_connection == 0xffffff && signalled_flag == 4);
	assert_int_equal(outsides, 0);
	vp->arch.gpr[GPR_RCX] = signal | FAST;
	vp->vtl[0]->arch.rip = RIP;
	assert_int_equal(guest_hypercall(vp, NEXT, false), VP_CONTINUE);
	cpu.ready.occupied = 1;
	vp->vtl[0]->arch.rip = RIP;
	assert_int_equal(guest_hypercall(vp, NEXT, false), VP_SWITCH);
	cpu.ready.occupied = 0;
	p->hv->privileges &= ~(HV_PRIVILEGE_POST_MESSAGES | HV_PRIVILEGE_SIGNAL_EVENTS);
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
