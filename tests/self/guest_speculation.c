/* SPDX-License-Identifier: MIT */
/*
 * What is done against leaks by speculation. That it helps no emulator can show; that it is done where
 * it was decided, and that the host's and the guest's side stay apart.
 */
#include "../../vmx/vmx.h"
#include "guest.h"
#include <arch/cr.h>
#include <arch/msr.h>
#include <arch/speculation.h>
#include <kernel/cpu.h>
#include <kernel/partition_arch.h>

GUEST_CODE_DECLARE(out);
GUEST_CODE_DECLARE(speculation);
extern const char guest_speculation_gp[];

#define GP	     13u
#define WENT_THROUGH 1u
#define REFUSED	     2u

/* The guarded world switch is in use where something is to be done, and nowhere else. */
SELFTEST(speculation_guard)
{
	bool plain = backend == &svm_backend || backend == &vmx_backend;
	const char *why;

	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(plain == !speculation.actions);
}

/* The guest runs on, on its VP 1. */
static void second_start(struct test_guest *g)
{
	arch_vp_unbind(g->vp);
	g->vp = partition_vp(g->partition, 1);
	g->vp->run = g->run;
	g->vp->vtl[0]->arch.activity = ACTIVITY_RUNNING;
	guest_start(g, out);
}

/* Runs the guest's VP; whether this CPU then holds its predictions and nobody else's. */
static bool predictor_is_its(struct test_guest *g, uint64_t *number)
{
	const struct arch_cpu *cpu = &this_cpu()->arch;
	uint64_t before = *number;

	*number = g->vp->arch.number;
	return guest_says(g, 0x11) && *number && *number != before &&
	       cpu->predictor == (speculation.actions ? *number : 0);
}

/* A CPU knows which VP has trained its predictor last, also among those of a partition; not by an
 * address that is used again. */
SELFTEST(speculation_predictor)
{
	struct test_guest g;
	uint64_t number = 0;
	const char *why;

	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(guest_create_vps(&g, 2));
	guest_start(&g, out);
	GUEST_CHECK(&g, predictor_is_its(&g, &number));
	second_start(&g);
	GUEST_CHECK(&g, predictor_is_its(&g, &number));
	guest_destroy(&g);
	CHECK(guest_create(&g));
	guest_start(&g, out);
	GUEST_CHECK(&g, predictor_is_its(&g, &number));
	guest_destroy(&g);
}

/* Whether RDMSR of IA32_SPEC_CTRL exits, or gives the guest the processor's (SDM 3C 25.6.9). */
static void control_read_exits(bool exits)
{
	uint8_t *byte = (uint8_t *)hpa_to_kva(vmx_msr_bitmap) + MSR_SPEC_CTRL / 8;

	if (exits)
		*byte |= BIT(MSR_SPEC_CTRL % 8);
	else
		*byte &= (uint8_t)~BIT(MSR_SPEC_CTRL % 8);
}

/* What the guest sets is its own: read back by it, and never in force in the host. */
SELFTEST(speculation_control)
{
	struct test_guest g;
	uint64_t allowed;
	bool in_force;

	GUEST_SETUP(&g);
	allowed = g.partition->arch.speculation_allowed;
	if (!(allowed & GUEST_SPEC_CTRL)) {
		guest_destroy(&g);
		SKIP("no IA32_SPEC_CTRL for guests here");
	}
	allowed &= GUEST_SPEC_CTRL;
	guest_start(&g, speculation);
	guest_vector_set(&g, GP, (uintptr_t)guest_speculation_gp);
	GUEST_CHECK(&g, guest_says(&g, 5));
	g.vp->arch.gpr[GPR_RSI] = allowed;
	GUEST_CHECK(&g, guest_says(&g, 0));
	GUEST_CHECK(&g, guest_says(&g, (uint32_t)allowed));
	GUEST_CHECK(&g, g.vp->arch.spec_ctrl_entered == (allowed | speculation.guest_control));
	GUEST_CHECK(&g, msr_read(MSR_SPEC_CTRL) == speculation.host_control);
	if (backend_is(&vmx_backend))
		control_read_exits(false);
	in_force = guest_says(&g, (uint32_t)g.vp->arch.spec_ctrl_entered);
	if (backend_is(&vmx_backend))
		control_read_exits(true);
	GUEST_CHECK(&g, in_force || !backend_is(&vmx_backend));
	GUEST_CHECK(&g, guest_says(&g, REFUSED));
	GUEST_CHECK(&g, guest_says(&g, WENT_THROUGH)); /* IBPB */
	GUEST_CHECK(&g, guest_says(&g, REFUSED));
	GUEST_CHECK(&g, guest_says(&g, REFUSED));
	allowed = g.partition->arch.speculation_allowed & GUEST_CAPABILITIES;
	GUEST_CHECK(&g, guest_says(&g, allowed ? WENT_THROUGH : REFUSED));
	GUEST_CHECK(&g, guest_says(&g, REFUSED));
	arch_vp_reset(g.vp);
	GUEST_CHECK(&g, g.vp->arch.spec_ctrl == 0);
	GUEST_CHECK(&g, g.vp->arch.spec_ctrl_entered == speculation.guest_control);
	guest_destroy(&g);
}
