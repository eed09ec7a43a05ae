/* SPDX-License-Identifier: MIT */
/*
 * What a hosted test sets and sees of the fake machine (arch/fake/machine.c). Host-physical
 * addresses 0 to fake_ram_size are an arena of the test's process, aligned to 2 MiB.
 */
#ifndef ARCH_FAKE_H
#define ARCH_FAKE_H

#include <kernel/cpu.h>
#include <setjmp.h>

/* An arena of RAM, zeroed; a second call replaces the first. size: a multiple of 2 MiB. */
void fake_ram_init(uint64_t size);
void fake_ram_destroy(void);
extern uint64_t fake_ram_size;

/* `count` CPUs in `cpus`, CPU 0 current; time 1000, 1 GHz. */
void fake_cpus_init(uint32_t count);
void fake_cpus_destroy(void);
void fake_cpu_set(uint32_t index);

/* How the last fake_run() ended. */
enum fake_end {
	FAKE_RETURNED, /* the function returned */
	FAKE_RESUMED,  /* arch_thread_resume(fake_resumed) */
	FAKE_IDLE,     /* arch_idle() found nothing to run it for */
	FAKE_SYSTEM_END,
	FAKE_PANIC,
};
extern struct thread *fake_resumed;
/* Calls function(argument), which may leave through a function that never returns. */
enum fake_end fake_run(void (*function)(void *argument), void *argument);
/* Ends the running fake_run(); aborts the test outside of one. */
__noreturn void fake_leave(enum fake_end end);
/* The innermost fake_run() that has not ended; NULL: none. A test that runs each CPU on a stack of its
 * own puts here what belongs to the stack that it switches to. */
struct fake_frame;
extern struct fake_frame *fake_frame;

/* Called by arch_idle() and arch_interrupt_window() when set; arch_idle() then returns. */
extern void (*fake_interrupts)(void);
/* What a kicked CPU does while the kicking one is in arch_cpu_kick(); NULL: nothing. */
extern void (*fake_kicked)(struct cpu *cpu);

/* The user half: user_copy_in/out take addresses in [base, base + size) to `memory`. */
void fake_user_memory(uint64_t base, void *memory, size_t size);

#endif
