/* SPDX-License-Identifier: MIT */
/* What tests of hypercalls have in common: a caller of 64 bits, and its memory. Of the tests that include it. */
#ifndef HYPERCALL_GUEST_H
#define HYPERCALL_GUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "hypercall_fake.h"

#define IN	 0x1000u /* pages of the guest's memory */
#define OUT	 0x2000u
#define FAST	 HV_CALL_FAST
#define REPS(n)	 ((uint64_t)(n) << HV_CALL_REP_COUNT_SHIFT)
#define DONE(n)	 ((uint64_t)(n) << HV_RESULT_REPS_SHIFT)
#define NAME_RBX HV_X64_REGISTER_RBX

static inline int setup(void **state)
{
	(void)state;
	fake_machine_create();
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	fake_machine_destroy();
	return 0;
}

/* A call of a 64-bit caller's, up to its result. */
static inline uint64_t hypercall(uint64_t control, uint64_t input, uint64_t output)
{
	uint64_t *gpr = fake_vp->arch.gpr;

	gpr[GPR_RCX] = control;
	gpr[GPR_RDX] = input;
	gpr[GPR_R8] = output;
	gpr[GPR_RAX] = UINT64_MAX;
	fake_instruction(1000);
	assert_int_equal(fake_fault, -1);
	assert_int_equal(fake_vp->vtl[0]->arch.rip, FAKE_NEXT);
	return gpr[GPR_RAX];
}

#define assert_status(control, in, out, status) \
	assert_int_equal(hypercall(control, in, out), status)

static inline void *in_memory(gpa_t gpa)
{
	return fake_memory + gpa;
}

#endif
