/* SPDX-License-Identifier: MIT */
/*
 * Dispatch of exceptions and interrupts. Ring 3's exceptions are the task's affair; a device
 * interrupt runs its handler; an exception in the kernel is a bug, except at the few instructions
 * that are listed in the exception table because they touch what may not be there.
 */
#include <arch/apic.h>
#include <arch/cr.h>
#include <arch/fpu.h>
#include <arch/msr.h>
#include <arch/serial.h>
#include <arch/trap.h>
#include <kernel/console.h>
#include <kernel/processor.h>
#include <kernel/thread.h>
#include <kernel/task.h>

/* Interrupt gate, SDM 3A 6.14.1. */
struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t stack; /* index of the interrupt stack table, 0: none */
	uint8_t type;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};
static_assert(sizeof(struct gate) == 16, "SDM 3A 6.14.1");

#define GATE_INTERRUPT	 0x8e /* present, ring 0 */
#define VECTOR_COUNT	 256
#define VECTOR_STUB_SIZE 16

struct ex_entry {
	uint64_t fault, fixup;
};

void trap_from_user(uint64_t vector, uint64_t error);
void trap_from_kernel(struct trap_frame *frame);
extern const char trap_vectors[], syscall_entry[];
extern const struct ex_entry __ex_table_start[], __ex_table_end[];

static struct gate idt[VECTOR_COUNT];
static struct cpu *_Atomic stopper; /* the CPU that stops the others */
static _Atomic uint32_t stopped;
const struct trap_frame *trap_panic_frame;

static const char *const exception_names[EXCEPTION_COUNT] = {
	"divide error",
	"debug",
	"NMI",
	"breakpoint",
	"overflow",
	"bound range",
	"invalid opcode",
	"device not available",
	"double fault",
	"coprocessor overrun",
	"invalid TSS",
	"segment not present",
	"stack fault",
	"general protection",
	"page fault",
	"reserved",
	"x87 error",
	"alignment check",
	"machine check",
	"SIMD error",
	"virtualization",
	"control protection",
};

static const char *exception_name(uint64_t vector)
{
	const char *name = vector < EXCEPTION_COUNT ? exception_names[vector] : NULL;

	return name ? name : "reserved exception";
}

void trap_init(void)
{
	/* Each on a stack of its own: they may come while RSP is not the kernel's. */
	static const uint8_t stacks[EXCEPTION_COUNT] = {
		[EXCEPTION_NMI] = 1,
		[EXCEPTION_MC] = 2,
		[EXCEPTION_DF] = 3,
	};

	for (uint32_t i = 0; i < VECTOR_COUNT; i++) {
		uint64_t stub = (uint64_t)trap_vectors + i * VECTOR_STUB_SIZE;

		idt[i] = (struct gate){
			.offset_low = (uint16_t)stub,
			.offset_middle = (uint16_t)(stub >> 16),
			.offset_high = (uint32_t)(stub >> 32),
			.selector = SELECTOR_KERNEL_CODE,
			.stack = i < EXCEPTION_COUNT ? stacks[i] : 0,
			.type = GATE_INTERRUPT,
		};
	}
}

void trap_cpu_init(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed pointer = {sizeof(idt) - 1, (uint64_t)idt};

	__asm__ volatile("lidt %0" : : "m"(pointer));
	/* SYSRET takes SS = STAR[63:48] + 8 and CS = STAR[63:48] + 16, both with RPL 3. */
	msr_write(MSR_STAR,
		  (uint64_t)(SELECTOR_USER_DATA - 8) << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
	msr_write(MSR_LSTAR, (uint64_t)syscall_entry);
	msr_write(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT |
				      RFLAGS_RF | RFLAGS_AC);
	msr_write(MSR_GS_BASE, 0);
	msr_write(MSR_KERNEL_GS_BASE, (uint64_t)this_cpu());
	msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SCE);
}

bool trap_stop_others(void)
{
	struct cpu *self = this_cpu(), *first = NULL;

	return atomic_compare_exchange_strong(&stopper, &first, self) || first == self;
}

uint32_t trap_stopped(void)
{
	return atomic_load(&stopped);
}

/* ---- device interrupts ---- */

/* True: the vector is one of ours, or at least not an exception. */
static bool interrupt_handle(uint64_t vector)
{
	if (vector < EXCEPTION_COUNT)
		return false;
	switch (vector) {
	case VECTOR_TIMER:
		apic_eoi();
		timer_interrupt();
		break;
	case VECTOR_POSTED:
	case VECTOR_KICK: apic_eoi(); break; /* that it came is all it says */
	case VECTOR_CONSOLE:
		serial_interrupt();
		apic_eoi();
		break;
	case VECTOR_APIC_ERROR:
		apic_error();
		apic_eoi();
		break;
	default:
		/* A spurious one has no bit in service, and wants no EOI (SDM 3A 10.9). */
		this_cpu()->arch.spurious++;
		if (apic_in_service((uint32_t)vector))
			apic_eoi();
	}
	return true;
}

