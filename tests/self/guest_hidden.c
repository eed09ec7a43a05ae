/* SPDX-License-Identifier: MIT */
/* Instructions that CPUID shows work; those that it hides are #UD where the processor has a control
 * or an intercept for that. */
#include "guest.h"
#include <arch/cr.h>
#include <kernel/arch.h>

GUEST_CODE_DECLARE(instructions);
extern const char guest_instructions_ud[];

#define VECTOR_UD	 6u
#define SAYS_UD		 0x66u
/* QEMU's TCG names itself there. It knows of no such intercepts. */
#define CPUID_HYPERVISOR 0x40000000u
#define SIGNATURE_TCG	 0x54474354u

/* In the order in which the guest tries them; it says its number, from 1, of each that works. */
static const struct instruction {
	uint32_t bit; /* enum guest_instruction */
	bool svm;     /* SVM has an intercept (APM 15.9) */
} instructions[] = {
	{INSTRUCTION_RDTSCP, true},
	{INSTRUCTION_INVPCID, true},
	{INSTRUCTION_RDRAND, false},
	{INSTRUCTION_RDSEED, false},
};

static const struct cpuid_leaf hidden[] = {
	{.function = 0x80000001, .mask = {[3] = BIT(27)}},
	{.function = 7, .index_matters = 1, .mask = {[1] = BIT(10) | BIT(18), [2] = BIT(22)}},
	{.function = 1, .mask = {[2] = BIT(30)}},
};

static bool can_be_hidden(const struct instruction *instruction)
{
	if (!backend_is(&svm_backend))
		return true;
	return instruction->svm && cpuid_read(CPUID_HYPERVISOR, 0).ebx != SIGNATURE_TCG;
}

/* Runs them all in a guest with these leaves; the bits of those that worked. */
static bool works(struct test_guest *g, uint32_t *bits)
{
	unsigned int i;

	*bits = 0;
	guest_start(g, instructions);
	guest_vector_set(g, VECTOR_UD, (uintptr_t)guest_instructions_ud);
	for (i = 0; i < ARRAY_SIZE(instructions); i++) {
		if (guest_run(g) != VP_RUN_PORT_IO || g->run->port.port != GUEST_PORT)
			return false;
		if (g->run->port.value == i + 1)
			*bits |= instructions[i].bit;
		else if (g->run->port.value != SAYS_UD)
			return false;
	}
	return guest_says(g, 99);
}

SELFTEST(hidden_instructions_are_undefined)
{
	struct test_guest g;
	uint32_t shown, bits, missing = 0;
	unsigned int i;

	GUEST_SETUP(&g);
	shown = g.partition->arch.instructions;
	GUEST_CHECK(&g, works(&g, &bits));
	for (i = 0; i < ARRAY_SIZE(instructions); i++)
		missing |= shown & instructions[i].bit & ~bits;
	GUEST_CHECK(&g, missing == 0);
	guest_destroy(&g);

	CHECK(guest_create_leaves(&g, hidden, ARRAY_SIZE(hidden)));
	GUEST_CHECK(&g, !(g.partition->arch.instructions & ~(uint32_t)INSTRUCTION_XSAVES));
	GUEST_CHECK(&g, works(&g, &bits));
	for (i = 0; i < ARRAY_SIZE(instructions); i++)
		if (!can_be_hidden(&instructions[i]))
			bits &= ~instructions[i].bit;
	GUEST_CHECK(&g, bits == 0);
	guest_destroy(&g);
}
