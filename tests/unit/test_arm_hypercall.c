/* SPDX-License-Identifier: MIT */
/* Hypercalls of AArch64 guests: their registers by either instruction, and the interface's registers by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "guest.h"
#include "vgic.h"
#include <kernel/cpu.h>
#include <kernel/hv_registers.h>
#include <kernel/hypercall.h>
#include <kernel/port.h>
#include <kernel/sched.h>
#include <kernel/synic.h>
#include <trivet/hv/features.h>

#define PC	 0x4000u
#define FUNCTION 0x46000001u
#define UID	 0x8600ff01u
#define PPI	 18u

static struct partition partition;
static struct hv_partition hv;
static struct vp vp;
static struct vp_vtl vtl;
static struct synic synic;

/* ---- what the kernel does ---- */

static struct cpu cpu;
struct cpu *fake_cpu = &cpu;
uint64_t timestamp_hz = 62500000;
static struct hypercall performed;
static enum hypercall_outcome outcome;
static uint64_t new_pc; /* 0: the call does not set it */
static bool changes_fast;
static unsigned int yields;

enum hypercall_outcome hypercall_perform(struct hypercall *call)
{
	performed = *call;
	call->result = 0x500000005;
	call->yield = true;
	if (outcome == HYPERCALL_AGAIN)
		call->control |= 0x7ull << HV_CALL_REP_START_SHIFT;
	if (changes_fast) {
		call->fast_changed = true;
		call->fast[4] = 0x4444;
		call->fast[HYPERCALL_FAST_WORDS - 1] = 0xffff;
	}
	if (new_pc)
		vtl.arch.pc = new_pc;
	return outcome;
}

bool sched_yield(void)
{
	yields++;
	return false;
}

static uint32_t signalled_connection, signalled_flag;

uint16_t port_signal(const struct partition *p, uint32_t v, uint32_t connection, uint16_t flag)
{
	assert_ptr_equal(p, &partition);
	assert_int_equal(v, 0);
	signalled_connection = connection;
	signalled_flag = flag;
	return HV_INVALID_CONNECTION_ID;
}

static uint32_t pulsed;

void vgic_pulse_ppi(struct vgic_cpu *gic, uint32_t intid)
{
	assert_ptr_equal(gic, &vtl.arch.gic);
	pulsed = intid;
}

static uint32_t spi, spi_input;

bool vgic_pulse_spi(struct vgic *vgic, uint32_t intid, bool *merged)
{
	assert_ptr_equal(vgic, &partition.arch.gic);
	*merged = false;
	spi = intid;
	return true;
}

bool vgic_set_spi(struct vgic *vgic, uint32_t intid, bool high)
{
	assert_ptr_equal(vgic, &partition.arch.gic);
	spi_input = intid | (uint32_t)high << 16;
	return intid < 64;
}

void vgic_set_ppi(struct vgic_cpu *gic, uint32_t intid, bool high)
{
	assert_ptr_equal(gic, &vtl.arch.gic);
	spi_input = intid | (uint32_t)high << 16;
}

static status_t call_status;
static bool is_off;
static uint32_t requested;

status_t vp_call(struct vp *v, void (*function)(struct vp *vp, void *argument), void *argument)
{
	if (call_status == STATUS_OK)
		function(v, argument);
	return call_status;
}

void vp_request(struct vp *v, uint32_t bits)
{
	assert_ptr_equal(v, &vp);
	requested |= bits;
}

bool guest_start(struct vp *v, uint32_t l, const struct hv_arm64_initial_vp_context *context)
{
	assert_ptr_equal(v, &vp);
	assert_int_equal(l, 0);
	assert_int_equal(context->x18, 18);
	return is_off;
}

bool guest_mpidr_index(const struct partition *p, uint64_t mpidr, uint32_t *index)
{
	assert_ptr_equal(p, &partition);
	*index = (uint32_t)mpidr;
	return !mpidr;
}

bool guest_register_is_known(uint32_t name)
{
	return name == HV_REGISTER_VERSION + 1;
}

static uint64_t set_value;
static uint32_t set_what;
static status_t set_status;

static status_t set(uint32_t what, uint64_t value)
{
	set_what = what;
	set_value = value;
	return set_status;
}

