/* SPDX-License-Identifier: MIT */
/* Threads of EL0: their registers, and what changes when a CPU goes from one to another, or from a guest. */
#include <arch/el0.h>
#include <arch/fpu.h>
#include <arch/paging.h>
#include <arch/trap.h>
#include <kernel/console.h>
#include <kernel/task.h>
#include <kernel/thread.h>

/* Of EL1's registers, the bits that EL0 feels (Arm ARM D19.2.122 SCTLR_EL1): DC ZVA, the cache type and cache
 * maintenance by address are allowed, WFI and WFE do not trap, a stack pointer is aligned. */
#define SCTLR_EL1_RES1 0x30d00800ull
#define SCTLR_EL1_TASK (SCTLR_EL1_RES1 | BIT(4) | BIT(14) | BIT(15) | BIT(16) | BIT(18) | BIT(26))
#define CPACR_FPEN     (3 * BIT(20))
#define CNTKCTL_TASK   BIT(0) /* EL0PCTEN */
/* EL1PCTEN, which is EL0's as well. The timer's registers, for which EL1PCEN stands, trap by CNTKCTL_EL1 all the
 * same; QEMU 7.2 looks at that bit for the counter. */
#define CNTHCTL_TASK   (BIT(0) | BIT(1))

void arch_thread_init(struct thread *thread, uint64_t entry, uint64_t stack, uint64_t argument,
		      uint64_t tls)
{
	/* PSTATE 0: EL0, AArch64, nothing masked. */
	thread->arch = (struct arch_thread){
		.registers = {.x = {argument}, .pc = entry, .sp = stack},
		.tls = tls,
	};
}

void arch_thread_set_result(struct thread *thread, status_t status, uint64_t value)
{
	thread->arch.registers.x[0] = status;
	thread->arch.registers.x[1] = value;
}

/* Makes EL0 the thread's. */
static inline void el0_load(struct thread *thread)
{
	struct arch_cpu *cpu = &this_cpu()->arch;

	sysreg_write(hcr_el2, HCR_TASK);
	sysreg_write(vttbr_el2, thread->task->space.table.root | VTTBR_VMID(VMID_TASKS));
	sysreg_write(cnthctl_el2, CNTHCTL_TASK);
	sysreg_write(cntkctl_el1, CNTKCTL_TASK);
	sysreg_write(sctlr_el1, SCTLR_EL1_TASK);
	sysreg_write(cpacr_el1, CPACR_FPEN);
	sysreg_write(mdscr_el1, 0);
	sysreg_write(tpidr_el0, thread->arch.tls);
	fpu_guard(thread->arch.fpu);
	/* The return from the exception makes them true. */
	cpu->el0_is_tasks = true;
}

/* Whose EL0 is loaded, the way out finds out. */
void arch_thread_switch(struct thread *prev, struct thread *next)
{
	(void)prev;
	(void)next;
	this_cpu()->arch.el0_is_tasks = false;
}

__noreturn void arch_thread_resume(struct thread *thread)
{
	if (!this_cpu()->arch.el0_is_tasks)
		el0_load(thread);
	thread_leave(thread);
}

void arch_thread_destroy(struct thread *thread)
{
	if (!thread->arch.fpu)
		return;
	fpu_release(thread->arch.fpu);
	heap_free(thread->task->heap, thread->arch.fpu, sizeof(*thread->arch.fpu));
	thread->arch.fpu = NULL;
}

__cold void arch_thread_dump(const struct thread *thread)
{
	const struct user_registers *r = &thread->arch.registers;

	registers_log(r->x);
	log_error("sp  %016llx pc  %016llx pstate %08llx tls %016llx", (unsigned long long)r->sp,
		  (unsigned long long)r->pc, (unsigned long long)r->pstate,
		  (unsigned long long)thread->arch.tls);
}
