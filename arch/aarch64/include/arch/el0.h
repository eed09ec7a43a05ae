/* SPDX-License-Identifier: MIT */
/*
 * EL0 belongs to tasks and to guests in turn. With HCR_EL2.TGE a task's exceptions come to EL2 at once, and
 * EL1 does not exist for it; but some of EL1's registers still say what EL0 may do, and a guest has them too.
 *
 *	VTTBR_EL2	whose stage 2
 *	HCR_EL2		TGE: a task's
 *	CPTR_EL2	FP and SIMD are in the registers or trap, as cpu.fpu_owner has it
 *	CNTHCTL_EL2, CNTKCTL_EL1	the physical counter may be read, timers not
 *	SCTLR_EL1, CPACR_EL1, MDSCR_EL1, MDCR_EL2, PMUSERENR_EL0	as constant as they are for all tasks
 *	TPIDR_EL0	the thread's
 *	SP_EL0		saved with the thread's registers
 *
 * A backend that loads any of these with a guest's value has saved that value when it puts the VP, and has
 * set arch_cpu.el0_is_tasks to false; it loads nothing for the task: the thread's way out does, when it
 * comes to that. VTCR_EL2 is the same for all, and CNTVOFF_EL2 nobody's but the guests': neither is touched.
 */
#ifndef ARCH_EL0_H
#define ARCH_EL0_H

#include <arch/sysreg.h>

/* TWI, TWE: no; interrupts come to EL2 by TGE, and by these while a guest runs. */
#define HCR_TASK (HCR_RW | HCR_TGE | HCR_DC | HCR_VM | HCR_SWIO | HCR_AMO | HCR_IMO | HCR_FMO)

#endif