status_t hv_guest_os_id_set(struct partition *p, uint32_t v, uint64_t value)
{
	(void)p;
	(void)v;
	assert_true(hv.changing);
	return set(HV_REGISTER_GUEST_OS_ID, value);
}
status_t hv_reference_tsc_set(struct partition *p, uint32_t v, uint64_t value)
{
	(void)p;
	(void)v;
	assert_true(hv.changing);
	return set(HV_REGISTER_REFERENCE_TSC, value);
}
status_t hv_hypercall_set(struct partition *p, uint32_t v, uint64_t value)
{
	(void)p;
	(void)v;
	return set(HV_REGISTER_HYPERCALL, value);
}
status_t hv_assist_set(struct vp *v, uint32_t l, uint64_t value)
{
	(void)v;
	(void)l;
	return set(HV_REGISTER_VP_ASSIST_PAGE, value);
}
status_t synic_page_set(struct vp *v, uint32_t l, enum synic_page which, uint64_t value)
{
	(void)v;
	(void)l;
	return set(which == SYNIC_EVENTS ? HV_REGISTER_SIEFP : HV_REGISTER_SIMP, value);
}
void synic_control_set(struct vp *v, uint32_t l, uint64_t value)
{
	(void)v;
	(void)l;
	set(HV_REGISTER_SCONTROL, value);
}
void synic_sint_set(struct vp *v, uint32_t l, uint32_t sint, uint64_t value)
{
	(void)v;
	(void)l;
	set(HV_REGISTER_SINT0 + sint, value);
}
void synic_message_end(struct vp *v, uint32_t l)
{
	(void)v;
	(void)l;
	set(HV_REGISTER_EOM, 0);
}
void stimer_config_set(struct vp *v, uint32_t l, uint32_t n, uint64_t value)
{
	(void)v;
	(void)l;
	set(HV_REGISTER_STIMER0_CONFIG + 2 * n, value);
}
void stimer_count_set(struct vp *v, uint32_t l, uint32_t n, uint64_t value)
{
	(void)v;
	(void)l;
	set(HV_REGISTER_STIMER0_COUNT + 2 * n, value);
}
void hv_crash_notify(struct vp *v, uint32_t l, uint64_t control)
{
	(void)v;
	(void)l;
	set(HV_REGISTER_CRASH_CTL, control);
}
uint64_t hv_vp_runtime(const struct vp *v)
{
	(void)v;
	return 0x1234;
}
uint64_t partition_reference_time(const struct partition *p)
{
	(void)p;
	return 0x5678;
}

static int setup(void **state)
{
	unsigned int i;

	(void)state;
	memset(&partition, 0, sizeof(partition));
	memset(&hv, 0, sizeof(hv));
	memset(&vp, 0, sizeof(vp));
	memset(&vtl, 0, sizeof(vtl));
	memset(&synic, 0, sizeof(synic));
	partition.hv = &hv;
	vp.partition = &partition;
	vp.vtl[0] = &vtl;
	vtl.synic = &synic;
	vtl.arch.pc = PC + 4;
	for (i = 0; i < 31; i++)
		vp.arch.x[i] = 0x100 + i;
	arch_hv_features(&partition, &hv.privileges, &hv.features);
	outcome = HYPERCALL_DONE;
	new_pc = 0;
	changes_fast = false;
	yields = 0;
	pulsed = 0;
	set_what = 0;
	set_status = STATUS_OK;
	return 0;
}

/* ---- calls ---- */

/* Where the input value is. */
static void test_parameters(unsigned int at)
{
	unsigned int i;

	assert_false(performed.outside);
	assert_int_equal(performed.control, 0x100 + at);
	assert_int_equal(performed.input, 0x101 + at);
	assert_int_equal(performed.output, 0x102 + at);
	for (i = 0; i < HYPERCALL_FAST_WORDS; i++)
		assert_int_equal(performed.fast[i], 0x101 + at + i);
	assert_int_equal(performed.fast_words, HYPERCALL_FAST_WORDS);
	assert_int_equal(performed.input_words, HYPERCALL_FAST_WORDS);
	assert_int_equal(performed.output_words, HYPERCALL_FAST_WORDS);
	assert_int_equal(vp.arch.x[0], 0x500000005);
	for (i = 1; i < 31; i++)
		assert_int_equal(vp.arch.x[i], 0x100 + i);
	assert_int_equal(vtl.arch.pc, PC + 4);
}

