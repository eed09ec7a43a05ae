/* SPDX-License-Identifier: MIT */
/* What machines have of AArch64's own. */
#ifndef VMM_MACHINE_ARCH_H
#define VMM_MACHINE_ARCH_H

#include <firmware/firmware.h>
#include <lib/log_limit.h>

struct processor_arch {
	struct log_limit aborts; /* that accesses to nothing ended with: told of, not all */
};

struct machine_arch {
	struct firmware_config firmware; /* while it is loaded */
};

#endif
