/* SPDX-License-Identifier: MIT */
/* What machines have of x86's own. */
#ifndef VMM_MACHINE_ARCH_H
#define VMM_MACHINE_ARCH_H

#include <devices/hyperv_test.h>

struct user_apic;

struct processor_arch {
	struct user_apic *apic; /* <vmm/user_apic.h>; NULL: the kernel's */
	gpa_t apic_base;	/* where its local APIC's page was last seen */
};

struct machine_arch {
	handle_t test_ports[HYPERV_TEST_CONNECTIONS]; /* of hyperv-testdev */
};

#endif
