/* SPDX-License-Identifier: MIT */
/* A CPU's own structure and registers. The boot CPU finds out what there is; the others are taken to be equal. */
#include <arch/cpu_setup.h>
#include <arch/el0.h>
#include <arch/paging.h>
#include <arch/trap.h>
#include <kernel/cpu.h>
#include <kernel/thread.h>

/* Assembly takes these from <arch/layout.h>. */
static_assert(offsetof(struct cpu, arch) == 0, "layout.h");
static_assert(offsetof(struct cpu, current) == CPU_CURRENT, "layout.h");
static_assert(offsetof(struct thread, arch) == 0, "layout.h");
static_assert(offsetof(struct arch_thread, registers) == 0, "layout.h");
static_assert(offsetof(struct user_registers, x[30]) == REG_X(30), "layout.h");
static_assert(offsetof(struct user_registers, sp) == REG_SP, "layout.h");
static_assert(offsetof(struct user_registers, pc) == REG_PC, "layout.h");
static_assert(offsetof(struct user_registers, pstate) == REG_PSTATE, "layout.h");
static_assert(sizeof(struct cpu) <= 2 * PAGE_SIZE, "two pages of the area");

#define HSTR_NONE 0

struct cpu *cpu_area(uint32_t index)
{
	return (struct cpu *)(CPU_AREAS_BASE + (uint64_t)index * CPU_AREA_SIZE);
}

/* As ICC_SGI1R_EL1 names one CPU (Arm IHI 0069H 12.2.20): its affinity, the last level as a bit of 16 and a range. */
static uint64_t sgi_target(uint64_t mpidr)
{
	uint64_t last = mpidr & 0xff;

	return BIT(last % 16) | (last / 16) << 44 | (mpidr >> 8 & 0xff) << 16 |
	       (mpidr >> 16 & 0xff) << 32 | (mpidr >> 32 & 0xff) << 48;
}

void cpu_prepare(struct cpu *cpu, uint32_t index, uint64_t mpidr)
{
	cpu->index = index;
	cpu->arch.mpidr = mpidr & MPIDR_AFFINITY;
	cpu->arch.sgi_target = sgi_target(mpidr);
	cpu->arch.cptr = CPTR_BASE;
}

void cpu_load(struct cpu *cpu)
{
	trap_cpu_init();
	sysreg_write(hcr_el2, HCR_TASK);
	sysreg_write(vtcr_el2, stage2_vtcr());
	sysreg_write(vttbr_el2, VTTBR_VMID(VMID_TASKS)); /* until a thread runs nobody is at EL0 */
	sysreg_write(cptr_el2, cpu->arch.cptr);
	sysreg_write(hstr_el2, HSTR_NONE);
	sysreg_write(mdcr_el2, sysreg_read(pmcr_el0) >> 11 &
				       0x1f); /* HPMN: all counters are EL1's, nothing traps */
	sysreg_write(cntvoff_el2, 0);
	sysreg_write(pmuserenr_el0, 0);
	isb();
}
