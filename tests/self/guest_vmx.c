/* SPDX-License-Identifier: MIT */
/* What only VMX has: fields that the processor refuses, and the linear address of an EPT violation. */
#include "../../vmx/vmx.h"
#include "guest.h"
#include <arch/cr.h>
#include <arch/msr.h>

GUEST_CODE_DECLARE(mmio);

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
