/* SPDX-License-Identifier: MIT */
/* PSCI and SMCCC as guests call them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "guest.h"

#define VPS 3u

#define PSCI_VERSION  0x84000000u
#define CPU_SUSPEND   0xc4000001u
#define CPU_OFF	      0x84000002u
#define CPU_ON_32     0x84000003u
#define CPU_ON	      0xc4000003u
#define AFFINITY_INFO 0xc4000004u
#define SYSTEM_OFF    0x84000008u
#define SYSTEM_RESET  0x84000009u
#define PSCI_FEATURES 0x8400000au
#define SYSTEM_RESET2 0xc4000012u
#define ARCH_FEATURES 0x80000001u
#define WORKAROUND_1  0x80008000u
#define WORKAROUND_3  0x80003fffu

static struct partition partition;
static struct vp vps[VPS], *vp_list[VPS];
static struct vp_vtl vtls[VPS];
static uint64_t ids[IDS_COUNT];
uint64_t el2_host_ids[IDS_COUNT];
static struct vp *asked;
static uint32_t asked_bits, reason;
static uint64_t reset_type, reset_cookie;

bool guest_mpidr_index(const struct partition *p, uint64_t mpidr, uint32_t *index)
{
	assert_ptr_equal(p, &partition);
	*index = (uint32_t)mpidr;
	return mpidr < VPS;
}

void vp_request(struct vp *vp, uint32_t bits)
{
	asked = vp;
	asked_bits |= bits;
}

/* The hypervisor's own: one, which ends in the VMM. */
#define OWN_FUNCTION 0x46000001u

bool guest_hv_function(struct vp *vp, uint32_t function, enum vp_outcome *outcome)
{
	(void)vp;
	*outcome = VP_TO_VMM;
	return function == OWN_FUNCTION;
}

enum vp_outcome run_page_return(struct vp *vp, enum vp_run_reason why)
{
	(void)vp;
	reason = why;
	return VP_TO_VMM;
}

enum vp_outcome run_page_reset(struct vp *vp, uint64_t type, uint64_t cookie)
{
	reset_type = type;
	reset_cookie = cookie;
	return run_page_return(vp, VP_RUN_SYSTEM_RESET);
}

static int setup(void **state)
{
	unsigned int i;

	(void)state;
	memset(&partition, 0, sizeof(partition));
	memset(vps, 0, sizeof(vps));
	memset(vtls, 0, sizeof(vtls));
	memset(ids, 0, sizeof(ids));
	partition.vps = vp_list;
	partition.vp_count = VPS;
	partition.physical_bits = 39;
	partition.arch.ids = ids;
	for (i = 0; i < VPS; i++) {
		vp_list[i] = &vps[i];
		vps[i].partition = &partition;
		vps[i].index = i;
		vps[i].vtl[0] = &vtls[i];
		atomic_store(&vtls[i].arch.power, i ? PSCI_OFF : PSCI_ON);
	}
	asked = NULL;
	asked_bits = reason = 0;
	return 0;
}

static int64_t call(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	uint64_t *x = vps[0].arch.x;

	x[0] = function;
	x[1] = x1;
	x[2] = x2;
	x[3] = x3;
	assert_int_equal(guest_call(&vps[0]), reason ? VP_TO_VMM : VP_CONTINUE);
	assert_int_equal(x[1], x1);
	return (int64_t)x[0];
}

static void turning_on(void **state)
{
	(void)state;
	assert_int_equal(call(CPU_ON, VPS, 0x1000, 0), -2);
	assert_int_equal(call(CPU_ON, 1, 0x1002, 0), -9);
	assert_int_equal(call(CPU_ON, 1, 1ull << 39, 0), -9);
	assert_int_equal(call(CPU_ON, 0, 0x1000, 0), -4);
	assert_null(asked);
	assert_int_equal(call(AFFINITY_INFO, 1, 0, 0), 1);
	assert_int_equal(call(CPU_ON, 1, 0x1000, 77), 0);
	assert_ptr_equal(asked, &vps[1]);
	assert_int_equal(asked_bits, VP_REQUEST_POWER);
	assert_int_equal(vtls[1].arch.entry, 0x1000);
	assert_int_equal(vtls[1].arch.context, 77);
	assert_int_equal(call(CPU_ON, 1, 0x2000, 0), -5);
	assert_int_equal(vtls[1].arch.entry, 0x1000);
	assert_int_equal(call(AFFINITY_INFO, 1, 0, 0), 2);
	assert_int_equal(call(AFFINITY_INFO, 0, 0, 0), 0);
	assert_int_equal(call(AFFINITY_INFO, 0, 1, 0), -2);
	assert_int_equal(call(AFFINITY_INFO, 9, 0, 0), -2);
	/* The 32-bit call has no upper halves. */
	assert_int_equal(call(CPU_ON_32, 0xff00000002, 0x500003000, 0x600000009), 0);
	assert_int_equal(vtls[2].arch.entry, 0x3000);
	assert_int_equal(vtls[2].arch.context, 9);
}

