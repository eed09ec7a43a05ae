/* SPDX-License-Identifier: MIT */
/* Whether a CPU that was started has all that guests have been promised by the boot CPU. */
#ifndef ARCH_CPU_CHECK_H
#define ARCH_CPU_CHECK_H

#include <trivet/types.h>

#define CPU_SUFFICES		    0u
#define CPU_LACKS_GIC		    1u /* its GIC's CPU interface for guests (ICH_VTR_EL2) has less */
/* Its feature register S3_0_C0_C<crm>_<op2> says less. */
#define CPU_LACKS_FEATURE(crm, op2) (0x100u | (crm) << 4 | (op2))
#define CPU_LACKS_CRM(lacks)	    ((lacks) >> 4 & 0xf)
#define CPU_LACKS_OP2(lacks)	    ((lacks)&0xf)

/* On the CPU itself, with its GIC interface on, after the backend was chosen: CPU_SUFFICES, or what it lacks. */
uint32_t guest_cpu_check(void);

#endif
