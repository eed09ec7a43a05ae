/* SPDX-License-Identifier: MIT */
/* Spinning on PAUSE exits where the processor counts it, and nowhere else. */
#include "../../svm/svm.h"
#include "../../vmx/vmx.h"
#include "guest.h"

GUEST_CODE_DECLARE(pauses);

#define MANY 20000u
#define FEW  100u

static bool processor_counts(void)
{
	if (backend_is(&svm_backend))
		return svm_features & SVM_FEATURE_PAUSE_FILTER;
	return vmx_controls.cpu2 & CPU2_PAUSE_LOOP;
}

/* Exits of so many PAUSEs in a row; -1: the guest did not come to its end. */
static int64_t exits_of(struct test_guest *g, uint64_t pauses)
{
	const uint64_t *exits = &g->vp->stats->exits[VP_EXIT_PAUSE];
	uint64_t before = *exits;

	guest_start(g, pauses);
	if (!guest_says(g, 5))
		return -1;
	g->vp->arch.gpr[GPR_RCX] = pauses;
	return guest_says(g, 99) ? (int64_t)(*exits - before) : -1;
}

SELFTEST(pause_loop_exits)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	GUEST_CHECK(&g, exits_of(&g, FEW) == 0);
	GUEST_CHECK(&g, (exits_of(&g, MANY) > 0) == processor_counts());
	guest_destroy(&g);
}
