/* SPDX-License-Identifier: MIT */
/* Two VPs: PSCI, SGIs, and registers that don't get mixed up on one CPU. */
#include "guest.h"
#include <kernel/memory.h>
#include <kernel/state.h>

GUEST_CODE_DECLARE(second);
GUEST_CODE_DECLARE(keep);

#define GUEST_OTHER_SCTLR  0x34d5d805ull
#define VECTOR_IRQ	   (0xe00u + 5)
#define INVALID_PARAMETERS ((uint32_t)-2)
#define ALREADY_ON	   ((uint32_t)-4)

SELFTEST(arm_power)
{
	struct test_guest g;
	struct vp *other;

	GUEST_SETUP_VPS(&g, 2);
	other = partition_vp(g.partition, 1);
	guest_start(&g, second);
	GUEST_CHECK(&g, guest_blocks(other));
	GUEST_CHECK(&g, guest_says(&g, INVALID_PARAMETERS));
	GUEST_CHECK(&g, guest_says(&g, ALREADY_ON));
	GUEST_CHECK(&g, guest_says(&g, 1)); /* off */
	GUEST_CHECK(&g, guest_says(&g, 0)); /* turned on */
	GUEST_CHECK(&g, guest_says(&g, 2)); /* and on its way */
	GUEST_CHECK(&g, guest_run_vp(&g, other) == VP_RUN_MMIO);
	GUEST_CHECK(&g, g.second->mmio.value == (BIT(31) | 1));
	GUEST_CHECK(&g, guest_run_vp(&g, other) == VP_RUN_MMIO);
	GUEST_CHECK(&g, !(g.second->mmio.value & 5)); /* no MMU, no caches */
	GUEST_CHECK(&g, guest_blocks(other));
	GUEST_CHECK(&g, guest_says(&g, VECTOR_IRQ));
	GUEST_CHECK(&g, guest_says(&g, 0)); /* the SGI */
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, guest_says(&g, 0x4242));
	guest_destroy(&g);
}

/* Two guests take turns on this CPU: each finds what it has left. */
static bool keeps(struct test_guest *g, uint32_t value)
{
	return guest_says(g, value) && guest_says(g, value) && guest_says(g, value);
}

SELFTEST(arm_registers_stay)
{
	struct test_guest a, b;
	uint64_t sctlr;
	unsigned int i;
	bool right = true;

	GUEST_SETUP(&a);
	GUEST_CHECK(&a, guest_create_vps(&b, 1));
	sctlr = guest_register(&a, HV_ARM64_REGISTER_SCTLR_EL1);
	guest_start(&a, keep);
	guest_start(&b, keep);
	right = guest_register_set(&a, HV_ARM64_REGISTER_X0 + 19, 111) &&
		guest_register_set(&b, HV_ARM64_REGISTER_X0 + 19, 222);
	for (i = 0; i < 10 && right; i++) {
		right = keeps(&a, 111) && keeps(&b, 222) && guest_says(&a, 0x5000 + 111) &&
			guest_says(&b, 0x5000 + 222) && guest_says(&a, 111) && guest_says(&b, 222);
		/* What tasks have there instead, as on the way to EL0. */
		sysreg_write(sctlr_el1, GUEST_OTHER_SCTLR);
		sysreg_write(cpacr_el1, 0);
		sysreg_write(tpidr_el0, i);
		right = right && guest_register(&a, HV_ARM64_REGISTER_TPIDR_EL1) == 111 &&
			guest_register(&a, HV_ARM64_REGISTER_SCTLR_EL1) == sctlr &&
			guest_register(&b, HV_ARM64_REGISTER_SCTLR_EL1) == sctlr &&
			guest_register(&b, HV_ARM64_REGISTER_CONTEXTIDR_EL1) == 0x5000 + 222 &&
			guest_register(&a, HV_ARM64_REGISTER_Q0 + 3) == 111;
	}
	guest_destroy(&b);
	GUEST_CHECK(&a, right);
	guest_destroy(&a);
}

/* What is saved goes on in another VP. */
SELFTEST(arm_save_and_restore)
{
	struct test_guest a, b;
	uint64_t needed;
	char *state = page_alloc(&kernel_heap, 3);
	bool right;

	CHECK(state);
	GUEST_SETUP(&a);
	GUEST_CHECK(&a, guest_create_vps(&b, 1));
	guest_start(&a, keep);
	guest_start(&b, keep);
	right = guest_register_set(&a, HV_ARM64_REGISTER_X0 + 19, 77) && keeps(&a, 77) &&
		vp_save(a.vp, state, KIB(32), &needed) == STATUS_OK &&
		vp_restore(b.vp, state, needed) == STATUS_OK;
	right = right && guest_says(&b, 0x5000 + 77) && guest_says(&b, 77) && guest_says(&b, 77);
	guest_destroy(&b);
	page_free(&kernel_heap, state, 3);
	GUEST_CHECK(&a, right);
	guest_destroy(&a);
}
