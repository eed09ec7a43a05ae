/* SPDX-License-Identifier: MIT */
/*
 * Dispatch of exceptions. EL0's are the task's affair, but the first use of FP and SIMD registers; interrupts run
 * their handlers; an exception in the kernel is a bug.
 */
#include <arch/fpu.h>
#include <arch/gic.h>
#include <arch/trap.h>
#include <kernel/console.h>
#include <kernel/task.h>
#include <kernel/thread.h>
#include <kernel/processor.h>

void trap_from_user(uint64_t kind, uint64_t esr);
void trap_from_kernel(struct trap_frame *frame);

static_assert(offsetof(struct trap_frame, sp) == FRAME_SP, "layout.h");
static_assert(offsetof(struct trap_frame, pc) == FRAME_PC, "layout.h");
static_assert(offsetof(struct trap_frame, esr) == FRAME_ESR, "layout.h");
static_assert(offsetof(struct trap_frame, kind) == FRAME_KIND, "layout.h");
static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "layout.h");

const struct trap_frame *trap_panic_frame;

void trap_cpu_init(void)
{
	sysreg_write(vbar_el2, trap_vectors);
	isb();
}

/* ---- words ---- */

static const struct {
	uint8_t class;
	const char *words;
} classes[] = {
	{EC_UNKNOWN, "undefined instruction"},
	{EC_FP_ACCESS, "FP or SIMD access"},
	{EC_ILLEGAL_STATE, "illegal execution state"},
	{EC_HVC64, "HVC"},
	{EC_SMC64, "SMC"},
	{EC_SYSREG, "system register"},
	{EC_SVE, "SVE"},
	{EC_INSTRUCTION_ABORT_LOWER, "instruction abort"},
	{EC_INSTRUCTION_ABORT, "instruction abort"},
	{EC_PC_ALIGNMENT, "misaligned program counter"},
	{EC_DATA_ABORT_LOWER, "data abort"},
	{EC_DATA_ABORT, "data abort"},
	{EC_SP_ALIGNMENT, "misaligned stack pointer"},
	{EC_FP_EXCEPTION, "FP exception"},
	{EC_SERROR, "SError"},
	{EC_BREAKPOINT_LOWER, "breakpoint"},
	{EC_STEP_LOWER, "step"},
	{EC_WATCHPOINT_LOWER, "watchpoint"},
	{EC_BRK64, "BRK"},
};

__cold const char *trap_words(uint64_t esr)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].class == ESR_EC(esr))
			return classes[i].words;
	return "exception of an unknown class";
}

static bool is_abort(uint64_t esr)
{
	uint64_t class = ESR_EC(esr);

	return class == EC_DATA_ABORT_LOWER || class == EC_INSTRUCTION_ABORT_LOWER;
}

/* As on other architectures: a page fault is what it is to a task. */
static __cold const char *abort_words(uint64_t esr)
{
	/* Translation and access flag faults, permission faults: Arm ARM D19.2.37, DFSC. */
	if (ESR_FAULT(esr) >= 0x10)
		return trap_words(esr);
	if (ESR_EC(esr) == EC_INSTRUCTION_ABORT_LOWER)
		return "page fault at an instruction fetch";
	return esr & ESR_ABORT_WRITE ? "page fault at a write" : "page fault at a read";
}

/* ---- from EL0 ---- */

/* The first use of the registers since another thread or a VP had them. */
static void fpu_wanted(struct thread *thread)
{
	if (!thread->arch.fpu) {
		thread->arch.fpu = heap_alloc(thread->task->heap, sizeof(*thread->arch.fpu));
		if (!thread->arch.fpu)
			trap_user_fault("no memory to keep the FP registers", 0);
	}
	fpu_take(thread->arch.fpu);
	arch_thread_resume(thread);
}

/* The entry was being replaced, or a new one was not yet seen: it allows the access. */
static bool abort_is_over(struct task *task, uint64_t esr, uint64_t address)
{
	uint32_t needed = esr & ESR_ABORT_WRITE ? PAGE_WRITE : PAGE_READ;
	struct page_translation t;
	bool mapped;

	if (ESR_EC(esr) == EC_INSTRUCTION_ABORT_LOWER)
		needed = PAGE_EXECUTE;
	spin_lock(&task->space.lock);
	mapped = page_table_lookup(&task->space.table, address, &t);
	spin_unlock(&task->space.lock);
	/* As far as the table says it. An alignment fault does not go away. */
	return mapped && (t.flags & needed) && ESR_FAULT(esr) >= 0x4 && ESR_FAULT(esr) < 0x8;
}

static __cold __noreturn void abort_handle(struct thread *thread, uint64_t esr)
{
	uint64_t address = sysreg_read(far_el2);

	if (abort_is_over(thread->task, esr, address)) {
		__asm__ volatile("dsb ish" : : : "memory");
		arch_thread_resume(thread);
	}
	trap_user_fault(abort_words(esr), address);
}

/* Entered from trap_entry.S on the empty stack of the CPU. */
__noreturn void trap_from_user(uint64_t kind, uint64_t esr)
{
	struct thread *thread = this_cpu()->current;

	if (kind == TRAP_IRQ || kind == TRAP_FIQ) {
		gic_take();
		trap_user_interrupt();
	}
	if (kind == TRAP_SERROR)
		panic("SError while a task ran, syndrome 0x%llx", (unsigned long long)esr);
	if (ESR_EC(esr) == EC_FP_ACCESS)
		fpu_wanted(thread);
	if (is_abort(esr))
		abort_handle(thread, esr);
	trap_user_fault(trap_words(esr), thread->arch.registers.pc);
}

/* ---- from the kernel ---- */

__cold void trap_from_kernel(struct trap_frame *frame)
{
	static const char *const kinds[] = {
		[TRAP_SYNCHRONOUS] = NULL,
		[TRAP_IRQ] = "an interrupt that is masked",
		[TRAP_FIQ] = "a fast interrupt that is masked",
		[TRAP_SERROR] = "SError",
		[TRAP_OVERFLOW] = "stack overflow",
		[TRAP_UNEXPECTED] = "an exception from a mode that is not used",
	};

	trap_panic_frame = frame;
	if (frame->kind != TRAP_SYNCHRONOUS)
		panic("%s in the kernel, syndrome 0x%llx, address 0x%llx", kinds[frame->kind],
		      (unsigned long long)frame->esr, (unsigned long long)frame->far);
	if (ESR_EC(frame->esr) == EC_DATA_ABORT)
		panic("data abort in the kernel: %s at 0x%llx, syndrome 0x%llx",
		      frame->esr & ESR_ABORT_WRITE ? "write" : "read",
		      (unsigned long long)frame->far, (unsigned long long)frame->esr);
	panic("%s in the kernel, syndrome 0x%llx, address 0x%llx", trap_words(frame->esr),
	      (unsigned long long)frame->esr, (unsigned long long)frame->far);
}

/* The exit has taken the SError: whatever it was of, it was not the guest's, which has nothing but memory. */
void arch_machine_check(void)
{
	panic("SError while a guest ran");
}