static void test_by_immediate_1(void **state)
{
	(void)state;
	assert_int_equal(guest_hypercall(&vp, false), VP_CONTINUE);
	test_parameters(0);
	assert_int_equal(yields, 1);
}

static void test_by_smccc(void **state)
{
	enum vp_outcome out = VP_CONTINUE;

	(void)state;
	assert_true(guest_hv_function(&vp, FUNCTION, &out));
	assert_int_equal(out, VP_CONTINUE);
	test_parameters(1);
}

static void test_fast_output(void **state)
{
	(void)state;
	changes_fast = true;
	guest_hypercall(&vp, true);
	assert_int_equal(vp.arch.x[6], 0x4444);
	assert_int_equal(vp.arch.x[17], 0xffff);
	assert_int_equal(vp.arch.x[18], 0x112);
	assert_int_equal(vp.arch.x[1], 0x101);
	guest_hypercall(&vp, false);
	assert_int_equal(vp.arch.x[5], 0x4444);
	assert_int_equal(vp.arch.x[16], 0xffff);
}

static void test_goes_on(void **state)
{
	(void)state;
	outcome = HYPERCALL_AGAIN;
	guest_hypercall(&vp, false);
	assert_int_equal(vtl.arch.pc, PC);
	assert_int_equal(vp.arch.x[0], 0x100 | 7ull << HV_CALL_REP_START_SHIFT);
	vtl.arch.pc = PC + 4;
	vp.arch.x[0] = FUNCTION;
	guest_hypercall(&vp, true);
	assert_int_equal(vtl.arch.pc, PC);
	assert_int_equal(vp.arch.x[0], FUNCTION);
	assert_int_equal(vp.arch.x[1], 0x101 | 7ull << HV_CALL_REP_START_SHIFT);
	assert_int_equal(vtl.arch.work, 0);
}

static void test_outside(void **state)
{
	(void)state;
	outcome = HYPERCALL_OUTSIDE;
	guest_hypercall(&vp, true);
	assert_int_equal(vtl.arch.pc, PC);
	assert_int_equal(vp.arch.x[0], 0x100);
	assert_int_equal(vtl.arch.work, WORK_HYPERCALL);
	vtl.arch.work = 0;
	outcome = HYPERCALL_DONE;
	guest_hypercall_outside(&vp);
	assert_true(performed.outside);
	assert_int_equal(performed.control, 0x101);
	assert_int_equal(vtl.arch.pc, PC + 4);
	assert_int_equal(vp.arch.x[0], 0x500000005);
}

static void test_outside_of_one_sent_elsewhere(void **state)
{
	(void)state;
	outcome = HYPERCALL_OUTSIDE;
	guest_hypercall(&vp, false);
	vtl.arch.pc = 0x8000;
	memset(&performed, 0, sizeof(performed));
	outcome = HYPERCALL_DONE;
	guest_hypercall_outside(&vp);
	assert_null(performed.vp);
	assert_int_equal(vtl.arch.pc, 0x8000);
}

static void test_the_call_sets_pc(void **state)
{
	(void)state;
	new_pc = 0x9000;
	guest_hypercall(&vp, false);
	assert_int_equal(vtl.arch.pc, 0x9000);
	/* One that is not done yet comes again. */
	vtl.arch.pc = PC + 4;
	outcome = HYPERCALL_AGAIN;
	guest_hypercall(&vp, false);
	assert_int_equal(vtl.arch.pc, PC);
}

static void test_functions(void **state)
{
	enum vp_outcome out = VP_CONTINUE;

	(void)state;
	assert_true(guest_hv_function(&vp, UID, &out));
	assert_int_equal(vp.arch.x[0], 0x4d32ba58);
	assert_int_equal(vp.arch.x[1], 0xcd244764);
	assert_int_equal(vp.arch.x[2], 0x8eef6c75);
	assert_int_equal(vp.arch.x[3], 0x16597024);
	vp.arch.x[0] = 0;
	assert_true(guest_hv_function(&vp, UID | (uint32_t)BIT(30), &out));
	assert_int_equal(vp.arch.x[0], 0x4d32ba58);
	assert_false(guest_hv_function(&vp, 0x46000002, &out));
	partition.hv = NULL;
	assert_false(guest_hv_function(&vp, FUNCTION, &out));
	assert_false(guest_hv_function(&vp, UID, &out));
}

/* ---- short cuts ---- */

