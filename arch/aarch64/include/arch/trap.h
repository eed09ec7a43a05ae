/* SPDX-License-Identifier: MIT */
/* Exceptions: what arrives in the kernel, and who is asked. */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H

#include <arch/layout.h>
#include <trivet/types.h>

struct thread;

/* What trap_entry.S leaves on the stack for an exception of EL2's own. */
struct trap_frame {
	uint64_t x[31];
	uint64_t sp, pc, pstate;
	uint64_t esr, far;
	uint64_t kind, reserved;
};

/* The table for VBAR_EL2 while no guest is loaded. A backend with a table of its own has its entries for EL2's
 * exceptions go to trap_kernel_NAME, which are laid out as the vectors are. */
extern const char trap_vectors[], trap_kernel_vectors[];

/* On each CPU. */
void trap_cpu_init(void);
/* Where a trap of the kernel came from that ends in a panic, for the backtrace; NULL: none. */
extern const struct trap_frame *trap_panic_frame;
/* Words for an exception's syndrome. */
const char *trap_words(uint64_t esr);
/* X0 to X30, in lines of four. */
void registers_log(const uint64_t x[31]);

/* EL0 again with the thread's registers: trap_entry.S. The CPU's stack is empty afterwards. */
__noreturn void thread_leave(struct thread *thread);

#endif