void arch_interrupt_acknowledged(uint32_t vector)
{
	this_cpu()->arch.acknowledged = vector;
}

void trap_acknowledged(void)
{
	uint32_t vector = this_cpu()->arch.acknowledged;

	this_cpu()->arch.acknowledged = 0;
	if (vector)
		interrupt_handle(vector);
}

/* ---- from ring 3 ---- */

/* The first use of the FPU since another thread or a VP had it. */
static void fpu_wanted(struct thread *thread)
{
	if (!thread->arch.fpu) {
		struct fpu_state *state = heap_alloc(thread->task->heap, sizeof(*state));
		void *area = heap_alloc(thread->task->heap, xsave_area_size);

		if (!state || !area) {
			if (state)
				heap_free(thread->task->heap, state, sizeof(*state));
			if (area)
				heap_free(thread->task->heap, area, xsave_area_size);
			trap_user_fault("no memory to keep the FPU's registers", 0);
		}
		fpu_state_init(state, area);
		thread->arch.fpu = state;
	}
	fpu_take(thread->arch.fpu);
	arch_thread_resume(thread);
}

static char fault_access(uint64_t error)
{
	if (error & BIT(4))
		return 'x';
	return error & BIT(1) ? 'w' : 'r';
}

/* Entered from trap_entry.S on the empty stack of the CPU. */
__noreturn void trap_from_user(uint64_t vector, uint64_t error)
{
	struct thread *thread = this_cpu()->current;
	const char *name = exception_name(vector);

	thread->arch.fast_exit = false;
	if (interrupt_handle(vector))
		trap_user_interrupt();
	if (vector == EXCEPTION_NM)
		fpu_wanted(thread);
	if (vector == EXCEPTION_PF) {
		switch (fault_access(error)) {
		case 'x': name = "page fault at an instruction fetch"; break;
		case 'w': name = "page fault at a write"; break;
		default: name = "page fault at a read"; break;
		}
		trap_user_fault(name, cr2_read());
	}
	trap_user_fault(name, error);
}

/* ---- from the kernel ---- */

static bool fixup_find(struct trap_frame *frame)
{
	if (frame->vector != EXCEPTION_PF && frame->vector != EXCEPTION_GP)
		return false;
	for (const struct ex_entry *e = __ex_table_start; e != __ex_table_end; e++) {
		if (e->fault != frame->rip)
			continue;
		frame->rip = e->fixup;
		return true;
	}
	return false;
}

static void nmi_handle(void)
{
	if (atomic_load(&stopper)) {
		atomic_fetch_add(&stopped, 1);
		for (;;)
			__asm__ volatile("cli; hlt");
	}
	this_cpu()->arch.nmis++;
}

/* The kernel sets no breakpoints. QEMU 7.2 keeps a guest's armed from its exit until svm_put(), and a
 * guest can have them point at the kernel: RF lets the instruction pass. */
static bool debug_ignore(struct trap_frame *frame)
{
	if (frame->vector != EXCEPTION_DB)
		return false;
	frame->rflags = (frame->rflags | RFLAGS_RF) & ~(uint64_t)RFLAGS_TF;
	return true;
}

/* The exit has taken the exception's place (SDM 3C 28.2, APM 15.12.15): the handler is called as
 * the processor would have done. */
void arch_machine_check(void)
{
	__asm__ volatile("int %0" : : "i"(EXCEPTION_MC) : "memory");
}

/* Also NMI, #MC and #DF of ring 3, which have stacks of their own. */
void trap_from_kernel(struct trap_frame *frame)
{
	if (frame->vector == EXCEPTION_NMI) {
		nmi_handle();
		return;
	}
	if (fixup_find(frame) || interrupt_handle(frame->vector) || debug_ignore(frame))
		return;
	trap_panic_frame = frame;
	if (frame->vector == EXCEPTION_PF)
		panic("page fault in the kernel: %s at 0x%llx, error 0x%llx",
		      frame->error & BIT(1) ? "write" : "read", (unsigned long long)cr2_read(),
		      (unsigned long long)frame->error);
	if (frame->vector == EXCEPTION_DF)
		panic("double fault in the kernel (a stack that overflowed?), address 0x%llx",
		      (unsigned long long)cr2_read());
	panic("%s in the kernel, error 0x%llx", exception_name(frame->vector),
	      (unsigned long long)frame->error);
}