/* X0 or X1 on, as the instruction has it. */
static void fast_call(bool smccc, uint64_t control, const uint64_t *words, unsigned int count)
{
	vp.arch.x[smccc] = control | HV_CALL_FAST;
	memcpy(&vp.arch.x[smccc + 1], words, count * sizeof(words[0]));
	performed.vp = NULL;
	assert_int_equal(guest_hypercall(&vp, smccc), VP_CONTINUE);
}

static void test_short_signal(void **state)
{
	const uint64_t input = 0x3400000012ull, wrong = BIT(48);

	(void)state;
	fast_call(false, HV_CALL_SIGNAL_EVENT, &input, 1);
	assert_int_equal(signalled_connection, 0x12);
	assert_int_equal(signalled_flag, 0x34);
	assert_int_equal(vp.arch.x[0], HV_INVALID_CONNECTION_ID);
	assert_null(performed.vp);
	/* What is not right is the dispatcher's. */
	fast_call(false, HV_CALL_SIGNAL_EVENT, &wrong, 1);
	assert_ptr_equal(performed.vp, &vp);
	hv.privileges &= ~HV_PRIVILEGE_SIGNAL_EVENTS;
	fast_call(true, HV_CALL_SIGNAL_EVENT, &input, 1);
	assert_ptr_equal(performed.vp, &vp);
}

#define REP_OF_ONE BIT(HV_CALL_REP_COUNT_SHIFT)
#define ONE_DONE   BIT(HV_RESULT_REPS_SHIFT)

static void test_short_registers(void **state)
{
	uint64_t words[6] = {HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, HV_REGISTER_EOM};
	bool smccc;

	(void)state;
	for (smccc = false;; smccc = true) {
		words[2] = HV_REGISTER_STIMER0_COUNT;
		words[4] = 7;
		fast_call(smccc, HV_CALL_SET_VP_REGISTERS | REP_OF_ONE, words, 6);
		assert_null(performed.vp);
		assert_int_equal(vp.arch.x[0], ONE_DONE);
		assert_int_equal(set_what, HV_REGISTER_STIMER0_COUNT);
		assert_int_equal(set_value, 7);
		words[2] = HV_REGISTER_VP_RUNTIME;
		fast_call(smccc, HV_CALL_GET_VP_REGISTERS | REP_OF_ONE, words, 6);
		assert_null(performed.vp);
		assert_int_equal(vp.arch.x[0], ONE_DONE);
		assert_int_equal(vp.arch.x[smccc + 5], 0x1234);
		assert_int_equal(vp.arch.x[smccc + 6], 0);
		if (smccc)
			break;
	}
}

static void long_way(uint64_t control, const uint64_t words[6])
{
	fast_call(true, control, words, 6);
	assert_ptr_equal(performed.vp, &vp);
}

/* Others, those of others, what places a page, what cannot be set, more than one. */
static void test_long_registers(void **state)
{
	const uint64_t set_one = HV_CALL_SET_VP_REGISTERS | REP_OF_ONE;
	const uint64_t get_one = HV_CALL_GET_VP_REGISTERS | REP_OF_ONE;
	uint64_t words[6] = {HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, HV_REGISTER_SIMP, 0, 1, 0};

	(void)state;
	long_way(set_one, words);
	words[2] = HV_REGISTER_EOM;
	long_way(set_one, words);
	words[2] = HV_REGISTER_VP_INDEX;
	long_way(set_one, words);
	words[2] = HV_REGISTER_FEATURES;
	long_way(get_one, words);
	words[2] = HV_REGISTER_SCONTROL;
	long_way(set_one + REP_OF_ONE, words);
	words[1] = 0;
	long_way(set_one, words);
	long_way(get_one, words);
	words[1] = HV_VP_INDEX_SELF;
	words[0] = 1;
	long_way(get_one, words);
	words[0] = HV_PARTITION_ID_SELF;
	hv.privileges &= ~HV_PRIVILEGE_VP_REGISTERS;
	long_way(set_one, words);
	assert_int_equal(set_what, 0);
}

/* ---- registers ---- */

static uint64_t get(uint32_t name)
{
	union hv_register_value value = {0};

	assert_int_equal(hv_register_get(&vp, 0, name, &value), STATUS_OK);
	return value.low;
}

static status_t set_own(uint32_t name, uint64_t value)
{
	const struct hv_register_row *row = hv_register_find(&vp, name);

	return row ? hv_register_put(&vp, 0, row, name, value) : STATUS_INVALID_REGISTER;
}

