/* SPDX-License-Identifier: MIT */
/* What only VMX has: fields that the processor refuses, and the linear address of an EPT violation. */
#include "../../vmx/vmx.h"
#include "guest.h"
#include <arch/cr.h>
#include <arch/msr.h>
#include <kernel/partition_arch.h>

GUEST_CODE_DECLARE(mmio);
GUEST_CODE_DECLARE(debug_plain);
extern const char guest_debug_plain_a[];

#define NO_FIELD   0x7ffeu
#define MMIO_FIRST 0x30000010u

#define VMX_SETUP(guest)                                 \
	do {                                             \
		if (!backend_is(&vmx_backend))           \
			SKIP("there is no VMCS on SVM"); \
		GUEST_SETUP(guest);                      \
	} while (0)

/* It is said, and does no harm to the VP. */
SELFTEST(vmx_field_is_refused)
{
	const struct vmcs_value none[] = {{VMCS_TPR_THRESHOLD, 0}, {NO_FIELD, 0x1234}};
	const struct vmcs_value read_only[] = {{VMCS_EXIT_REASON, 1}};
	const bool writable = msr_read(0x485) & BIT(29); /* SDM 3D A.6: any field */
	struct test_guest g;

	VMX_SETUP(&g);
	vmx_use(vmx_active(g.vp));
	GUEST_CHECK(&g, vmx_fields_write(none, 1));
	GUEST_CHECK(&g, !vmx_fields_write(none, 2));
	GUEST_CHECK(&g, vmx_fields_write(read_only, 1) == writable);
	guest_start(&g, mmio);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_EMULATE);
	GUEST_CHECK(&g, g.run->emulate.gpa == MMIO_FIRST);
	GUEST_CHECK(&g, g.run->emulate.gva == MMIO_FIRST);
	guest_destroy(&g);
}

/* VMfail ends a step as an exit does: nothing of it is left, and the next one goes on from there. */
SELFTEST(vmx_entry_fails_in_a_step)
{
	const struct vp_debug_state step = {.flags = DEBUG_SINGLE_STEP};
	struct arch_vp_vtl *a;
	struct vmx_vp *s;
	struct test_guest g;

	VMX_SETUP(&g);
	guest_start(&g, debug_plain);
	a = &g.vp->vtl[0]->arch;
	s = vmx_active(g.vp);
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &step) == STATUS_OK);
	s->launched = true; /* VMRESUME of a VMCS that is clear (SDM 3C 31.4, error 5) */
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_FAILED && g.run->failed.code == 5);
	GUEST_CHECK(&g, !s->launched && !(s->blocked & BLOCKED_STEP));
	GUEST_CHECK(&g, a->debug.mode == STEP_NONE && !(a->rflags & RFLAGS_TF));
	vmx_use(s);
	GUEST_CHECK(&g, vmcs_read(VMCS_EXCEPTION_BITMAP) == vmx_exceptions(g.vp->vtl[0]));
	GUEST_CHECK(&g, a->rip == GUEST_CODE);
	a->activity = ACTIVITY_RUNNING;
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_SINGLE_STEP);
	GUEST_CHECK(&g, g.run->regs.rip == GUEST_CODE + (uintptr_t)guest_debug_plain_a);
	guest_destroy(&g);
}
