/* SPDX-License-Identifier: MIT */
/* The firmware's power services: PSCI (Arm DEN0022). */
#ifndef ARCH_POWER_H
#define ARCH_POWER_H

#include <trivet/types.h>

#define PSCI_VERSION	  0x84000000u
#define PSCI_CPU_ON	  0xc4000003u
#define PSCI_SYSTEM_OFF	  0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u
#define PSCI_SUCCESS	  0
#define PSCI_ALREADY_ON	  (-4)
#define PSCI_NOT_THERE	  (-1) /* NOT_SUPPORTED: also when there is no PSCI at all */

/* How the firmware is called: enum psci_conduit. There is nobody to call by HVC, which is taken to EL2. */
void psci_init(uint32_t conduit);
int64_t psci_call(uint32_t function, uint64_t a, uint64_t b, uint64_t c);

/* From now on SGI_STOP stops the CPU that gets it; cpu_stop_asked() is where it ends. */
void cpu_stop_asked(void);

#endif
