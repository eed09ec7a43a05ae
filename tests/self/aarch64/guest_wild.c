/* SPDX-License-Identifier: MIT */
/* Guests that try all that there is: every system register, calls with any arguments. */
#include "guest.h"
#include <kernel/string.h>

GUEST_CODE_DECLARE(passes_over);
GUEST_CODE_DECLARE(wild_calls);

#define BLOCK	    0x400u  /* registers that are tried in one go */
#define ENCODINGS   0x8000u /* Op0 2 and 3; Op1, CRn, CRm, Op2 */
#define DEBUG_HALF  0x4000u /* Op0 2 */
#define MRS_X1	    0xd5300001u
#define MSR_X1	    0xd5100001u
#define VECTOR_SYNC 0x200u
#define MOVZ_X20    0xd2a12014u /* x20 = GUEST_PORT */
#define STR_W24	    0xb9000298u /* [x20] = w24 */

static void handler_put(struct test_guest *g)
{
	memcpy(g->ram + GUEST_VECTORS + VECTOR_SYNC, guest_passes_over,
	       (size_t)(guest_passes_over_end - guest_passes_over));
}

/* The block's accesses, then the count of those that were undefined. */
static bool block_run(struct test_guest *g, uint32_t instruction, uint32_t first)
{
	uint32_t *code = (uint32_t *)(g->ram + GUEST_CODE), i;

	for (i = 0; i < BLOCK; i++)
		*code++ = instruction | (first + i) << 5;
	*code++ = MOVZ_X20;
	*code = STR_W24;
	__builtin___clear_cache((char *)g->ram + GUEST_CODE, (char *)(code + 1));
	return guest_register_set(g, HV_ARM64_REGISTER_PC, GUEST_CODE) &&
	       guest_register_set(g, HV_ARM64_REGISTER_X0 + 24, 0) && guest_tells(g) <= BLOCK;
}

/* Reads of all of them; writes of those for debugging. Each is there or undefined. */
SELFTEST(arm_wild_registers)
{
	struct test_guest g;
	uint32_t first;

	GUEST_SETUP(&g);
	guest_start(&g, passes_over);
	handler_put(&g);
	for (first = 0; first < ENCODINGS; first += BLOCK)
		GUEST_CHECK(&g, block_run(&g, MRS_X1, first));
	for (first = 0; first < DEBUG_HALF; first += BLOCK)
		GUEST_CHECK(&g, block_run(&g, MSR_X1, first));
	guest_destroy(&g);
}

/* The guest has an end of its own, or turned off, many times; nothing else comes of it. */
SELFTEST(arm_wild_calls)
{
	struct test_guest g;
	unsigned int rounds;
	uint32_t last = VP_RUN_NONE;

	GUEST_SETUP_VPS(&g, 2);
	guest_start(&g, wild_calls);
	handler_put(&g);
	GUEST_CHECK(&g, guest_register_set(&g, HV_ARM64_REGISTER_X0 + 19, 0x2545f4914f6cdd1d));
	for (rounds = 0; rounds < 2000 && last != VP_RUN_MMIO; rounds++) {
		enum vp_outcome came;

		arch_vp_resume(g.vp);
		came = vp_run(g.vp);
		atomic_store(&g.vp->run_state, VP_READY);
		if (came == VP_TO_VMM)
			last = g.run->reason;
		else if (came == VP_BLOCK) /* nobody else would ever wake it */
			g.vp->vtl[0]->arch.activity = ACTIVITY_RUNNING;
		GUEST_CHECK(&g, came != VP_TO_VMM || last == VP_RUN_MMIO ||
					last == VP_RUN_SYSTEM_OFF || last == VP_RUN_SYSTEM_RESET);
	}
	GUEST_CHECK(&g, last == VP_RUN_MMIO && g.run->mmio.value == 1);
	guest_destroy(&g);
}
