/* SPDX-License-Identifier: MIT */
/* Exceptions and interrupts: what arrives in the kernel, and who is asked. */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H

#include <trivet/types.h>

struct thread;

/* What trap_entry.S leaves on the stack for a trap that did not come from ring 3. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

enum exception {
	EXCEPTION_DB = 1,
	EXCEPTION_NMI = 2,
	EXCEPTION_NM = 7,
	EXCEPTION_DF = 8,
	EXCEPTION_GP = 13,
	EXCEPTION_PF = 14,
	EXCEPTION_MC = 18,
	EXCEPTION_COUNT = 32,
};

/* One row for a faulting instruction in the kernel that knows where to go on. */
#define EX_TABLE(fault, fixup) \
	".pushsection .ex_table, \"a\"\n\t.quad " fault ", " fixup "\n\t.popsection\n\t"

/* Fills the IDT, which all CPUs share. */
void trap_init(void);
/* Loads it on this CPU, and where SYSCALL enters. */
void trap_cpu_init(void);
/* Handles what arch_interrupt_acknowledged() told. */
void trap_acknowledged(void);
/* From now on NMIs stop the CPU that gets them; this one goes on. False: another CPU was first, and
 * this one is to wait for its NMI. */
bool trap_stop_others(void);
/* How many have been stopped. */
uint32_t trap_stopped(void);
/* Where a trap of the kernel came from that ends in a panic, for the backtrace; NULL: none. */
extern const struct trap_frame *trap_panic_frame;

/* Ring 3 again with the thread's registers: trap_entry.S. */
__noreturn void thread_leave(struct thread *thread);
/* The way there: thread_leave(), or what does more before it. */
extern __noreturn void (*thread_door)(struct thread *thread);

#endif