static void waiting(void **state)
{
	(void)state;
	assert_int_equal(call(CPU_SUSPEND, 0, 0, 0), 0);
	assert_int_equal(vtls[0].arch.activity, ACTIVITY_HALTED);
	vtls[0].arch.activity = ACTIVITY_RUNNING;
	call(CPU_OFF, 0, 0, 0);
	assert_int_equal(vtls[0].arch.activity, ACTIVITY_WAIT_FOR_ON);
	assert_int_equal(vtls[0].arch.power, PSCI_OFF);
}

static void ending(void **state)
{
	(void)state;
	assert_int_equal(call(SYSTEM_RESET2, 1, 0, 0), -2);
	assert_int_equal(call(PSCI_VERSION, 0, 0, 0), 0x10001);
	vps[0].arch.x[0] = SYSTEM_OFF;
	assert_int_equal(guest_call(&vps[0]), VP_TO_VMM);
	assert_int_equal(reason, VP_RUN_SYSTEM_OFF);
	assert_int_equal((int64_t)vps[0].arch.x[0], -6);
	call(SYSTEM_RESET2, 0x80000005, 0x1122334455667788, 0);
	assert_int_equal(reason, VP_RUN_SYSTEM_RESET);
	assert_int_equal(reset_type, 0x80000005);
	assert_int_equal(reset_cookie, 0x1122334455667788);
	vps[0].arch.x[0] = OWN_FUNCTION;
	assert_int_equal(guest_call(&vps[0]), VP_TO_VMM);
	assert_int_equal(vps[0].arch.x[0], OWN_FUNCTION);
	call(SYSTEM_RESET, 9, 9, 9);
	assert_int_equal(reset_type | reset_cookie, 0);
}

static void features(void **state)
{
	(void)state;
	assert_int_equal(call(PSCI_FEATURES, CPU_ON, 0, 0), 0);
	assert_int_equal(call(PSCI_FEATURES, SYSTEM_RESET2, 0, 0), 0);
	assert_int_equal(call(PSCI_FEATURES, 0x80000000, 0, 0), 0); /* SMCCC_VERSION */
	assert_int_equal(call(PSCI_FEATURES, 0xc4000002, 0, 0), -1);
	assert_int_equal(call(PSCI_FEATURES, WORKAROUND_1, 0, 0), -1);
	assert_int_equal(call(ARCH_FEATURES, ARCH_FEATURES, 0, 0), 0);
	assert_int_equal(call(ARCH_FEATURES, CPU_ON, 0, 0), -1);
	/* Whether a workaround is needed is known where the processor says so. */
	assert_int_equal(call(ARCH_FEATURES, WORKAROUND_1, 0, 0), -1);
	assert_int_equal(call(WORKAROUND_1, 0, 0, 0), -1);
	ids[ID_AA64PFR0] = 1ull << 56;
	assert_int_equal(call(ARCH_FEATURES, WORKAROUND_1, 0, 0), 1);
	assert_int_equal(call(WORKAROUND_1, 0, 0, 0), 0);
	/* That of branch history by CSV2 of 3, or ECBHB; what it has against Meltdown says nothing. */
	el2_host_ids[ID_AA64PFR0] = 1ull << 60 | 2ull << 56;
	assert_int_equal(call(ARCH_FEATURES, WORKAROUND_3, 0, 0), -1);
	el2_host_ids[ID_AA64PFR0] = 3ull << 56;
	assert_int_equal(call(ARCH_FEATURES, WORKAROUND_3, 0, 0), 1);
	el2_host_ids[ID_AA64PFR0] = 0;
	el2_host_ids[ID_AA64MMFR1] = 1ull << 60;
	assert_int_equal(call(WORKAROUND_3, 0, 0, 0), 0);
}

/* Bits above the function's 32 are not looked at, and nothing else answers. */
static void numbers(void **state)
{
	uint64_t function;

	(void)state;
	assert_int_equal(call(0xffffffff00000000 | PSCI_VERSION, 0, 0, 0), 0x10001);
	for (function = 0; function < 0x200; function++) {
		assert_int_equal(call(function, 0, 0, 0), -1);
		assert_int_equal(call(0xc6000000 | function, 0, 0, 0), -1);
		assert_int_equal(call(0x86000000 | function, 0, 0, 0), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(turning_on, setup), cmocka_unit_test_setup(waiting, setup),
		cmocka_unit_test_setup(ending, setup),	   cmocka_unit_test_setup(features, setup),
		cmocka_unit_test_setup(numbers, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
