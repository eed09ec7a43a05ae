/* SPDX-License-Identifier: MIT */
/* Threads of ring 3: their registers, and what changes when a CPU goes from one to another. */
#include <arch/cr.h>
#include <arch/fpu.h>
#include <arch/msr.h>
#include <arch/trap.h>
#include <kernel/console.h>
#include <kernel/task.h>
#include <kernel/thread.h>

__noreturn void (*thread_door)(struct thread *thread) = thread_leave;

void arch_thread_init(struct thread *thread, uint64_t entry, uint64_t stack, uint64_t argument,
		      uint64_t tls)
{
	thread->arch = (struct arch_thread){
		.registers =
			{
				.rdi = argument,
				.rip = entry,
				.cs = SELECTOR_USER_CODE,
				.rflags = RFLAGS_FIXED | RFLAGS_IF,
				.rsp = stack,
				.ss = SELECTOR_USER_DATA,
			},
		/* WRMSR would fault on an address that is not canonical. */
		.fs_base = tls < USER_LIMIT ? tls : 0,
	};
}

void arch_thread_set_result(struct thread *thread, status_t status, uint64_t value)
{
	thread->arch.registers.rax = status;
	thread->arch.registers.rdx = value;
}

void arch_thread_switch(struct thread *prev, struct thread *next)
{
	struct arch_cpu *cpu = &this_cpu()->arch;
	hpa_t root = next->task->space.table.root;

	(void)prev; /* what it left in the CPU is known by what the CPU last loaded */
	if (cpu->cr3 != root) {
		cpu->cr3 = root;
		cr3_write(root);
	}
	fpu_guard(next->arch.fpu);
}

__noreturn void arch_thread_resume(struct thread *thread)
{
	struct arch_cpu *cpu = &this_cpu()->arch;

	if (unlikely(cpu->fs_base != thread->arch.fs_base)) {
		cpu->fs_base = thread->arch.fs_base;
		msr_write(MSR_FS_BASE, thread->arch.fs_base);
	}
	/* SYSRET and IRETQ fault in ring 0 on an address that is not canonical. */
	if (unlikely(thread->arch.registers.rip >= USER_LIMIT))
		trap_user_fault("jump out of the user half", thread->arch.registers.rip);
	thread_door(thread);
}

void arch_thread_destroy(struct thread *thread)
{
	if (!thread->arch.fpu)
		return;
	fpu_release(thread->arch.fpu);
	heap_free(thread->task->heap, thread->arch.fpu->area, xsave_area_size);
	heap_free(thread->task->heap, thread->arch.fpu, sizeof(*thread->arch.fpu));
	thread->arch.fpu = NULL;
}

__cold void arch_thread_dump(const struct thread *thread)
{
	const struct user_registers *r = &thread->arch.registers;

	log_error("rax %016llx rbx %016llx rcx %016llx rdx %016llx", (unsigned long long)r->rax,
		  (unsigned long long)r->rbx, (unsigned long long)r->rcx,
		  (unsigned long long)r->rdx);
	log_error("rsi %016llx rdi %016llx rbp %016llx rsp %016llx", (unsigned long long)r->rsi,
		  (unsigned long long)r->rdi, (unsigned long long)r->rbp,
		  (unsigned long long)r->rsp);
	log_error("r8  %016llx r9  %016llx r10 %016llx r11 %016llx", (unsigned long long)r->r8,
		  (unsigned long long)r->r9, (unsigned long long)r->r10,
		  (unsigned long long)r->r11);
	log_error("r12 %016llx r13 %016llx r14 %016llx r15 %016llx", (unsigned long long)r->r12,
		  (unsigned long long)r->r13, (unsigned long long)r->r14,
		  (unsigned long long)r->r15);
	log_error("rip %016llx flags %08llx fs %016llx", (unsigned long long)r->rip,
		  (unsigned long long)r->rflags, (unsigned long long)thread->arch.fs_base);
}