static void test_what_is_shown(void **state)
{
	union hv_register_value value = {0};

	(void)state;
	hv_register_get(&vp, 0, HV_REGISTER_FEATURES, &value);
	assert_int_equal(value.low, hv.privileges);
	assert_int_equal(value.high, HV_ARM64_FEATURE_GUEST_CRASH | HV_ARM64_FEATURE_FREQUENCIES |
					     HV_ARM64_FEATURE_DIRECT_TIMERS);
	/* These would make a guest take itself for the root, or have calls that are not there. */
	assert_false(value.low & (HV_PRIVILEGE_PARTITION_ID | BIT(44) | HV_PRIVILEGE_APIC_MSRS |
				  HV_PRIVILEGE_GUEST_IDLE));
	assert_int_equal(get(HV_REGISTER_HINTS), 0xfff0000000aull);
	assert_int_equal(get(HV_REGISTER_LIMITS), 4096);
	assert_int_equal(get(HV_REGISTER_HARDWARE), HV_ARM64_HARDWARE_SLAT);
	assert_int_equal(get(HV_REGISTER_VERSION), 0);
	assert_int_equal(get(HV_REGISTER_INTERFACE), 0x31237648);
	assert_int_equal(get(HV_REGISTER_PROCESSOR_CLOCK), 62500);
	assert_int_equal(get(HV_REGISTER_INTERRUPT_CLOCK), 62500);
}

static void test_reading(void **state)
{
	(void)state;
	vp.index = 3;
	hv.vtl[0].guest_os_id = 11;
	hv.vtl[0].reference_tsc.value = 0x7001;
	vtl.assist.value = 0x8001;
	synic.control = 1;
	synic.sint[2] = 0x12;
	synic.page[SYNIC_EVENTS].value = 0x9001;
	synic.page[SYNIC_MESSAGES_PAGE].value = 0xa001;
	synic.stimer[3].config = 13;
	synic.stimer[3].count = 14;
	hv.crash.parameter[4] = 15;
	assert_int_equal(get(HV_REGISTER_VP_INDEX), 3);
	assert_int_equal(get(HV_REGISTER_GUEST_OS_ID), 11);
	assert_int_equal(get(HV_REGISTER_REFERENCE_TSC), 0x7001);
	assert_int_equal(get(HV_REGISTER_VP_ASSIST_PAGE), 0x8001);
	assert_int_equal(get(HV_REGISTER_VP_RUNTIME), 0x1234);
	assert_int_equal(get(HV_REGISTER_TIME_REF_COUNT), 0x5678);
	assert_int_equal(get(HV_REGISTER_SCONTROL), 1);
	assert_int_equal(get(HV_REGISTER_SVERSION), HV_SYNIC_VERSION);
	assert_int_equal(get(HV_REGISTER_SINT0 + 2), 0x12);
	assert_int_equal(get(HV_REGISTER_SIEFP), 0x9001);
	assert_int_equal(get(HV_REGISTER_SIMP), 0xa001);
	assert_int_equal(get(HV_REGISTER_EOM), 0);
	assert_int_equal(get(HV_REGISTER_STIMER3_COUNT - 1), 13);
	assert_int_equal(get(HV_REGISTER_STIMER3_COUNT), 14);
	assert_int_equal(get(HV_REGISTER_CRASH_CTL - 1), 15);
	assert_int_equal(get(HV_REGISTER_CRASH_CTL), HV_CRASH_NOTIFY | HV_CRASH_MESSAGE);
}

static void test_writing(void **state)
{
	const uint32_t names[] = {
		HV_REGISTER_GUEST_OS_ID,    HV_REGISTER_REFERENCE_TSC, HV_REGISTER_VP_ASSIST_PAGE,
		HV_REGISTER_SIEFP,	    HV_REGISTER_SIMP,	       HV_REGISTER_SCONTROL,
		HV_REGISTER_STIMER0_CONFIG, HV_REGISTER_STIMER3_COUNT,
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(set_own(names[i], 1 + i), STATUS_OK);
		assert_int_equal(set_what, names[i]);
		assert_int_equal(set_value, 1 + i);
		assert_false(hv.changing);
	}
	assert_int_equal(set_own(HV_REGISTER_EOM, 0), STATUS_OK);
	assert_int_equal(set_what, HV_REGISTER_EOM);
	assert_int_equal(set_own(HV_REGISTER_CRASH_P0, 5), STATUS_OK);
	assert_int_equal(hv.crash.parameter[0], 5);
	assert_int_equal(set_own(HV_REGISTER_CRASH_CTL, HV_CRASH_NOTIFY), STATUS_OK);
	assert_int_equal(set_what, HV_REGISTER_CRASH_CTL);
}

static void test_wrong_writes(void **state)
{
	const uint32_t read_only[] = {
		HV_REGISTER_VERSION,  HV_REGISTER_FEATURES,   HV_REGISTER_HARDWARE,
		HV_REGISTER_VP_INDEX, HV_REGISTER_VP_RUNTIME, HV_REGISTER_TIME_REF_COUNT,
		HV_REGISTER_SVERSION,
	};
	union hv_register_value value;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(read_only); i++)
		assert_int_equal(set_own(read_only[i], 0), STATUS_INVALID_REGISTER);
	/* That of the hypercall page, which is x86's. */
	assert_int_equal(set_own(0x90001, 0), STATUS_INVALID_REGISTER);
	assert_int_equal(hv_register_get(&vp, 0, 0x90001, &value), STATUS_INVALID_REGISTER);
	assert_int_equal(set_own(HV_REGISTER_EOM, 1), STATUS_INVALID_REGISTER_VALUE);
	assert_int_equal(set_what, 0);
	hv.changing = true;
	assert_int_equal(set_own(HV_REGISTER_SIMP, 1), STATUS_BUSY);
	hv.changing = false;
	set_status = STATUS_NO_MEMORY;
	assert_int_equal(set_own(HV_REGISTER_SIMP, 1), STATUS_NO_MEMORY);
	assert_false(hv.changing);
}

static void test_what_is_the_partitions(void **state)
{
	(void)state;
	assert_true(hv_register_find(&vp, HV_REGISTER_GUEST_OS_ID)->shared);
	assert_true(hv_register_find(&vp, HV_REGISTER_REFERENCE_TSC)->shared);
	assert_false(hv_register_find(&vp, HV_REGISTER_SIMP)->shared);
	assert_false(hv_register_find(&vp, HV_REGISTER_EOM)->shared);
}

static void test_privileges(void **state)
{
	union hv_register_value value;

	(void)state;
	hv.privileges &= ~HV_PRIVILEGE_SYNIC;
	assert_int_equal(set_own(HV_REGISTER_SIMP, 1), STATUS_INVALID_REGISTER);
	assert_int_equal(hv_register_get(&vp, 0, HV_REGISTER_SIMP, &value),
			 STATUS_INVALID_REGISTER);
	hv.features = 0;
	assert_int_equal(set_own(HV_REGISTER_CRASH_P0, 1), STATUS_INVALID_REGISTER);
}

/* ---- interrupts: INTIDs of PPIs ---- */

static void test_vectors(void **state)
{
	(void)state;
	assert_true(arch_synic_sint_valid(16) && arch_synic_sint_valid(31));
	assert_false(arch_synic_sint_valid(15) || arch_synic_sint_valid(32));
	assert_true(arch_synic_sint_valid(HV_SINT_MASKED));
	assert_false(arch_synic_sint_valid(PPI | HV_SINT_AUTO_EOI));
	assert_int_equal(set_own(HV_REGISTER_SINT0 + 2, 15), STATUS_INVALID_REGISTER_VALUE);
	assert_int_equal(set_own(HV_REGISTER_SINT0 + 2, PPI), STATUS_OK);
	assert_int_equal(set_what, HV_REGISTER_SINT0 + 2);
	assert_true(
		arch_stimer_config_valid(&vp, HV_STIMER_DIRECT | PPI << HV_STIMER_VECTOR_SHIFT));
	assert_false(arch_stimer_config_valid(&vp, HV_STIMER_DIRECT | 3 << HV_STIMER_VECTOR_SHIFT));
	assert_false(arch_stimer_config_valid(&vp, BIT(14)));
	assert_int_equal(set_own(HV_REGISTER_STIMER0_CONFIG, BIT(14)),
			 STATUS_INVALID_REGISTER_VALUE);
	arch_synic_interrupt(&vp, 0, PPI);
	assert_int_equal(pulsed, PPI);
	pulsed = 0;
	arch_synic_interrupt_self(&vp, 0, 40);
	assert_int_equal(pulsed, 0);
}

static void test_interrupts(void **state)
{
	struct vp *vps[] = {&vp};

	(void)state;
	partition.vps = vps;
	partition.arch.gic.spi_count = 32;
	arch_vp_interrupt(&vp, 0, 3);
	assert_int_equal(pulsed, 3);
	arch_vp_interrupt(&vp, 0, 40);
	assert_int_equal(spi, 40);
	assert_true(arch_device_vectors_valid(&partition, 32, 32));
	assert_true(arch_device_vectors_valid(&partition, 63, 1));
	assert_false(arch_device_vectors_valid(&partition, 63, 2));
	assert_false(arch_device_vectors_valid(&partition, 31, 1));
	assert_false(arch_device_vectors_valid(&partition, UINT32_MAX, 2));
	assert_int_equal(arch_assert_interrupt(&partition, 0, BIT(34), 0, 40), STATUS_OK);
	assert_int_equal(spi_input, 40 | BIT(16));
	assert_int_equal(arch_assert_interrupt(&partition, 0, 0, 0, 20), STATUS_OK);
	assert_int_equal(spi_input, 20);
	spi_input = 0;
	assert_int_equal(arch_assert_interrupt(&partition, 0, 0, 1, 20), STATUS_INVALID_ARGUMENT);
	assert_int_equal(arch_assert_interrupt(&partition, 0, 0, 0, 3), STATUS_INVALID_ARGUMENT);
	assert_int_equal(arch_assert_interrupt(&partition, 0, 0, 0, 27), STATUS_INVALID_ARGUMENT);
	assert_int_equal(arch_assert_interrupt(&partition, 0, 0, 0, 30), STATUS_INVALID_ARGUMENT);
	assert_int_equal(arch_assert_interrupt(&partition, 0, BIT(33), 0, 40),
			 STATUS_INVALID_ARGUMENT);
	assert_int_equal(spi_input, 0);
	assert_int_equal(arch_assert_interrupt(&partition, 0, 0, 0, 64), STATUS_INVALID_ARGUMENT);
}

static void test_start(void **state)
{
	struct hv_arm64_initial_vp_context context = {.pc = BIT(40), .x18 = 18};

	(void)state;
	partition.physical_bits = 40;
	assert_int_equal(arch_vp_start(&vp, 0, &context), STATUS_INVALID_REGISTER_VALUE);
	context.sctlr_el1 = 1; /* then it is no physical address */
	is_off = false;
	assert_int_equal(arch_vp_start(&vp, 0, &context), STATUS_WRONG_STATE);
	call_status = STATUS_BUSY;
	assert_int_equal(arch_vp_start(&vp, 0, &context), STATUS_BUSY);
	call_status = STATUS_OK;
	assert_int_equal(requested, 0);
	is_off = true;
	assert_int_equal(arch_vp_start(&vp, 0, &context), STATUS_OK);
	assert_int_equal(requested, VP_REQUEST_INTERRUPT);
	context.pc = 2;
	assert_int_equal(arch_vp_start(&vp, 0, &context), STATUS_INVALID_REGISTER_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_by_immediate_1, setup),
		cmocka_unit_test_setup(test_by_smccc, setup),
		cmocka_unit_test_setup(test_fast_output, setup),
		cmocka_unit_test_setup(test_goes_on, setup),
		cmocka_unit_test_setup(test_outside, setup),
		cmocka_unit_test_setup(test_outside_of_one_sent_elsewhere, setup),
		cmocka_unit_test_setup(test_the_call_sets_pc, setup),
		cmocka_unit_test_setup(test_functions, setup),
		cmocka_unit_test_setup(test_short_signal, setup),
		cmocka_unit_test_setup(test_short_registers, setup),
		cmocka_unit_test_setup(test_long_registers, setup),
		cmocka_unit_test_setup(test_what_is_shown, setup),
		cmocka_unit_test_setup(test_reading, setup),
		cmocka_unit_test_setup(test_writing, setup),
		cmocka_unit_test_setup(test_wrong_writes, setup),
		cmocka_unit_test_setup(test_what_is_the_partitions, setup),
		cmocka_unit_test_setup(test_privileges, setup),
		cmocka_unit_test_setup(test_vectors, setup),
		cmocka_unit_test_setup(test_interrupts, setup),
		cmocka_unit_test_setup(test_start, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
